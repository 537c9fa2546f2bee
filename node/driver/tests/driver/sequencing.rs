//! A sequencer on an L1 that grows, stalls, fails and reorgs; a follower that derives what it posted.

use crate::{
    batches::{batcher_transaction, deposit_transaction, key, sign},
    l1::TestL1,
    node::{Chain, Node, NodeOptions},
    recorded::open,
};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind};
use opal_driver::SequencerOptions;
use opal_host::Recording;
use opal_types::{EpochPosition, ForkTimes, SystemConfig};

/// Seconds between L1 blocks.
const L1_TIME: u64 = 2;

/// A chain whose forks come one after the other, Granite to Karst within 150 s, and its L1.
const FORKS: &str = "b-span-blobs-brotli";
/// A chain with nothing but Regolith in the beginning.
const OLD: &str = "a-allforks-singular-calldata";

/// Everything a test needs.
pub(crate) struct Scene {
    pub(crate) chain: Chain,
    pub(crate) l1: TestL1,
    pub(crate) sequencer: Node,
    /// Blocks up to this one are posted.
    pub(crate) posted: u64,
    nonce: u64,
}

pub(crate) async fn first_l1(recording: &Recording) -> TestL1 {
    let l1 = TestL1::serve(4, 8).await;
    let first = recording.l1_heads[0];
    l1.move_to(recording, first);
    l1
}

impl Scene {
    pub(crate) async fn new(
        folder: &str,
        options: NodeOptions<'_>,
        alter: fn(&mut Chain),
    ) -> Option<Self> {
        let recording = open(folder, "driver::sequencing")?;
        let l1 = first_l1(&recording).await;
        let mut chain = Chain::of(&recording);
        alter(&mut chain);
        let sequencer = Node::new(&chain, &l1, options);
        Some(Self { chain, l1, sequencer, posted: 0, nonce: 0 })
    }

    /// L1 grows by a block; the sequencer works up to its time.
    pub(crate) async fn grow(&mut self, content: Vec<(Bytes, Bytes)>) {
        self.grow_after(L1_TIME, content).await;
    }

    pub(crate) async fn grow_after(&mut self, seconds: u64, content: Vec<(Bytes, Bytes)>) {
        let time = self.l1.time() + seconds;
        self.l1.mine(time, content);
        self.sequencer.run_to(time * 1000).await;
    }

    /// The transaction with the batches of all blocks that are not posted yet.
    pub(crate) fn post(&mut self) -> Vec<(Bytes, Bytes)> {
        let head = self.sequencer.unsafe_number();
        if head == self.posted {
            return Vec::new();
        }
        let numbers = self.posted + 1..=head;
        let engine = &self.sequencer.engine;
        let transaction = batcher_transaction(&self.chain.config, engine, numbers, self.nonce);
        self.posted = head;
        self.nonce += 1;
        vec![transaction]
    }

    /// A second node derives the chain from L1; it must be the sequencer's.
    pub(crate) async fn check_follower(&self) -> Node {
        let mut follower = Node::new(&self.chain, &self.l1, NodeOptions::follower());
        follower.now_ms = self.sequencer.now_ms;
        follower.settle().await;
        assert_eq!(follower.handle.snapshot().fault, None);
        for number in 0..=follower.safe_number() {
            let hash =
                |node: &Node| node.engine.block_by_number(number).unwrap().unwrap().header.hash();
            assert_eq!(hash(&follower), hash(&self.sequencer), "L2 block {number}");
        }
        follower
    }

    fn user_transaction(&self, nonce: u64) -> Bytes {
        let transaction = TxEip1559 {
            chain_id: self.chain.config.l2_chain_id,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 1_000_000_000_000,
            max_priority_fee_per_gas: 1,
            to: TxKind::Call(Address::repeat_byte(0xaa)),
            ..TxEip1559::default()
        };
        sign(transaction, &key(11))
    }

    fn users_transactions(&self, number: u64) -> usize {
        let block = self.sequencer.engine.block_by_number(number).unwrap().unwrap();
        block.transactions.iter().filter(|raw| raw.first() != Some(&0x7e)).count()
    }

