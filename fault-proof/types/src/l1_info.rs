//! The L1 attributes transaction: what the first transaction of each L2 block says about its L1
//! origin and the fee parameters (D17, E3).
//!
//! Start with [`l1_info_deposit`], which writes it, and [`L1Info::decode`], which reads it.
//!
//! **Invariant:** the L2 timestamp alone decides the format. The first block of a fork has the
//! format of its predecessor, because the contract that reads it is upgraded in that very block.

use crate::{BlockId, ChainConfig, DepositSource, Fork, ScalarError, SystemConfig, words::Words};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256, address};
use op_alloy_consensus::TxDeposit;

/// Sender of transactions that the protocol itself makes.
pub const DEPOSITOR: Address = address!("deaddeaddeaddeaddeaddeaddeaddeaddead0001");
/// The contract that the L1 attributes transaction calls.
pub const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");
/// Gas per byte of data-availability footprint where the system config says zero (D17).
const DEFAULT_DA_FOOTPRINT_GAS_SCALAR: u16 = 400;
/// Gas of the transaction before Regolith, when it was not charged for.
const UNCHARGED_GAS: u64 = 150_000_000;
/// Gas of the transaction from Regolith.
const CHARGED_GAS: u64 = 1_000_000;

/// What L2 is told about its L1 origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1BlockInfo {
    /// Hash of the L1 block.
    pub hash: B256,
    /// Height of the L1 block.
    pub number: u64,
    /// Its timestamp, seconds.
    pub timestamp: u64,
    /// Its base fee, wei.
    pub base_fee: U256,
    /// Its blob base fee, wei; 1 on an L1 without blobs.
    pub blob_base_fee: U256,
}

/// The four encodings of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L1InfoFormat {
    /// `setL1BlockValues`, ABI words.
    Bedrock,
    /// `setL1BlockValuesEcotone`, packed.
    Ecotone,
    /// `setL1BlockValuesIsthmus`: Ecotone's with the operator fee.
    Isthmus,
    /// `setL1BlockValuesJovian`: Isthmus's with the data-availability footprint.
    Jovian,
}

/// The content of an L1 attributes transaction. A field that the format does not have is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct L1Info {
    /// Height of the L1 origin.
    pub number: u64,
    /// Timestamp of the L1 origin, seconds.
    pub timestamp: u64,
    /// Base fee of the L1 origin, wei.
    pub base_fee: U256,
    /// Hash of the L1 origin.
    pub hash: B256,
    /// Position of the L2 block in its epoch.
    pub sequence_number: u64,
    /// Only batches sent by this address count.
    pub batcher: Address,
    /// L1 fee overhead, gas (Bedrock).
    pub overhead: U256,
    /// L1 fee scalar, millionths (Bedrock).
    pub scalar: U256,
    /// Blob base fee of the L1 origin, wei (from Ecotone).
    pub blob_base_fee: U256,
    /// Weight of the base fee, millionths (from Ecotone).
    pub base_fee_scalar: u32,
    /// Weight of the blob base fee, millionths (from Ecotone).
    pub blob_base_fee_scalar: u32,
    /// Operator fee per gas, millionths (from Isthmus, E4).
    pub operator_fee_scalar: u32,
    /// Operator fee per transaction, wei (from Isthmus, E4).
    pub operator_fee_constant: u64,
    /// Gas per byte of data-availability footprint (from Jovian).
    pub da_footprint_gas_scalar: u16,
}

/// Why call data is no L1 attributes transaction of the expected format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum L1InfoError {
    /// Each format has one length.
    #[error("L1 attributes are {length} bytes long, {format:?} wants {wanted}")]
    WrongLength {
        /// The format of the block's timestamp.
        format: L1InfoFormat,
        /// Length found.
        length: usize,
        /// Length of the format.
        wanted: usize,
    },
    /// Each format has one function.
    #[error("L1 attributes call function {selector}, {format:?} wants {wanted}",
        selector = alloy_primitives::hex::encode(.selector),
        wanted = alloy_primitives::hex::encode(.format.selector()))]
    WrongSelector {
        /// The format of the block's timestamp.
        format: L1InfoFormat,
        /// First four bytes found.
        selector: [u8; 4],
    },
    /// A number or an address is larger than its type.
    #[error("L1 attributes of {format:?} have bytes in a field's padding")]
    Padding {
        /// The format of the block's timestamp.
        format: L1InfoFormat,
    },
}

