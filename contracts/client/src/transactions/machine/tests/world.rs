//! A chain with a pool, as one node shows it.

use super::super::*;
use alloy_primitives::{B256, keccak256};

/// A transaction in the pool or in a block.
#[derive(Clone, Debug)]
pub(in super::super) struct Pooled {
    pub(in super::super) hash: B256,
    pub(in super::super) fees: Fees,
    has_blobs: bool,
    nonce: u64,
    /// Whose it is, if it is the candidate itself.
    id: Option<CandidateId>,
    is_foreign: bool,
}

#[derive(Debug)]
pub(in super::super) struct World {
    now_ms: u64,
    /// Transactions that the account had before.
    before: u64,
    blocks: Vec<(B256, Vec<Pooled>)>,
    salt: u64,
    pub(in super::super) pool: BTreeMap<u64, Pooled>,
    pub(in super::super) market: Market,
    /// What the node says to everything.
    pub(in super::super) says: Option<Answer>,
    /// Requests get lost, some of them behind the node.
    pub(in super::super) unreachable: bool,
    /// The count of pending transactions is that of the chain.
    pub(in super::super) hides_pool: bool,
}

impl World {
    pub(in super::super) fn new(before: u64) -> Self {
        let mut world = Self {
            now_ms: 1_000_000,
            before,
            blocks: Vec::new(),
            salt: 0,
            pool: BTreeMap::new(),
            market: Market { base_fee: 100, tip: 5, blob_base_fee: 7 },
            says: None,
            unreachable: false,
            hides_pool: false,
        };
        for _ in 0..10 {
            world.mine(0);
        }
        world
    }

    pub(in super::super) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    pub(in super::super) fn calm(&mut self) {
        (self.unreachable, self.hides_pool, self.says) = (false, false, None);
        self.market.base_fee = 100;
    }

    fn latest(&self) -> u64 {
        self.latest_at(self.blocks.len())
    }

    /// Transactions of the account in the first blocks.
    fn latest_at(&self, blocks: usize) -> u64 {
        let own: usize = self.blocks.iter().take(blocks).map(|(_, it)| it.len()).sum();
        self.before + own as u64
    }

    /// A block with at most that many transactions.
    pub(in super::super) fn mine(&mut self, most: usize) {
        let mut block = Vec::new();
        let mut nonce = self.latest();
        while block.len() < most
            && self.pool.get(&nonce).is_some_and(|it| it.fees.max_fee >= self.market.base_fee)
        {
            block.extend(self.pool.remove(&nonce));
            nonce += 1;
        }
        self.salt += 1;
        self.blocks.push((keccak256(self.salt.to_be_bytes()), block));
    }

    /// Takes blocks back and puts empty ones in their places; the pool gets their transactions, or not.
    pub(in super::super) fn reorg(&mut self, depth: usize, keeps: bool) {
        for _ in 0..depth {
            let (_, block) = self.blocks.pop().unwrap();
            if keeps {
                // One kind per account: what the pool holds decides.
                let held = self.pool.values().next().map(|it| it.has_blobs);
                let fits = |it: &Pooled| held.is_none_or(|held| held == it.has_blobs);
                self.pool.extend(block.into_iter().filter(fits).map(|it| (it.nonce, it)));
            }
        }
        let latest = self.latest();
        self.pool.retain(|nonce, _| *nonce >= latest);
        self.evict_dangling();
        for _ in 0..depth {
            self.mine(0);
        }
    }

    /// Pools hold no blob transactions behind a gap; one that opens below them costs them their place.
    fn evict_dangling(&mut self) {
        let latest = self.latest();
        let is_dangling = |(nonce, it): (&u64, &Pooled)| it.has_blobs && *nonce > latest;
        if self.pool.first_key_value().is_some_and(is_dangling) {
            self.pool.clear();
        }
    }

    /// Somebody else with the same key.
    pub(in super::super) fn foreign(&mut self, nonce: u64) {
        self.salt += 1;
        let hash = keccak256(self.salt.to_be_bytes());
        let fees = Fees { tip: 9, max_fee: 900, max_blob_fee: 900 };
        let pooled = Pooled { hash, fees, has_blobs: false, nonce, id: None, is_foreign: true };
        self.pool.insert(nonce, pooled);
    }

