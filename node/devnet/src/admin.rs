//! The admin RPC: supersim's methods, and `opal_*` for what only a devnet of opal can do.
//!
//! Start with [`serve`]. JSON-RPC is posted to `/`; `/ready` and `/healthz` answer GET.
//!
//! **Invariant:** nothing here changes a chain but through L1 and time, so every follower still agrees.

mod messages;

use crate::{
    accounts::{MNEMONIC, accounts},
    endpoints::Endpoints,
    genesis::BLOCK_TIME,
    l1::Orphans,
    status::Status,
    time::{Time, TimeError},
};
use alloy_primitives::Address;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use jsonrpsee::{
    RpcModule,
    types::{ErrorObjectOwned, Params, error::INVALID_PARAMS_CODE},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Display, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Longest request.
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// Of errors that are neither about parameters nor about the method.
const SERVER_ERROR: i32 = -32_000;

/// What the methods need.
pub(crate) struct Admin {
    pub(crate) endpoints: Endpoints,
    /// Contracts on L1 by chain and name.
    pub(crate) l1_addresses: BTreeMap<u64, BTreeMap<String, Address>>,
    pub(crate) time: Time,
    pub(crate) status: Box<dyn Fn() -> Status + Send + Sync>,
}

type Answer = Result<Value, ErrorObjectOwned>;

/// Serves until stopped.
pub(crate) async fn serve(listener: TcpListener, admin: Admin, stop: CancellationToken) {
    let module = match module(admin) {
        Ok(module) => Arc::new(module),
        Err(error) => {
            tracing::error!(%error, "the admin RPC has a method twice");
            return;
        }
    };
    let limit = axum::extract::DefaultBodyLimit::max(MAX_REQUEST_BYTES);
    let app = Router::new()
        .route("/", get(|| async { "opal devnet" }).post(answer))
        .route("/ready", get(|| async { "OK" }))
        .route("/healthz", get(|| async { "OK" }))
        .layer(limit)
        .with_state(module);
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "the admin RPC stopped");
    }
}

async fn answer(State(module): State<Arc<RpcModule<Admin>>>, request: String) -> impl IntoResponse {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match module.raw_json_request(&request, 1).await {
        Ok((response, _)) => (StatusCode::OK, json, response.get().to_owned()),
        Err(error) => {
            let error = json!({"code": -32_700, "message": error.to_string()});
            let body = json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
            (StatusCode::BAD_REQUEST, json, body)
        }
    }
}

fn module(admin: Admin) -> Result<RpcModule<Admin>, jsonrpsee::core::RegisterMethodError> {
    let mut module = RpcModule::new(admin);
    module.register_method("admin_getConfig", |_, admin, _| admin.config())?;
    module.register_method("admin_getL1Addresses", |params, admin, _| admin.addresses(&params))?;
    module.register_method("admin_getAccessListForIdentifier", |params, _, _| {
        messages::access_list(&params)
    })?;
    for name in ["admin_getL2ToL2MessageByMsgHash", "admin_getAccessListByMsgHash"] {
        module.register_method(name, |_, _, _| messages::not_indexed())?;
    }
    module.register_method("opal_endpoints", |_, admin, _| json(&admin.endpoints))?;
    module.register_method("opal_status", |_, admin, _| json(&(admin.status)()))?;
    module.register_method("opal_reorgL1", |params, admin, _| admin.reorg(&params))?;
    module.register_async_method("opal_advance", |params, admin, _| async move {
        let seconds = one::<u64>(&params)?;
        admin.time.advance(seconds).await.map_err(failed)?;
        Ok::<_, ErrorObjectOwned>(json!({"timestamp": admin.time.now_ms() / 1_000}))
    })?;
    module.register_async_method("opal_mineL1", |params, admin, _| async move {
        admin.time.mine(one::<u64>(&params)?).await.map_err(failed)?;
        Ok::<_, ErrorObjectOwned>(json!({"timestamp": admin.time.now_ms() / 1_000}))
    })?;
    Ok(module)
}

/// The only parameter.
fn one<T: serde::de::DeserializeOwned>(params: &Params<'_>) -> Result<T, ErrorObjectOwned> {
    params.one()
}

fn json(value: &impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map_err(failed)
}

fn failed(error: impl Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(SERVER_ERROR, error.to_string(), None::<()>)
}

fn invalid(reason: impl Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INVALID_PARAMS_CODE, reason.to_string(), None::<()>)
}

impl Admin {
    /// Supersim's network config, with its field names.
    fn config(&self) -> Answer {
        let secrets = json!({
            "Accounts": accounts().len(),
            "Mnemonic": MNEMONIC,
            "DerivationPath": "m/44'/60'/0'/0",
        });
        let chain = |name: String, chain_id: u64, url: &str, l2: Value| {
            let (host, port) = host_and_port(url);
            json!({
                "Name": name, "Host": host, "Port": port, "ChainID": chain_id,
                "BlockTime": BLOCK_TIME, "SecretsConfig": secrets, "L2Config": l2,
                "ForkConfig": null, "OdysseyEnabled": false,
            })
        };
        let Endpoints { l1, chains, .. } = &self.endpoints;
        let ids: Vec<u64> = chains.iter().map(|it| it.chain_id).collect();
        let l2s = ('A'..).zip(chains).map(|(letter, it)| {
            let others: Vec<_> = ids.iter().filter(|id| **id != it.chain_id).collect();
            let l2 = json!({
                "L1ChainID": l1.chain_id,
                "L1Addresses": self.l1_addresses.get(&it.chain_id),
                "DependencySet": others,
            });
            chain(format!("OPChain{letter}"), it.chain_id, &it.rpc, l2)
        });
        let l2s: Vec<_> = l2s.collect();
        Ok(json!({
            "L1Config": chain("Local".to_owned(), l1.chain_id, &l1.rpc, Value::Null),
            "L2StartingPort": l2s.first().map(|it| it["Port"].clone()),
            "L2Configs": l2s,
            "InteropEnabled": true,
            "InteropAutoRelay": false,
            "InteropDelay": 0,
        }))
    }

    fn addresses(&self, params: &Params<'_>) -> Answer {
        let chain_id = one::<u64>(params)?;
        let addresses = self.l1_addresses.get(&chain_id);
        json(addresses.ok_or_else(|| invalid("chain not found"))?)
    }

    fn reorg(&self, params: &Params<'_>) -> Answer {
        let depth = one::<u64>(params)?;
        let l1 = self.time.l1.as_ref().ok_or_else(|| failed(TimeError::ForeignL1))?;
        l1.reorg(depth, Orphans::Return).map_err(failed)?;
        self.time.wakes.wake();
        Ok(json!({"number": l1.head().header.number, "hash": l1.head().header.hash()}))
    }
}

fn host_and_port(url: &str) -> (String, Option<u16>) {
    let address = url.split("://").nth(1).unwrap_or(url).trim_end_matches('/');
    match address.rsplit_once(':') {
        Some((host, port)) => (host.to_owned(), port.parse().ok()),
        None => (address.to_owned(), None),
    }
}
