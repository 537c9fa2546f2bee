//! The VM against itself: fast against single steps on random programs, hostile files, errors that change nothing.
//!
//! **Invariant:** seeded: every failure comes back with the same seed.

use crate::common::{Answers, Captured, runner};
use opal_mips::{
    Cause, Io, OracleError, PreimageOracle, Scalar, Silent, State, Stop, Until, Vm, VmError,
};
use proptest::prelude::*;
use std::sync::Arc;

pub(crate) const CODE: u64 = 0x1_0000;
pub(crate) const DATA: u64 = 0x20_0000;

/// Words that are mostly instructions: plain ones, loads and stores near `DATA`, short branches, some noise.
fn instruction() -> impl Strategy<Value = u32> {
    let plain = prop::sample::select(vec![
        0x00, 0x02, 0x03, 0x04, 0x06, 0x07, 0x0a, 0x0b, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x16,
        0x17, 0x18, 0x19, 0x1c, 0x1d, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b,
        0x2c, 0x2d, 0x2e, 0x2f, 0x38, 0x3a, 0x3b, 0x3c, 0x3e, 0x3f,
    ]);
    let special = (plain, any::<u32>()).prop_map(|(code, bits)| bits << 6 & 0x03ff_ffc0 | code);
    let immediate = (0x08_u32..=0x0f, any::<u32>()).prop_map(|(code, bits)| code << 26 | bits >> 6);
    let memory = vec![
        0x1a_u32, 0x1b, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b,
        0x2c, 0x2d, 0x2e, 0x30, 0x34, 0x37, 0x38, 0x3c, 0x3f,
    ];
    // Base register 29 or 28: data or the code itself.
    let memory = (prop::sample::select(memory), 0_u32..32, any::<bool>(), any::<i16>());
    let memory = memory.prop_map(|(code, rt, data, offset)| {
        let base = if data { 29 } else { 28 };
        code << 26 | base << 21 | rt << 16 | u32::from((offset & 0x7ff).cast_unsigned())
    });
    // Those that are executed in pairs come often enough to stand side by side.
    let paired = prop::sample::select(vec![
        0x00, 0x14, 0x16, 0x23, 0x24, 0x25, 0x26, 0x2b, 0x2d, 0x2f, 0x38,
    ]);
    let paired = (paired, any::<u32>()).prop_map(|(code, bits)| bits << 6 & 0x03ff_ffc0 | code);
    let paired_memory = vec![0x19_u32, 0x23, 0x24, 0x28, 0x37, 0x3f];
    let paired_memory =
        (prop::sample::select(paired_memory), 0_u32..28, any::<bool>(), any::<u8>());
    let paired_memory = paired_memory.prop_map(|(code, rt, data, offset)| {
        let base = if data { 29 } else { 28 };
        code << 26 | base << 21 | rt << 16 | u32::from(offset) << 2
    });
    let branch = (4_u32..=7, any::<u16>(), -20_i16..20).prop_map(|(code, registers, distance)| {
        code << 26 | u32::from(registers & 0x3ff) << 16 | u32::from(distance.cast_unsigned())
    });
    prop_oneof![
        60 => special,
        40 => immediate,
        60 => memory,
        60 => paired,
        60 => paired_memory,
        8 => branch,
        1 => Just(0x0000_000c_u32),
        1 => any::<u32>(),
    ]
}

