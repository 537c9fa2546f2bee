//! Stages up to Granite.

pub(crate) mod batches;
pub(crate) mod channels;
