//! The `eth` namespace.
//!
//! Start with the table; [`blocks`], [`state`], [`call`], [`fees`] and [`submit`] hold the methods.
//!
//! **Invariant:** whatever is asked about a block is answered from the store, never from what a client said.

mod blocks;
mod call;
mod config;
mod estimate;
mod fees;
mod request;
mod state;
mod submit;

use super::{Anything, Api, RpcError, Table};
use alloy_primitives::{Address, U64};
use jsonrpsee::core::RegisterMethodError;

pub(crate) use blocks::{included, raw_transaction};
pub(crate) use call::Prepared;
pub(crate) use config::chain_config;
pub(crate) use fees::next_base_fee;
pub(crate) use request::call_tx;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("eth_chainId", |api, (): ()| Ok(U64::from(api.engine.chain_id())))?;
    table.quick("eth_blockNumber", block_number)?;
    // What is stored was executed: this node is never halfway.
    table.quick("eth_syncing", |_, (): ()| Ok(false))?;
    table.quick("eth_accounts", accounts)?;
    table.quick("eth_mining", |_, (): ()| Ok(false))?;
    table.quick("eth_hashrate", |_, (): ()| Ok(U64::ZERO))?;
    table.quick("eth_coinbase", |_, _: Anything| Err::<Address, _>(no_etherbase()))?;
    config::list(table)?;
    blocks::list(table)?;
    state::list(table)?;
    call::list(table)?;
    estimate::list(table)?;
    fees::list(table)?;
    submit::list(table)?;
    super::simulate::list(table)?;
    super::logs::list(table)?;
    super::filters::list(table)
}

fn no_etherbase() -> RpcError {
    RpcError::server("etherbase must be explicitly specified")
}

fn block_number(api: &Api, (): ()) -> Result<U64, RpcError> {
    Ok(U64::from(api.engine.heads().head.header.number))
}

fn accounts(api: &Api, (): ()) -> Result<Vec<Address>, RpcError> {
    Ok(api.unlocked.addresses.clone())
}
