#!/bin/sh
# real.sh PROGRAM - a short tour of the real model with a slow (sanitized)
# build: load, encode, decode two paths, record, replay.  Nothing to do where
# the model is not installed.
set -eu

prog=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

export SORITES_DB="$dir/trace.db"
model=$("$prog" info --json | sed 's/.*"model":{"path":"\([^"]*\)".*/\1/')
if [ ! -f "$model" ]; then
    echo "the real model is not installed: nothing to tour"
    exit 0
fi
"$prog" inspect "$model" >/dev/null
echo '{"id":1,"text":"The court held that the clause was void."}' >"$dir/in"
"$prog" tokenize "$dir/in" >/dev/null
"$prog" score --top 3 "$dir/in" >/dev/null
"$prog" run -q -n 2 --max-tokens 8 'Name a colour.' >/dev/null
"$prog" replay last --verify >/dev/null
"$prog" runs >/dev/null
"$prog" graph last -o "$dir/run.svg"
echo "the real model: loaded, scored, answered, recorded, replayed, drawn"
