#!/bin/sh
# demo.sh - the main job, start to end, on the real model.  What it leaves lies
# in build/demo/.
set -eu
. "$(dirname "$0")/lib.sh"

out=build/demo
db=$out/trace.db
question='What is 17 + 25? Think step by step.'

run() {
    printf '\n$ sorites'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    ./sorites "$@" || die "this step of the demo failed: sorites $1"
}

rm -rf "$out"
mkdir -p "$out"
run run --db "$db" -n 8 --seed 1 --max-tokens 160 "$question"
run replay last --db "$db" --verify
run graph last --db "$db" -o "$out/reasoning.svg"
run sql "$db" "SELECT * FROM v_vote"
run sql "$db" "SELECT layer, round(avg(entropy), 3) AS attention_entropy,
    count(*) AS tokens FROM v_layer GROUP BY layer LIMIT 5"

cat <<END

In $out/:
  trace.db        everything that was recorded; any SQLite client reads it
  reasoning.svg   the reasoning as a graph

Look around in it:  ./sorites browse $db
END
