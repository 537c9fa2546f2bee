#!/usr/bin/env bash
# Prints the figures that opal is judged by, each beside its peer of the same run: bench.sh [FOLDER_OF_BLOCKS...]
# The first run builds the peers (kona-executor: about 5 minutes). Nothing else should run meanwhile.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

folders=("$(realpath "${OPAL_VECTORS:-../shared/vectors}")/op-sepolia-blocks")
for folder in "$@"; do folders+=("$(realpath "$folder")"); done

check_rust
# A peer that cannot be built leaves its column out and says so: peer_option NAME WHY
peer_option() {
    local program
    if program=$(scripts/peers.sh "$1"); then peer=(--peer "$program"); else peer=() && skip "$1" "$2"; fi
}

scripts/guest.sh
printf '\n%s, %s, %s\n' "$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)" "$(nproc) cores" "$(rustc --version)"
guests=${OPAL_GUEST_DIR:-$CARGO_TARGET_DIR/guest}
peer_option cannon "the Go peer cannot be built here"
cargo bench --quiet --locked -p opal-mips --bench speed -- \
    "$guests"/{hex_trie,keccak_chain,evm_loop}.elf "${peer[@]}"
peer_option kona "kona-executor cannot be built here"
cargo bench --quiet --locked -p opal-host --bench blocks -- "${folders[@]}" "${peer[@]}"
recordings=("$PWD/tests/recordings/first")
for folder in "${OPAL_VECTORS:-../shared/vectors}"/derivation/*/; do recordings+=("$(realpath "$folder")"); done
cargo bench --quiet --locked -p opal-host --bench derive -- "${recordings[@]}"
# supersim, op-node and op-geth stand beside it where they are there.
scripts/clients.sh node >/dev/null || skip "supersim" "it cannot be installed here"
scripts/peers.sh op-geth op-node op-batcher geth-node >/dev/null || skip "Go stack" "it cannot be built here"
cargo bench --quiet --locked -p opal-engine --bench engine
cargo bench --quiet --locked -p opal --bench devnet
