//! The batch stage: batches are taken in order of inclusion, one span at a time; a wrong one spoils the rest of
//! its span and its channel (D13).
//!
//! **Invariant:** nothing waits: a batch is the next, past, or wrong.

use crate::{
    Item, Reason,
    bedrock::batches::note,
    context::Context,
    fact::Pause,
    note::ResetReason,
    unforked::{
        batch_rules::{self, Place, Validity},
        channel_reader::{ChannelReader, ReadBatch},
        open_span::OpenSpan,
        origins::{self, Origins},
        pipeline::Inputs,
    },
};
use opal_types::{L2Ref, SingularBatch, SpanBatch};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct BatchStage {
    span: OpenSpan,
    /// A span that was read but not judged; kept while a fact is missing.
    arrived: Option<SpanBatch>,
}

impl BatchStage {
    /// Drops what is left of the span and of the channel.
    pub(crate) fn flush(&mut self, reader: &mut ChannelReader, cx: &mut Context) {
        if !self.span.is_empty() {
            cx.note(Item::ChannelData, Reason::RestOfSpan { blocks: self.span.len() });
        }
        self.span.clear();
        reader.flush();
    }

    /// The next batch, and whether its span is complete with it.
    pub(crate) fn next(
        &mut self,
        parent: &L2Ref,
        inputs: &mut Inputs,
        cx: &mut Context,
    ) -> Result<(SingularBatch, bool), Pause> {
        inputs.origins.update(parent, cx);
        // A channel from the parent's own origin or before holds only what is past.
        if origins::is_behind(parent, cx) || parent.l1_origin.number == cx.origin.number {
            let batch = inputs.reader.next(cx)?;
            let next = parent.timestamp.saturating_add(cx.config.block_time);
            note(cx, &batch, Reason::Past { next });
            return Err(Pause::Again);
        }
        if inputs.origins.blocks().len() < 2 {
            return Err(Pause::Reset(ResetReason::BatchMismatch));
        }
        inputs.origins.epoch(parent)?;
        let batch = match self.candidate(parent, inputs, cx) {
            Err(Pause::OutOfData) => {
                let forced = inputs.origins.forced_batch(true, parent, cx)?;
                return Ok((forced, true));
            }
            candidate => candidate?,
        };
        let inclusion = cx.origin.clone();
        let place = Place { parent, origins: inputs.origins.blocks(), inclusion: &inclusion };
        match batch_rules::check_singular(cx, place, &batch) {
            Validity::Accept => Ok((batch, self.span.is_empty())),
            verdict => self.refuse(&ReadBatch::Singular(batch), verdict, &mut inputs.reader, cx),
        }
    }

    fn candidate(
        &mut self,
        parent: &L2Ref,
        inputs: &mut Inputs,
        cx: &mut Context,
    ) -> Result<SingularBatch, Pause> {
        if let Some(batch) = self.span.next(parent, &inputs.origins, cx) {
            return Ok(batch);
        }
        let span = match self.arrived.take() {
            Some(span) => span,
            None => match inputs.reader.next(cx)? {
                ReadBatch::Singular(batch) => return Ok(batch),
                ReadBatch::Span(span) => span,
            },
        };
        self.open_span(span, parent, inputs, cx)
    }

    /// Judges a span as a whole and takes its first batch.
    fn open_span(
        &mut self,
        span: SpanBatch,
        parent: &L2Ref,
        inputs: &mut Inputs,
        cx: &mut Context,
    ) -> Result<SingularBatch, Pause> {
        match judge(&span, parent, &inputs.origins, cx) {
            Err(pause) => {
                self.arrived = Some(span);
                return Err(pause);
            }
            Ok(Validity::Accept) => {}
            Ok(verdict) => {
                return self.refuse(&ReadBatch::Span(span), verdict, &mut inputs.reader, cx);
            }
        }
        let first = span.blocks.iter().find(|block| block.timestamp > parent.timestamp);
        let epoch = first.map_or(0, |block| block.epoch_number);
        let item = batch_rules::span_item(&span);
        match OpenSpan::open(span, parent, &inputs.origins) {
            Some(open) => self.span = open,
            None => {
                // The part after the safe head falls back behind the safe head's origin.
                let current = parent.l1_origin.number;
                cx.note(item, Reason::EpochTooOld { epoch, current });
                self.flush(&mut inputs.reader, cx);
            }
        }
        self.span.next(parent, &inputs.origins, cx).ok_or(Pause::Again)
    }

    /// What a batch that is not the next one leads to.
    fn refuse<T>(
        &mut self,
        batch: &ReadBatch,
        verdict: Validity,
        reader: &mut ChannelReader,
        cx: &mut Context,
    ) -> Result<T, Pause> {
        match verdict {
            Validity::Drop(reason) => {
                note(cx, batch, reason);
                self.flush(reader, cx);
            }
            Validity::Past(reason) => note(cx, batch, reason),
            Validity::Accept | Validity::Undecided | Validity::Future => {}
        }
        Err(Pause::Again)
    }
}

/// Judges a span as a whole.
fn judge(
    span: &SpanBatch,
    parent: &L2Ref,
    origins: &Origins,
    cx: &mut Context,
) -> Result<Validity, Pause> {
    let inclusion = cx.origin.clone();
    let place = Place { parent, origins: origins.blocks(), inclusion: &inclusion };
    match batch_rules::check_prefix(cx, place, span)? {
        Validity::Accept => batch_rules::check_overlap(cx, parent, span),
        verdict => Ok(verdict),
    }
}
