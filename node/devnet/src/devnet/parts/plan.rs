//! The options of each part of a devnet.
//!
//! **Invariant:** reads the devnet's options and genesis only.

use super::{DevnetError, url};
use crate::{
    accounts::{Role, accounts, role},
    batcher,
    chain::{Chain, ChainOptions, Pace},
    cheats::{Faucet, hook, l2_hooks},
    clock::ClockMode,
    endpoints::http,
    foreign::l1_config,
    genesis::GenesisSet,
    l1::L1,
    options::{DevnetOptions, Ports},
    state::Folder,
    time::Time,
};
use alloy_primitives::{Address, B256, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use opal_client::JwtSecret;
use opal_engine::{
    Engine, EngineHandle, EngineOptions, PoolLimits, Rules, StoreLocation,
    rpc::{AuthOptions, Cors, DevHooks, Limits, ServeOptions, Unlocked},
};
use opal_sources::Sources;
use opal_submit::Batcher;
use opal_types::{L1Config, read::GenesisFile};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use url::Url;

/// See the module.
pub(super) struct Plan<'a> {
    pub(super) options: &'a DevnetOptions,
    pub(super) folder: Folder,
    pub(super) genesis: GenesisSet,
    pub(super) time: Time,
    pub(super) jwt: JwtSecret,
}

impl Plan<'_> {
    pub(super) fn faucet(&self, l1: &L1) -> Faucet {
        Faucet::new(&role(Role::Faucet), l1.clone(), self.time.clone())
    }

    /// JSON-RPC with the users' accounts, for pages from anywhere: nothing here is worth stealing.
    pub(super) fn serve(&self, http: SocketAddr, hooks: DevHooks) -> ServeOptions {
        ServeOptions {
            http,
            auth: None,
            cors: Cors::Any,
            limits: Limits::STANDARD,
            faults: None,
            unlocked: unlocked(),
            hooks,
        }
    }

    /// One chain, with its engine open.
    pub(super) fn chain(
        &self,
        index: usize,
        sources: Sources,
        faucet: Option<&Arc<Faucet>>,
    ) -> Result<ChainOptions, DevnetError> {
        let config = self.genesis.chains[index].config.clone();
        let engine = self.engine(index)?;
        let servers = self.options.servers;
        let address = |first| SocketAddr::new(servers.l2_host, Ports::of_chain(first, index));
        let portal = config.deposit_contract;
        let set_balance = faucet.and_then(|faucet| {
            let context = (Arc::clone(faucet), engine.clone());
            hook(context, move |(faucet, engine), (address, balance)| async move {
                faucet.give_on_l2(&engine, portal, address, balance).await
            })
        });
        let mut rpc =
            self.serve(address(servers.ports.l2_first), l2_hooks(&self.time, set_balance));
        let secret = || self.jwt.clone();
        let auth = |first| AuthOptions { address: address(first), secret: secret() };
        rpc.auth = servers.ports.engine_first.map(auth);
        let folder = self.folder.part(&config.l2_chain_id.to_string());
        Ok(ChainOptions {
            l1_config: self.l1_config(),
            engine: EngineHandle::Local(engine),
            sources,
            state: folder.map(|it| it.join("safe")),
            sequencer: self.options.sequencer,
            pace: self.pace(),
            rpc: Some(rpc),
            rollup: address(servers.ports.rollup_first),
            admin: false,
            config,
        })
    }

    /// The batcher of a chain that is served.
    pub(super) fn batcher(
        &self,
        index: usize,
        l1: Url,
        chain: &Chain,
    ) -> Result<Batcher, DevnetError> {
        let config = self.genesis.chains[index].config.clone();
        let rpc = chain.rpc.as_ref().expect("a devnet's engines are in its process");
        let [l2, rollup] = [rpc.http(), chain.rollup.address].map(|it| url(&http(it)));
        let options = batcher::options(config, [l1, l2?, rollup?], self.options.data, self.pace())?;
        Ok(Batcher::new(options)?)
    }

    /// How often machines look around.
    pub(super) fn pace(&self) -> Pace {
        match self.options.clock {
            ClockMode::Real => Pace::REAL,
            ClockMode::Virtual => Pace::VIRTUAL,
        }
    }

    fn l1_config(&self) -> L1Config {
        match (&self.genesis.l1, self.genesis.chains.first()) {
            (Some(l1), _) => l1.config.clone(),
            (None, chain) => l1_config(chain.map_or(0, |it| it.config.l1_chain_id)),
        }
    }

    fn engine(&self, index: usize) -> Result<Engine, DevnetError> {
        let config = self.genesis.chains[index].config.clone();
        let chain_id = config.l2_chain_id;
        let folder = self.folder.part(&chain_id.to_string());
        let store = folder.map(|it| StoreLocation::Folder(it.join("engine")));
        let file = self.genesis.chains[index].genesis_json().to_string();
        let options = EngineOptions {
            rules: Rules::L2(Box::new(config)),
            genesis: GenesisFile::from_json(file.as_bytes())?,
            store: store.unwrap_or(StoreLocation::Memory),
            pool: PoolLimits::STANDARD,
        };
        let part = || format!("chain {chain_id}");
        Engine::open(options).map_err(|error| DevnetError::Open { part: part(), error })
    }
}

/// The users' accounts sign when asked to, as in other dev tools.
fn unlocked() -> Unlocked {
    let signers: BTreeMap<Address, PrivateKeySigner> =
        accounts().into_iter().map(|it| (it.address, it.signer())).collect();
    let addresses = accounts().into_iter().map(|it| it.address).collect();
    let sign = move |address: Address, hash: B256| -> Option<Signature> {
        signers.get(&address)?.sign_hash_sync(&hash).ok()
    };
    Unlocked { addresses, sign: Some(Arc::new(sign)) }
}
