#!/bin/sh
# quality.sh MODEL [TEXT] - what each type of weights costs in size, speed and
# quality: the table of docs/quantisation.md, in Markdown on stdout.
#
# MODEL's weights, decoded, are written as F16, and that as every other type.
# Quality: bench/quality.c on the first $TOKENS tokens of TEXT in chunks of
# $CHUNK.  Speed: `sorites bench` without a trace, the types in turn, $ROUNDS
# times; medians, as the machine may be busy with other things.
#
#   SORITES_PROG, QUALITY   the programs (./sorites, build/bench/quality)
#   TYPES                   a subset;  TYPE+TYPE: matrices + embedding
#   KEEP=DIR                where the models are put, and stay
set -eu

model=$1
shared=${SORITES_SHARED:-../shared}
text=${2:-$shared/data/text/wikitext-2-raw-test.txt}
prog=${SORITES_PROG:-./sorites}
quality=${QUALITY:-build/bench/quality}
types=${TYPES:-F32 Q8_0 Q6_K Q5_K Q4_K Q4_1 Q4_0 Q4_0+Q4_0}
tokens=${TOKENS:-20000} chunk=${CHUNK:-1024} rounds=${ROUNDS:-5}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
put=${KEEP:-$dir}
mkdir -p "$put"

if [ ! -f "$text" ]; then
    echo "quality: no text at $text; give one: make quality TEXT=FILE" >&2
    exit 3
fi

# name, file, bytes, share of the weights that changed: a line a model
encode() {      # FROM TYPE
    embedding=${2#*+}
    [ "$embedding" = "$2" ] && embedding= || embedding="--embedding $embedding"
    # shellcheck disable=SC2086
    "$prog" quantize -q --json $embedding "$1" "$put/$2.gguf" "${2%%+*}" \
        >"$dir/json"
    field='\([^,]*\)'
    sed "s|.*\"bytes\":$field,.*\"rms_change\":$field,.*|\1 \2|
         s|^|$2 $put/$2.gguf |" "$dir/json"
}
encode "$model" F16 >"$dir/list"
echo "as-given $model $(wc -c <"$model") 0" >>"$dir/list"
for type in $types; do
    encode "$put/F16.gguf" "$type" >>"$dir/list"
done

# shellcheck disable=SC2046
"$quality" "$text" "$tokens" "$chunk" $(cut -d ' ' -f 2 "$dir/list") \
    >"$dir/quality"

round=0
while [ "$round" -lt "$rounds" ]; do
    while read -r name file rest; do
        "$prog" bench -q --json -m "$file" --trace off -r 1 \
            --only pp512,tg128 </dev/null >"$dir/json"
        tr '{' '\n' <"$dir/json" |
            sed -n "s/\"name\":\"\([a-z0-9]*\)\",\"tok_s\":\([^,]*\),.*/\1 \2/
                    s/^[pt]/$name &/p"
    done <"$dir/list"
    round=$((round + 1))
done >"$dir/speed"

echo "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)" \
     "$(getconf _NPROCESSORS_ONLN) threads, $(date -u +%Y-%m-%d)" |
    sed 's/ \([0-9]* threads\)/, \1/'
echo
awk '
    function median(name, work,    n, i, j, t) {
        n = count[name, work]
        for (i = 1; i <= n; i++)
            v[i] = speed[name, work, i]
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && v[j] < v[j - 1]; j--) {
                t = v[j]; v[j] = v[j - 1]; v[j - 1] = t
            }
        return n ? (v[int((n + 1) / 2)] + v[int((n + 2) / 2)]) / 2 : 0
    }
    FILENAME ~ /speed$/ { speed[$1, $2, ++count[$1, $2]] = $3; next }
    FILENAME ~ /list$/  { name[$2] = $1; bytes[$2] = $3; change[$2] = $4; next }
    FNR == 1 {
        ref = $1
        print "| type | MB | of F16 | weights changed | perplexity | loss |" \
              " KL, nats | same token | pp512 | tg128 (least, most) |" \
              " tg128 to F16 |"
        print "|---|---|---|---|---|---|---|---|---|---|---|"
    }
    {
        n = name[$1]
        f16 = median(name[ref], "tg128")
        prompt = median(n, "pp512")
        write = median(n, "tg128")      # leaves its runs in v, in order
        printf "| %s | %.1f | %.1f %% | %.2f %% | %.3f | %+.2f %% ± %.2f |" \
            " %.5f | %.1f %% | %.0f | %.0f (%.0f, %.0f) | %.2fx |\n", n,
            bytes[$1] / 1e6, 100 * bytes[$1] / bytes[ref], 100 * change[$1],
            $3, $4, $5, $6, $7, prompt, write, v[1], v[count[n, "tg128"]],
            f16 ? write / f16 : 0
    }' "$dir/speed" "$dir/list" FS='\t' "$dir/quality"
