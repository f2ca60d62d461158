#!/bin/sh
# Makes the virtual environment and installs the project into it. What is missing from the system is installed
# as root or by `sudo -n`; where neither works, the one command that adds it is named.
set -eu
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}

fail() {
    echo "setup: $1" >&2
    exit 1
}

install_packages() {
    command -v apt-get >/dev/null 2>&1 || fail "missing: $*. Install them with your system's package manager, then run make again."
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else
        fail "missing: $*. Add them with: sudo apt-get install -y $*"
    fi
    $as_root apt-get update -q
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q "$@"
}

command -v "$PYTHON" >/dev/null 2>&1 || install_packages python3 python3-venv
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "Python 3.11 or newer is needed, $("$PYTHON" --version 2>&1) was found. Name another one with: make PYTHON=python3.12"

if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian splits ensurepip off into a package that bears the version's number
    install_packages "$("$PYTHON" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')"
fi

# An environment that was left half made is made anew.
"$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$PYTHON" -m venv --clear "$VENV"
echo "setup: installing into $VENV"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[speed,dev]'
