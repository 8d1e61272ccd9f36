#!/bin/sh
# tests/fuzz.sh DIR SECONDS TARGET... - runs each fuzz target for so long.
#
# DIR holds the programs, their corpora (DIR/corpus/NAME, kept from run to run)
# and what they find (DIR/found/NAME-...).  What was found and mended lives on
# as tests/fuzz/found/NAME-*: it is run first, every time.  Prints one line a
# target and fails if any target did.
dir=$1 seconds=$2
shift 2
here=$(dirname "$0")
failed=0 passed=0

# Sessions of 400 keys: ways into the views, then what random hands would press.
walks() {
    awk -v dir="$1" 'BEGIN {
        n = split("jljl* jlp*jlt jlpxjjxs jlpvcll jlyljl jlu jlpljdw " \
                  "Glj*jj Gljl*IiY Gljjl+- Glw Gl Glld'"'"' jbjb'"'"'", way, " ")
        keys = "jjjkkkhhlllg/a?:()()Y+-*iIcvtepxsadwyuofbnNOFZrm[]<"
        srand(1)
        for (i = 0; i < 28; i++) {
            s = way[i % n + 1]
            while (length(s) < 400)
                s = s substr(keys, int(rand() * length(keys)) + 1, 1) \
                    (rand() < 0.1 ? "\r" : rand() < 0.05 ? "\033" : "")
            printf "%s", s > (dir "/" i)
        }
    }'
}

# A little of what each target knows: the shipped texts and the tests' files.
seed() {
    mkdir -p "$dir/corpus/$1" "$dir/found"
    [ -n "$(ls -A "$dir/corpus/$1")" ] && return
    case $1 in
    gguf | adapter | tokenizer | import | otlp | docx)
        "$dir/seed" "$1" "$dir/corpus/$1" ;;
    document) for f in "$here"/../domains/*/samples/*; do
                  [ -f "$f" ] && cp "$f" "$dir/corpus/$1/"
              done ;;
    sql) printf 'SELECT * FROM v_step;' > "$dir/corpus/$1/one" ;;
    keys) walks "$dir/corpus/$1" ;;
    esac
    return 0
}

for name in "$@"; do
    seed "$name"
    log=$dir/$name.log
    most=10                             # seconds for one input
    [ "$name" = keys ] && most=60       # hundreds of screens on a busy machine
    known=$(find "$here/fuzz/found" -name "$name-*" 2>/dev/null)
    if { [ -z "$known" ] || "$dir/$name" $known; } > "$log" 2>&1 &&
       "$dir/$name" -max_total_time="$seconds" -timeout="$most" -rss_limit_mb=2048 \
           -max_len=65536 -artifact_prefix="$dir/found/$name-" \
           -print_final_stats=1 "$dir/corpus/$name" >> "$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$log")
        keys=$(sed -n 's/^stat::keys_played: \([0-9]*\)$/, \1 keys/p' "$log" |
               tail -n 1)
        printf '%-12s %9s inputs%s  nothing found\n' "$name" "${runs:-0}" \
            "$keys"
        passed=$((passed + 1))
    else
        printf '%-12s FOUND something: %s\n' "$name" "$log"
        sed -n '/ERROR\|broken promise\|SUMMARY/p' "$log" | head -3
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
