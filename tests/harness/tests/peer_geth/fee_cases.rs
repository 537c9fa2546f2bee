//! Base fees, L1 fees, operator fees and the data-availability footprint at their edges (E2 to E6, E12).
//!
//! **Invariant:** amounts are computed here from the rows, not read from the outcome.

use super::{
    contracts::BURNER,
    deposits,
    keys::Key,
    l1::L1,
    scene::{FORKS, Scene, across, at_each},
};
use alloy_primitives::{Bytes, TxKind, U256};
use op_alloy_consensus::TxDeposit;
use opal_execute::{
    Invalid, OperatorFee, next_base_fee,
    predeploys::{BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT},
};
use opal_types::{Attributes, BaseFeeParams, Fork};

const HOLOCENE_ON: [Fork; 4] = [Fork::Holocene, Fork::Isthmus, Fork::Jovian, Fork::Karst];

/// Fills the block up to exactly this much gas.
#[track_caller]
fn fill(scene: &mut Scene, goal: u64) {
    let (outcome, _) = scene.chain.over_memory(&scene.next).unwrap();
    let gas_limit = goal - outcome.header.gas_used;
    let tx = TxDeposit { to: TxKind::Call(BURNER), gas_limit, ..scene.blank() };
    scene.deposit(tx);
    assert_eq!(scene.run().header.gas_used, goal);
}

fn base_fee(scene: &Scene) -> u64 {
    next_base_fee(&scene.chain.config, &scene.chain.head, scene.next.timestamp).unwrap()
}

#[test]
fn base_fees_follow_empty_full_and_target_blocks() {
    // E5.
    at_each("base_fees", &FORKS, |scene| {
        let denominator = if scene.has(Fork::Canyon) { 250 } else { 50 };
        let before = base_fee(scene);
        let target = scene.next.gas_limit / 6;
        fill(scene, target);
        assert_eq!(base_fee(scene), before);
        fill(scene, target + 1);
        assert_eq!(base_fee(scene), before + (before / target / denominator).max(1));
        let before = base_fee(scene);
        let limit = scene.next.gas_limit;
        fill(scene, limit);
        assert_eq!(base_fee(scene), before + before * 5 / denominator);
        let before = base_fee(scene);
        let used = scene.run().header.gas_used;
        let fall = u128::from(before) * u128::from(target - used)
            / u128::from(target)
            / u128::from(denominator);
        assert_eq!(base_fee(scene), before - fall as u64);
    });
}

#[test]
fn base_fees_fall_to_nothing_and_rise_again() {
    // E5: a fall below one is none, a rise is at least one.
    at_each("tiny_base_fees", &HOLOCENE_ON, |scene| {
        let steep = Some(BaseFeeParams { denominator: 1, elasticity: 2 });
        let mut least = u64::MAX;
        for _ in 0..30 {
            scene.next.eip1559 = steep;
            scene.run();
            least = least.min(base_fee(scene));
        }
        assert!(least < 50, "{least}");
        let before = base_fee(scene);
        scene.next.eip1559 = Some(BaseFeeParams { denominator: u32::MAX, elasticity: 1000 });
        let target = scene.next.gas_limit / 1000;
        scene.next.gas_limit = target * 1000;
        fill(scene, target * 900);
        assert_eq!(base_fee(scene), before + 1);
        for _ in 0..3 {
            scene.next.eip1559 = Some(BaseFeeParams { denominator: 1, elasticity: 1000 });
            let limit = scene.next.gas_limit;
            fill(scene, limit);
        }
        assert!(base_fee(scene) > before * 1_000_000);
    });
}

#[test]
fn the_minimum_base_fee_lifts_and_lets_go() {
    // E5.
    at_each("min_base_fee", &[Fork::Jovian, Fork::Karst], |scene| {
        for min in [5_000_000_000, 5_000_000_001, 1, 0, u64::MAX, 0] {
            scene.next.min_base_fee = Some(min);
            scene.run();
            assert!(base_fee(scene) >= min);
        }
        assert!(base_fee(scene) > 1 << 60);
    });
}

#[test]
fn eip1559_parameters_must_both_be_set_or_none() {
    at_each("eip1559_parameters", &HOLOCENE_ON, |scene| {
        for (denominator, elasticity) in [(0, 6), (250, 0)] {
            scene.next.eip1559 = Some(BaseFeeParams { denominator, elasticity });
            let invalid = scene.refuse();
            assert_eq!(invalid, Invalid::Eip1559 { denominator, elasticity });
        }
    });
}

/// Parameters under which no part of the price is zero.
const PRICES: L1 = L1 {
    base_fee: 12_345_678_901,
    blob_base_fee: 98_765_432,
    overhead: 188,
    scalar: 684_000,
    base_fee_scalar: 5227,
    blob_base_fee_scalar: 1_014_213,
    operator_scalar: 4_000_001,
    operator_constant: 123_456_789,
    da_footprint_scalar: 400,
};

/// What 21,000 gas cost the operator's way.
fn operator_fee(fork: Fork, l1: &L1) -> U256 {
    let operator = OperatorFee { scalar: l1.operator_scalar, constant: l1.operator_constant };
    match fork {
        _ if fork >= Fork::Jovian => operator.fee(21_000, true),
        Fork::Isthmus => operator.fee(21_000, false),
        _ => U256::ZERO,
    }
}

/// The next block with `amount` for the key from a deposit, then its transaction.
fn paid(scene: &mut Scene, key: &Key, amount: U256) -> Attributes {
    let mut next = scene.next.clone();
    let to = TxKind::Call(key.address);
    let fund = TxDeposit { to, mint: amount.to(), value: amount, ..scene.blank() };
    let tx = key.sign(scene.transfer(key, 0));
    next.transactions.extend([deposits::raw(fund), tx]);
    next
}

