//! Deposits: they succeed, fail, mint, create, and lack gas or balance (E1).
//!
//! Start with [`random`].
//!
//! **Invariant:** none is a system transaction; that is the L1 attributes deposit's before Regolith.

use super::{
    generate::Candidate,
    payload::{payload, source},
    program::contract,
    rng::Rng,
    signed::Signers,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use op_alloy_consensus::TxDeposit;
use opal_types::{Fork, alias};

/// From somebody who has nothing, to nobody.
pub(crate) fn blank(rng: &mut Rng) -> TxDeposit {
    TxDeposit {
        source_hash: source(rng),
        from: Address::with_last_byte(0xd0 + rng.below(4) as u8),
        to: TxKind::Call(Address::ZERO),
        mint: 0,
        value: U256::ZERO,
        gas_limit: 100_000,
        is_system_transaction: false,
        input: Bytes::new(),
    }
}

/// Its bytes.
pub(crate) fn raw(tx: TxDeposit) -> Bytes {
    tx.encoded_2718().into()
}

/// A deposit of any kind.
pub(crate) fn random(rng: &mut Rng, fork: Fork, signers: &Signers<'_>) -> Candidate {
    let what = payload(rng, fork);
    let from = match rng.below(4) {
        0 => signers.any(rng),
        1 => alias(contract(rng)),
        _ => blank(rng).from,
    };
    let mint = if rng.one_in(3) { 0 } else { rng.below(1 << 40) };
    let mut tx = TxDeposit {
        from,
        to: what.to,
        mint: mint.into(),
        value: U256::from(what.value.min(mint)),
        gas_limit: what.gas_limit,
        input: what.input,
        ..blank(rng)
    };
    let kind = match rng.below(9) {
        0 => {
            tx.value = U256::from(10).pow(U256::from(40));
            "deposit of more than there is"
        }
        1 => {
            tx.gas_limit = rng.below(21_000);
            "deposit below the intrinsic gas"
        }
        2 => {
            tx.gas_limit = rng.between(21_000, 90_000);
            "deposit with little gas"
        }
        3 => {
            tx.mint = u128::MAX >> rng.between(40, 100);
            tx.value = U256::from(tx.mint);
            "deposit that mints much"
        }
        _ if tx.to == TxKind::Create => "deposit that creates",
        _ => "deposit that calls",
    };
    Candidate { kind, what: what.kind, raw: raw(tx) }
}
