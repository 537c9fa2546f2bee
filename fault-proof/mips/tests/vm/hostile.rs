//! State files and program files that are cut off, flipped or wrong: an error that says where, never a panic.
//!
//! **Invariant:** seeded: every failure comes back with the same seed.

use crate::{
    common::{Answers, runner},
    properties::{CODE, DATA},
};
use opal_mips::{Io, Silent, State, Stop, Until, Vm, elf, file::ReadError};
use proptest::prelude::*;

fn small_state_file() -> Vec<u8> {
    let mut state = State::initial(CODE);
    state.memory.set_word(CODE, 0x2402_0001_0000_000c);
    state.memory.set_word(DATA, 1);
    state.right.push(state.left[0].clone());
    state.last_hint = vec![0, 0, 0, 9, 1];
    let mut bytes = Vec::new();
    state.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_state_file_with_flipped_bytes_is_a_state_or_an_error() {
    let good = small_state_file();
    let mut runner = runner(2000);
    // Pages are most of the file; the fields around them are what can be wrong.
    let place = prop_oneof![0..20_usize, 4110..4130_usize, 8226..good.len()];
    let flips = prop::collection::vec((place, 1_u8..=255), 1..4);
    runner
        .run(&(flips, 0..good.len() * 4), |(flips, length)| {
            let mut bytes = good.clone();
            for (place, flip) in flips {
                bytes[place] ^= flip;
            }
            bytes.truncate(length);
            if let Ok(state) = State::read(&mut bytes.as_slice()) {
                run_a_little(state);
            }
            Ok(())
        })
        .unwrap();
}

/// Whatever comes out of it: no panic.
fn run_a_little(state: State) {
    let mut vm = Vm::new(state);
    let mut io = Io { oracle: &mut Answers::Counting { length: 20 }, output: &mut Silent };
    let until = Until { step: vm.step_count().saturating_add(1000), preimage: true };
    let _ = vm.run(until, &mut io);
    let _ = vm.step_with_proof(&mut io).map(|proof| proof.verify());
}

#[test]
fn a_state_file_that_is_cut_off_says_where() {
    let good = small_state_file();
    for length in [0, 5, 9, 100, 4113 + 10, good.len() - 300, good.len() - 1] {
        match State::read(&mut &good[..length]) {
            Err(ReadError::Truncated { offset, .. }) => assert!(offset as usize <= length),
            other => panic!("{length}: {other:?}"),
        }
    }
    let mut twice = good.clone();
    twice.copy_within(9..17, 9 + 8 + 4096);
    let found = State::read(&mut twice.as_slice());
    assert!(
        matches!(found, Err(ReadError::DuplicatePage { number: 0x10, offset: 4113 })),
        "{found:?}"
    );
    let found = State::read(&mut [7].as_slice());
    assert!(matches!(found, Err(ReadError::Version { found: 7 })), "{found:?}");
    assert_eq!(State::read(&mut good.as_slice()).unwrap().hash(), {
        let mut again = Vec::new();
        State::read(&mut good.as_slice()).unwrap().write(&mut again).unwrap();
        assert_eq!(again, good);
        State::read(&mut again.as_slice()).unwrap().hash()
    });
}

/// A program of one segment with 16 bytes, 4 of them zeros, and one symbol.
fn small_elf() -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..6].copy_from_slice(b"\x7fELF\x02\x02");
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(18, &8_u16.to_be_bytes());
    put(24, &CODE.to_be_bytes());
    put(32, &64_u64.to_be_bytes());
    put(40, &200_u64.to_be_bytes());
    put(54, &56_u16.to_be_bytes());
    put(56, &1_u16.to_be_bytes());
    put(58, &64_u16.to_be_bytes());
    put(60, &2_u16.to_be_bytes());
    let row = |words: &[u64]| words.iter().flat_map(|it| it.to_be_bytes()).collect::<Vec<_>>();
    bytes.extend(1_u32.to_be_bytes());
    bytes.extend(5_u32.to_be_bytes());
    bytes.extend(row(&[120, CODE, CODE, 12, 16, 4096]));
    bytes.extend([0x24, 0x04, 0, 3, 0x24, 0x02, 0x14, 0x55, 0, 0, 0, 0x0c]);
    bytes.resize(136, 0);
    // Symbols: the empty one and `main`; strings behind them.
    bytes.extend([0; 24]);
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    bytes.extend(row(&[CODE, 12]));
    bytes.extend(b"\0main\0\0\0\0\0\0\0\0\0\0\0");
    // Section headers: the symbol table (its strings in section 1), the strings.
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 2]);
    bytes.extend(row(&[0, 0, 136, 48]));
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    bytes.extend(row(&[8, 24]));
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 3]);
    bytes.extend(row(&[0, 0, 184, 16]));
    bytes.extend([0; 24]);
    bytes
}

