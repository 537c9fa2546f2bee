#!/usr/bin/env bash
# What README promises, on a fresh machine: a Debian in a folder, with git, curl, make and this machine's Rust toolchain.
# As root, with debootstrap installed: fresh.sh [devnet|tests|all] [FOLDER]; all of it without an argument.
# devnet: `make devnet` until it is ready. tests: all checks, twice.
# The folder is removed first, and afterwards unless a run failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

what=${1:-all}
folder=$(realpath -m "${2:-${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}/fresh}")
case "$what" in
    devnet | tests | all) ;;
    *) echo "fresh.sh: there is no $what" >&2 && exit 64 ;;
esac
vectors=$(realpath "${OPAL_VECTORS:-../shared/vectors}")
suite=bookworm

unmount() { for place in proc dev opal/shared/vectors; do umount -q "$folder/$place" || true; done; }
# What is mounted there must never be removed with it.
clear_folder() { unmount && rm -rf --one-file-system "$folder"; }

make_machine() {
    debootstrap --variant=minbase --include=git,curl,ca-certificates,make $suite "$folder" >/dev/null
    # As an installed Debian has them: the fixes of the release come from two more suites of the same mirror.
    local mirror
    mirror=$(awk '$1 == "deb" { print $2; exit }' "$folder/etc/apt/sources.list")
    printf 'deb %s %s main\n' "$mirror" $suite "$mirror" $suite-updates \
        "$mirror-security" $suite-security >"$folder/etc/apt/sources.list"
    cp /etc/resolv.conf /etc/hosts "$folder/etc/"
    cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
    cp -a "$(rustc --print sysroot)" "$folder/opt/rust"
    mkdir -p "$folder/opal/shared/vectors"
    git clone -q . "$folder/opal/main"
    mount -t proc proc "$folder/proc"
    mount --bind /dev "$folder/dev"
    mount --bind -o ro "$vectors" "$folder/opal/shared/vectors"
}

# In the fresh clone: run COMMAND
run() {
    env -i HOME=/root PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot "$folder" bash -c "cd /opal/main || exit; $1"
}

# The devnet runs until it is told to stop; its ready line is what is waited for.
# shellcheck disable=SC2016 # expands on the fresh machine
try_devnet() {
    run 'make devnet FLAGS=--json >/tmp/devnet.log & make=$!
        while ! grep -m 1 ready_ms /tmp/devnet.log && kill -0 $make 2>/dev/null; do sleep 1; done
        grep -q ready_ms /tmp/devnet.log || { cat /tmp/devnet.log; exit 1; }
        kill $make && wait $make || true'
}

try_tests() {
    local round start
    for round in first second; do
        start=$SECONDS
        run .ci/run
        echo "==> $round run: $((SECONDS - start)) seconds"
    done
}

clear_folder
trap unmount EXIT
make_machine
if [ "$what" != tests ]; then try_devnet; fi
if [ "$what" != devnet ]; then try_tests; fi
clear_folder
