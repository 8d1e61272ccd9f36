#!/bin/sh
# embed.sh FILE.sql... - writes C that holds the files as NUL-terminated text:
# db/migrations/NNN_name.sql become db_migrations[], db/views.sql becomes
# db_views_sql[].  Bytes, not string literals: C11 promises literals of 4095
# characters only.
set -eu

bytes() {
    od -An -v -td1 "$1" | sed 's/  *\(-\{0,1\}[0-9][0-9]*\)/\1,/g; s/^/    /'
    echo "    0"
}

echo '/* Made by db/embed.sh.  Do not edit. */'
echo '#include "db/sql_embed.h"'
table=
n=0
views=
for file in "$@"; do
    name=${file##*/}
    case $name in
    views.sql)
        views=$file
        ;;
    [0-9][0-9][0-9]_*.sql)
        num=${name%%_*}
        version=$(expr "$num" + 0)
        n=$((n + 1))
        if [ "$version" -ne "$n" ]; then
            echo "$file: expected migration number $n" >&2
            exit 1
        fi
        printf '\nstatic const char db_migration_%s[] = {\n' "$num"
        bytes "$file"
        echo '};'
        table="$table    { $version, db_migration_$num },
"
        ;;
    *)
        echo "$file: neither views.sql nor NNN_name.sql" >&2
        exit 1
        ;;
    esac
done
printf '\nconst struct db_sql db_migrations[] = {\n%s    { 0, 0 }\n};\n' "$table"
printf 'const int db_n_migrations = %d;\n' "$n"
printf '\nconst char db_views_sql[] = {\n'
bytes "${views:-/dev/null}"
echo '};'
