//! Answers taken apart: the batches in them and, of a transaction, the fields.
//!
//! **Invariant:** an answer that is not of the form all peers share ends the test.

use crate::client::Answer;
use alloy_rlp::{Header, PayloadView};

/// One batch of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A singular batch, as it stands in the answer.
    Singular(&'a [u8]),
    Span(Span<'a>),
    /// A span batch that was dropped alone.
    Dropped,
}

/// A span batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Span<'a> {
    /// All but the transactions.
    pub(crate) outline: Vec<&'a [u8]>,
    /// The transactions of all blocks.
    pub(crate) transactions: Vec<&'a [u8]>,
}

/// The batches of an answer.
pub(crate) fn items(answer: &Answer) -> Vec<Item<'_>> {
    let mut rest = answer.result.as_slice();
    let mut items = Vec::new();
    while !rest.is_empty() {
        items.push(match take(&mut rest, 1) {
            [0] => singular(&mut rest),
            [1] => span(&mut rest),
            _ => Item::Dropped,
        });
    }
    items
}

fn singular<'a>(rest: &mut &'a [u8]) -> Item<'a> {
    let whole = *rest;
    take(rest, 80);
    for _ in 0..number(rest) {
        bytes(rest);
    }
    Item::Singular(&whole[..whole.len() - rest.len()])
}

fn span<'a>(rest: &mut &'a [u8]) -> Item<'a> {
    let mut span = Span { outline: vec![take(rest, 40)], ..Span::default() };
    for _ in 0..number(rest) {
        // Timestamp, epoch and count of transactions.
        span.outline.push(&rest[..20]);
        take(rest, 16);
        for _ in 0..number(rest) {
            span.transactions.push(bytes(rest));
        }
    }
    Item::Span(span)
}

fn bytes<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let length = number(rest);
    take(rest, length as usize)
}

fn number(rest: &mut &[u8]) -> u32 {
    u32::from_be_bytes(take(rest, 4).try_into().expect("four bytes"))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (head, tail) = rest.split_at_checked(count).expect("the answer is whole");
    *rest = tail;
    head
}

/// The fields of a transaction as content of RLP strings, lists as they are; `None` = of unknown form.
pub(crate) fn fields(transaction: &[u8]) -> Option<Vec<&[u8]>> {
    let mut list = match transaction {
        [0..0x80, list @ ..] => list,
        list => list,
    };
    let PayloadView::List(fields) = Header::decode_raw(&mut list).ok()? else { return None };
    fields.into_iter().map(content).collect()
}

/// What a field holds, without the header of a string.
fn content(field: &[u8]) -> Option<&[u8]> {
    match Header::decode_raw(&mut &*field).ok()? {
        PayloadView::String(content) => Some(content),
        PayloadView::List(_) => Some(field),
    }
}

/// Where value and fees stand in a transaction.
pub(crate) fn amounts(transaction: &[u8]) -> &'static [usize] {
    match transaction {
        [1, ..] => &[2, 5],
        [2 | 4, ..] => &[2, 3, 6],
        [(0xc0..), ..] => &[1, 4],
        _ => &[],
    }
}
