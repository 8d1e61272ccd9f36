#!/bin/sh
# embed.sh FILE... - writes C that holds the files as NUL-terminated text:
# viz/page.css becomes page_css[].  Bytes, not string literals: C11 promises
# literals of 4095 characters only.
set -eu

echo '/* Made by viz/embed.sh.  Do not edit. */'
echo '#include "viz/page.h"'
for file in "$@"; do
    name=$(basename "$file" | tr . _)
    printf '\nconst char %s[] = {\n' "$name"
    od -An -v -td1 "$file" |
        sed 's/  *\(-\{0,1\}[0-9][0-9]*\)/\1,/g; s/^/    /'
    echo '    0'
    echo '};'
done
