//! What `opal execute` says about a block, as text and as JSON.
//!
//! **Invariant:** the verdict is one of three, and only "valid" and "invalid" were computed to the end.

use alloy_primitives::B256;
use serde::Serialize;
use std::fmt;

/// The three ways a question can end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "lowercase")]
pub enum Verdict {
    /// The claim is right.
    Valid,
    /// The claim is wrong.
    Invalid {
        /// The field of the fixture that is wrong or does not fit the others.
        field: String,
        /// Both sides in words.
        reason: String,
    },
    /// Nobody can say with what is at hand.
    Undetermined {
        /// What is missing or unreadable, and what to do.
        reason: String,
        /// The absent pre-image key.
        #[serde(skip_serializing_if = "Option::is_none")]
        missing_key: Option<B256>,
    },
}

/// The answer to `opal execute`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Height of the block; none when the fixture cannot be read.
    pub block: Option<u64>,
    /// Verdict and, unless valid, why.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Hash the fixture claims.
    pub expected_hash: Option<B256>,
    /// Hash of the block that execution gave.
    pub computed_hash: Option<B256>,
    /// Gas of the block.
    pub gas_used: Option<u64>,
    /// Transactions in the attributes.
    pub transactions: Option<usize>,
    /// Pre-images the program read.
    pub preimages_read: u64,
    /// Time of the execution alone: files are read and hashed before.
    pub seconds: f64,
    /// Gas by time.
    pub mgas_per_second: Option<f64>,
    /// Where the VM stands, if it ran.
    #[serde(flatten)]
    pub vm: Option<VmFigures>,
}

/// A run of the VM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct VmFigures {
    /// Steps made.
    pub steps: u64,
    /// Steps by time.
    pub steps_per_second: f64,
    /// What the program ended with; none if it was stopped.
    pub exit_code: Option<u8>,
    /// Hash of the last state (C5).
    pub state_hash: B256,
}

impl Report {
    /// The answer when not even the question could be read.
    pub const fn unread(reason: String) -> Self {
        Self {
            block: None,
            verdict: Verdict::Undetermined { reason, missing_key: None },
            expected_hash: None,
            computed_hash: None,
            gas_used: None,
            transactions: None,
            preimages_read: 0,
            seconds: 0.0,
            mgas_per_second: None,
            vm: None,
        }
    }

    /// One JSON object on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("the report has string keys and finite numbers only")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: Option<String>| match value {
            Some(value) => writeln!(formatter, "{name:<16} {value}"),
            None => Ok(()),
        };
        row("block", self.block.map(|it| it.to_string()))?;
        match &self.verdict {
            Verdict::Valid => row("verdict", Some("valid".into()))?,
            Verdict::Invalid { field, reason } => {
                row("verdict", Some(format!("invalid: {field}")))?;
                row("why", Some(reason.clone()))?;
            }
            Verdict::Undetermined { reason, .. } => {
                row("verdict", Some("could not be determined".into()))?;
                row("why", Some(reason.clone()))?;
            }
        }
        row("expected hash", self.expected_hash.map(|it| it.to_string()))?;
        row("computed hash", self.computed_hash.map(|it| it.to_string()))?;
        row("gas used", self.gas_used.map(|it| it.to_string()))?;
        row("transactions", self.transactions.map(|it| it.to_string()))?;
        row("pre-images read", self.block.map(|_| self.preimages_read.to_string()))?;
        let speed = self.mgas_per_second.map(|it| format!(" ({it:.1} Mgas/s)"));
        let seconds = format!("{:.3} s{}", self.seconds, speed.unwrap_or_default());
        row("time", self.block.map(|_| seconds))?;
        let Some(vm) = &self.vm else { return Ok(()) };
        row("steps", Some(format!("{} ({:.0} M/s)", vm.steps, vm.steps_per_second / 1e6)))?;
        row("exit code", vm.exit_code.map(|it| it.to_string()))?;
        row("state hash", Some(vm.state_hash.to_string()))
    }
}
