#!/bin/sh
# datasette.sh BUILD - does a trace work in Datasette, with sorites.so?  Asks
# the PyPI package, which it installs into BUILD/datasette; says "skipped" and
# succeeds where that cannot be done.  A Python whose sqlite3 loads no
# extensions is asked for the views alone.
set -eu

build=$1
packages=$build/datasette
db=$build/datasette.db

skip() {
    echo "datasette: skipped: $1"
    exit 0
}

# A Python that loads extensions, if there is one.
loads='import sqlite3
sqlite3.connect(":memory:").enable_load_extension(True)'
python=python3
for p in python3 /usr/bin/python3; do
    if "$p" -c "$loads" 2>/dev/null && "$p" -m pip --version >/dev/null 2>&1
    then
        python=$p
        break
    fi
done
if [ ! -d "$packages" ]; then
    timeout 300 "$python" -m pip install -q --target "$packages.tmp" \
        datasette >/dev/null 2>&1 || skip "the package cannot be installed"
    mv "$packages.tmp" "$packages"
fi
load=
if [ -f "$build/sorites.so" ] && "$python" -c "$loads" 2>/dev/null; then
    load="--load-extension $build/sorites.so"
fi

datasette() {
    PYTHONPATH="$packages" "$python" -m datasette "$@"
}

rm -f "$db" "$db"-*
"$build/bench/cookbook" --make "$db" 2000 2>/dev/null

# ask PATH WANTED - the answer to a GET has this in it
ask() {
    # shellcheck disable=SC2086 # two words or none
    got=$(datasette "$db" $load --get "$1" 2>&1) || true
    case $got in
    *"$2"*) ;;
    *)  echo "datasette: $1 has no $2: $(echo "$got" | tail -c 400)" >&2
        exit 1 ;;
    esac
}

# sql QUERY WANTED
sql() {
    q=$("$python" -c 'import sys, urllib.parse
print(urllib.parse.quote(sys.argv[1]))' "$1")
    ask "/datasette.json?_shape=array&sql=$q" "$2"
}

ask /datasette v_vote
ask /datasette/v_vote.json '"answer"'
ask '/datasette/v_token.json?path_id=1&_size=5' '"logprob"'
if [ -n "$load" ]; then
    sql "SELECT count(*) AS n FROM heads(1, 60)" '"n": 216'
    sql "SELECT entropy(votes) > 0.5 AS divided FROM v_vote WHERE run_id = 1" \
        '"divided": 1'
    sql "SELECT op FROM path_diff('last:0', 'last:1') WHERE op <> '=' LIMIT 1" \
        '"op"'
fi
sql "DELETE FROM token" "Statement must be a SELECT"
rm -f "$db" "$db"-*
with="views"
[ -z "$load" ] || with="views and functions"
echo "datasette: $(datasette --version) shows $with"
