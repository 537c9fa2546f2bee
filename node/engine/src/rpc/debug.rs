//! The `debug` namespace: raw bytes, witnesses and traces.
//!
//! Start with the table; [`raw`], [`witness`] and [`trace`] hold the methods.
//!
//! **Invariant:** nothing here changes the chain.

mod bounded;
mod forms;
mod raw;
mod trace;
mod witness;

use super::Table;
use jsonrpsee::core::RegisterMethodError;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    raw::list(table)?;
    witness::list(table)?;
    trace::list(table)
}
