#!/usr/bin/env bash
# Builds opal if bin/opal is absent or older than its sources, and starts a devnet: scripts/devnet.sh [FLAG...]
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

sources=(Cargo.toml Cargo.lock contracts/abi contracts/artifacts contracts/client fault-proof node)
is_current() {
    [ -x bin/opal ] && [ -z "$(find "${sources[@]}" -newer bin/opal -type f -print -quit 2>/dev/null)" ]
}

is_current || scripts/build.sh
exec bin/opal devnet "$@"
