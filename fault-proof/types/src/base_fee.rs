//! How EIP-1559 parameters travel: in attributes and system configs as 8 bytes, from Holocene in a
//! header's extra data (E5).
//!
//! **Invariant:** extra data names its parameters in full. Zeros stand for the chain's constants in
//! attributes only.

use crate::{BaseFeeParams, Fork, ForkTimes};
use alloy_primitives::Bytes;

/// Version byte of Holocene's extra data.
const HOLOCENE_VERSION: u8 = 0;
/// Version byte of Jovian's extra data.
const JOVIAN_VERSION: u8 = 1;

/// What a header says about the base fee of the block after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraData {
    /// Parameters; never zero.
    pub params: BaseFeeParams,
    /// Lowest base fee, wei; `Some` from Jovian.
    pub min_base_fee: Option<u64>,
}

/// Why EIP-1559 parameters or extra data are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseFeeError {
    /// Before Holocene the extra data has no meaning.
    #[error("extra data of {length} bytes before holocene, where it must be empty")]
    NotEmpty {
        /// Length found.
        length: usize,
    },
    /// Each fork has one length.
    #[error("extra data is {length} bytes long, {fork} wants {wanted}", fork = .fork.name())]
    WrongLength {
        /// The newest fork with a say.
        fork: Fork,
        /// Length found.
        length: usize,
        /// Length of that fork's format.
        wanted: usize,
    },
    /// Each fork has one version byte.
    #[error("extra data has version {version}, {fork} wants {wanted}", fork = .fork.name())]
    WrongVersion {
        /// The newest fork with a say.
        fork: Fork,
        /// Version found.
        version: u8,
        /// Version of that fork's format.
        wanted: u8,
    },
    /// A base fee cannot change by a zeroth.
    #[error("EIP-1559 denominator is zero")]
    ZeroDenominator,
    /// A block has no zeroth part.
    #[error("EIP-1559 elasticity is zero, but its denominator is {denominator}")]
    ZeroElasticity {
        /// The denominator beside it.
        denominator: u32,
    },
}

impl BaseFeeParams {
    /// Both zero: the chain's constants are meant.
    pub const fn is_zero(&self) -> bool {
        self.denominator == 0 && self.elasticity == 0
    }

    /// The form in attributes and system configs: denominator, then elasticity.
    pub fn to_bytes(self) -> [u8; 8] {
        (u64::from(self.denominator) << 32 | u64::from(self.elasticity)).to_be_bytes()
    }

    /// Reads the form in attributes and system configs; any value is legal here.
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        let [d0, d1, d2, d3, e0, e1, e2, e3] = bytes;
        Self {
            denominator: u32::from_be_bytes([d0, d1, d2, d3]),
            elasticity: u32::from_be_bytes([e0, e1, e2, e3]),
        }
    }

    /// Refuses what attributes must not carry: one zero without the other.
    pub const fn check_attributes(self) -> Result<(), BaseFeeError> {
        if self.is_zero() { Ok(()) } else { self.check_header() }
    }

    /// Refuses what a header must not carry: any zero.
    pub const fn check_header(self) -> Result<(), BaseFeeError> {
        if self.denominator == 0 {
            return Err(BaseFeeError::ZeroDenominator);
        }
        if self.elasticity == 0 {
            return Err(BaseFeeError::ZeroElasticity { denominator: self.denominator });
        }
        Ok(())
    }
}

impl ExtraData {
    /// The bytes of the header field: 9 in Holocene, 17 with a minimum base fee.
    pub fn encode(&self) -> Bytes {
        let version = if self.min_base_fee.is_some() { JOVIAN_VERSION } else { HOLOCENE_VERSION };
        let mut bytes = alloc::vec![version];
        bytes.extend(self.params.to_bytes());
        bytes.extend(self.min_base_fee.map(u64::to_be_bytes).into_iter().flatten());
        bytes.into()
    }

    /// Reads the extra data of a block with this timestamp; `None` before Holocene, where it must
    /// be empty.
    pub fn decode(
        forks: &ForkTimes,
        timestamp: u64,
        bytes: &[u8],
    ) -> Result<Option<Self>, BaseFeeError> {
        if forks.active(Fork::Jovian, timestamp) {
            Self::decode_jovian(bytes).map(Some)
        } else if forks.active(Fork::Holocene, timestamp) {
            Self::decode_holocene(bytes).map(Some)
        } else if bytes.is_empty() {
            Ok(None)
        } else {
            Err(BaseFeeError::NotEmpty { length: bytes.len() })
        }
    }

    /// Reads the format of Holocene and Isthmus.
    pub fn decode_holocene(bytes: &[u8]) -> Result<Self, BaseFeeError> {
        let fork = Fork::Holocene;
        let wrong = BaseFeeError::WrongLength { fork, length: bytes.len(), wanted: 9 };
        let (version, params) = bytes.split_first().ok_or(wrong)?;
        let params = BaseFeeParams::from_bytes(params.try_into().map_err(|_| wrong)?);
        check_version(fork, *version, HOLOCENE_VERSION)?;
        params.check_header()?;
        Ok(Self { params, min_base_fee: None })
    }

    /// Reads the format from Jovian on.
    pub fn decode_jovian(bytes: &[u8]) -> Result<Self, BaseFeeError> {
        let fork = Fork::Jovian;
        let wrong = BaseFeeError::WrongLength { fork, length: bytes.len(), wanted: 17 };
        let (version, rest) = bytes.split_first().ok_or(wrong)?;
        let (params, min_base_fee) = rest.split_first_chunk::<8>().ok_or(wrong)?;
        let min_base_fee = u64::from_be_bytes(min_base_fee.try_into().map_err(|_| wrong)?);
        let params = BaseFeeParams::from_bytes(*params);
        check_version(fork, *version, JOVIAN_VERSION)?;
        params.check_header()?;
        Ok(Self { params, min_base_fee: Some(min_base_fee) })
    }
}

/// Refuses another format's version byte.
fn check_version(fork: Fork, version: u8, wanted: u8) -> Result<(), BaseFeeError> {
    let wrong = BaseFeeError::WrongVersion { fork, version, wanted };
    (version == wanted).then_some(()).ok_or(wrong)
}
