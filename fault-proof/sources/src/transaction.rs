//! Transactions from an RPC server's JSON, encoded again.
//!
//! **Invariant:** what comes out is only right if the header's root says so; the caller checks it. Types that are not
//! known here are named, not guessed (D27): their raw bytes must be read.

use alloy_consensus::{EthereumTxEnvelope, TxEip4844};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U128, U256, keccak256};
use op_alloy_consensus::TxDeposit;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Type byte of deposits.
const DEPOSIT: u64 = 0x7e;

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rebuilt {
    /// EIP-2718 encoded.
    Raw(Bytes),
    /// Its raw bytes have to be read by this hash.
    Unknown(B256),
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Option<U64>,
    hash: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deposit {
    source_hash: B256,
    from: Address,
    to: Option<Address>,
    mint: Option<U128>,
    value: U256,
    gas: U64,
    #[serde(default)]
    is_system_tx: bool,
    input: Bytes,
}

impl From<Deposit> for TxDeposit {
    fn from(it: Deposit) -> Self {
        Self {
            source_hash: it.source_hash,
            from: it.from,
            to: it.to.map_or(TxKind::Create, TxKind::Call),
            mint: it.mint.unwrap_or_default().to(),
            value: it.value,
            gas_limit: it.gas.to(),
            is_system_transaction: it.is_system_tx,
            input: it.input,
        }
    }
}

/// Encodes a transaction. The hash in it is the measure: what gives another one is not understood.
pub(crate) fn rebuild(json: &RawValue) -> Result<Rebuilt, serde_json::Error> {
    let head: Head = serde_json::from_str(json.get())?;
    let raw = match head.kind.map_or(0, |it| it.to::<u64>()) {
        DEPOSIT => serde_json::from_str::<Deposit>(json.get())
            .map(|it| TxDeposit::from(it).encoded_2718())
            .ok(),
        0..=4 => serde_json::from_str::<EthereumTxEnvelope<TxEip4844>>(json.get())
            .map(|it| it.encoded_2718())
            .ok(),
        _ => None,
    };
    let right = raw.filter(|raw| keccak256(raw) == head.hash);
    Ok(right.map_or(Rebuilt::Unknown(head.hash), |raw| Rebuilt::Raw(raw.into())))
}
