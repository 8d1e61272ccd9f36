#!/bin/sh
# peer.sh - llama.cpp to measure against, built from source into a venv of its
# own (about five minutes on two cores), and prints that venv's Python.
set -eu
. "$(dirname "$0")/lib.sh"

package=llama-cpp-python==0.3.36        # the one that the figures are from
venv=$(xdg XDG_CACHE_HOME .cache)/peer
if "$venv/bin/python" -c 'import llama_cpp' 2>/dev/null; then
    echo "$venv/bin/python"
    exit 0
fi
say "building $package into $venv; this takes some minutes"
mkdir -p "$(dirname "$venv")"
python3 -m venv "$venv" ||
    die "python3 cannot make a venv; install python3-venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check \
    --no-binary llama-cpp-python "$package" >&2 ||
    die "$package could not be built; see pip's messages above"
echo "$venv/bin/python"
