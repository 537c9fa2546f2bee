//! `debug_trace*`: transactions, blocks and calls, watched by geth's tracers.
//!
//! **Invariant:** a transaction is traced in the state its block had when it came to it.

use super::super::eth::{Prepared, call_tx, included};
use super::super::{Api, RpcError, Table};
use super::bounded::Bounded;
use super::forms::TraceShape;
use crate::Block;
use crate::call::{CallDb, CallTx, Checks, Environment, Outcome, Replay, Setting, watch};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use jsonrpsee::core::RegisterMethodError;
use revm::DatabaseCommit;
use revm::context::result::ResultAndState;
use revm_inspectors::tracing::{DebugInspector, TransactionContext};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.run("debug_traceTransaction", transaction)?;
    table.run("debug_traceCall", call)?;
    table.run(
        "debug_traceBlockByNumber",
        |api, (at, options): (BlockNumberOrTag, Option<GethDebugTracingOptions>)| {
            whole_block(api, api.block(at.into())?, options)
        },
    )?;
    table.run(
        "debug_traceBlockByHash",
        |api, (hash, options): (B256, Option<GethDebugTracingOptions>)| {
            whole_block(api, api.block(hash.into())?, options)
        },
    )?;
    table.run("debug_traceBlock", |api, (raw, options): (Bytes, _)| {
        whole_block(api, known_block(api, &raw)?, options)
    })
}

/// The block of the store that these bytes are.
fn known_block(api: &Api, raw: &Bytes) -> Result<Arc<Block>, RpcError> {
    let mut rest = raw.as_ref();
    let header = alloy_rlp::Header::decode(&mut rest)
        .and_then(|_| <alloy_consensus::Header as alloy_rlp::Decodable>::decode(&mut rest))
        .map_err(|error| RpcError::server(format!("could not decode block: {error}")))?;
    api.block(header.hash_slow().into())
}

fn tracer(api: &Api, options: Option<GethDebugTracingOptions>) -> Result<Bounded, RpcError> {
    let options = options.unwrap_or_default();
    // Only steps one by one fill the memory; gas bounds the number of calls.
    let left = if options.tracer.is_none() { api.limits.trace_steps } else { usize::MAX };
    let inner =
        DebugInspector::new(options).map_err(|error| RpcError::server(error.to_string()))?;
    Ok(Bounded { inner, left })
}

fn transaction(
    api: &Api,
    (hash, options): (B256, Option<GethDebugTracingOptions>),
) -> Result<TraceShape, RpcError> {
    let (block, index) =
        included(api, hash)?.ok_or_else(|| RpcError::server("transaction not found"))?;
    let mut replay = Replay::begin(&api.engine, block)?;
    replay.skip_to(index)?;
    let mut tracer = tracer(api, options)?;
    Ok(one(&mut replay, index, &mut tracer)?.0.into())
}

/// A transaction's trace in that of a block.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Traced {
    tx_hash: B256,
    result: TraceShape,
}

fn whole_block(
    api: &Api,
    block: Arc<Block>,
    options: Option<GethDebugTracingOptions>,
) -> Result<Vec<Traced>, RpcError> {
    let mut replay = Replay::begin(&api.engine, Arc::clone(&block))?;
    let mut tracer = tracer(api, options)?;
    let mut traces = Vec::with_capacity(block.transactions.len());
    for (index, hash) in block.transaction_hashes.iter().enumerate() {
        let (result, outcome) = one(&mut replay, index, &mut tracer)?;
        replay.db.commit(outcome.state);
        tracer.inner.fuse().map_err(RpcError::internal)?;
        traces.push(Traced { tx_hash: *hash, result: result.into() });
    }
    Ok(traces)
}

/// Traces one transaction of a block.
fn one(
    replay: &mut Replay,
    index: usize,
    tracer: &mut Bounded,
) -> Result<(GethTrace, Outcome), RpcError> {
    let tx = replay.transaction(index)?;
    let outcome = replay.watch(&tx, tracer)?;
    let place = TransactionContext {
        block_hash: Some(replay.block.header.hash()),
        tx_index: Some(index),
        tx_hash: replay.block.transaction_hashes.get(index).copied(),
    };
    let environment = replay.environment.clone();
    finish(tracer, Some(place), &environment, &mut replay.db, (&tx, outcome))
}

/// What the tracer says of what it saw. The outcome comes back for whoever goes on from it.
fn finish(
    tracer: &mut Bounded,
    place: Option<TransactionContext>,
    environment: &Environment,
    db: &mut CallDb,
    (tx, outcome): (&CallTx, Outcome),
) -> Result<(GethTrace, Outcome), RpcError> {
    let seen = ResultAndState { result: outcome.result, state: outcome.state };
    let trace = tracer
        .inner
        .get_result(place, &tx.base, &environment.block, &seen, db)
        .map_err(RpcError::internal)?;
    Ok((trace, Outcome { result: seen.result, state: seen.state }))
}

type TraceCallParams = (TransactionRequest, Option<BlockId>, Option<GethDebugTracingCallOptions>);

fn call(api: &Api, (request, at, options): TraceCallParams) -> Result<TraceShape, RpcError> {
    let options = options.unwrap_or_default();
    let mut prepared = match options.tx_index {
        None => Prepared::new(api, at, options.state_overrides, options.block_overrides)?,
        Some(index) => {
            let mut replay = Replay::begin(&api.engine, api.block(at.unwrap_or_default())?)?;
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            replay.skip_to(index.min(replay.block.transactions.len()))?;
            let Replay { environment, db, .. } = replay;
            Prepared::with(api, environment, db, options.state_overrides, options.block_overrides)?
        }
    };
    let tx = call_tx(&prepared.environment, request, api.limits.call_gas)?;
    let mut tracer = tracer(api, Some(options.tracing_options))?;
    let setting = Setting {
        environment: &prepared.environment,
        checks: Checks::Call,
        moves: &prepared.moves,
    };
    let outcome = watch(setting, &mut prepared.db, &tx, &mut tracer)
        .map_err(|fault| fault.into_error(tx.base.gas_limit))?;
    let environment = prepared.environment.clone();
    Ok(finish(&mut tracer, None, &environment, &mut prepared.db, (&tx, outcome))?.0.into())
}
