//! What `opal prove` says about a claim, as text and as JSON.
//!
//! **Invariant:** the verdict is one of three, and only "valid" and "invalid" were computed to the end.

use crate::{Verdict, VmFigures};
use alloy_primitives::B256;
use opal_program::Boot;
use serde::Serialize;
use std::fmt;

/// The answer about one claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimReport {
    /// Verdict and, unless valid, why.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Chain of the claim.
    pub chain_id: u64,
    /// Height of the block that both sides agree on, where it could be read.
    pub agreed_block: Option<u64>,
    /// Its output root.
    pub agreed_output_root: B256,
    /// Height of the block in question.
    pub claimed_block: u64,
    /// The output root in question.
    pub claimed_output_root: B256,
    /// Height of the block that was reached: the claimed one, or the last safe one.
    pub computed_block: Option<u64>,
    /// Its output root.
    pub computed_output_root: Option<B256>,
    /// Newest L1 block that counts.
    pub l1_head: B256,
    /// Blocks derived and executed.
    pub blocks_derived: Option<u64>,
    /// Of a wrong claim: height of the first block about which claim, derivation and recording do not agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<u64>,
    /// Pre-images the program read.
    pub preimages_read: u64,
    /// Their bytes.
    pub preimage_bytes: u64,
    /// Time of the run alone: files are read and hashed before.
    pub seconds: f64,
    /// Where the VM stands, if it ran.
    #[serde(flatten)]
    pub vm: Option<VmFigures>,
}

impl ClaimReport {
    /// The answer before anything was found out.
    pub(crate) const fn of(boot: &Boot, verdict: Verdict) -> Self {
        Self {
            verdict,
            chain_id: boot.chain_id,
            agreed_block: None,
            agreed_output_root: boot.agreed_output_root,
            claimed_block: boot.claimed_number,
            claimed_output_root: boot.claimed_output_root,
            computed_block: None,
            computed_output_root: None,
            l1_head: boot.l1_head,
            blocks_derived: None,
            first_difference: None,
            preimages_read: 0,
            preimage_bytes: 0,
            seconds: 0.0,
            vm: None,
        }
    }

    /// One JSON object on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("the report has string keys and finite numbers only")
    }
}

impl fmt::Display for ClaimReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: Option<String>| match value {
            Some(value) => writeln!(formatter, "{name:<16} {value}"),
            None => Ok(()),
        };
        let root = |number: Option<u64>, root: B256| {
            let number = number.map(|it| format!(" (block {it})")).unwrap_or_default();
            Some(format!("{root}{number}"))
        };
        let (verdict, why) = match &self.verdict {
            Verdict::Valid => ("valid", None),
            Verdict::Invalid { reason, .. } => ("invalid", Some(reason.clone())),
            Verdict::Undetermined { reason, .. } => {
                ("could not be determined", Some(reason.clone()))
            }
        };
        row("verdict", Some(verdict.into()))?;
        row("why", why)?;
        row("first difference", self.first_difference.map(|it| format!("block {it}")))?;
        row("chain", Some(self.chain_id.to_string()))?;
        row("agreed root", root(self.agreed_block, self.agreed_output_root))?;
        row("claimed root", root(Some(self.claimed_block), self.claimed_output_root))?;
        row(
            "computed root",
            self.computed_output_root.and_then(|it| root(self.computed_block, it)),
        )?;
        row("L1 head", Some(self.l1_head.to_string()))?;
        row("blocks derived", self.blocks_derived.map(|it| it.to_string()))?;
        let read = format!("{} ({} bytes)", self.preimages_read, self.preimage_bytes);
        row("pre-images read", Some(read))?;
        row("time", Some(format!("{:.3} s", self.seconds)))?;
        let Some(vm) = &self.vm else { return Ok(()) };
        row("steps", Some(format!("{} ({:.0} M/s)", vm.steps, vm.steps_per_second / 1e6)))?;
        row("exit code", vm.exit_code.map(|it| it.to_string()))?;
        row("state hash", Some(vm.state_hash.to_string()))
    }
}
