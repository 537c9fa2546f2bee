//! Reads fixed fields off the front of call data and log data: ABI words and packed bytes.
//!
//! **Invariant:** a field is whole and its padding is zero, or it is `None`.

use alloy_primitives::{Address, B256, U256};

/// The bytes not read yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a>(pub(crate) &'a [u8]);

impl Words<'_> {
    /// The next `N` bytes.
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    /// The next `N` bytes behind `PADDING` zeros.
    fn padded<const PADDING: usize, const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut ahead = *self;
        ahead.take::<PADDING>().filter(|padding| padding.iter().all(|byte| *byte == 0))?;
        let taken = ahead.take()?;
        *self = ahead;
        Some(taken)
    }

    /// A word with any value.
    pub(crate) fn word(&mut self) -> Option<B256> {
        self.take().map(B256::new)
    }

    /// A word as a number.
    pub(crate) fn number(&mut self) -> Option<U256> {
        self.word().map(Into::into)
    }

    /// A word that holds a `uint64`.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.padded::<24, 8>().map(u64::from_be_bytes)
    }

    /// A word that holds a `uint16`.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.padded::<30, 2>().map(u16::from_be_bytes)
    }

    /// A word that holds an address.
    pub(crate) fn address(&mut self) -> Option<Address> {
        self.padded::<12, 20>().map(Address::new)
    }
}
