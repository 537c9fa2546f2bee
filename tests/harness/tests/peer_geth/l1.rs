//! The L1 attributes deposit in the form of each fork (D17), and what it tells of L1.
//!
//! **Invariant:** the first block of Ecotone, Isthmus and Jovian still has the form before it.

use super::rng::Rng;
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use op_alloy_consensus::TxDeposit;
use opal_execute::predeploys::L1_BLOCK;
use opal_types::{DepositSource, Fork, ForkTimes};

pub(crate) const DEPOSITOR: Address = address!("deaddeaddeaddeaddeaddeaddeaddeaddead0001");

/// What the deposit says: L1's prices and the chain's system config.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct L1 {
    pub(crate) base_fee: u64,
    pub(crate) blob_base_fee: u64,
    pub(crate) overhead: u64,
    pub(crate) scalar: u64,
    pub(crate) base_fee_scalar: u32,
    pub(crate) blob_base_fee_scalar: u32,
    pub(crate) operator_scalar: u32,
    pub(crate) operator_constant: u64,
    pub(crate) da_footprint_scalar: u16,
}

impl L1 {
    /// Everyday values or extreme ones.
    pub(crate) fn random(rng: &mut Rng) -> Self {
        let extreme = rng.one_in(8);
        let mut upto = |usual: u64, most: u64| match (extreme, rng.below(4)) {
            (true, 0) => most,
            (_, 1) => 0,
            _ => rng.below(usual),
        };
        Self {
            base_fee: upto(100_000_000_000, 1 << 40),
            blob_base_fee: upto(100_000_000, 1 << 40),
            overhead: upto(4000, 1 << 20),
            scalar: upto(2_000_000, 1 << 24),
            base_fee_scalar: upto(100_000, u32::MAX.into()) as u32,
            blob_base_fee_scalar: upto(2_000_000, u32::MAX.into()) as u32,
            operator_scalar: upto(5_000_000, u32::MAX.into()) as u32,
            operator_constant: upto(1_000_000_000, u64::MAX),
            da_footprint_scalar: upto(800, 4000) as u16,
        }
    }

    /// The deposit in the block with this number and time, whose parent has the other time.
    pub(crate) fn deposit(&self, forks: &ForkTimes, number: u64, time: u64, parent: u64) -> Bytes {
        // The form lags behind by one block, but only where the chain lived before the fork.
        let fork = if number == 1 { forks.at(time) } else { forks.at(parent) };
        let is_system_transaction = !forks.active(Fork::Regolith, time);
        let source = DepositSource::L1Attributes {
            l1_block_hash: B256::from(U256::from(number)),
            sequence_number: number,
        };
        TxDeposit {
            source_hash: source.hash(),
            from: DEPOSITOR,
            to: TxKind::Call(L1_BLOCK),
            mint: 0,
            value: U256::ZERO,
            gas_limit: if is_system_transaction { 150_000_000 } else { 1_000_000 },
            is_system_transaction,
            input: self.calldata(fork, number, time),
        }
        .encoded_2718()
        .into()
    }

    fn calldata(&self, fork: Fork, number: u64, time: u64) -> Bytes {
        let word = |value: u64| U256::from(value).to_be_bytes::<32>();
        let mut data = Vec::new();
        if fork < Fork::Ecotone {
            data.extend([0x01, 0x5d, 0x8e, 0xb9]);
            let batcher = 0xba7c;
            for value in
                [number, time, self.base_fee, number, 0, batcher, self.overhead, self.scalar]
            {
                data.extend(word(value));
            }
            return data.into();
        }
        data.extend(match fork {
            Fork::Ecotone | Fork::Fjord | Fork::Granite | Fork::Holocene => {
                [0x44, 0x0a, 0x5e, 0x20]
            }
            Fork::Isthmus => [0x09, 0x89, 0x99, 0xbe],
            _ => [0x3d, 0xb6, 0xbe, 0x2b],
        });
        data.extend(self.base_fee_scalar.to_be_bytes());
        data.extend(self.blob_base_fee_scalar.to_be_bytes());
        data.extend([0, time, number].map(u64::to_be_bytes).as_flattened());
        for value in [self.base_fee, self.blob_base_fee, number, 0xba7c] {
            data.extend(word(value));
        }
        if fork >= Fork::Isthmus {
            data.extend(self.operator_scalar.to_be_bytes());
            data.extend(self.operator_constant.to_be_bytes());
        }
        if fork >= Fork::Jovian {
            data.extend(self.da_footprint_scalar.to_be_bytes());
        }
        data.into()
    }
}
