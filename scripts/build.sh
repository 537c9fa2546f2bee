#!/usr/bin/env bash
# Builds the optimised opal, with the guest image inside, and copies it to bin/opal.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

check_rust
scripts/guest.sh
say "building opal (a few minutes the first time)"
cargo build --quiet --locked --release -p opal
mkdir -p bin
# A running opal may hold the old file: a new one takes its name.
cp "$CARGO_TARGET_DIR/release/opal" bin/opal.new
mv bin/opal.new bin/opal
say "opal is at bin/opal"
