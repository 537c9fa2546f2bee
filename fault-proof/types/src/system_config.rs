//! How a chain's system config changes: by logs of its contract on L1 (D18), and what of it an L2
//! block gives back.
//!
//! Start with [`SystemConfig::apply_logs`] and [`SystemConfig::of_block`].
//!
//! **Invariant:** a log is applied whole or not at all, and a bad one does not stop the others.

use crate::{
    BaseFeeError, BaseFeeParams, BlockId, ChainConfig, ExtraData, Fork, L1Info, L1InfoError,
    SystemConfig, upgrade_gas, words::Words,
};
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_eips::{Decodable2718, Typed2718};
use alloy_primitives::{Address, B256, Log, U256, b256};
use op_alloy_consensus::{DEPOSIT_TX_TYPE_ID, TxDeposit};

/// `keccak256("ConfigUpdate(uint256,uint8,bytes)")`.
pub const CONFIG_UPDATE_EVENT: B256 =
    b256!("1d2b0bda21d56b8bd12d4f94ebacffdfb35f5e226f84b461103bb8beab6353be");

/// The L1 fee's two weights, millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeeScalars {
    /// Of the L1 base fee.
    pub base_fee: u32,
    /// Of the L1 blob base fee.
    pub blob_base_fee: u32,
}

/// Why a scalar is not in a form that Ecotone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScalarError {
    /// The first byte is the version.
    #[error("fee scalar {scalar:#x} has version {version}, not 0 or 1")]
    UnknownVersion {
        /// The packed word.
        scalar: U256,
        /// Its first byte.
        version: u8,
    },
    /// There are bytes where zeros belong.
    #[error("fee scalar {scalar:#x} of version {version} has bytes in its padding")]
    Padding {
        /// The packed word.
        scalar: U256,
        /// Its first byte.
        version: u8,
    },
}

/// Why a log of the system config contract changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigUpdateError {
    /// Event, version, kind.
    #[error("config log has {count} topics, not 3")]
    TopicCount {
        /// Topics found.
        count: usize,
    },
    /// Another event.
    #[error("config log has event {event}")]
    WrongEvent {
        /// First topic found.
        event: B256,
    },
    /// The only version is zero.
    #[error("config log has version {version}, not 0")]
    UnknownVersion {
        /// Version found.
        version: B256,
    },
    /// A kind that this release does not know.
    #[error("config log changes unknown kind {kind}")]
    UnknownKind {
        /// Kind found.
        kind: B256,
    },
    /// The data is one ABI-encoded byte string, which starts at byte 32.
    #[error("config log data does not start with offset 32")]
    Offset,
    /// Each kind has one length.
    #[error("config log data does not have the {wanted} bytes of its kind")]
    Length {
        /// Length of the kind.
        wanted: u64,
    },
    /// The data ends early or a value is larger than its type.
    #[error("config log has no {value}")]
    Value {
        /// What should be there.
        value: &'static str,
    },
    /// Bytes behind the value.
    #[error("config log has {count} bytes behind its value")]
    TooManyBytes {
        /// How many.
        count: usize,
    },
    /// From Ecotone the scalar has a version; a bad one leaves the old one in place.
    #[error(transparent)]
    Scalar(#[from] ScalarError),
    /// Parameters that no block may have.
    #[error(transparent)]
    BaseFee(#[from] BaseFeeError),
}

/// A log that was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedUpdate {
    /// Position among the logs given.
    pub index: usize,
    /// What is wrong with it.
    pub reason: ConfigUpdateError,
}

/// Why an L2 block does not tell its L1 origin or its system config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfBlockError {
    /// A block at the height of the first one, but another.
    #[error("L2 block {number} is {found}, the chain starts with {configured}")]
    WrongGenesis {
        /// Height of both.
        number: u64,
        /// Hash of the block.
        found: B256,
        /// Hash in the config.
        configured: B256,
    },
    /// The first transaction is not a whole deposit.
    #[error("the first transaction of L2 block {number} is no deposit")]
    NoDeposit {
        /// Height of the block.
        number: u64,
    },
    /// It is no L1 attributes transaction.
    #[error(transparent)]
    Info(#[from] L1InfoError),
    /// The header's extra data is malformed.
    #[error(transparent)]
    ExtraData(#[from] BaseFeeError),
}

/// Where a block stands on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochPosition {
    /// The L1 block it is derived from.
    pub l1_origin: BlockId,
    /// Blocks with the same origin before it.
    pub sequence_number: u64,
}

impl FeeScalars {
    /// Takes the packed word apart. Version 0 has only the base fee's weight.
    pub fn from_word(scalar: U256) -> Result<Self, ScalarError> {
        let bytes: [u8; 32] = scalar.to_be_bytes();
        let [version, padding @ .., b0, b1, b2, b3, f0, f1, f2, f3] = bytes;
        let blob_base_fee = u32::from_be_bytes([b0, b1, b2, b3]);
        let clean = padding.iter().all(|byte| *byte == 0);
        match version {
            0 if clean && blob_base_fee == 0 => {}
            1 if clean => {}
            0 | 1 => return Err(ScalarError::Padding { scalar, version }),
            _ => return Err(ScalarError::UnknownVersion { scalar, version }),
        }
        Ok(Self { base_fee: u32::from_be_bytes([f0, f1, f2, f3]), blob_base_fee })
    }

