//! Builds and seals blocks when they are due.
//!
//! Start with [`Driver::sequence`].
//!
//! **Invariant:** a block is built on the newest one, with attributes that derivation would give.

use super::{
    Driver, Sequencing, Trouble, Work, derive::block_of, labels::forkchoice, origins::Look,
};
use crate::handle::beginning;
use crate::sequencer::{
    Building, Duty, Failure,
    origin::{OriginError, Origins, choose},
    pool_rule::keeps_pool_out,
};
use alloy_primitives::Bytes;
use opal_derive::{L2Head, NextAttributes, next_attributes};
use opal_engine::{BuildAttributes, HandleError, InsertStatus};
use opal_types::{Attributes, L1Header, L2Ref};

/// Duties done in one tick: two blocks.
const MAX_DUTIES: usize = 4;

/// The L1 origin of the next block.
enum Origin {
    Known {
        header: L1Header,
        receipts: Option<Vec<Bytes>>,
    },
    Missing(String),
    /// L1 does not have the newest block's origin any more.
    Orphaned,
}

/// What is built next.
enum Plan {
    Build(Attributes, L1Header),
    /// The next look may find what is missing.
    Wait,
    /// L1 has to give more first.
    Fail,
}

impl Sequencing {
    /// Whether blocks take the newest L1 origin they may, and no users' transactions.
    const fn recovers(&self) -> bool {
        self.machine.recovers() || self.is_late
    }
}

impl Driver {
    /// Does what the sequencer's schedule says.
    pub(super) async fn sequence(&mut self, work: &mut Work) -> Result<(), Trouble> {
        for _ in 0..MAX_DUTIES {
            // After each block: its origin may be the next one.
            self.look_for_origins(work).await;
            if self.standstill.is_met() {
                return Ok(());
            }
            let duty = self.sequencing.as_ref().and_then(|it| it.machine.duty(work.now_ms));
            let done = match duty {
                None => return Ok(()),
                Some(Duty::Build { onto }) => self.start_block(onto, work).await?,
                Some(Duty::Seal(building)) => self.seal_block(building, work).await?,
            };
            if !done {
                return Ok(());
            }
            work.progressed = true;
        }
        work.is_unfinished = true;
        Ok(())
    }

    /// Looks up the L1 blocks that may be the next origin.
    async fn look_for_origins(&mut self, work: &Work) {
        let Some(Sequencing { machine, l1_confs, scout, .. }) = &mut self.sequencing else {
            return;
        };
        let running = self.sync.as_ref().filter(|it| it.is_running());
        let (true, Some(sync)) = (machine.is_active(), running) else { return };
        let look = Look {
            config: &self.parts.config,
            sources: &self.parts.sources,
            view: &self.l1,
            confirmations: *l1_confs,
            now_ms: work.now_ms,
            patience: work.patience,
        };
        scout.look(&sync.labels().unsafe_head, look).await;
    }

    fn is_newest(&self, block: &L2Ref) -> bool {
        self.sync.as_ref().is_some_and(|it| it.labels().unsafe_head == *block)
    }

    fn fail(&mut self, failure: Failure, now_ms: u64) {
        if let Some(sequencing) = &mut self.sequencing {
            sequencing.machine.failed(failure, now_ms);
        }
    }

    /// Starts a block. False if it has to wait.
    async fn start_block(&mut self, onto: L2Ref, work: &mut Work) -> Result<bool, Trouble> {
        if !self.is_newest(&onto) {
            self.inform_sequencer(work.now_ms);
            return Ok(false);
        }
        self.watch_window(&onto);
        let (attributes, origin) = match self.plan_block(&onto).await? {
            Plan::Build(attributes, origin) => (attributes, origin),
            Plan::Wait => {
                work.is_unfinished = true;
                return Ok(false);
            }
            Plan::Fail => {
                self.fail(Failure::Temporary, work.now_ms);
                return Ok(false);
            }
        };
        let (Some(sync), Some(sequencing)) = (&self.sync, &mut self.sequencing) else {
            return Ok(false);
        };
        let timestamp = attributes.timestamp;
        let no_tx_pool = sequencing.recovers()
            || keeps_pool_out(&self.parts.config, timestamp, origin.timestamp);
        let attributes = BuildAttributes { no_tx_pool, ..BuildAttributes::from(&attributes) };
        let labels = sync.labels().hashes();
        match self.parts.engine.build(forkchoice(labels), &attributes).await {
            Ok(id) => {
                self.told = Some(labels);
                sequencing.lacks = None;
                sequencing.machine.started(Building { onto, id, timestamp }, work.now_ms);
                Ok(true)
            }
            Err(error) => self.failed_block(error, work.now_ms),
        }
    }

    /// Looks how much of the sequencing window is left to the block after this one. Past its half, blocks are built as in
    /// recovery (N9): where no batch comes in time, derivation makes the same ones, so none is taken back, and batches can
    /// catch up. Without that a chain whose batches stayed away for a window would lose each new block again.
    fn watch_window(&mut self, onto: &L2Ref) {
        let head = self.l1.head.as_ref().map_or(0, |it| it.number);
        let age = head.saturating_sub(onto.l1_origin.number);
        let is_late = age > self.parts.config.seq_window_size / 2;
        let Some(sequencing) = &mut self.sequencing else { return };
        if is_late && !sequencing.is_late {
            tracing::warn!(
                age,
                "more than half a sequencing window behind L1: blocks stay empty until it is less"
            );
        }
        sequencing.is_late = is_late;
    }

