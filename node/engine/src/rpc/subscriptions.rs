//! `eth_subscribe`: what is new is sent over ws.
//!
//! Start with [`serve`]. An event only wakes a subscription; what it sends it finds by its own [`Cursor`], so
//! a slow client gets everything later instead of something never.
//!
//! **Invariant:** a subscription ends when its client goes or the server stops.

use super::cursor::Cursor;
use super::eth::included;
use super::shape::{TransactionShape, header};
use super::{Api, RpcError, Table, filters, logs};
use crate::ChainEvent;
use alloy_primitives::B256;
use alloy_rpc_types_eth::Filter;
use jsonrpsee::core::traits::IdProvider;
use jsonrpsee::core::{RegisterMethodError, SubscriptionError};
use jsonrpsee::server::{PendingSubscriptionSink, SubscriptionMessage, SubscriptionSink};
use jsonrpsee::types::{ErrorObjectOwned, Params, SubscriptionId};
use serde::Serialize;
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.module.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |params, pending, api, _| serve(params, pending, api),
    )?;
    Ok(())
}

/// Names of subscriptions: hexadecimal digits that nobody can guess, as clients of geth expect them.
#[derive(Debug, Default)]
pub(super) struct HexIds {
    count: AtomicU64,
    secret: RandomState,
}

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        format!("{:#018x}", self.secret.hash_one(count)).into()
    }
}

/// What a client wants to be told.
#[derive(Debug)]
enum Topic {
    Heads,
    Logs(Box<Filter>),
    /// Whole transactions, or their hashes.
    Pending {
        full: bool,
    },
    /// Never changes here.
    Syncing,
}

impl Topic {
    fn read(params: &Params<'_>) -> Result<Self, RpcError> {
        let mut values = params.sequence();
        let invalid = |error: ErrorObjectOwned| RpcError::params(error.to_string());
        let name: String = values.next().map_err(invalid)?;
        match name.as_str() {
            "newHeads" => Ok(Self::Heads),
            "logs" => {
                let filter: Option<Filter> = values.optional_next().map_err(invalid)?;
                let filter = filter.unwrap_or_default();
                logs::check(&filter)?;
                Ok(Self::Logs(Box::new(filter)))
            }
            "newPendingTransactions" => {
                // Some clients send an empty object where a flag belongs.
                let flag: Option<Value> = values.optional_next().map_err(invalid)?;
                Ok(Self::Pending { full: flag == Some(Value::Bool(true)) })
            }
            "syncing" => Ok(Self::Syncing),
            _ => Err(RpcError::params(format!("no \"{name}\" subscription in eth namespace"))),
        }
    }
}

async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    api: Arc<Api>,
) -> Result<(), SubscriptionError> {
    let topic = match Topic::read(&params) {
        Ok(topic) => topic,
        Err(error) => {
            pending.reject(ErrorObjectOwned::from(error)).await;
            return Ok(());
        }
    };
    // Before the client knows of it, so that nothing falls in between.
    let mut events = api.engine.subscribe();
    let mut cursor = Cursor::at_head(&api.engine);
    let sink = pending.accept().await?;
    while let Some(event) = next(&sink, &api, &mut events).await {
        let messages = match &topic {
            Topic::Syncing => Vec::new(),
            Topic::Pending { full } => event.map_or(Ok(Vec::new()), |hash| {
                pending_transaction(&api, hash, *full).map(|it| it.into_iter().collect())
            })?,
            Topic::Heads => news(&api, &mut cursor, None)?,
            Topic::Logs(filter) => news(&api, &mut cursor, Some(filter))?,
        };
        for message in messages {
            sink.send(message).await?;
        }
    }
    Ok(())
}

/// Waits for the next event: the hash of a transaction, or nothing but the reason to look. `None` = it ends.
async fn next(
    sink: &SubscriptionSink,
    api: &Api,
    events: &mut Receiver<ChainEvent>,
) -> Option<Option<B256>> {
    tokio::select! {
        () = sink.closed() => None,
        () = api.stop.cancelled() => None,
        event = events.recv() => match event {
            Ok(ChainEvent::PendingTransaction(hash)) => Some(Some(hash)),
            Ok(ChainEvent::NewHead { .. }) | Err(RecvError::Lagged(_)) => Some(None),
            Err(RecvError::Closed) => None,
        }
    }
}

fn message(value: &impl Serialize) -> Result<SubscriptionMessage, RpcError> {
    let text = serde_json::value::to_raw_value(value).map_err(RpcError::internal)?;
    Ok(SubscriptionMessage::from(text))
}

/// New heads, or new logs with those that are gone before them.
fn news(
    api: &Api,
    cursor: &mut Cursor,
    filter: Option<&Filter>,
) -> Result<Vec<SubscriptionMessage>, RpcError> {
    let changes = cursor.advance(&api.engine)?;
    match filter {
        None => changes.added.iter().map(|block| message(&header(&block.header))).collect(),
        Some(filter) => filters::new_logs(api, filter, &changes)?.iter().map(message).collect(),
    }
}

/// A transaction that may already be in a block, or gone.
fn pending_transaction(
    api: &Api,
    hash: B256,
    full: bool,
) -> Result<Option<SubscriptionMessage>, RpcError> {
    if !full {
        return message(&hash).map(Some);
    }
    if let Some(waiting) = api.engine.pool().find(hash) {
        return message(&TransactionShape::of_pool(&waiting)).map(Some);
    }
    let Some((block, index)) = included(api, hash)? else { return Ok(None) };
    message(&TransactionShape::of_block(&block, &[], index)?.waiting()).map(Some)
}
