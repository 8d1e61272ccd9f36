#!/bin/sh
# demo.sh - the main job, start to end, on the real model: answer and record,
# prove, draw, query, tamper and be found out.  What it leaves lies in the demo
# folder under the XDG data folder; nothing else is touched.
set -eu
. "$(dirname "$0")/lib.sh"

dir=$(xdg XDG_DATA_HOME .local/share)/demo
question='Tom has 3 red pens and 5 blue pens. How many pens does Tom have?'
forged='Tom has 3 red pens and 6 blue pens. How many pens does Tom have?'

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
    bold='' plain=''
fi

title() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Shows the command as a person would type it, then runs it.
sorites() {
    printf '$ sorites'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=,-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$program" "$@"
}

# Puts the forged question over the recorded one, byte by byte.
forge() {
    at=$(grep -abo "$question" "$1" | head -n 1 | cut -d: -f1)
    [ -n "$at" ] || die "the question is not to be found in $1"
    printf %s "$forged" |
        dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

program=$PWD/sorites
[ -x "$program" ] || die "build the program first: make"
mkdir -p "$dir"
cd "$dir"
rm -f trace.db* forged.db* reasoning.svg

title '1. One question, eight paths over one shared prompt, all of it recorded'
sorites run -n 8 --temperature 0.6 --seed 1 --max-tokens 120 --db trace.db \
    "$question" || die "the question was not answered"

title '2. Does the recorded run compute the same again, to the bit?'
sorites replay last --verify --db trace.db || die "it does not"

title '3. Its reasoning, drawn'
sorites graph last -o reasoning.svg --db trace.db || die "not drawn"
ls -l reasoning.svg

title '4. Any SQLite client reads it'
sorites sql trace.db "SELECT answer, votes, n_voted, round(share, 2) AS share,
    paths FROM v_vote" || die "no votes"
sorites sql trace.db "SELECT layer, round(avg(norm_out)) AS residual_norm,
    round(avg(attn_entropy), 2) AS attention_entropy FROM v_layer
    WHERE path_id = 1 AND layer % 6 = 5 GROUP BY layer" || die "no layers"

title '5. One digit of the record is changed: 5 blue pens become 6'
cp trace.db forged.db
forge forged.db
if sorites replay last --verify --db forged.db; then
    die "the change was not noticed"
fi

title 'Now look around'
cat <<END
  cd $dir
  $program browse trace.db
END
