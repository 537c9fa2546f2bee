//! Random blocks.
//!
//! Start with [`block`].
//!
//! **Invariant:** a block is made from the generator's state and the chain's alone.

use super::{
    asm::init_code,
    chain::{BLOCK_TIME, CHAIN_ID, Chain, KEYS},
    contracts::*,
    keys::Key,
    l1::L1,
    rng::Rng,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, TxKind, U256};
use opal_types::Attributes;

const TARGETS: [Address; 8] = [WRITER, READER, LOGGER, FACTORY, REVERTER, SUICIDE, PROBE, MIRROR];

/// The next block.
pub(crate) fn block(rng: &mut Rng, chain: &Chain) -> Attributes {
    let mut attributes = chain.attributes();
    let number = chain.head.number + 1;
    let l1 = L1::random(rng);
    let time = attributes.timestamp;
    attributes.transactions.push(l1.deposit(&chain.config.forks, number, time, time - BLOCK_TIME));
    for key in (0..KEYS).map(Key::new) {
        let nonce = chain.state.accounts[&key.address].0.nonce;
        let tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: rng.between(100_000, 1_000_000),
            max_fee_per_gas: 1 << 60,
            max_priority_fee_per_gas: 3,
            to: TxKind::Call(rng.pick(&TARGETS)),
            value: U256::ZERO,
            access_list: Default::default(),
            input: init_code(&[], &rng.bytes(64)),
        };
        if !chain.config.activates(opal_types::Fork::Jovian, time) {
            attributes.transactions.push(key.sign(tx));
        }
    }
    attributes
}