#[test]
fn a_sender_needs_every_wei_of_all_fees() {
    // E2, E4, E12: gas, L1 fee and operator fee are due up front.
    at_each("exact_balance", &FORKS, |scene| {
        scene.l1 = PRICES;
        scene.begin();
        let key = Key::new(100);
        let plenty = paid(scene, &key, U256::from(u128::MAX));
        let l1_fee = scene.chain.over_memory(&plenty).unwrap().0.transactions[2].l1_fee;
        let base_fees = U256::from(21_000) * U256::from(base_fee(scene));
        let operator_fee = operator_fee(scene.fork, &scene.l1);
        let due = base_fees + l1_fee + operator_fee;
        scene.next = paid(scene, &key, due - U256::from(1));
        let invalid = scene.refuse();
        assert!(matches!(invalid, Invalid::Transaction { index: 2, .. }), "{invalid}");
        scene.next = paid(scene, &key, due);
        assert!(scene.run().receipts[2].success);
        assert!(scene.balance(key.address).is_zero() && !l1_fee.is_zero());
        assert_eq!(scene.balance(BASE_FEE_VAULT), base_fees);
        assert_eq!(scene.balance(L1_FEE_VAULT), l1_fee);
        assert_eq!(scene.balance(OPERATOR_FEE_VAULT), operator_fee);
    });
}

#[test]
fn the_first_paying_transaction_fixes_the_l1_price_of_a_block() {
    // E2: a later change of the slots counts from the next block on.
    at_each("fixed_price", &FORKS, |scene| {
        scene.l1 = PRICES;
        scene.begin();
        let keys = [Key::new(1), Key::new(2)];
        let transactions = keys.each_ref().map(|key| key.sign(scene.transfer(key, 0)));
        scene.l1 = L1 { base_fee: 1, operator_constant: 5, ..PRICES };
        let cheaper = scene.l1_attributes();
        let [first, second] = transactions;
        scene.next.transactions.extend([first, cheaper, second]);
        let fees = scene.run().transactions.iter().map(|it| it.l1_fee).collect::<Vec<_>>();
        assert!(fees[3] * U256::from(10) > fees[1] * U256::from(9), "{fees:?}");
    });
}

#[test]
fn the_first_block_of_ecotone_has_the_old_price() {
    // E2: the scalars are not there yet.
    across("first_ecotone_block", Fork::Ecotone, |scene| {
        scene.l1 = PRICES;
        let key = Key::new(1);
        let mut fees = Vec::new();
        for _ in 0..5 {
            scene.begin();
            let tx = key.sign(scene.transfer(&key, 0));
            scene.next.transactions.push(tx);
            fees.push(scene.run().transactions[1].l1_fee);
        }
        assert!(fees[2] > fees[3] * U256::from(2), "{fees:?}");
    });
}

#[test]
fn the_first_block_of_isthmus_has_no_operator_fee() {
    // E4: its deposit has the old form.
    across("first_isthmus_block", Fork::Isthmus, |scene| {
        scene.l1 = PRICES;
        let key = Key::new(1);
        let mut paid = Vec::new();
        for _ in 0..5 {
            scene.begin();
            let tx = key.sign(scene.transfer(&key, 0));
            scene.next.transactions.push(tx);
            scene.run();
            paid.push(scene.balance(OPERATOR_FEE_VAULT));
        }
        let fee = operator_fee(Fork::Isthmus, &PRICES);
        assert_eq!(paid, [0, 0, 0, 1, 2].map(|it| fee * U256::from(it)));
    });
}

#[test]
fn the_first_block_of_jovian_takes_deposits_only() {
    // E6.
    across("first_jovian_block", Fork::Jovian, |scene| {
        scene.run();
        scene.run();
        let key = Key::new(1);
        let tx = key.sign(scene.transfer(&key, 0));
        scene.next.transactions.push(tx);
        assert_eq!(scene.refuse(), Invalid::NoL1Attributes);
        scene.call(BURNER, Bytes::new(), 50_000);
        assert_eq!(scene.run().header.blob_gas_used, Some(0));
        let tx = key.sign(scene.transfer(&key, 0));
        scene.next.transactions.push(tx);
        assert_eq!(scene.run().header.blob_gas_used, Some(40_000));
    });
}

#[test]
fn the_footprint_may_reach_the_gas_limit_and_moves_the_base_fee() {
    // E6: 100 bytes are the least, here at 4,000 gas each.
    at_each("footprint", &[Fork::Jovian, Fork::Karst], |scene| {
        scene.l1.da_footprint_scalar = 4000;
        scene.begin();
        for (short, fits) in [(1, false), (0, true)] {
            for number in 1..=4 {
                let key = Key::new(number);
                let tx = key.sign(scene.transfer(&key, 0));
                scene.next.transactions.push(tx);
            }
            scene.next.gas_limit = 1_600_000 - short;
            if fits {
                assert_eq!(scene.run().header.blob_gas_used, Some(1_600_000));
            } else {
                let (footprint, gas_limit) = (1_600_000, 1_599_999);
                assert_eq!(scene.refuse(), Invalid::DaFootprint { footprint, gas_limit });
            }
        }
        // Little gas was used, but the base fee rises as after a full block.
        assert_eq!(base_fee(scene), {
            let before = scene.chain.head.base_fee_per_gas.unwrap();
            before + before * 1_333_334 / 266_666 / 250
        });
    });
}