/// A state with a program, registers that make sense to it, and at times a second thread.
fn random_state() -> impl Strategy<Value = State> {
    let code = prop::collection::vec(instruction(), 64..200);
    let registers = prop::array::uniform32(prop_oneof![any::<u64>(), 0_u64..64]);
    let system_call = prop::sample::select(vec![
        5000_u64, 5001, 5009, 5023, 5034, 5178, 5194, 5222, 5313, 5055, 5058, 5011, 9999,
    ]);
    (code, registers, system_call, 0_u64..200_000, any::<bool>()).prop_map(
        |(code, mut registers, call, since, second)| {
            let mut state = State::initial(CODE);
            // Around the code lies more of it, so that jumps out of it are met too.
            for (index, word) in code.iter().cycle().take(1100).enumerate() {
                let address = CODE + 4 * index as u64;
                let shift = if address & 4 == 0 { 32 } else { 0 };
                let around = state.memory.word(address) & !(0xffff_ffff << shift);
                assert!(state.memory.set_word(address, around | u64::from(*word) << shift));
            }
            registers[2] = call;
            registers[28] = CODE;
            registers[29] = DATA;
            registers[31] = CODE + 16;
            state.left[0].registers = registers;
            state.scalars.steps_since_switch = since;
            state.scalars.preimage_key[31] = 1;
            if second {
                let mut thread = state.left[0].clone();
                thread.id = 1;
                thread.registers[29] = DATA + 64;
                state.right.push(thread);
                state.scalars.next_thread_id = 2;
            }
            state
        },
    )
}