    fn origin_of(&self, number: u64) -> u64 {
        let block = self.sequencer.engine.block_by_number(number).unwrap().unwrap();
        let first = block.transactions.first().cloned().unwrap_or_default();
        let (header, hash) = (block.header.inner(), block.header.hash());
        let place = EpochPosition::of_block(&self.chain.config, header, hash, &first);
        place.unwrap().l1_origin.number
    }
}

const fn unchanged(_: &mut Chain) {}

/// Nothing but Regolith, for ever.
fn without_forks(chain: &mut Chain) {
    chain.config.forks = ForkTimes { regolith: Some(0), ..ForkTimes::default() };
}

#[tokio::test]
async fn what_a_sequencer_builds_another_node_derives_through_all_forks() {
    let Some(mut scene) = Scene::new(FORKS, NodeOptions::sequencer(), unchanged).await else {
        return;
    };
    let mut nonce = 0;
    for step in 0..80_u64 {
        for _ in 0..L1_TIME {
            scene.sequencer.engine.pool().add(&scene.user_transaction(nonce)).unwrap();
            nonce += 1;
        }
        let mut content = if step % 3 == 0 { scene.post() } else { Vec::new() };
        if step % 5 == 0 {
            content.push(deposit_transaction(&scene.chain.config, Address::repeat_byte(5), step));
        }
        scene.grow(content).await;
    }
    let last = scene.post();
    scene.grow(last).await;
    let config = &scene.chain.config;
    let head = scene.sequencer.unsafe_number();
    assert_eq!(head, (scene.l1.time() - config.genesis.l2_time) / config.block_time);
    let follower = scene.check_follower().await;
    assert_eq!(follower.safe_number(), scene.posted);
    assert_eq!(scene.sequencer.safe_number(), scene.posted);
    let snapshot = scene.sequencer.handle.snapshot();
    assert_eq!((snapshot.executed, snapshot.refused), (0, 0), "all blocks were there already");
    assert!((1..=head).map(|it| scene.users_transactions(it)).sum::<usize>() > 100);
    let forks = [config.forks.isthmus, config.forks.jovian, config.forks.karst];
    for time in forks.into_iter().flatten() {
        let number = (time - config.genesis.l2_time) / config.block_time;
        assert!(number < head);
        assert_eq!(scene.users_transactions(number), 0, "block {number} activates a fork");
    }
    assert_ne!(SystemConfig::default(), config.genesis.system_config);
}

/// Pitfall 8.
#[tokio::test]
async fn before_fjord_a_stalled_l1_stops_the_sequencer_at_the_drift_and_empty_blocks_go_on() {
    let Some(mut scene) = Scene::new(OLD, NodeOptions::sequencer(), without_forks).await else {
        return;
    };
    let config = scene.chain.config.clone();
    scene.grow(Vec::new()).await;
    let origin_time = scene.l1.time();
    let limit =
        (origin_time + config.max_sequencer_drift - config.genesis.l2_time) / config.block_time;
    let stalled_until = origin_time + 2 * config.max_sequencer_drift + 20;
    scene.sequencer.run_to(stalled_until * 1000).await;
    assert_eq!(scene.sequencer.unsafe_number(), limit);
    let waits_for = scene.sequencer.handle.snapshot().waits_for.clone().unwrap();
    assert!(waits_for.contains("would lead L1 block 1"), "{waits_for}");
    for nonce in 0..3 {
        scene.sequencer.engine.pool().add(&scene.user_transaction(nonce)).unwrap();
    }
    // The next L1 block is a late one: the old origin serves until L2 time has reached it, without users.
    scene.grow_after(stalled_until - origin_time, Vec::new()).await;
    scene.sequencer.run_to((stalled_until + 2) * 1000).await;
    let first = (stalled_until - config.genesis.l2_time) / config.block_time;
    assert!(scene.sequencer.unsafe_number() > first);
    assert_eq!(scene.origin_of(first - 1), 1);
    assert_eq!(scene.origin_of(first), 2);
    for number in limit + 1..first {
        assert_eq!(scene.users_transactions(number), 0, "block {number}");
    }
    assert!(scene.users_transactions(first) > 0);
    let batches = scene.post();
    scene.grow(batches).await;
    scene.grow(Vec::new()).await;
    assert_eq!(scene.check_follower().await.safe_number(), scene.posted);
}

