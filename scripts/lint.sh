#!/usr/bin/env bash
# Formats and lints; warnings are errors here, not at the desk.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

check_rust
need shellcheck shellcheck -- "checks the scripts"
shellcheck -x scripts/*.sh tests/clients/*.sh .ci/run
if check_component fmt rustfmt; then cargo fmt --all --check; fi
if check_component clippy clippy; then cargo clippy --quiet --workspace --all-targets --locked -- -D warnings; fi