    /// The packed word of version 1.
    pub fn to_word(self) -> U256 {
        let low = u64::from(self.blob_base_fee) << 32 | u64::from(self.base_fee);
        // Bit 248 is the version byte's one.
        U256::from_limbs([low, 0, 0, 1 << 56])
    }
}

impl SystemConfig {
    /// The fee weights from Ecotone. A version 0 scalar too large for its four bytes stands for the
    /// largest weight (D18).
    pub fn fee_scalars(&self) -> Result<FeeScalars, ScalarError> {
        match FeeScalars::from_word(self.scalar) {
            Err(ScalarError::Padding { version: 0, .. }) => {
                Ok(FeeScalars { base_fee: u32::MAX, blob_base_fee: 0 })
            }
            other => other,
        }
    }

    /// Applies the updates among these logs, which are those of an L1 block's successful receipts
    /// in order. Logs of other contracts and other events are passed over in silence, malformed
    /// updates with a reason.
    pub fn apply_logs<'a>(
        &mut self,
        config: &ChainConfig,
        l1_timestamp: u64,
        logs: impl IntoIterator<Item = &'a Log>,
    ) -> Vec<SkippedUpdate> {
        let mut skipped = Vec::new();
        for (index, log) in logs.into_iter().enumerate() {
            let ours = log.address == config.l1_system_config
                && log.topics().first() == Some(&CONFIG_UPDATE_EVENT);
            if let Some(Err(reason)) = ours.then(|| self.apply_log(config, l1_timestamp, log)) {
                skipped.push(SkippedUpdate { index, reason });
            }
        }
        skipped
    }

    /// Applies one update and says whether it changed something. The address is the caller's
    /// concern.
    pub fn apply_log(
        &mut self,
        config: &ChainConfig,
        l1_timestamp: u64,
        log: &Log,
    ) -> Result<bool, ConfigUpdateError> {
        let topics = log.topics();
        let [event, version, kind] = *topics else {
            return Err(ConfigUpdateError::TopicCount { count: topics.len() });
        };
        if event != CONFIG_UPDATE_EVENT {
            return Err(ConfigUpdateError::WrongEvent { event });
        }
        if version != B256::ZERO {
            return Err(ConfigUpdateError::UnknownVersion { version });
        }
        let mut updated = self.clone();
        // Each fork's kinds are taken at any time: a value that L2 does not have yet is lost with
        // the next block, as in the Go node.
        let update = Update { data: &log.data.data };
        match U256::from_be_bytes(kind.0).try_into().unwrap_or(u64::MAX) {
            0 => updated.batcher = update.batcher()?,
            1 if config.forks.active(Fork::Ecotone, l1_timestamp) => {
                updated.scalar = update.ecotone_scalar()?;
                updated.overhead = U256::ZERO;
            }
            1 => (updated.overhead, updated.scalar) = update.scalars()?,
            2 => updated.gas_limit = update.u64("gas limit")?,
            // The signer of unsafe blocks is not for derivation; its data is not even looked at.
            3 => {}
            4 => updated.eip1559 = update.base_fee_params()?,
            5 => {
                (updated.operator_fee_scalar, updated.operator_fee_constant) =
                    update.operator_fee()?;
            }
            6 => updated.min_base_fee = update.u64("minimum base fee")?,
            7 => updated.da_footprint_gas_scalar = update.da_footprint()?,
            _ => return Err(ConfigUpdateError::UnknownKind { kind }),
        }
        let changed = *self != updated;
        *self = updated;
        Ok(changed)
    }

    /// The system config that the successor of this block starts from: what the block carries in
    /// header and L1 attributes (D18, D20).
    pub fn of_block(
        config: &ChainConfig,
        header: &Header,
        block_hash: B256,
        first_transaction: &[u8],
    ) -> Result<Self, OfBlockError> {
        let Some(info) = info_of_block(config, header, block_hash, first_transaction)? else {
            return Ok(config.genesis.system_config.clone());
        };
        let timestamp = header.timestamp;
        let settled =
            |fork| config.forks.active(fork, timestamp) && !config.activates(fork, timestamp);
        let scalars =
            FeeScalars { base_fee: info.base_fee_scalar, blob_base_fee: info.blob_base_fee_scalar };
        // Before Holocene nobody looks at the extra data.
        let extra = if config.forks.active(Fork::Holocene, timestamp) {
            ExtraData::decode(&config.forks, timestamp, &header.extra_data)?
        } else {
            None
        };
        Ok(Self {
            batcher: info.batcher,
            overhead: info.overhead,
            scalar: if settled(Fork::Ecotone) { scalars.to_word() } else { info.scalar },
            gas_limit: lasting_gas_limit(config, header),
            eip1559: extra.map_or_else(BaseFeeParams::default, |it| it.params),
            operator_fee_scalar: info.operator_fee_scalar,
            operator_fee_constant: info.operator_fee_constant,
            min_base_fee: extra.and_then(|it| it.min_base_fee).unwrap_or(0),
            da_footprint_gas_scalar: info.da_footprint_gas_scalar,
        })
    }
}