#[tokio::test]
async fn from_fjord_the_drift_is_half_an_hour() {
    let Some(mut scene) = Scene::new(FORKS, NodeOptions::sequencer(), unchanged).await else {
        return;
    };
    let genesis = scene.chain.config.genesis.l2_time;
    scene.sequencer.run_to((genesis + 2000) * 1000).await;
    let origin_time = scene.l1.time();
    let limit = (origin_time + 1800 - genesis) / scene.chain.config.block_time;
    assert_eq!(scene.sequencer.unsafe_number(), limit);
}

#[tokio::test]
async fn an_l1_reorg_takes_unsafe_blocks_back_and_sequencing_goes_on() {
    let Some(mut scene) = Scene::new(FORKS, NodeOptions::sequencer(), unchanged).await else {
        return;
    };
    for step in 0..20_u64 {
        let content = if step % 4 == 0 { scene.post() } else { Vec::new() };
        scene.grow(content).await;
    }
    let (height, before) = (scene.l1.height(), scene.sequencer.unsafe_number());
    let mut parent = scene.l1.hash(height - 5);
    let old_time = scene.l1.time();
    // The other branch has other times in it, so its blocks are others.
    for number in 0..7_u64 {
        let deposit =
            deposit_transaction(&scene.chain.config, Address::repeat_byte(9), 100 + number);
        parent = scene.l1.mine_on(parent, old_time - 4 * L1_TIME + number * L1_TIME, vec![deposit]);
    }
    let time = scene.l1.time();
    scene.sequencer.run_to((time + 10) * 1000).await;
    let snapshot = scene.sequencer.handle.snapshot();
    assert_eq!(snapshot.starts, 2, "derivation has looked for a new start");
    assert!(scene.sequencer.unsafe_number() > before);
    scene.posted = scene.sequencer.safe_number();
    for _ in 0..6 {
        let content = scene.post();
        scene.grow(content).await;
    }
    scene.grow(Vec::new()).await;
    let follower = scene.check_follower().await;
    assert!(follower.safe_number() > before);
    assert_eq!(follower.safe_number(), scene.sequencer.safe_number());
}

#[tokio::test]
async fn while_l1_is_down_blocks_are_built_and_derivation_waits() {
    let Some(mut scene) = Scene::new(FORKS, NodeOptions::sequencer(), unchanged).await else {
        return;
    };
    for _ in 0..5 {
        scene.grow(Vec::new()).await;
    }
    let before = scene.sequencer.unsafe_number();
    scene.l1.take_down(true);
    let time = scene.l1.time() + 20;
    scene.sequencer.run_to(time * 1000).await;
    assert_eq!(scene.sequencer.unsafe_number(), before + 20);
    assert!(scene.sequencer.handle.snapshot().waits_for.is_some());
    scene.l1.take_down(false);
    let batches = scene.post();
    scene.grow_after(20, batches).await;
    scene.grow(Vec::new()).await;
    scene.sequencer.run_to((scene.l1.time() + 12) * 1000).await;
    assert_eq!(scene.sequencer.safe_number(), scene.posted);
    assert_eq!(scene.sequencer.handle.snapshot().waits_for, None);
}

#[tokio::test]
async fn too_far_above_the_safe_head_the_sequencer_waits_for_it() {
    let sequencer =
        SequencerOptions { max_safe_lag: Some(6), ..NodeOptions::sequencer().sequencer.unwrap() };
    let options = NodeOptions { sequencer: Some(sequencer), ..NodeOptions::follower() };
    let Some(mut scene) = Scene::new(FORKS, options, unchanged).await else { return };
    for _ in 0..10 {
        scene.grow(Vec::new()).await;
    }
    assert_eq!(scene.sequencer.unsafe_number(), 6);
    assert!(scene.sequencer.handle.snapshot().is_lagging);
    let batches = scene.post();
    scene.grow(batches).await;
    scene.grow(Vec::new()).await;
    assert_eq!(scene.sequencer.safe_number(), 6);
    assert_eq!(scene.sequencer.unsafe_number(), 12);
}

