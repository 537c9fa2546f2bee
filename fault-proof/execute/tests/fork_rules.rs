//! The execution rows of each fork, on small blocks over a state in memory whose roots alloy-trie computes.
//!
//! Start with `World`: a chain that is at one fork from genesis on, and one block on it.

#[path = "fork_rules/memory.rs"]
mod memory;
#[path = "fork_rules/world.rs"]
mod world;

use alloy_primitives::{Address, Bytes, KECCAK256_EMPTY, TxKind, U256, b256, bytes, keccak256};
use op_alloy_consensus::TxDeposit;
use opal_execute::predeploys::{
    BASE_FEE_VAULT, BEACON_ROOTS, CREATE2_DEPLOYER, HISTORY_STORAGE, L1_BLOCK, L1_FEE_VAULT,
    MESSAGE_PASSER, OPERATOR_FEE_VAULT, SEQUENCER_FEE_VAULT,
};
use opal_execute::{Error, Invalid, OperatorFee, execute_or_deposits_only};
use opal_types::Fork;

use world::*;

#[test]
fn a_failing_deposit_keeps_its_mint_and_pays_its_gas_limit() {
    // E1.
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        let tx = TxDeposit { mint: 100, value: U256::from(101), gas_limit: 50_000, ..blank() };
        world.push(deposit(tx));
        let outcome = world.run();
        let receipt = &outcome.receipts[1];
        assert!(!receipt.success, "{fork:?}");
        assert_eq!(outcome.transactions[1].gas_used, 50_000, "{fork:?}");
        assert_eq!(world.balance(BOB), U256::from(100), "{fork:?}");
        // The L1 attributes deposit has the same sender.
        assert_eq!(world.state.accounts[&BOB].0.nonce, 2, "{fork:?}");
        assert_eq!(receipt.deposit_nonce, (fork >= Fork::Regolith).then_some(1), "{fork:?}");
        assert_eq!(receipt.has_deposit_version, fork >= Fork::Canyon, "{fork:?}");
        let encoded = receipt.encode();
        // After the bloom: logs, and from Canyon the nonce and the version.
        let tail: &[u8] = if fork >= Fork::Canyon { &[0xc0, 1, 1] } else { &[0xc0] };
        assert!(encoded.ends_with(tail), "{fork:?}: {encoded}");
        assert_eq!(encoded[0], 0x7e);
    }
}

#[test]
fn a_deposit_that_succeeds_pays_its_limit_before_regolith_and_its_gas_after() {
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        let used = world.call(ALICE, 50_000, Bytes::new());
        assert_eq!(used, (true, if fork == Fork::Bedrock { 50_000 } else { 21_000 }), "{fork:?}");
    }
}

#[test]
fn a_system_deposit_is_free_before_regolith_and_fails_after() {
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        let tx = TxDeposit { is_system_transaction: true, gas_limit: 150_000_000, ..blank() };
        if fork > Fork::Bedrock {
            world.push(deposit(TxDeposit { gas_limit: 100_000, ..tx }));
            assert!(!world.run().receipts[1].success, "{fork:?}");
            continue;
        }
        world.push(deposit(tx));
        let outcome = world.run();
        assert!(outcome.receipts[1].success);
        assert_eq!(outcome.transactions[1].gas_used, 0);
    }
}

