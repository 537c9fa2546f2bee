//! Blocks, transactions, receipts and logs as op-geth and geth write them in JSON.
//!
//! Start with [`block`]. A field that one side lacks is left out, not null, exactly as there.
//!
//! **Invariant:** these forms are only ever written. What others send is read by alloy's types.

mod block;
mod log;
mod receipt;
mod transaction;

pub(crate) use block::{BlockShape, HeaderShape, Transactions, block, header};
pub(crate) use log::{LogShape, Place, log};
pub(crate) use receipt::{ReceiptShape, da_footprint_scalar, receipts};
pub(crate) use transaction::{Included, Transaction, TransactionShape};
