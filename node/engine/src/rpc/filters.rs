//! Filters: questions that are asked again and again.
//!
//! Start with the table in [`list`]; [`Filters`] keeps what clients installed.
//!
//! **Invariant:** at most so many filters, and none that nobody asks about for long.

use super::cursor::{Changes, Cursor};
use super::shape::LogShape;
use super::{Api, Limits, RpcError, Table, logs};
use crate::ChainEvent;
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::Filter;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_newFilter", |api, (filter,): (Filter,)| {
        logs::check(&filter)?;
        let cursor = Cursor::at_head(&api.engine);
        api.filters.install(Kind::Logs { filter: Box::new(filter), cursor })
    })?;
    table.read("eth_newBlockFilter", |api, (): ()| {
        api.filters.install(Kind::Blocks { cursor: Cursor::at_head(&api.engine) })
    })?;
    table.read("eth_newPendingTransactionFilter", |api, (_full,): (Option<bool>,)| {
        api.filters.install(Kind::Pending { events: api.engine.subscribe() })
    })?;
    table.read("eth_getFilterChanges", |api, (id,): (U64,)| changes(api, id.to()))?;
    table.read("eth_getFilterLogs", |api, (id,): (U64,)| {
        let filter = api.filters.logs_of(id.to())?;
        logs::find(api, &filter)
    })?;
    table.quick("eth_uninstallFilter", |api, (id,): (U64,)| Ok(api.filters.uninstall(id.to())))
}

/// All filters of a server.
#[derive(Debug)]
pub(crate) struct Filters {
    installed: Mutex<Installed>,
    most: usize,
    idle: Duration,
}

#[derive(Debug, Default)]
struct Installed {
    by_id: BTreeMap<u64, Entry>,
    last_id: u64,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    asked: Instant,
}

#[derive(Debug)]
enum Kind {
    Logs { filter: Box<Filter>, cursor: Cursor },
    Blocks { cursor: Cursor },
    Pending { events: Receiver<ChainEvent> },
}

/// What is new for a filter.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum News {
    Hashes(Vec<B256>),
    Logs(Vec<LogShape>),
}

fn not_found() -> RpcError {
    RpcError::server("filter not found")
}

impl Filters {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            installed: Mutex::default(),
            most: limits.filters,
            idle: Duration::from_secs(limits.filter_idle_s),
        }
    }

    /// The filters, without those that nobody asked about for long.
    fn installed(&self) -> MutexGuard<'_, Installed> {
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        installed.by_id.retain(|_, entry| entry.asked.elapsed() < self.idle);
        installed
    }

    fn install(&self, kind: Kind) -> Result<U64, RpcError> {
        let mut installed = self.installed();
        if installed.by_id.len() >= self.most {
            return Err(RpcError::server(format!("there are {} filters already", self.most)));
        }
        installed.last_id += 1;
        let id = installed.last_id;
        installed.by_id.insert(id, Entry { kind, asked: Instant::now() });
        Ok(U64::from(id))
    }

    fn uninstall(&self, id: u64) -> bool {
        self.installed().by_id.remove(&id).is_some()
    }

    /// Takes a filter out while it is asked, so that the others need not wait.
    fn take(&self, id: u64) -> Result<Kind, RpcError> {
        self.installed().by_id.remove(&id).map(|entry| entry.kind).ok_or_else(not_found)
    }

    fn put_back(&self, id: u64, kind: Kind) {
        self.installed().by_id.insert(id, Entry { kind, asked: Instant::now() });
    }

    fn logs_of(&self, id: u64) -> Result<Filter, RpcError> {
        match self.installed().by_id.get_mut(&id) {
            Some(Entry { kind: Kind::Logs { filter, .. }, asked }) => {
                *asked = Instant::now();
                Ok(Filter::clone(filter))
            }
            _ => Err(not_found()),
        }
    }
}

fn changes(api: &Api, id: u64) -> Result<News, RpcError> {
    let mut kind = api.filters.take(id)?;
    let news = match &mut kind {
        Kind::Blocks { cursor } => cursor.advance(&api.engine).map(|changes| {
            News::Hashes(changes.added.iter().map(|block| block.header.hash()).collect())
        }),
        Kind::Logs { filter, cursor } => {
            let mut ahead = *cursor;
            let found = ahead.advance(&api.engine).and_then(|it| new_logs(api, filter, &it));
            // What could not be told is told next time.
            if found.is_ok() {
                *cursor = ahead;
            }
            found.map(News::Logs)
        }
        Kind::Pending { events } => Ok(News::Hashes(pending(events))),
    };
    api.filters.put_back(id, kind);
    news
}

/// Logs that are gone, then logs that are new.
pub(crate) fn new_logs(
    api: &Api,
    filter: &Filter,
    changes: &Changes,
) -> Result<Vec<LogShape>, RpcError> {
    let mut found = Vec::new();
    for block in &changes.removed {
        logs::add(api, filter, block, true, &mut found)?;
    }
    for block in &changes.added {
        logs::add(api, filter, block, false, &mut found)?;
    }
    Ok(found)
}

fn pending(events: &mut Receiver<ChainEvent>) -> Vec<B256> {
    let mut hashes = Vec::new();
    loop {
        match events.try_recv() {
            Ok(ChainEvent::PendingTransaction(hash)) => hashes.push(hash),
            Ok(ChainEvent::NewHead { .. }) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return hashes,
        }
    }
}