#[tokio::test]
async fn recovery_builds_empty_blocks_on_the_newest_origins() {
    let sequencer = NodeOptions::sequencer().sequencer.unwrap();
    let sequencer = SequencerOptions { recovers: true, ..sequencer };
    let options = NodeOptions { sequencer: Some(sequencer), ..NodeOptions::follower() };
    let Some(mut scene) = Scene::new(FORKS, options, unchanged).await else { return };
    scene.sequencer.engine.pool().add(&scene.user_transaction(0)).unwrap();
    for _ in 0..6 {
        scene.grow(Vec::new()).await;
    }
    let head = scene.sequencer.unsafe_number();
    assert!(head >= 10);
    assert_eq!((1..=head).map(|it| scene.users_transactions(it)).sum::<usize>(), 0);
}

fn with_a_short_window(chain: &mut Chain) {
    chain.config.seq_window_size = 12;
}

/// Derivation replaces each block that no batch reaches in time; the sequencer must not lose its new ones to that for ever.
#[tokio::test]
async fn a_chain_without_batches_for_longer_than_a_window_heals_once_they_come_again() {
    let Some(mut scene) = Scene::new(FORKS, NodeOptions::sequencer(), with_a_short_window).await
    else {
        return;
    };
    for _ in 0..30 {
        scene.grow(Vec::new()).await;
    }
    let lag = scene.sequencer.unsafe_number() - scene.sequencer.safe_number();
    assert!(scene.sequencer.safe_number() > 10 && lag > 5, "{lag}");
    scene.posted = scene.sequencer.safe_number();
    scene.sequencer.engine.pool().add(&scene.user_transaction(0)).unwrap();
    for _ in 0..10 {
        let batches = scene.post();
        scene.grow(batches).await;
    }
    let (newest, safe) = (scene.sequencer.unsafe_number(), scene.sequencer.safe_number());
    assert!(safe + 4 >= newest, "{safe} of {newest}");
    let users = (scene.posted - 20..=safe).map(|it| scene.users_transactions(it)).sum::<usize>();
    assert_eq!(users, 1, "once the window is wide again, the pool counts");
    scene.check_follower().await;
}

#[tokio::test]
async fn a_sequencer_starts_and_stops_on_command_only_on_its_own_head() {
    let sequencer = NodeOptions::sequencer().sequencer.unwrap();
    let sequencer = SequencerOptions { is_stopped: true, ..sequencer };
    let options = NodeOptions { sequencer: Some(sequencer), ..NodeOptions::follower() };
    let Some(mut scene) = Scene::new(FORKS, options, unchanged).await else { return };
    scene.grow(Vec::new()).await;
    assert_eq!(scene.sequencer.unsafe_number(), 0);
    let handle = scene.sequencer.handle.clone();
    let head = handle.sync_status().unsafe_l2.hash;
    let wrong = alloy_primitives::B256::repeat_byte(1);
    let (refused, _) = tokio::join!(handle.start_sequencer(wrong), scene.sequencer.tick());
    let text = refused.unwrap_err().to_string();
    assert_eq!(text, format!("block hash does not match: head {head}, received {wrong}"));
    let (started, _) = tokio::join!(handle.start_sequencer(head), scene.sequencer.tick());
    started.unwrap();
    assert!(handle.is_sequencing());
    scene.grow(Vec::new()).await;
    scene.grow(Vec::new()).await;
    let built = scene.sequencer.unsafe_number();
    assert!(built >= 4);
    let (stopped, _) = tokio::join!(handle.stop_sequencer(), scene.sequencer.tick());
    assert_eq!(stopped.unwrap(), handle.sync_status().unsafe_l2.hash);
    scene.grow(Vec::new()).await;
    assert_eq!(scene.sequencer.unsafe_number(), built);
}
