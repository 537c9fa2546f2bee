//! Where kona-protocol 0.4.5 differs from op-node, and so from opal: each way with a name and what tells it.
//!
//! Start with [`CLASSES`] and [`class`].
//!
//! **Invariant:** a difference is excused only where the first batch that differs, and what the sides say about it, show
//! its kind; what comes before it is equal.

use crate::{
    answer::{Item, Span, amounts, fields, items},
    client::Answer,
    generate::{Case, Operation},
};

/// A frame may end with any byte; all but 1 mean "not the last". op-node drops the transaction (D2).
const END_FLAG: &str = "end flag of a frame";
/// zlib data damaged anywhere gives nothing. op-node keeps the batches before the damage (1h, 1i).
const DAMAGED_ZLIB: &str = "damaged zlib";
/// zlib blocks with codes that are not complete are read. Go's reader calls them damaged (D5).
const LAX_ZLIB: &str = "incomplete codes of zlib";
/// Data over the limit gives nothing. op-node reads up to the limit (D5, 1i).
const OVER_LIMIT: &str = "over the limit";
/// The limit of Brotli data is looked at only when a buffer is doubled. op-node counts bytes (D5).
const BROTLI_LIMIT: &str = "limit of Brotli";
/// Damaged Brotli data gives nothing, or another part of it. opal sees what op-node's reader sees (1h).
const DAMAGED_BROTLI: &str = "damaged Brotli";
/// Lists of bits that are cut off are filled with zeros. op-node drops the batch (D7, 1h).
const SHORT_BITS: &str = "short bit list";
/// Fees are cut to 128 bits. op-node keeps them; the engine refuses the transaction (D7).
const WIDE_FEE: &str = "wide fee";
/// An amount of more than 256 bits is refused with its batch. op-node keeps it, as above (D7).
const WIDE_AMOUNT: &str = "wide amount";
/// A number longer than it needs to be is refused. op-node reads it (D7).
const LONG_VARINT: &str = "long varint";
/// A number of more than 64 bits is cut. op-node drops the batch (D7, 1h).
const WIDE_VARINT: &str = "wide varint";
/// Post-exec transactions are not known (D9).
const POST_EXEC: &str = "post-exec transaction";
/// A span batch with a wrong transaction ends its channel. op-node drops the batch alone (D7).
const WRONG_TRANSACTION: &str = "wrong transaction ends the channel";

/// Ways to differ that must be seen.
pub(crate) const CLASSES: [&str; 13] = [
    END_FLAG,
    DAMAGED_ZLIB,
    LAX_ZLIB,
    OVER_LIMIT,
    BROTLI_LIMIT,
    DAMAGED_BROTLI,
    SHORT_BITS,
    WIDE_FEE,
    WIDE_AMOUNT,
    LONG_VARINT,
    WIDE_VARINT,
    POST_EXEC,
    WRONG_TRANSACTION,
];

/// How the answers relate; `None` if they differ in an unknown way.
pub(crate) fn class(case: &Case, mine: &Answer, theirs: &Answer) -> Option<&'static str> {
    if mine.result == theirs.result {
        return Some("same");
    }
    if case.operation == Operation::Frames {
        return mine.text.contains("neither 0 nor 1").then_some(END_FLAG);
    }
    let (ours, others) = (items(mine), items(theirs));
    let alike = ours.iter().zip(&others).take_while(|(left, right)| equal_but_fees(left, right));
    let alike = alike.count();
    match (ours.get(alike), others.get(alike)) {
        (None, None) => Some(WIDE_FEE),
        (Some(item), None) => only_here(item, case, theirs),
        (None, Some(Item::Span(_) | Item::Singular(_))) => only_there(case, &mine.text),
        _ => None,
    }
}

/// A batch that opal gives and kona does not, by what kona says.
fn only_here(item: &Item<'_>, case: &Case, theirs: &Answer) -> Option<&'static str> {
    const NUMBERS: [&str; 5] =
        ["RelativeTimestamp", "L1OriginNumber", "BlockCount", "BlockTxCounts", "TxNonces"];
    let why = theirs.text.as_str();
    match item {
        _ if why == "reader: zlib decompression error" => Some(DAMAGED_ZLIB),
        _ if why.starts_with("reader: ") && why.contains("maximum") => Some(OVER_LIMIT),
        _ if case.is_brotli() && why == "batch: input too short" => Some(DAMAGED_BROTLI),
        _ if case.is_brotli() && why.is_empty() && theirs.result.is_empty() => Some(DAMAGED_BROTLI),
        Item::Dropped if why.starts_with("batch: SpanBatchError") => Some(WRONG_TRANSACTION),
        Item::Span(span) => {
            if why.contains("InvalidTransactionType") && has_post_exec(span) {
                return Some(POST_EXEC);
            }
            if why.contains("InvalidTransactionData") && has_amount_over(span, 32) {
                return Some(WIDE_AMOUNT);
            }
            NUMBERS.iter().any(|field| why.contains(field)).then_some(LONG_VARINT)
        }
        _ => None,
    }
}

/// A batch that kona gives and opal does not, by what opal says.
fn only_there(case: &Case, why: &str) -> Option<&'static str> {
    if why.contains("ends within") && why.ends_with("bits") {
        return Some(SHORT_BITS);
    }
    if why.contains("span batch: ") && why.ends_with("too large") {
        return Some(WIDE_VARINT);
    }
    // At the limit between two batches opal ends without a word.
    if case.is_brotli()
        && case.has_small_limit()
        && (why.contains("may be read") || !why.contains("batch: "))
    {
        return Some(BROTLI_LIMIT);
    }
    let class = if case.is_brotli() { DAMAGED_BROTLI } else { LAX_ZLIB };
    why.ends_with("compressed data is damaged").then_some(class)
}

fn has_post_exec(span: &Span<'_>) -> bool {
    span.transactions.iter().any(|transaction| transaction.first() == Some(&0x7d))
}

fn has_amount_over(span: &Span<'_>, limit: usize) -> bool {
    let is_over = |transaction: &&[u8]| {
        let Some(fields) = fields(transaction) else { return false };
        amounts(transaction).iter().any(|index| fields[*index].len() > limit)
    };
    span.transactions.iter().any(is_over)
}

/// Whether two batches are the same, apart from fees that kona cuts.
fn equal_but_fees(mine: &Item<'_>, theirs: &Item<'_>) -> bool {
    let (Item::Span(left), Item::Span(right)) = (mine, theirs) else { return mine == theirs };
    left.outline == right.outline
        && left.transactions.len() == right.transactions.len()
        && left
            .transactions
            .iter()
            .zip(&right.transactions)
            .all(|(left, right)| left == right || equal_cut(left, right).is_some_and(|equal| equal))
}

/// Whether `theirs` is `mine` with fees of at most 128 bits; `None` = one is no list of fields.
fn equal_cut(mine: &[u8], theirs: &[u8]) -> Option<bool> {
    let (left, right) = (fields(mine)?, fields(theirs)?);
    // The value is the last of the amounts, and kept whole.
    let (_, fees) = amounts(mine).split_last()?;
    let is_equal = |index: usize| {
        left[index] == right[index] || fees.contains(&index) && cut(left[index]) == right[index]
    };
    let same_kind = amounts(mine) == amounts(theirs) && left.len() == right.len();
    Some(same_kind && (0..left.len()).all(is_equal))
}

/// The low 128 bits of a number without leading zeros.
fn cut(number: &[u8]) -> &[u8] {
    let low = &number[number.len().saturating_sub(16)..];
    let zeros = low.iter().take_while(|byte| **byte == 0).count();
    &low[zeros..]
}
