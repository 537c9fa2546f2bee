//! The batch queue: batches wait in order of inclusion until one fits the safe head (D9, D10, D12).
//!
//! **Invariant:** of all batches that fit, the first included is taken; those of a span follow each other.

use crate::{
    Item, Reason,
    context::Context,
    fact::Pause,
    unforked::{
        batch_rules::{self, Place, Validity},
        channel_reader::{ChannelReader, ReadBatch},
        open_span::OpenSpan,
        origins::{self, Origins},
        pipeline::Inputs,
    },
};
use alloc::vec::Vec;
use opal_types::{L1Header, L2Ref, SingularBatch, SpanBatch};

/// A batch and the L1 block that completed it.
#[derive(Clone, Debug)]
struct Waiting {
    batch: ReadBatch,
    inclusion: L1Header,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct BatchQueue {
    waiting: Vec<Waiting>,
    span: OpenSpan,
    /// A batch that was read but not looked at, and whether the reader was dry; kept while a fact is missing.
    arrived: Option<Waiting>,
    loaded: Option<bool>,
}

impl BatchQueue {
    /// The next batch, and whether its span is complete with it.
    pub(crate) fn next(
        &mut self,
        parent: &L2Ref,
        inputs: &mut Inputs,
        cx: &mut Context,
    ) -> Result<(SingularBatch, bool), Pause> {
        let Inputs { reader, origins } = inputs;
        if let Some(batch) = self.span.next(parent, origins, cx) {
            return Ok((batch, self.span.is_empty()));
        }
        origins.update(parent, cx);
        let is_behind = origins::is_behind(parent, cx);
        let is_dry = self.load(is_behind, reader, cx)?;
        self.add_arrived(parent, origins, cx)?;
        let found =
            if is_behind { Err(Pause::OutOfData) } else { self.find(is_dry, parent, origins, cx) };
        if matches!(found, Err(Pause::Need(_))) {
            return found.map(|batch| (batch, false));
        }
        self.loaded = None;
        match found {
            Err(Pause::OutOfData) if !is_dry => Err(Pause::Again),
            found => Ok((found?, self.span.is_empty())),
        }
    }

    /// Reads one more batch, once for each time that a next one is looked for.
    fn load(
        &mut self,
        is_behind: bool,
        reader: &mut ChannelReader,
        cx: &mut Context,
    ) -> Result<bool, Pause> {
        if let Some(is_dry) = self.loaded {
            return Ok(is_dry);
        }
        let is_dry = match reader.next(cx) {
            Ok(batch) => {
                let inclusion = cx.origin.clone();
                self.arrived = (!is_behind).then_some(Waiting { batch, inclusion });
                false
            }
            Err(Pause::OutOfData) => true,
            Err(pause) => return Err(pause),
        };
        self.loaded = Some(is_dry);
        Ok(is_dry)
    }

    /// A batch that is wrong at once does not wait.
    fn add_arrived(
        &mut self,
        parent: &L2Ref,
        origins: &Origins,
        cx: &mut Context,
    ) -> Result<(), Pause> {
        let Some(arrived) = &self.arrived else { return Ok(()) };
        let verdict = check(cx, origins, parent, arrived)?;
        if let Some(arrived) = self.arrived.take() {
            match verdict {
                Validity::Drop(reason) => note(cx, &arrived.batch, reason),
                _ => self.waiting.push(arrived),
            }
        }
        Ok(())
    }

    /// The first batch that fits, or the empty one that the end of the sequencing window forces.
    fn find(
        &mut self,
        is_dry: bool,
        parent: &L2Ref,
        origins: &mut Origins,
        cx: &mut Context,
    ) -> Result<SingularBatch, Pause> {
        origins.epoch(parent)?;
        let mut at = 0;
        while let Some(waiting) = self.waiting.get(at) {
            match check(cx, origins, parent, waiting)? {
                Validity::Future => at = at.saturating_add(1),
                Validity::Undecided => return Err(Pause::OutOfData),
                Validity::Drop(reason) | Validity::Past(reason) => {
                    let dropped = self.waiting.remove(at);
                    note(cx, &dropped.batch, reason);
                }
                Validity::Accept => {
                    return match self.waiting.remove(at).batch {
                        ReadBatch::Singular(batch) => Ok(batch),
                        ReadBatch::Span(batch) => self.open_span(batch, parent, origins, cx),
                    };
                }
            }
        }
        origins.forced_batch(is_dry, parent, cx)
    }

    fn open_span(
        &mut self,
        batch: SpanBatch,
        parent: &L2Ref,
        origins: &Origins,
        cx: &Context,
    ) -> Result<SingularBatch, Pause> {
        // The span was checked against these very origins.
        self.span = OpenSpan::open(batch, parent, origins).unwrap_or_default();
        self.span.next(parent, origins, cx).ok_or(Pause::Again)
    }
}

fn check(
    cx: &mut Context,
    origins: &Origins,
    parent: &L2Ref,
    waiting: &Waiting,
) -> Result<Validity, Pause> {
    let place = Place { parent, origins: origins.blocks(), inclusion: &waiting.inclusion };
    let batch = match &waiting.batch {
        ReadBatch::Singular(batch) => return Ok(batch_rules::check_singular(cx, place, batch)),
        ReadBatch::Span(batch) => batch,
    };
    for verdict in
        [batch_rules::check_prefix(cx, place, batch)?, batch_rules::check_span(cx, place, batch)]
    {
        if verdict != Validity::Accept {
            return Ok(verdict);
        }
    }
    batch_rules::check_overlap(cx, parent, batch)
}

/// Notes what becomes of a batch.
pub(crate) fn note(cx: &mut Context, batch: &ReadBatch, reason: Reason) {
    let item = match batch {
        ReadBatch::Singular(batch) => Item::Batch { timestamp: batch.timestamp },
        ReadBatch::Span(batch) => batch_rules::span_item(batch),
    };
    cx.note(item, reason);
}
