//! What the tests of the VM share: values of vector files, an oracle, an output.
//!
//! **Invariant:** no expectation lives here.

use opal_mips::{OracleError, Output, PreimageOracle, Stream};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use std::sync::Arc;

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Hex digits with or without 0x.
pub(crate) fn word(digits: &str) -> u64 {
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    u64::from_str_radix(digits, 16).unwrap_or_else(|error| panic!("{digits}: {error}"))
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let digits = text(value);
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let pair = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

pub(crate) fn digest(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

/// An oracle by rule.
#[derive(Clone, Debug)]
pub(crate) enum Answers {
    /// Never asked.
    Silent,
    /// `length` bytes, byte i = last byte of the key + i.
    Counting { length: u8 },
}

impl PreimageOracle for Answers {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        match self {
            Self::Silent => Err("no pre-image here".into()),
            Self::Counting { length } => {
                Ok((0..*length).map(|index| key[31].wrapping_add(index)).collect())
            }
        }
    }
}

/// The same, and the hints it was given.
#[derive(Debug)]
pub(crate) struct Recording {
    answers: Answers,
    pub(crate) hints: Vec<(u64, Vec<u8>)>,
    /// Number of the step that asks, kept by the test.
    pub(crate) step: u64,
}

impl Recording {
    pub(crate) const fn new(answers: Answers) -> Self {
        Self { answers, hints: Vec::new(), step: 0 }
    }
}

impl PreimageOracle for Recording {
    fn hint(&mut self, hint: &[u8]) -> Result<(), OracleError> {
        self.hints.push((self.step, hint.to_vec()));
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        self.answers.read(key)
    }
}

/// Keeps what the guest writes.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Captured {
    pub(crate) fn of(&self, stream: Stream) -> &[u8] {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }
}

impl Output for Captured {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
    }
}

/// A runner with a fixed seed.
pub(crate) fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}