#[test]
fn every_fee_goes_to_its_vault_and_out_of_the_sender() {
    // E2, E3, E4, E12.
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        world.state.put(L1_BLOCK, 1, &Bytes::new());
        let slots = &mut world.state.accounts.get_mut(&L1_BLOCK).unwrap().1;
        let scalars = U256::from(5_000_u64) << 96 | U256::from(800_000_u64) << 64;
        let operator = U256::from(0x0190_u64) << 192 | U256::from(3_000_000_u64) << 64;
        let operator = operator | U256::from(77_u64);
        for (slot, value) in [
            (1, U256::from(30_000_000_000_u64)),
            (3, scalars),
            (5, U256::from(188)),
            (6, U256::from(684_000)),
            (7, U256::from(1_000_000)),
            (8, operator),
        ] {
            slots.insert(U256::from(slot), value);
        }
        let before = world.balance(ALICE);
        let tx = raw(signed(0, 60_000));
        world.push(tx.clone());
        let outcome = world.run();
        let gas = U256::from(21_000);
        let l1_fee = outcome.transactions[1].l1_fee;
        let data_gas: u64 = tx.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();
        let bedrock_gas = data_gas + 188 + if fork == Fork::Bedrock { 68 * 16 } else { 0 };
        let per_byte =
            U256::from(16 * 5_000 * 30_000_000_000_u64) + U256::from(800_000_000_000_u64);
        let expected = match fork {
            Fork::Bedrock | Fork::Regolith | Fork::Canyon | Fork::Delta => {
                U256::from(bedrock_gas) * U256::from(30_000_000_000_u64) * U256::from(684_000)
                    / U256::from(1_000_000)
            }
            Fork::Ecotone => U256::from(data_gas) * per_byte / U256::from(16_000_000),
            // A transaction this small has the least size.
            _ => U256::from(100_000_000) * per_byte / U256::from(1_000_000_000_000_u64),
        };
        assert_eq!(l1_fee, expected, "{fork:?}");
        let operator = OperatorFee { scalar: 3_000_000, constant: 77 };
        let operator_fee = match fork {
            Fork::Jovian | Fork::Karst | Fork::Lagoon => operator.fee(21_000, true),
            Fork::Isthmus => operator.fee(21_000, false),
            _ => U256::ZERO,
        };
        assert_eq!(world.balance(SEQUENCER_FEE_VAULT), gas * U256::from(2), "{fork:?}");
        assert_eq!(world.balance(BASE_FEE_VAULT), gas * U256::from(BASE_FEE), "{fork:?}");
        assert_eq!(world.balance(L1_FEE_VAULT), l1_fee, "{fork:?}");
        assert_eq!(world.balance(OPERATOR_FEE_VAULT), operator_fee, "{fork:?}");
        let paid = gas * U256::from(BASE_FEE + 2) + l1_fee + operator_fee;
        assert_eq!(before - world.balance(ALICE), paid, "{fork:?}");
    }
}

#[test]
fn headers_have_the_fields_of_their_fork() {
    // E5, E7.
    let no_requests = b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        world.state.put(MESSAGE_PASSER, 1, &Bytes::new());
        let slots = &mut world.state.accounts.get_mut(&MESSAGE_PASSER).unwrap().1;
        slots.insert(U256::from(1), U256::from(1));
        let root = Memory::root_of(slots);
        let header = world.run().header;
        let has = |wanted| fork >= wanted;
        let zero = has(Fork::Ecotone).then_some(0);
        assert_eq!((header.blob_gas_used, header.excess_blob_gas), (zero, zero), "{fork:?}");
        let withdrawals = if has(Fork::Isthmus) { root } else { alloy_trie::EMPTY_ROOT_HASH };
        assert_eq!(header.withdrawals_root, has(Fork::Canyon).then_some(withdrawals), "{fork:?}");
        assert_eq!(header.requests_hash, has(Fork::Isthmus).then_some(no_requests), "{fork:?}");
        // Zero parameters are written out as the constants of Canyon.
        let extra = match fork {
            _ if has(Fork::Jovian) => bytes!("01000000fa000000060000000000000007"),
            _ if has(Fork::Holocene) => bytes!("00000000fa00000006"),
            _ => Bytes::new(),
        };
        assert_eq!(header.extra_data, extra, "{fork:?}");
        assert_eq!(header.base_fee_per_gas, Some(BASE_FEE), "{fork:?}");
        assert_eq!((header.number, header.difficulty), (6, U256::ZERO), "{fork:?}");
    }
}

#[test]
fn system_calls_reach_their_contract_and_nothing_else() {
    // E8.
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        world.state.put(BEACON_ROOTS, 0, &STORE_WORD);
        world.state.put(HISTORY_STORAGE, 0, &STORE_WORD);
        let parent_hash = world.sealed_parent().hash();
        let outcome = world.run();
        let root = if fork >= Fork::Ecotone { U256::from_be_bytes([0xbe; 32]) } else { U256::ZERO };
        let hash = if fork >= Fork::Isthmus { parent_hash.into() } else { U256::ZERO };
        assert_eq!(world.slot(BEACON_ROOTS, 0), root, "{fork:?}");
        assert_eq!(world.slot(HISTORY_STORAGE, 0), hash, "{fork:?}");
        let known = [BEACON_ROOTS, HISTORY_STORAGE, BOB];
        let strangers: Vec<_> =
            outcome.changes.iter().filter(|it| !known.contains(&it.address)).collect();
        assert!(strangers.is_empty(), "{fork:?}: {strangers:?}");
    }
}

