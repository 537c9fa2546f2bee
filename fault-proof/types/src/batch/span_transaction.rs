//! One transaction of a span batch: taken apart into what the span shares out into columns and a
//! part of its own, and joined again (D7).
//!
//! Start with [`Shape`]: both directions follow it. Fields keep their bytes; RLP has one form for
//! each value, so nothing needs to be read as a number.
//!
//! **Invariant:** joining takes exactly the parts that the Go node takes, and gives the transaction
//! in its EIP-2718 form.

use super::fields::Fields;
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use alloy_rlp::{Encodable, Error, Header};

/// Type byte of a post-execution transaction, whose content is opaque here.
pub(super) const POST_EXEC: u8 = 0x7d;
/// Type that is not written down: the transaction is its list.
pub(super) const LEGACY: u8 = 0;
/// Bytes of an integer that a word of the EVM can hold.
const WORD: usize = 32;

/// Which fields the transactions of a type have.
///
/// A part is `[value, fees.., data, lists..]`; the transaction
/// `[chain id?, nonce, fees.., gas, to, value, data, lists.., v, r, s]`.
#[derive(Clone, Copy, Debug)]
struct Shape {
    transaction_type: u8,
    /// Gas price, or tip and fee cap.
    fees: usize,
    /// Access list, then authorizations.
    lists: usize,
    /// Longest value and fees. The Go node reads numbers of any length in the older types.
    max_number: usize,
    /// It cannot create a contract.
    needs_recipient: bool,
}

const SHAPES: [Shape; 4] = [
    Shape { transaction_type: LEGACY, fees: 1, lists: 0, ..Shape::OLDER },
    Shape { transaction_type: 1, fees: 1, lists: 1, ..Shape::OLDER },
    Shape { transaction_type: 2, fees: 2, lists: 1, ..Shape::OLDER },
    // EIP-7702.
    Shape { transaction_type: 4, fees: 2, lists: 2, max_number: WORD, needs_recipient: true },
];

impl Shape {
    const OLDER: Self = Self {
        transaction_type: LEGACY,
        fees: 0,
        lists: 0,
        max_number: usize::MAX,
        needs_recipient: false,
    };

    fn of(transaction_type: u8) -> Result<Self, TransactionError> {
        let shape = SHAPES.iter().find(|it| it.transaction_type == transaction_type);
        shape.copied().ok_or(TransactionError::UnknownType { transaction_type })
    }

    const fn is_legacy(&self) -> bool {
        self.transaction_type == LEGACY
    }

    /// Reads the value, as it is encoded.
    fn value<'a>(&self, fields: &mut Fields<'a>) -> Result<&'a [u8], Error> {
        fields.raw(|it| it.number(self.max_number).map(drop))
    }

    /// Reads the fees, as they are encoded.
    fn fees<'a>(&self, fields: &mut Fields<'a>) -> Result<&'a [u8], Error> {
        fields.raw(|it| (0..self.fees).try_for_each(|_| it.number(self.max_number).map(drop)))
    }

    /// Reads the call data and the lists after it, as they are encoded.
    fn data_and_lists<'a>(&self, fields: &mut Fields<'a>) -> Result<&'a [u8], Error> {
        fields.raw(|it| {
            it.string()?;
            let lists = [Fields::access_list, Fields::authorizations];
            lists.into_iter().take(self.lists).try_for_each(|read| read(it))
        })
    }

    /// Reads the recipient; none is an empty string.
    fn recipient(&self, fields: &mut Fields<'_>) -> Result<Option<[u8; 20]>, TransactionError> {
        match fields.string()? {
            [] if self.needs_recipient => Err(TransactionError::NoRecipient),
            [] => Ok(None),
            address => match address.try_into() {
                Ok(address) => Ok(Some(address)),
                Err(_) => Err(Error::UnexpectedLength.into()),
            },
        }
    }
}

/// Why a transaction of a span batch cannot be joined. The batch is dropped; the rest of the
/// channel is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("transaction {index}: {error}")]
pub struct SpanTransactionError {
    /// Place in the span.
    pub index: usize,
    /// What is wrong with it.
    pub error: TransactionError,
}

/// Why a transaction does not fit into a span batch, or a part of one makes no transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// A type without a form in span batches.
    #[error("type {transaction_type} is unknown")]
    UnknownType {
        /// The first byte.
        transaction_type: u8,
    },
    /// Fields are missing, too many or malformed.
    #[error("malformed: {0}")]
    Malformed(Error),
    /// Transactions that set code must have a recipient.
    #[error("no recipient")]
    NoRecipient,
    /// Only the chain of the batch is implied.
    #[error("signed for another chain than {chain_id}")]
    WrongChain {
        /// Chain of the batch.
        chain_id: u64,
    },
    /// A span has room for one bit of it.
    #[error("v or y parity has no form in a span batch")]
    WrongParity,
}

impl From<Error> for TransactionError {
    fn from(error: Error) -> Self {
        Self::Malformed(error)
    }
}

/// What a span's columns hold of one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    /// `None` = a contract is created.
    pub(super) recipient: Option<[u8; 20]>,
    pub(super) y_parity: bool,
    pub(super) r: [u8; 32],
    pub(super) s: [u8; 32],
    pub(super) nonce: u64,
    pub(super) gas: u64,
    /// Signed for a chain; looked at for legacy transactions only.
    pub(super) is_protected: bool,
}

/// The type of a part or a transaction, by its first byte.
pub(super) fn type_of(bytes: &[u8]) -> u8 {
    bytes.first().copied().filter(|byte| *byte < 0x80).unwrap_or(LEGACY)
}