impl L1InfoFormat {
    /// The format of the block with this timestamp.
    pub fn at(config: &ChainConfig, l2_timestamp: u64) -> Self {
        let settled =
            |fork| config.forks.active(fork, l2_timestamp) && !config.activates(fork, l2_timestamp);
        if settled(Fork::Jovian) {
            Self::Jovian
        } else if settled(Fork::Isthmus) {
            Self::Isthmus
        } else if settled(Fork::Ecotone) {
            Self::Ecotone
        } else {
            Self::Bedrock
        }
    }

    /// First four bytes of the call.
    pub const fn selector(self) -> [u8; 4] {
        match self {
            Self::Bedrock => [0x01, 0x5d, 0x8e, 0xb9],
            Self::Ecotone => [0x44, 0x0a, 0x5e, 0x20],
            Self::Isthmus => [0x09, 0x89, 0x99, 0xbe],
            Self::Jovian => [0x3d, 0xb6, 0xbe, 0x2b],
        }
    }

    /// Length of the call, bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Bedrock => 260,
            Self::Ecotone => 164,
            Self::Isthmus => 176,
            Self::Jovian => 178,
        }
    }
}

impl L1Info {
    /// Reads the call data of the first transaction of a block with this timestamp.
    pub fn decode(
        config: &ChainConfig,
        l2_timestamp: u64,
        data: &[u8],
    ) -> Result<Self, L1InfoError> {
        Self::decode_as(L1InfoFormat::at(config, l2_timestamp), data)
    }

    /// Reads one format.
    pub fn decode_as(format: L1InfoFormat, data: &[u8]) -> Result<Self, L1InfoError> {
        let wanted = format.length();
        let wrong_length = L1InfoError::WrongLength { format, length: data.len(), wanted };
        let (selector, fields) =
            data.split_first_chunk().filter(|_| data.len() == wanted).ok_or(wrong_length)?;
        if *selector != format.selector() {
            return Err(L1InfoError::WrongSelector { format, selector: *selector });
        }
        let mut fields = Words(fields);
        // The length fits, so what is missing is room for a value in its type.
        let info = match format {
            L1InfoFormat::Bedrock => Self::read_words(&mut fields),
            _ => Self::read_packed(format, &mut fields),
        };
        info.ok_or(L1InfoError::Padding { format })
    }

    fn read_words(fields: &mut Words<'_>) -> Option<Self> {
        Some(Self {
            number: fields.u64()?,
            timestamp: fields.u64()?,
            base_fee: fields.number()?,
            hash: fields.word()?,
            sequence_number: fields.u64()?,
            batcher: fields.address()?,
            overhead: fields.number()?,
            scalar: fields.number()?,
            ..Self::default()
        })
    }

    fn read_packed(format: L1InfoFormat, fields: &mut Words<'_>) -> Option<Self> {
        let mut info = Self {
            base_fee_scalar: u32::from_be_bytes(fields.take()?),
            blob_base_fee_scalar: u32::from_be_bytes(fields.take()?),
            sequence_number: u64::from_be_bytes(fields.take()?),
            timestamp: u64::from_be_bytes(fields.take()?),
            number: u64::from_be_bytes(fields.take()?),
            base_fee: fields.number()?,
            blob_base_fee: fields.number()?,
            hash: fields.word()?,
            batcher: fields.address()?,
            ..Self::default()
        };
        if matches!(format, L1InfoFormat::Isthmus | L1InfoFormat::Jovian) {
            info.operator_fee_scalar = u32::from_be_bytes(fields.take()?);
            info.operator_fee_constant = u64::from_be_bytes(fields.take()?);
        }
        if format == L1InfoFormat::Jovian {
            info.da_footprint_gas_scalar = u16::from_be_bytes(fields.take()?);
        }
        Some(info)
    }

