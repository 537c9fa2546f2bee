//! The beacon API of an L1 that has no beacon chain: blobs, times and headers, as far as rollups ask.
//!
//! Start with [`serve`]. A slot is a stretch of `seconds_per_slot` since the first block; with one second every
//! block has a slot of its own, whatever the block time.
//!
//! **Invariant:** blobs are those of canonical blocks. Faults are asked about each slot.

mod error;
mod routes;
mod slots;

use crate::Engine;
use crate::faults::{FaultLayer, Faults};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

pub use slots::Slots;

/// How long clients have to take their last answers.
const GRACE: Duration = Duration::from_millis(700);

/// What [`serve`] takes.
#[derive(Clone, Debug)]
pub struct BeaconOptions {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// Length of a slot.
    pub seconds_per_slot: u64,
    /// Faults of the server and of blobs.
    pub faults: Faults,
}

/// Why the beacon API did not start.
#[derive(Debug, thiserror::Error)]
pub enum BeaconError {
    /// The address cannot be used.
    #[error("{address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// The chain cannot be read.
    #[error(transparent)]
    Engine(#[from] crate::EngineError),
    /// Slots divide by it.
    #[error("a slot has no seconds")]
    NoSeconds,
}

/// A beacon API that runs. It stops when told so, or when this is dropped.
#[derive(Debug)]
pub struct BeaconHandle {
    address: SocketAddr,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl BeaconHandle {
    /// Where it is really served.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops, and returns when it has ended or a second is over.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(GRACE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for BeaconHandle {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Serves the blobs of an L1 engine.
pub async fn serve(engine: Engine, options: BeaconOptions) -> Result<BeaconHandle, BeaconError> {
    let BeaconOptions { address, seconds_per_slot, faults } = options;
    let slots = Slots::new(&engine, seconds_per_slot)?;
    let bind = |error| BeaconError::Bind { address, error };
    let listener = TcpListener::bind(address).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let router = routes::router(engine, slots, faults.clone())
        .layer(FaultLayer(faults))
        .layer(CorsLayer::permissive());
    let stop = CancellationToken::new();
    let told = stop.clone();
    let task = tokio::spawn(async move {
        let server = axum::serve(listener, router);
        let ended = server.with_graceful_shutdown(told.cancelled_owned()).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "beacon api ended");
        }
    });
    Ok(BeaconHandle { address, stop, task: Some(task) })
}
