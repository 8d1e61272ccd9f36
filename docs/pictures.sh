#!/bin/sh
# pictures.sh - makes the pictures of the README, with the program itself: the
# chart of speeds from the newest file that `make bench` wrote, the others from
# the demo's trace.  Run `make demo` first.
set -eu
. "$(dirname "$0")/../setup/lib.sh"

docs=$(cd "$(dirname "$0")" && pwd)
db=$(xdg XDG_DATA_HOME .local/share)/demo/trace.db

newest=$(ls "$docs"/../bench/results/*.json | sort | tail -n 1)
"$docs/../sorites" bench --chart "$newest" -o "$docs/bench.svg"

[ -f "$db" ] || die "no demo trace: run 'make demo' first"

# The heat map of path 1: tokens down, layers across.
echo 'Enter Enter j v' |
    "$docs/../sorites" browse --keys - --dump-svg "$docs/browser.svg" \
        --size 110x32 "$db"
"$docs/../sorites" graph last -o "$docs/graph.svg" --db "$db"
