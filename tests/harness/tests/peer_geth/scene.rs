//! A chain at one fork for the hand-made cases, with a block in the making.
//!
//! Start with [`Scene::run`].
//!
//! **Invariant:** what a case asserts of opal is what op-geth agreed to, up to Jovian.

use super::{
    chain::{BLOCK_TIME, CHAIN_ID, Chain, schedule, times},
    deposits,
    geth::Geth,
    keys::Key,
    l1::L1,
    rng::Rng,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use op_alloy_consensus::TxDeposit;
use opal_execute::{Invalid, Outcome, next_base_fee};
use opal_harness::{peer::go_peer, ran};
use opal_types::{Attributes, Fork};

/// Forks that change execution, oldest first.
pub(crate) const FORKS: [Fork; 10] = [
    Fork::Bedrock,
    Fork::Regolith,
    Fork::Canyon,
    Fork::Ecotone,
    Fork::Fjord,
    Fork::Granite,
    Fork::Holocene,
    Fork::Isthmus,
    Fork::Jovian,
    Fork::Karst,
];

/// A chain and its next block.
pub(crate) struct Scene {
    pub(crate) fork: Fork,
    pub(crate) chain: Chain,
    pub(crate) l1: L1,
    pub(crate) next: Attributes,
    rng: Rng,
}

/// Runs a case on a chain at each of these forks.
#[track_caller]
pub(crate) fn at_each(test: &str, forks: &[Fork], run: impl Fn(&mut Scene)) {
    let test = format!("peer_geth::{test}");
    let mut geth = go_peer("geth", &test).as_deref().map(Geth::start);
    let mut compared = 0;
    for fork in forks {
        let at_genesis = times(|it| (it <= *fork).then_some(0));
        let chain = Chain::new(&format!("{test} at {fork:?}"), at_genesis, &mut geth);
        let mut scene = Scene::new(*fork, chain);
        run(&mut scene);
        compared += scene.chain.compared + scene.chain.refused;
        geth = scene.chain.into_geth();
    }
    ran(&test, &format!("{} forks, {compared} blocks compared with op-geth", forks.len()));
}

/// Runs a case on a chain at each of these forks without op-geth, which is known to be wrong there.
#[track_caller]
pub(crate) fn alone_at_each(test: &str, forks: &[Fork], run: impl Fn(&mut Scene)) {
    for fork in forks {
        let at_genesis = times(|it| (it <= *fork).then_some(0));
        let chain = Chain::new(&format!("peer_geth::{test} at {fork:?}"), at_genesis, &mut None);
        run(&mut Scene::new(*fork, chain));
    }
}

/// Runs a case on a chain that moves from the fork before `fork` to it with its third block.
#[track_caller]
pub(crate) fn across(test: &str, fork: Fork, run: impl Fn(&mut Scene)) {
    let test = format!("peer_geth::{test}");
    let mut geth = go_peer("geth", &test).as_deref().map(Geth::start);
    let before = FORKS.into_iter().rev().find(|it| *it < fork).unwrap();
    let chain = Chain::new(&test, schedule(before, fork, 3), &mut geth);
    let mut scene = Scene::new(fork, chain);
    run(&mut scene);
    let compared = scene.chain.compared + scene.chain.refused;
    ran(&test, &format!("to {fork:?}, {compared} blocks compared with op-geth"));
}

impl Scene {
    fn new(fork: Fork, chain: Chain) -> Self {
        let l1 = L1 { base_fee: 7, da_footprint_scalar: 400, ..L1::default() };
        let next = chain.attributes();
        let mut scene = Self { fork, chain, l1, next, rng: Rng(1) };
        scene.begin();
        scene
    }

    /// Starts the next block with what `l1` says now.
    pub(crate) fn begin(&mut self) {
        self.next = self.chain.attributes();
        self.next.transactions.push(self.l1_attributes());
    }

    /// The L1 attributes deposit of the next block.
    pub(crate) fn l1_attributes(&self) -> Bytes {
        let (number, time) = (self.chain.head.number + 1, self.next.timestamp);
        self.l1.deposit(&self.chain.config.forks, number, time, time - BLOCK_TIME)
    }

    pub(crate) fn has(&self, fork: Fork) -> bool {
        self.fork >= fork
    }

    /// A deposit from somebody without balance.
    pub(crate) fn blank(&mut self) -> TxDeposit {
        deposits::blank(&mut self.rng)
    }

    pub(crate) fn deposit(&mut self, tx: TxDeposit) {
        self.next.transactions.push(deposits::raw(tx));
    }

    /// Adds a deposit that calls.
    pub(crate) fn call(&mut self, to: Address, input: Bytes, gas_limit: u64) {
        let tx = TxDeposit { to: TxKind::Call(to), input, gas_limit, ..self.blank() };
        self.deposit(tx);
    }

    /// A transaction of a key to nobody at the base fee, its nonce that of the head's state and `later`.
    pub(crate) fn transfer(&self, key: &Key, later: u64) -> TxEip1559 {
        let base_fee = next_base_fee(&self.chain.config, &self.chain.head, self.next.timestamp);
        let account = self.chain.state.accounts.get(&key.address);
        TxEip1559 {
            chain_id: CHAIN_ID,
            nonce: account.map_or(0, |(account, _)| account.nonce) + later,
            gas_limit: 21_000,
            max_fee_per_gas: base_fee.unwrap().into(),
            max_priority_fee_per_gas: 0,
            to: TxKind::Call(Address::repeat_byte(0x77)),
            value: U256::ZERO,
            access_list: Default::default(),
            input: Bytes::new(),
        }
    }

    /// Executes the block all ways and starts the next one.
    #[track_caller]
    pub(crate) fn run(&mut self) -> Outcome {
        let outcome = self.chain.push(&self.next);
        self.begin();
        outcome
    }

    /// Everybody refuses the block; the next one starts afresh.
    #[track_caller]
    pub(crate) fn refuse(&mut self) -> Invalid {
        let invalid = self.chain.refuse(&self.next);
        self.begin();
        invalid
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        let account = self.chain.state.accounts.get(&address);
        account.map_or(U256::ZERO, |(account, _)| account.balance)
    }

    pub(crate) fn slot(&self, address: Address, slot: u64) -> U256 {
        let slots = self.chain.state.accounts.get(&address).map(|(_, slots)| slots);
        slots.and_then(|slots| slots.get(&U256::from(slot))).copied().unwrap_or_default()
    }
}
