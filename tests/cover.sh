#!/bin/sh
# cover.sh BUILD - the share of lines that the suite ran, by file, worst first.
set -eu

find "$1" -name '*.gcda' ! -path '*/tests/*' | while read -r data; do
    gcov -n -o "${data%/*}" "$data" 2>/dev/null
done | awk '
    /^File /           { split($0, q, "\047"); file = q[2] }
    /^Lines executed:/ && file ~ /^[a-z]+\/[a-z0-9_]+\.c$/ {
        split($0, p, /[:% ]+/)
        hit[file] += p[3] * p[5] / 100
        all[file] += p[5]
        file = ""
    }
    END {
        for (f in all) {
            printf "%6.1f%% of %5d  %s\n", 100 * hit[f] / all[f], all[f], f
            h += hit[f]
            n += all[f]
        }
        if (n)
            printf "%6.1f%% of %5d  in all\n", 100 * h / n, n
    }' | sort -n
