//! `txpool`: what waits.
//!
//! **Invariant:** pending transactions could go into the next block; queued ones wait for a nonce before them.

use super::shape::TransactionShape;
use super::{Api, RpcError, Table};
use crate::PoolTransaction;
use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, U64};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("txpool_status", status)?;
    table.read("txpool_content", content)?;
    table.read("txpool_contentFrom", content_from)?;
    table.read("txpool_inspect", inspect)
}

fn status(api: &Api, (): ()) -> Result<Value, RpcError> {
    let status = api.engine.pool().status();
    Ok(json!({ "pending": U64::from(status.pending), "queued": U64::from(status.queued) }))
}

/// By nonce.
type ByNonce<T> = BTreeMap<u64, T>;

/// Both halves of the pool.
#[derive(Debug, Serialize)]
struct Halves<T> {
    pending: T,
    queued: T,
}

fn shape(waiting: &PoolTransaction) -> Result<TransactionShape, RpcError> {
    Ok(TransactionShape::of_pool(waiting))
}

/// How a transaction is told.
type Form<T> = fn(&PoolTransaction) -> Result<T, RpcError>;

/// One sender's transactions in another form.
fn mapped<T>(
    transactions: &ByNonce<Arc<PoolTransaction>>,
    form: Form<T>,
) -> Result<ByNonce<T>, RpcError> {
    transactions.iter().map(|(nonce, waiting)| Ok((*nonce, form(waiting)?))).collect()
}

/// By sender, with upper and lower case as a checksum.
type BySender<T> = BTreeMap<String, ByNonce<T>>;

/// One half of the pool in another form.
fn all_mapped<T>(
    half: &BTreeMap<Address, ByNonce<Arc<PoolTransaction>>>,
    form: Form<T>,
) -> Result<BySender<T>, RpcError> {
    half.iter()
        .map(|(sender, queue)| Ok((sender.to_checksum(None), mapped(queue, form)?)))
        .collect()
}

type Content = Halves<BySender<TransactionShape>>;

fn content(api: &Api, (): ()) -> Result<Content, RpcError> {
    let content = api.engine.pool().content();
    Ok(Halves {
        pending: all_mapped(&content.pending, shape)?,
        queued: all_mapped(&content.queued, shape)?,
    })
}

fn content_from(
    api: &Api,
    (address,): (Address,),
) -> Result<Halves<ByNonce<TransactionShape>>, RpcError> {
    let (pending, queued) = api.engine.pool().content_from(address);
    Ok(Halves { pending: mapped(&pending, shape)?, queued: mapped(&queued, shape)? })
}

fn inspect(api: &Api, (): ()) -> Result<Halves<BySender<String>>, RpcError> {
    let content = api.engine.pool().content();
    Ok(Halves {
        pending: all_mapped(&content.pending, line)?,
        queued: all_mapped(&content.queued, line)?,
    })
}

fn line(waiting: &PoolTransaction) -> Result<String, RpcError> {
    let tx = &waiting.transaction;
    let to = tx.kind().to().map_or_else(|| "contract creation".to_owned(), ToString::to_string);
    let (value, gas, price) = (tx.value(), tx.gas_limit(), tx.max_fee_per_gas());
    Ok(format!("{to}: {value} wei + {gas} gas \u{d7} {price} wei"))
}
