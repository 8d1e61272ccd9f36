#!/bin/sh
# lint.sh FLAGS... -- FILE.c... - clang-tidy (.clang-tidy) and cppcheck, both to
# come out clean.  Two files at a time.
set -u

flags=
while [ "$1" != -- ]; do
    flags="$flags $1"
    shift
done
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

printf '%s\n' "$@" |
    xargs -P 2 -n 8 sh -c 'flags=$1; shift
        clang-tidy --quiet "$@" -- $flags 2>/dev/null' tidy "$flags" >"$log"
tidy=$?
# A header's finding comes once per file that includes it.
grep -E '(error|warning):' "$log" | sort -u
cppcheck -q --enable=warning,performance,portability --inline-suppr \
    --std=c11 --error-exitcode=1 -j 2 -I. -D_POSIX_C_SOURCE=200809L \
    --suppress='invalidFunctionArg:tests/*' --library=tests/cppcheck.cfg "$@"
cpp=$?
[ "$tidy" -eq 0 ] && [ "$cpp" -eq 0 ]
