//! Interop messages: a log of one chain that a transaction of another chain relies on (I1-I4, I6).
//!
//! Start with [`Identifier`], which says where a log is, and [`Message`], which adds what it says.
//! [`Message::from_log`] reads one from the event of a transaction that relied on it, [`Access`] is
//! the same fact as it was announced in the transaction's access list. [`unresolved_chains`] tells
//! whose blocks go because messages wait for each other.
//!
//! **Invariant:** plain data, codecs and rules over what is given. Bytes of anybody are read or
//! refused with the reason; nothing is looked up, and nothing reserves more memory than a small
//! multiple of its input.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::std_instead_of_core,
        clippy::too_many_lines
    )
)]

extern crate alloc;

mod access;
mod cycle;
mod executing;
mod identifier;

pub use access::{Access, AccessError, EntryKind, read_access_list};
pub use cycle::{
    LogPlace, Prerequisites, SimultaneousMessage, unresolved_chains, unresolved_messages,
};
pub use executing::{EXECUTING_MESSAGE_EVENT, ExecutingMessageError};
pub use identifier::{Checksum, Identifier, Message, log_hash, payload, payload_hash};

use alloy_primitives::{Address, address};

/// The predeploy that announced messages are checked by: `CrossL2Inbox` (I12).
pub const CROSS_L2_INBOX: Address = address!("4200000000000000000000000000000000000022");