impl EpochPosition {
    /// Where this block stands, by its L1 attributes.
    pub fn of_block(
        config: &ChainConfig,
        header: &Header,
        block_hash: B256,
        first_transaction: &[u8],
    ) -> Result<Self, OfBlockError> {
        let info = info_of_block(config, header, block_hash, first_transaction)?;
        Ok(info.map_or(Self { l1_origin: config.genesis.l1, sequence_number: 0 }, |info| Self {
            l1_origin: info.origin(),
            sequence_number: info.sequence_number,
        }))
    }
}

/// The L1 attributes of a block; `None` for the first one, which has none.
fn info_of_block(
    config: &ChainConfig,
    header: &Header,
    block_hash: B256,
    first_transaction: &[u8],
) -> Result<Option<L1Info>, OfBlockError> {
    let (number, genesis) = (header.number, config.genesis.l2);
    if number == genesis.number {
        let configured = genesis.hash;
        let wrong = OfBlockError::WrongGenesis { number, found: block_hash, configured };
        return (block_hash == configured).then_some(None).ok_or(wrong);
    }
    let mut rest = first_transaction;
    let deposit = TxDeposit::decode_2718(&mut rest).ok().filter(|_| rest.is_empty());
    let deposit = deposit
        .filter(|_| first_transaction.first() == Some(&DEPOSIT_TX_TYPE_ID))
        .ok_or(OfBlockError::NoDeposit { number })?;
    debug_assert_eq!(deposit.ty(), DEPOSIT_TX_TYPE_ID);
    Ok(Some(L1Info::decode(config, header.timestamp, &deposit.input)?))
}

/// The header's gas limit without what an activation block has for its upgrade transactions (D20).
fn lasting_gas_limit(config: &ChainConfig, header: &Header) -> u64 {
    let gas = |fork: Fork, kept: bool| {
        let lent = config.activates(fork, header.timestamp) && !kept;
        if lent { upgrade_gas(fork) } else { 0 }
    };
    let karst = gas(Fork::Karst, config.keep_karst_upgrade_gas);
    header.gas_limit.saturating_sub(karst).saturating_sub(gas(Fork::Lagoon, false))
}

/// The data of an update: `offset(32) ++ length(32) ++ values`.
struct Update<'a> {
    data: &'a [u8],
}

impl<'a> Update<'a> {
    /// Reads the values, which have exactly `wanted` bytes.
    fn read<T>(
        &self,
        wanted: u64,
        value: &'static str,
        read: impl FnOnce(&mut Words<'a>) -> Option<T>,
    ) -> Result<T, ConfigUpdateError> {
        let mut words = Words(self.data);
        words.u64().filter(|offset| *offset == 32).ok_or(ConfigUpdateError::Offset)?;
        let length = words.u64().filter(|length| *length == wanted);
        length.ok_or(ConfigUpdateError::Length { wanted })?;
        let found = read(&mut words).ok_or(ConfigUpdateError::Value { value })?;
        let count = words.0.len();
        if count == 0 { Ok(found) } else { Err(ConfigUpdateError::TooManyBytes { count }) }
    }

    fn batcher(&self) -> Result<Address, ConfigUpdateError> {
        self.read(32, "address", Words::address)
    }

    /// Overhead and scalar before Ecotone, any values.
    fn scalars(&self) -> Result<(U256, U256), ConfigUpdateError> {
        self.read(64, "scalars", |words| Some((words.number()?, words.number()?)))
    }

    fn ecotone_scalar(&self) -> Result<U256, ConfigUpdateError> {
        let (_, scalar) = self.scalars()?;
        FeeScalars::from_word(scalar)?;
        Ok(scalar)
    }

    fn u64(&self, value: &'static str) -> Result<u64, ConfigUpdateError> {
        self.read(32, value, Words::u64)
    }

    /// The last eight bytes; those before them have no meaning.
    fn base_fee_params(&self) -> Result<BaseFeeParams, ConfigUpdateError> {
        let params = self.read(32, "EIP-1559 parameters", |words| {
            words.take::<24>()?;
            words.take().map(BaseFeeParams::from_bytes)
        })?;
        params.check_attributes()?;
        Ok(params)
    }

    /// The last twelve bytes; those before them have no meaning.
    fn operator_fee(&self) -> Result<(u32, u64), ConfigUpdateError> {
        self.read(32, "operator fee", |words| {
            words.take::<20>()?;
            Some((u32::from_be_bytes(words.take()?), u64::from_be_bytes(words.take()?)))
        })
    }

    fn da_footprint(&self) -> Result<u16, ConfigUpdateError> {
        self.read(32, "DA footprint gas scalar", Words::u16)
    }
}
