#!/usr/bin/env bash
# Installs the clients of tests/clients into the cache and prints the folder of each: clients.sh [--offline] node|python...
# node: cast, anvil, supersim (programs in FOLDER/bin), viem, @eth-optimism/viem, ethers (FOLDER/node_modules).
# python: a virtual environment with web3 (FOLDER/bin/python).
# They are installed again only when their list of versions changes.
# --offline uses only what an earlier run has installed: that is how the tests call it.
# Exit status 3: node and npm, or python3 with its venv module, are not installed.
set -euo pipefail
clients=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/clients" && pwd)
cache="${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}/clients"
limit_s=600
offline=

key() { (cd "$clients" && cat "$@") | sha256sum | cut -c -16; }
missing() { echo "clients: $1" >&2; exit 3; }

# The programs lie in packages for one platform each; their post-install scripts would only link them.
install_node() {
    local folder=$1 program
    cp "$clients/package.json" "$clients/package-lock.json" "$folder/"
    (cd "$folder" && timeout "$limit_s" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    mkdir "$folder/bin"
    for program in cast anvil; do
        ln -s "$folder"/node_modules/@foundry-rs/$program-*/bin/$program "$folder/bin/$program"
    done
    ln -s ../node_modules/supersim/bin/supersim "$folder/bin/supersim"
}

install_python() {
    python3 -m venv "$1"
    timeout "$limit_s" "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --requirement "$clients/requirements.txt" >&2
}

# A virtual environment keeps its own path, so it is made in place; the mark behind it says that it is whole.
install() {
    local name=$1 folder=$2
    if [ -n "$offline" ]; then
        echo "clients: $name is not installed: run scripts/clients.sh with a network" >&2
        exit 1
    fi
    echo "clients: installing $name" >&2
    rm -rf "$folder"
    mkdir -p "$folder"
    "install_$name" "$folder"
    touch "$folder/complete"
}

if [ "${1:-}" = --offline ]; then
    shift
    offline=yes
fi
for name in "$@"; do
    case "$name" in
        node)
            if ! node --version >/dev/null 2>&1 || ! npm --version >/dev/null 2>&1; then
                missing "node and npm are not installed"
            fi
            folder=$cache/node-$(key package.json package-lock.json)
            ;;
        python)
            python3 -c 'import ensurepip, venv' 2>/dev/null || missing "python3 or its venv module is not installed"
            folder=$cache/python-$(key requirements.txt)-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
            ;;
        *) echo "clients: there is no client $name" >&2; exit 64 ;;
    esac
    mkdir -p "$cache"
    # As in peers.sh: tests of several processes ask at once.
    exec 9>"$cache/$name.lock"
    flock -w "$limit_s" 9
    if [ ! -e "$folder/complete" ]; then install "$name" "$folder"; fi
    exec 9>&-
    echo "$folder"
done
