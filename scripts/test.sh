#!/usr/bin/env bash
# All checks. Ends with a table of what ran, what was skipped and why, and a line `N passed, N failed`.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

logs=$OPAL_CACHE/logs/$$
export OPAL_SKIPS=$logs/skips OPAL_REPORT=$logs/report
mkdir -p "$logs"
touch "$OPAL_SKIPS" "$OPAL_REPORT" "$logs/steps"
trap 'rm -rf "$logs"' EXIT

# Runs one check and notes how it ended; the next ones run all the same: step NAME COMMAND...
step() {
    local name=$1 start=$SECONDS result=ok
    shift
    say "$name"
    "$@" </dev/null 2>&1 | tee "$logs/$name.log" || result=FAILED
    printf '%s\t%s\t%s\n' "$name" "$result" "$((SECONDS - start))" >>"$logs/steps"
    [ "$result" = ok ]
}

tests() { cargo test --workspace --locked --no-fail-fast; }
docs() { RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --locked; }

if step setup scripts/setup.sh; then
    step guest scripts/guest.sh || true
    # From here on nothing is downloaded.
    export CARGO_NET_OFFLINE=true GOPROXY=off GOFLAGS="${GOFLAGS:-} -mod=readonly"
    step lint scripts/lint.sh || true
    step deny scripts/deny.sh || true
    step docs docs || true
    step tests tests || true
fi
scripts/table.sh "$logs"
