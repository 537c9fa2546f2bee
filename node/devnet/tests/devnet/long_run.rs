//! A long life: users, owners, reorgs, garbage and outages at random, from a seed.
//!
//! **Invariant:** on failure the seed and the step are printed; the same seed does the same again.

use crate::world::{Sent, World, options, send, send_as};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, bytes};
use alloy_sol_types::SolCall;
use opal_abi::l1::{OptimismPortal, SystemConfig};
use opal_devnet::{
    Chaos, DevnetOptions, Fault, Orphans,
    accounts::{Account, Role, role},
};
use opal_types::BlockId;
use std::collections::BTreeMap;

/// L2 blocks, all chains together.
const BLOCKS: u64 = 10_000;
const CHAINS: usize = 2;
const SEQ_WINDOW: u64 = 50;
/// So many L1 blocks pass from one outage of all batchers to the next, each longer than the window.
const OUTAGE_EVERY: u64 = 1_500;

/// Creates a contract that adds what it is called with to its first slot.
const CREATION: Bytes = bytes!("600b8060093d393df36000356000540160005500");

/// xorshift64*: numbers that are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }
}

struct Life {
    world: World,
    random: Random,
    contracts: Vec<(usize, Address)>,
    /// Blocks that were called final: chain, height, hash.
    finals: Vec<(usize, u64, B256)>,
    /// Blocks that were called safe: chain, the L1 block that made them so, the block.
    safes: Vec<(usize, BlockId, BlockId)>,
    /// What was done, and how often a pool or L1 took it.
    taken: BTreeMap<&'static str, u64>,
}

fn life_options() -> DevnetOptions {
    let outage = |at| Fault::BatcherOutage { at, blocks: SEQ_WINDOW * 3 / 2, chain: None };
    let ends = BLOCKS / CHAINS as u64 - OUTAGE_EVERY / 2;
    let faults = (1..).map(|it| it * OUTAGE_EVERY).take_while(|it| *it < ends).map(outage);
    DevnetOptions {
        chaos: Some(Chaos { faults: faults.collect() }),
        seq_window_size: Some(SEQ_WINDOW),
        finality_depth: 32,
        ..options(CHAINS)
    }
}

impl Life {
    /// A pool may refuse now and then: the sender is busy, or too poor.
    fn note<T, E>(&mut self, what: &'static str, outcome: Result<T, E>) -> Option<T> {
        *self.taken.entry(what).or_default() += u64::from(outcome.is_ok());
        outcome.ok()
    }

    fn l1_sends(
        &mut self,
        what: &'static str,
        from: &Account,
        to: Address,
        input: Vec<u8>,
        value: u64,
    ) {
        let (to, value) = (TxKind::Call(to), U256::from(value));
        let sent = Sent { to, value, input: input.into(), gas: 800_000 };
        let outcome = send_as(self.world.devnet.l1().unwrap().engine(), from, sent);
        self.note(what, outcome);
    }

    fn l2_sends(
        &mut self,
        what: &'static str,
        chain: usize,
        from: usize,
        sent: Sent,
    ) -> Option<(B256, u64, Address)> {
        let outcome = send(self.world.l2(chain), from, sent);
        self.note(what, outcome)
    }

    fn user(&mut self) -> usize {
        self.random.index(10)
    }

    fn step(&mut self) {
        match self.random.below(16) {
            0..=5 => self.transfers(),
            6 => self.creation(),
            7..=8 => self.calls(),
            9..=10 => self.deposit(),
            11 => self.config_change(),
            12 => self.reorg(),
            13 => self.garbage(),
            _ => {}
        }
    }

    fn transfers(&mut self) {
        let chain = self.random.index(CHAINS);
        for _ in 0..=self.random.below(8) {
            let (from, to) = (self.user(), Address::with_last_byte(self.random.below(200) as u8));
            let value = self.random.below(1_000_000);
            self.l2_sends("transfer", chain, from, Sent::transfer(to, value));
        }
    }

