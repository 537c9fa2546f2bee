//! Whole runs of the real Go stack: from their L1 alone opal derives the same chains.
//!
//! **Invariant:** every block, receipt, output root and safe head is compared, in every recording.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "derivation/hostile.rs"]
mod hostile;

use opal_harness::Vectors;
use opal_host::{Recording, Replay, ReplayOptions, first_difference, replay};
use opal_types::L2Ref;
use serde_json::Value;
use std::path::Path;

/// As many L1 blocks below the head are final as in the recorded runs.
const OPTIONS: ReplayOptions = ReplayOptions { explain: true, finality_depth: 16 };

/// Folder, blocks with the first one, L1 reorgs.
const RECORDINGS: [(&str, u64, u64); 7] = [
    ("a-allforks-singular-calldata", 269, 0),
    ("b-span-blobs-brotli", 199, 0),
    ("d-window-expiry", 230, 0),
    ("e-small-frames", 202, 0),
    ("g-l1-reorg", 187, 3),
    ("h-inject-holocene", 237, 0),
    ("i-genesis-jovian-l1-blob-schedule", 134, 0),
];

fn derive(folder: &Path) -> (Recording, Replay) {
    let recording = Recording::open(folder).unwrap();
    let derived = replay(&recording, OPTIONS, &mut |_| {}).unwrap();
    (recording, derived)
}

/// The Go verifier's last status.
fn check_status(status: &Value, derived: &Replay) {
    let is = |name: &str, number: u64, hash: String| {
        let wanted = &status["ver"][name];
        assert_eq!(
            (wanted["number"].as_u64().unwrap(), wanted["hash"].as_str().unwrap()),
            (number, &*hash)
        );
    };
    let l2 = |name: &str, block: &L2Ref| is(name, block.number, block.hash.to_string());
    l2("safe_l2", &derived.safe);
    l2("finalized_l2", &derived.finalized);
    is("current_l1", derived.l1_head.number, derived.l1_head.hash.to_string());
}

/// How often the recorded L1 was told to go back.
fn reorg_events(vectors: &Vectors, folder: &str) -> u64 {
    let file = format!("derivation/{folder}/events.jsonl");
    if !vectors.files().contains(&file) {
        return 0;
    }
    vectors.text(&file).lines().filter(|line| line.contains("reorg?n=")).count() as u64
}

#[test]
fn from_l1_alone_each_chain_is_derived_as_the_go_node_derived_it() {
    let Some(vectors) = Vectors::for_test("derivation::recordings") else { return };
    for (folder, blocks, l1_reorgs) in RECORDINGS {
        for file in vectors.files_like(&format!("derivation/{folder}/*")) {
            vectors.path(&file);
        }
        let path = vectors.path(&format!("derivation/{folder}/rollup.json"));
        let (recording, derived) = derive(path.parent().unwrap());
        assert_eq!(derived.fault, None, "{folder}");
        if let Some(difference) = first_difference(&recording, &derived) {
            panic!("{folder}: {difference}");
        }
        let found = (recording.l2.len() as u64, derived.safe.number + 1, derived.l1_reorgs);
        assert_eq!(found, (blocks, blocks, l1_reorgs), "{folder}");
        assert_eq!(recording.safe.len() as u64, derived.l1_head.number + 1, "{folder}");
        assert_eq!(reorg_events(&vectors, folder), l1_reorgs, "{folder}");
        check_status(&vectors.json(&format!("derivation/{folder}/final.json")), &derived);
    }
    vectors.finish();
}