    /// An invalid block is left; what else goes wrong is the engine's trouble, and the block is tried again.
    fn failed_block(&mut self, error: HandleError, now_ms: u64) -> Result<bool, Trouble> {
        if error.is_invalid_attributes() {
            tracing::warn!(%error, "a sequenced block is invalid");
            self.fail(Failure::Invalid, now_ms);
            return Ok(false);
        }
        self.fail(Failure::Temporary, now_ms);
        Err(error.into())
    }

    /// Chooses the L1 origin and makes the attributes.
    async fn plan_block(&mut self, onto: &L2Ref) -> Result<Plan, Trouble> {
        let (origin, receipts) = match self.choose_origin(onto) {
            Origin::Known { header, receipts } => (header, receipts),
            Origin::Missing(why) => return Ok(self.miss_origin(why)),
            Origin::Orphaned => {
                tracing::warn!(
                    block = onto.number,
                    "L1 has dropped the origin of the newest block"
                );
                self.reset_derivation();
                return Ok(Plan::Fail);
            }
        };
        let block = self.parts.engine.block(onto.hash).await?;
        let missing = || Trouble::Lost(format!("the engine lacks its newest block {}", onto.hash));
        let block = beginning(&block.ok_or_else(missing)?);
        let parent = L2Head::of(&self.parts.config, &block)?;
        let (config, l1) = (&self.parts.config, &self.parts.l1_config);
        match next_attributes(config, l1, &parent, &origin, receipts.as_deref())? {
            NextAttributes::Ready(attributes) => Ok(Plan::Build(attributes, origin)),
            NextAttributes::Need(_) => {
                if let Some(sequencing) = &mut self.sequencing {
                    sequencing.scout.forget_next();
                }
                Ok(Plan::Fail)
            }
            NextAttributes::Reset(reason) => {
                tracing::warn!(%reason, "the newest block does not stand on L1");
                self.reset_derivation();
                Ok(Plan::Fail)
            }
        }
    }

    /// While a question is open, its answer may help at once.
    fn miss_origin(&mut self, why: String) -> Plan {
        let Some(sequencing) = &mut self.sequencing else { return Plan::Fail };
        let is_asked = sequencing.scout.inquiry.is_asked();
        if sequencing.lacks.as_ref() != Some(&why) {
            tracing::warn!(why, "the next block has no L1 origin yet");
            sequencing.lacks = Some(why);
        }
        if is_asked { Plan::Wait } else { Plan::Fail }
    }

    /// Chooses the L1 origin of the next block.
    fn choose_origin(&self, onto: &L2Ref) -> Origin {
        let Some(sequencing @ Sequencing { l1_confs, scout, .. }) = &self.sequencing else {
            return Origin::Missing("nothing is sequenced".to_owned());
        };
        let Some(current) = scout.current() else {
            return Origin::Missing("the L1 origin of the newest block is not known".to_owned());
        };
        let (next, number) = (scout.next(), current.number.saturating_add(1));
        let origins = Origins {
            current,
            next: next.map(|it| &it.header),
            must_know_next: sequencing.recovers() && self.l1.shows(number, *l1_confs),
        };
        match choose(&self.parts.config, onto, origins) {
            Ok(origin) => {
                let candidate = next.filter(|it| it.header.hash == origin.hash);
                let receipts = candidate.and_then(|it| it.receipts.clone());
                Origin::Known { header: origin.clone(), receipts }
            }
            Err(OriginError::Orphaned) => Origin::Orphaned,
            Err(error) => Origin::Missing(error.to_string()),
        }
    }

    /// Seals a block and makes it the newest. False if it has to wait.
    async fn seal_block(&mut self, building: Building, work: &Work) -> Result<bool, Trouble> {
        let Building { onto, id, timestamp } = building;
        if !self.is_newest(&onto) {
            self.inform_sequencer(work.now_ms);
            return Ok(false);
        }
        let payload = match self.parts.engine.payload(id, timestamp).await {
            Ok(payload) => payload,
            Err(error) => {
                // The engine may have forgotten the block, so it is started afresh.
                self.fail(Failure::Invalid, work.now_ms);
                return Err(Trouble::Wait(error.to_string()));
            }
        };
        let block = block_of(&payload)?;
        let head = L2Head::reference(&self.parts.config, &block)?;
        match self.parts.engine.insert(&payload).await {
            Ok(InsertStatus::Valid { .. }) => {}
            Ok(InsertStatus::Invalid { reason, .. }) => {
                tracing::error!(number = head.number, reason, "the engine refuses its own block");
                self.fail(Failure::Invalid, work.now_ms);
                return Ok(false);
            }
            Ok(InsertStatus::Syncing) => {
                return Err(Trouble::Lost(format!("the engine does not know block {}", onto.hash)));
            }
            Err(error) => return self.failed_block(error, work.now_ms),
        }
        if let (Some(sync), Some(sequencing)) = (&mut self.sync, &mut self.sequencing) {
            sync.extended(head);
            sequencing.machine.sealed(head, work.now_ms);
        }
        self.tell_engine().await?;
        Ok(true)
    }
}
