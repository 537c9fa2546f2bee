//! `opal_program` over the VM's oracle.
//!
//! **Invariant:** the only sources of input are the pre-image oracle and the image, and an image with a chain set decides
//! claims about output roots, whatever the host would like.

use crate::chain_set;
use alloy_primitives::{B256, Bytes};
use core::fmt::{Arguments, Write};
use opal_execute::{Call, Crypto, StateError};
use opal_guest::{keccak::keccak256_of_two, oracle, syscall::Stdout};
use opal_program::{
    BlockFacts, BlockTask, BlockVerdict, Boot, ClaimFacts, ClaimVerdict, Hint, HintKind, Oracle,
    OracleError, PreimageKey, Undetermined, decide_block, decide_output, precompile_request,
};

/// Verdicts and the lack of one, as exit codes (row F6).
const VALID: u8 = 0;
const INVALID: u8 = 1;
const UNDETERMINED: u8 = 2;

/// Decides. What was found out goes to stdout for the host to show, a `name value` line each.
pub(crate) fn main() -> u8 {
    let chain_set = match chain_set::content() {
        Ok(content) => content,
        Err(error) => return undetermined(format_args!("{error}")),
    };
    if chain_set.is_empty() {
        let task = oracle::preimage(&BlockTask::key().0);
        if !task.is_empty() {
            return block(&task);
        }
    }
    let verdict = Boot::read(&mut VmOracle)
        .and_then(|boot| decide_output(&boot, &chain_set, &mut VmOracle, &mut OracleCrypto));
    claim(verdict)
}

fn claim(verdict: Result<ClaimVerdict, Undetermined>) -> u8 {
    match verdict {
        Ok(ClaimVerdict::Valid(facts)) => {
            say_claim(&facts);
            VALID
        }
        Ok(ClaimVerdict::Invalid(wrong, facts)) => {
            say(format_args!("field {}", wrong.field()));
            say(format_args!("reason {wrong}"));
            say_claim(&facts);
            for block in &facts.blocks {
                say(format_args!("block {} {}", block.number, block.output.block_hash));
            }
            INVALID
        }
        Err(error) => undetermined(format_args!("{error}")),
    }
}

fn say_claim(facts: &ClaimFacts) {
    say(format_args!("agreed_number {}", facts.agreed_number));
    say(format_args!("computed_number {}", facts.computed_number));
    say(format_args!("computed {}", facts.computed));
    say(format_args!("blocks_derived {}", facts.blocks.len()));
}

fn block(task: &[u8]) -> u8 {
    let Ok(task) = BlockTask::decode(task) else {
        return undetermined(format_args!("the task is malformed"));
    };
    match decide_block(&task, &mut VmOracle, &mut OracleCrypto) {
        Ok(BlockVerdict::Valid(facts)) => {
            say_block(&facts);
            VALID
        }
        Ok(BlockVerdict::Invalid { field, reason, computed }) => {
            say(format_args!("field {field}"));
            say(format_args!("reason {reason}"));
            computed.iter().for_each(say_block);
            INVALID
        }
        Err(error) => undetermined(format_args!("{error}")),
    }
}

fn say_block(facts: &BlockFacts) {
    say(format_args!("computed_hash {}", facts.hash));
    say(format_args!("gas_used {}", facts.gas_used));
}

fn undetermined(reason: Arguments<'_>) -> u8 {
    say(format_args!("reason {reason}"));
    UNDETERMINED
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

    fn read_into(&mut self, key: PreimageKey, out: &mut [u8]) -> Result<bool, OracleError> {
        Ok(oracle::preimage_into(&key.0, out))
    }

    fn read_element(
        &mut self,
        commitment: &[u8; 48],
        point: &B256,
        out: &mut [u8],
    ) -> Result<bool, OracleError> {
        let hash = keccak256_of_two(commitment, point);
        self.read_into(PreimageKey::blob_hash(hash.into()), out)
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
