//! What the rules need to know about one chain: the fields of the Go node's `rollup.json`.
//!
//! **Invariant:** no defaults are guessed here; the readers fill every field or refuse.

use crate::ForkTimes;
use alloy_primitives::{Address, B256, U256};

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
}

impl ChainConfig {
    /// EIP-1559 constants in force at this L2 time where neither attributes nor header give others (E5).
    pub fn base_fee_constants(&self, timestamp: u64) -> BaseFeeParams {
        let denominator = if self.forks.active(crate::Fork::Canyon, timestamp) {
            self.eip1559_denominator_canyon
        } else {
            self.eip1559.denominator
        };
        BaseFeeParams { denominator, elasticity: self.eip1559.elasticity }
    }
}
