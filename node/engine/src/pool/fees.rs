//! What an L2 transaction pays beyond its gas, as of the head (E2, E4).
//!
//! **Invariant:** sums saturate: a huge scalar makes a transaction unaffordable, never the pool
//! fail.

use super::PoolTransaction;
use crate::{Rules, StateView};
use alloy_primitives::{U256, uint};
use opal_execute::{L1Fees, OperatorFee, StateError, StateRead, predeploys::L1_BLOCK};
use opal_types::Fork;

/// Slot of L1Block that holds the operator fee's parameters (E3).
const OPERATOR: U256 = uint!(8_U256);

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fees {
    L1,
    L2 { l1: L1Fees, operator: OperatorFee, is_jovian: bool },
}

impl Fees {
    pub(super) fn read(rules: &Rules, view: &mut StateView) -> Result<Self, StateError> {
        let Rules::L2(config) = rules else { return Ok(Self::L1) };
        let rules = opal_execute::Rules::new(config, view.header().timestamp);
        let l1 = L1Fees::read(&rules, |slot| view.storage(L1_BLOCK, slot))?;
        let operator = if rules.has(Fork::Isthmus) {
            OperatorFee::from_slot(view.storage(L1_BLOCK, OPERATOR)?)
        } else {
            OperatorFee::default()
        };
        Ok(Self::L2 { l1, operator, is_jovian: rules.has(Fork::Jovian) })
    }

    /// Most that a transaction can cost its sender, wei.
    pub(super) fn cost(&self, tx: &PoolTransaction) -> U256 {
        match self {
            Self::L1 => tx.cost(),
            Self::L2 { l1, operator, is_jovian } => tx
                .cost()
                .saturating_add(l1.fee(&tx.raw, tx.fastlz))
                .saturating_add(operator.fee(tx.gas_limit(), *is_jovian)),
        }
    }
}
