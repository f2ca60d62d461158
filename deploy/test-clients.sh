#!/bin/sh
# Installs what the tests of `make test-clients` need into the virtual environment and into tests/clients/node, from the
# locks in deploy/locks and tests/clients/node.
# Node comes from pip where the system has none that is new enough: Debian's is older than the clients ask for.
set -eu
VENV=${VENV:-.venv}
NODE_VERSION=22
export PIP_ONLY_BINARY="${PIP_ONLY_BINARY-:all:}"

fail() {
    echo "test-clients: $1" >&2
    exit 1
}

# install VENV LOCK
install() {
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement "deploy/locks/$2.txt"
}

# Whether there is an npm, and a node of NODE_VERSION or newer.
has_node() {
    command -v npm >/dev/null 2>&1 && version=$(node --version 2>/dev/null) || return 1
    version=${version#v}
    [ "${version%%.*}" -ge "$NODE_VERSION" ]
}

echo "test-clients: installing into $VENV"
install "$VENV" clients

apart=$VENV/.clients-apart
echo "test-clients: installing into $apart"
"$apart/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m venv --clear "$apart"
install "$apart" build
install "$apart" clients-apart
PYTHONWARNINGS=ignore "$apart/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
    --no-build-isolation --editable .

PATH=$(cd "$VENV/bin" && pwd):$PATH
if ! has_node; then
    echo "test-clients: installing Node into $VENV"
    # shellcheck disable=SC2015 # whichever of them fails
    install "$VENV" node && hash -r && has_node ||
        fail "missing: Node $NODE_VERSION or newer, with npm. pip has none for this system: install it, then run make again."
fi

echo "test-clients: installing into tests/clients/node"
npm --prefix tests/clients/node ci --silent --no-audit --no-fund --ignore-scripts
