#!/bin/sh
# report_browser.sh BUILD [SHOTS] - tests/report_browser.py with what it needs:
# Debian's Chromium and its driver, and selenium from PyPI in BUILD/browser.
# The model's part runs where the default model is installed, or where
# $SORITES_TEST_MODEL names one.
set -eu

build=$1
venv=$build/browser

sh "$(dirname "$0")/../setup/packages.sh" browser
if [ ! -x "$venv/bin/python" ] ||
    ! "$venv/bin/python" -c 'import selenium' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install -q 'selenium>=4,<5'
fi
model=${XDG_DATA_HOME:-$HOME/.local/share}/sorites/models
model=${SORITES_TEST_MODEL:-$model/SmolLM2-135M-Instruct.Q4_1.gguf}
if [ -f "$model" ]; then
    export SORITES_MODEL="$model"
fi
shift
exec "$venv/bin/python" "$(dirname "$0")/report_browser.py" "$build/sorites" "$@"
