//! Receipts as the Go node prints them.
//!
//! Deposit receipts carry the sender's nonce from Regolith on, but until Canyon the receipts root leaves it out
//! (E1). Printed, it is there.
//!
//! **Invariant:** receipt and nonce together say exactly what the printed receipt says.

use alloy_primitives::Bytes;
use alloy_rlp::{Decodable, Error, Header};

/// Type byte of deposits.
const DEPOSIT: u8 = 0x7e;
/// Status, gas, bloom, logs.
const FIELDS: usize = 4;

/// The consensus encoding, and the nonce of a deposit.
pub(super) fn split_receipt(printed: &Bytes) -> Result<(Bytes, Option<u64>), Error> {
    let Some((&DEPOSIT, mut rest)) = printed.split_first() else {
        return Ok((printed.clone(), None));
    };
    let payload = Header::decode_bytes(&mut rest, true)?;
    if !rest.is_empty() {
        return Err(Error::UnexpectedLength);
    }
    let mut fields = payload;
    for _ in 0..FIELDS {
        // All are strings but the logs.
        let is_list = fields.first().is_some_and(|byte| *byte >= 0xc0);
        Header::decode_bytes(&mut fields, is_list)?;
    }
    if fields.is_empty() {
        return Ok((printed.clone(), None));
    }
    let length = payload.len().saturating_sub(fields.len());
    let nonce = u64::decode(&mut fields)?;
    if !fields.is_empty() {
        // With a version the nonce counts.
        return Ok((printed.clone(), Some(nonce)));
    }
    let mut out = vec![DEPOSIT];
    Header { list: true, payload_length: length }.encode(&mut out);
    out.extend_from_slice(payload.get(..length).unwrap_or_default());
    Ok((out.into(), Some(nonce)))
}
