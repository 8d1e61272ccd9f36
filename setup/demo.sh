#!/bin/sh
# demo.sh - the main job, start to end, on the real model: a contract with
# planted faults is reviewed, a clause is struck and the verdict goes with it,
# the review is proved and a forgery found out; then a question along several
# paths.  What it leaves lies in the demo folder under the XDG data folder;
# nothing else is touched.
set -eu
. "$(dirname "$0")/lib.sh"

dir=$(xdg XDG_DATA_HOME .local/share)/demo
samples=$PWD/domains/legal/samples
question='Tom has 3 red pens and 5 blue pens. How many pens does Tom have?'

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
else
    bold='' plain=''
fi

title() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# Shows the command as a person would type it, or paste it, then runs it.
sorites() {
    printf '$ sorites'
    for word in "$@"; do
        case $word in
        *\'*) printf ' "%s"' "$(printf %s "$word" | sed 's/[\\"$`]/\\&/g')" ;;
        *[!A-Za-z0-9_./:=,-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$program" "$@"
}

# Puts $3 over $2, which is as long, wherever the file $1 has it.
forge() {
    at=$(grep -abo "$2" "$1" | head -n 1 | cut -d: -f1)
    [ -n "$at" ] || die "\"$2\" is not to be found in $1"
    printf %s "$3" | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
}

# One value that the database answers with.
ask() {
    "$program" sql -q --json --db trace.db "$1" |
        sed 's/^{"v"://; s/}$//'
}

program=$PWD/sorites
SORITES_DOMAINS=${SORITES_DOMAINS:-$PWD/domains}
export SORITES_DOMAINS
[ -x "$program" ] || die "build the program first: make"
mkdir -p "$dir"
cd "$dir"
rm -f trace.db* forged.db* reasoning.svg report.html nda*.txt claim.json
cp "$samples/nda.txt" nda.txt

title '1. A contract is reviewed: this machine only, nothing is sent anywhere'
cat <<END
  nda.txt is our own text with nine planted faults (listed in
  domains/legal/samples/README.md).  Rules find faults and quote them; a
  135-million-parameter model with an adapter reads every clause and decides
  seventeen points along eight paths each.  Every line says which it was,
  every verdict how likely it is right.
END
sorites review --db trace.db nda.txt || die "it was not reviewed"
sorites report last -q -o report.html --db trace.db || die "no report"

title '2. Does the verdict hang on the clause?  Clause 2.4 is struck out'
claim=$(ask "SELECT text AS v FROM v_claim WHERE name = 'nda-11' LIMIT 1")
printf '[{"id":"nda-11","text":%s}]\n' "$claim" > claim.json
grep -v '^2\.4 ' nda.txt > nda-without-2.4.txt
sorites sql --db trace.db "SELECT claim, note, clause FROM v_check
    WHERE claim = 'nda-11' AND kind = 'knockout'" || die "no check"
sorites review -q --claims claim.json --db trace.db nda-without-2.4.txt \
    > struck.txt || die "it was not reviewed"
sorites sql --db trace.db "SELECT r.document, c.title, c.verdict,
    round(c.confidence, 2) AS probability FROM v_claim c
    JOIN v_review r ON r.run_id = c.run_id WHERE c.name = 'nda-11'" ||
    die "no verdicts"

title '3. Does the review compute the same again, to the bit?'
review=$(ask "SELECT substr(uid, 1, 8) AS v FROM v_review
    ORDER BY run_id LIMIT 1" | tr -d '"')
sorites replay "$review" --verify --db trace.db || die "it does not"

title '4. Any SQLite client reads it: who must do what, and by when'
sorites sql --db trace.db "SELECT clause, bearer, act, deadline FROM v_norm
    WHERE deadline IS NOT NULL AND uid LIKE '$review%'" || die "no rows"

title '5. Nine years are written over five in the record'
cp trace.db forged.db
forge forged.db 'this Agreement for five (5) years' \
    'this Agreement for nine (9) years'
if sorites replay "$review" --verify --db forged.db; then
    die "the change was not noticed"
fi

title '6. The same instruments on a question: four paths, votes, replay'
sorites run -n 4 --temperature 0.6 --seed 1 --max-tokens 120 --db trace.db \
    "$question" || die "the question was not answered"
sorites replay last --verify --db trace.db || die "it does not"
sorites graph last -o reasoning.svg --db trace.db || die "not drawn"

title 'Now look around'
cat <<END
  cd $dir
  $program browse trace.db
  $program decide $review nda-4 accept --name You --db trace.db
  the report: $dir/report.html
END
