//! Claims about output roots: the question of today's single-chain games (0, 1, 8).
//!
//! Start with [`decide_output`].
//!
//! **Invariant:** the agreed root never stands in for a derived one: a claim of the agreed root for a higher block is
//! right only if L1 has nothing after the agreed block (F7).

use crate::{
    Boot, Oracle, Undetermined, boot,
    chain::{ChainTask, SafeBlock, derive_to},
};
use alloc::vec::Vec;
use alloy_primitives::B256;
use opal_execute::Crypto;

/// What the run found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimFacts {
    /// Height of the agreed block.
    pub agreed_number: u64,
    /// Height of the block whose root was computed: the claimed one, or the last safe one.
    pub computed_number: u64,
    /// Its output root; of the agreed block if the claim is about no later one.
    pub computed: B256,
    /// The blocks that were derived, ascending.
    pub blocks: Vec<SafeBlock>,
}

/// Why a claim is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// What is agreed is not up for a claim.
    #[error("the claim is about block {claimed}, which is below the agreed block {agreed}")]
    BelowAgreed {
        /// Height in the claim.
        claimed: u64,
        /// Height of the agreed block.
        agreed: u64,
    },
    /// The block has another root.
    #[error("output root of block {number} is {actual}, claim says {claimed}")]
    WrongRoot {
        /// Height of the block.
        number: u64,
        /// Root in the claim.
        claimed: B256,
        /// Root of the block.
        actual: B256,
    },
    /// L1 does not make the block safe, and the claim is not the root of the last safe block.
    #[error(
        "L1 ends at safe block {number} with output root {actual}, before block {wanted}; claim says {claimed}"
    )]
    BeyondSafeHead {
        /// Height of the last safe block.
        number: u64,
        /// Height in the claim.
        wanted: u64,
        /// Root in the claim.
        claimed: B256,
        /// Root of the last safe block.
        actual: B256,
    },
}

impl Wrong {
    /// The part of the claim that is wrong.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::BelowAgreed { .. } => "claimed_block",
            Self::WrongRoot { .. } | Self::BeyondSafeHead { .. } => "claimed_output_root",
        }
    }
}

/// Whether the claim holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimVerdict {
    /// It does.
    Valid(ClaimFacts),
    /// It does not.
    Invalid(Wrong, ClaimFacts),
}

/// Derives up to the claimed block and compares its output root. `chain_set` is the content of the image's section.
pub fn decide_output(
    boot: &Boot,
    chain_set: &[u8],
    oracle: &mut impl Oracle,
    crypto: &mut impl Crypto,
) -> Result<ClaimVerdict, Undetermined> {
    let (config, l1) = boot::configs(boot, chain_set, oracle)?;
    let task = ChainTask {
        config: &config,
        l1: &l1,
        l1_head: boot.l1_head,
        agreed: boot.agreed_output_root,
        target: boot.claimed_number,
    };
    let reached = derive_to(&task, oracle, crypto)?;
    let last = *reached.last();
    let facts = ClaimFacts {
        agreed_number: reached.agreed.number,
        computed_number: last.number,
        computed: last.output.hash(),
        blocks: reached.blocks,
    };
    Ok(match wrong(boot, &facts) {
        None => ClaimVerdict::Valid(facts),
        Some(wrong) => ClaimVerdict::Invalid(wrong, facts),
    })
}

fn wrong(boot: &Boot, facts: &ClaimFacts) -> Option<Wrong> {
    let (wanted, number) = (boot.claimed_number, facts.computed_number);
    let (claimed, actual) = (boot.claimed_output_root, facts.computed);
    if wanted < facts.agreed_number {
        return Some(Wrong::BelowAgreed { claimed: wanted, agreed: facts.agreed_number });
    }
    if claimed == actual {
        return None;
    }
    Some(if number < wanted {
        Wrong::BeyondSafeHead { number, wanted, claimed, actual }
    } else {
        Wrong::WrongRoot { number, claimed, actual }
    })
}

impl ClaimVerdict {
    /// What was found out, whatever the verdict.
    pub const fn facts(&self) -> &ClaimFacts {
        match self {
            Self::Valid(facts) | Self::Invalid(_, facts) => facts,
        }
    }
}
