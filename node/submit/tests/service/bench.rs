//! A batcher with its nodes, and a clock.

use crate::nodes::Nodes;
use opal_client::{Rpc, RpcOptions, Signer};
use opal_submit::{
    BatchKind, Batcher, BatcherHandle, BatcherOptions, ChannelOptions, DataAvailability,
    PendingOptions, ThrottleCurve, ThrottleOptions,
};
use opal_types::Compression;
use std::sync::Arc;

/// Milliseconds between two looks.
const STEP_MS: u64 = 1_000;

/// See the module.
pub(crate) struct Bench {
    pub(crate) nodes: Nodes,
    pub(crate) batcher: Batcher,
    pub(crate) handle: BatcherHandle,
    pub(crate) now_ms: u64,
}

/// Small channels, closed with every L1 block.
pub(crate) const CHANNELS: ChannelOptions = ChannelOptions {
    kind: BatchKind::Span,
    compression: Compression::Brotli { level: 9 },
    data_availability: DataAvailability::Calldata,
    target_num_frames: 2,
    max_l1_tx_size: 2_000,
    max_channel_duration: 1,
    sub_safety_margin: 4,
};

impl Bench {
    pub(crate) async fn new(channels: ChannelOptions) -> Self {
        let nodes = Nodes::start().await;
        let batcher = Self::batcher(&nodes, channels);
        let handle = batcher.handle();
        Self { nodes, batcher, handle, now_ms: 1_000_000 }
    }

    fn batcher(nodes: &Nodes, channels: ChannelOptions) -> Batcher {
        let rpc = |name: &str| {
            let options = RpcOptions {
                max_attempts: 2,
                backoff_ms: 1,
                ..RpcOptions::new(name, vec![nodes.url(name)])
            };
            Rpc::new(options).unwrap()
        };
        let config = Arc::new(nodes.with(|chains| chains.config.clone()));
        let signer = Signer::dev(1);
        let mut options = BatcherOptions::new(config, rpc("l1"), rpc("l2"), rpc("rollup"), signer);
        options.channels = channels;
        options.pending =
            PendingOptions { max_blocks: 500, max_bytes: 1 << 20, max_transactions: 4 };
        options.poll_interval_ms = STEP_MS;
        options.transactions.resubmission_timeout_ms = 10_000;
        options.throttle = Some(ThrottleOptions {
            threshold_bytes: 20_000..=100_000,
            curve: ThrottleCurve::Step,
            tx_size: 300..=20_000,
            block_size: 2_000..=130_000,
        });
        Batcher::new(options).unwrap()
    }

    /// Another batcher with the same key takes over.
    pub(crate) fn replace_batcher(&mut self, channels: ChannelOptions) {
        self.batcher = Self::batcher(&self.nodes, channels);
        self.handle = self.batcher.handle();
    }

    /// Time goes on by a few looks.
    pub(crate) async fn look(&mut self, times: usize) {
        for _ in 0..times {
            let mut tick = self.batcher.tick(self.now_ms).await;
            for _ in 0..50 {
                if !tick.progressed {
                    break;
                }
                tick = self.batcher.tick(self.now_ms).await;
            }
            assert!(tick.next_due_ms > self.now_ms, "{tick:?} at {}", self.now_ms);
            self.now_ms += STEP_MS;
        }
    }

    /// L2 grows, the batcher looks, L1 grows.
    pub(crate) async fn round(&mut self, transactions: u64, data: usize) {
        self.nodes.with(|chains| chains.sequence(transactions, data));
        self.look(2).await;
        self.nodes.with(|chains| chains.mine());
        self.look(1).await;
    }

    /// L1 and the batcher go on until this is so.
    #[track_caller]
    pub(crate) fn until(
        &mut self,
        what: &'static str,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            for _ in 0..60 {
                if is_so(self) {
                    return;
                }
                self.look(2).await;
                self.nodes.with(|chains| chains.mine());
            }
            let status = self.handle.status();
            panic!("{place}: still not so: {what}; {status:#?}");
        }
    }

    /// Everything that is there now becomes safe.
    pub(crate) async fn settle(&mut self) {
        let newest = self.nodes.with(|chains| chains.l2.len()) - 1;
        self.until("all blocks are safe", |bench| {
            bench.nodes.with(|chains| chains.safe()) >= newest
        })
        .await;
    }
}
