#!/usr/bin/env bash
# Installs what the checks lack and downloads every package they need. After it, tests run offline.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

check_rust
need shellcheck shellcheck -- "checks the scripts"
scripts/deny.sh install
fetch_rust
# An oracle in tests with a lock of its own. The other Rust peer is for benchmarks, which may download.
say "fetching the crates of tests/peers/kona_codec"
cargo fetch --locked --quiet --manifest-path tests/peers/kona_codec/Cargo.toml

# The Go peers are for tests and benchmarks only: without a new enough Go they are skipped, never installed.
# A Go that may fetch a newer toolchain by itself (1.21 on) counts as new enough.
if ! command -v go >/dev/null; then
    skip "Go peers" "no go command"
else
    for module in cannon derive geth; do
        say "downloading the Go modules of tests/peers/$module"
        (cd "tests/peers/$module" && go mod download) || skip "Go peers" "go mod download failed in tests/peers/$module"
    done
    # Whole programs of others are built here, because that takes minutes the first time.
    say "building the Go stack where it has changed (about 5 minutes the first time)"
    scripts/peers.sh op-geth op-node op-batcher geth-node >/dev/null || skip "Go stack" "it cannot be built here"
fi

# Users' clients: without their languages they are skipped, never installed.
install_clients() {
    local status=0
    scripts/clients.sh "$1" >/dev/null || status=$?
    case "$status" in
        0) ;;
        3) skip "clients in $1" "$1 is not installed" ;;
        *) skip "clients in $1" "they cannot be installed here" ;;
    esac
}
say "installing the clients of tests/clients where their versions have changed"
install_clients node
install_clients python
