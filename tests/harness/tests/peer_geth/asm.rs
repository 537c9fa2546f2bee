//! EVM programs from mnemonics, so that the tests' contracts can be read.
//!
//! Start with [`asm`]: numbers are pushed in their shortest form, `name:` is a jump target, `@name` pushes it.
//!
//! **Invariant:** a word that is no mnemonic, number or label fails the test that uses it.

use alloy_primitives::{Bytes, U256};
use revm::bytecode::opcode::OpCode;
use std::collections::BTreeMap;

/// The code of one program.
#[track_caller]
pub(crate) fn asm(text: &str) -> Bytes {
    let mut code = Vec::new();
    let mut labels = BTreeMap::new();
    let mut holes = Vec::new();
    for word in text.split_whitespace() {
        if let Some(label) = word.strip_suffix(':') {
            labels.insert(label, code.len());
            code.push(opcode("JUMPDEST"));
        } else if let Some(label) = word.strip_prefix('@') {
            holes.push((code.len() + 1, label));
            code.extend([opcode("PUSH2"), 0, 0]);
        } else if let Ok(number) = word.parse::<U256>() {
            push(&mut code, number);
        } else {
            code.push(opcode(word));
        }
    }
    for (at, label) in holes {
        let target = labels.get(label).unwrap_or_else(|| panic!("no label {label}"));
        code[at..at + 2].copy_from_slice(&u16::try_from(*target).unwrap().to_be_bytes());
    }
    code.into()
}

/// Pushes a number with as few bytes as it has, one for zero: PUSH0 is younger than some forks.
pub(crate) fn push(code: &mut Vec<u8>, number: U256) {
    let digits = number.to_be_bytes_trimmed_vec();
    let digits = if digits.is_empty() { vec![0] } else { digits };
    code.push(0x5f + digits.len() as u8);
    code.extend(digits);
}

#[track_caller]
fn opcode(name: &str) -> u8 {
    // revm calls PREVRANDAO by its old name.
    let known = (0..=255).find(|it| OpCode::new(*it).is_some_and(|it| it.as_str() == name));
    known.unwrap_or_else(|| panic!("{name} is no instruction"))
}

/// Init code that returns `runtime` as the new contract's code, after running `before`.
pub(crate) fn init_code(before: &[u8], runtime: &[u8]) -> Bytes {
    let mut code = before.to_vec();
    push(&mut code, U256::from(runtime.len()));
    // DUP1, PUSH2 offset, PUSH1 0, CODECOPY, PUSH1 0, RETURN.
    let offset = u16::try_from(code.len() + 10).unwrap().to_be_bytes();
    code.extend([0x80, 0x61, offset[0], offset[1], 0x60, 0, 0x39, 0x60, 0, 0xf3]);
    code.extend(runtime);
    code.into()
}
