//! What is missing is named by its key, and is never a verdict.

use super::{FOLDERS, World};
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::B256;
use opal_harness::guest_image;
use opal_host::{ClaimServer, Verdict, decide_claim, decide_claim_in_vm};
use opal_program::{Boot, PreimageKey};

/// The claim without this pre-image, natively and in the VM.
#[track_caller]
fn check(world: &World, boot: Boot, key: PreimageKey, image: Option<&[u8]>) {
    let server = || {
        let mut server = ClaimServer::new(&world.recording, &world.archive, boot);
        server.forget(key);
        server
    };
    let mut reports = vec![decide_claim(&mut server())];
    reports.extend(image.map(|image| decide_claim_in_vm(image, &mut server(), &mut |_| {})));
    for report in reports {
        let Verdict::Undetermined { missing_key, .. } = report.verdict else { panic!("{report}") };
        assert_eq!(missing_key, Some(key.0), "{report}");
    }
}

/// Blobs of batches, newest first.
fn blobs(world: &World) -> Vec<B256> {
    let mut hashes = Vec::new();
    let mut hash = *world.recording.l1_heads.last().unwrap();
    while let Some(block) = world.recording.l1_block(hash) {
        for raw in block.transactions.iter().rev() {
            let transaction = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
            hashes.extend(transaction.blob_versioned_hashes().into_iter().flatten());
        }
        hash = block.header.parent_hash;
    }
    hashes
}

/// Keys that a claim cannot do without.
fn needed(world: &World, agreed: u64) -> Vec<PreimageKey> {
    let header = &world.recording.l2[&agreed].header;
    let l1_head = world.recording.l1_heads.last().unwrap();
    let l1_parent = world.recording.l1_block(*l1_head).unwrap().header.parent_hash;
    let hashes = [world.output_root(agreed), header.hash(), header.state_root, *l1_head, l1_parent];
    hashes.into_iter().map(PreimageKey::keccak).collect()
}

/// The receipts trie of the newest L1 block whose logs the claim needs.
fn receipts_of_origin(world: &World, claimed: u64) -> PreimageKey {
    let origin = world.recording.l2[&claimed].l1_origin;
    let block = world.recording.l1_block(origin.hash).unwrap();
    PreimageKey::keccak(block.header.receipts_root)
}

/// The first block of an epoch with deposits.
fn with_deposits(world: &World) -> u64 {
    let blocks = world.recording.l2.iter().rev();
    let is_deposit = |raw: &&alloy_primitives::Bytes| raw.first() == Some(&0x7e);
    let found = blocks
        .filter(|(_, block)| block.sequence_number == 0)
        .find(|(_, block)| block.transactions.iter().filter(is_deposit).count() > 1);
    *found.expect("somebody deposits").0
}

#[test]
fn missing_headers_receipts_and_state_nodes_are_named() {
    let image = guest_image("opal-guest", "claims::vm");
    World::each(&["a-allforks-singular-calldata"], |world| {
        let block = with_deposits(world);
        let boot = world.boot(block - 1, block);
        for key in needed(world, block - 1) {
            check(world, boot, key, image.as_deref());
        }
        check(world, boot, receipts_of_origin(world, block), image.as_deref());
        for local in 1..=5 {
            check(world, boot, PreimageKey::local(local), None);
        }
    });
}

/// For three blocks of each folder: headers, the agreed state's root node, and receipts where the claim reads them.
#[test]
fn what_is_missing_is_named_in_every_recording() {
    let image = guest_image("opal-guest", "claims::vm");
    World::each(&FOLDERS, |world| {
        let chosen = world.chosen();
        let last = chosen.len().saturating_sub(1);
        for (index, block) in [0, last / 2, last].map(|it| (it, chosen[it])) {
            let boot = world.boot(block - 1, block);
            let image = image.as_deref().filter(|_| index == 0);
            for key in needed(world, block - 1) {
                check(world, boot, key, image);
            }
            let origin = |number: &u64| world.recording.l2[number].l1_origin;
            let block_of_origin = world.recording.l1_block(origin(&block).hash).unwrap();
            let is_first = origin(&block) != origin(&(block - 1));
            if is_first && block_of_origin.header.may_log(world.recording.config.deposit_contract) {
                check(world, boot, receipts_of_origin(world, block), image);
            }
        }
    });
}

/// Commitment and field elements of a blob that the claim about the last block needs.
#[test]
fn missing_blobs_are_named() {
    let image = guest_image("opal-guest", "claims::vm");
    World::each(&["b-span-blobs-brotli", "g-l1-reorg"], |world| {
        let last = world.last();
        let boot = world.boot(last - 1, last);
        let needs = |hash: &&B256| {
            let mut server = ClaimServer::new(&world.recording, &world.archive, boot);
            server.forget(PreimageKey::versioned_hash(**hash));
            decide_claim(&mut server).verdict != Verdict::Valid
        };
        let blobs = blobs(world);
        let hash = blobs.iter().find(needs).expect("the last block came by a blob");
        check(world, boot, PreimageKey::versioned_hash(*hash), image.as_deref());
    });
}
