# awk -f tests/layers.awk tests/layers.txt FILE... - names every #include that
# tests/layers.txt does not allow.  Project headers and the third-party ones
# below need a rule; what the system gives everybody does not.
BEGIN {
    guarded = "^(sqlite3|.*curses|term\\.h|histedit|graphviz|gvc|cgraph|cdt|cblas|" \
              "openblas|lapack|cjson|cJSON|cmocka|pcre2|utf8proc|openssl|xxhash)"
}

# 1: some rule of `who` allows the header; -1: one denies it; 0: none speaks.
function judge(who, header,    i, prefix, said) {
    for (i = 1; i <= n[who]; i++) {
        prefix = rule[who, i]
        if (prefix ~ /^!/) {
            if (index(header, substr(prefix, 2)) == 1)
                return -1
        } else if (index(header, prefix) == 1)
            said = 1
    }
    return said + 0
}

FILENAME ~ /layers\.txt$/ {
    if ($1 !~ /^#/ && NF == 2)
        rule[$1, ++n[$1]] = $2
    next
}

match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]+/) {
    header = substr($0, RSTART, RLENGTH)
    system_header = header ~ /</
    sub(/.*[<"]/, "", header)
    folder = FILENAME
    sub(/\/[^\/]*$/, "", folder)
    by_folder = judge(folder, header)
    by_file = judge(FILENAME, header)
    if (by_folder >= 0 && by_file >= 0 && (by_folder + by_file > 0 ||
        (system_header && header !~ guarded)))
        next
    printf "%s:%d: may not include %s\n", FILENAME, FNR, header
    bad = 1
}

END { exit bad }
