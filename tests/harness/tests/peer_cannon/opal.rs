//! opal's side: the same state through `opal-mips`, step by step.
//!
//! **Invariant:** what is returned has the same form as the Go side's answer, so that the two are compared whole.

use super::client::{CONTENT, EACH, End, PROOF, Run};
use opal_mips::{Cause, Io, OracleError, PreimageOracle, Silent, State, Vm, VmError, keccak256};
use std::sync::Arc;

/// Pre-images by the rule of `tests/peers/cannon/oracle.go`.
struct RuleOracle;

impl PreimageOracle for RuleOracle {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        if key == [0; 32] {
            return Err("no pre-image for the zero key".into());
        }
        let length = usize::from(u16::from_be_bytes([key[30], key[31]])) % 200;
        let mut data: Vec<u8> = (0_u64..7)
            .flat_map(|block| keccak256(&[&key[..], &block.to_be_bytes()].concat()))
            .collect();
        data.truncate(length);
        Ok(data.into())
    }
}

/// Runs a state file's content; `flags` as for the Go side.
pub(crate) fn run(flags: u8, steps: u32, content: &[u8]) -> Run {
    let state = State::read(&mut &*content).expect("a generated state is a valid state");
    let mut vm = Vm::new(state);
    let (mut oracle, mut output) = (RuleOracle, Silent);
    let mut io = Io { oracle: &mut oracle, output: &mut output };
    let mut run = Run::default();
    for _ in 0..steps {
        if vm.state().scalars.exited {
            // Go counts steps of an exited machine, which change nothing.
            run.hashes.extend((flags & EACH != 0).then(|| vm.witness().hash()));
            continue;
        }
        let stepped = if flags & PROOF == 0 {
            vm.step(&mut io)
        } else {
            vm.step_with_proof(&mut io).map(|proof| {
                let verdict = proof.verify();
                assert!(verdict.is_ok(), "opal refuses its own proof: {verdict:?}");
                run.proof = proof.proof_data.to_vec();
                run.preimage = proof.preimage.map(|it| (it.key, it.offset));
            })
        };
        if let Err(error) = stepped {
            run.end = end(&error);
            return run;
        }
        run.hashes.extend((flags & EACH != 0).then(|| vm.witness().hash()));
    }
    if flags & EACH == 0 {
        run.hashes.push(vm.witness().hash());
    }
    if flags & CONTENT != 0 {
        vm.into_state().write(&mut run.content).expect("memory takes every byte");
    }
    run
}

fn end(error: &VmError) -> End {
    let kind = match error {
        VmError::WriteTooLong { .. } => return End::OutOfScope,
        VmError::OutOfMemory { .. } => panic!("out of memory: {error}"),
        VmError::Oracle { .. } => "pre-image",
        VmError::Exception(exception) => match exception.cause {
            Cause::InvalidInstruction => "invalid instruction",
            Cause::UnsupportedSyscall { .. } => "system call",
            Cause::BranchInDelaySlot { .. } => "delay slot",
            Cause::DivisionByZero => "division",
            Cause::UnalignedPc => "pc",
            Cause::NoThread => "no thread",
            Cause::PreimageOffset { .. } => "pre-image",
        },
    };
    End::Exception(kind.to_owned())
}

/// The kind of exception that a Go panic text is.
pub(crate) fn kind_of_panic(text: &str) -> &'static str {
    const KINDS: [(&str, &str); 10] = [
        ("invalid instruction", "invalid instruction"),
        ("unrecognized syscall", "system call"),
        ("branch in delay slot", "delay slot"),
        ("jump in delay slot", "delay slot"),
        ("divide by zero", "division"),
        ("unaligned instruction fetch", "pc"),
        ("invalid pc", "pc"),
        ("thread stack is empty", "no thread"),
        ("Preimage offset out-of-bounds", "pre-image"),
        ("no pre-image", "pre-image"),
    ];
    let known = KINDS.iter().find(|it| text.contains(it.0));
    known.map_or_else(|| panic!("an unknown Go panic: {text}"), |it| it.1)
}