/// An address by its number.
fn precompile(number: u16) -> Address {
    Address::with_last_byte((number & 0xff) as u8) | Address::from_word(U256::from(number).into())
}

#[test]
fn pairings_take_as_many_bytes_as_their_fork_allows() {
    // E9: 586 pairs are 112,512 bytes, 427 are 81,984, 300 are 57,600.
    for fork in Fork::ALL {
        let limit = match fork {
            Fork::Karst | Fork::Lagoon => 300,
            Fork::Jovian => 427,
            Fork::Granite | Fork::Holocene | Fork::Isthmus => 586,
            _ => 601,
        };
        for (pairs, fits) in [(limit, true), (limit + 1, limit == 601)] {
            let input = vec![0; pairs * 192].into();
            let (success, _) = World::new(fork).call(precompile(8), 28_000_000, input);
            assert_eq!(success, fits, "{fork:?}: {pairs} pairs");
        }
    }
}

#[test]
fn p256verify_and_modexp_cost_what_their_fork_says() {
    // E9, E10: an empty P256VERIFY fails to verify but is paid; 1-byte MODEXP has the least price.
    for fork in Fork::ALL {
        if fork == Fork::Bedrock {
            continue; // Deposits there always pay their limit.
        }
        let p256 = match fork {
            Fork::Karst | Fork::Lagoon => 6900,
            _ if fork >= Fork::Fjord => 3450,
            _ => 0,
        };
        let (success, gas) = World::new(fork).call(precompile(0x100), 100_000, Bytes::new());
        assert_eq!((success, gas), (true, 21_000 + p256), "{fork:?}");

        let lengths = |modulus: u64| {
            let words = [0_u64, 0, modulus].map(|it| U256::from(it).to_be_bytes::<32>());
            Bytes::from(words.concat())
        };
        for (modulus, before, after) in [
            (1_u64, Some(200), Some(500)),
            (1024, Some(5461), Some(32_768)),
            (1025, Some(5547), None),
        ] {
            let input = lengths(modulus);
            let tokens: u64 = input.iter().map(|it| if *it == 0 { 1 } else { 4 }).sum();
            // EIP-7623: from Isthmus calldata has a least price.
            let floor = if fork >= Fork::Isthmus { 21_000 + tokens * 10 } else { 0 };
            let price = if fork >= Fork::Karst { after } else { before };
            let result = World::new(fork).call(precompile(5), 100_000, input);
            let expected = price
                .map_or((false, 100_000), |price| (true, floor.max(21_000 + tokens * 4 + price)));
            assert_eq!(result, expected, "{fork:?}: modulus of {modulus}");
        }
    }
}

/// Call data for MODEXP: base and modulus of so many bytes, all of them 0xff.
fn modexp(length: u64, exponent: &[u8]) -> Bytes {
    let lengths = [length, exponent.len() as u64, length];
    let mut input = lengths.map(|it| U256::from(it).to_be_bytes::<32>()).concat();
    let operand = vec![0xff; length as usize];
    input.extend([&operand, exponent, &operand].concat());
    input.into()
}

#[test]
fn modexp_costs_what_the_examples_of_its_eips_cost() {
    // E10: the table of EIP-7883, and EIP-2565 before Karst. What follows the exponent does not count.
    for (length, exponent, before, after) in [
        (64, &[2][..], 200, 500),
        (64, &[3], 200, 500),
        (64, &[1, 0, 1], 341, 2048),
        (128, &[2], 200, 512),
        (128, &[1, 0, 1], 1365, 8192),
        (256, &[2], 341, 2048),
        (256, &[1, 0, 1], 5461, 32_768),
        (512, &[3], 1365, 8192),
        (512, &[1, 0, 1], 21_845, 131_072),
        (1024, &[2], 5461, 32_768),
        (1024, &[1, 0, 1], 87_381, 524_288),
        (1, &[0xff; 32], 680 / 8, 4080),
        (32, &[0xff; 33], 1402, 4336),
    ] {
        for fork in [Fork::Regolith, Fork::Ecotone, Fork::Jovian, Fork::Karst] {
            let input = modexp(length, exponent);
            let zeros = input.iter().filter(|it| **it == 0).count() as u64;
            let tokens = zeros + (input.len() as u64 - zeros) * 4;
            let floor = if fork >= Fork::Isthmus { 21_000 + tokens * 10 } else { 0 };
            let price = if fork >= Fork::Karst { after } else { before.max(200) };
            let result = World::new(fork).call(precompile(5), 1_000_000, input);
            let expected = floor.max(21_000 + tokens * 4 + price);
            assert_eq!(result, (true, expected), "{fork:?}: {length} bytes to {exponent:?}");
        }
    }
}

