//! Stages from Holocene on (D13).

pub(crate) mod batches;
pub(crate) mod channels;
pub(crate) mod frames;
