//! Which batches may become the next block (D9, D10, D11, D22).
//!
//! Start with [`check_singular`]; span batches have a prefix that is checked on both sides of Holocene, and
//! before it [`check_span`].
//!
//! **Invariant:** a verdict depends on the parent, the L1 blocks up to the inclusion block and the batch alone.

use crate::{
    HeadError, Item, L2Head, Reason,
    context::Context,
    fact::{Pause, Request},
};
use alloc::collections::VecDeque;
use alloy_primitives::{B256, Bytes};
use opal_types::{Fork, L1Header, L2Ref, SingularBatch, SpanBatch};

/// Type bytes with rules of their own.
const SET_CODE: u8 = 4;
const POST_EXECUTION: u8 = 0x7d;
const DEPOSIT: u8 = 0x7e;

/// What becomes of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    /// It is the next.
    Accept,
    /// Wrong, now and for ever.
    Drop(Reason),
    /// Only later L1 blocks can tell.
    Undecided,
    /// Its time has not come (before Holocene).
    Future,
    /// Its time is over (Holocene).
    Past(Reason),
}

use Validity::{Accept, Drop, Future, Past, Undecided};

/// Where a batch stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The block it would build on.
    pub(crate) parent: &'a L2Ref,
    /// L1 blocks from the parent's origin on.
    pub(crate) origins: &'a VecDeque<L1Header>,
    /// The L1 block that completed the batch.
    pub(crate) inclusion: &'a L1Header,
}

/// Shorthand for a drop.
fn refuse(reason: Reason) -> Result<(), Validity> {
    Err(Drop(reason))
}

/// The verdict about a singular batch.
pub(crate) fn check_singular(cx: &Context, place: Place<'_>, batch: &SingularBatch) -> Validity {
    singular(cx, place, batch).err().unwrap_or(Accept)
}

fn singular(cx: &Context, place: Place<'_>, batch: &SingularBatch) -> Result<(), Validity> {
    let Place { parent, origins, inclusion } = place;
    let epoch = origins.front().ok_or(Undecided)?;
    let is_holocene = cx.config.forks.active(Fork::Holocene, inclusion.timestamp);
    let next = parent.timestamp.saturating_add(cx.config.block_time);
    let number = batch.epoch.number;
    if batch.timestamp > next {
        return Err(if is_holocene { Drop(Reason::Gap { next }) } else { Future });
    }
    if batch.timestamp < next {
        let reason = Reason::Past { next };
        return Err(if is_holocene { Past(reason) } else { Drop(reason) });
    }
    if batch.parent_hash != parent.hash {
        return refuse(Reason::OtherParent { safe: parent.hash });
    }
    in_window(cx, number, inclusion)?;
    if number < epoch.number {
        return refuse(Reason::EpochTooOld { epoch: number, current: epoch.number });
    }
    if number > epoch.number.saturating_add(1) {
        return refuse(Reason::EpochTooFar { epoch: number, current: epoch.number });
    }
    let advances = number != epoch.number;
    let origin = origins.get(usize::from(advances)).ok_or(Undecided)?;
    if batch.epoch.hash != origin.hash {
        return refuse(Reason::OtherEpochHash { epoch: number });
    }
    let next_origin = origins.get(1);
    check_time(cx, batch.timestamp, origin, &batch.transactions, (advances, next_origin))?;
    check_transactions(cx, batch.timestamp, &batch.transactions)
}

/// A batch has to come within a sequencing window of its L1 origin.
fn in_window(cx: &Context, epoch: u64, inclusion: &L1Header) -> Result<(), Validity> {
    if epoch.saturating_add(cx.config.seq_window_size) < inclusion.number {
        return refuse(Reason::TooLate { epoch });
    }
    Ok(())
}

/// L2 time lies between the origin's time and the sequencer drift; beyond it only empty blocks that could not
/// take a newer origin are allowed (D11).
fn check_time(
    cx: &Context,
    timestamp: u64,
    origin: &L1Header,
    transactions: &[Bytes],
    (advances, next_origin): (bool, Option<&L1Header>),
) -> Result<(), Validity> {
    if timestamp < origin.timestamp {
        return refuse(Reason::BeforeOrigin { origin: origin.timestamp });
    }
    let max = origin.timestamp.saturating_add(cx.max_sequencer_drift(origin.timestamp));
    if timestamp <= max {
        return Ok(());
    }
    if !transactions.is_empty() {
        return refuse(Reason::DriftExceeded { max });
    }
    if advances {
        return Ok(());
    }
    let next = next_origin.ok_or(Undecided)?.timestamp;
    if timestamp >= next { refuse(Reason::NextOriginIgnored { next }) } else { Ok(()) }
}

