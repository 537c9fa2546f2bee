//! A recorded chain with all of its states.
//!
//! **Invariant:** what is asked about is taken from the recording, not from what opal derived.

use alloy_primitives::B256;
use opal_harness::Vectors;
use opal_host::{Archive, Recording, archive_recorded};
use opal_program::Boot;
use opal_types::Fork;

/// Recordings.
pub(crate) const FOLDERS: [&str; 7] = [
    "a-allforks-singular-calldata",
    "b-span-blobs-brotli",
    "d-window-expiry",
    "e-small-frames",
    "g-l1-reorg",
    "h-inject-holocene",
    "i-genesis-jovian-l1-blob-schedule",
];

/// Blocks of each recording that the VM is asked about.
const VM_BLOCKS: usize = 3;

pub(crate) struct World {
    pub(crate) recording: Recording,
    pub(crate) archive: Archive,
}

impl World {
    /// Runs `check` on recordings, one after the other.
    pub(crate) fn each(folders: &[&str], check: impl Fn(&Self)) {
        let Some(vectors) = Vectors::for_test("claims::recordings") else { return };
        vectors.files().iter().for_each(|file| drop(vectors.path(file)));
        for folder in folders {
            let config = vectors.path(&format!("derivation/{folder}/rollup.json"));
            let recording = Recording::open(config.parent().unwrap()).unwrap();
            let archive = archive_recorded(&recording).unwrap();
            check(&Self { recording, archive });
        }
        vectors.finish();
    }

    pub(crate) fn last(&self) -> u64 {
        *self.recording.l2.last_key_value().unwrap().0
    }

    pub(crate) fn output_root(&self, number: u64) -> B256 {
        self.recording.l2[&number].output_root
    }

    /// A right claim.
    pub(crate) fn boot(&self, agreed: u64, claimed: u64) -> Boot {
        Boot {
            l1_head: *self.recording.l1_heads.last().unwrap(),
            agreed_output_root: self.output_root(agreed),
            claimed_output_root: self.output_root(claimed),
            claimed_number: claimed,
            chain_id: self.recording.config.l2_chain_id,
        }
    }

    /// Activation blocks, then the first, a middle and the last block.
    pub(crate) fn chosen(&self) -> Vec<u64> {
        let config = &self.recording.config;
        let activates = |timestamp| Fork::ALL.iter().any(|fork| config.activates(*fork, timestamp));
        let blocks = self.recording.l2.iter().filter(|(number, _)| **number > 0);
        let activations = blocks.filter(|(_, block)| activates(block.header.timestamp));
        let mut chosen: Vec<u64> = activations.map(|(number, _)| *number).collect();
        chosen.extend([1, self.last() / 2, self.last()]);
        chosen.dedup();
        chosen
    }

    /// A few of them: the last activations, then the others.
    pub(crate) fn chosen_for_vm(&self) -> Vec<u64> {
        let chosen = self.chosen();
        chosen.iter().rev().skip(2).take(VM_BLOCKS - 1).chain(chosen.last()).copied().collect()
    }
}
