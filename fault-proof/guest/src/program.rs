//! `opal_program` over the VM's oracle.
//!
//! **Invariant:** the only sources of input are the pre-image oracle and what is compiled in.

extern crate alloc;

use alloy_primitives::Bytes;
use core::fmt::{Arguments, Write};
use opal_execute::{Call, Crypto, StateError};
use opal_guest::{oracle, syscall::Stdout};
use opal_program::{
    BlockFacts, BlockTask, BlockVerdict, Hint, HintKind, Oracle, OracleError, PreimageKey, decide,
    precompile_request,
};

/// Verdicts and the lack of one, as exit codes (row F6).
const VALID: u8 = 0;
const INVALID: u8 = 1;
const UNDETERMINED: u8 = 2;

/// Reads the task and decides. What was found out goes to stdout for the host to show, a `name value` line each.
pub(crate) fn main() -> u8 {
    let task = oracle::preimage(&BlockTask::key().0);
    let Ok(task) = BlockTask::decode(&task) else {
        say(format_args!("reason the task is malformed"));
        return UNDETERMINED;
    };
    match decide(&task, &mut VmOracle, &mut OracleCrypto) {
        Ok(BlockVerdict::Valid(facts)) => {
            say_facts(&facts);
            VALID
        }
        Ok(BlockVerdict::Invalid { field, reason, computed }) => {
            say(format_args!("field {field}"));
            say(format_args!("reason {reason}"));
            computed.iter().for_each(say_facts);
            INVALID
        }
        Err(error) => {
            say(format_args!("reason {error}"));
            UNDETERMINED
        }
    }
}

fn say_facts(facts: &BlockFacts) {
    say(format_args!("computed_hash {}", facts.hash));
    say(format_args!("gas_used {}", facts.gas_used));
}

fn say(line: Arguments<'_>) {
    // There is nobody to tell that it cannot be told.
    let _ = writeln!(Stdout, "{line}");
}

/// File descriptors 3 to 6.
struct VmOracle;

impl Oracle for VmOracle {
    fn hint(&mut self, hint: &Hint) {
        oracle::hint(hint.encode().as_bytes());
    }

    fn read(&mut self, key: PreimageKey) -> Result<Bytes, OracleError> {
        Ok(oracle::preimage(&key.0).into())
    }
}

/// Expensive computations, answered by whoever serves the oracle (F2).
struct OracleCrypto;

impl Crypto for OracleCrypto {
    fn call(&mut self, call: Call<'_>) -> Result<Option<Bytes>, StateError> {
        let request = precompile_request(call.function.address(), call.gas, call.input);
        VmOracle.hint(&Hint::new(HintKind::L1Precompile, &[&request]));
        let answer = Bytes::from(oracle::preimage(&PreimageKey::precompile(&request).0));
        Ok(answer.starts_with(&[1]).then(|| answer.slice(1..)))
    }
}
