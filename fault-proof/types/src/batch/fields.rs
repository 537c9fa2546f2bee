//! Reads the fields of an RLP list one after the other, as the encoded bytes they are.
//!
//! **Invariant:** what is accepted has exactly one encoding, so the bytes can stand for the value.

use alloy_rlp::{Error, Header};

/// Fields that are left in a list.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Opens the list that `bytes` is; nothing may follow it.
    pub(super) fn whole(mut bytes: &'a [u8]) -> Result<Self, Error> {
        let fields = Self::take(&mut bytes)?;
        if bytes.is_empty() { Ok(fields) } else { Err(Error::UnexpectedLength) }
    }

    /// Opens the list at the front of `bytes`.
    fn take(bytes: &mut &'a [u8]) -> Result<Self, Error> {
        Header::decode_bytes(bytes, true).map(|rest| Self { rest })
    }

    /// All fields were read.
    pub(super) const fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::UnexpectedLength) }
    }

    /// What `read` goes through, as it is encoded.
    pub(super) fn raw(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<&'a [u8], Error> {
        let before = self.rest;
        read(self)?;
        let length = before.len().saturating_sub(self.rest.len());
        before.get(..length).ok_or(Error::InputTooShort)
    }

    /// A byte string.
    pub(super) fn string(&mut self) -> Result<&'a [u8], Error> {
        Header::decode_bytes(&mut self.rest, false)
    }

    /// A number of at most `max` bytes, big-endian without leading zeros.
    pub(super) fn number(&mut self, max: usize) -> Result<&'a [u8], Error> {
        let digits = self.string()?;
        match digits.first() {
            Some(0) => Err(Error::LeadingZero),
            _ if digits.len() > max => Err(Error::Overflow),
            _ => Ok(digits),
        }
    }

    /// A number of at most `N` bytes, with leading zeros put back.
    pub(super) fn padded<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let digits = self.number(N)?;
        let mut padded = [0; N];
        let start = N.saturating_sub(digits.len());
        padded.get_mut(start..).ok_or(Error::Overflow)?.copy_from_slice(digits);
        Ok(padded)
    }

    /// A 64-bit number.
    pub(super) fn u64(&mut self) -> Result<u64, Error> {
        self.padded().map(u64::from_be_bytes)
    }

    /// Exactly `length` bytes.
    fn fixed(&mut self, length: usize) -> Result<(), Error> {
        if self.string()?.len() == length { Ok(()) } else { Err(Error::UnexpectedLength) }
    }

    /// A list, each of its items read by `read`.
    fn list(&mut self, mut read: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let mut items = Self::take(&mut self.rest)?;
        while !items.rest.is_empty() {
            read(&mut items)?;
        }
        Ok(())
    }

    /// A list of fields that `read` must go through to the end.
    fn record(&mut self, read: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let mut fields = Self::take(&mut self.rest)?;
        read(&mut fields)?;
        fields.end()
    }

    /// An access list (EIP-2930).
    pub(super) fn access_list(&mut self) -> Result<(), Error> {
        self.list(|items| {
            items.record(|entry| {
                entry.fixed(20)?;
                entry.list(|keys| keys.fixed(32))
            })
        })
    }

    /// A list of authorizations (EIP-7702): chain, address, nonce, y parity, r, s.
    pub(super) fn authorizations(&mut self) -> Result<(), Error> {
        self.list(|items| {
            items.record(|entry| {
                entry.number(32)?;
                entry.fixed(20)?;
                for size in [8, 1, 32, 32] {
                    entry.number(size)?;
                }
                Ok(())
            })
        })
    }
}
