//! A chain's batcher as a machine, and how it is set up in a devnet.
//!
//! **Invariant:** it reads the chain as an outside batcher would, by JSON-RPC and rollup RPC.

use crate::{
    accounts::{Role, role},
    chain::Pace,
    chaos::Faults,
    machine::Machine,
};
use futures_util::{FutureExt, future::BoxFuture};
use opal_client::{RpcSetupError, Signer};
use opal_submit::{Batcher, BatcherOptions, DataAvailability};
use opal_types::ChainConfig;
use std::sync::Arc;
use url::Url;

/// L1 blocks that a channel is open.
const MAX_CHANNEL_DURATION: u64 = 2;

/// Pause of a batcher that chaos holds back.
const OUTAGE_MS: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct BatcherMachine {
    pub(crate) batcher: Batcher,
    pub(crate) chain_id: u64,
    pub(crate) faults: Faults,
}

impl Machine for BatcherMachine {
    fn name(&self) -> String {
        format!("batcher of {}", self.chain_id)
    }

    fn tick(&mut self, now_ms: u64) -> BoxFuture<'_, u64> {
        async move {
            if self.faults.batcher_is_out(self.chain_id) {
                return now_ms + OUTAGE_MS;
            }
            let tick = self.batcher.tick(now_ms).await;
            if tick.progressed { now_ms } else { tick.next_due_ms }
        }
        .boxed()
    }
}

/// A devnet's batcher: it looks at the chains often, as their blocks are quick.
pub(crate) fn options(
    config: ChainConfig,
    urls: [Url; 3],
    data: DataAvailability,
    pace: Pace,
) -> Result<BatcherOptions, RpcSetupError> {
    let [l1, l2, rollup] = urls;
    let rpc = |name: &str, url: Url| pace.rpc(name, vec![url]);
    let account = role(Role::Batcher { chain_id: config.l2_chain_id });
    let signer = Signer::Local(account.signer());
    let (l1, l2, rollup) = (rpc("L1", l1)?, rpc("L2", l2)?, rpc("rollup", rollup)?);
    let mut options = BatcherOptions::new(Arc::new(config), l1, l2, rollup, signer);
    options.channels.data_availability = data;
    // Users want to see safe blocks soon; the price of L1 is play money.
    options.channels.max_channel_duration = MAX_CHANNEL_DURATION;
    options.poll_interval_ms = pace.batcher_ms;
    Ok(options)
}
