//! How long the calls of a wallet or an indexer take.
//!
//! **Invariant:** every call must be answered; the slowest counts.

use opal_harness::{rpc::Rpc, wallet::Wallet};
use serde_json::{Value, json};
use std::time::Instant;

/// Callers at the same time.
const CALLERS: usize = 4;

/// Calls of each.
const CALLS: usize = 1_000;

/// Of all calls.
pub(crate) struct Figures {
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// What is called, in turn.
fn calls() -> [(&'static str, Value); 5] {
    let account = Wallet::dev(0).address;
    let oracle = "0x420000000000000000000000000000000000000f";
    [
        ("eth_blockNumber", json!([])),
        ("eth_getBalance", json!([account, "latest"])),
        ("eth_getBlockByNumber", json!(["latest", true])),
        // l1BaseFee() of the gas price oracle.
        ("eth_call", json!([{"to": oracle, "data": "0x519b4bd3"}, "latest"])),
        ("eth_getLogs", json!([{"fromBlock": "latest", "toBlock": "latest"}])),
    ]
}

/// Calls from several threads at once.
pub(crate) fn measure(rpc: &Rpc) -> Figures {
    let mut times: Vec<f64> = std::thread::scope(|scope| {
        let callers: Vec<_> =
            (0..CALLERS).map(|_| scope.spawn(|| time(&Rpc::new(rpc.url())))).collect();
        callers.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    Figures { p50_ms: at(50), p99_ms: at(99) }
}

fn time(rpc: &Rpc) -> Vec<f64> {
    let calls = calls();
    let one = |(method, params): &(&str, Value)| {
        let start = Instant::now();
        rpc.call(method, params.clone()).unwrap();
        start.elapsed().as_secs_f64() * 1_000.0
    };
    (0..CALLS).map(|index| one(&calls[index % calls.len()])).collect()
}
