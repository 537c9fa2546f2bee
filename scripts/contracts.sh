#!/usr/bin/env bash
# Builds and tests the Solidity contracts and compares them with the checked-in artifacts: contracts.sh [update]
# `update` writes the artifacts instead. The Rust build needs none of this.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

need npm npm -- "the contracts' compiler and their packages come from npm"
cd contracts
# Again when the lock file is newer than what was installed.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
    say "installing the packages of contracts/package-lock.json"
    npm ci --ignore-scripts --omit=peer --silent
    touch node_modules/.package-lock.json
fi

# The program itself: npm's wrapper would download it in a script that is not run here.
# The expression is node's.
# shellcheck disable=SC2016
forge=$(node -p 'require.resolve(`@foundry-rs/forge-${process.platform}-${{ x64: "amd64" }[process.arch] ?? process.arch}/bin/forge`)')
"$forge" fmt --check src test
"$forge" test --offline --use ./solc --quiet
folder=out/artifacts
if [ "${1:-}" = update ]; then folder=artifacts; fi
rm -rf "$folder"
./artifacts.mjs "$folder"
if ! diff --brief --recursive "$folder" artifacts; then
    fail "the contracts differ from contracts/artifacts: run scripts/contracts.sh update and commit"
fi
say "contracts/artifacts is what the sources say"
