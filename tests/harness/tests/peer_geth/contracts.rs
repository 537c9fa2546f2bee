//! The contracts of every chain's first block: predeploys that the protocol reads, and targets of transactions.
//!
//! Start with [`alloc`].
//!
//! **Invariant:** the code runs under Bedrock's rules unless a comment names the fork it waits for.

use super::asm::asm;
use alloy_primitives::{Address, Bytes, U256, address};
use opal_execute::predeploys::{
    BEACON_ROOTS, HISTORY_STORAGE, L1_BLOCK, MESSAGE_PASSER, SEQUENCER_FEE_VAULT,
};

/// Stores the pairs of words it is called with: slot, value.
pub(crate) const WRITER: Address = address!("c0de000000000000000000000000000000000001");
/// Calls the address in its first word with the rest and notes success, gas, size and hash of the answer.
pub(crate) const PROBE: Address = address!("c0de000000000000000000000000000000000002");
/// Writes, then reverts with what it was called with.
pub(crate) const REVERTER: Address = address!("c0de000000000000000000000000000000000003");
/// Takes all gas.
pub(crate) const BURNER: Address = address!("c0de000000000000000000000000000000000004");
/// Logs what it is called with, with none to four topics.
pub(crate) const LOGGER: Address = address!("c0de000000000000000000000000000000000005");
/// Stores what a contract can read about its block.
pub(crate) const READER: Address = address!("c0de000000000000000000000000000000000006");
/// Creates a contract from what it is called with: CREATE2 when the call carries no value, else CREATE.
pub(crate) const FACTORY: Address = address!("c0de000000000000000000000000000000000007");
/// Destroys itself in favour of its first word.
pub(crate) const SUICIDE: Address = address!("c0de000000000000000000000000000000000008");
/// Runs instructions that came after Bedrock.
pub(crate) const YOUNG: Address = address!("c0de00000000000000000000000000000000000a");
/// Refuses value, so that its caller's transfer fails.
pub(crate) const MIRROR: Address = address!("c0de000000000000000000000000000000000009");

/// Stores the parts of the L1 attributes deposit in the slots of E3, in each of its forms (D17).
const L1_BLOCK_CODE: &str = "
    0 CALLDATALOAD 224 SHR
    DUP1 0x015d8eb9 EQ @bedrock JUMPI
    DUP1 0x440a5e20 EQ @ecotone JUMPI
    DUP1 0x098999be EQ @isthmus JUMPI
    DUP1 0x3db6be2b EQ @jovian JUMPI
    0 0 REVERT
    bedrock:
    4 CALLDATALOAD 64 SHL 36 CALLDATALOAD OR 0 SSTORE
    68 CALLDATALOAD 1 SSTORE 100 CALLDATALOAD 2 SSTORE 164 CALLDATALOAD 4 SSTORE
    196 CALLDATALOAD 5 SSTORE 228 CALLDATALOAD 6 SSTORE STOP
    jovian:
    176 CALLDATALOAD 240 SHR 96 SHL 164 CALLDATALOAD 160 SHR OR 8 SSTORE @ecotone JUMP
    isthmus:
    164 CALLDATALOAD 160 SHR 8 SSTORE
    ecotone:
    4 CALLDATALOAD 128 SHR 3 SSTORE 20 CALLDATALOAD 128 SHR 0 SSTORE
    36 CALLDATALOAD 1 SSTORE 68 CALLDATALOAD 7 SSTORE
    100 CALLDATALOAD 2 SSTORE 132 CALLDATALOAD 4 SSTORE STOP";

/// Marks the hash of the call as a sent message, as the real one does with its slot 0 mapping.
const MESSAGE_PASSER_CODE: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 KECCAK256 DUP1 1 SWAP1 SSTORE
    CALLVALUE 0 MSTORE 32 0 LOG1 1 1 SLOAD ADD 1 SSTORE STOP";

const WRITER_CODE: &str = "
    0 loop: DUP1 CALLDATASIZE GT @more JUMPI STOP
    more: DUP1 32 ADD CALLDATALOAD DUP2 CALLDATALOAD SSTORE 64 ADD @loop JUMP";

const PROBE_CODE: &str = "
    32 CALLDATASIZE SUB 32 0 CALLDATACOPY
    GAS
    0 0 32 CALLDATASIZE SUB 0 0 0 CALLDATALOAD GAS CALL
    SWAP1 GAS SWAP1 SUB
    0 SLOAD 1 ADD DUP1 0 SSTORE 4 MUL
    SWAP1 DUP2 SSTORE 1 ADD
    SWAP1 1 ADD DUP2 SSTORE 1 ADD
    RETURNDATASIZE DUP2 SSTORE 1 ADD
    RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 KECCAK256 SWAP1 SSTORE STOP";

