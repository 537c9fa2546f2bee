//! Damaged inputs of a block: every flip and every missing record ends in a verdict that can be defended.
//!
//! **Invariant:** "valid" is said only of the block that the chain has; what is absent is named by its key; nothing
//! panics, in the VM or outside of it. Random cases are seeded: a failure comes back.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use alloy_primitives::{B256, keccak256};
use opal_execute::RevmCrypto;
use opal_harness::{Vectors, guest_image};
use opal_host::{PreimageFile, Report, Verdict, execute, execute_in_vm};
use opal_program::{BlockTask, PreimageKey};
use opal_types::read::BlockFixture;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Runs natively and in the VM, in this order.
const NATIVE_CASES: u32 = 3000;
const VM_CASES: u32 = 60;

/// One block as the two files that the user gives.
#[derive(Clone)]
struct Input {
    fixture: Vec<u8>,
    preimages: Vec<u8>,
}

impl Input {
    fn open(vectors: &Vectors) -> Self {
        for file in vectors.files() {
            vectors.path(&file);
        }
        Self {
            fixture: vectors.bytes("op-sepolia-blocks/block-26207960.fixture.json"),
            preimages: vectors.bytes("op-sepolia-blocks/block-26207960.preimages.bin"),
        }
    }

    fn task(&self) -> Option<BlockTask> {
        let BlockFixture { config, parent, attributes, expected_hash } =
            BlockFixture::from_json(&self.fixture).ok()?;
        Some(BlockTask { config, parent, attributes, expected_hash })
    }

    /// `None` if a file cannot be read: `opal execute` then says undetermined and names the place.
    fn decide(&self, image: Option<&[u8]>) -> Option<Report> {
        let task = self.task()?;
        let file = PreimageFile::parse(self.preimages.clone().into()).ok()?;
        Some(match image {
            None => execute(&task, &file, &mut RevmCrypto),
            Some(image) => execute_in_vm(image, &task, &file, &mut RevmCrypto, &mut |_| {}),
        })
    }

    /// Ranges of the records' bytes, lengths not included.
    fn records(&self) -> Vec<std::ops::Range<usize>> {
        let (mut ranges, mut at) = (Vec::new(), 0);
        while at < self.preimages.len() {
            let length = u32::from_be_bytes(self.preimages[at..at + 4].try_into().unwrap());
            ranges.push(at + 4..at + 4 + length as usize);
            at += 4 + length as usize;
        }
        ranges
    }

    fn without(&self, record: &std::ops::Range<usize>) -> Self {
        let mut input = self.clone();
        input.preimages.drain(record.start - 4..record.end);
        input
    }
}

/// The key that reads the record.
fn key_of(record: &[u8]) -> B256 {
    PreimageKey::keccak(keccak256(record)).0
}

/// What may be said of `damaged`, which was `original`.
fn defend(original: &Input, damaged: &Input, report: &Report) -> Result<(), TestCaseError> {
    match &report.verdict {
        Verdict::Valid => {
            let (before, after) = (original.task().unwrap(), damaged.task().unwrap());
            // Of the config only what this block reads decides; the rest may say anything.
            prop_assert_eq!(before.parent, after.parent);
            prop_assert_eq!(before.attributes, after.attributes);
            prop_assert_eq!(before.expected_hash, after.expected_hash);
            prop_assert_eq!(report.computed_hash, Some(after.expected_hash));
        }
        Verdict::Invalid { field, reason } => {
            prop_assert!(!field.is_empty() && !reason.is_empty(), "{report:?}");
            prop_assert_ne!(&original.fixture, &damaged.fixture, "blames {} {}", field, reason);
        }
        Verdict::Undetermined { reason, missing_key } => {
            prop_assert!(missing_key.is_some(), "{reason}");
        }
    }
    Ok(())
}

/// Places in the two files taken as one, and the bits to flip there; half of them lie in the fixture.
fn flips(input: &Input) -> impl Strategy<Value = Vec<(usize, u8)>> + use<> {
    let (fixture, whole) = (input.fixture.len(), input.fixture.len() + input.preimages.len());
    let place = prop_oneof![0..fixture, fixture..whole];
    // A single bit keeps much of the text readable.
    let bits = prop_oneof![(0_u32..8).prop_map(|bit| 1_u8 << bit), 1..=u8::MAX];
    prop::collection::vec((place, bits), 1..4)
}

fn check_flips(image: Option<&[u8]>, cases: u32) {
    let Some(vectors) = Vectors::for_test("damage::smallest_block") else { return };
    let original = Input::open(&vectors);
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
    );
    let run = runner.run(&flips(&original), |flips| {
        let mut damaged = original.clone();
        for (place, bits) in flips {
            match place.checked_sub(damaged.fixture.len()) {
                None => damaged.fixture[place] ^= bits,
                Some(place) => damaged.preimages[place] ^= bits,
            }
        }
        let report = damaged.decide(image);
        report.map_or(Ok(()), |report| defend(&original, &damaged, &report))
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    vectors.finish();
}

#[test]
fn no_flipped_byte_gives_a_wrong_verdict() {
    check_flips(None, NATIVE_CASES);
}

#[test]
fn no_flipped_byte_gives_a_wrong_verdict_in_the_vm() {
    let Some(image) = guest_image("opal-guest", "damage::vm") else { return };
    check_flips(Some(&image), VM_CASES);
}

/// Damages records, all or every `step`-th, in the two ways that leave the file readable.
fn check_records(image: Option<&[u8]>, step: usize) {
    let Some(vectors) = Vectors::for_test("damage::smallest_block") else { return };
    let original = Input::open(&vectors);
    let (mut valid, mut undetermined) = (0, 0);
    for record in original.records().into_iter().step_by(step) {
        let key = key_of(&original.preimages[record.clone()]);
        let removed = original.without(&record);
        let mut flipped = original.clone();
        if let Some(byte) = flipped.preimages[record].last_mut() {
            *byte ^= 0x40;
        }
        let verdicts = [removed, flipped].map(|it| it.decide(image).unwrap().verdict);
        assert_eq!(verdicts[0], verdicts[1]);
        match &verdicts[0] {
            Verdict::Valid => valid += 1,
            Verdict::Undetermined { missing_key, reason } => {
                assert_eq!(*missing_key, Some(key), "{reason}");
                undetermined += 1;
            }
            Verdict::Invalid { field, reason } => panic!("{key}: invalid {field}: {reason}"),
        }
    }
    assert!(undetermined > 0, "{valid} records were not read");
    vectors.finish();
}

#[test]
fn a_removed_or_flipped_preimage_is_named_by_its_key_unless_it_is_never_read() {
    check_records(None, 1);
}

#[test]
fn a_removed_or_flipped_preimage_stops_the_vm_and_is_named_by_its_key() {
    let Some(image) = guest_image("opal-guest", "damage::vm") else { return };
    check_records(Some(&image), 25);
}
