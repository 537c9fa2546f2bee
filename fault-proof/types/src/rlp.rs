//! The canonical RLP form of configs and attributes: what a guest image carries and a guest reads.
//!
//! A struct is the list of its fields in order, an optional field the list of its one value or of
//! none. Start with [`rlp_list`].
//!
//! **Invariant:** one value, one encoding. Decoding takes exactly what encoding writes, and never
//! more memory than a small multiple of the input.

use alloc::vec::Vec;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::{BufMut, Decodable, Encodable, Error, Header};

/// A field of a listed struct. It exists because `Option` cannot be given the foreign RLP traits.
pub(crate) trait Field: Sized {
    /// Length of the encoding.
    fn length(&self) -> usize;
    /// Appends the encoding.
    fn encode(&self, out: &mut dyn BufMut);
    /// Takes one value off the front.
    fn decode(input: &mut &[u8]) -> Result<Self, Error>;
}

/// Passes a field through to its own RLP traits.
macro_rules! plain_fields {
    ($($type:ty),+ $(,)?) => {$(
        impl Field for $type {
            fn length(&self) -> usize {
                Encodable::length(self)
            }
            fn encode(&self, out: &mut dyn BufMut) {
                Encodable::encode(self, out);
            }
            fn decode(input: &mut &[u8]) -> Result<Self, Error> {
                Decodable::decode(input)
            }
        }
    )+};
}

plain_fields!(
    u16,
    u32,
    u64,
    bool,
    Address,
    B256,
    U256,
    Bytes,
    Vec<Bytes>,
    Vec<Withdrawal>,
    Vec<crate::ChainConfig>,
    Vec<crate::BlobParams>,
    Vec<crate::OptimisticBlock>,
    crate::AltDa,
    crate::AltDaCommitment,
    crate::BaseFeeParams,
    crate::BlockId,
    crate::ForkTimes,
    crate::Genesis,
    crate::L1Config,
    crate::L1Flavour,
    crate::SystemConfig,
);

impl<T: Field> Field for Option<T> {
    fn length(&self) -> usize {
        header(self.as_ref().map_or(0, T::length)).length_with_payload()
    }

    fn encode(&self, out: &mut dyn BufMut) {
        header(self.as_ref().map_or(0, T::length)).encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut &[u8]) -> Result<Self, Error> {
        let mut payload = Header::decode_bytes(input, true)?;
        if payload.is_empty() {
            return Ok(None);
        }
        let value = T::decode(&mut payload)?;
        end(payload).map(|()| Some(value))
    }
}

/// The header of a list with a payload of this many bytes.
pub(crate) const fn header(payload_length: usize) -> Header {
    Header { list: true, payload_length }
}

/// Refuses bytes left over in a list.
pub(crate) fn end(payload: &[u8]) -> Result<(), Error> {
    payload.is_empty().then_some(()).ok_or(Error::UnexpectedLength)
}

/// Gives a struct the list form over all of its fields: they are taken apart by name, so none can
/// be forgotten.
macro_rules! rlp_list {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        impl $type {
            fn rlp_payload(&self) -> usize {
                let Self { $($field),+ } = self;
                0usize$(.saturating_add($crate::rlp::Field::length($field)))+
            }
        }

        impl alloy_rlp::Encodable for $type {
            fn length(&self) -> usize {
                $crate::rlp::header(self.rlp_payload()).length_with_payload()
            }

            fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
                $crate::rlp::header(self.rlp_payload()).encode(out);
                let Self { $($field),+ } = self;
                $($crate::rlp::Field::encode($field, out);)+
            }
        }

        impl alloy_rlp::Decodable for $type {
            fn decode(input: &mut &[u8]) -> alloy_rlp::Result<Self> {
                let mut payload = alloy_rlp::Header::decode_bytes(input, true)?;
                let value = Self { $($field: $crate::rlp::Field::decode(&mut payload)?),+ };
                $crate::rlp::end(payload).map(|()| value)
            }
        }
    };
}
pub(crate) use rlp_list;
