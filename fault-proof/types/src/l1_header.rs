//! L1 block headers: an L1's own encoding, and what derivation needs of it (design.md decision 6).
//!
//! Start with [`L1Flavour::decode_header`].
//!
//! **Invariant:** the hash is that of the bytes given, or the one they were read by. Nothing is encoded again.

use crate::BlockId;
use alloy_primitives::{Address, B256, Bloom, BloomInput, U256, keccak256};
use alloy_rlp::{BufMut, Decodable, Encodable, Error, Header};

/// Which fields an L1's headers have, in what order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum L1Flavour {
    /// Ethereum and what copies it.
    #[default]
    Ethereum,
    /// Avalanche's C-Chain up to Granite: other fields behind the nonce, no withdrawals and no
    /// blobs. From Helicon a header's receipts root speaks of other blocks; such headers are
    /// refused.
    CChain,
}

/// What derivation needs of an L1 block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Header {
    /// Hash of the encoding.
    pub hash: B256,
    /// Height.
    pub number: u64,
    /// Hash of the block before it.
    pub parent_hash: B256,
    /// Seconds.
    pub timestamp: u64,
    /// Wei per gas.
    pub base_fee: U256,
    /// Randomness of the beacon chain.
    pub mix_hash: B256,
    /// Blob gas above target so far; `None` without blobs.
    pub excess_blob_gas: Option<u64>,
    /// `None` before Cancun.
    pub parent_beacon_block_root: Option<B256>,
    /// Root of its transactions.
    pub transactions_root: B256,
    /// Root of their receipts.
    pub receipts_root: B256,
    /// Which contracts may have logged in the block.
    pub logs_bloom: Bloom,
}

impl L1Header {
    /// Height and hash.
    pub const fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }

    /// Whether the block may hold logs of this contract; if not, its receipts need not be read.
    pub fn may_log(&self, contract: Address) -> bool {
        self.logs_bloom.contains_input(BloomInput::Raw(contract.as_slice()))
    }
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum L1HeaderError {
    /// Not the list of byte strings that it should be.
    #[error("L1 header is malformed: {0}")]
    Rlp(Error),
    /// A block from before London has no base fee to hand on.
    #[error("L1 header has no base fee")]
    NoBaseFee,
    /// Fields of rules that are not understood.
    #[error("L1 header of a C-Chain has more than its {known} known fields")]
    UnknownFields {
        /// Fields up to Granite.
        known: usize,
    },
}

/// Fields of a C-Chain header from AP3 on, behind the base fee, up to Granite.
const C_CHAIN_FIELDS: usize = 24;

impl L1Flavour {
    /// Reads a header. Of an Ethereum header later forks may append fields: nothing here needs
    /// them, and the hash binds them.
    pub fn decode_header(self, rlp: &[u8]) -> Result<L1Header, L1HeaderError> {
        self.decode_sealed(rlp, keccak256(rlp))
    }

    /// The same where the hash is known: who read the bytes by their hash need not hash them again.
    pub fn decode_sealed(self, rlp: &[u8], hash: B256) -> Result<L1Header, L1HeaderError> {
        let mut rest = rlp;
        let payload = Header::decode_bytes(&mut rest, true).map_err(L1HeaderError::Rlp)?;
        if !rest.is_empty() {
            return Err(L1HeaderError::Rlp(Error::UnexpectedLength));
        }
        let mut fields = Fields(payload);
        let mut header = fields.common(hash).map_err(L1HeaderError::Rlp)?;
        let base_fee = match self {
            Self::Ethereum => fields.ethereum(&mut header),
            Self::CChain => fields.c_chain(&mut header),
        };
        header.base_fee = base_fee.map_err(L1HeaderError::Rlp)?.ok_or(L1HeaderError::NoBaseFee)?;
        if self == Self::CChain && !fields.0.is_empty() {
            return Err(L1HeaderError::UnknownFields { known: C_CHAIN_FIELDS });
        }
        fields.skip_all().map_err(L1HeaderError::Rlp)?;
        Ok(header)
    }

    /// The number that stands for it in RLP.
    const fn code(self) -> u8 {
        match self {
            Self::Ethereum => 0,
            Self::CChain => 1,
        }
    }
}

/// The fields not read yet.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next field.
    fn next<T: Decodable>(&mut self) -> Result<T, Error> {
        T::decode(&mut self.0)
    }

    /// The next field, if there is one.
    fn optional<T: Decodable>(&mut self) -> Result<Option<T>, Error> {
        if self.0.is_empty() { Ok(None) } else { self.next().map(Some) }
    }

    /// Passes over fields, as many as there are of `count`.
    fn skip(&mut self, count: usize) -> Result<(), Error> {
        for _ in 0..count {
            if !self.0.is_empty() {
                Header::decode_bytes(&mut self.0, false)?;
            }
        }
        Ok(())
    }

    /// Passes over what is left; each pass takes at least a byte.
    fn skip_all(&mut self) -> Result<(), Error> {
        while !self.0.is_empty() {
            self.skip(1)?;
        }
        Ok(())
    }

    /// The fifteen fields up to the nonce; the rest is filled in by the flavours.
    fn common(&mut self, hash: B256) -> Result<L1Header, Error> {
        let parent_hash = self.next()?;
        // Ommers, beneficiary, state root.
        self.skip(3)?;
        let (transactions_root, receipts_root) = (self.next()?, self.next()?);
        let logs_bloom = self.next()?;
        // Difficulty.
        self.skip(1)?;
        let number = self.next()?;
        // Gas limit, gas used.
        self.skip(2)?;
        let timestamp = self.next()?;
        // Extra data.
        self.skip(1)?;
        let mix_hash = self.next()?;
        // Nonce, which must be there.
        self.next::<[u8; 8]>()?;
        Ok(L1Header {
            hash,
            number,
            parent_hash,
            timestamp,
            base_fee: U256::ZERO,
            mix_hash,
            excess_blob_gas: None,
            parent_beacon_block_root: None,
            transactions_root,
            receipts_root,
            logs_bloom,
        })
    }

    fn ethereum(&mut self, header: &mut L1Header) -> Result<Option<U256>, Error> {
        let base_fee = self.optional::<u64>()?.map(U256::from);
        // Withdrawals root, blob gas used.
        self.skip(2)?;
        header.excess_blob_gas = self.optional()?;
        header.parent_beacon_block_root = self.optional()?;
        Ok(base_fee)
    }

    fn c_chain(&mut self, header: &mut L1Header) -> Result<Option<U256>, Error> {
        // Hash of the atomic transactions; always there.
        self.next::<B256>()?;
        let base_fee = self.optional()?;
        // Gas of the atomic transactions, block gas cost, blob gas used.
        self.skip(3)?;
        header.excess_blob_gas = self.optional()?;
        header.parent_beacon_block_root = self.optional()?;
        // Milliseconds, minimum delay excess.
        self.skip(2)?;
        Ok(base_fee)
    }
}

impl Encodable for L1Flavour {
    fn length(&self) -> usize {
        1
    }

    fn encode(&self, out: &mut dyn BufMut) {
        self.code().encode(out);
    }
}

impl Decodable for L1Flavour {
    fn decode(input: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let code = u8::decode(input)?;
        [Self::Ethereum, Self::CChain]
            .into_iter()
            .find(|flavour| flavour.code() == code)
            .ok_or(Error::Custom("unknown L1 flavour"))
    }
}
