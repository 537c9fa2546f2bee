//! Hints (F5): what the program tells the host before it asks for a pre-image.
//!
//! On the wire a hint is `name 0xHEX`. Names and payloads are declared once, in [`HintKind`].
//!
//! **Invariant:** a hint never changes what the program computes, only what the host can fetch in time.

use alloc::{string::String, vec::Vec};
use alloy_primitives::hex;

macro_rules! hints {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What a hint announces.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum HintKind { $($(#[$doc])* $kind,)* }

        impl HintKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The word on the wire.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

hints! {
    /// L1 block hash (32).
    L1BlockHeader = "l1-block-header",
    /// L1 block hash (32).
    L1Transactions = "l1-transactions",
    /// L1 block hash (32).
    L1Receipts = "l1-receipts",
    /// Blob's versioned hash (32) and timestamp (8).
    L1Blob = "l1-blob",
    /// Precompile address (20), required gas (8), input.
    L1Precompile = "l1-precompile-v2",
    /// L2 block hash (32), chain id (8).
    L2BlockHeader = "l2-block-header",
    /// L2 block hash (32), chain id (8).
    L2Transactions = "l2-transactions",
    /// L2 block hash (32), chain id (8).
    L2Receipts = "l2-receipts",
    /// Code hash (32), chain id (8).
    L2Code = "l2-code",
    /// Hash of a state-trie node (32), chain id (8).
    L2StateNode = "l2-state-node",
    /// Output root (32), chain id (8).
    L2Output = "l2-output",
    /// Parent block hash (32) and payload attributes: everything the block's execution reads.
    L2PayloadWitness = "l2-payload-witness",
    /// Block number (8), address (20), chain id (8).
    L2AccountProof = "l2-account-proof",
    /// Agreed block hash (32), block hash (32), chain id (8).
    L2BlockData = "l2-block-data",
}

/// A hint with its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What is announced.
    pub kind: HintKind,
    /// See [`HintKind`] for the shape.
    pub payload: Vec<u8>,
}

impl Hint {
    /// A hint whose payload is these parts, one after the other.
    pub fn new(kind: HintKind, parts: &[&[u8]]) -> Self {
        Self { kind, payload: parts.concat() }
    }

    /// The text that goes over the wire.
    pub fn encode(&self) -> String {
        let mut text = String::from(self.kind.name());
        text.push(' ');
        text.push_str(&hex::encode_prefixed(&self.payload));
        text
    }

    /// Reads a hint; the `0x` may be missing, as older clients leave it out.
    pub fn decode(text: &str) -> Result<Self, HintError> {
        let (name, payload) = text.split_once(' ').ok_or(HintError::NoPayload)?;
        let kind = HintKind::ALL.iter().copied().find(|kind| kind.name() == name);
        let kind = kind.ok_or_else(|| HintError::UnknownName { name: name.into() })?;
        let payload = hex::decode(payload).map_err(|_| HintError::PayloadNotHex { kind })?;
        Ok(Self { kind, payload })
    }
}

/// Why a text is not a hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HintError {
    /// There is no space in the text.
    #[error("hint has no payload: expected `name 0xHEX`")]
    NoPayload,
    /// No such hint.
    #[error("hint `{name}` is unknown")]
    UnknownName {
        /// The word found.
        name: String,
    },
    /// The payload is not hex.
    #[error("payload of hint `{}` is not hex", kind.name())]
    PayloadNotHex {
        /// The hint's kind.
        kind: HintKind,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hint_survives_the_wire() {
        for kind in HintKind::ALL {
            let hint = Hint::new(*kind, &[&[1, 2], &[3]]);
            assert_eq!(Hint::decode(&hint.encode()), Ok(hint));
        }
    }

    #[test]
    fn a_payload_without_prefix_is_read_too() {
        let hint = Hint::decode("l2-code 0102").unwrap();
        assert_eq!(hint, Hint::new(HintKind::L2Code, &[&[1, 2]]));
    }

    #[test]
    fn damaged_hints_say_what_is_wrong() {
        assert_eq!(Hint::decode("l2-code"), Err(HintError::NoPayload));
        assert_eq!(Hint::decode("l3 00"), Err(HintError::UnknownName { name: "l3".into() }));
        let kind = HintKind::L2Code;
        assert_eq!(Hint::decode("l2-code zz"), Err(HintError::PayloadNotHex { kind }));
    }
}