/// What remains of a VM after a number of steps: its witness, its content, and how it ended.
fn content(vm: &mut Vm) -> Vec<u8> {
    let mut bytes = vm.witness().0.to_vec();
    vm.state().write(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_fast_loop_equals_single_steps_at_any_stop() {
    let mut runner = runner(300);
    let stops = prop::collection::vec(1_u64..200, 1..6);
    runner
        .run(&(random_state(), stops), |(state, stops)| {
            let mut fast = Vm::new(state.clone());
            let mut slow = Vm::new(state);
            let (mut left, mut right) =
                (Answers::Counting { length: 20 }, Answers::Counting { length: 20 });
            for stop in stops {
                let until = Until { step: fast.step_count() + stop, preimage: false };
                let mut io = Io { oracle: &mut left, output: &mut Silent };
                let fast_end = fast.run(until, &mut io).map_err(|it| it.to_string());
                let mut io = Io { oracle: &mut right, output: &mut Silent };
                let slow_end = loop {
                    if slow.state().scalars.exited {
                        break Ok(Stop::Exited);
                    }
                    if slow.step_count() == until.step {
                        break Ok(Stop::Step);
                    }
                    if let Err(error) = slow.step(&mut io) {
                        break Err(error.to_string());
                    }
                };
                prop_assert_eq!(&fast_end, &slow_end);
                prop_assert!(
                    content(&mut fast) == content(&mut slow),
                    "states differ at {:?}",
                    until
                );
                if fast_end != Ok(Stop::Step) {
                    break;
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_step_of_a_random_program_is_proven_by_replay() {
    let mut runner = runner(60);
    runner
        .run(&random_state(), |state| {
            let mut vm = Vm::new(state);
            let mut oracle = Answers::Counting { length: 20 };
            for _ in 0..30 {
                let mut io = Io { oracle: &mut oracle, output: &mut Silent };
                let Ok(proof) = vm.step_with_proof(&mut io) else { break };
                prop_assert_eq!(proof.verify(), Ok(()));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_flipped_byte_in_a_proof_is_never_believed() {
    let mut runner = runner(200);
    let case = (random_state(), 0_usize..6090, 1_u8..=255);
    runner
        .run(&case, |(state, place, flip)| {
            let mut io = Io { oracle: &mut Answers::Counting { length: 20 }, output: &mut Silent };
            let Ok(proof) = Vm::new(state).step_with_proof(&mut io) else { return Ok(()) };
            let mut forged = proof.clone();
            forged.proof_data[place] ^= flip;
            // Slots that the step does not use are ignored, as on chain: then nothing else may change.
            let after =
                opal_mips::replay(&forged.state_data, &forged.proof_data, proof.preimage.as_ref());
            if let Ok(after) = after {
                prop_assert_eq!(after.hash(), proof.post);
            }
            Ok(())
        })
        .unwrap();
}

/// An oracle that is down at first.
struct Moody {
    failures: u32,
}

impl PreimageOracle for Moody {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        self.read([0; 32]).map(drop)
    }

    fn read(&mut self, _key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        if self.failures > 0 {
            self.failures -= 1;
            return Err("down".into());
        }
        Ok(Arc::from([1, 2, 3].as_slice()))
    }
}

/// A state in front of a system call.
fn calling(arguments: [u64; 4]) -> State {
    let mut state = State::initial(CODE);
    state.memory.set_word(CODE, 0x0000_000c_0000_0000);
    let [number, a0, a1, a2] = arguments;
    let registers = &mut state.left[0].registers;
    (registers[2], registers[4], registers[5], registers[6]) = (number, a0, a1, a2);
    state
}

#[test]
fn the_second_word_of_a_clock_at_the_end_of_memory_is_the_first_of_all() {
    for address in [u64::MAX, u64::MAX - 1, u64::MAX - 7, u64::MAX - 8, DATA] {
        let mut vm = Vm::new(calling([5222, 1, address, 0]));
        let mut io = Io { oracle: &mut Answers::Silent, output: &mut Silent };
        let proof = vm.step_with_proof(&mut io).unwrap();
        assert_eq!(proof.verify(), Ok(()), "{address:#x}");
    }
}

#[test]
fn an_oracle_error_stops_the_run_and_changes_nothing() {
    let mut hinting = calling([5001, 4, DATA, 8]);
    hinting.memory.set_word(DATA, 0x0000_0004_6162_6364);
    for state in [calling([5000, 5, DATA, 8]), hinting] {
        let mut vm = Vm::new(state);
        let before = content(&mut vm);
        let mut oracle = Moody { failures: 1 };
        let mut io = Io { oracle: &mut oracle, output: &mut Silent };
        let until = Until { step: 1, preimage: false };
        match vm.run(until, &mut io) {
            Err(VmError::Oracle { step: 0, source }) => assert_eq!(source.to_string(), "down"),
            other => panic!("{other:?}"),
        }
        assert!(content(&mut vm) == before, "the failed step left a trace");
        let mut io = Io { oracle: &mut oracle, output: &mut Silent };
        assert_eq!(vm.run(until, &mut io).unwrap(), Stop::Step);
    }
}

#[test]
fn a_huge_write_is_refused_before_it_is_carried() {
    let mut output = Captured::default();
    for descriptor in [1, 2, 4] {
        let mut vm = Vm::new(calling([5001, descriptor, DATA, u64::MAX]));
        let mut io = Io { oracle: &mut Answers::Silent, output: &mut output };
        let end = vm.step(&mut io);
        assert!(
            matches!(end, Err(VmError::WriteTooLong { step: 0, bytes: u64::MAX, .. })),
            "{end:?}"
        );
    }
}

#[test]
fn a_run_stops_behind_a_preimage_read_if_told() {
    let mut vm = Vm::new(calling([5000, 5, DATA, 8]));
    let mut io = Io { oracle: &mut Answers::Counting { length: 20 }, output: &mut Silent };
    let until = Until { step: 100, preimage: true };
    assert_eq!(vm.run(until, &mut io).unwrap(), Stop::Preimage);
    let read = vm.last_preimage().unwrap();
    assert_eq!((read.offset, read.value.len(), vm.step_count()), (0, 20, 1));
    assert_eq!(vm.stats().num_preimage_requests, 1);
    vm.step(&mut io).unwrap();
    assert_eq!(vm.last_preimage(), None);
}

/// Runs a loop of ten rounds that counts in r8, and whose first round rewrites an instruction with r10.
fn check_rewritten(program: &[u32], rewritten: u64) {
    let mut state = State::initial(CODE);
    for (index, pair) in program.chunks(2).enumerate() {
        let value = u64::from(pair[0]) << 32 | u64::from(pair[1]);
        state.memory.set_word(CODE + 8 * index as u64, value);
    }
    let registers = &mut state.left[0].registers;
    (registers[9], registers[10], registers[28]) = (10, rewritten, CODE);
    let mut vm = Vm::new(state);
    let mut io = Io { oracle: &mut Answers::Silent, output: &mut Silent };
    assert_eq!(vm.run(Until { step: 1000, preimage: false }, &mut io).unwrap(), Stop::Exited);
    assert_eq!(vm.state().scalars.exit_code, 1 + 9 * 2);
}

#[test]
fn code_that_changes_itself_runs_as_changed() {
    // addiu r8, r8, 1 becomes addiu r8, r8, 2 in the second round of a loop.
    let program = [
        0x2508_0001, // loop: addiu r8, r8, 1
        0xaf8a_0000, //       sw r10, 0(r28)
        0x2529_ffff, //       addiu r9, r9, -1
        0x1520_fffc, //       bne r9, r0, loop
        0,
        0x3402_1455, //       ori r2, r0, 5205
        0x0100_2025, //       or r4, r8, r0
        0x0000_000c, //       syscall
    ];
    check_rewritten(&program, 0x2508_0002);
}

#[test]
fn the_second_of_a_pair_runs_as_changed() {
    // The word's first half is a pair's second: the instruction in front lies in another word.
    let program = [
        0x2529_ffff, // loop: addiu r9, r9, -1
        0x656b_0000, //       daddiu r11, r11, 0
        0x6508_0001, //       daddiu r8, r8, 1
        0xaf8a_0008, //       sw r10, 8(r28)
        0x1520_fffb, //       bne r9, r0, loop
        0,
        0x3402_1455, //       ori r2, r0, 5205
        0x0100_2025, //       or r4, r8, r0
        0x0000_000c, //       syscall
        0,
    ];
    check_rewritten(&program, 0x6508_0002);
}

#[test]
fn a_state_without_threads_is_an_exception() {
    let mut vm = Vm::new(State::default());
    let mut io = Io { oracle: &mut Answers::Silent, output: &mut Silent };
    for end in [
        vm.run(Until { step: 1, preimage: false }, &mut io).map(drop),
        vm.step(&mut io),
        vm.step_with_proof(&mut io).map(drop),
    ] {
        let no_thread = matches!(&end, Err(VmError::Exception(it)) if it.cause == Cause::NoThread && it.step == 0);
        assert!(no_thread, "{end:?}");
    }
}

#[test]
fn memory_is_proven_the_same_whether_hashed_at_once_or_bit_by_bit() {
    let mut runner = runner(20);
    let stores = prop::collection::vec((any::<u64>(), any::<u64>(), any::<bool>()), 1..40);
    runner
        .run(&stores, |stores| {
            let mut bitwise = State::default();
            let mut at_once = State::default();
            for (address, value, near) in &stores {
                let address = if *near { DATA + (address & 0xffff) } else { *address };
                bitwise.memory.set_word(address, *value);
                bitwise.memory.root(&Scalar);
                at_once.memory.set_word(address, *value);
            }
            prop_assert_eq!(bitwise.memory.root(&Scalar), at_once.memory.root(&Scalar));
            Ok(())
        })
        .unwrap();
}

#[cfg(feature = "serde")]
#[test]
fn a_step_in_json_has_the_fields_of_the_go_peer_in_its_order() {
    let mut vm = Vm::new(calling([5000, 5, DATA, 8]));
    let mut io = Io { oracle: &mut Answers::Counting { length: 1 }, output: &mut Silent };
    let json = serde_json::to_string(&vm.step_with_proof(&mut io).unwrap()).unwrap();
    let keys = ["step", "pre", "post", "state-data", "proof-data", "oracle-key", "oracle-value"];
    let places: Vec<_> = keys.iter().map(|it| json.find(&format!("\"{it}\":")).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(json.starts_with("{\"step\":0,\"pre\":\"0x03"));
    assert!(json.ends_with("\"oracle-value\":\"0x000000000000000100\"}"), "offset 0 is left out");
}