/// Types that batches must not carry, and activation blocks that hold no transactions (D22). Blob transactions
/// and undecodable bytes pass: the engine refuses them (D9).
fn check_transactions(
    cx: &Context,
    timestamp: u64,
    transactions: &[Bytes],
) -> Result<(), Validity> {
    let activates = |fork: &Fork| cx.config.activates(*fork, timestamp);
    let forks = &cx.config.forks;
    if !transactions.is_empty() && [Fork::Jovian, Fork::Karst, Fork::Lagoon].iter().any(activates) {
        return refuse(Reason::NotEmptyAtActivation);
    }
    for (index, raw) in transactions.iter().enumerate() {
        let Some(tx_type) = raw.first().copied() else {
            return refuse(Reason::EmptyTransaction { index });
        };
        let is_forbidden = match tx_type {
            DEPOSIT => true,
            SET_CODE => !forks.active(Fork::Isthmus, timestamp),
            POST_EXECUTION => !forks.active(Fork::Lagoon, timestamp),
            _ => false,
        };
        if is_forbidden {
            return refuse(Reason::ForbiddenType { index, tx_type });
        }
    }
    Ok(())
}

/// How a note names the batch.
pub(crate) fn span_item(batch: &SpanBatch) -> Item {
    let timestamp = |it: Option<&opal_types::SpanBlock>| it.map_or(0, |block| block.timestamp);
    Item::Span { first: timestamp(batch.blocks.first()), last: timestamp(batch.blocks.last()) }
}

/// The verdict about a span batch as a whole: its prefix, and the part that overlaps the safe chain. The blocks
/// after the safe head are checked one by one, from Holocene by [`check_singular`], before it by
/// [`check_span`].
pub(crate) fn check_prefix(
    cx: &mut Context,
    place: Place<'_>,
    batch: &SpanBatch,
) -> Result<Validity, Pause> {
    let parent = match prefix_parent(cx, place, batch)? {
        Ok(parent) => parent,
        Err(verdict) => return Ok(verdict),
    };
    Ok(prefix(cx, place, batch, &parent).err().unwrap_or(Accept))
}

/// The block that the span batch builds on: the safe head, or with an overlap an earlier one.
fn prefix_parent(
    cx: &mut Context,
    place: Place<'_>,
    batch: &SpanBatch,
) -> Result<Result<L2Ref, Validity>, Pause> {
    match first_block(cx, place, batch) {
        Ok(number) if number > place.parent.number => Ok(Ok(*place.parent)),
        // Below the first block of the chain there is nothing to build on.
        Ok(number) if number <= cx.config.genesis.l2.number => Ok(Err(Drop(Reason::Misaligned))),
        Ok(number) => {
            let parent = ancestor(cx, place.parent, number.saturating_sub(1))?;
            Ok(parent.map_err(|_| Drop(Reason::Misaligned)))
        }
        Err(verdict) => Ok(Err(verdict)),
    }
}

fn ancestor(
    cx: &mut Context,
    safe: &L2Ref,
    number: u64,
) -> Result<Result<L2Ref, HeadError>, Pause> {
    let request = Request::L2Ancestor { descendant: safe.hash, number };
    let block = cx.facts.l2_ancestor(request)?;
    Ok(L2Head::reference(&cx.config, block))
}

/// The height of the batch's first block, if its times fit the chain. What can be decided without asking for
/// an old block is decided first: the order of drops is free, and an old block may be far away.
fn first_block(cx: &Context, place: Place<'_>, batch: &SpanBatch) -> Result<u64, Validity> {
    let Place { parent, origins, inclusion } = place;
    let is_holocene = cx.config.forks.active(Fork::Holocene, inclusion.timestamp);
    let (Some(first), Some(last)) = (batch.blocks.first(), batch.blocks.last()) else {
        return Err(Drop(Reason::Misaligned));
    };
    let epoch = origins.front().ok_or(Undecided)?;
    let advances = epoch.number.checked_add(1) == Some(first.epoch_number);
    let origin = origins.get(usize::from(advances)).ok_or(Undecided)?;
    if !cx.config.forks.active(Fork::Delta, origin.timestamp) {
        return Err(Drop(Reason::SpanBeforeDelta));
    }
    let block_time = cx.config.block_time;
    let next = parent.timestamp.saturating_add(block_time);
    if first.timestamp > next {
        return Err(if is_holocene { Drop(Reason::Gap { next }) } else { Future });
    }
    if last.timestamp < next {
        let reason = Reason::Past { next };
        return Err(if is_holocene { Past(reason) } else { Drop(reason) });
    }
    let behind = next.saturating_sub(first.timestamp);
    let blocks = behind.checked_div(block_time).ok_or(Drop(Reason::Misaligned))?;
    if behind != blocks.saturating_mul(block_time) {
        return Err(Drop(Reason::Misaligned));
    }
    in_window(cx, first.epoch_number, inclusion)?;
    let number = parent.number.saturating_add(1).checked_sub(blocks);
    number.ok_or(Drop(Reason::Misaligned))
}