    /// The same at the next free nonce, if the pool takes it.
    pub(in super::super) fn foreign_next(&mut self) {
        if self.pool.values().all(|it| !it.has_blobs) {
            self.foreign(self.pending());
        }
    }

    pub(in super::super) fn is_foreign(&self, nonce: u64) -> bool {
        self.pool.get(&nonce).is_some_and(|it| it.is_foreign)
    }

    /// How often the candidate itself is in the chain.
    pub(in super::super) fn included(&self, id: CandidateId) -> usize {
        self.blocks.iter().flat_map(|(_, it)| it).filter(|it| it.id == Some(id)).count()
    }

    fn pending(&self) -> u64 {
        let mut nonce = self.latest();
        while self.pool.contains_key(&nonce) {
            nonce += 1;
        }
        nonce
    }

    fn view(&self, machine: &Machine) -> View {
        let latest = self.latest();
        let mut inclusions = Vec::new();
        for (nonce, hash) in machine.hashes(latest) {
            for (number, (block_hash, block)) in self.blocks.iter().enumerate() {
                if block.iter().any(|it| it.hash == hash) {
                    let inclusion = Inclusion {
                        transaction: hash,
                        block_number: number as u64,
                        block_hash: *block_hash,
                        succeeded: true,
                        gas_used: 21_000,
                        contract_address: None,
                        logs: Vec::new(),
                    };
                    inclusions.push((nonce, inclusion));
                }
            }
        }
        let settled = self.blocks.len().saturating_sub(machine.settling_depth() as usize);
        View {
            head: self.blocks.len() as u64 - 1,
            time: self.now_ms / 1000,
            market: self.market,
            latest,
            pending: if self.hides_pool { latest } else { self.pending() },
            settled: self.latest_at(settled),
            inclusions,
        }
    }

    fn take(&mut self, pooled: Pooled) -> Answer {
        if let Some(answer) = &self.says {
            return answer.clone();
        }
        self.salt += 1;
        if self.unreachable && self.salt.is_multiple_of(2) {
            return Answer::Later("lost on the way".into());
        }
        let answer = self.judge(&pooled);
        if answer == Answer::Taken {
            self.pool.insert(pooled.nonce, pooled);
        }
        if self.unreachable { Answer::Later("lost on the way back".into()) } else { answer }
    }

    fn judge(&self, new: &Pooled) -> Answer {
        if new.nonce < self.latest() {
            return Answer::NonceTooLow;
        }
        if self.pool.values().any(|it| it.has_blobs != new.has_blobs) {
            return Answer::OtherKind;
        }
        let Some(old) = self.pool.get(&new.nonce) else { return Answer::Taken };
        let percent = if new.has_blobs { 200 } else { 110 };
        let pays = |new: u128, old: u128| new * 100 >= old * percent;
        if old.hash == new.hash {
            return Answer::Taken;
        }
        let (has_blobs, new, old) = (new.has_blobs, new.fees, old.fees);
        let is_enough = pays(new.tip, old.tip)
            && pays(new.max_fee, old.max_fee)
            && (!has_blobs || pays(new.max_blob_fee, old.max_blob_fee));
        if is_enough { Answer::Taken } else { Answer::Underpriced }
    }

    /// What the shell does, without signatures.
    pub(in super::super) fn tick(&mut self, machine: &mut Machine) -> Vec<TransactionEvent> {
        if machine.open() == 0 {
            return machine.drain();
        }
        let view = self.view(machine);
        machine.observe(self.now_ms, view);
        for action in machine.actions(self.now_ms) {
            match action {
                Action::Send { nonce } => self.send(machine, nonce),
                Action::Launch => {
                    if machine.front().is_some()
                        && let Some(nonce) = machine.launch(30_000)
                    {
                        self.send(machine, nonce);
                    }
                }
            }
        }
        machine.drain()
    }

    fn send(&mut self, machine: &mut Machine, nonce: u64) {
        let Some(Offer { candidate, fees, .. }) = machine.offer(nonce) else { return };
        let id = machine.slots[&nonce].id.filter(|_| candidate.to.is_some());
        let hash = keccak256(format!("{id:?} {nonce} {fees:?}"));
        machine.sending(nonce, hash);
        let has_blobs = !candidate.blobs.is_empty();
        let said = self.take(Pooled { hash, fees, has_blobs, nonce, id, is_foreign: false });
        machine.answered(self.now_ms, nonce, hash, fees, said);
    }
}
