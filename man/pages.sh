#!/bin/sh
# pages.sh PROGRAM DIR - writes the manual pages into DIR: sorites.1, one page
# for each command, and the browser's keys after its page.
set -eu
program=$1 dir=$2
here=$(cd "$(dirname "$0")" && pwd)
day=$(date -u +%Y-%m-%d)
mkdir -p "$dir"

page() {
    awk -v name="$1" -v date="$day" -f "$here/pages.awk" > "$dir/$1.1"
}

"$program" --help | page sorites
for c in $("$program" --help | awk '/^Commands:/ { on = 1; next }
                                    on && NF == 0 { exit } on { print $1 }'); do
    "$program" "$c" --help | page "sorites-$c"
done

# The keys, from the tables that the keys go by.
empty=$dir/.empty.db
rm -f "$empty"*
"$program" sql -q --write --db "$empty" 'SELECT 1' > /dev/null
{
    echo '.SH KEYS'
    echo '.nf'
    echo '?' | "$program" browse "$empty" --keys - --dump - --no-unicode \
        --size 100x120 | sed -e '1d' -e 's/\\/\\e/g' -e 's/-/\\-/g' \
        -e "s/^[.']/\\\\\\&&/" | awk 'NF { blank = 0 } !NF { blank++ }
        blank < 2' | sed '$d'
    echo '.fi'
} >> "$dir/sorites-browse.1"
rm -f "$empty"*
