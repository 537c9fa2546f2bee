//! How far a devnet is: one line every few seconds.
//!
//! **Invariant:** a line says what is waited for, if anything is; it never says that all is well when a machine
//! reported an error in its last step.

use serde::Serialize;
use std::fmt;

/// Heads, batches and what is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Head of L1 by number.
    pub l1: u64,
    /// The L2 chains in order.
    pub chains: Vec<ChainStatus>,
    /// What the L1 waits for.
    pub l1_waits_for: Option<String>,
}

/// One chain's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainStatus {
    /// Which chain.
    pub chain_id: u64,
    /// Newest block of the sequencer.
    pub unsafe_number: u64,
    /// Newest block that follows from L1.
    pub safe_number: u64,
    /// Newest block that follows from final L1 blocks.
    pub finalized_number: u64,
    /// Batch transactions that L1 included; `None` where no batcher runs here.
    pub batches: Option<u64>,
    /// Transactions that no block has yet.
    pub pending: u64,
    /// What the chain waits for.
    pub waits_for: Option<String>,
}

/// How far a node's chains are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// By chain id.
    pub chains: Vec<ChainStatus>,
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chains: Vec<String> = self.chains.iter().map(ToString::to_string).collect();
        write!(f, "{}", chains.join(" | "))?;
        for chain in &self.chains {
            if let Some(reason) = &chain.waits_for {
                write!(f, " | {} waits for {reason}", chain.chain_id)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "L1 {}", self.l1)?;
        for chain in &self.chains {
            write!(f, " | {chain}")?;
        }
        let waits = self.chains.iter().filter_map(|it| Some((it.chain_id, it.waits_for.as_ref()?)));
        if let Some(reason) = &self.l1_waits_for {
            write!(f, " | L1 waits for {reason}")?;
        }
        for (chain_id, reason) in waits {
            write!(f, " | {chain_id} waits for {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ChainStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain_id, unsafe_number, safe_number, finalized_number, .. } = self;
        write!(
            f,
            "{chain_id}: unsafe {unsafe_number} safe {safe_number} finalized {finalized_number}"
        )?;
        if let Some(batches) = self.batches {
            write!(f, ", {batches} batches")?;
        }
        write!(f, ", {} pending", self.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_heads_batches_and_what_is_waited_for() {
        let chain = ChainStatus {
            chain_id: 901,
            unsafe_number: 12,
            safe_number: 8,
            finalized_number: 2,
            batches: Some(3),
            pending: 1,
            waits_for: Some("blob 0x01 of L1 block 7".to_owned()),
        };
        let status = Status { l1: 13, chains: vec![chain], l1_waits_for: None };
        assert_eq!(
            status.to_string(),
            "L1 13 | 901: unsafe 12 safe 8 finalized 2, 3 batches, 1 pending \
             | 901 waits for blob 0x01 of L1 block 7"
        );
    }
}
