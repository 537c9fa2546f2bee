//! Helpers that users of development networks call: `evm`, `anvil` and `hardhat` methods, and `miner`.
//!
//! Start with [`DevHooks`]. What would give a chain a state that its L1 does not explain is refused, with the
//! reason in words; setting a balance becomes a deposit where the devnet offers that.
//!
//! **Invariant:** nothing here changes the chain by itself; whoever runs it does, or nobody.

use super::{Anything, Api, RpcError, Table};
use crate::DaLimits;
use alloy_primitives::{Address, B256, U64, U256};
use futures_util::future::BoxFuture;
use jsonrpsee::core::RegisterMethodError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// An asynchronous call-back; an error is a text for the client.
pub type Hook<A, R> = Arc<dyn Fn(A) -> BoxFuture<'static, Result<R, String>> + Send + Sync>;

/// Blocks that a developer wants now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MineRequest {
    /// How many.
    pub blocks: u64,
    /// Seconds from one to the next, if it is not the chain's block time.
    pub interval_s: Option<u64>,
    /// Timestamp of the first one.
    pub timestamp: Option<u64>,
}

/// What the devnet offers developers on this chain. What is `None` is refused.
#[derive(Clone, Default)]
pub struct DevHooks {
    /// Makes blocks; returns when they are there.
    pub mine: Option<Hook<MineRequest, ()>>,
    /// Moves the clock by seconds; tells by how much it is ahead in all.
    pub increase_time: Option<Hook<u64, u64>>,
    /// Sets the timestamp of the next block, seconds.
    pub set_next_timestamp: Option<Hook<u64, ()>>,
    /// Gives an account at least this balance, on an L2 by a deposit.
    pub set_balance: Option<Hook<(Address, U256), ()>>,
    /// Remembers the chain as it is (L1).
    pub snapshot: Option<Hook<(), u64>>,
    /// Goes back to a remembered chain (L1); whether it was known.
    pub revert: Option<Hook<u64, bool>>,
    /// Switches between blocks on time and blocks per transaction.
    pub set_automine: Option<Hook<bool, ()>>,
    /// Sets the block time, seconds.
    pub set_interval: Option<Hook<u64, ()>>,
}

impl fmt::Debug for DevHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevHooks").finish_non_exhaustive()
    }
}

/// Cheats whose effect L1 could not explain.
const REFUSED: [&str; 24] = [
    "anvil_autoImpersonateAccount",
    "anvil_impersonateAccount",
    "anvil_stopImpersonatingAccount",
    "anvil_loadState",
    "anvil_dumpState",
    "anvil_reset",
    "anvil_setChainId",
    "anvil_setCode",
    "anvil_setCoinbase",
    "anvil_setNonce",
    "anvil_setStorageAt",
    "anvil_setMinGasPrice",
    "anvil_setNextBlockBaseFeePerGas",
    "anvil_setBlockGasLimit",
    "hardhat_impersonateAccount",
    "hardhat_stopImpersonatingAccount",
    "hardhat_reset",
    "hardhat_setCode",
    "hardhat_setNonce",
    "hardhat_setStorageAt",
    "hardhat_setNextBlockBaseFeePerGas",
    "hardhat_setCoinbase",
    "hardhat_setPrevRandao",
    "evm_setBlockGasLimit",
];

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    for name in REFUSED {
        table.module.register_method(name, move |_, _, _| Err::<Value, _>(refusal(name)))?;
    }
    mining(table)?;
    time(table)?;
    for name in ["anvil_setBalance", "hardhat_setBalance"] {
        table.wait(name, set_balance)?;
    }
    table.wait("evm_snapshot", |api, _: Anything| async move {
        let hook = api.hooks.snapshot.clone().ok_or_else(|| no_hook("evm_snapshot"))?;
        hook(()).await.map(U64::from).map_err(RpcError::server)
    })?;
    table.wait("evm_revert", |api, (id,): (Number,)| async move {
        let hook = api.hooks.revert.clone().ok_or_else(|| no_hook("evm_revert"))?;
        hook(id.0).await.map_err(RpcError::server)
    })?;
    for name in ["anvil_dropTransaction", "hardhat_dropTransaction"] {
        table.read(name, |api, (hash,): (B256,)| {
            Ok(api.engine.pool().remove(hash).map(|it| it.hash))
        })?;
    }
    for name in ["anvil_nodeInfo", "anvil_metadata", "hardhat_metadata"] {
        table.quick(name, node_info)?;
    }
    table.quick("miner_setMaxDASize", set_max_da_size)
}

fn refusal(name: &str) -> RpcError {
    RpcError::server(format!(
        "{name} is refused: every state of this chain follows from its L1, and this one would not; \
         send a transaction or a deposit instead"
    ))
}

fn no_hook(name: &str) -> RpcError {
    RpcError::unsupported(name)
}

