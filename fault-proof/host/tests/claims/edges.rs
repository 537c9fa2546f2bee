//! The edges of F4 and F7: where L1 ends early, and claims at, below and beyond what is known.

use super::{FOLDERS, WRONG, World, ask, ask_both, is_valid, is_wrong_from};
use alloy_primitives::B256;
use opal_harness::guest_image;
use opal_host::{ClaimReport, Verdict};
use opal_program::{Boot, PreimageKey};

/// The L1 block at a height below the head, and the safe head that the recording has for it.
fn early_l1(world: &World) -> Vec<(B256, u64)> {
    let head = world.recording.l1_heads.last().unwrap();
    let mut block = world.recording.l1_block(*head).unwrap();
    let mut found = Vec::new();
    while let Some(parent) = world.recording.l1_block(block.header.parent_hash) {
        block = parent;
        if let Some(Some((_, safe))) = world.recording.safe.get(&block.header.number) {
            found.push((block.header.hash, safe.number));
        }
    }
    found
}

#[test]
fn where_l1_ends_before_the_claimed_block_the_last_safe_head_is_the_answer_f7() {
    World::each(&FOLDERS, |world| {
        let ends = early_l1(world);
        assert!(ends.len() > 10);
        for (l1_head, safe) in ends.into_iter().step_by(25).filter(|(_, safe)| *safe > 5) {
            let beyond = (safe + 3).min(world.last());
            let boot = Boot { l1_head, ..world.boot(safe - 4, beyond) };
            if beyond == safe {
                continue;
            }
            // The recorded root of the block is not what L1 gives up to there.
            let report = ask(world, boot);
            is_wrong_from(&report, safe + 1);
            assert_eq!(report.computed_block, Some(safe));
            let safe_root = world.output_root(safe);
            is_valid(&ask(world, Boot { claimed_output_root: safe_root, ..boot }));
            // The agreed root does not stand in for it.
            let stale = boot.agreed_output_root;
            is_wrong_from(&ask(world, Boot { claimed_output_root: stale, ..boot }), safe + 1);
            // Nor does a height far beyond the chain.
            let far = Boot { claimed_number: u64::MAX, claimed_output_root: safe_root, ..boot };
            is_valid(&ask(world, far));
        }
    });
}

#[test]
fn a_claim_of_the_agreed_root_for_a_later_block_is_no_short_cut() {
    World::each(&FOLDERS, |world| {
        let block = world.last() / 2;
        let boot = world.boot(block - 1, block);
        let stale = Boot { claimed_output_root: boot.agreed_output_root, ..boot };
        is_wrong_from(&ask(world, stale), block);
    });
}

#[test]
fn at_the_agreed_block_its_own_root_is_right_and_any_other_wrong() {
    World::each(&FOLDERS[..2], |world| {
        let boot = world.boot(9, 9);
        let report = ask(world, boot);
        is_valid(&report);
        assert_eq!(report.blocks_derived, Some(0));
        is_wrong_from(&ask(world, Boot { claimed_output_root: WRONG, ..boot }), 9);
    });
}

fn is_below_agreed(report: &ClaimReport) {
    let Verdict::Invalid { field, .. } = &report.verdict else { panic!("{report}") };
    assert_eq!((field.as_str(), report.first_difference), ("claimed_block", Some(8)), "{report}");
}

#[test]
fn below_the_agreed_block_every_claim_is_wrong() {
    World::each(&FOLDERS[..2], |world| {
        is_below_agreed(&ask(world, world.boot(9, 8)));
        let agreed = world.output_root(9);
        is_below_agreed(&ask(world, Boot { claimed_output_root: agreed, ..world.boot(9, 8) }));
    });
}

#[test]
fn an_unknown_agreed_root_l1_head_or_chain_is_no_verdict() {
    World::each(&FOLDERS[..1], |world| {
        let boot = world.boot(8, 9);
        let missing = |boot, key: B256| match ask(world, boot).verdict {
            Verdict::Undetermined { missing_key, .. } => assert_eq!(missing_key, Some(key)),
            verdict => panic!("{verdict:?}"),
        };
        let key = PreimageKey::keccak(WRONG).0;
        missing(Boot { agreed_output_root: WRONG, ..boot }, key);
        missing(Boot { l1_head: WRONG, ..boot }, key);
        let Verdict::Undetermined { reason, missing_key: None } =
            ask(world, Boot { chain_id: 1, ..boot }).verdict
        else {
            panic!("a chain that nobody knows")
        };
        assert!(reason.contains("chain 1 is not in the chain set"), "{reason}");
    });
}

#[test]
fn an_l1_head_before_the_agreed_origin_is_no_verdict() {
    World::each(&FOLDERS[..1], |world| {
        let first = *world.recording.l1_heads.first().unwrap();
        let last = world.last();
        let report = ask(world, Boot { l1_head: first, ..world.boot(last - 1, last) });
        let Verdict::Undetermined { .. } = report.verdict else { panic!("{report}") };
    });
}

#[test]
fn the_edges_are_the_same_in_the_vm() {
    let Some(image) = guest_image("opal-guest", "claims::vm") else { return };
    World::each(&["a-allforks-singular-calldata"], |world| {
        let (l1_head, safe) = early_l1(world)[20];
        let boot = Boot { l1_head, ..world.boot(safe - 1, safe + 1) };
        is_wrong_from(&ask_both(world, boot, &image), safe + 1);
        let safe_root = world.output_root(safe);
        is_valid(&ask_both(world, Boot { claimed_output_root: safe_root, ..boot }, &image));
        is_valid(&ask_both(world, world.boot(9, 9), &image));
        is_below_agreed(&ask_both(world, world.boot(9, 8), &image));
    });
}
