//! The transactions of a span batch, sorted by field: all signatures, then all recipients, and so
//! on, which compresses well (D7).
//!
//! **Invariant:** all columns have the length that the counts in the batch say, or there is no
//! value.

use super::{
    SpanError, SpanTransactionError,
    bitlist::BitList,
    cursor::{Cursor, put_uvarint},
    span_transaction::{Envelope, LEGACY, join, split, type_of},
};
use alloc::vec::Vec;
use alloy_primitives::Bytes;

/// Bytes of r and s.
const SIGNATURE: u64 = 64;
/// Bytes of a recipient.
const RECIPIENT: u64 = 20;

/// The columns, in the order they are sent in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SpanTransactions {
    creates_contract: BitList,
    y_parities: BitList,
    /// r and s of each.
    signatures: Bytes,
    /// Of those that create no contract.
    recipients: Bytes,
    parts: Vec<Bytes>,
    nonces: Vec<u64>,
    gases: Vec<u64>,
    /// Of the legacy transactions only, counted among themselves.
    protections: BitList,
}

impl SpanTransactions {
    /// Reads the columns of `count` transactions.
    pub(super) fn decode(cursor: &mut Cursor, count: u64) -> Result<Self, SpanError> {
        let creates_contract = BitList::decode(cursor, "contract creation bits", count)?;
        let y_parities = BitList::decode(cursor, "y parity bits", count)?;
        let signatures = cursor.bytes("signatures", count.saturating_mul(SIGNATURE))?;
        let with_recipient = count.saturating_sub(creates_contract.count_ones());
        let recipients = cursor.bytes("recipients", with_recipient.saturating_mul(RECIPIENT))?;
        let parts = (0..count).map(|_| cursor.transaction()).collect::<Result<Vec<_>, _>>()?;
        let nonces = cursor.uvarints("nonces", count)?;
        let gases = cursor.uvarints("gas limits", count)?;
        let legacy = parts.iter().filter(|part| type_of(part) == LEGACY).count();
        let protections = BitList::decode(cursor, "protected bits", legacy as u64)?;
        Ok(Self {
            creates_contract,
            y_parities,
            signatures,
            recipients,
            parts,
            nonces,
            gases,
            protections,
        })
    }

    /// Appends the columns.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        self.creates_contract.encode(out);
        self.y_parities.encode(out);
        out.extend_from_slice(&self.signatures);
        out.extend_from_slice(&self.recipients);
        self.parts.iter().for_each(|part| out.extend_from_slice(part));
        self.nonces.iter().chain(&self.gases).for_each(|number| put_uvarint(out, *number));
        self.protections.encode(out);
    }

    /// Joins the transactions, in order.
    pub(super) fn join(&self, chain_id: u64) -> Result<Vec<Bytes>, SpanTransactionError> {
        let envelopes = self.envelopes().zip(&self.parts).enumerate();
        let joined = envelopes.map(|(index, (envelope, part))| {
            join(part, &envelope, chain_id).map_err(|error| SpanTransactionError { index, error })
        });
        joined.collect()
    }

    /// Sorts transactions by field.
    pub(super) fn split<'a>(
        transactions: impl Iterator<Item = &'a Bytes>,
        chain_id: u64,
    ) -> Result<Self, SpanTransactionError> {
        let pieces = transactions.enumerate().map(|(index, transaction)| {
            split(transaction, chain_id).map_err(|error| SpanTransactionError { index, error })
        });
        let (envelopes, parts): (Vec<_>, Vec<_>) =
            pieces.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let legacy = envelopes.iter().zip(&parts).filter(|(_, part)| type_of(part) == LEGACY);
        Ok(Self {
            creates_contract: envelopes.iter().map(|it| it.recipient.is_none()).collect(),
            y_parities: envelopes.iter().map(|it| it.y_parity).collect(),
            signatures: envelopes.iter().flat_map(|it| [it.r, it.s]).flatten().collect(),
            recipients: envelopes.iter().filter_map(|it| it.recipient).flatten().collect(),
            nonces: envelopes.iter().map(|it| it.nonce).collect(),
            gases: envelopes.iter().map(|it| it.gas).collect(),
            protections: legacy.map(|(envelope, _)| envelope.is_protected).collect(),
            parts,
        })
    }

    /// Each transaction's share of the columns.
    fn envelopes(&self) -> impl Iterator<Item = Envelope> {
        let mut recipients = self.recipients.chunks_exact(20);
        let mut legacy = 0..;
        let numbers = self.nonces.iter().zip(&self.gases);
        let fixed = self.signatures.chunks_exact(64).zip(numbers).zip(&self.parts);
        fixed.enumerate().map(move |(index, ((signature, (nonce, gas)), part))| {
            let creates = self.creates_contract.get(index);
            let recipient = if creates { None } else { recipients.next() };
            // The bits count legacy transactions only, not all of them.
            let ordinal = if type_of(part) == LEGACY { legacy.next() } else { None };
            Envelope {
                recipient: recipient.and_then(|it| it.try_into().ok()),
                y_parity: self.y_parities.get(index),
                r: signature.first_chunk().copied().unwrap_or_default(),
                s: signature.last_chunk().copied().unwrap_or_default(),
                nonce: *nonce,
                gas: *gas,
                is_protected: ordinal.is_some_and(|it| self.protections.get(it)),
            }
        })
    }
}
