#!/bin/sh
# routing.sh MODEL quality|speed|all - every table of docs/routing.md, from the
# programs in $BENCH and the data sets in $DATA.  Tables go to the terminal and
# to bench/results/routing-STAGE.txt, the same as JSON to ...json, pictures to
# docs/.  $TOKENS and $CONTEXTS make it less; an hour otherwise.
set -eu

model=$1 stages=$2
out=bench/results
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

hash=$(sha256sum "$model" | cut -c 1-16)
policy=${POLICY:-domains/routing/$hash.json}
python3 bench/routing_inputs.py "$DATA" > "$work/inputs"

# measure STAGE NAME [VAR=VALUE...]: one table.
measure() {
    stage=$1 name=$2
    shift 2
    { env "$@" OUT="$out/routing-$name.json" BLOCKS="$work/blocks" \
        "$BENCH/routing" "$model" "$policy" "$stage" "$work/inputs" ||
        touch "$work/failed"; } | tee "$out/routing-$name.txt"
    [ ! -e "$work/failed" ]     # a pipe ends as tee does
}

quality() {
    measure curve curve
    measure simple simple
    measure hard hard
    measure long long-16k TOKENS="${TOKENS_16K:-16384}"
    measure long long-32k TOKENS="${TOKENS_32K:-32768}"
    for set in wikitext-2 contract; do
        "$BENCH/routing_plot" "$out/routing-curve.json" $set \
            "docs/routing-$set.svg"
    done
    "$BENCH/routing_plot" "$work/blocks" docs/routing-score.svg
    "$BENCH/exits" "$model" answers "$DATA/gsm8k/dev.jsonl" 12 |
        tee "$out/routing-exits.txt"
}

# Each thread's processor time counts: one of them is what a machine that others
# use can say of.
speed() {
    measure speed speed THREADS=1
    measure speed speed-32k THREADS=1 TOKENS="${TOKENS_32K:-32768}"
}

case $stages in
quality) quality ;;
speed) speed ;;
all) quality && speed ;;
*) echo "routing.sh: STAGE is quality, speed or all" >&2; exit 2 ;;
esac