const REVERTER_CODE: &str = "
    1 0 SSTORE 0 0 LOG0 CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 REVERT";

const LOGGER_CODE: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLDATASIZE 0 LOG0
    CALLER CALLDATASIZE 0 LOG1
    NUMBER CALLER 31 0 LOG2
    NUMBER CALLER ADDRESS 0 0 LOG3
    1 2 3 4 CALLDATASIZE 0 LOG4 STOP";

const READER_CODE: &str = "
    NUMBER 1 SSTORE TIMESTAMP 2 SSTORE COINBASE 3 SSTORE DIFFICULTY 4 SSTORE GASLIMIT 5 SSTORE
    CHAINID 6 SSTORE SELFBALANCE 7 SSTORE BASEFEE 8 SSTORE ORIGIN 9 SSTORE GASPRICE 10 SSTORE
    1 NUMBER SUB BLOCKHASH 11 SSTORE 5 NUMBER SUB BLOCKHASH 12 SSTORE NUMBER BLOCKHASH 13 SSTORE
    256 NUMBER SUB BLOCKHASH 14 SSTORE 0 BLOCKHASH 15 SSTORE
    0x4200000000000000000000000000000000000011 BALANCE 16 SSTORE
    0x4200000000000000000000000000000000000019 BALANCE 17 SSTORE
    0x420000000000000000000000000000000000001a BALANCE 18 SSTORE
    0x420000000000000000000000000000000000001b BALANCE 19 SSTORE
    CALLER EXTCODEHASH 20 SSTORE CALLER EXTCODESIZE 21 SSTORE
    0 CALLDATALOAD EXTCODEHASH 22 SSTORE 0 CALLDATALOAD BALANCE 23 SSTORE STOP";

/// From Canyon, then from Ecotone.
const YOUNG_CODE: &str = "
    PUSH0 1 SSTORE BLOBBASEFEE 2 SSTORE 0 BLOBHASH 3 SSTORE
    7 1 TSTORE 1 TLOAD 4 SSTORE 64 0 3 MCOPY MSIZE 5 SSTORE STOP";

const FACTORY_CODE: &str = "
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLVALUE @create JUMPI
    0 CALLDATASIZE 0 0 CREATE2 @note JUMP
    create: CALLDATASIZE 0 1 CREATE
    note: 0 SLOAD 1 ADD DUP1 0 SSTORE SSTORE STOP";

const SUICIDE_CODE: &str = "0 CALLDATALOAD SELFDESTRUCT";

/// Sends what it got back to its caller and stores whether that worked.
const MIRROR_CODE: &str = "
    0 0 0 0 CALLVALUE CALLER GAS CALL 0 SLOAD ADD 0 SSTORE CALLVALUE @end JUMPI STOP
    end: 0 0 REVERT";

/// Where a contract stands, its code, its first storage.
pub(crate) type Contract = (Address, Bytes, Vec<(U256, U256)>);

/// Every contract of the first block.
pub(crate) fn alloc() -> Vec<Contract> {
    let slots = |count: u64| (1..=count).map(|it| (U256::from(it), U256::from(it))).collect();
    vec![
        (L1_BLOCK, asm(L1_BLOCK_CODE), Vec::new()),
        (MESSAGE_PASSER, asm(MESSAGE_PASSER_CODE), slots(2)),
        (BEACON_ROOTS, alloy_eips::eip4788::BEACON_ROOTS_CODE.clone(), Vec::new()),
        (HISTORY_STORAGE, alloy_eips::eip2935::HISTORY_STORAGE_CODE.clone(), Vec::new()),
        (SEQUENCER_FEE_VAULT, asm("STOP"), Vec::new()),
        (WRITER, asm(WRITER_CODE), slots(40)),
        (PROBE, asm(PROBE_CODE), Vec::new()),
        (REVERTER, asm(REVERTER_CODE), Vec::new()),
        (BURNER, asm("INVALID"), Vec::new()),
        (LOGGER, asm(LOGGER_CODE), Vec::new()),
        (READER, asm(READER_CODE), Vec::new()),
        (YOUNG, asm(YOUNG_CODE), Vec::new()),
        (FACTORY, asm(FACTORY_CODE), Vec::new()),
        (SUICIDE, asm(SUICIDE_CODE), slots(5)),
        (MIRROR, asm(MIRROR_CODE), Vec::new()),
    ]
}
