#!/bin/sh
# Makes .venv beside the sources and installs podhawk into it. Usage: [PYTHON=python3.13] scripts/setup.sh [extras]
set -eu
cd "$(dirname "$0")/.."
python=""
for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "podhawk needs Python 3.11 or newer; none was found${PYTHON:+ at $PYTHON}." >&2
    exit 1
fi
if [ ! -x .venv/bin/python ]; then
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "$python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
        exit 1
    fi
fi
stamp=".venv/installed-${1:-plain}"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".${1:+[$1]}"
    # An editable install leaves no bytecode behind, and where Python may write none, each start would pay for it.
    .venv/bin/python -m compileall -q src
    touch "$stamp"
fi
