#!/bin/sh
# hard.sh - everything that SECURITY.md promises, measured.  Goes on where a
# step fails, writes build/hard/report.md (each promise, its goal, what was
# measured, the step's result and time) and the logs beside it; exits 1 where
# any step failed.
#
#   STEPS="faults fuzz"   only these; what the others measured before stays
#   SECONDS_EACH=120      for each target of the fuzzer
#   SHORT=1               faults at every few places in place of each one, but
#                         all 200 kills
#
# STEPS="" or unset means all; as make hard SECONDS=20 SHORT=1 it takes half an
# hour on two cores.
set -u

out=build/hard
all='hostile faults ndebug asan threads fuzz mutants cover lint'
steps=${STEPS:-$all}
short=${SHORT:-}
each=${SECONDS_EACH:-120}
cores=$(nproc 2>/dev/null || echo 1)
mkdir -p "$out"
failed=0

make="${MAKE:-make} --no-print-directory -j$cores"
run() {
    case $1 in
    hostile) $make hostile ;;
    faults)  $make "faults${short:+-short}" ;;
    ndebug)  $make ndebug ;;
    asan)    $make asan ;;
    threads) $make threads ;;
    fuzz)    $make SECONDS="$each" fuzz ;;
    mutants) $make mutants ;;
    cover)   $make cover-parsers ;;
    lint)    $make lint ;;
    *) echo "no such step: $1"; return 1 ;;
    esac
}

# In minutes and seconds.
took() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

began=$(date +%s)
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
    end="$end in $(took $(($(date +%s) - from)))"
    echo "$end" | tee "$out/$step.end"
    # what failed, at once: the rest may take an hour yet
    case $end in
    FAILED*) grep -E '[1-9][0-9]* failed|not ok|FOUND|nobody|BELOW|rror' \
                 "$out/$step.log" | head -n 8 | cut -c 1-200 ;;
    esac
done

# --- the report -----------------------------------------------------------

cell() { sed 's/^# *//; s/  */ /g; s/|/\\|/g' | paste -sd';' - |
             sed 's/;/<br>/g' | grep . || echo -; }
# The last lines of a step that match, or a dash.
said() {
    cat "$out/$1.said" "$out/$1.log" 2>/dev/null | grep -aE "$2" |
        tail -n "${3:-1}" | cell
}
# The results of these suites: their lines of run.sh.
suites() {
    step=$1
    shift
    for name in "$@"; do
        grep -a "^test_$name " "$out/$step.log" 2>/dev/null | tail -n 1 |
            sed 's/^test_//; s/ skipped.*/ skipped/'
    done | cell
}
ended() { cat "$out/$1.end" 2>/dev/null || echo 'not run'; }
row() { printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "$4"; }
sums='^[0-9]+ passed, [0-9]+ failed'
model=$(sed -n 's/^model name.*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit and changes"

{
    echo "# Measured by \`make hard${short:+ SHORT=1}\`"
    echo
    echo "$(date -u '+%Y-%m-%d %H:%M') UTC, commit $commit; $(uname -srm)," \
         "${model:-unknown processor}, $cores cores;" \
         "$(took $(($(date +%s) - began))) minutes."
    [ -z "$short" ] ||
        echo "The short form: faults at every few places."
    echo
    row promise goal measured step
    row --- --- --- ---
    row 'kill -9 loses nothing committed' '200 kills, 0 lost' \
        "$(said faults ' kills, ')" "faults $(ended faults)"
    row 'a power cut loses nothing committed' \
        'each prefix of the log opens clean' \
        "$(said faults 'entries of the log')" "faults $(ended faults)"
    row 'a failing or full disk is told and costs the trace only' \
        'the same tokens, a sound database' \
        "$(said faults '^#? *(write|sync|open|read|truncate|delete).* places' \
           10)<br>$(suites faults recorder_io recorder_faults cli_run)" \
        "faults $(ended faults)"
    row 'no memory is an error' 'a sentence or a completed run' \
        "$(said faults ' failed of ' 9)" "faults $(ended faults)"
    row 'places that are read-only or missing' 'path and reason, exit 3' \
        "$(suites faults db_place)" "faults $(ended faults)"
    row 'two recorders; readers while recording; the WAL' \
        '1 of 50 records; 0 errors of readers; 64 MiB' \
        "$(suites faults db_write)" "faults $(ended faults)"
    row 'SQL reads and nothing else' '0 bytes changed, 1 s' \
        "$(suites faults sql_fence)" "faults $(ended faults)"
    row 'signals, closed pipes, clocks, a model cut while mapped' \
        'the terminal restored, the trace closed' \
        "$(suites faults tui_term cli_faults cli_lost clock_steps)" \
        "faults $(ended faults)"
    row 'files are private, nothing listens' '0 files, 0 sockets' \
        "$(suites faults private)" "faults $(ended faults)"
    row 'models, adapters, packs damaged at every byte, cut at every length' \
        '0 crashes, 0 hangs, under 1 s' \
        "$(said hostile 'one byte damaged' 12)" "hostile $(ended hostile)"
    row 'models damaged at random, in their meaning' \
        '0 crashes, 0 over 20 s, 0 bad ones accepted' \
        "$(said hostile 'models with' 4)" "hostile $(ended hostile)"
    row 'hostile files, traces, documents, calibrations' '0 failures' \
        "$(said hostile "$sums")" "hostile $(ended hostile)"
    row 'the same without assertions' '0 failures' \
        "$(said ndebug "$sums")" "ndebug $(ended ndebug)"
    row 'no undefined behaviour, no read out of bounds (ASan, UBSan)' \
        '0 reports' "$(said asan "$sums")" "asan $(ended asan)"
    row 'no data race (TSan: recorder, pool, browser)' '0 reports' \
        "$(said threads "$sums")" "threads $(ended threads)"
    row "fuzzing, $each s each" '0 found' \
        "$(said fuzz ' inputs| FOUND' 12)" "fuzz $(ended fuzz)"
    row 'every check of the loader is tested' '0 missed' \
        "$(said mutants 'taken out one at a time')" \
        "mutants $(ended mutants)"
    row 'parsers: lines that the tests run' '95 % of each file' \
        "$(said cover 'in all|BELOW' 9)" "cover $(ended cover)"
    row 'text commands no terminal, page or picture' '0' \
        "$(suites asan viz tui cli_review hostile_trace)" "asan $(ended asan)"
    row 'clang-tidy, cppcheck' '0 findings' \
        "$(said lint 'warning|error' 3)" "lint $(ended lint)"
} >"$out/report.md"
cat "$out/report.md"
exit "$failed"
