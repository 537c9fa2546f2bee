//! Random blocks.
//!
//! Start with [`block`]: candidates of all kinds are tried one after the other, and the block takes those that fit.
//!
//! **Invariant:** a block is made from the generator's state and the chain's alone.

use super::{
    chain::{BLOCK_TIME, Chain},
    contracts::BURNER,
    deposits,
    l1::L1,
    payload::source,
    rng::Rng,
    signed::{self, Signers},
};
use alloy_primitives::{Bytes, TxKind, U256};
use op_alloy_consensus::TxDeposit;
use opal_execute::{Block, Error, Invalid, RevmCrypto};
use opal_types::{Attributes, BaseFeeParams, Fork};
use std::collections::BTreeMap;

/// What was generated: by kind, how many succeeded, failed and were refused.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) kinds: BTreeMap<&'static str, [u64; 3]>,
    pub(crate) blocks: u64,
}

impl Tally {
    fn count(&mut self, kinds: [&'static str; 2], place: usize) {
        for kind in kinds {
            self.kinds.entry(kind).or_default()[place] += 1;
        }
    }

    /// All counts of one place; each transaction is counted as what it is and as what it does.
    pub(crate) fn sum(&self, place: usize) -> u64 {
        self.kinds.values().map(|it| it[place]).sum::<u64>() / 2
    }
}

/// A block, and one that nobody may accept if there was a transaction for it.
pub(crate) struct Generated {
    pub(crate) attributes: Attributes,
    pub(crate) refused: Option<Attributes>,
}

/// A transaction that may fit: what it is, what it does, its bytes.
pub(crate) struct Candidate {
    pub(crate) kind: &'static str,
    pub(crate) what: &'static str,
    pub(crate) raw: Bytes,
}

/// What the generator is expected to come up with, as the tally names it.
pub(crate) const KINDS: [&str; 26] = [
    "access list",
    "call a special contract",
    "call what was created",
    "create",
    "create from a contract",
    "deposit below the intrinsic gas",
    "deposit of more than there is",
    "deposit of the system",
    "deposit that burns",
    "deposit that calls",
    "deposit that creates",
    "deposit that mints much",
    "deposit with little gas",
    "destroy",
    "dynamic fee",
    "legacy",
    "log",
    "precompile",
    "precompile from a contract",
    "read the block",
    "run a random program",
    "send a message",
    "set code",
    "transfer",
    "write and clear",
    "fill the block",
];

/// Gas limits, from one that few transactions fit to the limit of Bedrock's chains.
const GAS_LIMITS: [u64; 5] = [3_000_000, 8_000_000, 15_000_000, 30_000_000, 60_000_000];
/// EIP-1559 parameters of Holocene, some of them edges.
const EIP1559: [(u32, u32); 9] =
    [(0, 0), (0, 0), (250, 6), (50, 2), (8, 2), (1, 1), (1, 3), (u32::MAX, 6), (250, 1000)];
const MIN_BASE_FEES: [u64; 6] = [0, 1, 7, 1_000_000, 1_000_000_000, 3_000_000_000];

/// The next block of the chain.
pub(crate) fn block(rng: &mut Rng, chain: &Chain, tally: &mut Tally) -> Generated {
    let mut attributes = chain.attributes();
    let time = attributes.timestamp;
    attributes.gas_limit = rng.pick(&GAS_LIMITS);
    attributes.prev_randao = source(rng);
    attributes.parent_beacon_block_root = attributes.parent_beacon_block_root.map(|_| source(rng));
    if rng.one_in(8) {
        attributes.fee_recipient = signed::poor().address;
    }
    if attributes.eip1559.is_some() && rng.one_in(3) {
        let (denominator, elasticity) = rng.pick(&EIP1559);
        attributes.eip1559 = Some(BaseFeeParams { denominator, elasticity });
    }
    if attributes.min_base_fee.is_some() {
        attributes.min_base_fee = Some(rng.pick(&MIN_BASE_FEES));
    }
    let l1 = L1::random(rng);
    let number = chain.head.number + 1;
    let first = l1.deposit(&chain.config.forks, number, time, time - BLOCK_TIME);
    let mut kinds = vec![["deposit of the system", "l1 attributes"]];
    attributes.transactions = vec![first];
    let refused = fill(rng, chain, &mut attributes, &mut kinds, tally);
    level(rng, chain, &mut attributes, &mut kinds);
    // Far above the footprint's limit (E6) there are fewer transactions.
    let outcome = loop {
        match chain.over_memory(&attributes) {
            Ok((outcome, _)) => break outcome,
            Err(Error::Invalid(Invalid::DaFootprint { .. })) => {
                attributes.transactions.pop();
                kinds.pop();
            }
            Err(error) => panic!("{}, block {number}: {error}", chain.name),
        }
    };
    for (kind, receipt) in kinds.iter().zip(&outcome.receipts) {
        tally.count(*kind, usize::from(!receipt.success));
    }
    tally.blocks += 1;
    Generated { attributes, refused }
}

/// Adds transactions; gives attributes with one that was refused.
fn fill(
    rng: &mut Rng,
    chain: &Chain,
    attributes: &mut Attributes,
    kinds: &mut Vec<[&'static str; 2]>,
    tally: &mut Tally,
) -> Option<Attributes> {
    let fork = chain.config.forks.at(attributes.timestamp);
    let only_deposits = chain.config.activates(Fork::Jovian, attributes.timestamp);
    let mut state = chain.state.clone();
    let mut crypto = RevmCrypto;
    let mut block =
        Block::begin(&chain.config, &chain.head, attributes, &mut state, &mut crypto).unwrap();
    block.push(&attributes.transactions[0]).unwrap();
    let mut signers = Signers::new(chain, attributes.timestamp);
    let mut refused = None;
    let deposits = rng.below(5);
    let others = if only_deposits || rng.one_in(9) { 0 } else { rng.below(14) };
    for index in 0..deposits + others {
        let Candidate { kind, what, raw } = if index < deposits {
            deposits::random(rng, fork, &signers)
        } else {
            signers.random(rng)
        };
        match block.push(&raw) {
            Ok(()) => {
                signers.accepted(&raw);
                kinds.push([kind, what]);
                attributes.transactions.push(raw);
            }
            Err(Error::Invalid(Invalid::Transaction { .. })) => {
                tally.count([kind, what], 2);
                refused = Some(attributes.clone());
                refused.as_mut()?.transactions.push(raw);
            }
            Err(error) => panic!("{}, block {}: {error}", chain.name, chain.head.number + 1),
        }
    }
    refused
}

/// Sometimes a last deposit burns gas up to the target, one above or below it, or to the limit (E5).
fn level(
    rng: &mut Rng,
    chain: &Chain,
    attributes: &mut Attributes,
    kinds: &mut Vec<[&'static str; 2]>,
) {
    if !rng.one_in(3) {
        return;
    }
    let Ok((outcome, _)) = chain.over_memory(attributes) else { return };
    let elasticity = attributes.eip1559.filter(|it| !it.is_zero()).map_or(6, |it| it.elasticity);
    let target = attributes.gas_limit / u64::from(elasticity);
    let goal = rng.pick(&[target, target, target + 1, target - 1, attributes.gas_limit]);
    let Some(gas_limit) = goal.checked_sub(outcome.header.gas_used) else { return };
    if goal > attributes.gas_limit || gas_limit < 21_000 {
        return;
    }
    let burn = TxDeposit { to: TxKind::Call(BURNER), gas_limit, ..deposits::blank(rng) };
    kinds.push(["deposit that burns", "fill the block"]);
    attributes.transactions.push(deposits::raw(burn));
}

/// Call data of pairs of words.
pub(crate) fn words(values: &[u64]) -> Bytes {
    values.iter().flat_map(|it| U256::from(*it).to_be_bytes::<32>()).collect()
}
