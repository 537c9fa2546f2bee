//! A sequencer, a batcher, L1 with its pool, and a node that derives: one round after the other.

use crate::{
    chains::{Chains, L1_BLOCK_TIME},
    transactions::Dice,
};
use opal_submit::{
    ChannelOptions, Fees, L1Tip, Machine, MachineOptions, NodeStatus, Payload, PendingOptions,
    PostingId, Restart,
};
use opal_types::{BlockId, ForkTimes};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// A transaction of the batcher; without a name if an earlier batcher sent it.
type Sent = (Option<PostingId>, Payload);

/// See the module.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) chains: Chains,
    pub(crate) machine: Machine,
    channels: ChannelOptions,
    pending: PendingOptions,
    pub(crate) fees: Fees,
    pub(crate) dice: Dice,
    /// Transactions that are in no block, by nonce.
    pub(crate) pool: VecDeque<Sent>,
    mined: BTreeMap<u64, Vec<Sent>>,
    pub(crate) restarts: Vec<Restart>,
    /// All that was ever sent.
    pub(crate) sent: Vec<Payload>,
    salt: u64,
}

/// What a round does besides the usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    /// Transactions in each L2 block.
    pub(crate) transactions: u64,
    /// Most bytes of call data in each.
    pub(crate) data: u64,
    /// Most batcher transactions that L1 takes.
    pub(crate) included: usize,
    /// Most steps of derivation.
    pub(crate) steps: usize,
}

impl Network {
    pub(crate) fn new(
        forks: ForkTimes,
        channels: ChannelOptions,
        pending: PendingOptions,
        seed: u64,
    ) -> Self {
        let chains = Chains::new(forks);
        let machine = machine(&chains, channels, pending, seed);
        let fees = Fees { base_fee: 1_000, blob_base_fee: Some(1), ..Fees::default() };
        Self {
            chains,
            machine,
            channels,
            pending,
            fees,
            dice: Dice::new(seed),
            pool: VecDeque::new(),
            mined: BTreeMap::new(),
            restarts: Vec::new(),
            sent: Vec::new(),
            salt: seed,
        }
    }

    /// The batcher is replaced by a new one, which knows nothing.
    pub(crate) fn replace_batcher(&mut self) {
        self.salt = self.salt.wrapping_add(1);
        self.machine = machine(&self.chains, self.channels, self.pending, self.salt);
        self.pool.iter_mut().for_each(|(id, _)| *id = None);
        self.mined.values_mut().flatten().for_each(|(id, _)| *id = None);
    }

    /// A transaction is lost for good.
    pub(crate) fn lose(&mut self, index: usize) {
        if let Some((Some(id), _)) = self.pool.remove(index) {
            self.machine.on_lost(id);
        }
    }

    /// L1 takes blocks back. Their transactions return to the pool, but for some that are lost.
    pub(crate) fn reorg(&mut self, depth: usize, loses: bool) {
        let dropped = self.chains.drop_l1(depth);
        for block in dropped.iter().rev() {
            for (id, payload) in
                self.mined.remove(&block.header.number).unwrap_or_default().into_iter().rev()
            {
                let is_lost = loses && self.dice.once_in(3);
                match id {
                    Some(id) if is_lost => self.machine.on_lost(id),
                    Some(id) => self.machine.on_taken_back(id),
                    None => {}
                }
                if !is_lost {
                    self.pool.push_front((id, payload));
                }
            }
        }
    }

    /// L2 grows up to the time of L1, the batcher works, L1 and derivation go on.
    pub(crate) fn round(&mut self, round: Round) {
        let l1_time = self.chains.l1_head().timestamp;
        while self.chains.l2.last().unwrap().timestamp < l1_time + L1_BLOCK_TIME {
            self.chains.sequence(&mut self.dice, round.transactions, round.data);
        }
        self.batch();
        self.mine(round.included);
        self.derive(round.steps);
    }

    /// What a batcher does in one tick.
    pub(crate) fn batch(&mut self) {
        let head = self.chains.l1_head();
        let tip = L1Tip { number: head.number, timestamp: head.timestamp, fees: self.fees };
        self.restarts.extend(self.machine.on_tip(&tip, self.pool.len()));
        if let Some(current_l1) = self.chains.current_l1() {
            let unsafe_head = self.chains.l2.last().unwrap().id;
            let status = NodeStatus { current_l1, local_safe: self.chains.safe(), unsafe_head };
            self.restarts.extend(self.machine.on_status(&status));
        }
        for number in self.machine.to_load().into_iter().flatten() {
            let block = self.chains.l2[number as usize].clone();
            self.restarts.extend(self.machine.on_block(block));
        }
        while self.machine.fill().unwrap().is_some() {}
        while let Some((id, payload)) = self.machine.next_posting() {
            self.sent.push(payload.clone());
            self.pool.push_back((Some(id), payload));
        }
    }

    pub(crate) fn mine(&mut self, most: usize) {
        let count = most.min(self.pool.len());
        let sent: Vec<_> = self.pool.drain(..count).collect();
        let payloads: Vec<_> = sent.iter().map(|(_, payload)| payload.clone()).collect();
        let salt = self.dice.below(u64::MAX);
        let block: BlockId = self.chains.mine(&payloads, salt);
        for (id, _) in &sent {
            if let Some(id) = id {
                self.machine.on_included(*id, block);
            }
        }
        self.mined.insert(block.number, sent);
    }

    pub(crate) fn derive(&mut self, steps: usize) {
        for _ in 0..steps {
            if !self.chains.derive_step() {
                break;
            }
        }
    }

    /// Without any more disturbance: rounds until all is safe.
    pub(crate) fn settle(&mut self, rounds: usize) -> Result<(), String> {
        let target = self.chains.l2.last().unwrap().id.number;
        for _ in 0..rounds {
            self.machine.flush();
            self.round(Round { transactions: 1, data: 10, included: 50, steps: usize::MAX });
            if self.chains.safe().number >= target {
                return Ok(());
            }
        }
        let figures = self.machine.figures();
        let phase = self.machine.phase();
        Err(format!(
            "safe head {} of {target}, {figures:?}, {phase:?}, restarts {:?}, dropped {:#?}",
            self.chains.safe().number,
            self.restarts,
            self.chains.dropped,
        ))
    }
}

fn machine(
    chains: &Chains,
    channels: ChannelOptions,
    pending: PendingOptions,
    salt: u64,
) -> Machine {
    channels.check(&chains.config).unwrap();
    pending.check().unwrap();
    let config = Arc::new(chains.config.clone());
    Machine::new(MachineOptions { config, channels, pending, salt })
}
