//! A devnet with users and followers, for tests.
//!
//! **Invariant:** everything is waited for with a bound, in virtual time where the devnet is concerned.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use opal_client::{Rpc, RpcOptions};
use opal_devnet::{
    ChainFile, ChainFiles, ClockMode, Devnet, DevnetOptions, EngineChoice, Node, NodeOptions,
    NodeServers, Ports, Servers,
    accounts::{Account, accounts},
};
use opal_engine::{Engine, PoolError};
use opal_execute::StateRead;
use opal_submit::DataAvailability;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// What tests start from: free ports, virtual time from a fixed second on.
pub(crate) fn options(chains: usize) -> DevnetOptions {
    DevnetOptions {
        chains,
        clock: ClockMode::Virtual,
        servers: Servers::local(Ports::FREE),
        genesis_time: Some(1_750_000_000),
        data: DataAvailability::Calldata,
        ..DevnetOptions::standard()
    }
}

/// Real time that a follower gets for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// See the module.
pub(crate) struct World {
    pub(crate) devnet: Devnet,
}

impl World {
    pub(crate) async fn start(options: DevnetOptions) -> Self {
        Self { devnet: Devnet::start(options).await.unwrap() }
    }

    pub(crate) fn l2(&self, index: usize) -> &Engine {
        self.devnet.engine(index).unwrap()
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        self.devnet.time().advance(seconds).await.unwrap();
    }

    /// Goes on until this holds, at most so many seconds of virtual time.
    pub(crate) async fn until(&self, most_s: u64, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..most_s / 2 {
            if holds(self) {
                return;
            }
            self.advance(2).await;
        }
        panic!("{what}: not after {most_s} s; {}", self.devnet.status());
    }

    pub(crate) fn safe(&self, index: usize) -> u64 {
        self.devnet.driver(index).unwrap().sync_status().safe_l2.number
    }

    /// Calls a server.
    pub(crate) async fn call<T: serde::de::DeserializeOwned + Send>(
        url: &str,
        method: &'static str,
        params: impl serde::Serialize,
    ) -> T {
        let options = RpcOptions::new("test", vec![url.parse().unwrap()]);
        Rpc::new(options).unwrap().call(method, params).await.unwrap()
    }

    /// A follower of all chains that sees L1's endpoints alone.
    pub(crate) async fn follower(&self) -> Node {
        let genesis = self.devnet.genesis();
        let chain = |it: &opal_devnet::genesis::L2Genesis, index: usize| ChainFile {
            config: it.config.clone(),
            genesis: Some(self.l2(index).genesis().clone()),
        };
        let chains = genesis.chains.iter().enumerate().map(|(index, it)| chain(it, index));
        let l1 = &self.devnet.endpoints().l1;
        let options = NodeOptions {
            l1: vec![l1.rpc.clone()],
            beacon: vec![l1.beacon.clone()],
            files: ChainFiles {
                chains: chains.collect(),
                l1: genesis.l1.as_ref().unwrap().config.clone(),
            },
            engine: EngineChoice::Own,
            sequencer: false,
            state: None,
            servers: NodeServers {
                host: IpAddr::V4(Ipv4Addr::LOCALHOST),
                rpc_first: 0,
                rollup_first: 0,
                admin: false,
            },
        };
        Node::start(options).await.unwrap()
    }

    /// Waits until a follower is where the sequencers are, and compares every block.
    pub(crate) async fn check_agrees(&self, follower: &Node) {
        for index in 0..self.devnet.genesis().chains.len() {
            let wanted = self.devnet.driver(index).unwrap().sync_status().safe_l2;
            let is_there = || {
                let safe = follower.driver(index).unwrap().sync_status().safe_l2.number;
                let theirs = follower.engine(index).unwrap().hash_by_number(wanted.number);
                safe >= wanted.number && theirs.unwrap() == Some(wanted.hash)
            };
            let reached = async {
                while !is_there() {
                    tokio::time::sleep(PAUSE).await;
                }
            };
            if tokio::time::timeout(PATIENCE, reached).await.is_err() {
                panic!(
                    "{} is wanted, the follower has {}",
                    self.devnet.status(),
                    follower.status()
                );
            }
            for number in 0..=wanted.number {
                let ours = self.l2(index).hash_by_number(number).unwrap();
                let theirs = follower.engine(index).unwrap().hash_by_number(number).unwrap();
                assert_eq!(ours, theirs, "block {number} of chain {index}");
            }
        }
    }
}

/// A user's transaction.
pub(crate) struct Sent {
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) input: Bytes,
    pub(crate) gas: u64,
}

impl Sent {
    pub(crate) fn transfer(to: Address, value: u64) -> Self {
        Self { to: TxKind::Call(to), value: U256::from(value), input: Bytes::new(), gas: 21_000 }
    }
}

/// Signs with the key of user `index` and puts it into the pool. Hash, nonce and sender of what the pool took.
pub(crate) fn send(
    engine: &Engine,
    index: usize,
    sent: Sent,
) -> Result<(B256, u64, Address), PoolError> {
    send_as(engine, &accounts()[index], sent)
}

/// The same with any key.
pub(crate) fn send_as(
    engine: &Engine,
    account: &Account,
    sent: Sent,
) -> Result<(B256, u64, Address), PoolError> {
    let signer = account.signer();
    let nonce = engine.pool().pending_nonce(signer.address());
    let nonce = nonce.unwrap_or_else(|| nonce_of(engine, signer.address()));
    let transaction = TxEip1559 {
        chain_id: engine.chain_id(),
        nonce,
        gas_limit: sent.gas,
        max_fee_per_gas: 1_000_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: sent.to,
        value: sent.value,
        access_list: Default::default(),
        input: sent.input,
    };
    let signature = signer.sign_hash_sync(&transaction.signature_hash()).unwrap();
    let signed = TxEnvelope::Eip1559(transaction.into_signed(signature));
    let hash = engine.pool().add(&signed.encoded_2718().into())?;
    Ok((hash, nonce, signer.address()))
}

fn account(engine: &Engine, address: Address) -> Option<opal_execute::Account> {
    let head = engine.heads().head.header.hash();
    engine.state_at(head).unwrap().account(address).unwrap()
}

fn nonce_of(engine: &Engine, address: Address) -> u64 {
    account(engine, address).map_or(0, |it| it.nonce)
}

pub(crate) fn balance_of(engine: &Engine, address: Address) -> U256 {
    account(engine, address).map_or(U256::ZERO, |it| it.balance)
}
