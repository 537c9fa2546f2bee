//! Runs the block-execution program inside the VM, over a file of pre-images.
//!
//! Start with [`execute_in_vm`].
//!
//! **Invariant:** the VM's exit code decides only when the program came to its end; a pre-image that is not there stops
//! the VM, and the verdict is "could not be determined".

use crate::{
    PreimageFile, Report, Verdict, precompile,
    vm_run::{VmRun, undetermined},
};
use opal_execute::Crypto;
use opal_mips::PreimageOracle;
use opal_program::{BlockTask, Hint, HintKind, KeyKind, OracleError, PreimageKey};
use std::{str, sync::Arc};

/// Decides the task by running `image` in the VM. `progress` hears the number of steps made so far.
pub fn execute_in_vm<C: Crypto>(
    image: &[u8],
    task: &BlockTask,
    file: &PreimageFile,
    crypto: &mut C,
    progress: &mut dyn FnMut(u64),
) -> Report {
    let mut report = Report::unread(String::new());
    report.block = task.parent.number.checked_add(1);
    report.expected_hash = Some(task.expected_hash);
    report.transactions = Some(task.attributes.transactions.len());
    let mut server = Server { task: task.encode().into(), file, crypto, answered: None, reads: 0 };
    let run = match VmRun::of(image, &mut server, progress) {
        Ok(run) => run,
        Err(error) => {
            report.verdict = undetermined(format!("the guest image cannot be loaded: {error}"));
            return report;
        }
    };
    report.seconds = run.seconds;
    report.preimages_read = server.reads;
    report.computed_hash = run.said.fact("computed_hash");
    report.gas_used = run.said.fact("gas_used");
    report.mgas_per_second = report.gas_used.map(|gas| gas as f64 / 1e6 / report.seconds.max(1e-9));
    report.verdict = verdict(&run, task);
    report.vm = Some(run.figures);
    report
}

/// "Valid" must come with the hash it is about.
fn verdict(run: &VmRun, task: &BlockTask) -> Verdict {
    match run.exit() {
        Ok(0) if run.said.fact("computed_hash") == Some(task.expected_hash) => Verdict::Valid,
        Ok(1) => Verdict::Invalid {
            field: run.said.fact("field").unwrap_or_else(|| "expected_block_hash".into()),
            reason: run.said.fact("reason").unwrap_or_else(|| "the program gives no reason".into()),
        },
        Ok(code) => run.odd_exit(Some(code)),
        Err(verdict) => verdict,
    }
}

/// Task, file and precompiles as the VM's oracle.
struct Server<'a, C> {
    task: Arc<[u8]>,
    file: &'a PreimageFile,
    crypto: &'a mut C,
    /// The last precompile that was hinted: the program reads it before it hints the next.
    answered: Option<(PreimageKey, Arc<[u8]>)>,
    reads: u64,
}

impl<C: Crypto> PreimageOracle for Server<'_, C> {
    fn hint(&mut self, hint: &[u8]) -> Result<(), opal_mips::OracleError> {
        let hint = Hint::decode(str::from_utf8(hint)?)?;
        if hint.kind == HintKind::L1Precompile {
            let answer = precompile::answer(&hint.payload, self.crypto)?;
            self.answered = Some((PreimageKey::precompile(&hint.payload), answer.into()));
        }
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, opal_mips::OracleError> {
        let key = PreimageKey(key.into());
        if key == BlockTask::key() {
            return Ok(Arc::clone(&self.task));
        }
        let absent = OracleError::Absent { key };
        if key.kind() == Some(KeyKind::Precompile) {
            let answer = self.answered.as_ref().filter(|(answered, _)| *answered == key);
            return Ok(answer.map(|(_, answer)| Arc::clone(answer)).ok_or(absent)?);
        }
        let value = self.file.get(key).ok_or(absent)?;
        self.reads = self.reads.saturating_add(1);
        Ok(Arc::from(value.as_ref()))
    }
}
