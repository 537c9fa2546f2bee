//! What users of other dev tools call, done in ways that every follower can derive.
//!
//! Time and blocks go through [`Time`]. A balance is given by a transfer on L1, and on an L2 by a deposit from the
//! faucet, which the portal mints.
//!
//! **Invariant:** no state of an L2 changes here; what has to reach it goes through L1.

mod faucet;

pub(crate) use faucet::Faucet;

use crate::time::{Time, TimeError};
use alloy_primitives::{Address, U256};
use futures_util::FutureExt;
use opal_engine::rpc::{DevHooks, Hook, MineRequest};
use std::{fmt::Display, future::Future, sync::Arc};

/// Makes a call-back of an asynchronous function on clones of `context`.
pub(crate) fn hook<C, A, R, F, E>(
    context: C,
    call: impl Fn(C, A) -> F + Send + Sync + 'static,
) -> Option<Hook<A, R>>
where
    C: Clone + Send + Sync + 'static,
    F: Future<Output = Result<R, E>> + Send + 'static,
    E: Display + 'static,
{
    Some(Arc::new(move |argument| {
        let called = call(context.clone(), argument);
        async move { called.await.map_err(|error| error.to_string()) }.boxed()
    }))
}

/// Those of the L1.
pub(crate) fn l1_hooks(time: &Time, faucet: &Arc<Faucet>) -> DevHooks {
    DevHooks {
        mine: hook(time.clone(), |time, request| async move { mine(&time, request).await }),
        set_balance: hook(Arc::clone(faucet), |faucet, (address, balance)| async move {
            faucet.give_on_l1(address, balance).await
        }),
        ..common(time)
    }
}

/// Those of an L2.
pub(crate) fn l2_hooks(time: &Time, set_balance: Option<Hook<(Address, U256), ()>>) -> DevHooks {
    DevHooks {
        mine: hook(time.clone(), |time, request| async move { mine(&time, request).await }),
        set_balance,
        ..common(time)
    }
}

fn common(time: &Time) -> DevHooks {
    DevHooks {
        increase_time: hook(time.clone(), |time: Time, seconds| async move {
            let before_ms = time.now_ms();
            time.advance(seconds).await?;
            Ok::<_, TimeError>((time.now_ms() - before_ms) / 1_000)
        }),
        set_next_timestamp: hook(time.clone(), |time: Time, timestamp: u64| async move {
            time.advance_to(timestamp.saturating_mul(1_000)).await
        }),
        ..DevHooks::default()
    }
}

/// L1 blocks now; the chains' blocks come with the time that passes.
async fn mine(time: &Time, request: MineRequest) -> Result<(), TimeError> {
    if let Some(timestamp) = request.timestamp {
        time.advance_to(timestamp.saturating_mul(1_000)).await?;
    }
    match request.interval_s {
        None => time.mine(request.blocks).await,
        Some(interval_s) => {
            for _ in 0..request.blocks {
                time.advance(interval_s).await?;
                time.mine(1).await?;
            }
            Ok(())
        }
    }
}