#[test]
fn karst_takes_modexp_operands_of_up_to_1024_bytes() {
    // E10 (EIP-7823): each of the three.
    for operand in 0..3 {
        for (length, fits) in [(1024_u64, true), (1025, false)] {
            let mut lengths = [1_u64; 3];
            lengths[operand] = length;
            let input = lengths.map(|it| U256::from(it).to_be_bytes::<32>()).concat();
            let (success, gas) = World::new(Fork::Karst).call(precompile(5), 500_000, input.into());
            assert_eq!(success, fits, "operand {operand} of {length} bytes");
            assert_eq!(gas == 500_000, !fits, "operand {operand} of {length} bytes");
        }
    }
}

#[test]
fn clz_counts_as_in_the_examples_of_its_eip() {
    // E10 (EIP-7939).
    let one = U256::from(1);
    for (value, zeros) in [
        (U256::ZERO, 256),
        (one << 255, 0),
        (U256::MAX, 0),
        (one << 254, 1),
        (U256::MAX >> 1, 1),
        (one, 255),
    ] {
        let mut world = World::new(Fork::Karst);
        // Call data, CLZ, stored in slot 0.
        world.state.put(CONTRACT, 0, &bytes!("6000351e60005500"));
        world.call(CONTRACT, 100_000, Bytes::from(value.to_be_bytes::<32>()));
        assert_eq!(world.slot(CONTRACT, 0), U256::from(zeros), "{value:#x}");
    }
}

#[test]
fn a_creation_beyond_its_balance_counts_its_nonce() {
    // E1: before Regolith too, where the machine below has no error for it.
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        let value = U256::from(101);
        world.push(deposit(TxDeposit { to: TxKind::Create, mint: 100, value, ..blank() }));
        let outcome = world.run();
        assert!(!outcome.receipts[1].success, "{fork:?}");
        assert_eq!(outcome.transactions[1].gas_used, 100_000, "{fork:?}");
        assert_eq!(world.balance(BOB), U256::from(100), "{fork:?}");
        assert_eq!(world.state.accounts[&BOB].0.nonce, 2, "{fork:?}");
    }
}

#[test]
fn karst_caps_the_gas_of_transactions_but_not_of_deposits() {
    // E10 (EIP-7825).
    for fork in Fork::ALL {
        let cap = 1 << 24;
        for (limit, fits) in [(cap, true), (cap + 1, fork < Fork::Karst)] {
            let mut world = World::new(fork);
            world.push(raw(signed(0, limit)));
            match world.try_run() {
                Ok(_) => assert!(fits, "{fork:?}"),
                Err(Error::Invalid(Invalid::Transaction { index: 1, .. })) => {
                    assert!(!fits, "{fork:?}");
                }
                Err(error) => panic!("{fork:?}: {error}"),
            }
        }
        assert!(World::new(fork).call(BOB, cap + 1, Bytes::new()).0, "{fork:?}");
    }
}

#[test]
fn instructions_are_those_of_the_fork() {
    // E10: CLZ of 1. E11: BLOBBASEFEE is 1. Canyon: PUSH0, here before a 9.
    for (code, since, value) in [
        (bytes!("60011e60005500"), Fork::Karst, 255),
        (bytes!("4a60005500"), Fork::Ecotone, 1),
        (bytes!("5f50600960005500"), Fork::Canyon, 9),
    ] {
        for fork in Fork::ALL {
            let mut world = World::new(fork);
            world.state.put(CONTRACT, 0, &code);
            let (success, _) = world.call(CONTRACT, 100_000, Bytes::new());
            assert_eq!(success, fork >= since, "{fork:?}: {code}");
            let expected = if success { value } else { 0 };
            assert_eq!(world.slot(CONTRACT, 0), U256::from(expected), "{fork:?}: {code}");
        }
    }
}

