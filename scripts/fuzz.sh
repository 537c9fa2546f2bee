#!/usr/bin/env bash
# Random cases that the tests have no time for: fuzz.sh [MINUTES]
# Single steps of the VM beside Go cannon from a new seed, and every decoder under libFuzzer (tests/fuzz).
# Without MINUTES: ten million steps, then 60 s for each target. With: both at once, in equal shares for the targets.
# A failure prints its seed or the file of its input. What the fuzzer learnt stays in the cache for the next run.
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

minutes=${1:-}
[[ "$minutes" =~ ^([1-9][0-9]*)?$ ]] || fail "usage: fuzz.sh [MINUTES]: '$minutes' is no number of minutes"
check_rust
need g++ g++ -- "a C++ compiler for libFuzzer"
host=$(rustc -vV | sed -n 's/^host: //p')
programs=$CARGO_TARGET_DIR/$host/release
corpus=$OPAL_CACHE/fuzz/corpus findings=$OPAL_CACHE/fuzz/findings logs=$OPAL_CACHE/fuzz/logs
mkdir -p "$corpus" "$findings" "$logs"
mapfile -t targets < <(basename -s .rs tests/fuzz/src/bin/*.rs)

# What `cargo fuzz` passes, but for the sanitizer of addresses, which needs a nightly compiler: there is no unsafe code.
coverage=(
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing
)

# With a target named, the flags do not reach build scripts, which libFuzzer is not linked into.
build() {
    say "building the fuzz targets with coverage"
    RUSTFLAGS="${coverage[*]}" cargo build --quiet --locked --release --target "$host" --manifest-path tests/fuzz/Cargo.toml
    say "first inputs from the tests and the vectors go to $corpus"
    OPAL_FUZZ_CORPUS=$corpus cargo test --quiet --locked -p opal-harness --test fuzz_smoke corpus >/dev/null
}

# How many steps or minutes stands in the environment.
vm_steps() {
    if ! command -v go >/dev/null; then
        skip "single steps beside Go cannon" "no go command (https://go.dev/dl)"
        return
    fi
    scripts/peers.sh cannon >/dev/null
    OPAL_SEED=${OPAL_SEED:-$(date +%s)000000}
    export OPAL_SEED
    say "single steps beside Go cannon, seeds from $OPAL_SEED"
    cargo test --quiet --locked -p opal-harness --test peer_cannon every_random_step -- --nocapture
}

# One line of the table; fails on a finding: fuzz_target NAME SECONDS
fuzz_target() {
    local name=$1 log=$logs/$1.log result=ok
    mkdir -p "$corpus/$name"
    "$programs/$name" -max_total_time="$2" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 -verbosity=1 \
        -artifact_prefix="$findings/$name-" "$corpus/$name" >"$log" 2>&1 || result=FINDING
    awk -v name="$name" -v result="$result" '
        match($0, /cov: [0-9]+/) { coverage = substr($0, RSTART + 5, RLENGTH - 5) }
        /^stat::number_of_executed_units:/ { executions = $2 }
        /^stat::average_exec_per_sec:/ { speed = $2 }
        END { printf "%-16s %12d %10d %9d  %s\n", name, executions, speed, coverage, result }' "$log"
    [ "$result" = ok ]
}

fuzz_targets() {
    local failed=()
    printf '\n%-16s %12s %10s %9s  %s\n' target executions exec/s coverage result
    for name in "${targets[@]}"; do fuzz_target "$name" "$1" || failed+=("$name"); done
    for name in "${failed[@]}"; do
        printf '\n%s: %s\n' "$name" "$(sed -n 's/.*Test unit written to //p' "$logs/$name.log")"
        grep -m 1 -A 2 -E 'panicked at|ERROR: libFuzzer' "$logs/$name.log" || true
        printf 'again: %s INPUT\n' "$programs/$name"
    done
    [ "${#failed[@]}" = 0 ]
}

build
vm=ok
if [ -n "$minutes" ]; then
    seconds=$((minutes * 60 / ${#targets[@]}))
    say "$minutes minutes: the VM, and beside it ${#targets[@]} targets with $seconds s each"
    OPAL_PEER_MINUTES=$minutes vm_steps >"$logs/vm.log" 2>&1 &
    fuzz_targets "$seconds" && decoders=ok || decoders=FAILED
    wait $! || vm=FAILED
    cat "$logs/vm.log"
else
    OPAL_PEER_STEPS=10000000 vm_steps || vm=FAILED
    fuzz_targets 60 && decoders=ok || decoders=FAILED
fi
printf '\nsteps of the VM: %s, decoders: %s\n' "$vm" "$decoders"
[ "$vm$decoders" = okok ]
