//! The servers: one port for everybody, one for those with a token.
//!
//! Start with [`serve`].
//!
//! **Invariant:** a server that was told to stop ends within a second, whatever its clients do.

use super::filters::Filters;
use super::{Api, Cors, Limits, ServeOptions, Table, debug, dev, eth, net, subscriptions, txpool};
use crate::Engine;
use crate::engine_api::{AuthLayer, methods as engine_methods};
use crate::faults::FaultLayer;
use http::{HeaderValue, Method, header};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::server::{BatchRequestConfig, Server, ServerConfig, ServerHandle as Running};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;
use tower::util::option_layer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::Url;

/// How long clients have to take their last answers.
const GRACE: Duration = Duration::from_millis(700);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be used.
    #[error("{address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// Two methods have the same name: a fault in opal.
    #[error("methods: {0}")]
    Methods(#[from] RegisterMethodError),
}

/// Servers that run. They stop when told so, or when this is dropped.
#[derive(Debug)]
pub struct ServerHandle {
    http: SocketAddr,
    auth: Option<SocketAddr>,
    running: Vec<Running>,
    stop: CancellationToken,
}

impl ServerHandle {
    /// Where http and ws are really served.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where the Engine API is really served.
    pub const fn auth(&self) -> Option<SocketAddr> {
        self.auth
    }

    /// Stops, and returns when the servers have ended or a second is over.
    pub async fn stop(self) {
        self.stop.cancel();
        for server in &self.running {
            // It may have stopped already.
            let _ = server.stop();
        }
        let ended = async {
            for server in &self.running {
                server.clone().stopped().await;
            }
        };
        // Whoever still holds a connection then is cut off.
        let _ = tokio::time::timeout(GRACE, ended).await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Serves an engine.
pub async fn serve(engine: Engine, options: ServeOptions) -> Result<ServerHandle, ServeError> {
    let stop = CancellationToken::new();
    let api = Api {
        engine,
        limits: options.limits,
        places: Arc::new(Semaphore::new(options.limits.runs)),
        filters: Arc::new(Filters::new(&options.limits)),
        unlocked: options.unlocked.clone(),
        sending: Arc::default(),
        hooks: options.hooks.clone(),
        stop: stop.clone(),
    };
    let public = public_methods(api.clone())?;
    let layers = ServiceBuilder::new()
        .layer(option_layer(options.faults.clone().map(FaultLayer)))
        .layer(cors(options.cors));
    let server = Server::builder()
        .set_config(config(&options.limits))
        .set_http_middleware(layers)
        .build(options.http)
        .await
        .map_err(|error| ServeError::Bind { address: options.http, error })?;
    let http = address(server.local_addr(), options.http)?;
    let mut running = vec![server.start(public.clone())];
    let mut auth = None;
    if let Some(options) = &options.auth {
        let mut methods = public;
        methods.merge(engine_methods(api.clone())?)?;
        let layers = ServiceBuilder::new().layer(AuthLayer(options.secret.clone()));
        let server = Server::builder()
            .set_config(config(&api.limits))
            .set_http_middleware(layers)
            .build(options.address)
            .await
            .map_err(|error| ServeError::Bind { address: options.address, error })?;
        auth = Some(address(server.local_addr(), options.address)?);
        running.push(server.start(methods));
    }
    Ok(ServerHandle { http, auth, running, stop })
}

fn address(
    found: std::io::Result<SocketAddr>,
    wanted: SocketAddr,
) -> Result<SocketAddr, ServeError> {
    found.map_err(|error| ServeError::Bind { address: wanted, error })
}

/// Everything that needs no token.
fn public_methods(api: Api) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut table = Table::new(api);
    eth::list(&mut table)?;
    net::list(&mut table)?;
    txpool::list(&mut table)?;
    debug::list(&mut table)?;
    dev::list(&mut table)?;
    subscriptions::list(&mut table)?;
    Ok(table.module)
}

fn config(limits: &Limits) -> ServerConfig {
    ServerConfig::builder()
        .max_connections(limits.connections)
        .max_request_body_size(limits.request_bytes)
        .max_response_body_size(limits.response_bytes)
        .max_subscriptions_per_connection(limits.subscriptions)
        .set_batch_request_config(BatchRequestConfig::Limit(limits.batch))
        .set_tcp_no_delay(true)
        .set_id_provider(subscriptions::HexIds::default())
        .build()
}

/// Lets pages call without credentials.
fn cors(which: Cors) -> CorsLayer {
    let origin = match which {
        Cors::Any => AllowOrigin::any(),
        Cors::Localhost => AllowOrigin::predicate(|origin, _| is_local(origin)),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::POST, Method::GET])
        .allow_headers([header::CONTENT_TYPE])
}

/// Whether a page comes from this machine.
fn is_local(origin: &HeaderValue) -> bool {
    let url = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    let host = url.as_ref().and_then(|url| url.host_str());
    host.is_some_and(|host| {
        matches!(host, "localhost" | "127.0.0.1" | "[::1]") || host.ends_with(".localhost")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_may_call() {
        let check = |origin, expected| {
            assert_eq!(is_local(&HeaderValue::from_static(origin)), expected, "{origin}");
        };
        check("http://localhost:3000", true);
        check("https://127.0.0.1", true);
        check("http://[::1]:8080", true);
        check("http://app.localhost", true);
        check("https://localhost.example.org", false);
        check("https://example.org", false);
        check("null", false);
    }
}
