#!/usr/bin/env bash
# Builds the programs of tests/peers into the cache and prints the path of each: peers.sh [--offline] NAME...
# NAME is cannon, derive or geth (Go modules), kona_codec or kona (Rust; the latter for benchmarks only). A program is
# rebuilt only when its folder changes.
# --offline uses only what an earlier run has downloaded: that is how the tests call it.
# Exit status 3: Go is not installed.
set -euo pipefail
peers=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/peers" && pwd)
cache="${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}/peers"
limit_s=1200

# Everything that goes into the program, by content, wherever the clone lies.
key() { (cd "$peers/$1" && find . -type f -not -path './target/*' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -c -16; }

build_go() {
    command -v go >/dev/null || { echo "peers: Go is not installed" >&2; exit 3; }
    (cd "$peers/$1" && timeout "$limit_s" go build -trimpath -buildvcs=false -o "$2" .)
}

# Compiled with the machine's own C compiler and cargo; locked, in a target folder apart from opal's.
build_rust() {
    local target="$cache/$1/target"
    (cd "$peers/$1" && env -u CARGO_BUILD_BUILD_DIR CARGO_TARGET_DIR="$target" \
        timeout "$limit_s" cargo build --quiet --locked --release "${cargo_offline[@]}")
    cp "$target/release/${1//_/-}-peer" "$2"
}

cargo_offline=()
if [ "${1:-}" = --offline ]; then
    shift
    export GOPROXY=off GOFLAGS="${GOFLAGS:-} -mod=readonly"
    cargo_offline=(--offline)
fi
for name in "$@"; do
    program="$cache/$name/$(key "$name")/$name-peer"
    mkdir -p "$(dirname "$program")"
    # Tests of several processes ask at once: the first builds, the others wait and find it done.
    exec 9>"$cache/$name/lock"
    flock -w "$limit_s" 9
    if [ ! -x "$program" ]; then
        echo "peers: building $name" >&2
        case "$name" in
            cannon | derive | geth) build_go "$name" "$program.new" ;;
            kona | kona_codec) build_rust "$name" "$program.new" ;;
            *) echo "peers: there is no peer $name" >&2; exit 64 ;;
        esac
        mv "$program.new" "$program"
    fi
    exec 9>&-
    echo "$program"
done
