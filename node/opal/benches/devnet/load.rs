//! Many transfers at once, signed before the clock starts.
//!
//! **Invariant:** an account's transfers go out in order, so that no pool has reason to wait for one.

use alloy_primitives::{Address, Bytes, U256};
use opal_harness::{
    process::until,
    rpc::{Rpc, quantity},
    wallet::{Call, Wallet},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// Accounts that send at the same time.
pub(crate) const ACCOUNTS: usize = 8;

/// Transfers in all.
pub(crate) const COUNT: u64 = ACCOUNTS as u64 * PER_ACCOUNT;
const PER_ACCOUNT: u64 = 500;

const LIMIT: Duration = Duration::from_secs(300);

/// What the chain took.
pub(crate) struct Figures {
    pub(crate) accepted_per_s: f64,
    pub(crate) included_per_s: f64,
}

/// One account and what it will send.
pub(crate) struct Sender {
    address: Address,
    transfers: Vec<Bytes>,
    /// Its number when everything is in blocks.
    last_nonce: u64,
}

/// The transfers of each account.
pub(crate) fn sign(rpc: &Rpc, chain_id: u64) -> Vec<Sender> {
    (0..ACCOUNTS).map(|index| sender(&Wallet::dev(index), rpc, chain_id)).collect()
}

fn sender(wallet: &Wallet, rpc: &Rpc, chain_id: u64) -> Sender {
    let first = nonce(rpc, wallet.address).unwrap();
    let last_nonce = first + PER_ACCOUNT;
    let transfer = |nonce| {
        wallet.sign(&Call {
            chain_id,
            nonce,
            to: Some(Address::repeat_byte(0x77)),
            value: U256::from(1),
            input: Bytes::new(),
            gas_limit: 21_000,
            max_fee_per_gas: 100_000_000_000,
        })
    };
    let transfers = (first..last_nonce).map(transfer).collect();
    Sender { address: wallet.address, transfers, last_nonce }
}

fn nonce(rpc: &Rpc, address: Address) -> Option<u64> {
    quantity(&rpc.call("eth_getTransactionCount", json!([address, "latest"])).ok()?)
}

/// Sends everything, then waits until all of it is in blocks.
pub(crate) fn run(rpc: &Rpc, senders: &[Sender]) -> Figures {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for Sender { transfers, .. } in senders {
            // A connection of its own for each account.
            let rpc = Rpc::new(rpc.url());
            scope.spawn(move || {
                for raw in transfers {
                    rpc.call("eth_sendRawTransaction", json!([raw])).unwrap();
                }
            });
        }
    });
    let accepted = start.elapsed();
    for Sender { address, last_nonce, .. } in senders {
        until("all transfers in blocks", LIMIT, || {
            nonce(rpc, *address).filter(|it| it == last_nonce)
        });
    }
    let per_s = |time: Duration| COUNT as f64 / time.as_secs_f64();
    Figures { accepted_per_s: per_s(accepted), included_per_s: per_s(start.elapsed()) }
}
