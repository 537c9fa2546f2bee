#!/usr/bin/env bash
# Builds the programs of tests/peers into the cache and prints the path of each: peers.sh [--offline] NAME...
# Oracles behind a pipe: cannon, derive, geth (Go), kona_codec, kona (Rust; the latter for benchmarks only).
# The Go stack as its users run it: op-node, op-batcher, op-geth (folder stack), geth-node (plain geth, an L1).
# A program is rebuilt only when its folder changes.
# --offline uses only what an earlier run has downloaded: that is how the tests call it.
# Exit status 3: Go is not installed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
peers=$root/tests/peers
vectors=${OPAL_VECTORS:-$root/../shared/vectors}
cache="${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}/peers"
limit_s=1200

# Everything that goes into the program, by content, wherever the clone lies.
key() { (cd "$peers/$1" && find . -type f -not -path './target/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c -16; }

need_go() { command -v go >/dev/null || { echo "peers: Go is not installed" >&2; exit 3; }; }

build_go() {
    need_go
    (cd "$peers/$1" && timeout "$limit_s" go build -trimpath -buildvcs=false -o "$2" .)
}

# What the module optimism embeds but does not carry; its programs compare the hash when they start.
superchain_configs=op-core/superchain/superchain-configs.zip

# A copy of the module with that file, named after its version and the file's hash; prints its path.
optimism_with_configs() {
    local zip=$vectors/peers/superchain-configs-aug4.zip source sum copy
    source=$(go mod download -json github.com/ethereum-optimism/optimism | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    sum=$(sha256sum "$zip" | cut -d ' ' -f 1)
    copy=$cache/stack/${source##*/}-${sum:0:16}
    if [ ! -d "$copy" ]; then
        rm -rf "$copy.new"
        cp -r "$source" "$copy.new"
        chmod -R u+w "$copy.new"
        cp "$zip" "$copy.new/$superchain_configs"
        printf '%s  superchain-configs.zip\n' "$sum" >"$copy.new/$superchain_configs.sha256"
        mv "$copy.new" "$copy"
    fi
    echo "$copy"
}

# A program of somebody else's module, unchanged: build_foreign FOLDER PACKAGE PROGRAM
# The go.mod in the folder pins the versions; the one used is a copy of it in the cache.
build_foreign() {
    need_go
    local folder=$1 package=$2 program=$3 optimism
    local modfile=${program%/*}/${program##*/}.mod
    (
        cd "$peers/$folder"
        cp go.mod "$modfile"
        cp go.sum "${modfile%.mod}.sum"
        if [ "$folder" = stack ]; then
            optimism=$(optimism_with_configs)
            go mod edit -replace "github.com/ethereum-optimism/optimism=$optimism" "$modfile"
        fi
        timeout "$limit_s" go build -modfile "$modfile" -trimpath -buildvcs=false -ldflags='-s -w' -o "$program" "$package"
    )
}

# Compiled with the machine's own C compiler and cargo; locked, in a target folder apart from opal's.
build_rust() {
    local target="$cache/$1/target"
    (cd "$peers/$1" && env -u CARGO_BUILD_BUILD_DIR CARGO_TARGET_DIR="$target" \
        timeout "$limit_s" cargo build --quiet --locked --release "${cargo_offline[@]}")
    cp "$target/release/${1//_/-}-peer" "$2"
}

folder_of() {
    case "$1" in
        op-node | op-batcher | op-geth) echo stack ;;
        geth-node) echo geth_node ;;
        cannon | derive | geth | kona | kona_codec) echo "$1" ;;
        *) echo "peers: there is no peer $1" >&2; exit 64 ;;
    esac
}

build() {
    case "$1" in
        cannon | derive | geth) build_go "$1" "$2" ;;
        kona | kona_codec) build_rust "$1" "$2" ;;
        op-geth) build_foreign stack github.com/ethereum/go-ethereum/cmd/geth "$2" ;;
        op-node | op-batcher) build_foreign stack "github.com/ethereum-optimism/optimism/$1/cmd" "$2" ;;
        geth-node) build_foreign geth_node github.com/ethereum/go-ethereum/cmd/geth "$2" ;;
    esac
}

cargo_offline=()
if [ "${1:-}" = --offline ]; then
    shift
    export GOPROXY=off GOFLAGS="${GOFLAGS:-} -mod=readonly"
    cargo_offline=(--offline)
fi
for name in "$@"; do
    folder=$(folder_of "$name")
    program="$cache/$folder/$(key "$folder")/$name-peer"
    mkdir -p "$(dirname "$program")"
    # Tests of several processes ask at once: the first builds, the others wait and find it done.
    exec 9>"$cache/$folder/lock"
    flock -w "$limit_s" 9
    if [ ! -x "$program" ]; then
        echo "peers: building $name" >&2
        build "$name" "$program.new"
        mv "$program.new" "$program"
    fi
    exec 9>&-
    echo "$program"
done
