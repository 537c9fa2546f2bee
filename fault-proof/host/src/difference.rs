//! Where a derived chain first differs from the recorded one.
//!
//! Start with [`first_difference`]: blocks by height, in each of them causes before effects, then safe heads.
//!
//! **Invariant:** two blocks with the same hash differ at most in what the hash does not bind.

use crate::{ArchivedBlock, RecordedBlock, RecordedSafeHead, Recording, Replay};
use alloy_consensus::Header;
use alloy_primitives::Bytes;
use opal_derive::L2Head;
use opal_types::{BlockId, ChainConfig};
use serde::Serialize;

/// A field with both its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Height of the L2 block, or of the L1 block whose safe head differs.
    pub number: u64,
    /// What differs, such as `transactions[3]` or `safe_head`.
    pub field: String,
    /// What the recording says.
    pub recorded: String,
    /// What opal derived.
    pub derived: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { number, field, recorded, derived } = self;
        let layer = if field == SAFE_HEAD { "L1" } else { "L2" };
        write!(f, "{layer} block {number}, {field}: recorded {recorded}, derived {derived}")
    }
}

/// Name of the field that is about L1 blocks.
const SAFE_HEAD: &str = "safe_head";

/// Compares everything that was recorded; `None` if all is equal. Where no blocks were recorded there is nothing
/// to compare with.
pub fn first_difference(recording: &Recording, replay: &Replay) -> Option<Difference> {
    let blocks = (!recording.l2.is_empty()).then(|| all_blocks(recording, replay)).flatten();
    blocks.or_else(|| safe_heads(recording, replay))
}

fn all_blocks(recording: &Recording, replay: &Replay) -> Option<Difference> {
    let safe = replay.safe.number;
    let derived = replay.archive.blocks().filter(|it| it.header.number <= safe);
    let derived: std::collections::BTreeMap<_, _> =
        derived.map(|block| (block.header.number, block)).collect();
    let numbers = recording.l2.keys().chain(derived.keys());
    let numbers: std::collections::BTreeSet<_> = numbers.copied().collect();
    numbers.into_iter().find_map(|number| {
        let exists = |is_there: bool| if is_there { "a block" } else { "no block" };
        match (recording.l2.get(&number), derived.get(&number)) {
            (Some(recorded), Some(derived)) => block(&recording.config, recorded, derived),
            (recorded, derived) => {
                difference(number, "block", exists(recorded.is_some()), exists(derived.is_some()))
            }
        }
    })
}

fn difference(
    number: u64,
    field: impl Into<String>,
    recorded: impl ToString,
    derived: impl ToString,
) -> Option<Difference> {
    let (recorded, derived) = (recorded.to_string(), derived.to_string());
    (recorded != derived).then(|| Difference { number, field: field.into(), recorded, derived })
}

fn block(
    config: &ChainConfig,
    recorded: &RecordedBlock,
    derived: &ArchivedBlock,
) -> Option<Difference> {
    let number = recorded.header.number;
    let place = L2Head::reference(config, &derived.l2_block()).ok();
    let origin = place.map_or_else(String::new, |it| text(&it.l1_origin));
    let sequence_number = place.map_or(0, |it| it.sequence_number);
    causes(&recorded.header, &derived.header)
        .or_else(|| difference(number, "l1_origin", text(&recorded.l1_origin), origin))
        .or_else(|| difference(number, "seq", recorded.sequence_number, sequence_number))
        .or_else(|| list(number, "transactions", &recorded.transactions, &derived.transactions))
        .or_else(|| list(number, "receipts", &recorded.receipts, &derived.receipts))
        .or_else(|| {
            let (recorded, derived) = (&recorded.deposit_nonces, &derived.deposit_nonces);
            difference(number, "deposit_nonces", text_of(recorded), text_of(derived))
        })
        .or_else(|| effects(&recorded.header, &derived.header))
        .or_else(|| difference(number, "hash", recorded.header.hash(), derived.header.hash()))
        .or_else(|| {
            let field = "message_passer_storage_root";
            difference(number, field, recorded.message_passer_root, derived.message_passer_root)
        })
        .or_else(|| {
            let output_root = derived.output_root().hash();
            difference(number, "output_root", recorded.output_root, output_root)
        })
}

/// Compares header fields by name.
macro_rules! compare_fields {
    ($name:ident: $($field:ident)+) => {
        fn $name(recorded: &Header, derived: &Header) -> Option<Difference> {
            let number = recorded.number;
            None$(.or_else(|| {
                let values = (&recorded.$field, &derived.$field);
                let is_equal = values.0 == values.1;
                let [recorded, derived] = [values.0, values.1].map(|it| format!("{it:?}"));
                (!is_equal).then(|| Difference {
                    number,
                    field: stringify!($field).into(),
                    recorded,
                    derived,
                })
            }))+
        }
    };
}

compare_fields!(causes: parent_hash number timestamp beneficiary mix_hash gas_limit extra_data
    parent_beacon_block_root base_fee_per_gas);
compare_fields!(effects: state_root gas_used logs_bloom withdrawals_root blob_gas_used
    excess_blob_gas requests_hash difficulty nonce ommers_hash);

/// The first entry that differs.
fn list(number: u64, field: &str, recorded: &[Bytes], derived: &[Bytes]) -> Option<Difference> {
    let entry =
        |list: &[Bytes], index| list.get(index).map_or_else(|| "none".into(), Bytes::to_string);
    (0..recorded.len().max(derived.len())).find_map(|index| {
        let name = format!("{field}[{index}]");
        difference(number, name, entry(recorded, index), entry(derived, index))
    })
}

fn text_of(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}")
}

fn text(block: &BlockId) -> String {
    format!("{} {}", block.number, block.hash)
}

fn safe_heads(recording: &Recording, replay: &Replay) -> Option<Difference> {
    let text = |safe: RecordedSafeHead| match safe {
        Some((l1, l2)) => format!("L2 block {} since L1 block {}", text(&l2), text(&l1)),
        None => "none".into(),
    };
    recording.safe.iter().find_map(|(number, recorded)| {
        let derived = replay.safe_heads.at(*number).map(|(l1, l2)| (*l1, l2.id()));
        difference(*number, SAFE_HEAD, text(*recorded), text(derived))
    })
}
