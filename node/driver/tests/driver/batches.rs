//! A batcher for tests: L2 blocks as batches in calldata, signed as the recorded batcher.
//!
//! **Invariant:** what it makes is what the protocol says; what a test spoils, it spoils itself.

use alloy_consensus::{
    Eip658Value, Receipt, ReceiptEnvelope, ReceiptWithBloom, SignableTransaction, TxEip1559,
    TxEnvelope,
};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256};
use k256::ecdsa::SigningKey;
use opal_engine::Engine;
use opal_types::{
    Batch, ChainConfig, ChannelId, Compression, DEPOSIT_EVENT, EpochPosition, Frame, SingularBatch,
    compress_channel, encode_frames,
};
use std::ops::RangeInclusive;

/// Key of a recorded account.
pub(crate) fn key(index: u16) -> SigningKey {
    let mut bytes = [0; 32];
    bytes[30..].copy_from_slice(&(0x1000 + index).to_be_bytes());
    SigningKey::from_slice(&bytes).unwrap()
}

/// A signed transaction, EIP-2718 encoded.
pub(crate) fn sign(transaction: TxEip1559, key: &SigningKey) -> Bytes {
    let hash = transaction.signature_hash();
    let (signature, recovery) = key.sign_prehash_recoverable(hash.as_slice()).unwrap();
    let signature = Signature::from((signature, recovery));
    TxEnvelope::from(transaction.into_signed(signature)).encoded_2718().into()
}

/// A receipt of success, as type 2.
fn receipt(logs: Vec<Log>) -> Bytes {
    let receipt = Receipt { status: Eip658Value::Eip658(true), cumulative_gas_used: 1, logs };
    let receipt = ReceiptEnvelope::Eip1559(ReceiptWithBloom::from(receipt));
    receipt.encoded_2718().into()
}

/// An L1 transaction to the inbox, with its receipt.
pub(crate) fn inbox_transaction(config: &ChainConfig, data: Vec<u8>, nonce: u64) -> (Bytes, Bytes) {
    let transaction = TxEip1559 {
        chain_id: config.l1_chain_id,
        nonce,
        gas_limit: 1_000_000,
        max_fee_per_gas: 1,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(config.batch_inbox),
        value: U256::ZERO,
        input: data.into(),
        ..TxEip1559::default()
    };
    (sign(transaction, &key(1)), receipt(Vec::new()))
}

/// The batch of a sequenced block.
pub(crate) fn batch_of(config: &ChainConfig, engine: &Engine, number: u64) -> SingularBatch {
    let block = engine.block_by_number(number).unwrap().unwrap();
    let (header, hash) = (block.header.inner(), block.header.hash());
    let first = &block.transactions[0];
    let EpochPosition { l1_origin, .. } =
        EpochPosition::of_block(config, header, hash, first).unwrap();
    let is_users = |raw: &&Bytes| raw.first() != Some(&0x7e);
    SingularBatch {
        parent_hash: header.parent_hash,
        epoch: l1_origin,
        timestamp: header.timestamp,
        transactions: block.transactions.iter().filter(is_users).cloned().collect(),
    }
}

/// The data of an inbox transaction with one channel that holds these batches.
pub(crate) fn channel_of(batches: impl IntoIterator<Item = SingularBatch>, id: u8) -> Vec<u8> {
    let batches: Vec<_> = batches.into_iter().map(Batch::Singular).collect();
    let channel = compress_channel(&batches, Compression::Zlib);
    encode_frames(&Frame::split(ChannelId([id; 16]), &channel.into(), 100_000).unwrap())
}

/// The batches of sequenced blocks in one transaction.
pub(crate) fn batcher_transaction(
    config: &ChainConfig,
    engine: &Engine,
    numbers: RangeInclusive<u64>,
    nonce: u64,
) -> (Bytes, Bytes) {
    let batches = numbers.map(|number| batch_of(config, engine, number));
    let id = u8::try_from(nonce % 256).unwrap();
    inbox_transaction(config, channel_of(batches, id), nonce)
}

/// An L1 transaction that deposits to an account.
pub(crate) fn deposit_transaction(config: &ChainConfig, to: Address, nonce: u64) -> (Bytes, Bytes) {
    let transaction = TxEip1559 {
        chain_id: config.l1_chain_id,
        nonce,
        gas_limit: 1_000_000,
        to: TxKind::Call(config.deposit_contract),
        ..TxEip1559::default()
    };
    // Mint, value, gas limit, no creation, no data.
    let mut opaque =
        [U256::from(1_000), U256::from(1_000)].map(|it| it.to_be_bytes::<32>()).concat();
    opaque.extend(100_000_u64.to_be_bytes());
    opaque.push(0);
    let mut data = U256::from(32).to_be_bytes::<32>().to_vec();
    data.extend(U256::from(opaque.len()).to_be_bytes::<32>());
    opaque.resize(opaque.len().next_multiple_of(32), 0);
    data.extend(opaque);
    let topics = vec![DEPOSIT_EVENT, to.into_word(), to.into_word(), B256::ZERO];
    let log = Log::new_unchecked(config.deposit_contract, topics, data.into());
    (sign(transaction, &key(3)), receipt(vec![log]))
}
