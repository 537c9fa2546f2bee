//! Whether a block that is there already is the one that L1 determines (D25).
//!
//! **Invariant:** every field that attributes fix is compared, those of Holocene and Jovian included.

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes};
use opal_types::{Attributes, ChainConfig, ExtraData};

/// The first field in which a block is not what the attributes ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// It builds on another block.
    #[error("parent_hash is {found}, derived is {wanted}")]
    ParentHash {
        /// Hash derived.
        wanted: B256,
        /// Hash found.
        found: B256,
    },
    /// Another number in a field.
    #[error("{field} is {found}, derived is {wanted}")]
    Number {
        /// Name of the field.
        field: &'static str,
        /// Value derived.
        wanted: u64,
        /// Value found.
        found: u64,
    },
    /// Another word in a field.
    #[error("{field} is {found}, derived is {wanted}")]
    Word {
        /// Name of the field.
        field: &'static str,
        /// Value derived.
        wanted: B256,
        /// Value found.
        found: B256,
    },
    /// A field is there that should not be, or the other way round.
    #[error("{field} is there or absent where derived says the opposite")]
    Presence {
        /// Name of the field.
        field: &'static str,
    },
    /// The extra data say other EIP-1559 parameters or another minimum base fee.
    #[error("extra_data says other base fee parameters than derived")]
    ExtraData,
    /// Another transaction.
    #[error("transaction {index} is another one")]
    Transaction {
        /// Its place.
        index: usize,
    },
    /// Another number of transactions.
    #[error("there are {found} transactions, derived are {wanted}")]
    TransactionCount {
        /// Count derived.
        wanted: usize,
        /// Count found.
        found: usize,
    },
}

/// Compares a block with the attributes derived on `parent`.
pub fn consolidate(
    config: &ChainConfig,
    parent: B256,
    attributes: &Attributes,
    (header, transactions): (&Header, &[Bytes]),
) -> Result<(), Difference> {
    if header.parent_hash != parent {
        return Err(Difference::ParentHash { wanted: parent, found: header.parent_hash });
    }
    number("timestamp", attributes.timestamp, header.timestamp)?;
    word("prev_randao", attributes.prev_randao, header.mix_hash)?;
    let address = |it: alloy_primitives::Address| it.into_word();
    word("fee_recipient", address(attributes.fee_recipient), address(header.beneficiary))?;
    number("gas_limit", attributes.gas_limit, header.gas_limit)?;
    presence("withdrawals", attributes.withdrawals.is_some(), header.withdrawals_root.is_some())?;
    let (wanted, found) = (attributes.parent_beacon_block_root, header.parent_beacon_block_root);
    presence("parent_beacon_block_root", wanted.is_some(), found.is_some())?;
    word("parent_beacon_block_root", wanted.unwrap_or_default(), found.unwrap_or_default())?;
    if header.extra_data != extra_data(config, attributes) {
        return Err(Difference::ExtraData);
    }
    same_transactions(&attributes.transactions, transactions)
}

fn number(field: &'static str, wanted: u64, found: u64) -> Result<(), Difference> {
    if wanted == found { Ok(()) } else { Err(Difference::Number { field, wanted, found }) }
}

fn word(field: &'static str, wanted: B256, found: B256) -> Result<(), Difference> {
    if wanted == found { Ok(()) } else { Err(Difference::Word { field, wanted, found }) }
}

const fn presence(field: &'static str, wanted: bool, found: bool) -> Result<(), Difference> {
    if wanted == found { Ok(()) } else { Err(Difference::Presence { field }) }
}

/// The extra data of the block that these attributes give (E5).
fn extra_data(config: &ChainConfig, attributes: &Attributes) -> Bytes {
    let Some(params) = attributes.eip1559 else { return Bytes::new() };
    let constants = || config.base_fee_constants(attributes.timestamp);
    let params = if params.is_zero() { constants() } else { params };
    ExtraData { params, min_base_fee: attributes.min_base_fee }.encode()
}

fn same_transactions(wanted: &[Bytes], found: &[Bytes]) -> Result<(), Difference> {
    if let Some(index) = wanted.iter().zip(found).position(|(wanted, found)| wanted != found) {
        return Err(Difference::Transaction { index });
    }
    let (wanted, found) = (wanted.len(), found.len());
    if wanted == found { Ok(()) } else { Err(Difference::TransactionCount { wanted, found }) }
}
