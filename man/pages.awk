# awk -v name=sorites-lens -v date=2026-11-24 -f man/pages.awk < HELP
# One manual page out of a command's --help, or, for name=sorites, out of the
# list of commands.  The help is the only text there is: pages cannot differ.
function plain(s) {             # what roff would take for its own
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    if (s ~ /^[.']/) s = "\\&" s
    return s
}
function section(title) {
    if (title != open) print ".SH " title
    open = title
}
NR == 1 {
    usage = substr($0, 8)
    printf ".TH %s 1 \"%s\" \"Sorites\" \"Sorites Manual\"\n",
           toupper(name), date
    next
}
NR <= 3 && $0 != "" && !summary {       # the first sentence is what it does
    summary = $0
    sub(/\.$/, "", summary)
    section("NAME")
    printf "%s \\- %s\n", plain(name), plain(tolower(substr(summary, 1, 1)) \
           substr(summary, 2))
    section("SYNOPSIS")
    print ".B " plain(usage)
    section("DESCRIPTION")
    next
}
/^Options:$/ { section("OPTIONS"); next }
/^Options of every command:$/ { section("OPTIONS OF EVERY COMMAND"); next }
/^Commands:$/ { section("COMMANDS"); next }
open ~ /^(OPTIONS|COMMANDS)/ && match($0, /^ +/) && RLENGTH <= 10 {
    line = $0
    sub(/^ +/, "", line)
    at = match(line, /  +/)
    print ".TP"
    print ".B " plain(at ? substr(line, 1, at - 1) : line)
    if (at) print plain(substr(line, at + RLENGTH))
    next
}
open ~ /^OPTIONS/ && match($0, /^ +/) { print plain(substr($0, RLENGTH + 1)); next }
/^$/ { if (open == "DESCRIPTION") print ".PP"; next }
{ print plain($0) }
END {
    section("FILES")
    print ".TP\n.I $XDG_DATA_HOME/sorites/trace.db\nthe default database"
    print ".TP\n.I $XDG_CONFIG_HOME/sorites/keys\nkeys of the browser"
    print ".TP\n.I $XDG_STATE_HOME/sorites/browse\nwhat the browser keeps"
    section("SEE ALSO")
    if (name == "sorites") print ".BR sorites\\-browse (1)"
    else print ".BR sorites (1)"
}
