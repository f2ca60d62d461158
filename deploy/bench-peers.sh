#!/bin/sh
# Installs gpt2giga and LiteLLM's proxy for `make bench-peers`, each into an environment of its own, from the locks in
# deploy/locks: what they ask for does not fit together, nor with what the gateway has.
set -eu
VENV=${VENV:-.venv}

for peer in gpt2giga litellm; do
    environment=$VENV/.peers-$peer
    echo "bench-peers: installing into $environment"
    "$environment/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m venv --clear "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        --requirement "deploy/locks/peers-$peer.txt"
done