    /// The call data in one format; fields that it does not have are left out.
    pub fn encode(&self, format: L1InfoFormat) -> Bytes {
        let mut data = Vec::with_capacity(format.length());
        data.extend(format.selector());
        match format {
            L1InfoFormat::Bedrock => self.write_words(&mut data),
            _ => self.write_packed(format, &mut data),
        }
        debug_assert_eq!(data.len(), format.length());
        data.into()
    }

    fn write_words(&self, data: &mut Vec<u8>) {
        let words = [
            U256::from(self.number).into(),
            U256::from(self.timestamp).into(),
            self.base_fee.into(),
            self.hash,
            U256::from(self.sequence_number).into(),
            self.batcher.into_word(),
            self.overhead.into(),
            self.scalar.into(),
        ];
        data.extend(words.iter().flat_map(|word: &B256| word.0));
    }

    fn write_packed(&self, format: L1InfoFormat, data: &mut Vec<u8>) {
        data.extend(self.base_fee_scalar.to_be_bytes());
        data.extend(self.blob_base_fee_scalar.to_be_bytes());
        data.extend(self.sequence_number.to_be_bytes());
        data.extend(self.timestamp.to_be_bytes());
        data.extend(self.number.to_be_bytes());
        data.extend(self.base_fee.to_be_bytes::<32>());
        data.extend(self.blob_base_fee.to_be_bytes::<32>());
        data.extend(self.hash);
        data.extend(self.batcher.into_word());
        if matches!(format, L1InfoFormat::Isthmus | L1InfoFormat::Jovian) {
            data.extend(self.operator_fee_scalar.to_be_bytes());
            data.extend(self.operator_fee_constant.to_be_bytes());
        }
        if format == L1InfoFormat::Jovian {
            data.extend(self.da_footprint_gas_scalar.to_be_bytes());
        }
    }

    /// The L1 origin it names.
    pub const fn origin(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }

    /// What a block is told; everything, whatever its format has room for.
    fn of(
        system_config: &SystemConfig,
        sequence_number: u64,
        l1: &L1BlockInfo,
        format: L1InfoFormat,
    ) -> Result<Self, ScalarError> {
        // In Bedrock's format the scalar travels as it is, so nothing has to be understood.
        let scalars = match format {
            L1InfoFormat::Bedrock => Default::default(),
            _ => system_config.fee_scalars()?,
        };
        let da_footprint_gas_scalar = match system_config.da_footprint_gas_scalar {
            0 => DEFAULT_DA_FOOTPRINT_GAS_SCALAR,
            scalar => scalar,
        };
        Ok(Self {
            number: l1.number,
            timestamp: l1.timestamp,
            base_fee: l1.base_fee,
            hash: l1.hash,
            sequence_number,
            batcher: system_config.batcher,
            overhead: system_config.overhead,
            scalar: system_config.scalar,
            blob_base_fee: l1.blob_base_fee,
            base_fee_scalar: scalars.base_fee,
            blob_base_fee_scalar: scalars.blob_base_fee,
            operator_fee_scalar: system_config.operator_fee_scalar,
            operator_fee_constant: system_config.operator_fee_constant,
            da_footprint_gas_scalar,
        })
    }
}

/// The first transaction of the block with this timestamp (D17). Fails if the system config has a
/// scalar that the Ecotone rules do not understand; the Go node stops there.
pub fn l1_info_deposit(
    config: &ChainConfig,
    system_config: &SystemConfig,
    sequence_number: u64,
    l1: &L1BlockInfo,
    l2_timestamp: u64,
) -> Result<TxDeposit, ScalarError> {
    let format = L1InfoFormat::at(config, l2_timestamp);
    let info = L1Info::of(system_config, sequence_number, l1, format)?;
    let charged = config.forks.active(Fork::Regolith, l2_timestamp);
    let source = DepositSource::L1Attributes { l1_block_hash: l1.hash, sequence_number };
    Ok(TxDeposit {
        source_hash: source.hash(),
        from: DEPOSITOR,
        to: L1_BLOCK.into(),
        mint: 0,
        value: U256::ZERO,
        gas_limit: if charged { CHARGED_GAS } else { UNCHARGED_GAS },
        is_system_transaction: !charged,
        input: info.encode(format),
    })
}
