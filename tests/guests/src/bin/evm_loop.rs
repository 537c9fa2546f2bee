//! Workload b: a loop of EVM bytecode under revm: dispatch through tables, 256-bit arithmetic, hashing, storage.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    context::TxEnv,
    database::{CacheDB, EmptyDB},
    state::{AccountInfo, Bytecode},
};

const ITERATIONS: u64 = guests::parameter(option_env!("OPAL_EVM_LOOP"), 12_000);

opal_guest::entry!(run);

/// The counter lies at the bottom of the stack, the running value above it.
fn bytecode() -> Vec<u8> {
    const HEAD: &[u8] = &[
        0x5b, // JUMPDEST                                  [n]
        0x80, 0x60, 0, 0x52, // DUP1 PUSH1 0 MSTORE
        0x60, 64, 0x60, 0, 0x20, // PUSH1 64 PUSH1 0 KECCAK256
        0x60, 32, 0x52, // PUSH1 32 MSTORE
        0x60, 32, 0x51, // PUSH1 32 MLOAD                  [n, v]
    ];
    const MIX: &[u8] = &[
        0x80, 0x82, 0x02, // DUP1 DUP3 MUL                 [n, v, v*n]
        0x81, 0x01, // DUP2 ADD
        0x90, 0x60, 7, 0x1c, // SWAP1 PUSH1 7 SHR
        0x18, // XOR                                       [n, v']
        0x81, 0x90, 0x06, // DUP2 SWAP1 MOD
        0x81, 0x01, // DUP2 ADD                            [n, v'']
    ];
    const TAIL: &[u8] = &[
        0x81, 0x60, 15, 0x16, 0x54, 0x01, // DUP2 PUSH1 15 AND SLOAD ADD
        0x81, 0x60, 15, 0x16, 0x55, // DUP2 PUSH1 15 AND SSTORE [n]
        0x60, 1, 0x90, 0x03, // PUSH1 1 SWAP1 SUB
        0x80, 0x61, 0, 4, 0x57, // DUP1 PUSH2 4 JUMPI
        0x60, 32, 0x60, 32, 0xf3, // PUSH1 32 PUSH1 32 RETURN
    ];
    let [.., high, middle, low] = ITERATIONS.to_be_bytes();
    let mut code = Vec::from([0x62, high, middle, low]); // PUSH3
    code.extend_from_slice(HEAD);
    for _ in 0..8 {
        code.extend_from_slice(MIX);
    }
    code.extend_from_slice(TAIL);
    code
}

fn run() -> u8 {
    let address = Address::with_last_byte(0x42);
    let code = Bytecode::new_raw(Bytes::from(bytecode()));
    let mut database = CacheDB::new(EmptyDB::default());
    let account =
        AccountInfo { code_hash: code.hash_slow(), code: Some(code), ..Default::default() };
    database.insert_account_info(address, account);
    let mut evm = Context::mainnet()
        .with_db(database)
        .modify_cfg_chained(|cfg| cfg.tx_gas_limit_cap = Some(u64::MAX))
        .modify_block_chained(|block| block.gas_limit = u64::MAX)
        .build_mainnet();
    let transaction = TxEnv {
        kind: TxKind::Call(address),
        gas_limit: 1 << 40,
        gas_price: 0,
        ..Default::default()
    };
    let Ok(outcome) = evm.transact(transaction) else { return 1 };
    let output = outcome.result.output().map_or(&[][..], |bytes| bytes);
    let word = U256::try_from_be_slice(output).unwrap_or_default();
    guests::report(outcome.result.tx_gas_used() ^ word.wrapping_to::<u64>())
}
