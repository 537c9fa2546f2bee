//! What the rules need to know about one chain: the fields of the Go node's `rollup.json`.
//!
//! Start with [`ChainConfig`]. Its canonical form is RLP (design.md decision 3).
//!
//! **Invariant:** no defaults are guessed here; the readers fill every field or refuse.

use crate::{Fork, ForkTimes, rlp::rlp_list};
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::{BufMut, Decodable, Encodable};

/// A block by number and hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockId {
    /// Height.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
}

/// Where a chain starts: the L1 block it is anchored to and its own first block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// L1 block that derivation starts from.
    pub l1: BlockId,
    /// First L2 block.
    pub l2: BlockId,
    /// Timestamp of the first L2 block, seconds.
    pub l2_time: u64,
    /// System config in force at the first block.
    pub system_config: SystemConfig,
}

/// Chain parameters that L1 can change (D18).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemConfig {
    /// Only batches sent by this address count.
    pub batcher: Address,
    /// Bedrock L1 fee overhead, gas; zero from Ecotone.
    pub overhead: U256,
    /// Bedrock L1 fee scalar, or the packed Ecotone scalars.
    pub scalar: U256,
    /// L2 block gas limit.
    pub gas_limit: u64,
    /// EIP-1559 denominator and elasticity from Holocene; both zero = the chain's constants.
    pub eip1559: BaseFeeParams,
    /// Operator fee scalar, millionths (E4).
    pub operator_fee_scalar: u32,
    /// Operator fee constant, wei.
    pub operator_fee_constant: u64,
    /// Lowest base fee, wei (Jovian).
    pub min_base_fee: u64,
    /// Gas per byte of data-availability footprint (Jovian).
    pub da_footprint_gas_scalar: u16,
}

/// EIP-1559 parameters of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BaseFeeParams {
    /// Largest relative change per block is 1 / denominator.
    pub denominator: u32,
    /// Gas target = gas limit / elasticity.
    pub elasticity: u32,
}

/// Parameters of data availability outside of L1 (D28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AltDa {
    /// The challenge contract on L1.
    pub challenge_contract: Address,
    /// What batch transactions commit to.
    pub commitment: AltDaCommitment,
    /// Time to challenge a commitment, L1 blocks.
    pub challenge_window: u64,
    /// Time to answer a challenge, L1 blocks.
    pub resolve_window: u64,
}

/// The kind of commitment a batch transaction carries under alternative data availability (D28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AltDaCommitment {
    /// The keccak256 hash of the data.
    Keccak,
    /// Bytes that a data-availability service understands.
    Generic,
}

/// One chain's rules: identities, times and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainConfig {
    /// Start of the chain.
    pub genesis: Genesis,
    /// Seconds between L2 blocks.
    pub block_time: u64,
    /// Largest lead of L2 time over its L1 origin before Fjord, seconds (D11).
    pub max_sequencer_drift: u64,
    /// Sequencing window, L1 blocks (D12).
    pub seq_window_size: u64,
    /// Channel timeout before Granite, L1 blocks (D4).
    pub channel_timeout: u64,
    /// Chain id of the L1.
    pub l1_chain_id: u64,
    /// Chain id of this chain.
    pub l2_chain_id: u64,
    /// When each fork activates.
    pub forks: ForkTimes,
    /// Optional fix of the blob base fee in L1 attributes (D24), seconds of L1-origin time.
    pub pectra_blob_schedule_time: Option<u64>,
    /// Receiver of batcher transactions.
    pub batch_inbox: Address,
    /// The portal, whose logs are deposits.
    pub deposit_contract: Address,
    /// The system config contract on L1.
    pub l1_system_config: Address,
    /// EIP-1559 constants before Canyon.
    pub eip1559: BaseFeeParams,
    /// EIP-1559 denominator from Canyon.
    pub eip1559_denominator_canyon: u32,
    /// Keep Karst's upgrade gas after its activation block (D20).
    pub keep_karst_upgrade_gas: bool,
    /// Where batch data lies instead of on L1 (D28); `None` = on L1.
    pub alt_da: Option<AltDa>,
}

impl ChainConfig {
    /// EIP-1559 constants in force at this L2 time where neither attributes nor header give others
    /// (E5).
    pub fn base_fee_constants(&self, timestamp: u64) -> BaseFeeParams {
        let denominator = if self.forks.active(Fork::Canyon, timestamp) {
            self.eip1559_denominator_canyon
        } else {
            self.eip1559.denominator
        };
        BaseFeeParams { denominator, elasticity: self.eip1559.elasticity }
    }

    /// Whether the block with this timestamp is the first one under `fork`. A fork that is active
    /// from genesis has no such block (as in the Go node: time zero has no block before it).
    pub fn activates(&self, fork: Fork, timestamp: u64) -> bool {
        let before = timestamp.checked_sub(self.block_time);
        let active_before = before.is_none_or(|time| self.forks.active(fork, time));
        self.forks.active(fork, timestamp) && !active_before
    }

    /// The canonical encoding.
    pub fn to_rlp(&self) -> alloc::vec::Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads exactly the canonical encoding.
    pub fn from_rlp(bytes: &[u8]) -> Result<Self, alloy_rlp::Error> {
        alloy_rlp::decode_exact(bytes)
    }
}

rlp_list!(BlockId { number, hash });
rlp_list!(Genesis { l1, l2, l2_time, system_config });
rlp_list!(BaseFeeParams { denominator, elasticity });
rlp_list!(AltDa { challenge_contract, commitment, challenge_window, resolve_window });
rlp_list!(SystemConfig {
    batcher,
    overhead,
    scalar,
    gas_limit,
    eip1559,
    operator_fee_scalar,
    operator_fee_constant,
    min_base_fee,
    da_footprint_gas_scalar,
});
rlp_list!(ChainConfig {
    genesis,
    block_time,
    max_sequencer_drift,
    seq_window_size,
    channel_timeout,
    l1_chain_id,
    l2_chain_id,
    forks,
    pectra_blob_schedule_time,
    batch_inbox,
    deposit_contract,
    l1_system_config,
    eip1559,
    eip1559_denominator_canyon,
    keep_karst_upgrade_gas,
    alt_da,
});

impl Encodable for AltDaCommitment {
    fn length(&self) -> usize {
        1
    }

    fn encode(&self, out: &mut dyn BufMut) {
        matches!(self, Self::Generic).encode(out);
    }
}

impl Decodable for AltDaCommitment {
    fn decode(input: &mut &[u8]) -> alloy_rlp::Result<Self> {
        bool::decode(input).map(|generic| if generic { Self::Generic } else { Self::Keccak })
    }
}
