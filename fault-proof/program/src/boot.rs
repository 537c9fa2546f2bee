//! What the dispute game fixes about a claim: the local keys of row F4.
//!
//! Start with [`Boot`]. Keys 6 and 7, the configs, are for development: no game serves them, and only an image
//! without a chain set reads them.
//!
//! **Invariant:** reading and serving share one table of keys, so the two cannot drift apart.

use crate::{Oracle, PreimageKey, Undetermined};
use alloc::string::ToString;
use alloy_primitives::{B256, Bytes};
use opal_types::{ChainConfig, ChainSet, L1Config};

const L1_HEAD: u64 = 1;
const AGREED_OUTPUT_ROOT: u64 = 2;
const CLAIMED_OUTPUT_ROOT: u64 = 3;
const CLAIMED_NUMBER: u64 = 4;
const CHAIN_ID: u64 = 5;
const ROLLUP_CONFIG: u64 = 6;
const L1_CONFIG: u64 = 7;

/// The question: is this the output root of that block?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boot {
    /// Newest L1 block that counts.
    pub l1_head: B256,
    /// Output root that both sides agree on.
    pub agreed_output_root: B256,
    /// Output root in question.
    pub claimed_output_root: B256,
    /// Height of the block in question.
    pub claimed_number: u64,
    /// The L2 chain.
    pub chain_id: u64,
}

impl Boot {
    /// Reads the five local keys.
    pub fn read(oracle: &mut impl Oracle) -> Result<Self, Undetermined> {
        Ok(Self {
            l1_head: word(oracle, L1_HEAD, "L1 head")?.into(),
            agreed_output_root: word(oracle, AGREED_OUTPUT_ROOT, "agreed output root")?.into(),
            claimed_output_root: word(oracle, CLAIMED_OUTPUT_ROOT, "claimed output root")?.into(),
            claimed_number: u64::from_be_bytes(word(oracle, CLAIMED_NUMBER, "claimed number")?),
            chain_id: u64::from_be_bytes(word(oracle, CHAIN_ID, "chain id")?),
        })
    }

    /// The same as keys and values, for whoever serves them.
    pub fn locals(&self) -> [(PreimageKey, Bytes); 5] {
        let word =
            |number, value: &[u8]| (PreimageKey::local(number), Bytes::copy_from_slice(value));
        [
            word(L1_HEAD, self.l1_head.as_slice()),
            word(AGREED_OUTPUT_ROOT, self.agreed_output_root.as_slice()),
            word(CLAIMED_OUTPUT_ROOT, self.claimed_output_root.as_slice()),
            word(CLAIMED_NUMBER, &self.claimed_number.to_be_bytes()),
            word(CHAIN_ID, &self.chain_id.to_be_bytes()),
        ]
    }
}

/// Keys 6 and 7 with their values: what a host of an image without a chain set serves.
pub fn development_locals(config: &ChainConfig, l1: &L1Config) -> [(PreimageKey, Bytes); 2] {
    [
        (PreimageKey::local(ROLLUP_CONFIG), config.to_rlp().into()),
        (PreimageKey::local(L1_CONFIG), l1.to_rlp().into()),
    ]
}

/// The configs of the chain in question: from the image's chain set, or from the host where the image has none.
pub(crate) fn configs(
    boot: &Boot,
    chain_set: &[u8],
    oracle: &mut impl Oracle,
) -> Result<(ChainConfig, L1Config), Undetermined> {
    let unknown = Undetermined::UnknownChain { chain_id: boot.chain_id };
    if chain_set.is_empty() {
        let config = local(oracle, ROLLUP_CONFIG, "rollup config", ChainConfig::from_rlp)?;
        let l1 = local(oracle, L1_CONFIG, "L1 config", L1Config::from_rlp)?;
        return if config.l2_chain_id == boot.chain_id { Ok((config, l1)) } else { Err(unknown) };
    }
    let set = ChainSet::from_rlp(chain_set).map_err(Undetermined::ChainSet)?;
    let config = set.chain(boot.chain_id).ok_or(unknown)?;
    Ok((config.clone(), set.l1().clone()))
}

fn local<T>(
    oracle: &mut impl Oracle,
    number: u64,
    what: &str,
    decode: impl Fn(&[u8]) -> alloy_rlp::Result<T>,
) -> Result<T, Undetermined> {
    let key = PreimageKey::local(number);
    let what = || what.to_string();
    let bytes = oracle.read(key).map_err(|_| Undetermined::Absent { key, what: what() })?;
    decode(&bytes).map_err(|_| Undetermined::Malformed { key, what: what() })
}

fn word<const N: usize>(
    oracle: &mut impl Oracle,
    number: u64,
    what: &str,
) -> Result<[u8; N], Undetermined> {
    local(oracle, number, what, |bytes| {
        bytes.try_into().map_err(|_| alloy_rlp::Error::UnexpectedLength)
    })
}
