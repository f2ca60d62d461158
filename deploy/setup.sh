#!/bin/sh
# Makes the virtual environment and installs the project into it; with the argument `dev` also what the checks need, with
# `tools` what `make lock` and `make audit` need, and no project. Everything comes from deploy/locks, which hold exact
# versions and the hashes of their files, but for Debian's packages: its archive keeps no older versions.
# What is missing from the system is installed as root or by `sudo -n`; where neither works, or SYSTEM_PACKAGES=no is
# set, the one command that adds it is named.
set -eu
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
# Wheels only: what a source archive is built with is in no lock. Set it empty where a platform has no wheels.
export PIP_ONLY_BINARY="${PIP_ONLY_BINARY-:all:}"
# What tests start beside Python: a program and the Debian package that has it, a pair a line. tests/programs.py reads
# it; there a missing program leaves its tests out, by name, and fails them where CI=true.
TEST_PROGRAMS="
nginx:nginx-light
caddy:caddy
docker-compose:docker-compose
prometheus:prometheus
promtool:prometheus
prometheus-alertmanager:prometheus-alertmanager
amtool:prometheus-alertmanager
shellcheck:shellcheck
curl:curl
"

fail() {
    echo "setup: $1" >&2
    exit 1
}

# Sets as_root to the words that a command needs before it to run as root; fails where there are none.
become_root() {
    [ "${SYSTEM_PACKAGES:-}" != no ] || return 1
    if [ "$(id -u)" = 0 ]; then as_root=""; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else return 1; fi
}

install_packages() {
    command -v apt-get >/dev/null 2>&1 || fail "missing: $*. Install them with your system's package manager, then run make again."
    become_root || fail "missing: $*. Add them with: sudo apt-get install -y $*"
    $as_root apt-get update -q
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q "$@"
}

# The packages of TEST_PROGRAMS that are missing.
missing_packages() {
    for pair in $TEST_PROGRAMS; do
        # Debian keeps servers where a person's PATH does not look
        (PATH="$PATH:/usr/sbin:/sbin"; command -v "${pair%%:*}") >/dev/null 2>&1 || printf ' %s' "${pair#*:}"
    done
}

# Debian starts what it installs, unless a policy says no: the tests start these programs themselves.
# shellcheck disable=SC2016 # for the shell that root runs
INSTALL='
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap "rm -f $policy" EXIT
        printf "#!/bin/sh\nexit 101\n" >$policy && chmod +x $policy
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
'
install_test_programs() {
    command -v apt-get >/dev/null 2>&1 && become_root && $as_root apt-get update -q &&
        $as_root sh -c "$INSTALL" install "$@"
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
pip_install() { "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
case ${1:-} in tools | dev) lock=$1 ;; *) lock=image ;; esac
# pip itself comes first: whichever one the system brought, the locked one installs the rest.
for name in build "$lock"; do
    pip_install --require-hashes --requirement "deploy/locks/$name.txt" ||
        fail "deploy/locks/$name.txt was not installed; pip's reason is above. The locks have wheels for Python 3.11 to 3.14 on Linux and on arm64 macOS; what has none for yours is built with: PIP_ONLY_BINARY= make setup"
done
[ "${1:-}" != tools ] || exit 0
# setuptools warns of every editable installation
PYTHONWARNINGS=ignore pip_install --no-deps --no-build-isolation --editable .
[ "${1:-}" = dev ] || exit 0

missing=$(missing_packages)
# shellcheck disable=SC2086 # a list of words
if [ -n "$missing" ] && ! install_test_programs $missing; then
    told="missing for some tests:$missing. Add with: sudo apt-get install -y --no-install-recommends$missing"
    [ "${CI:-}" != true ] || fail "$told"
    echo "setup: $told" >&2
fi
