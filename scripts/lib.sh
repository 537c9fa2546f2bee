# shellcheck shell=bash
# Shared by the scripts beside it: where things are kept, and how missing tools come here.
# Source it first; it leaves the shell in the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Outside the clone, so that the next clone finds the dependencies compiled.
export OPAL_CACHE="${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$OPAL_CACHE/target}"
export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"
mkdir -p "$OPAL_CACHE" "$CARGO_TARGET_DIR"

say() { printf '==> %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# One line in the closing table about what did not run here: skip WHAT WHY
skip() {
    printf 'skipped: %s: %s\n' "$1" "$2"
    if [ -n "${OPAL_SKIPS:-}" ]; then printf '%s: %s\n' "$1" "$2" >>"$OPAL_SKIPS"; fi
}

# Installs Debian packages and says so: apt_install WHY PACKAGE...
apt_install() {
    local why=$1 root=()
    shift
    command -v apt-get >/dev/null || fail "$why: install $* (no apt-get here)"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "$why: as root, run apt-get install $*"
        root=(sudo)
    fi
    say "installing $* ($why)"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends)
    # The package lists may be absent or old: fetch them only when the first try fails.
    "${root[@]}" "${apt[@]}" "$@" >"$OPAL_CACHE/apt.log" 2>&1 || {
        "${root[@]}" apt-get update -qq
        "${root[@]}" "${apt[@]}" "$@" >"$OPAL_CACHE/apt.log" 2>&1
    } || {
        tail -n 20 "$OPAL_CACHE/apt.log" >&2
        fail "could not install $*"
    }
}

# Installs the package where the command is missing: need COMMAND PACKAGE... -- WHY
need() {
    local command=$1 packages=()
    shift
    while [ "$1" != -- ]; do packages+=("$1") && shift; done
    command -v "$command" >/dev/null || apt_install "$2" "${packages[@]}"
}

# The compiler must be as new as the manifest says.
check_rust() {
    local wanted found
    command -v cargo >/dev/null || fail "no cargo found: install a Rust toolchain (rustup, or your system's)"
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
        fail "rustc $found is too old: opal needs $wanted or newer (rustup update stable)"
    fi
    need cc build-essential -- "a C compiler for the dependencies' C parts"
}

# fmt and clippy come with rustup's default profile; a minimal one lacks them.
check_component() {
    cargo "$1" --version >/dev/null 2>&1 && return
    if command -v rustup >/dev/null; then
        say "installing the toolchain component $2"
        rustup component add "$2" && return
    fi
    skip "$1" "the Rust toolchain has no $2"
    return 1
}

# Everything the Rust tests download, so that they can run offline.
fetch_rust() {
    say "fetching the crates of Cargo.lock"
    cargo fetch --locked --quiet
}
