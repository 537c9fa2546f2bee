//! Precompiles at the edge of what each fork takes, and their answers to valid inputs (E9, E10).
//!
//! **Invariant:** up to Jovian op-geth agrees to every case; from Karst the values of the EIPs and the row decide.

use super::{
    contracts::PROBE,
    payload::at_number,
    precompiles,
    rng::Rng,
    scene::{FORKS, Scene, at_each},
};
use alloy_primitives::{Bytes, U256};
use opal_types::Fork;

/// Calls with exactly these bytes; whether it succeeds.
#[track_caller]
fn takes(scene: &mut Scene, number: u16, bytes: usize) -> bool {
    scene.next.gas_limit = 60_000_000;
    scene.call(at_number(number), Bytes::from(vec![0; bytes]), 58_000_000);
    scene.run().receipts[1].success
}

/// Checks the largest input of each fork: by the fork from which it holds, in items of `size` bytes.
#[track_caller]
fn check(test: &str, number: u16, size: usize, limits: &[(Fork, usize)]) {
    let forks: Vec<_> = FORKS.into_iter().filter(|fork| *fork >= limits[0].0).collect();
    at_each(test, &forks, |scene| {
        let (_, limit) = limits.iter().rev().find(|(since, _)| scene.has(*since)).unwrap();
        let items = limit / size;
        assert!(takes(scene, number, items * size), "{:?}: {items} items", scene.fork);
        assert!(!takes(scene, number, (items + 1) * size), "{:?}: {items} items", scene.fork);
    });
}

#[test]
fn alt_bn128_pairing_has_a_largest_input_from_granite() {
    let limits = [(Fork::Granite, 112_687), (Fork::Jovian, 81_984), (Fork::Karst, 57_600)];
    check("bn254_pairing", 8, 192, &limits);
}

#[test]
fn bls12_381_sums_of_the_first_group_have_a_largest_input() {
    check("bls_g1_msm", 0x0c, 160, &[(Fork::Isthmus, 513_760), (Fork::Jovian, 288_960)]);
}

#[test]
fn bls12_381_sums_of_the_second_group_have_a_largest_input() {
    check("bls_g2_msm", 0x0e, 288, &[(Fork::Isthmus, 488_448), (Fork::Jovian, 278_784)]);
}

#[test]
fn bls12_381_pairings_have_a_largest_input() {
    check("bls_pairing", 0x0f, 384, &[(Fork::Isthmus, 235_008), (Fork::Jovian, 156_672)]);
}

#[test]
fn every_precompile_answers_valid_input_from_its_fork_on() {
    at_each("valid_input", &FORKS, |scene| {
        let mut rng = Rng(9);
        scene.next.gas_limit = 60_000_000;
        for number in precompiles::NUMBERS {
            let input = precompiles::valid(&mut rng, number);
            scene.call(
                PROBE,
                [&at_number(number).into_word()[..], &input].concat().into(),
                2_400_000,
            );
        }
        scene.run();
        for (index, number) in precompiles::NUMBERS.into_iter().enumerate() {
            let since = match number {
                1..=9 => Fork::Bedrock,
                0x0a => Fork::Ecotone,
                0x0b..=0x11 => Fork::Isthmus,
                0x100 => Fork::Fjord,
                _ => Fork::Lagoon,
            };
            let place = (index as u64 + 1) * 4;
            // Gas, success + 1, size, hash.
            let [success, size] = [place + 1, place + 2].map(|slot| scene.slot(PROBE, slot));
            assert_eq!(success, U256::from(2), "{:?}: {number:#x}", scene.fork);
            let may_be_empty = matches!(number, 4 | 5);
            let answers = !size.is_zero() || may_be_empty;
            assert_eq!(answers, scene.has(since), "{:?}: {number:#x}", scene.fork);
        }
    });
}
