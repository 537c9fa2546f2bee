#!/usr/bin/env bash
# Bans, licences and sources of all dependencies (deny.toml). Advisories need a network and are left out.
# `deny.sh install` only installs cargo-deny.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

version=0.20.2
# No registry carries the program ready-made under its own name, so it is built once.
home=$OPAL_CACHE/tools/cargo-deny-$version
tool=$home/bin/cargo-deny

from_source() {
    say "building cargo-deny $version (about 5 minutes, once)"
    cargo install --quiet --locked --version "$version" --root "$home" cargo-deny
}

if ! "$tool" --version >/dev/null 2>&1; then from_source; fi
if [ "${1:-}" = install ]; then exit; fi
"$tool" --offline --locked check --hide-inclusion-graph bans licenses sources
