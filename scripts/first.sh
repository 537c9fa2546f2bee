#!/usr/bin/env bash
# The first look at opal: derives the recording that ships with it, and proves a claim about it inside the VM.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

recording=tests/recordings/first
run() { printf '\n$ %s\n' "$*" && "$@"; }

scripts/build.sh
run bin/opal derive $recording --explain
run bin/opal prove --recording $recording --block 13 --agreed 10 --vm
