#!/usr/bin/env bash
# cast as its users call it, against chain A of a devnet on any ports.
# The environment tells: CAST (the program), L1_URL, L2_URL (http; ws on the same port), PRIVATE_KEY, PORTAL, and with
# DERIVED=1 that the L2 is really derived from the L1.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
limit_s=90
export NO_COLOR=1 FOUNDRY_DISABLE_NIGHTLY_WARNING=1
step=start
trap 'echo "FAILED: $step" >&2' ERR
trap 'kill "${watcher:-}" 2>/dev/null || true' EXIT

cast() { timeout "$limit_s" "$CAST" "$@"; }
l2() { local command=$1 && shift && cast "$command" --rpc-url "$L2_URL" "$@"; }
send() { local url=$1 && shift && cast send --rpc-url "$url" --private-key "$PRIVATE_KEY" --json "$@"; }
of() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" | head -n 1; }
same() { [ "$1" = "$2" ] || { echo "$step: $1 is not $2" >&2; return 1; }; }
done_with() { echo "ok: $step"; }
# The constructor's and the functions' arguments are those of Counter.sol.
bytecode=$(of bytecode < <(tr -d ' \n' <"$here/counter.json"))
stranger=0x00000000000000000000000000000000$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')

step="chain ids"
same "$(cast chain-id --rpc-url "$L1_URL")" 900
same "$(l2 chain-id)" 901
done_with

step="a transfer arrives"
same "$(send "$L2_URL" --value 12345 "$stranger" | of status)" 0x1
same "$(l2 balance "$stranger")" 12345
done_with

step="a contract is deployed"
contract=$(send "$L2_URL" --create "$bytecode" 'constructor(uint256)' 7 | of contractAddress)
same "$(l2 call "$contract" 'count()(uint256)')" 7
done_with

step="a log is watched over the web socket"
seen=$(mktemp)
"$CAST" logs --rpc-url "${L2_URL/http/ws}" --subscribe --address "$contract" >"$seen" &
watcher=$!
# The subscription is not announced: the call is repeated until its log is seen.
total=7
for _ in $(seq 8); do
    added=$(send "$L2_URL" "$contract" 'add(uint256)' 5 | of transactionHash)
    total=$((total + 5))
    for _ in $(seq 10); do
        if grep -q "$added" "$seen"; then break 2; fi
        sleep 0.2
    done
done
grep -q "$added" "$seen"
kill "$watcher"
same "$(l2 call "$contract" 'count()(uint256)')" "$total"
done_with

step="logs are found by their event"
l2 logs --from-block 0 --address "$contract" 'Counted(address,uint256)' --json >"$seen"
grep -q "$added" "$seen"
done_with

step="a revert is told"
if l2 call "$contract" 'add(uint256)' 101 2>"$seen"; then false; fi
grep -q revert "$seen"
done_with

step="a transaction is traced"
same "$(l2 rpc debug_traceTransaction "$added" '{"tracer":"callTracer"}' | of to)" "$(tr A-F a-f <<<"$contract")"
done_with

step="a transaction is replayed locally"
# cast knows deposits, which every derived block has, only on chains whose id it knows.
if [ -z "${DERIVED:-}" ]; then
    l2 run "$added" --quick >"$seen"
    grep -qi "$contract" "$seen"
    grep -q "successfully executed" "$seen"
    done_with
fi

step="gas is estimated and a block is read"
[ "$(l2 estimate "$contract" 'add(uint256)' 1)" -gt 21000 ]
[ "$(l2 gas-price)" -gt 0 ]
same "$(l2 receipt "$added" blockNumber)" "$(l2 tx "$added" blockNumber)"
same "$(l2 storage "$contract" 0)" "$(printf '0x%064x' "$total")"
done_with

step="a deposit arrives"
to=0x$(printf '%040x' $((0x${stranger:34} + 1)))
deposit='depositTransaction(address,uint256,uint64,bool,bytes)'
same "$(send "$L1_URL" --value 99 "$PORTAL" "$deposit" "$to" 99 100000 false 0x | of status)" 0x1
for _ in $(seq $((limit_s * 5))); do
    if [ "$(l2 balance "$to")" = 99 ]; then break; fi
    sleep 0.2
done
same "$(l2 balance "$to")" 99
done_with
