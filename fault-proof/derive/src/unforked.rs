//! Stages and rules that every fork shares.

pub(crate) mod attributes;
pub(crate) mod batch_rules;
pub(crate) mod channel;
pub(crate) mod channel_reader;
pub(crate) mod open_span;
pub(crate) mod origins;
pub(crate) mod pipeline;
pub(crate) mod receipts;
pub(crate) mod retrieval;
pub(crate) mod traversal;
