# setup/lib.sh - sourced by the set-up scripts: where things are kept, and how
# a failure is told.

# xdg VARIABLE DEFAULT: the folder; an unset, empty or relative value means the
# default (XDG Base Directory Specification 0.8).
xdg() {
    eval "dir=\${$1:-}"
    case $dir in
    /*) ;;
    *) dir=$HOME/$2 ;;
    esac
    echo "$dir/sorites"
}

say() {
    echo "setup: $*" >&2
}

die() {
    say "$*"
    exit 1
}

# A Python that has pip: the system's, else a venv of ours.  Sets $python.
need_pip() {
    python=python3
    command -v python3 >/dev/null || die "python3 is missing; run 'make deps'"
    python3 -m pip --version >/dev/null 2>&1 && return
    venv=$(xdg XDG_CACHE_HOME .cache)/venv
    python=$venv/bin/python
    [ -x "$python" ] || python3 -m venv "$venv" ||
        die "python3 has neither pip nor venv; install python3-pip"
}