/// A number in digits of either kind, or hexadecimal without being a quantity.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "Digits")]
struct Number(u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum Digits {
    Plain(u64),
    Hex(U64),
}

impl From<Digits> for Number {
    fn from(digits: Digits) -> Self {
        match digits {
            Digits::Plain(number) => Self(number),
            Digits::Hex(number) => Self(number.to()),
        }
    }
}

fn mining(table: &mut Table) -> Result<(), RegisterMethodError> {
    for name in ["anvil_mine", "hardhat_mine"] {
        table.wait(
            name,
            |api, (blocks, interval): (Option<Number>, Option<Number>)| async move {
                let blocks = blocks.map_or(1, |it| it.0);
                mine(
                    &api,
                    MineRequest { blocks, interval_s: interval.map(|it| it.0), timestamp: None },
                )
                .await?;
                Ok(Value::Null)
            },
        )?;
    }
    table.wait("evm_mine", |api, (options,): (Option<MineOptions>,)| async move {
        let (timestamp, blocks) = match options {
            None => (None, 1),
            Some(MineOptions::At(timestamp)) => (Some(timestamp.0), 1),
            Some(MineOptions::Options { timestamp, blocks }) => {
                (timestamp.map(|it| it.0), blocks.unwrap_or(1))
            }
        };
        mine(&api, MineRequest { blocks, interval_s: None, timestamp }).await?;
        Ok("0x0")
    })?;
    for name in ["evm_setAutomine", "anvil_setAutomine"] {
        table.wait(name, |api, (on,): (bool,)| async move {
            let hook = api.hooks.set_automine.clone().ok_or_else(|| no_hook("evm_setAutomine"))?;
            hook(on).await.map(|()| true).map_err(RpcError::server)
        })?;
    }
    for name in ["evm_setIntervalMining", "anvil_setIntervalMining"] {
        table.wait(name, |api, (seconds,): (Number,)| async move {
            let hook = api.hooks.set_interval.clone();
            let hook = hook.ok_or_else(|| no_hook("evm_setIntervalMining"))?;
            hook(seconds.0).await.map(|()| Value::Null).map_err(RpcError::server)
        })?;
    }
    Ok(())
}

/// A timestamp, or options with one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum MineOptions {
    At(Number),
    Options { timestamp: Option<Number>, blocks: Option<u64> },
}

async fn mine(api: &Api, request: MineRequest) -> Result<(), RpcError> {
    /// Blocks that one request may ask for.
    const MOST: u64 = 10_000;
    if request.blocks > MOST {
        return Err(RpcError::params(format!("{} blocks, at most {MOST}", request.blocks)));
    }
    let hook = api.hooks.mine.clone().ok_or_else(|| no_hook("evm_mine"))?;
    hook(request).await.map_err(RpcError::server)
}

fn time(table: &mut Table) -> Result<(), RegisterMethodError> {
    for name in ["evm_increaseTime", "anvil_increaseTime"] {
        table.wait(name, |api, (seconds,): (Number,)| async move {
            let hook = api.hooks.increase_time.clone();
            let hook = hook.ok_or_else(|| no_hook("evm_increaseTime"))?;
            hook(seconds.0).await.map_err(RpcError::server)
        })?;
    }
    for name in ["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"] {
        table.wait(name, |api, (timestamp,): (Number,)| async move {
            let hook = api.hooks.set_next_timestamp.clone();
            let hook = hook.ok_or_else(|| no_hook("evm_setNextBlockTimestamp"))?;
            hook(timestamp.0).await.map(|()| Value::Null).map_err(RpcError::server)
        })?;
    }
    Ok(())
}

async fn set_balance(
    api: Arc<Api>,
    (address, balance): (Address, U256),
) -> Result<Value, RpcError> {
    let hook = api.hooks.set_balance.clone().ok_or_else(|| no_hook("anvil_setBalance"))?;
    hook((address, balance)).await.map(|()| Value::Null).map_err(RpcError::server)
}

fn node_info(api: &Api, (): ()) -> Result<Value, RpcError> {
    let head = api.engine.heads().head;
    let header = &head.header;
    Ok(json!({
        "clientVersion": super::net::CLIENT_VERSION,
        "chainId": api.engine.chain_id(),
        "currentBlockNumber": U64::from(header.number),
        "currentBlockTimestamp": header.timestamp,
        "currentBlockHash": header.hash(),
        "latestBlockNumber": header.number,
        "latestBlockHash": header.hash(),
        "environment": {
            "baseFee": U64::from(header.base_fee_per_gas.unwrap_or_default()),
            "chainId": api.engine.chain_id(),
            "gasLimit": U64::from(header.gas_limit),
        },
    }))
}

/// What the batcher allows a transaction and a block to bring; zero = anything.
fn set_max_da_size(api: &Api, (transaction, block): (U64, U64)) -> Result<bool, RpcError> {
    let limit = |bytes: U64| Some(bytes.to::<u64>()).filter(|bytes| *bytes > 0);
    api.engine
        .pool()
        .set_da_limits(DaLimits { transaction: limit(transaction), block: limit(block) });
    Ok(true)
}
