#!/bin/sh
# pictures.sh [DB] - makes the pictures of the README and the docs, with the
# program itself: the chart of speeds from the newest file that `make bench`
# wrote, the others from the demo's trace (run `make demo` first), or from DB,
# which must hold a review and a question along several paths.
set -eu
. "$(dirname "$0")/../setup/lib.sh"

docs=$(cd "$(dirname "$0")" && pwd)
db=${1:-$(xdg XDG_DATA_HOME .local/share)/demo/trace.db}

newest=$(ls "$docs"/../bench/results/*.json | sort | tail -n 1)
"${SORITES_PROG:-$docs/../sorites}" bench --chart "$newest" -o "$docs/bench.svg"

[ -f "$db" ] || die "no demo trace: run 'make demo' first"

run=${SORITES_PROG:-$docs/../sorites}

ask() {
    "$run" sql -q --json --db "$db" "$1" | sed 's/^{"v":"*//; s/"*}$//'
}

# NAME KEYS: a view of the browser, as docs/browser-NAME.svg.
view() {
    echo "$2" | "$run" browse --keys - --size "${3:-116x34}" \
        --dump-svg "$docs/browser$1.svg" "$db"
}

review=$(ask "SELECT uid AS v FROM v_review ORDER BY run_id LIMIT 1")
question=$(ask "SELECT uid AS v FROM v_run WHERE kind = 'run' ORDER BY id DESC
    LIMIT 1")
# Where paths 1 and 2 of the question part, and what was thought there.
part=$(ask "SELECT pos AS v FROM v_divergence WHERE uid = '$question' AND
    path_a = 1 AND path_b = 2")
row=$((part - 1))
"$run" lens -q "$question:1@$row" --db "$db" > /dev/null
"$run" attention -q --rows all "$question:1@$row" --db "$db" > /dev/null

open=": \"open $question\" Enter"
view '' "$open p j v" 110x32
view -compare "$open p j x j x"
view -story ": \"open $question:1@$part\" Enter s C-d"
view -heads ": \"open $question:1@$row\" Enter a t \"pens\" Enter x"
view -claims ": \"open $review\" Enter j Enter"
view -graph ": \"open $review\" Enter w"
view -review ": \"open $review\" Enter"
"$run" graph "$question" -o "$docs/graph.svg" --db "$db"
