//! Whole blocks in RLP: header, transactions, ommers, withdrawals.
//!
//! **Invariant:** parts are slices of the bytes given; nothing is encoded again.

use alloy_primitives::Bytes;
use alloy_rlp::{Encodable, Error, Header};

/// A block taken apart. What follows the transactions is not kept: nothing here needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRlp {
    /// Encoding of the header.
    pub header: Bytes,
    /// EIP-2718 encoded transactions.
    pub transactions: Vec<Bytes>,
}

/// Takes a block apart.
pub fn split_block(block: &Bytes) -> Result<BlockRlp, Error> {
    let mut rest = block.as_ref();
    let mut fields = Header::decode_bytes(&mut rest, true)?;
    if !rest.is_empty() {
        return Err(Error::UnexpectedLength);
    }
    let header = item(block, &mut fields)?;
    let mut list = Header::decode_bytes(&mut fields, true)?;
    let mut transactions = Vec::new();
    while !list.is_empty() {
        // A legacy transaction is a list; the others are strings.
        let is_list = list.first().is_some_and(|byte| *byte >= 0xc0);
        transactions.push(if is_list {
            item(block, &mut list)?
        } else {
            block.slice_ref(Header::decode_bytes(&mut list, false)?)
        });
    }
    while !fields.is_empty() {
        Header::decode_bytes(&mut fields, true)?;
    }
    Ok(BlockRlp { header, transactions })
}

/// The next list with its header.
fn item(block: &Bytes, input: &mut &[u8]) -> Result<Bytes, Error> {
    let whole = *input;
    Header::decode_bytes(input, true)?;
    let length = whole.len().saturating_sub(input.len());
    Ok(block.slice_ref(whole.get(..length).unwrap_or_default()))
}

/// Puts a block together. `tail` is what follows the transactions: ommers, withdrawals.
pub fn block_rlp(header: &[u8], transactions: &[Bytes], tail: &[u8]) -> Bytes {
    let mut list = Vec::new();
    for raw in transactions {
        if raw.first().is_some_and(|byte| *byte >= 0xc0) {
            list.extend_from_slice(raw);
        } else {
            raw.as_ref().encode(&mut list);
        }
    }
    let head = Header { list: true, payload_length: list.len() };
    let payload_length = [header.len(), head.length(), list.len(), tail.len()].iter().sum();
    let mut out = Vec::new();
    Header { list: true, payload_length }.encode(&mut out);
    out.extend_from_slice(header);
    head.encode(&mut out);
    out.extend_from_slice(&list);
    out.extend_from_slice(tail);
    out.into()
}
