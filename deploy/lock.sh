#!/bin/sh
# Renews the locks: every package of every environment at one version for Python 3.11 to 3.14 and all platforms, with
# the hashes of its files. `make lock` renews all of them; PACKAGES="aiohttp pillow" only these, where the rest allows it.
# A release counts from the day that it is AGE old: most that are hostile are found before. AGE="0 days" takes all.
set -eu
cd "$(dirname "$0")/.."
UV=${UV:-.venv/.tools/bin/uv}
AGE=${AGE:-7 days}
PACKAGES=${PACKAGES:-}
LOCKS=deploy/locks
PROJECT=setup.cfg

if [ -z "$PACKAGES" ]; then
    renew=--upgrade
else
    renew=
    for package in $PACKAGES; do renew="$renew --upgrade-package $package"; done
fi

# compile LOCK ARGUMENT...: the lock of what the arguments ask for
compile() {
    lock=$1
    shift
    echo "lock: $lock"
    # shellcheck disable=SC2086 # a list of words
    "$UV" pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --custom-compile-command "make lock" --exclude-newer "$AGE" $renew --output-file "$lock" "$@"
}

# check LOCK PLATFORM: each Python finds wheels with the lock's hashes
check() {
    for python in 3.11 3.12 3.13 3.14; do
        echo "lock: wheels of $1 for Python $python on $2"
        "$UV" pip install --quiet --no-config --dry-run --target .venv/nowhere --require-hashes \
            --only-binary :all: --python-version "$python" --python-platform "$2" --requirement "$LOCKS/$1.txt"
    done
}

# The image comes first: what it holds, the others hold in the same version.
compile $LOCKS/image.txt $PROJECT --extra speed --extra images
compile $LOCKS/dev.txt $PROJECT --extra speed --extra images --extra dev --constraints $LOCKS/image.txt
compile $LOCKS/mutants.txt $PROJECT --extra mutants --constraints $LOCKS/dev.txt
compile $LOCKS/fuzz.txt $PROJECT --extra fuzz --constraints $LOCKS/dev.txt
compile $LOCKS/clients.txt $PROJECT --extra clients --constraints $LOCKS/dev.txt
compile $LOCKS/clients-apart.txt $PROJECT --extra clients-apart --constraints $LOCKS/image.txt
# What installs the others and builds the project; what renews and audits; Node, where the system has none.
compile $LOCKS/build.txt $LOCKS/build.in --constraints $LOCKS/dev.txt
compile $LOCKS/tools.txt $LOCKS/tools.in
compile $LOCKS/node.txt $LOCKS/node.in
# Beside what the gateway is measured, each with what it asks for.
compile $LOCKS/peers-gpt2giga.txt $LOCKS/peers-gpt2giga.in
compile $LOCKS/peers-litellm.txt $LOCKS/peers-litellm.in
compile deploy/worker/requirements.txt deploy/worker/requirements.in --constraints $LOCKS/dev.txt

for machine in x86_64 aarch64; do
    for lock in build dev mutants fuzz clients clients-apart tools node; do check "$lock" "$machine-unknown-linux-gnu"; done
    check image "$machine-unknown-linux-musl"
done
