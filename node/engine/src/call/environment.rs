//! What a block tells the EVM.
//!
//! **Invariant:** the rules follow from the block's time alone, as in execution.

use crate::Rules;
use alloy_consensus::Header;
use alloy_primitives::U256;
use opal_types::{ChainConfig, Fork};
use revm::context::BlockEnv;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::primitives::hardfork::SpecId;

/// The block a call runs in.
#[derive(Clone, Debug)]
pub(crate) struct Environment {
    pub(crate) block: BlockEnv,
    pub(crate) chain_id: u64,
    pub(crate) kind: Kind,
}

/// Whose rules.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    L1 { spec: SpecId, most_blobs: Option<u64> },
    L2(opal_execute::Rules),
}

impl Environment {
    /// That of a block with this header.
    pub(crate) fn of(rules: &Rules, header: &Header) -> Self {
        let kind = Kind::at(rules, header.timestamp);
        let block = match rules {
            Rules::L1(rules) => crate::l1::block_environment(rules, header),
            Rules::L2(config) => l2_block(config, header),
        };
        Self { block, chain_id: rules.chain_id(), kind }
    }

    /// Whether a transaction's gas is limited by itself (EIP-7825).
    pub(crate) fn has_gas_cap(&self) -> bool {
        match self.kind {
            Kind::L1 { spec, .. } => spec.is_enabled_in(SpecId::OSAKA),
            Kind::L2(rules) => rules.has(Fork::Karst),
        }
    }
}

fn l2_block(config: &ChainConfig, header: &Header) -> BlockEnv {
    // E11: no blobs, and BLOBBASEFEE answers 1.
    let has_blob_fee = config.forks.active(Fork::Ecotone, header.timestamp);
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: has_blob_fee
            .then_some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
        slot_num: 0,
    }
}

impl Kind {
    /// The rules of a timestamp.
    pub(crate) fn at(rules: &Rules, timestamp: u64) -> Self {
        match rules {
            Rules::L1(rules) => Self::L1 {
                spec: rules.fork(timestamp).spec(),
                most_blobs: rules.blob_params(timestamp).map(|params| params.max_blobs_per_tx),
            },
            Rules::L2(config) => Self::L2(opal_execute::Rules::new(config, timestamp)),
        }
    }
}
