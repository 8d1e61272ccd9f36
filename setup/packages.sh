#!/bin/sh
# packages.sh [build|peer|check|browser]... - installs, through apt, what the
# given stages need and this machine lacks.  Nothing missing: says and does
# nothing.
set -eu
. "$(dirname "$0")/lib.sh"

# probe, Debian package, stage.  "cmd:x" is a program, "pc:x" a pkg-config
# module, "py:x" a Python module.
table='
cmd:cc              gcc                 build
cmd:make            make                build
cmd:pkg-config      pkg-config          build
cmd:python3         python3             build
py:pip              python3-pip         build
cmd:dot             graphviz            build
cmd:sqlite3         sqlite3             build
pc:sqlite3          libsqlite3-dev      build
pc:libcjson         libcjson-dev        build
pc:libgvc           libgraphviz-dev     build
pc:openblas         libopenblas-dev     build
pc:ncursesw         libncurses-dev      build
pc:libpcre2-8       libpcre2-dev        build
pc:libedit          libedit-dev         build
pc:libutf8proc      libutf8proc-dev     build
pc:libcrypto        libssl-dev          build
pc:libxxhash        libxxhash-dev       build
pc:libarchive       libarchive-dev      build
pc:expat            libexpat1-dev       build
cmd:pdftotext       poppler-utils       build
pc:cmocka           libcmocka-dev       build
cmd:c++             g++                 peer
py:ensurepip        python3-venv        peer
cmd:clang           clang               check
cmd:clang-tidy      clang-tidy          check
cmd:cppcheck        cppcheck            check
cmd:valgrind        valgrind            check
cmd:chromium        chromium            browser
cmd:chromedriver    chromium-driver     browser
py:ensurepip        python3-venv        browser
cmd:soffice         libreoffice-writer-nogui browser
'

has() {
    case $1 in
    cmd:*) command -v "${1#cmd:}" ;;
    pc:*)  pkg-config --exists "${1#pc:}" ;;
    py:*)  python3 -c "import ${1#py:}" ;;
    esac >/dev/null 2>&1
}

missing=
for stage in "${@:-build}"; do
    while read -r probe package of; do
        [ "$of" = "$stage" ] || continue
        has "$probe" || missing="$missing $package"
    done <<END
$table
END
done
[ -n "$missing" ] || exit 0

say "this machine lacks:$missing"
command -v apt-get >/dev/null ||
    die "no apt-get here; install the equivalents by hand and run again"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
        die "neither root nor sudo; as root: apt-get install$missing"
    as_root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q >&2 ||
    say "apt-get update failed; trying with the lists that are here"
# shellcheck disable=SC2086 # the list is meant to be split
$as_root apt-get install -q -y --no-install-recommends $missing >&2 ||
    die "apt-get could not install:$missing"
