//! What follows from the L1 that was written.
//!
//! **Invariant:** opal's own derivation makes the L2 blocks; nothing here does.

use crate::chain::{BLOCK_TAIL, write_lines};
use opal_host::{Recording, Replay, ReplayOptions, block_rlp, replay};
use serde_json::json;
use std::path::Path;

/// Derives what was written so far.
pub(crate) fn derive(folder: &Path) -> (Recording, Replay) {
    let recording = Recording::open(folder).unwrap();
    let options = ReplayOptions { explain: false, finality_depth: 4 };
    let derived = replay(&recording, options, &mut |_| {}).unwrap();
    (recording, derived)
}

/// Writes what was derived as what is to be compared with.
pub(crate) fn write_derived(folder: &Path) {
    let (recording, derived) = derive(folder);
    let blocks = derived.archive.blocks().map(|block| {
        let place = opal_derive::L2Head::reference(&recording.config, &block.l2_block()).unwrap();
        let header = alloy_rlp::encode(block.header.inner());
        json!({
            "number": place.number, "hash": place.hash, "parent": place.parent_hash,
            "timestamp": place.timestamp, "seq": place.sequence_number,
            "l1_origin": { "number": place.l1_origin.number, "hash": place.l1_origin.hash },
            "state_root": block.header.state_root, "withdrawals_root": block.header.withdrawals_root,
            "message_passer_storage_root": block.message_passer_root,
            "output_root": block.output_root().hash(),
            "block": block_rlp(&header, &block.transactions, &BLOCK_TAIL),
            "receipts": block.receipts,
        })
    });
    write_lines(folder, "l2.jsonl", blocks);
    let safe = (0..=derived.l1_head.number).map(|l1| {
        let (block, safe) = derived.safe_heads.at(l1).unwrap();
        let result = json!({
            "l1Block": { "number": block.number, "hash": block.hash },
            "safeHead": { "number": safe.number, "hash": safe.hash },
        });
        json!({ "l1": l1, "result": result })
    });
    write_lines(folder, "safe.jsonl", safe);
}
