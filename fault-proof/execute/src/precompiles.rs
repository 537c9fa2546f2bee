//! The precompiled contracts of each fork: addresses, gas, input limits (E9).
//!
//! Start with [`lookup`], the one table. Cheap contracts run here, expensive ones are asked of [`Crypto`].
//!
//! **Invariant:** a fork newer than the ones named below gets the newest rules, never an older set.

use crate::crypto::{Call, Crypto, Function};
use crate::{Rules, StateError};
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloy_primitives::{Address, Bytes, U256};
use op_revm::OpSpecId;
use opal_types::Fork;
use revm::context_interface::{Cfg, ContextTr};
use revm::handler::PrecompileProvider;
use revm::interpreter::{CallInputs, Gas, InstructionResult, InterpreterResult};
use revm::precompile::{
    blake2, bls12_381_const as bls, bls12_381_utils::msm_required_gas, hash, identity, modexp,
    u64_to_address,
};

/// A contract that is computed at once: (input, gas limit) to gas and output.
type CheapFn = fn(&[u8], u64) -> revm::precompile::EthPrecompileResult;

/// What an address does under one fork's rules.
enum Entry {
    Cheap(CheapFn),
    Expensive(Function),
}

/// The precompile at this address number, or `None` where there is none yet.
fn lookup(number: u16, fork: Fork) -> Option<Entry> {
    let (since, entry) = match number {
        0x01 => (Fork::Bedrock, Entry::Expensive(Function::EcRecover)),
        0x02 => (Fork::Bedrock, Entry::Cheap(hash::sha256_run)),
        0x03 => (Fork::Bedrock, Entry::Cheap(hash::ripemd160_run)),
        0x04 => (Fork::Bedrock, Entry::Cheap(identity::identity_run)),
        0x05 => (Fork::Bedrock, Entry::Expensive(Function::ModExp)),
        0x06 => (Fork::Bedrock, Entry::Expensive(Function::Bn254Add)),
        0x07 => (Fork::Bedrock, Entry::Expensive(Function::Bn254Mul)),
        0x08 => (Fork::Bedrock, Entry::Expensive(Function::Bn254Pairing)),
        0x09 => (Fork::Bedrock, Entry::Cheap(blake2::run)),
        0x0a => (Fork::Ecotone, Entry::Expensive(Function::KzgPointEvaluation)),
        0x0b => (Fork::Isthmus, Entry::Expensive(Function::Bls12G1Add)),
        0x0c => (Fork::Isthmus, Entry::Expensive(Function::Bls12G1Msm)),
        0x0d => (Fork::Isthmus, Entry::Expensive(Function::Bls12G2Add)),
        0x0e => (Fork::Isthmus, Entry::Expensive(Function::Bls12G2Msm)),
        0x0f => (Fork::Isthmus, Entry::Expensive(Function::Bls12Pairing)),
        0x10 => (Fork::Isthmus, Entry::Expensive(Function::Bls12MapFpToG1)),
        0x11 => (Fork::Isthmus, Entry::Expensive(Function::Bls12MapFp2ToG2)),
        0x0100 => (Fork::Fjord, Entry::Expensive(Function::P256Verify)),
        _ => return None,
    };
    (fork >= since).then_some(entry)
}

/// Every number in the table.
const NUMBERS: [u16; 18] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x0100];

/// Longest input that a fork accepts, bytes.
pub(crate) fn input_limit(function: Function, fork: Fork) -> Option<usize> {
    let limits: &[(Fork, usize)] = match function {
        Function::Bn254Pairing => {
            &[(Fork::Karst, 57_600), (Fork::Jovian, 81_984), (Fork::Granite, 112_687)]
        }
        Function::Bls12G1Msm => &[(Fork::Jovian, 288_960), (Fork::Isthmus, 513_760)],
        Function::Bls12G2Msm => &[(Fork::Jovian, 278_784), (Fork::Isthmus, 488_448)],
        Function::Bls12Pairing => &[(Fork::Jovian, 156_672), (Fork::Isthmus, 235_008)],
        _ => &[],
    };
    limits.iter().find(|(since, _)| fork >= *since).map(|(_, limit)| *limit)
}

/// What a call costs, or `None` when the input is beyond any price.
pub(crate) fn gas(function: Function, fork: Fork, input: &[u8]) -> Option<u64> {
    let length = input.len();
    Some(match function {
        Function::EcRecover => 3000,
        Function::ModExp => return modexp_gas(fork >= Fork::Karst, input),
        Function::Bn254Add => 150,
        Function::Bn254Mul => 6000,
        Function::Bn254Pairing => per_item(length, 192, 34_000)?.checked_add(45_000)?,
        Function::KzgPointEvaluation => 50_000,
        Function::Bls12G1Add => 375,
        Function::Bls12G2Add => 600,
        Function::Bls12MapFpToG1 => 5500,
        Function::Bls12MapFp2ToG2 => 23_800,
        Function::Bls12Pairing => per_item(length, 384, 32_600)?.checked_add(37_700)?,
        Function::Bls12G1Msm => msm_required_gas(length / 160, &bls::DISCOUNT_TABLE_G1_MSM, 12_000),
        Function::Bls12G2Msm => msm_required_gas(length / 288, &bls::DISCOUNT_TABLE_G2_MSM, 22_500),
        Function::P256Verify if fork >= Fork::Karst => 6900,
        Function::P256Verify => 3450,
    })
}

fn per_item(length: usize, size: usize, price: u64) -> Option<u64> {
    u64::try_from(length.checked_div(size)?).ok()?.checked_mul(price)
}