#[test]
fn a_small_program_loads_and_exits_with_its_code() {
    let program = elf::load(&small_elf()).unwrap();
    assert_eq!(program.symbols.len(), 1);
    assert_eq!((program.symbols[0].name.as_str(), program.symbols[0].start), ("main", CODE));
    let mut vm = Vm::new(program.state);
    let mut io = Io { oracle: &mut Answers::Silent, output: &mut Silent };
    assert_eq!(vm.run(Until { step: 100, preimage: false }, &mut io).unwrap(), Stop::Exited);
    assert_eq!((vm.step_count(), vm.state().scalars.exit_code), (3, 3));
    assert_eq!(vm.witness().hash()[0], 2);
}

#[test]
fn a_program_file_with_flipped_bytes_is_a_program_or_an_error() {
    let good = small_elf();
    let mut runner = runner(3000);
    // Lengths in memory are left below a page, so that no case fills a gigabyte.
    let place = (0..good.len()).prop_filter("memory size", |it| !(104..110).contains(it));
    let flips = prop::collection::vec((place, 1_u8..=255), 1..4);
    runner
        .run(&(flips, 0..good.len() * 4), |(flips, length)| {
            let mut bytes = good.clone();
            for (place, flip) in flips {
                bytes[place] ^= flip;
            }
            bytes.truncate(length);
            if let Ok(program) = elf::load(&bytes) {
                run_a_little(program.state);
            }
            Ok(())
        })
        .unwrap();
}

#[track_caller]
fn check_elf(change: impl FnOnce(&mut Vec<u8>), expected: &str) {
    let mut bytes = small_elf();
    change(&mut bytes);
    match elf::load(&bytes) {
        Ok(_) => panic!("loaded, instead of: {expected}"),
        Err(error) => assert_eq!(error.to_string(), expected),
    }
}

#[test]
fn a_malformed_program_file_says_what_is_wrong() {
    let kind = "not a 64-bit big-endian MIPS ELF file";
    check_elf(|it| it[4] = 1, &format!("{kind}: class is 0x1, not 0x2"));
    check_elf(|it| it[5] = 1, &format!("{kind}: byte order is 0x1, not 0x2"));
    check_elf(|it| it[19] = 62, &format!("{kind}: machine is 0x3e, not 0x8"));
    check_elf(|it| it.truncate(10), "header at offset 0x12 lies outside the file");
    check_elf(|it| it.truncate(100), "program header at offset 0x60 lies outside the file");
    check_elf(|it| it[78] = 0xff, "segment at offset 0xff78 lies outside the file");
    check_elf(|it| it[103] = 17, "segment 0 has 17 bytes in the file and 16 in memory");
    check_elf(|it| it[67] = 4, "segment 0 has 12 bytes in the file and 16 in memory");
    check_elf(
        |it| it[82] = 0x10,
        "segment 0 at 0x100000010000 with 16 bytes does not end below 0x100000000000",
    );
    check_elf(|it| it[107] = 1, "segments up to 0 ask for more than 1073741824 bytes");
    check_elf(|it| it[61] = 0, "no symbol table");
    check_elf(|it| it[207] = 3, "no symbol table");
}

#[test]
fn state_files_are_found_again_by_their_suffix() {
    let folder = std::env::temp_dir().join(format!("opal-mips-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut state = State::read(&mut small_state_file().as_slice()).unwrap();
    for name in ["state.bin", "state.bin.gz"] {
        let path = folder.join(name);
        opal_mips::file::save(&state, &path).unwrap();
        assert_eq!(opal_mips::file::load(&path).unwrap().hash(), state.hash(), "{name}");
        let zipped = std::fs::read(&path).unwrap().starts_with(&[0x1f, 0x8b]);
        assert_eq!(zipped, name.ends_with("gz"));
    }
    let refused = opal_mips::file::load(&folder.join("state.json")).unwrap_err();
    assert!(refused.to_string().ends_with("only .bin and .bin.gz hold states"), "{refused}");
    std::fs::remove_dir_all(&folder).unwrap();
}