    fn creation(&mut self) {
        let (chain, from) = (self.random.index(CHAINS), self.user());
        let sent = Sent { to: TxKind::Create, value: U256::ZERO, input: CREATION, gas: 200_000 };
        if let Some((_, nonce, sender)) = self.l2_sends("creation", chain, from, sent) {
            self.contracts.push((chain, sender.create(nonce)));
        }
    }

    fn calls(&mut self) {
        if self.contracts.is_empty() {
            return;
        }
        let (chain, contract) = self.contracts[self.random.index(self.contracts.len())];
        for _ in 0..=self.random.below(4) {
            // Too little gas now and then: the transaction fails and stays.
            let gas = 30_000 + self.random.below(40_000);
            let input = U256::from(self.random.next()).to_be_bytes_vec().into();
            let sent = Sent { to: TxKind::Call(contract), value: U256::ZERO, input, gas };
            let from = self.user();
            self.l2_sends("call", chain, from, sent);
        }
    }

    fn deposit(&mut self) {
        let chain = self.random.index(CHAINS);
        let is_creation = self.random.below(4) == 0;
        let value = self.random.below(1_000_000);
        let call = OptimismPortal::depositTransactionCall {
            _to: if is_creation { Address::ZERO } else { Address::repeat_byte(0x77) },
            // More than was sent now and then: the deposit fails on L2.
            _value: U256::from(self.random.below(1_200_000)),
            _gasLimit: 100_000 + self.random.below(100_000),
            _isCreation: is_creation,
            _data: if is_creation { CREATION } else { Bytes::new() },
        };
        let portal = self.world.devnet.genesis().chains[chain].config.deposit_contract;
        let from = opal_devnet::accounts::accounts()[self.user()];
        self.l1_sends("deposit", &from, portal, call.abi_encode(), value);
    }

    fn config_change(&mut self) {
        let chain = self.random.index(CHAINS);
        let number = self.random.below(1_000);
        let call = match self.random.below(6) {
            0 => SystemConfig::setGasConfigEcotoneCall {
                _basefeeScalar: 1_000 + number as u32,
                _blobbasefeeScalar: 800_000 + number as u32,
            }
            .abi_encode(),
            1 => SystemConfig::setGasLimitCall { _gasLimit: 60_000_000 + number }.abi_encode(),
            2 => SystemConfig::setEIP1559ParamsCall {
                _denominator: 50 + number as u32,
                _elasticity: 2 + number as u32 % 8,
            }
            .abi_encode(),
            3 => SystemConfig::setOperatorFeeScalarsCall {
                _scalar: number as u32,
                _constant: number,
            }
            .abi_encode(),
            4 => SystemConfig::setMinBaseFeeCall { _minBaseFee: number }.abi_encode(),
            _ => SystemConfig::setDAFootprintGasScalarCall {
                _daFootprintGasScalar: 300 + number as u16,
            }
            .abi_encode(),
        };
        let contract = self.world.devnet.genesis().chains[chain].config.l1_system_config;
        self.l1_sends("system config", &role(Role::Owner), contract, call, 0);
    }

    fn reorg(&mut self) {
        let depth = 1 + self.random.below(20);
        let orphans = if self.random.below(3) == 0 { Orphans::Drop } else { Orphans::Return };
        // At the very beginning there are fewer blocks.
        let outcome = self.world.devnet.l1().unwrap().reorg(depth, orphans);
        self.note("reorg", outcome);
    }

    /// Data that says nothing, in the inbox: a stranger's, which does not count, or signed by the batcher.
    fn garbage(&mut self) {
        let chain = self.random.index(CHAINS);
        let genesis = &self.world.devnet.genesis().chains[chain];
        let (inbox, chain_id) = (genesis.config.batch_inbox, genesis.config.l2_chain_id);
        let (what, from) = match self.random.below(2) {
            0 => ("stranger's garbage", opal_devnet::accounts::accounts()[self.user()]),
            _ => ("batcher's garbage", role(Role::Batcher { chain_id })),
        };
        let data = self.garbage_data();
        self.l1_sends(what, &from, inbox, data, 0);
    }

