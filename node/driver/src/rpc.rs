//! The rollup RPC over HTTP and WebSocket: `optimism_*`, `health_status`, `GET /healthz`, and `admin_*` if opened.
//!
//! Start with [`serve_rollup_rpc`].
//!
//! **Invariant:** admin methods do not exist unless they were asked for. Errors have the Go node's code and, where
//! clients read it, its text.

use crate::{handle::DriverHandle, status::SafeHeadAtL1};
use alloy_primitives::{B256, U64};
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    server::{
        Server, ServerConfig, ServerHandle,
        middleware::http::{ProxyGetRequestError, ProxyGetRequestLayer},
    },
    types::ErrorObjectOwned,
};
use serde_json::{Value, json};
use std::{io, net::SocketAddr};

/// The code that the Go node gives errors of its own.
const SERVER_ERROR: i32 = -32_000;
/// Requests and answers are no longer than this, bytes.
const MAX_BODY: u32 = 5 << 20;
const MAX_CONNECTIONS: u32 = 256;

/// Why the RPC is not served.
#[derive(Debug, thiserror::Error)]
pub enum RollupRpcError {
    /// The address cannot be had.
    #[error("rollup rpc on {address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// A fault in opal: two methods have one name.
    #[error(transparent)]
    Register(#[from] RegisterMethodError),
    /// A fault in opal.
    #[error(transparent)]
    Path(#[from] ProxyGetRequestError),
}

/// A server that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct RollupRpc {
    /// Where it listens.
    pub address: SocketAddr,
    server: ServerHandle,
}

impl RollupRpc {
    /// Stops, and waits until all connections are closed.
    pub async fn stop(self) {
        // It fails only if the server has stopped already.
        let _ = self.server.stop();
        self.server.stopped().await;
    }
}

/// Serves one chain.
pub async fn serve_rollup_rpc(
    handle: DriverHandle,
    address: SocketAddr,
    admin: bool,
) -> Result<RollupRpc, RollupRpcError> {
    let module = rollup_methods(handle, admin)?;
    let bind = |error| RollupRpcError::Bind { address, error };
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_BODY)
        .max_response_body_size(MAX_BODY)
        .max_connections(MAX_CONNECTIONS)
        .build();
    let health = ProxyGetRequestLayer::new([("/healthz", "opal_healthz")])?;
    let server = Server::builder()
        .set_config(config)
        .set_http_middleware(tower::ServiceBuilder::new().layer(health))
        .build(address)
        .await
        .map_err(bind)?;
    let address = server.local_addr().map_err(bind)?;
    Ok(RollupRpc { address, server: server.start(module) })
}

/// The methods alone, to be served beside others.
pub fn rollup_methods(
    handle: DriverHandle,
    admin: bool,
) -> Result<RpcModule<DriverHandle>, RegisterMethodError> {
    let mut module = RpcModule::new(handle);
    module.register_method("optimism_syncStatus", |_, handle, _| good(handle.sync_status()))?;
    module.register_method("optimism_rollupConfig", |_, handle, _| good(handle.rollup_config()))?;
    module.register_method("optimism_version", |_, handle, _| good(handle.version()))?;
    module.register_method("health_status", |_, handle, _| good(handle.version()))?;
    let health = |handle: &DriverHandle| json!({ "version": handle.version() });
    module.register_method("opal_healthz", move |_, handle, _| good(health(handle)))?;
    module.register_method("optimism_safeHeadAtL1Block", |params, handle, _| {
        safe_head(handle, params.one::<U64>()?.to())
    })?;
    module.register_async_method("optimism_outputAtBlock", |params, handle, _| async move {
        let number = params.one::<U64>()?.to();
        handle.output_at_block(number).await.map_err(server_error)
    })?;
    if admin {
        register_admin(&mut module)?;
    }
    Ok(module)
}

/// An answer of any type.
const fn good<T>(answer: T) -> Result<T, ErrorObjectOwned> {
    Ok(answer)
}

fn safe_head(handle: &DriverHandle, number: u64) -> Result<SafeHeadAtL1, ErrorObjectOwned> {
    let entry = handle.safe_head_at_l1_block(number).map_err(server_error)?;
    let entry = entry.ok_or_else(|| server_error("not found"))?;
    Ok(SafeHeadAtL1 { l1_block: entry.l1.into(), safe_head: entry.safe.into() })
}

fn register_admin(module: &mut RpcModule<DriverHandle>) -> Result<(), RegisterMethodError> {
    module.register_method("admin_sequencerActive", |_, handle, _| good(handle.is_sequencing()))?;
    module.register_method("admin_conductorEnabled", |_, _, _| good(false))?;
    module.register_async_method("admin_startSequencer", |params, handle, _| async move {
        let head = params.one::<B256>()?;
        handle.start_sequencer(head).await.map_err(server_error)
    })?;
    module.register_async_method("admin_stopSequencer", |_, handle, _| async move {
        handle.stop_sequencer().await.map_err(server_error)
    })?;
    module.register_async_method("admin_setRecoverMode", |params, handle, _| async move {
        let recovers = params.one::<bool>()?;
        handle.set_recover_mode(recovers).await.map_err(server_error)
    })?;
    module.register_async_method("admin_resetDerivationPipeline", |_, handle, _| async move {
        handle.reset_derivation().await.map_err(server_error)
    })?;
    Ok(())
}

fn server_error(error: impl ToString) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(SERVER_ERROR, error.to_string(), None::<Value>)
}
