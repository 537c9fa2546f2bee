#!/usr/bin/env bash
# Runs all checks twice on a fresh machine: a Debian in a folder, with git, curl and this machine's Rust toolchain only.
# As root, with debootstrap installed: fresh.sh [FOLDER]. The folder is removed first, and afterwards unless a run failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=$(realpath -m "${1:-${OPAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/opal}/fresh}")
vectors=$(realpath "${OPAL_VECTORS:-../shared/vectors}")
suite=bookworm

unmount() { for place in proc dev opal/shared/vectors; do umount -q "$folder/$place" || true; done; }
# What is mounted there must never be removed with it.
clear_folder() { unmount && rm -rf --one-file-system "$folder"; }

make_machine() {
    debootstrap --variant=minbase --include=git,curl,ca-certificates $suite "$folder" >/dev/null
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

run() {
    env -i HOME=/root PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot "$folder" bash -c 'cd /opal/main && .ci/run'
}

clear_folder
trap unmount EXIT
make_machine
for round in first second; do
    start=$SECONDS
    run
    echo "==> $round run: $((SECONDS - start)) seconds"
done
clear_folder