#[test]
fn transactions_of_unknown_types_name_their_place() {
    // E11: blobs (0x03) are refused by every fork; 0x04 comes with Isthmus.
    for fork in Fork::ALL {
        for bytes in [bytes!("03c0"), bytes!("05c0"), bytes!(""), bytes!("02"), bytes!("c0")] {
            let mut world = World::new(fork);
            world.push(bytes.clone());
            let error = world.try_run().expect_err("nothing of this is a transaction");
            assert!(matches!(error, Error::Invalid(Invalid::Transaction { index: 1, .. })));
            assert!(error.to_string().contains("transactions[1]"), "{error}");
        }
    }
}

#[test]
fn canyon_sets_the_create2_deployer_in_its_first_block_only() {
    // E14. The code hash is the specification's.
    let hash = b256!("b0550b5b431e30d38000efb7107aaa0ade03d48a7198a140edda9d27134468b2");
    for (canyon, is_set) in [(11, false), (12, true), (13, false)] {
        let mut world = World::new(Fork::Regolith);
        world.config.forks.canyon = Some(canyon);
        if canyon <= 12 {
            world.attributes.withdrawals = Some(Vec::new());
        }
        world.run();
        let account = world.state.accounts.get(&CREATE2_DEPLOYER).map(|(account, _)| *account);
        let code_hash = account.map_or(KECCAK256_EMPTY, |account| account.code_hash);
        assert_eq!(code_hash == hash, is_set, "canyon at {canyon}: {code_hash}");
    }
}

#[test]
fn from_holocene_bad_transactions_leave_the_deposits() {
    // D14.
    for fork in Fork::ALL {
        let mut world = World::new(fork);
        world.push(bytes!("03c0"));
        let parent = world.sealed_parent();
        let result = execute_or_deposits_only(
            &world.config,
            &parent,
            &world.attributes,
            &mut world.state,
            &mut SignedByAlice,
        );
        match result {
            Ok((outcome, Some(Invalid::Transaction { index: 1, .. }))) => {
                assert!(fork >= Fork::Holocene);
                assert_eq!(outcome.receipts.len(), 1);
                let alone = World::new(fork).run();
                assert_eq!(outcome.header.hash(), alone.header.hash(), "{fork:?}");
            }
            Err(Error::Invalid(Invalid::Transaction { index: 1, .. })) => {
                assert!(fork < Fork::Holocene, "{fork:?}");
            }
            other => panic!("{fork:?}: {other:?}"),
        }
    }
}

#[test]
fn from_jovian_the_footprint_is_the_blob_gas_and_is_limited() {
    // E6: three transactions of the least size, 100 bytes at 400 gas each.
    for fork in Fork::ALL.into_iter().filter(|fork| *fork >= Fork::Jovian) {
        for (gas_limit, footprint) in [(GAS_LIMIT, Some(120_000)), (1_120_000, None)] {
            let mut world = World::new(fork);
            world.attributes.gas_limit = gas_limit;
            let data = if footprint.is_some() { 0 } else { 9_000 };
            for nonce in 0..3 {
                let mut tx = signed(nonce, 200_000);
                // Bytes without repetition, so that they do not compress.
                let noise = (0..data / 32_u64).flat_map(|it| keccak256(it.to_be_bytes()).0);
                tx.input = noise.collect();
                tx.gas_limit = if footprint.is_some() { 30_000 } else { 380_000 };
                if footprint.is_none() && nonce > 0 {
                    break;
                }
                world.push(raw(tx));
            }
            match (world.try_run(), footprint) {
                (Ok(outcome), Some(footprint)) => {
                    assert_eq!(outcome.header.blob_gas_used, Some(footprint), "{fork:?}");
                }
                (Err(Error::Invalid(Invalid::DaFootprint { gas_limit: limit, .. })), None) => {
                    assert_eq!(limit, gas_limit);
                }
                (other, _) => panic!("{fork:?}: {other:?}"),
            }
        }
    }
}
