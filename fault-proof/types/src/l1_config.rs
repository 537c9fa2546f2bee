//! What the rules need to know about the L1: its headers' encoding and its price of blobs (D24).
//!
//! Start with [`L1Config`].
//!
//! **Invariant:** blob parameters stand in fork order with times that do not fall, and no fraction
//! is zero.

use crate::{ChainConfig, L1BlockInfo, L1Flavour, L1Header, rlp::rlp_list};
use alloc::vec::Vec;
use alloy_eips::eip4844::fake_exponential;
use alloy_primitives::U256;
use alloy_rlp::Error;

/// Lowest blob base fee, wei (EIP-4844); also what an L1 without blobs has (D17).
const MIN_BLOB_BASE_FEE: u128 = 1;
/// Update fractions of EIP-4844, EIP-7691 and of the first two blob-parameter forks of EIP-7892.
const CANCUN: u64 = 3_338_477;
const PRAGUE: u64 = 5_007_716;
const BPO1: u64 = 8_346_193;
const BPO2: u64 = 11_684_671;

/// How the blob base fee moves from some time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobParams {
    /// First timestamp, seconds of L1 time.
    pub timestamp: u64,
    /// Blob gas above target that multiplies the fee by e.
    pub update_fraction: u64,
}

/// One L1's rules, as far as they reach L2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Config {
    /// Chain id.
    pub chain_id: u64,
    /// Encoding of its headers.
    pub flavour: L1Flavour,
    blob_schedule: Vec<BlobParams>,
}

/// Why a list is no blob schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobScheduleError {
    /// The fee is computed by dividing by it.
    #[error("blob parameters from {timestamp} have update fraction zero")]
    ZeroFraction {
        /// Their time.
        timestamp: u64,
    },
    /// Later parameters replace earlier ones.
    #[error("blob parameters from {timestamp} stand behind those from {earlier}")]
    Order {
        /// Their time.
        timestamp: u64,
        /// The time before it in the list.
        earlier: u64,
    },
}

impl L1Config {
    /// Checks a schedule: parameters in fork order. An L1 without blobs has none.
    pub fn new(
        chain_id: u64,
        flavour: L1Flavour,
        blob_schedule: Vec<BlobParams>,
    ) -> Result<Self, BlobScheduleError> {
        let config = Self { chain_id, flavour, blob_schedule };
        config.check().map(|()| config)
    }

    /// The L1s of the registry's superchains: Ethereum mainnet and Sepolia up to BPO2. Their times
    /// are those of go-ethereum's params (mainnet BPO2: 7 January 2026).
    pub fn builtin(chain_id: u64) -> Option<Self> {
        let [cancun, prague, osaka, bpo1, bpo2] = match chain_id {
            1 => [1_710_338_135, 1_746_612_311, 1_764_798_551, 1_765_290_071, 1_767_747_671],
            11_155_111 => {
                [1_706_655_072, 1_741_159_776, 1_760_427_360, 1_761_017_184, 1_761_607_008]
            }
            _ => return None,
        };
        // Osaka keeps Prague's fraction.
        let schedule =
            [(cancun, CANCUN), (prague, PRAGUE), (osaka, PRAGUE), (bpo1, BPO1), (bpo2, BPO2)];
        let params = |(timestamp, update_fraction)| BlobParams { timestamp, update_fraction };
        let blob_schedule = schedule.into_iter().map(params).collect();
        Some(Self { chain_id, flavour: L1Flavour::Ethereum, blob_schedule })
    }

    /// Blob parameters in fork order.
    pub fn blob_schedule(&self) -> &[BlobParams] {
        &self.blob_schedule
    }

    /// Blob base fee of an L1 block, wei.
    pub fn blob_base_fee(&self, excess_blob_gas: u64, timestamp: u64) -> U256 {
        let params = self.blob_schedule.iter().rev().find(|it| it.timestamp <= timestamp);
        params.map_or_else(
            || U256::from(MIN_BLOB_BASE_FEE),
            |it| fee(excess_blob_gas, it.update_fraction),
        )
    }

    /// What the blocks of a chain with this L1 block as origin are told of it. Chains that came
    /// through L1's Prague with Cancun's fraction keep it up to a time of their own (D24).
    pub fn block_info(&self, config: &ChainConfig, header: &L1Header) -> L1BlockInfo {
        let timestamp = header.timestamp;
        let by_cancun = config.pectra_blob_schedule_time.is_some_and(|time| timestamp < time);
        let blob_base_fee = match header.excess_blob_gas {
            None => U256::from(MIN_BLOB_BASE_FEE),
            Some(excess) if by_cancun => fee(excess, CANCUN),
            Some(excess) => self.blob_base_fee(excess, timestamp),
        };
        L1BlockInfo {
            hash: header.hash,
            number: header.number,
            timestamp,
            base_fee: header.base_fee,
            blob_base_fee,
        }
    }

    /// The canonical encoding.
    pub fn to_rlp(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads exactly the canonical encoding.
    pub fn from_rlp(bytes: &[u8]) -> Result<Self, Error> {
        let config: Self = alloy_rlp::decode_exact(bytes)?;
        match config.check() {
            Ok(()) => Ok(config),
            Err(_) => Err(Error::Custom("no blob schedule")),
        }
    }

    /// Whether [`Self::new`] would take these parts.
    pub(crate) fn is_valid(&self) -> bool {
        self.check().is_ok()
    }

    fn check(&self) -> Result<(), BlobScheduleError> {
        let mut earlier = 0;
        for BlobParams { timestamp, update_fraction } in self.blob_schedule.iter().copied() {
            if update_fraction == 0 {
                return Err(BlobScheduleError::ZeroFraction { timestamp });
            }
            if timestamp < earlier {
                return Err(BlobScheduleError::Order { timestamp, earlier });
            }
            earlier = timestamp;
        }
        Ok(())
    }
}

/// EIP-4844's approximation of `e ** (excess / fraction)`; at most `u128::MAX`.
fn fee(excess_blob_gas: u64, update_fraction: u64) -> U256 {
    debug_assert_ne!(update_fraction, 0);
    U256::from(fake_exponential(
        MIN_BLOB_BASE_FEE,
        excess_blob_gas.into(),
        update_fraction.max(1).into(),
    ))
}

rlp_list!(BlobParams { timestamp, update_fraction });
rlp_list!(L1Config { chain_id, flavour, blob_schedule });
