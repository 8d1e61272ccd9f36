#!/bin/sh
# run.sh PROGRAM... - runs cmocka programs, a line each, then the sum:
#   N passed, N failed, N skipped
# A program that dies before its last test counts as one more failure.  What a
# failed program said follows its line.
#
# The programs see  SORITES_TEST_MODEL   the real model, if it is installed
#                   SORITES_SHARED       reference data, if there is any
#                   SORITES_PROG         the program to start
# and skip what they lack.  SORITES_FAST=1 leaves the real model out;
# SORITES_TEST_UNDER="valgrind -q" runs them under it; what the tests say that
# is no result, figures for the most part, goes to $SORITES_TEST_LOG as well.
set -u

model=${XDG_DATA_HOME:-$HOME/.local/share}/sorites/models
model=$model/SmolLM2-135M-Instruct.Q4_1.gguf
if [ -n "${SORITES_FAST:-}" ]; then
    unset SORITES_TEST_MODEL
elif [ -z "${SORITES_TEST_MODEL:-}" ] && [ -f "$model" ]; then
    export SORITES_TEST_MODEL="$model"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

passed=0 failed=0 skipped=0
for program in "$@"; do
    name=${program##*/}
    began=$(date +%s)
    CMOCKA_MESSAGE_OUTPUT=TAP timeout "${SORITES_TEST_LIMIT:-900}" \
        ${SORITES_TEST_UNDER:-} "$program" >"$dir/out" 2>"$dir/err" </dev/null
    rc=$?
    [ -n "${SORITES_TEST_LOG:-}" ] &&
        cat "$dir/out" "$dir/err" >>"$SORITES_TEST_LOG"
    # "1..N" announces a group's tests; "ok", "not ok", "not ok N # SKIP name".
    counts=$(awk '
        /^1\.\.[0-9]+$/          { split($0, p, "."); plan += p[3] }
        /^(not )?ok [0-9]+ # SKIP/ { skip++; next }
        /^ok [0-9]+ /            { ok++ }
        /^not ok [0-9]+ /        { bad++ }
        END { print ok + 0, bad + 0, skip + 0, plan - ok - bad - skip }
    ' "$dir/out")
    read -r ok bad skip missing <<END
$counts
END
    why=
    if [ "$rc" -eq 124 ]; then
        why=" (ran out of time)"
    elif [ "$missing" -ne 0 ] || { [ "$rc" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
        why=" (died: exit status $rc)"
    fi
    [ -n "$why" ] && bad=$((bad + 1))
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    printf '%-24s %4d passed %3d failed %3d skipped %4d s%s\n' "$name" "$ok" \
        "$bad" "$skip" $(($(date +%s) - began)) "$why"
    if [ "$bad" -gt 0 ]; then
        grep -v '^ok ' "$dir/out" | cut -c 1-400 | head -n 60 |
            sed 's/^/    /'
        tail -n 40 "$dir/err" | sed 's/^/    /'
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
