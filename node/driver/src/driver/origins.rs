//! Looks up the L1 blocks that may be the next origin, before they are wanted.
//!
//! Start with [`Scout::look`].
//!
//! **Invariant:** an origin is offered only with all that its attributes need, so building never waits for L1
//! while the head's own origin may still be used.

use super::inquiry::Inquiry;
use crate::L1View;
use alloy_primitives::Bytes;
use opal_derive::{Fact, Request};
use opal_sources::{SourceError, Sources};
use opal_types::{ChainConfig, L1Header, L2Ref};
use std::{sync::Arc, time::Duration};

/// An L1 block with what building on it needs.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) header: L1Header,
    /// Its receipts, if they can hold a log that counts.
    pub(super) receipts: Option<Vec<Bytes>>,
}

/// What a look found.
#[derive(Debug)]
pub(super) enum Found {
    Current(Option<L1Header>),
    Next(Option<Candidate>),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Scout {
    /// Origin of the head.
    current: Option<L1Header>,
    /// The block after it.
    next: Option<Candidate>,
    pub(super) inquiry: Inquiry<Result<Found, SourceError>>,
}

/// Where and what to look for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) config: &'a Arc<ChainConfig>,
    pub(super) sources: &'a Arc<Sources>,
    pub(super) view: &'a L1View,
    pub(super) confirmations: u64,
    pub(super) now_ms: u64,
    pub(super) patience: Duration,
}

async fn find_next(
    sources: Arc<Sources>,
    config: Arc<ChainConfig>,
    number: u64,
) -> Result<Found, SourceError> {
    let Some(header) = sources.l1_header(number).await? else { return Ok(Found::Next(None)) };
    let counts = header.may_log(config.deposit_contract) || header.may_log(config.l1_system_config);
    let receipts = if counts {
        match sources.answer(&Request::L1Receipts { block: header.hash }).await? {
            Fact::L1Receipts(receipts) => Some(receipts),
            _ => None,
        }
    } else {
        None
    };
    Ok(Found::Next(Some(Candidate { header, receipts })))
}

impl Scout {
    pub(super) fn new() -> Self {
        Self { current: None, next: None, inquiry: Inquiry::new() }
    }

    /// Forgets all: L1 may be another one.
    pub(super) fn forget(&mut self) {
        self.current = None;
        self.next = None;
        self.inquiry.forget();
    }

    /// Forgets the block after the origin: it is read again.
    pub(super) fn forget_next(&mut self) {
        self.next = None;
    }

    /// Origin of the head.
    pub(super) const fn current(&self) -> Option<&L1Header> {
        self.current.as_ref()
    }

    /// The block after it.
    pub(super) const fn next(&self) -> Option<&Candidate> {
        self.next.as_ref()
    }

    /// What is waited for.
    pub(super) fn waits_for(&self, network: Option<&str>) -> Option<String> {
        self.inquiry.waits_for(network).map(|it| format!("L1 origin: {it}"))
    }

    /// Looks for what is missing. Answers are awaited for a while; they may come with a later look.
    pub(super) async fn look(&mut self, head: &L2Ref, look: Look<'_>) {
        self.move_to(head);
        // Current, then next: two answers at most.
        for _ in 0..2 {
            self.ask(head, look);
            let Some(outcome) = self.inquiry.outcome(look.patience).await else { return };
            match outcome {
                Ok(found) => self.take(found, look.now_ms),
                Err(error) => {
                    if self.inquiry.backoff.failed(error.to_string(), look.now_ms) {
                        tracing::warn!(%error, "cannot look up an L1 origin");
                    }
                }
            }
        }
    }

    fn move_to(&mut self, head: &L2Ref) {
        let origin = head.l1_origin.hash;
        if self.current.as_ref().is_some_and(|it| it.hash == origin) {
            return;
        }
        let next = self.next.take().map(|it| it.header);
        self.current = next.filter(|it| it.hash == origin);
    }

    fn ask(&mut self, head: &L2Ref, look: Look<'_>) {
        if !self.inquiry.is_free(look.now_ms) {
            return;
        }
        let sources = Arc::clone(look.sources);
        let Some(current) = &self.current else {
            let number = head.l1_origin.number;
            let find = async move { Ok(Found::Current(sources.l1_header(number).await?)) };
            return self.inquiry.ask(format!("L1 block {number}"), find);
        };
        let number = current.number.saturating_add(1);
        if self.next.is_none()
            && look.view.head.is_some()
            && look.view.shows(number, look.confirmations)
        {
            let find = find_next(sources, Arc::clone(look.config), number);
            self.inquiry.ask(format!("L1 block {number}"), find);
        }
    }

    fn take(&mut self, found: Found, now_ms: u64) {
        match found {
            Found::Current(Some(header)) => self.current = Some(header),
            Found::Next(Some(candidate)) => self.next = Some(candidate),
            Found::Current(None) | Found::Next(None) => {
                self.inquiry.backoff.failed("L1 does not tell the block".to_owned(), now_ms);
                return;
            }
        }
        self.inquiry.backoff.succeeded();
    }
}
