//! Runs the block-execution program outside the VM, over a file of pre-images.
//!
//! **Invariant:** a file source never retries: what it does not hold is absent for good.

use crate::{PreimageFile, Report, Verdict};
use alloy_primitives::Bytes;
use opal_execute::Crypto;
use opal_program::{BlockTask, BlockVerdict, Hint, Oracle, OracleError, PreimageKey, Undetermined};
use std::time::Instant;

/// Decides the task and says how it went.
pub fn execute(task: &BlockTask, file: &PreimageFile, crypto: &mut impl Crypto) -> Report {
    let mut oracle = FileOracle { file, reads: 0 };
    let started = Instant::now();
    let decided = opal_program::decide_block(task, &mut oracle, crypto);
    let seconds = started.elapsed().as_secs_f64();
    let (verdict, facts) = match decided {
        Ok(BlockVerdict::Valid(facts)) => (Verdict::Valid, Some(facts)),
        Ok(BlockVerdict::Invalid { field, reason, computed }) => {
            (Verdict::Invalid { field, reason }, computed)
        }
        Err(undetermined) => (without_verdict(&undetermined), None),
    };
    Report {
        block: task.parent.number.checked_add(1),
        verdict,
        expected_hash: Some(task.expected_hash),
        computed_hash: facts.map(|it| it.hash),
        gas_used: facts.map(|it| it.gas_used),
        transactions: Some(task.attributes.transactions.len()),
        preimages_read: oracle.reads,
        seconds,
        mgas_per_second: facts.map(|it| it.gas_used as f64 / 1e6 / seconds.max(1e-9)),
        vm: None,
    }
}

/// The third way a question can end.
pub(crate) fn without_verdict(undetermined: &Undetermined) -> Verdict {
    let missing_key = match undetermined {
        Undetermined::Absent { key, .. } => Some(key.0),
        _ => None,
    };
    Verdict::Undetermined { reason: undetermined.to_string(), missing_key }
}

/// The file as the program's oracle.
struct FileOracle<'a> {
    file: &'a PreimageFile,
    reads: u64,
}

impl Oracle for FileOracle<'_> {
    fn hint(&mut self, _hint: &Hint) {}

    fn read(&mut self, key: PreimageKey) -> Result<Bytes, OracleError> {
        let value = self.file.get(key).ok_or(OracleError::Absent { key })?;
        self.reads = self.reads.saturating_add(1);
        Ok(value.clone())
    }
}
