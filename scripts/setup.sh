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

# The Go peers are oracles in tests only: without a new enough Go they are skipped, never installed.
# A Go that may fetch a newer toolchain by itself (1.21 on) counts as new enough.
if ! command -v go >/dev/null; then
    skip "Go peers" "no go command"
else
    for module in tests/peers/*/go.mod; do
        [ -f "$module" ] || continue
        say "downloading the Go modules of $(dirname "$module")"
        (cd "$(dirname "$module")" && go mod download) || skip "Go peers" "go mod download failed in $module"
    done
fi
