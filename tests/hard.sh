#!/bin/sh
# hard.sh - everything that SECURITY.md promises, measured; an hour or two.
# Writes build/hard/report.md, a line for each promise with what was measured,
# and the logs beside it.  Fails where any step did.
#
#   STEPS="faults fuzz"  only these      FUZZ_SECONDS=120  each target
set -u

out=build/hard
steps=${STEPS:-hostile faults ndebug asan threads fuzz mutants cover lint}
mkdir -p "$out"
failed=0

make="${MAKE:-make} --no-print-directory"
run() {
    case $1 in
    hostile) $make hostile ;;
    faults)  $make faults ;;
    ndebug)  $make ndebug ;;
    asan)    $make asan ;;
    threads) $make threads ;;
    fuzz)    $make SECONDS="${FUZZ_SECONDS:-120}" fuzz ;;
    mutants) $make mutants ;;
    cover)   $make cover-parsers ;;
    lint)    $make lint ;;
    esac
}

for step in $steps; do
    from=$(date +%s)
    : >"$out/$step.said"
    printf '%-8s ' "$step"
    # figures are in the messages of the tests (run.sh keeps them there)
    export SORITES_TEST_LOG="$PWD/$out/$step.said"
    if run "$step" >"$out/$step.log" 2>&1
    then end=passed
    else end=FAILED failed=1
    fi
    echo "$end $(($(date +%s) - from))" | tee "$out/$step.end"
done

# The last line of a step's log that matches, or a dash.
said() {
    cat "$out/$1.said" "$out/$1.log" 2>/dev/null |
        grep -E "$2" | tail -n "${3:-1}" | sed 's/^# *//; s/|/\\|/g' |
        paste -sd';' - | sed 's/;/<br>/g' | grep . || echo -
}
ended() { cut -d' ' -f1 "$out/$1.end" 2>/dev/null || echo 'not run'; }
row() { printf '| %s | %s | %s |\n' "$1" "$2" "$3"; }
sums='^[0-9]+ passed, [0-9]+ failed'

{
    echo "# Measured by \`make hard\`"
    echo
    echo "$(date -u +%Y-%m-%d), $(uname -sm)," \
         "commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
    echo
    row 'promise' 'measured' 'step'
    row '---' '---' '---'
    row 'kill -9 loses nothing committed' \
        "$(said faults ' kills, ')" "$(ended faults)"
    row 'a power cut loses nothing committed' \
        "$(said faults 'entries of the log')" "$(ended faults)"
    row 'a failing or full disk is told and costs the trace only' \
        "$(said faults '^#? *(write|sync|open|read|truncate|delete).* places' \
           10)" "$(ended faults)"
    row 'no memory is an error' \
        "$(said faults ' failed of ' 9)" "$(ended faults)"
    row 'places, locks, signals, readers, SQL fence, files, network' \
        "$(said faults "$sums")" "$(ended faults)"
    row 'models, adapters, packs damaged at every byte, cut at every length' \
        "$(said hostile 'one byte damaged' 9)" "$(ended hostile)"
    row 'hostile files, traces and documents' \
        "$(said hostile "$sums")" "$(ended hostile)"
    row 'the same without assertions' \
        "$(said ndebug "$sums")" "$(ended ndebug)"
    row 'no undefined behaviour, no read out of bounds (ASan, UBSan)' \
        "$(said asan "$sums")" "$(ended asan)"
    row 'no data race (TSan: recorder, pool, browser)' \
        "$(said threads "$sums")" "$(ended threads)"
    row 'fuzzing' "$(said fuzz ' inputs ' 12)" "$(ended fuzz)"
    row 'every check of the loader is tested' \
        "$(said mutants 'taken out one at a time')" "$(ended mutants)"
    row 'parsers: lines that the tests run' \
        "$(said cover 'in all')" "$(ended cover)"
    row 'clang-tidy, cppcheck' '' "$(ended lint)"
} >"$out/report.md"
cat "$out/report.md"
exit "$failed"
