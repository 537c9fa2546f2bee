//! What a node's words about a transaction mean.
//!
//! **Invariant:** words that are not known are no verdict about the transaction: it is tried again.

use crate::{RpcCause, RpcError, error::Class};

/// What became of a transaction that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The node has it, or had it before.
    Taken,
    /// Its nonce is used up.
    NonceTooLow,
    /// There is another one with its nonce that pays as much.
    Underpriced,
    /// It pays less than the chain asks for.
    FeeTooLow,
    /// The account has transactions of the other kind pending (blobs or none): one kind at a time.
    OtherKind,
    /// The account cannot pay.
    Funds(String),
    /// The proofs of its blobs are of the other kind.
    OtherProofs,
    /// It will never be taken.
    Never(String),
    /// Not now, or the node could not be asked.
    Later(String),
}

/// What some words mean.
type Meaning = (fn(String) -> Answer, &'static [&'static str]);

/// Words of geth, op-geth, reth, nethermind, besu, erigon and anvil, lower case; the first that fits decides.
const WORDS: [Meaning; 8] = [
    (
        |_| Answer::Taken,
        &[
            "already known",
            "known transaction",
            "alreadyknown",
            "already imported",
            "already exists",
            "transaction already in",
        ],
    ),
    (
        |_| Answer::OtherKind,
        &[
            "already reserved",
            "blob tx in the pool",
            "pending blob",
            "existing transaction had type",
        ],
    ),
    (
        |_| Answer::OtherProofs,
        &[
            "sidecar version",
            "unexpected eip-4844",
            "unexpected eip-7594",
            "cell proof",
            "blob sidecar",
        ],
    ),
    (
        |_| Answer::NonceTooLow,
        &["nonce too low", "noncetoolow", "old nonce", "nonce is too low", "invalid nonce"],
    ),
    (
        |_| Answer::Underpriced,
        &["replacement", "already in the pool with the same nonce", "replacenotallowed"],
    ),
    (
        |_| Answer::FeeTooLow,
        &[
            "underpriced",
            "fee cap less than block base fee",
            "less than block base fee",
            "less than the block base fee",
            "less than block blob gas price",
            "blob gas fee cap",
            "max fee per blob gas",
            "feetoolow",
            "gas price too low",
            "tip cap",
            "below current base fee",
        ],
    ),
    (Answer::Funds, &["insufficient funds", "insufficient balance", "insufficientfunds"]),
    (
        Answer::Never,
        &[
            "intrinsic gas",
            "exceeds block gas limit",
            "gas limit too high",
            "gas limit is too high",
            "oversized data",
            "max initcode size",
            "invalid chain id",
            "chain id mismatch",
            "type not supported",
            "exceeds the configured cap",
            "too many blobs",
            "blob limit exceeded",
            "floor data gas",
            "transaction gas limit",
        ],
    ),
];

impl Answer {
    pub(crate) fn of(sent: &Result<(), RpcError>) -> Self {
        let error = match sent {
            Ok(()) => return Self::Taken,
            Err(error) => error,
        };
        let RpcCause::Answered(answered) = &*error.cause else {
            return Self::Later(error.to_string());
        };
        let message = answered.message.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match WORDS.iter().find(|(_, words)| says(words)) {
            Some((answer, _)) => answer(answered.message.clone()),
            None if Class::of(answered) == Class::Missing => Self::Never(answered.to_string()),
            None => Self::Later(answered.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorObject;

    #[track_caller]
    fn check(message: &str, wanted: Answer) {
        let answered = ErrorObject { code: -32000, message: message.to_owned(), data: None };
        let error = RpcError {
            method: "eth_sendRawTransaction".to_owned(),
            endpoint: "node".to_owned(),
            cause: Box::new(RpcCause::Answered(answered)),
        };
        assert_eq!(Answer::of(&Err(error)), wanted, "{message}");
    }

    #[test]
    fn nodes_say_why_they_do_not_take_a_transaction() {
        check("already known", Answer::Taken);
        check("Known transaction", Answer::Taken);
        check("transaction already imported", Answer::Taken);
        check("nonce too low: next nonce 5, tx nonce 4", Answer::NonceTooLow);
        check("replacement transaction underpriced", Answer::Underpriced);
        check(
            "replacement transaction underpriced: new tx gas fee cap 1 <= 2 queued",
            Answer::Underpriced,
        );
        check("transaction underpriced: tip needed 1, tip permitted 0", Answer::FeeTooLow);
        check("max fee per gas less than block base fee: address 0xab", Answer::FeeTooLow);
        check("address already reserved", Answer::OtherKind);
        check("unexpected eip-4844 sidecar after osaka", Answer::OtherProofs);
        check("invalid sidecar version 0, want 1", Answer::OtherProofs);
        let words = "intrinsic gas too low: gas 1, minimum needed 21000";
        check(words, Answer::Never(words.to_owned()));
        let words = "insufficient funds for gas * price + value: balance 0, tx cost 1";
        check(words, Answer::Funds(words.to_owned()));
        check("txpool is full", Answer::Later("txpool is full (code -32000)".to_owned()));
        check("something new", Answer::Later("something new (code -32000)".to_owned()));
    }
}
