//! What `opal derive` says, as text and as JSON.
//!
//! **Invariant:** both forms are made from the same values.

use alloy_primitives::B256;
use opal_derive::{L2Head, Note};
use opal_host::{ArchivedBlock, Difference, Recording, Replay};
use opal_types::{BlockId, ChainConfig};
use serde::Serialize;
use std::fmt::Write;

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// `equal`, `differs` or `nothing recorded`.
    result: &'static str,
    pub(super) first_difference: Option<Difference>,
    /// Why derivation ended before L1 did.
    fault: Option<String>,
    l1_head: Id,
    l1_blocks: u64,
    l1_reorgs: u64,
    resets: u64,
    safe_head: Id,
    finalized_head: Id,
    /// Attributes that became blocks; those taken back are counted too.
    executed: u64,
    /// Attributes that could not become blocks.
    refused: u64,
    seconds: f64,
    blocks_per_second: f64,
    blocks: Vec<Block>,
    safe_heads: Vec<SafeHead>,
    dropped: Vec<Dropped>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Id {
    number: u64,
    hash: B256,
}

impl From<BlockId> for Id {
    fn from(id: BlockId) -> Self {
        Self { number: id.number, hash: id.hash }
    }
}

#[derive(Debug, Serialize)]
struct Block {
    number: u64,
    hash: B256,
    timestamp: u64,
    l1_origin: Option<Id>,
    transactions: usize,
    gas_used: u64,
    output_root: B256,
}

#[derive(Debug, Serialize)]
struct SafeHead {
    l1_block: Id,
    safe_head: Id,
}

#[derive(Debug, Serialize)]
struct Dropped {
    l1_block: u64,
    item: String,
    reason: String,
    /// Row of the protocol table.
    rule: &'static str,
}

impl Report {
    pub(super) fn new(
        recording: &Recording,
        derived: &Replay,
        first_difference: Option<Difference>,
    ) -> Self {
        let nothing = recording.l2.is_empty() && recording.safe.is_empty();
        let seconds = derived.elapsed.as_secs_f64();
        let blocks = derived.archive.blocks().filter(|it| it.header.number <= derived.safe.number);
        let safe_heads = safe_heads(derived);
        Self {
            result: match &first_difference {
                Some(_) => "differs",
                None if nothing => "nothing recorded",
                None => "equal",
            },
            first_difference,
            fault: derived.fault.as_ref().map(ToString::to_string),
            l1_head: derived.l1_head.into(),
            l1_blocks: recording.l1_blocks(),
            l1_reorgs: derived.l1_reorgs,
            resets: derived.resets,
            safe_head: derived.safe.id().into(),
            finalized_head: derived.finalized.id().into(),
            executed: derived.executed,
            refused: derived.refused,
            seconds,
            blocks_per_second: derived.executed as f64 / seconds.max(1e-9),
            blocks: blocks.map(|block| Block::new(&recording.config, block)).collect(),
            safe_heads,
            dropped: derived.notes.iter().map(Dropped::from).collect(),
        }
    }

    /// One JSON object on one line.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("the report has string keys and finite numbers only")
    }

    /// A line for each block, and one for each L1 block that made blocks safe.
    fn list_blocks(&self) -> String {
        let mut out = String::new();
        for Block { number, hash, l1_origin, transactions, .. } in &self.blocks {
            let origin = l1_origin.as_ref().map_or_else(String::new, |it| it.number.to_string());
            let _ = writeln!(
                out,
                "L2 block {number}: {hash}, L1 origin {origin}, {transactions} transactions"
            );
        }
        for SafeHead { l1_block, safe_head } in &self.safe_heads {
            let (l1, l2) = (l1_block.number, safe_head.number);
            let _ = writeln!(out, "L1 block {l1}: safe head {l2}");
        }
        out
    }

    pub(super) fn to_text(&self, blocks: bool, explain: bool) -> String {
        let mut out = if blocks { self.list_blocks() } else { String::new() };
        for dropped in self.dropped.iter().filter(|_| explain) {
            let Dropped { l1_block, item, reason, rule } = dropped;
            let _ = writeln!(out, "L1 block {l1_block}: {item} {reason} [{rule}]");
        }
        let mut row = |name: &str, value: String| {
            let _ = writeln!(out, "{name:<16} {value}");
        };
        let Id { number, hash } = self.l1_head;
        row("L1 blocks", format!("{}, head {number} {hash}", self.l1_blocks));
        let Id { number, hash } = self.safe_head;
        row("L2 blocks", format!("{}, safe head {number} {hash}", self.blocks.len()));
        row("finalized", self.finalized_head.number.to_string());
        row("L1 reorgs", format!("{}, resets {}", self.l1_reorgs, self.resets));
        row("dropped", format!("{}, refused by execution {}", self.dropped.len(), self.refused));
        if let Some(fault) = &self.fault {
            row("ended early", fault.clone());
        }
        match &self.first_difference {
            Some(difference) => row("differs", difference.to_string()),
            None => row("recorded", self.result.into()),
        }
        let (seconds, speed) = (self.seconds, self.blocks_per_second);
        row("time", format!("{seconds:.3} s ({speed:.0} blocks/s)"));
        out
    }
}

impl Block {
    fn new(config: &ChainConfig, block: &ArchivedBlock) -> Self {
        let place = L2Head::reference(config, &block.l2_block()).ok();
        Self {
            number: block.header.number,
            hash: block.header.hash(),
            timestamp: block.header.timestamp,
            l1_origin: place.map(|it| it.l1_origin.into()),
            transactions: block.transactions.len(),
            gas_used: block.header.gas_used,
            output_root: block.output_root().hash(),
        }
    }
}

impl From<&Note> for Dropped {
    fn from(note: &Note) -> Self {
        Self {
            l1_block: note.l1.number,
            item: note.item.to_string(),
            reason: note.reason.to_string(),
            rule: note.reason.rule(),
        }
    }
}

fn safe_heads(derived: &Replay) -> Vec<SafeHead> {
    let at = |number| derived.safe_heads.at(number).filter(|(l1, _)| l1.number == number);
    let updates = (0..=derived.l1_head.number).filter_map(at);
    updates.map(|(l1, l2)| SafeHead { l1_block: (*l1).into(), safe_head: l2.id().into() }).collect()
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Undetermined {
    /// What is missing or unreadable.
    pub(super) reason: String,
    /// Hash of what is missing.
    pub(super) missing_key: Option<B256>,
}

impl Undetermined {
    pub(super) fn to_json(&self) -> String {
        let Self { reason, missing_key } = self;
        let result = "undetermined";
        serde_json::json!({ "result": result, "reason": reason, "missing_key": missing_key })
            .to_string()
    }

    pub(super) fn to_text(&self) -> String {
        format!("{:<16} could not be determined\n{:<16} {}", "result", "why", self.reason)
    }
}