/// The rules of a span batch that builds on `parent`.
fn prefix(
    cx: &Context,
    place: Place<'_>,
    batch: &SpanBatch,
    parent: &L2Ref,
) -> Result<(), Validity> {
    let (Some(first), Some(last)) = (batch.blocks.first(), batch.blocks.last()) else {
        return refuse(Reason::Misaligned);
    };
    if !starts_with(&parent.hash, &batch.parent_check) {
        return refuse(Reason::OtherParent { safe: parent.hash });
    }
    in_window(cx, first.epoch_number, place.inclusion)?;
    let (epoch, current) = (first.epoch_number, parent.l1_origin.number);
    if epoch > current.saturating_add(1) {
        return refuse(Reason::EpochTooFar { epoch, current });
    }
    let end = place.origins.iter().find(|block| block.number == last.epoch_number);
    if !starts_with(&end.ok_or(Undecided)?.hash, &batch.l1_origin_check) {
        return refuse(Reason::OtherEpochHash { epoch: last.epoch_number });
    }
    if epoch < current {
        return refuse(Reason::EpochTooOld { epoch, current });
    }
    Ok(())
}

fn starts_with(hash: &B256, check: &[u8; 20]) -> bool {
    hash.starts_with(check)
}

/// Compares the blocks of the batch that the safe chain has already (T37). Both official clients do so on both
/// sides of Holocene since a replaced block can differ from the batch that it came from.
pub(crate) fn check_overlap(
    cx: &mut Context,
    safe: &L2Ref,
    batch: &SpanBatch,
) -> Result<Validity, Pause> {
    let old = batch.blocks.iter().filter(|block| block.timestamp <= safe.timestamp);
    let count = u64::try_from(old.clone().count()).unwrap_or(u64::MAX);
    let first = safe.number.saturating_add(1).saturating_sub(count);
    for (number, claimed) in (first..).zip(old) {
        let differs = Ok(Drop(Reason::OverlapDiffers { number }));
        let Ok(block) = ancestor(cx, safe, number)? else { return differs };
        let request = Request::L2Transactions { block: block.hash };
        let transactions = cx.facts.l2_transactions(request)?;
        let is_claimed = |raw: &&Bytes| raw.first() != Some(&DEPOSIT);
        let is_same = transactions.iter().filter(is_claimed).eq(&claimed.transactions);
        if !is_same || block.l1_origin.number != claimed.epoch_number {
            return differs;
        }
    }
    Ok(Accept)
}

/// The verdict about all blocks of a span batch after the safe head, before Holocene; the prefix has passed.
pub(crate) fn check_span(cx: &Context, place: Place<'_>, batch: &SpanBatch) -> Validity {
    span_blocks(cx, place, batch).err().unwrap_or(Accept)
}

fn span_blocks(cx: &Context, place: Place<'_>, batch: &SpanBatch) -> Result<(), Validity> {
    let origins = place.origins;
    let safe = place.parent;
    let mut before = safe.l1_origin.number;
    for block in &batch.blocks {
        let number = block.epoch_number;
        if block.timestamp > safe.timestamp {
            let at = origins.iter().position(|origin| origin.number == number);
            let current = origins.front().map_or(0, |origin| origin.number);
            let too_old = Drop(Reason::EpochTooOld { epoch: number, current });
            let at = at.ok_or(too_old)?;
            let origin = origins.get(at).ok_or(Undecided)?;
            let next = (number > before, origins.get(at.saturating_add(1)));
            check_time(cx, block.timestamp, origin, &block.transactions, next)?;
            check_transactions(cx, block.timestamp, &block.transactions)?;
        }
        before = number;
    }
    Ok(())
}
