//! What a transaction does: receiver, value and call data, whoever pays for it.
//!
//! Start with [`payload`].
//!
//! **Invariant:** independent of the kind of transaction.

use super::{
    asm::{asm, init_code, push},
    contracts::*,
    generate::words,
    precompiles,
    program::{contract, program},
    rng::Rng,
};
use alloy_primitives::{Address, Bytes, TxKind, U256, keccak256};
use opal_execute::predeploys::{
    BASE_FEE_VAULT, BEACON_ROOTS, CREATE2_DEPLOYER, HISTORY_STORAGE, L1_FEE_VAULT, MESSAGE_PASSER,
    OPERATOR_FEE_VAULT, SEQUENCER_FEE_VAULT,
};
use opal_types::Fork;

/// What is called, with what.
#[derive(Clone, Debug)]
pub(crate) struct Payload {
    pub(crate) kind: &'static str,
    pub(crate) to: TxKind,
    pub(crate) value: u64,
    pub(crate) input: Bytes,
    /// Enough in most cases.
    pub(crate) gas_limit: u64,
}

/// Something to do under a fork's rules.
pub(crate) fn payload(rng: &mut Rng, fork: Fork) -> Payload {
    let (kind, to, input, gas_limit) = match rng.below(17) {
        0 => ("transfer", receiver(rng), Bytes::new(), 60_000),
        1 | 2 => ("write and clear", call(WRITER), writes(rng), 400_000),
        3 => ("precompile", call(precompile(rng)), Bytes::new(), 1_000_000),
        4..=6 => return probe(rng),
        7 => ("create", TxKind::Create, creation(rng, fork), 800_000),
        8 | 9 => ("create from a contract", call(FACTORY), creation(rng, fork), 900_000),
        10 => ("call what was created", call(created(rng)), words(&[rng.below(9)]), 200_000),
        11 => (
            "destroy",
            call(if rng.one_in(3) { SUICIDE } else { created(rng) }),
            heir(rng),
            200_000,
        ),
        12 => ("run a random program", TxKind::Create, program(rng, fork), 700_000),
        13 => ("log", call(LOGGER), rng.bytes(40).into(), 100_000),
        14 => ("read the block", call(READER), heir(rng), 900_000),
        15 => ("send a message", call(MESSAGE_PASSER), rng.bytes(20).into(), 200_000),
        _ => {
            let to = rng.pick(&[
                REVERTER,
                BURNER,
                YOUNG,
                MIRROR,
                CREATE2_DEPLOYER,
                BEACON_ROOTS,
                HISTORY_STORAGE,
            ]);
            ("call a special contract", call(to), words(&[rng.between(900, 1100)]), 150_000)
        }
    };
    let value = if rng.one_in(3) { rng.below(1000) } else { 0 };
    Payload { kind, to, value, input, gas_limit }
}

const fn call(to: Address) -> TxKind {
    TxKind::Call(to)
}

/// The address of a precompile's number.
pub(crate) fn at_number(number: u16) -> Address {
    Address::from_word(U256::from(number).into())
}

fn precompile(rng: &mut Rng) -> Address {
    at_number(rng.pick(&precompiles::NUMBERS))
}

/// Calls a precompile through the contract that notes the answer.
fn probe(rng: &mut Rng) -> Payload {
    let number = rng.pick(&precompiles::NUMBERS);
    let mut input = at_number(number).into_word().to_vec();
    input.extend(precompiles::input(rng, number));
    let gas_limit = if rng.one_in(5) { rng.between(60_000, 150_000) } else { 1_500_000 };
    let to = call(PROBE);
    Payload { kind: "precompile from a contract", to, value: 0, input: input.into(), gas_limit }
}

/// Whoever gets value: known and unknown accounts, contracts, vaults.
fn receiver(rng: &mut Rng) -> TxKind {
    let fresh = Address::from_slice(&rng.bytes(20));
    let few = Address::with_last_byte(0x80 + rng.below(6) as u8);
    let vaults = [BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT, SEQUENCER_FEE_VAULT];
    let vault = rng.pick(&vaults);
    let contract = contract(rng);
    call(rng.pick(&[fresh, few, few, vault, contract]))
}

fn writes(rng: &mut Rng) -> Bytes {
    let pairs = rng.between(1, 8);
    let values: Vec<_> = (0..pairs)
        .flat_map(|_| [rng.below(60), if rng.one_in(2) { 0 } else { rng.below(1000) }])
        .collect();
    words(&values)
}

fn heir(rng: &mut Rng) -> Bytes {
    let heirs = [contract(rng), created(rng), Address::with_last_byte(0x80 + rng.below(9) as u8)];
    Bytes::copy_from_slice(rng.pick(&heirs).into_word().as_slice())
}

/// Init code of a few contracts that come again and again, so that CREATE2 meets their remains.
fn standard(number: u64) -> Bytes {
    let mut before = Vec::new();
    for slot in 0..=number {
        push(&mut before, U256::from(slot + 7));
        push(&mut before, U256::from(slot));
        before.push(0x55);
    }
    init_code(&before, &asm("0 CALLDATALOAD SELFDESTRUCT"))
}

/// Where the factory puts one of these.
fn created(rng: &mut Rng) -> Address {
    FACTORY.create2_from_code(U256::ZERO.to_be_bytes::<32>(), standard(rng.below(4)))
}

fn creation(rng: &mut Rng, fork: Fork) -> Bytes {
    match rng.below(10) {
        0 => program(rng, fork),
        1 => init_code(&[], &[0xef, 0]),
        2 => asm("0 0 REVERT"),
        3 => Bytes::new(),
        // Destroys itself while it is created.
        4 => asm("9 0 SSTORE CALLER SELFDESTRUCT"),
        5 => init_code(&[], &program(rng, fork)),
        // Creates contracts of its own.
        6 => asm("0 0 0 CREATE POP 0 0 0 0 CREATE2 POP 5 0 SSTORE 0 0 RETURN"),
        _ => standard(rng.below(4)),
    }
}

/// A hash that stands for a place on L1.
pub(crate) fn source(rng: &mut Rng) -> alloy_primitives::B256 {
    keccak256(rng.word().to_be_bytes())
}
