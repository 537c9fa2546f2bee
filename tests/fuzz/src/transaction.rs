//! L2 transactions: decoding and execution on a state with one account.

use super::{forks, input::Input};
use alloy_consensus::{Header, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Sealable, U256, address, keccak256};
use alloy_rlp::Encodable;
use op_alloy_consensus::TxDeposit;
use opal_execute::{
    Block, Call, Crypto, EMPTY_ROOT, Error, Invalid, Key, RevmCrypto, Signature, StateError,
    TransactionFault, TrieState,
};
use opal_types::{Attributes, ExtraData, Fork};

const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
/// So little that a loop ends soon.
const GAS_LIMIT: u64 = 1_000_000;

/// Every signature is Alice's; precompiles compute.
struct SignedByAlice;

impl Crypto for SignedByAlice {
    fn call(&mut self, call: Call<'_>) -> Result<Option<Bytes>, StateError> {
        RevmCrypto.call(call)
    }

    fn recover(&mut self, _: &B256, _: &Signature) -> Result<Option<Address>, StateError> {
        Ok(Some(ALICE))
    }
}

/// The only node of a state of one account: Alice, who is rich.
fn node() -> Bytes {
    let path = [&[0x20], keccak256(ALICE).as_slice()].concat();
    let account: [&dyn Encodable; 4] =
        [&0_u64, &U256::from(10_u128.pow(30)), &EMPTY_ROOT, &KECCAK256_EMPTY];
    let value = list(&account);
    list(&[&path.as_slice(), &value.as_slice()]).into()
}

fn list(items: &[&dyn Encodable]) -> Vec<u8> {
    let mut out = Vec::new();
    alloy_rlp::encode_list::<&dyn Encodable, dyn Encodable>(items, &mut out);
    out
}

fn parent(fork: Fork, state_root: B256) -> Header {
    let extra = ExtraData {
        params: opal_types::BaseFeeParams { denominator: 250, elasticity: 6 },
        min_base_fee: (fork >= Fork::Jovian).then_some(7),
    };
    Header {
        number: 5,
        timestamp: 10,
        gas_limit: GAS_LIMIT,
        gas_used: GAS_LIMIT / 6,
        base_fee_per_gas: Some(1000),
        extra_data: if fork >= Fork::Holocene { extra.encode() } else { Bytes::new() },
        blob_gas_used: (fork >= Fork::Ecotone).then_some(0),
        state_root,
        ..Header::default()
    }
}

fn attributes(fork: Fork) -> Attributes {
    Attributes {
        timestamp: 12,
        prev_randao: B256::repeat_byte(3),
        fee_recipient: Address::repeat_byte(4),
        withdrawals: (fork >= Fork::Canyon).then(Vec::new),
        parent_beacon_block_root: (fork >= Fork::Ecotone).then_some(B256::repeat_byte(5)),
        transactions: vec![],
        gas_limit: GAS_LIMIT,
        eip1559: (fork >= Fork::Holocene).then(Default::default),
        min_base_fee: (fork >= Fork::Jovian).then_some(7),
    }
}

/// A fork, then transactions with their lengths.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input(data);
    let fork = forks::fork(input.number());
    let config = forks::config(forks::times(fork, 0));
    let node = node();
    let root = keccak256(&node);
    let parent = parent(fork, root).seal_slow();
    let preimages = |key: &Key| (key.hash() == &root).then(|| node.clone());
    let mut state = TrieState::new(preimages, &parent);
    let attributes = attributes(fork);
    let mut crypto = SignedByAlice;
    let block = Block::begin(&config, &parent, &attributes, &mut state, &mut crypto);
    let mut block = block.expect("the block itself is good");
    while let Some(raw) = input.piece() {
        let raw = Bytes::copy_from_slice(raw);
        let pushed = block.push(&raw);
        // BLOCKHASH asked for what was before this world.
        if matches!(pushed, Err(Error::Missing(Key::Header(_)))) {
            return;
        }
        check(&raw, pushed);
    }
    match block.seal() {
        Ok(outcome) => assert!(outcome.header.gas_used <= GAS_LIMIT),
        // From Jovian the footprint needs an attributes transaction, which the input has not always.
        Err(error) => assert!(matches!(error, Error::Invalid(_)), "{error}"),
    }
}

/// Whether alloy can read it. Its envelope of the OP Stack would take the list of a deposit without a type, too.
fn is_read(raw: &[u8]) -> bool {
    let mut rest = raw;
    let is_good = match raw.first() {
        Some(0x7e) => TxDeposit::decode_2718(&mut rest).is_ok(),
        _ => TxEnvelope::decode_2718(&mut rest).is_ok(),
    };
    is_good && rest.is_empty()
}

/// A transaction that alloy cannot read is not executed, and no transaction makes execution itself fail.
fn check(raw: &Bytes, pushed: Result<(), Error>) {
    let is_read = is_read(raw);
    match pushed {
        Ok(()) => assert!(is_read, "executed, but alloy cannot read it: {raw}"),
        Err(Error::Invalid(Invalid::Transaction { fault, .. })) => {
            let is_form = matches!(fault, TransactionFault::Malformed(_));
            assert!(!(is_form && is_read), "alloy reads it, opal says: {fault}: {raw}");
        }
        Err(error) => panic!("{error}: {raw}"),
    }
}