    /// Noise; or well-formed frames (B5) of a channel that never ends, or that ends and holds noise.
    fn garbage_data(&mut self) -> Vec<u8> {
        let length = self.random.index(600);
        let noise: Vec<u8> = (0..length).map(|_| self.random.next() as u8).collect();
        let is_last = match self.random.below(3) {
            0 => return noise,
            choice => choice == 1,
        };
        let mut data = vec![0];
        data.extend_from_slice(&U256::from(self.random.next()).to_be_bytes::<32>()[16..]);
        data.extend_from_slice(&0_u16.to_be_bytes());
        data.extend_from_slice(&(noise.len() as u32).to_be_bytes());
        data.extend_from_slice(&noise);
        data.push(u8::from(is_last));
        data
    }

    fn note_labels(&mut self) {
        for index in 0..CHAINS {
            let driver = self.world.devnet.driver(index).unwrap();
            let status = driver.sync_status();
            let block = status.finalized_l2;
            self.finals.push((index, block.number, block.hash));
            let safe = driver.safe_head_at_l1_block(status.current_l1.number).unwrap();
            self.safes.extend(safe.map(|it| (index, it.l1, it.safe)));
        }
    }

    /// L2 blocks say what the owner of the chain set on L1.
    fn check_config_changes(&self) {
        let limits = (0..CHAINS).map(|it| self.world.l2(it).heads().head.header.inner().gas_limit);
        let limits: Vec<_> = limits.collect();
        assert!(limits.iter().all(|it| *it > 60_000_000), "{limits:?}");
    }

    /// What was safe is there still, wherever L1 kept the block that made it so.
    fn check_safes(&self) {
        let l1 = self.world.devnet.l1().unwrap().engine();
        let mut kept = 0;
        for (chain, by, safe) in &self.safes {
            if l1.hash_by_number(by.number).unwrap() != Some(by.hash) {
                continue;
            }
            kept += 1;
            let found = self.world.l2(*chain).hash_by_number(safe.number).unwrap();
            assert_eq!(
                found,
                Some(safe.hash),
                "safe block {} of chain {chain} is gone",
                safe.number
            );
        }
        assert!(kept > self.safes.len() / 2, "{kept} of {}", self.safes.len());
    }

    fn check_finals(&self) {
        for (chain, number, hash) in &self.finals {
            let found = self.world.l2(*chain).hash_by_number(*number).unwrap();
            assert_eq!(found, Some(*hash), "final block {number} of chain {chain} is gone");
        }
    }
}

async fn live(seed: u64) {
    let world = World::start(life_options()).await;
    let follower = world.follower().await;
    let mut life = Life {
        world,
        random: Random(seed),
        contracts: Vec::new(),
        finals: Vec::new(),
        safes: Vec::new(),
        taken: BTreeMap::new(),
    };
    let mut passed_s = 0;
    let most_s = BLOCKS / CHAINS as u64 * 2;
    while passed_s < most_s {
        life.step();
        let seconds = 1 + life.random.below(20);
        life.world.advance(seconds).await;
        passed_s += seconds;
        life.note_labels();
    }
    life.world.advance(SEQ_WINDOW * 2 * 2).await;
    let status = life.world.devnet.status();
    for chain in &status.chains {
        assert!(chain.unsafe_number >= most_s / 2, "seed {seed}: {status}");
        assert!(chain.safe_number + SEQ_WINDOW > chain.unsafe_number, "seed {seed}: {status}");
    }
    assert_eq!(life.taken.len(), 8, "{:?}", life.taken);
    assert!(life.taken.values().all(|it| *it >= 10), "{:?}", life.taken);
    life.check_config_changes();
    life.check_finals();
    life.check_safes();
    life.world.check_agrees(&follower).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_agrees_on_ten_thousand_blocks() {
    live(0x0b5e_55ed_c0ff_ee01).await;
}
