//! What a call is answered with when it fails: geth's codes and words.
//!
//! Start with [`RpcError`].
//!
//! **Invariant:** an internal fault never carries more than its own text: no paths, no state.

use alloy_primitives::{Bytes, hex};
use jsonrpsee::types::ErrorObjectOwned;
use serde_json::Value;
use std::fmt;

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// JSON-RPC error code.
    pub code: i32,
    /// For people; clients match some of these texts.
    pub message: String,
    /// More about it, in the form the code prescribes.
    pub data: Option<Value>,
}

/// geth's code for everything that has none of its own.
pub(crate) const SERVER: i32 = -32000;
const INVALID_PARAMS: i32 = -32602;
const METHOD_NOT_FOUND: i32 = -32601;
const INTERNAL: i32 = -32603;
const REVERTED: i32 = 3;

impl RpcError {
    /// Any code.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    /// The call cannot be answered.
    pub fn server(message: impl Into<String>) -> Self {
        Self::new(SERVER, message)
    }

    /// A parameter does not fit.
    pub fn params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// A fault of this server.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(INTERNAL, message.to_string())
    }

    /// This chain does not offer the method.
    pub fn unsupported(method: &str) -> Self {
        let message = format!("the method {method} does not exist/is not available");
        Self::new(METHOD_NOT_FOUND, message)
    }

    /// The EVM reverted with this data.
    pub fn reverted(output: &Bytes) -> Self {
        let message = match revert_reason(output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".to_owned(),
        };
        Self { code: REVERTED, message, data: Some(hex::encode_prefixed(output).into()) }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

impl std::error::Error for RpcError {}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code, error.message, error.data)
    }
}

/// `Error(string)` and `Panic(uint256)`, as Solidity encodes them.
fn revert_reason(output: &Bytes) -> Option<String> {
    const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
    const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];
    let (selector, words) = output.split_first_chunk::<4>()?;
    match *selector {
        ERROR => error_text(words),
        PANIC => Some(panic_text(words.get(..32)?)),
        _ => None,
    }
}

fn error_text(words: &[u8]) -> Option<String> {
    let offset = length(words.get(..32)?)?;
    let tail = words.get(offset..)?;
    let text = tail.get(32..)?.get(..length(tail.get(..32)?)?)?;
    String::from_utf8(text.to_vec()).ok()
}

/// A word that is a length or an offset.
fn length(word: &[u8]) -> Option<usize> {
    let (high, low) = word.split_last_chunk::<8>()?;
    high.iter().all(|byte| *byte == 0).then_some(())?;
    usize::try_from(u64::from_be_bytes(*low)).ok()
}

fn panic_text(word: &[u8]) -> String {
    let text = match length(word) {
        Some(0x00) => "generic panic",
        Some(0x01) => "assert(false)",
        Some(0x11) => "arithmetic underflow or overflow",
        Some(0x12) => "division or modulo by zero",
        Some(0x21) => "enum overflow",
        Some(0x22) => "invalid encoded storage byte array accessed",
        Some(0x31) => "out-of-bounds array access; popping on an empty array",
        Some(0x32) => "out-of-bounds access of an array or bytesN",
        Some(0x41) => "out of memory",
        Some(0x51) => "uninitialized function",
        _ => return format!("unknown panic code: 0x{}", hex::encode(word).trim_start_matches('0')),
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: &str, message: &str) {
        let error = RpcError::reverted(&output.parse().unwrap());
        assert_eq!(error.message, message);
        assert_eq!((error.code, error.data), (3, Some(output.into())));
    }

    #[test]
    fn a_revert_tells_its_reason_and_data() {
        check("0x", "execution reverted");
        check("0x08c379a0", "execution reverted");
        check(
            "0x08c379a000000000000000000000000000000000000000000000000000000000000000200000000000\
             000000000000000000000000000000000000000000000000000002686900000000000000000000000000\
             0000000000000000000000000000000000",
            "execution reverted: hi",
        );
        check(
            "0x4e487b710000000000000000000000000000000000000000000000000000000000000011",
            "execution reverted: arithmetic underflow or overflow",
        );
        check(
            "0x4e487b7100000000000000000000000000000000000000000000000000000000000000ff",
            "execution reverted: unknown panic code: 0xff",
        );
    }
}
