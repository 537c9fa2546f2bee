//! Claims about the recorded chains: right ones are valid, wrong ones are not, and what is missing is named by its key,
//! in the VM as outside of it (F4, F7).
//!
//! Start with `chosen`, the blocks that are tried.
//!
//! **Invariant:** each question is asked natively and of the VM, and the answers agree in verdict, root and key.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod edges;
mod missing;
mod world;

use alloy_primitives::B256;
use opal_harness::guest_image;
use opal_host::{ClaimReport, ClaimServer, Verdict, decide_claim, decide_claim_in_vm};
use opal_program::Boot;
use world::{FOLDERS, World};

/// A root that no block has.
const WRONG: B256 = B256::repeat_byte(0x77);

#[track_caller]
fn is_valid(report: &ClaimReport) {
    assert_eq!(report.verdict, Verdict::Valid, "{report}");
    assert_eq!(report.computed_output_root, Some(report.claimed_output_root));
}

#[track_caller]
fn is_wrong_from(report: &ClaimReport, block: u64) {
    let Verdict::Invalid { field, .. } = &report.verdict else { panic!("{report}") };
    assert_eq!(field, "claimed_output_root", "{report}");
    assert_eq!(report.first_difference, Some(block), "{report}");
}

/// Asks natively.
fn ask(world: &World, boot: Boot) -> ClaimReport {
    decide_claim(&mut ClaimServer::new(&world.recording, &world.archive, boot))
}

/// Asks the VM as well; both must say the same.
#[track_caller]
fn ask_both(world: &World, boot: Boot, image: &[u8]) -> ClaimReport {
    let native = ask(world, boot);
    let mut server = ClaimServer::new(&world.recording, &world.archive, boot);
    let in_vm = decide_claim_in_vm(image, &mut server, &mut |_| {});
    assert_eq!(said(&in_vm), said(&native), "{in_vm}{native}");
    in_vm
}

/// What does not depend on where the program runs.
fn said(report: &ClaimReport) -> ClaimReport {
    // Precompiles are asked of the host in the VM only.
    let (preimages_read, preimage_bytes, seconds) = (0, 0, 0.0);
    ClaimReport { preimages_read, preimage_bytes, seconds, vm: None, ..report.clone() }
}

#[test]
fn right_claims_are_valid_and_wrong_ones_name_the_block() {
    World::each(&FOLDERS, |world| {
        for block in world.chosen() {
            is_valid(&ask(world, world.boot(block.saturating_sub(20), block)));
            let boot = world.boot(block - 1, block);
            is_valid(&ask(world, boot));
            is_wrong_from(&ask(world, Boot { claimed_output_root: WRONG, ..boot }), block);
        }
    });
}

#[test]
fn each_whole_chain_is_one_valid_claim() {
    World::each(&FOLDERS, |world| {
        let last = world.last();
        let report = ask(world, world.boot(0, last));
        is_valid(&report);
        assert_eq!(report.blocks_derived, Some(last));
    });
}

#[test]
fn the_vm_decides_as_the_native_program_does() {
    let Some(image) = guest_image("opal-guest", "claims::vm") else { return };
    World::each(&FOLDERS, |world| {
        for block in world.chosen_for_vm() {
            let boot = world.boot(block - 1, block);
            is_valid(&ask_both(world, boot, &image));
        }
        let block = world.chosen()[0];
        let boot = Boot { claimed_output_root: WRONG, ..world.boot(block - 1, block) };
        is_wrong_from(&ask_both(world, boot, &image), block);
    });
}
