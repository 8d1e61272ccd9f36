#!/bin/sh
# cover.sh BUILD [LIMIT FILE...] - the share of lines that the suite ran, by
# file, worst first; with a limit only of these files, and 1 where one of them
# is below it.
set -eu

build=$1 limit=${2:-0}
shift
[ $# -gt 0 ] && shift

find "$build" -name '*.gcda' ! -path '*/tests/*' | while read -r data; do
    gcov -n -o "${data%/*}" "$data" 2>/dev/null
done | awk -v limit="$limit" -v only=" $* " '
    /^File /           { split($0, q, "\047"); file = q[2] }
    /^Lines executed:/ && file ~ /^[a-z]+\/[a-z0-9_]+\.c$/ {
        split($0, p, /[:% ]+/)
        if (only ~ /^ *$/ || index(only, " " file " ")) {
            hit[file] += p[3] * p[5] / 100
            all[file] += p[5]
        }
        file = ""
    }
    END {
        n_only = split(only, wanted, " ")
        for (i = 1; i <= n_only; i++)
            if (!(wanted[i] in all))
                print "not run:  " wanted[i] "  BELOW " limit " %"
        for (f in all) {
            share = 100 * hit[f] / all[f]
            printf "%6.1f%% of %5d  %s%s\n", share, all[f], f,
                   share < limit ? "  BELOW " limit " %" : ""
            h += hit[f]
            n += all[f]
        }
        if (n)
            printf "%6.1f%% of %5d  in all\n", 100 * h / n, n
    }' | sort -n | tee "$build/cover.txt"
! grep -q BELOW "$build/cover.txt"