/// Makes the transaction of a part and its share of the columns.
pub(super) fn join(
    part: &[u8],
    envelope: &Envelope,
    chain_id: u64,
) -> Result<Bytes, TransactionError> {
    let transaction_type = type_of(part);
    if transaction_type == POST_EXEC {
        return Ok(Bytes::copy_from_slice(part));
    }
    let shape = Shape::of(transaction_type)?;
    // A legacy transaction has no type byte, not even its own.
    if shape.is_legacy() && part.first() == Some(&LEGACY) {
        return Err(TransactionError::UnknownType { transaction_type });
    }
    let typed = (!shape.is_legacy()).then_some(transaction_type);
    let mut fields = Fields::whole(part.get(usize::from(typed.is_some())..).unwrap_or_default())?;
    let value = shape.value(&mut fields)?;
    let fees = shape.fees(&mut fields)?;
    let data_and_lists = shape.data_and_lists(&mut fields)?;
    fields.end()?;
    if shape.needs_recipient && envelope.recipient.is_none() {
        return Err(TransactionError::NoRecipient);
    }
    let recipient = envelope.recipient.as_ref().map_or(&[][..], |it| it);
    let parts: [&dyn Encodable; 10] = [
        &Maybe(typed.map(|_| chain_id)),
        &envelope.nonce,
        &Raw(fees),
        &envelope.gas,
        &recipient,
        &Raw(value),
        &Raw(data_and_lists),
        &v(shape, envelope, chain_id),
        &trimmed(&envelope.r),
        &trimmed(&envelope.s),
    ];
    Ok(encode_list(typed, &parts).into())
}

/// Takes a transaction apart: its share of the columns, and its part.
pub(super) fn split(
    transaction: &[u8],
    chain_id: u64,
) -> Result<(Envelope, Bytes), TransactionError> {
    let transaction_type = type_of(transaction);
    if transaction_type == POST_EXEC {
        Fields::whole(transaction.get(1..).unwrap_or_default())?;
        return Ok((Envelope::default(), Bytes::copy_from_slice(transaction)));
    }
    let shape = Shape::of(transaction_type)?;
    let typed = (!shape.is_legacy()).then_some(transaction_type);
    let list = transaction.get(usize::from(typed.is_some())..).unwrap_or_default();
    let mut fields = Fields::whole(list)?;
    if typed.is_some() && fields.u64()? != chain_id {
        return Err(TransactionError::WrongChain { chain_id });
    }
    let nonce = fields.u64()?;
    let fees = shape.fees(&mut fields)?;
    let gas = fields.u64()?;
    let recipient = shape.recipient(&mut fields)?;
    let value = shape.value(&mut fields)?;
    let data_and_lists = shape.data_and_lists(&mut fields)?;
    let found = u128::from_be_bytes(fields.padded()?);
    let (is_protected, y_parity) = parity(shape, found, chain_id)?;
    let (r, s) = (fields.padded()?, fields.padded()?);
    fields.end()?;
    let parts: [&dyn Encodable; 3] = [&Raw(value), &Raw(fees), &Raw(data_and_lists)];
    let part = encode_list(typed, &parts).into();
    Ok((Envelope { recipient, y_parity, r, s, nonce, gas, is_protected }, part))
}

/// The field v: y parity, for legacy transactions with a chain mixed in (EIP-155).
fn v(shape: Shape, envelope: &Envelope, chain_id: u64) -> u128 {
    let base = match (shape.is_legacy(), envelope.is_protected) {
        (false, _) => 0,
        (true, false) => 27,
        (true, true) => u128::from(chain_id).saturating_mul(2).saturating_add(35),
    };
    u128::from(envelope.y_parity).saturating_add(base)
}

/// Protection and y parity of a field v: the ones that make it again.
fn parity(shape: Shape, found: u128, chain_id: u64) -> Result<(bool, bool), TransactionError> {
    let choices = [(true, false), (true, true), (false, false), (false, true)];
    let makes_it = |(is_protected, y_parity): &(bool, bool)| {
        let envelope =
            Envelope { is_protected: *is_protected, y_parity: *y_parity, ..Envelope::default() };
        v(shape, &envelope, chain_id) == found
    };
    let choice = choices.into_iter().find(makes_it);
    let is_other_chain = shape.is_legacy() && found >= 35;
    choice.ok_or(if is_other_chain {
        TransactionError::WrongChain { chain_id }
    } else {
        TransactionError::WrongParity
    })
}

/// Bytes that are encoded already.
struct Raw<'a>(&'a [u8]);

impl Encodable for Raw<'_> {
    fn length(&self) -> usize {
        self.0.len()
    }

    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        out.put_slice(self.0);
    }
}

/// A field that is not always there.
struct Maybe(Option<u64>);

impl Encodable for Maybe {
    fn length(&self) -> usize {
        self.0.map_or(0, |it| it.length())
    }

    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        if let Some(value) = self.0 {
            value.encode(out);
        }
    }
}

/// A list of these parts after a type byte.
fn encode_list(transaction_type: Option<u8>, parts: &[&dyn Encodable]) -> Vec<u8> {
    let payload = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.length()));
    let header = Header { list: true, payload_length: payload };
    let mut out = Vec::with_capacity(header.length_with_payload().saturating_add(1));
    out.extend(transaction_type);
    header.encode(&mut out);
    parts.iter().for_each(|part| part.encode(&mut out));
    out
}

/// A big-endian number without its leading zeros.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}
