//! Where everything listens: what is printed when a devnet is ready.
//!
//! **Invariant:** ports are those that were really bound, also where zero was asked for.

use crate::accounts::{Account, MNEMONIC, accounts};
use alloy_primitives::B256;
use serde::Serialize;
use std::{fmt, net::SocketAddr};

/// All servers of a devnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// The L1.
    pub l1: L1Endpoints,
    /// The L2 chains in order.
    pub chains: Vec<ChainEndpoints>,
    /// Admin JSON-RPC (supersim's methods).
    pub admin: String,
}

/// Where the L1 is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct L1Endpoints {
    /// Its chain id.
    pub chain_id: u64,
    /// JSON-RPC over HTTP.
    pub rpc: String,
    /// JSON-RPC over WebSocket.
    pub ws: String,
    /// Beacon API.
    pub beacon: String,
}

/// Where an L2 chain is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainEndpoints {
    /// Its chain id.
    pub chain_id: u64,
    /// JSON-RPC over HTTP.
    pub rpc: String,
    /// JSON-RPC over WebSocket.
    pub ws: String,
    /// Rollup RPC (`optimism_*`).
    pub rollup: String,
    /// Engine API, if open.
    pub engine: Option<String>,
}

/// The URL of a server.
pub(crate) fn http(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// The same server's other protocol.
pub(crate) fn ws(address: SocketAddr) -> String {
    format!("ws://{address}")
}

/// The same URL for WebSocket.
pub(crate) fn ws_of(url: &str) -> String {
    url.replacen("http", "ws", 1)
}

#[derive(Serialize)]
struct AccountJson {
    address: String,
    private_key: B256,
}

#[derive(Serialize)]
struct Ready<'a> {
    ready_ms: u64,
    #[serde(flatten)]
    endpoints: &'a Endpoints,
    mnemonic: &'static str,
    accounts: Vec<AccountJson>,
}

impl Endpoints {
    /// One JSON object with everything a script needs.
    pub fn to_json(&self, ready_ms: u64) -> String {
        let accounts = accounts();
        let accounts = accounts
            .iter()
            .map(|it| AccountJson { address: it.address.to_checksum(None), private_key: it.key });
        let ready =
            Ready { ready_ms, endpoints: self, mnemonic: MNEMONIC, accounts: accounts.collect() };
        serde_json::to_string(&ready).expect("strings and numbers are JSON")
    }

    /// The same for people, with a command to try.
    pub fn to_text(&self, ready_ms: u64) -> String {
        let mut text = format!(
            "opal devnet is ready after {}.{:02} s\n\n{self}\n",
            ready_ms / 1_000,
            ready_ms % 1_000 / 10
        );
        text.push_str("accounts, with 10,000 ETH on every chain (mnemonic: ");
        text.push_str(MNEMONIC);
        text.push_str(")\n");
        let accounts = accounts();
        for (index, Account { address, key }) in accounts.iter().enumerate() {
            text.push_str(&format!("  ({index}) {address}  {key}\n"));
        }
        if let (Some(chain), [from, to, ..]) = (self.chains.first(), &accounts[..]) {
            text.push_str(&format!(
                "\ntry: cast send --rpc-url {} --private-key {} --value 1ether {}\n",
                chain.rpc, from.key, to.address
            ));
        }
        text
    }
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { l1, chains, admin } = self;
        writeln!(f, "  L1    {}  {}  beacon {}", l1.chain_id, l1.rpc, l1.beacon)?;
        for (letter, chain) in ('A'..).zip(chains) {
            let ChainEndpoints { chain_id, rpc, rollup, engine, .. } = chain;
            write!(f, "  L2 {letter}  {chain_id}  {rpc}  rollup {rollup}")?;
            if let Some(engine) = engine {
                write!(f, "  engine {engine}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "  admin      {admin}  (http and ws share a port)")
    }
}
