#!/usr/bin/env bash
# Random cases that the tests have no time for, from a new seed: fuzz.sh [MINUTES]
# Without MINUTES: ten million single steps of the VM beside Go cannon. With: as many as fit. A failure prints its seed.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

minutes=${1:-}
[[ "$minutes" =~ ^[0-9]*$ ]] || fail "usage: fuzz.sh [MINUTES]: '$minutes' is not a whole number"
check_rust
command -v go >/dev/null || fail "Go cannon is what opal is compared with: install Go (https://go.dev/dl)"
scripts/peers.sh cannon >/dev/null
OPAL_SEED=${OPAL_SEED:-$(date +%s)000000}
export OPAL_SEED
if [ -n "$minutes" ]; then
    export OPAL_PEER_MINUTES=$minutes
    say "single steps beside Go cannon for $minutes minutes, seeds from $OPAL_SEED"
else
    export OPAL_PEER_STEPS=10000000
    say "ten million single steps beside Go cannon, seeds from $OPAL_SEED (MIN=.. bounds the time)"
fi
cargo test --quiet --locked -p opal-harness --test peer_cannon every_random_step -- --nocapture
