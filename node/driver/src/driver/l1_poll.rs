//! Looks at L1's heads from time to time.
//!
//! **Invariant:** one poll at a time; a failed one changes nothing.

use super::{Driver, Work, inquiry::Inquiry};
use crate::FinalitySource;
use opal_sources::{Label, SourceError, Sources};
use opal_types::L1Header;
use std::sync::Arc;

/// What a poll found.
#[derive(Debug, Default)]
pub(super) struct Found {
    head: Option<L1Header>,
    safe: Option<L1Header>,
    finalized: Option<L1Header>,
}

/// When to look.
#[derive(Debug)]
pub(super) struct Poll {
    pub(super) inquiry: Inquiry<Result<Found, SourceError>>,
    head_ms: u64,
    labels_ms: u64,
    finality: FinalitySource,
    next_head_ms: u64,
    next_labels_ms: u64,
}

impl Poll {
    pub(super) fn new(head_ms: u64, labels_ms: u64, finality: FinalitySource) -> Self {
        let inquiry = Inquiry::new();
        Self { inquiry, head_ms, labels_ms, finality, next_head_ms: 0, next_labels_ms: 0 }
    }

    /// When to look next.
    pub(super) fn due_ms(&self) -> u64 {
        self.inquiry.backoff.due_ms().unwrap_or(0).max(self.next_head_ms)
    }
}

async fn look(
    sources: Arc<Sources>,
    finality: FinalitySource,
    labels: bool,
) -> Result<Found, SourceError> {
    let head = sources.l1_head(Label::Latest).await?;
    let mut found = Found { head, ..Found::default() };
    if labels {
        found.safe = sources.l1_head(Label::Safe).await?;
        found.finalized = match finality {
            FinalitySource::Label => sources.l1_head(Label::Finalized).await?,
            FinalitySource::Depth(depth) => {
                let head = found.head.as_ref().map(|it| it.number);
                match head.and_then(|head| head.checked_sub(depth)) {
                    Some(number) => sources.l1_header(number).await?,
                    None => None,
                }
            }
        };
    }
    Ok(found)
}

impl Driver {
    /// Starts a poll if it is time, and takes the outcome if it comes soon.
    pub(super) async fn poll_l1(&mut self, work: &mut Work) {
        let poll = &mut self.poll;
        if poll.inquiry.is_free(work.now_ms) && poll.next_head_ms <= work.now_ms {
            let labels = poll.next_labels_ms <= work.now_ms;
            let look = look(Arc::clone(&self.parts.sources), poll.finality, labels);
            poll.inquiry.ask("L1 head".to_owned(), look);
        }
        let Some(outcome) = poll.inquiry.outcome(work.patience).await else { return };
        match outcome {
            Ok(found) => {
                poll.inquiry.backoff.succeeded();
                poll.next_head_ms = work.now_ms.saturating_add(poll.head_ms);
                if poll.next_labels_ms <= work.now_ms {
                    poll.next_labels_ms = work.now_ms.saturating_add(poll.labels_ms);
                }
                work.progressed |= self.see(found);
            }
            Err(error) => {
                if poll.inquiry.backoff.failed(error.to_string(), work.now_ms) {
                    tracing::warn!(%error, "cannot look at L1");
                }
            }
        }
    }

    /// True if L1 is another than before.
    fn see(&mut self, found: Found) -> bool {
        let before = self.l1.clone();
        self.l1.head = found.head.or_else(|| self.l1.head.take());
        self.l1.safe = found.safe.or_else(|| self.l1.safe.take());
        if let Some(finalized) = found.finalized {
            let number = finalized.number;
            if !self.l1.finalize(finalized) {
                tracing::error!(number, "L1 takes its finalized block back");
            }
        }
        if self.l1.head != before.head {
            // What was missing may be there now, or no more wanted.
            self.reading.inquiry.backoff.end_pause();
        }
        self.l1 != before
    }
}