/// EIP-2565; from Karst EIP-7883 with the size limit of EIP-7823.
fn modexp_gas(karst: bool, input: &[u8]) -> Option<u64> {
    let [base, exponent, modulus] = [0, 32, 64].map(|start| word(input, start));
    if karst && [base, exponent, modulus].iter().any(|length| *length > U256::from(1024)) {
        return None;
    }
    let base = u64::try_from(base).ok()?;
    let modulus = u64::try_from(modulus).ok()?;
    // An exponent beyond all bounds costs beyond all bounds, unless there is nothing to raise.
    let exponent = u64::try_from(exponent).unwrap_or(u64::MAX);
    let start = usize::try_from(base).ok()?.checked_add(96)?;
    let mut head = word(input, start);
    if exponent < 32 {
        let unused = usize::try_from(exponent).ok()?.abs_diff(32).checked_mul(8)?;
        // What follows the exponent is shifted out, whatever it is; ruint's checked shift would refuse that.
        head = head.wrapping_shr(unused);
    }
    Some(if karst {
        modexp::osaka_gas_calc(base, exponent, modulus, &head)
    } else {
        modexp::berlin_gas_calc(base, exponent, modulus, &head)
    })
}

/// 32 bytes of input from `start`, with zeros beyond the end.
fn word(input: &[u8], start: usize) -> U256 {
    let mut word = [0; 32];
    let rest = input.get(start..).unwrap_or_default();
    for (place, byte) in word.iter_mut().zip(rest) {
        *place = *byte;
    }
    U256::from_be_bytes(word)
}

/// The fork's precompiles for revm.
pub struct Precompiles<'a> {
    fork: Fork,
    pub(crate) crypto: &'a mut dyn Crypto,
    /// Why the last call could not be answered.
    pub(crate) failure: Option<StateError>,
}

impl core::fmt::Debug for Precompiles<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Precompiles").field("fork", &self.fork).finish_non_exhaustive()
    }
}

/// The addresses of a fork's precompiles.
pub fn precompile_addresses(fork: Fork) -> impl Iterator<Item = Address> {
    let is_there = move |number: &u16| lookup(*number, fork).is_some();
    NUMBERS.into_iter().filter(is_there).map(|number| u64_to_address(number.into()))
}

/// Outcome of a call: gas and output, or why it fails.
enum Answer {
    Output(u64, Bytes),
    OutOfGas,
    Failed,
}

impl<'a> Precompiles<'a> {
    /// The contracts under these rules.
    pub fn new(rules: &Rules, crypto: &'a mut dyn Crypto) -> Self {
        Self { fork: rules.fork, crypto, failure: None }
    }

    fn answer(&mut self, entry: Entry, input: &[u8], gas_limit: u64) -> Result<Answer, StateError> {
        let function = match entry {
            Entry::Cheap(run) => {
                return Ok(match run(input, gas_limit) {
                    Ok(output) => Answer::Output(output.gas_used, output.bytes),
                    Err(halt) if halt.is_oog() => Answer::OutOfGas,
                    Err(_) => Answer::Failed,
                });
            }
            Entry::Expensive(function) => function,
        };
        if input_limit(function, self.fork).is_some_and(|limit| input.len() > limit) {
            return Ok(Answer::Failed);
        }
        let Some(gas) = gas(function, self.fork, input) else { return Ok(Answer::Failed) };
        if gas > gas_limit {
            return Ok(Answer::OutOfGas);
        }
        Ok(match self.crypto.call(Call { function, gas, input })? {
            Some(output) => Answer::Output(gas, output),
            None => Answer::Failed,
        })
    }
}

/// The number behind an address whose leading 18 bytes are zero.
fn number(address: &Address) -> Option<u16> {
    let (zeros, number) = address.split_last_chunk::<2>()?;
    zeros.iter().all(|byte| *byte == 0).then(|| u16::from_be_bytes(*number))
}

impl<CTX: ContextTr<Cfg: Cfg<Spec = OpSpecId>>> PrecompileProvider<CTX> for Precompiles<'_> {
    type Output = InterpreterResult;

    fn set_spec(&mut self, _spec: OpSpecId) -> bool {
        false
    }

    fn run(
        &mut self,
        context: &mut CTX,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        let fork = self.fork;
        let entry = number(&inputs.bytecode_address).and_then(|number| lookup(number, fork));
        let Some(entry) = entry else { return Ok(None) };
        let answer = self.answer(entry, &inputs.input.as_bytes(context), inputs.gas_limit);
        let answer = answer.map_err(|failure| {
            self.failure = Some(failure);
            failure.to_string()
        })?;
        let mut gas = Gas::new_with_regular_gas_and_reservoir(inputs.gas_limit, inputs.reservoir);
        let (result, output) = match answer {
            Answer::Output(used, output) => {
                let paid = gas.record_regular_cost(used);
                debug_assert!(paid);
                (InstructionResult::Return, output)
            }
            Answer::OutOfGas => (InstructionResult::PrecompileOOG, Bytes::new()),
            Answer::Failed => (InstructionResult::PrecompileError, Bytes::new()),
        };
        if result != InstructionResult::Return {
            gas.spend_all();
        }
        Ok(Some(InterpreterResult { result, output, gas }))
    }

    fn warm_addresses(&self) -> Box<impl Iterator<Item = Address>> {
        Box::new(precompile_addresses(self.fork))
    }

    fn contains(&self, address: &Address) -> bool {
        number(address).is_some_and(|number| lookup(number, self.fork).is_some())
    }
}
