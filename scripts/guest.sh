#!/bin/sh
# Builds the MIPS64 guest images: the program of fault-proof/guest and the benchmark guests of tests/guests.
#
#   scripts/guest.sh [build|check|update]
#
# build (default): images to $OPAL_GUEST_DIR, default <target directory>/guest. check: builds the program a second
# time from a copy of the sources in another folder and demands the same bytes. update: build, then record the
# image's hash in fault-proof/guest/image.toml.
#
# Toolchain: Debian's rustc-web, cargo-web, rust-web-src and the linker of gcc-mips64-linux-gnuabi64; what lacks is
# installed with apt-get. OPAL_GUEST_TOOLCHAIN=NAME uses that rustup toolchain with its rust-src component instead.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
target_dir=${CARGO_TARGET_DIR:-${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}/target}
out=${OPAL_GUEST_DIR:-$target_dir/guest}
linker=mips64-linux-gnuabi64-ld
image_toml=$root/fault-proof/guest/image.toml

say() { echo "guest: $*" >&2; }

install_missing() {
    missing=
    command -v $linker >/dev/null || missing="$missing gcc-mips64-linux-gnuabi64"
    if [ -z "${OPAL_GUEST_TOOLCHAIN:-}" ]; then
        [ -x /usr/bin/rustc ] || missing="$missing rustc-web"
        [ -x /usr/bin/cargo ] || missing="$missing cargo-web"
        [ -e /usr/lib/rustlib/src/rust/library/core/Cargo.toml ] || missing="$missing rust-web-src"
    fi
    [ -n "$missing" ] || return 0
    say "installs$missing (apt-get)"
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -q >&2
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends $missing >&2
}

choose_toolchain() {
    if [ -n "${OPAL_GUEST_TOOLCHAIN:-}" ]; then
        rustc=$(rustup which --toolchain "$OPAL_GUEST_TOOLCHAIN" rustc)
        cargo=$(rustup which --toolchain "$OPAL_GUEST_TOOLCHAIN" cargo)
    else
        rustc=/usr/bin/rustc
        cargo=/usr/bin/cargo
    fi
    sysroot=$("$rustc" --print sysroot)
}

# build_workspace MANIFEST_DIR SOURCE_ROOT TARGET_DIR [cargo arguments]: a guest build whose bytes depend on the sources
# and the toolchain only, not on paths, user or host.
build_workspace() {
    workspace=$1; source_root=$2; build_target=$3; shift 3
    sources=$(readlink -f "$sysroot/lib/rustlib/src/rust")
    flags="-Clink-arg=-e_start -Clink-arg=-Ttext-segment=0x400000 -Clink-arg=--build-id=none"
    flags="$flags -Cllvm-args=-mno-check-zero-division"
    flags="$flags --remap-path-prefix=$source_root=/opal"
    flags="$flags --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    flags="$flags --remap-path-prefix=$sources=/rust --remap-path-prefix=$sysroot/lib/rustlib/src/rust=/rust"
    (
        cd "$workspace"
        unset CARGO_BUILD_TARGET CARGO_ENCODED_RUSTFLAGS RUSTC_WRAPPER CARGO_BUILD_RUSTC_WRAPPER
        unset CARGO_BUILD_BUILD_DIR CARGO_INCREMENTAL
        RUSTC_BOOTSTRAP=1 RUSTC=$rustc RUSTFLAGS=$flags CARGO_TARGET_DIR=$build_target \
            "$cargo" build --quiet --locked --profile guest -Zbuild-std=core,alloc -Zjson-target-spec \
            --target "$source_root/fault-proof/guest/mips64-unknown-none.json" "$@"
    )
}

build_program() { # SOURCE_ROOT TARGET_DIR
    build_workspace "$1" "$1" "$2" -p opal-guest
}

image_of() { echo "$1/mips64-unknown-none/guest/opal-guest"; }
hash_of() { sha256sum "$1" | cut -d' ' -f1; }
linker_version() { $linker --version | head -n 1; }
recorded() { sed -n "s/^$1 = \"\(.*\)\"\$/\1/p" "$image_toml"; }

# The recorded hash binds the toolchain it names; with another one a difference is only worth a notice.
compare_with_record() {
    actual=$(hash_of "$out/opal-guest.elf")
    if [ "$actual" = "$(recorded sha256)" ]; then
        say "image is the recorded one: $actual"
    elif [ "$("$rustc" -vV | tr '\n' ';')" = "$(recorded rustc)" ] && [ "$(linker_version)" = "$(recorded linker)" ]; then
        say "image is $actual, image.toml says $(recorded sha256)"
        say "if the change is meant: scripts/guest.sh update"
        return 1
    else
        say "notice: image is $actual, recorded is $(recorded sha256) of another toolchain"
    fi
}

build_all() {
    mkdir -p "$out"
    build_program "$root" "$target_dir/guest-build"
    cp "$(image_of "$target_dir/guest-build")" "$out/opal-guest.elf"
    build_workspace "$root/tests/guests" "$root" "$target_dir/guest-build"
    for name in keccak_chain evm_loop hex_trie runtime_check; do
        cp "$target_dir/guest-build/mips64-unknown-none/guest/$name" "$out/$name.elf"
    done
    say "images are in $out"
}

check_other_path() {
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    mkdir "$copy/elsewhere"
    (cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy/elsewhere")
    build_program "$copy/elsewhere" "$copy/target"
    cmp "$(image_of "$copy/target")" "$out/opal-guest.elf"
    say "a build from another path gives the same bytes"
}

write_record() {
    cat > "$image_toml" <<END
# The guest image, written by \`scripts/guest.sh update\`: with this compiler and linker a build must give this hash.
sha256 = "$(hash_of "$out/opal-guest.elf")"
rustc = "$("$rustc" -vV | tr '\n' ';')"
linker = "$(linker_version)"
END
}

install_missing
choose_toolchain
case ${1:-build} in
    build) build_all && compare_with_record ;;
    check) build_all && compare_with_record && check_other_path ;;
    update) build_all && write_record && compare_with_record ;;
    *) say "usage: scripts/guest.sh [build|check|update]"; exit 64 ;;
esac
