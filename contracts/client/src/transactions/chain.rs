//! What the transaction machine wants to know of the chain.
//!
//! **Invariant:** one look is a few calls in one batch, however much is pending.

use super::{
    Candidate, Inclusion,
    fees::Market,
    machine::{Machine, View},
};
use crate::{Call, Rpc, RpcCause, RpcError};
use alloy_eips::eip4844::calc_blob_gasprice;
use alloy_primitives::{Address, B256, Bytes, Log, U64, U128, U256};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// Estimates are raised by a fifth: the state moves on until the transaction is in a block.
const MARGIN_PERCENT: u64 = 120;

/// See the module.
#[derive(Debug)]
pub(super) struct Chain {
    rpc: Rpc,
    address: Address,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    number: U64,
    timestamp: U64,
    base_fee_per_gas: Option<U128>,
    excess_blob_gas: Option<U64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    transaction_hash: B256,
    block_number: U64,
    block_hash: B256,
    status: Option<U64>,
    gas_used: U64,
    contract_address: Option<Address>,
    #[serde(default)]
    logs: Vec<ReceiptLog>,
}

#[derive(Deserialize)]
struct ReceiptLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

/// As `eth_estimateGas` wants it.
#[derive(Serialize)]
struct Estimate<'a> {
    from: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Address>,
    data: &'a Bytes,
    value: U256,
}

impl From<Receipt> for Inclusion {
    fn from(it: Receipt) -> Self {
        let log = |it: ReceiptLog| Log::new_unchecked(it.address, it.topics, it.data);
        Self {
            transaction: it.transaction_hash,
            block_number: it.block_number.to(),
            block_hash: it.block_hash,
            succeeded: it.status != Some(U64::ZERO),
            gas_used: it.gas_used.to(),
            contract_address: it.contract_address,
            logs: it.logs.into_iter().map(log).collect(),
        }
    }
}

impl Chain {
    pub(super) const fn new(rpc: Rpc, address: Address) -> Self {
        Self { rpc, address }
    }

    /// Everything that the machine's next decisions need.
    pub(super) async fn observe(&self, machine: &Machine) -> Result<View, RpcError> {
        let count = |block: &str| Call::new("eth_getTransactionCount", (self.address, block));
        let mut calls = vec![
            Call::new("eth_getBlockByNumber", ("latest", false)),
            count("latest"),
            count("pending"),
        ];
        let tip = "eth_maxPriorityFeePerGas";
        calls.push(Call::new(tip, ()));
        if machine.has_blobs() {
            calls.push(Call::new("eth_blobBaseFee", ()));
        }
        let mut answers = self.rpc.batch::<Box<RawValue>>(calls).await.into_iter();
        let mut next = || answers.next().expect("as many answers as calls");
        let (block, latest, pending) = (next()?, next()?, next()?);
        let block: Block = self.parse("eth_getBlockByNumber", &block)?;
        let latest: U64 = self.parse("eth_getTransactionCount", &latest)?;
        let pending: U64 = self.parse("eth_getTransactionCount", &pending)?;
        // Not everybody offers these.
        let tip = next().ok().and_then(|it| self.parse::<U128>(tip, &it).ok());
        let blob_fee = answers.next().and_then(Result::ok);
        let blob_fee = blob_fee.and_then(|it| self.parse::<U128>("eth_blobBaseFee", &it).ok());
        let market = Market {
            base_fee: block.base_fee_per_gas.unwrap_or_default().to(),
            tip: tip.unwrap_or_default().to(),
            blob_base_fee: blob_fee.map_or_else(|| blob_base_fee(&block), |it| it.to()),
        };
        let mut view = View {
            head: block.number.to(),
            time: block.timestamp.to(),
            market,
            latest: latest.to(),
            pending: pending.to::<u64>().max(latest.to()),
            settled: 0,
            inclusions: Vec::new(),
        };
        self.look_for(machine, &mut view).await?;
        Ok(view)
    }

    /// Looks for the machine's transactions whose nonces are used, and if some are not there, at which nonce settled.
    async fn look_for(&self, machine: &Machine, view: &mut View) -> Result<(), RpcError> {
        let hashes = machine.hashes(view.latest);
        let call = |(_, hash): &(u64, B256)| Call::new("eth_getTransactionReceipt", [*hash]);
        let receipts = self.rpc.batch::<Option<Receipt>>(hashes.iter().map(call).collect()).await;
        for ((nonce, hash), receipt) in hashes.iter().zip(receipts) {
            if let Some(receipt) = receipt?.filter(|it| it.transaction_hash == *hash) {
                view.inclusions.push((*nonce, receipt.into()));
            }
        }
        let found = |nonce: u64| view.inclusions.iter().any(|(it, _)| *it == nonce);
        if machine.nonces().any(|nonce| nonce < view.latest && !found(nonce)) {
            let block = view.head.saturating_sub(machine.settling_depth());
            let params = (self.address, format!("{block:#x}"));
            let count: U64 = self.rpc.call("eth_getTransactionCount", params).await?;
            view.settled = count.to();
        }
        Ok(())
    }

    fn parse<T: DeserializeOwned>(&self, method: &str, json: &RawValue) -> Result<T, RpcError> {
        serde_json::from_str(json.get()).map_err(|error| RpcError {
            method: method.to_owned(),
            endpoint: self.rpc.endpoint(),
            cause: Box::new(RpcCause::OtherShape { why: error.to_string() }),
        })
    }

    pub(super) async fn chain_id(&self) -> Result<u64, RpcError> {
        let id: U64 = self.rpc.call("eth_chainId", ()).await?;
        Ok(id.to())
    }

    /// Gas that the candidate needs, with a margin.
    pub(super) async fn estimate(&self, candidate: &Candidate) -> Result<u64, RpcError> {
        let Candidate { to, data, value, .. } = candidate;
        let call = Estimate { from: self.address, to: *to, data, value: *value };
        let estimated: Result<U64, _> = self.rpc.call("eth_estimateGas", (&call, "pending")).await;
        let gas = match estimated {
            Ok(gas) => gas,
            // Some servers estimate on the newest block only.
            Err(error) if error.answered().is_some_and(|it| it.code == -32602) => {
                self.rpc.call("eth_estimateGas", [&call]).await?
            }
            Err(error) => return Err(error),
        };
        Ok(gas.to::<u64>().saturating_mul(MARGIN_PERCENT) / 100)
    }

    pub(super) async fn send(&self, raw: &Bytes) -> Result<(), RpcError> {
        let sent = self.rpc.batch::<B256>(vec![Call::new("eth_sendRawTransaction", [raw])]).await;
        sent.into_iter().next().expect("one answer for one call").map(drop)
    }

    /// Whether the chain is past Osaka, if the node says so (EIP-7910).
    pub(super) async fn is_osaka(&self) -> Result<Option<bool>, RpcError> {
        let config = self.rpc.call_if_offered::<serde_json::Value>("eth_config", ()).await?;
        // Osaka brought this precompile.
        let precompiles = config.as_ref().and_then(|it| it.pointer("/current/precompiles"));
        Ok(precompiles.and_then(|it| it.as_object()).map(|it| it.contains_key("P256VERIFY")))
    }
}

/// By Cancun's rules, which give the highest fee of all forks.
fn blob_base_fee(block: &Block) -> u128 {
    block.excess_blob_gas.map_or(1, |excess| calc_blob_gasprice(excess.to()))
}
