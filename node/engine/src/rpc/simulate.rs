//! `eth_simulateV1`: blocks that might come, with calls in them.
//!
//! Start with [`simulate`]. [`plan`] settles number and time of each block, [`block`] runs one.
//!
//! **Invariant:** the bounds are geth's: blocks, calls, and gas over all of them.

mod block;
mod plan;

use super::shape::BlockShape;
use super::{Api, RpcError, Table};
use crate::call::ViewDb;
use alloy_eips::BlockId;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::simulate::SimulatePayload;
use block::{CallShape, Simulator};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

/// Calls in one block, and in all.
const MAX_CALLS_PER_BLOCK: usize = 5_000;
const MAX_CALLS: usize = 10_000;
/// geth's code for more than the server gives at once.
const LIMIT_EXCEEDED: i32 = -38026;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.run("eth_simulateV1", simulate)
}

/// One block with what its calls gave.
#[derive(Debug, Serialize)]
struct SimulatedShape {
    #[serde(flatten)]
    block: BlockShape,
    calls: Vec<CallShape>,
}

fn limit(message: impl Into<String>) -> RpcError {
    RpcError::new(LIMIT_EXCEEDED, message)
}

fn simulate(
    api: &Api,
    (payload, at): (SimulatePayload<TransactionRequest>, Option<BlockId>),
) -> Result<Vec<SimulatedShape>, RpcError> {
    check(&payload)?;
    let (view, base) = api.state(at)?;
    let planned = plan::plan(&base.header, payload.block_state_calls)?;
    let mut simulator = Simulator {
        api,
        base: &base,
        db: ViewDb::open(view),
        gas_left: api.limits.call_gas,
        trace_transfers: payload.trace_transfers,
        validation: payload.validation,
        full: payload.return_full_transactions,
    };
    let mut parent = base.header.clone();
    let mut shapes = Vec::with_capacity(planned.len());
    for block in planned {
        let (header, shape, calls) = simulator.run(&parent, block)?;
        shapes.push(SimulatedShape { block: shape, calls });
        parent = header;
    }
    Ok(shapes)
}

fn check(payload: &SimulatePayload<TransactionRequest>) -> Result<(), RpcError> {
    let blocks = &payload.block_state_calls;
    if blocks.is_empty() {
        return Err(RpcError::params("empty input"));
    }
    if blocks.len() as u64 > plan::MAX_BLOCKS {
        return Err(limit("too many blocks"));
    }
    let mut total = 0;
    for block in blocks {
        let calls = block.calls.len();
        if calls > MAX_CALLS_PER_BLOCK {
            let text = format!("too many calls in block: {calls} > {MAX_CALLS_PER_BLOCK}");
            return Err(limit(text));
        }
        total += calls;
        if total > MAX_CALLS {
            return Err(limit(format!("too many calls: {total} > {MAX_CALLS}")));
        }
    }
    Ok(())
}
