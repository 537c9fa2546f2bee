//! Random programs for the EVM.
//!
//! Start with [`program`].
//!
//! **Invariant:** most of a program runs: each instruction finds its operands, and they are small.

use super::{asm::push, contracts, rng::Rng};
use alloy_primitives::{Address, Bytes, U256};
use opal_types::Fork;
use revm::bytecode::opcode::OpCode;

/// Instructions by the fork they came with.
const YOUNGER: [(u8, Fork); 7] = [
    (0x5f, Fork::Canyon),
    (0x49, Fork::Ecotone),
    (0x4a, Fork::Ecotone),
    (0x5c, Fork::Ecotone),
    (0x5d, Fork::Ecotone),
    (0x5e, Fork::Ecotone),
    (0x1e, Fork::Karst),
];

/// Whether the instruction is one that a random program may have at any place.
fn is_plain(op: u8, fork: Fork) -> bool {
    let known = YOUNGER.iter().find(|(it, _)| *it == op).is_none_or(|(_, since)| fork >= *since);
    match op {
        // Arithmetic to shifts, hashing, environment, block, stack and memory.
        0x01..=0x0b
        | 0x10..=0x1e
        | 0x20
        | 0x30..=0x4a
        | 0x50..=0x55
        | 0x58..=0x5a
        | 0x5c..=0x5e => known,
        0xa0..=0xa4 | 0xf0..=0xf2 | 0xf4 | 0xf5 | 0xfa => true,
        _ => false,
    }
}

/// A value that means something: a small number, an edge, an address, anything.
fn operand(rng: &mut Rng, fork: Fork) -> U256 {
    match rng.below(12) {
        0 => U256::MAX,
        1 => U256::from(1) << rng.below(256) as usize,
        2 => U256::from(rng.word()),
        3 => U256::from_be_bytes(contract(rng).into_word().0),
        4 => U256::from(rng.below(if fork >= Fork::Isthmus { 0x12 } else { 0x0b })),
        5 => U256::from(rng.between(900, 1100)),
        _ => U256::from(rng.below(70)),
    }
}

/// One of the chain's contracts.
pub(crate) fn contract(rng: &mut Rng) -> Address {
    rng.pick(&[
        contracts::WRITER,
        contracts::PROBE,
        contracts::REVERTER,
        contracts::BURNER,
        contracts::LOGGER,
        contracts::READER,
        contracts::YOUNG,
        contracts::FACTORY,
        contracts::SUICIDE,
        contracts::MIRROR,
    ])
}

/// A program of up to 40 instructions with their operands.
pub(crate) fn program(rng: &mut Rng, fork: Fork) -> Bytes {
    let mut code = Vec::new();
    for _ in 0..rng.between(1, 40) {
        let op = rng.word() as u8;
        if rng.one_in(150) {
            code.push(op);
            continue;
        }
        let Some(info) = OpCode::new(op).filter(|_| is_plain(op, fork)) else { continue };
        let is_call = matches!(op, 0xf1 | 0xf2 | 0xf4 | 0xfa);
        for index in (0..info.inputs()).rev() {
            let value = match index {
                // Gas, receiver, then for two of them value.
                0 if is_call => U256::from(rng.below(60_000)),
                1 if is_call => U256::from_be_bytes(contract(rng).into_word().0),
                2 if op == 0xf1 && rng.one_in(2) => U256::ZERO,
                _ => operand(rng, fork),
            };
            push(&mut code, value);
        }
        code.push(op);
        for _ in 0..info.outputs() {
            if rng.one_in(3) {
                code.push(0x50);
            } else {
                push(&mut code, U256::from(rng.below(8)));
                code.push(0x55);
            }
        }
    }
    match rng.below(6) {
        0 => code.extend([0x60, 32, 0x60, 0, 0xf3]),
        1 => code.extend([0x60, 32, 0x60, 0, 0xfd]),
        2 => code.extend([0x60, 9, 0xff]),
        _ => code.push(0),
    }
    code.into()
}
