//! A served world and clients for it.

use crate::world::World;
use jsonrpsee::core::client::{Subscription, SubscriptionClientT};
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use opal_client::JwtSecret;
use opal_engine::beacon::{self, BeaconHandle, BeaconOptions};
use opal_engine::faults::Faults;
use opal_engine::rpc::{
    AuthOptions, Cors, DevHooks, Limits, ServeOptions, ServerHandle, Unlocked, serve,
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const SECRET: [u8; 32] = [7; 32];

/// Any free port of this machine.
pub(crate) fn free() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// What most tests serve with.
pub(crate) fn options() -> ServeOptions {
    ServeOptions {
        http: free(),
        auth: Some(AuthOptions { address: free(), secret: JwtSecret::new(SECRET) }),
        cors: Cors::Localhost,
        limits: Limits::STANDARD,
        faults: None,
        unlocked: Unlocked::default(),
        hooks: DevHooks::default(),
    }
}

/// An HTTP client. It never speaks TLS here, but does not come without.
pub(crate) fn http() -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A world behind servers.
pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) handle: ServerHandle,
    http: reqwest::Client,
}

/// An error as a client sees it.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused {
    pub(crate) code: i64,
    pub(crate) message: String,
    pub(crate) data: Value,
}

impl Served {
    pub(crate) async fn new(world: World) -> Self {
        Self::with(world, options()).await
    }

    pub(crate) async fn with(world: World, options: ServeOptions) -> Self {
        let handle = serve(world.engine.clone(), options).await.unwrap();
        Self { world, handle, http: http() }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.handle.http())
    }

    /// Posts a body as it is.
    pub(crate) async fn post(&self, url: String, body: &Value) -> reqwest::Response {
        self.http.post(url).json(body).send().await.unwrap()
    }

    pub(crate) async fn call(&self, method: &str, params: Value) -> Result<Value, Refused> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Value = self.post(self.url(), &body).await.json().await.unwrap();
        match answer.get("error") {
            None => Ok(answer["result"].clone()),
            Some(error) => Err(Refused {
                code: error["code"].as_i64().unwrap(),
                message: error["message"].as_str().unwrap().to_owned(),
                data: error["data"].clone(),
            }),
        }
    }

    /// A call that works.
    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        match self.call(method, params.clone()).await {
            Ok(value) => value,
            Err(error) => panic!("{method} {params}: {error:?}"),
        }
    }

    /// The text of a call that does not.
    pub(crate) async fn no(&self, method: &str, params: Value) -> (i64, String) {
        let error = self.call(method, params.clone()).await;
        let error = error.expect_err(&format!("{method} {params}"));
        (error.code, error.message)
    }

    pub(crate) async fn ws(&self) -> WsClient {
        let url = format!("ws://{}", self.handle.http());
        WsClientBuilder::default().build(url).await.unwrap()
    }
}

/// Subscribes.
pub(crate) async fn subscribe(ws: &WsClient, params: &[Value]) -> Subscription<Value> {
    let mut all = jsonrpsee::core::params::ArrayParams::new();
    for param in params {
        all.insert(param).unwrap();
    }
    ws.subscribe("eth_subscribe", all, "eth_unsubscribe").await.unwrap()
}

/// The next notification.
pub(crate) async fn next(subscription: &mut Subscription<Value>) -> Value {
    let item = tokio::time::timeout(PATIENCE, subscription.next()).await;
    item.expect("nothing came").expect("the subscription ended").unwrap()
}

/// A beacon API in front of a world.
pub(crate) async fn beacon(world: &World, faults: Faults, seconds_per_slot: u64) -> BeaconHandle {
    let options = BeaconOptions { address: free(), seconds_per_slot, faults };
    beacon::serve(world.engine.clone(), options).await.unwrap()
}
