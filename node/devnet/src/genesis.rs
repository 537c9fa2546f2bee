//! The first blocks of the dev L1 and of the chains on it, and the configs that go with them.
//!
//! Start with [`build`]. The contracts come from the checked-in artifacts; what their constructors, initialisers and
//! upgrade transactions do is not written down anywhere but executed.
//!
//! **Invariant:** the result is a function of the options alone: no clock, no randomness, no file.

mod addresses;
mod artifact;
mod deployment;
mod files;
mod forks;
mod l1;
mod l2;
mod predeploys;
mod root;
mod upgrades;
mod world;

pub use addresses::{L1Addresses, SharedAddresses};
pub use deployment::{DeploymentTransaction, DeploymentTransactions, deployment_transactions};
pub use files::ExportError;
pub use forks::{ForkSchedule, ForkScheduleError};
pub use l1::L1Genesis;
pub use l2::L2Genesis;

use crate::accounts::{Role, accounts, role};
use alloy_primitives::{Address, U256};
use opal_types::{BlockId, FeeScalars, Fork, UpgradeError, read::GenesisAccount};
use std::{collections::BTreeMap, thread};

/// Accounts of a first block.
pub type Alloc = BTreeMap<Address, GenesisAccount>;

/// So many chains at most.
pub const MAX_CHAINS: usize = 8;
/// What each account starts with, wei: 10,000 ether.
pub const BALANCE: U256 = U256::from_limbs([0x19e0_c9ba_b240_0000, 0x21e, 0, 0]);
/// Gas limit of all blocks.
pub const GAS_LIMIT: u64 = 60_000_000;
/// Seconds between blocks of a chain.
pub const BLOCK_TIME: u64 = 2;

/// What the first blocks depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisOptions {
    /// Chain id of the L1.
    pub l1_chain_id: u64,
    /// Chain ids of the chains, each once.
    pub chain_ids: Vec<u64>,
    /// Timestamp of the dev L1's first block, seconds since the Unix epoch.
    pub genesis_time: u64,
    /// Which forks the chains start with, and which come later.
    pub forks: ForkSchedule,
    /// Where the chains are anchored if not to the first block of the dev L1.
    pub anchor: Option<Anchor>,
}

/// An L1 that is already there, with the contracts on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// A block with the contracts; the chains are derived from its successors.
    pub block: BlockId,
    /// Its timestamp, seconds.
    pub timestamp: u64,
    /// Its base fee, wei.
    pub base_fee: u64,
    /// What the chains share.
    pub shared: SharedAddresses,
    /// The contracts of each chain, in the order of the chain ids.
    pub chains: Vec<L1Addresses>,
}

/// All first blocks.
#[derive(Clone, Debug)]
pub struct GenesisSet {
    /// The dev L1; `None` where the options have an anchor.
    pub l1: Option<L1Genesis>,
    /// The chains, in the order of the options.
    pub chains: Vec<L2Genesis>,
    /// What the chains share on L1.
    pub shared: SharedAddresses,
}

/// What a chain is told on L1 when it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainParameters {
    /// Its id.
    pub chain_id: u64,
    /// Sends its batches.
    pub batcher: Address,
    /// Signs its unsafe blocks.
    pub unsafe_signer: Address,
    /// Receives its batches.
    pub batch_inbox: Address,
    /// Gas limit of its blocks.
    pub gas_limit: u64,
    /// Weights of the L1 fee.
    pub fee_scalars: FeeScalars,
}

/// Why there are no first blocks.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// Too many chains, or none.
    #[error("{count} chains: there can be 1 to {MAX_CHAINS}")]
    ChainCount {
        /// How many.
        count: usize,
    },
    /// Two chains of one set, or a chain and its L1, need ids of their own.
    #[error("chain id {chain_id} is used twice")]
    RepeatedChain {
        /// The id.
        chain_id: u64,
    },
    /// An anchor tells the contracts of each chain.
    #[error("{chains} chains, but the anchor has the contracts of {anchored}")]
    AnchorChains {
        /// Chains asked for.
        chains: usize,
        /// Chains of the anchor.
        anchored: usize,
    },
    /// A checked-in artifact is damaged: the build is.
    #[error("artifact {name} is unreadable: {reason}")]
    Artifact {
        /// The contract.
        name: &'static str,
        /// What the parser says.
        reason: serde_json::Error,
    },
    /// A constructor or an initialiser fails.
    #[error("{name} at {at}: {reason}")]
    Call {
        /// The contract.
        name: &'static str,
        /// Its address.
        at: Address,
        /// What the machine says.
        reason: String,
    },
    /// The upgrade transactions of a fork are damaged.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    /// A fork's activation cannot be executed.
    #[error("activation of {fork}: {reason}", fork = .fork.name())]
    Activation {
        /// The fork.
        fork: Fork,
        /// What execution says.
        reason: opal_execute::Error,
    },
    /// An upgrade transaction does nothing.
    #[error("upgrade transaction {index} of {fork} fails", fork = .fork.name())]
    UpgradeFails {
        /// The fork.
        fork: Fork,
        /// Position among the fork's transactions.
        index: usize,
    },
}

impl GenesisOptions {
    fn check(&self) -> Result<(), GenesisError> {
        let count = self.chain_ids.len();
        if count == 0 || count > MAX_CHAINS {
            return Err(GenesisError::ChainCount { count });
        }
        for (index, chain_id) in self.chain_ids.iter().enumerate() {
            if *chain_id == self.l1_chain_id || self.chain_ids[..index].contains(chain_id) {
                return Err(GenesisError::RepeatedChain { chain_id: *chain_id });
            }
        }
        if let Some(anchor) = &self.anchor
            && anchor.chains.len() != count
        {
            return Err(GenesisError::AnchorChains {
                chains: count,
                anchored: anchor.chains.len(),
            });
        }
        Ok(())
    }

    /// What each chain's contracts on L1 are told.
    pub fn parameters(&self) -> Vec<ChainParameters> {
        self.chain_ids.iter().map(|chain_id| ChainParameters::dev(*chain_id)).collect()
    }
}

impl ChainParameters {
    /// The dev parameters of the chain with this id.
    pub fn dev(chain_id: u64) -> Self {
        Self {
            chain_id,
            batcher: role(Role::Batcher { chain_id }).address,
            unsafe_signer: role(Role::Sequencer { chain_id }).address,
            batch_inbox: addresses::batch_inbox(chain_id),
            gas_limit: GAS_LIMIT,
            // What the first chains after Ecotone were given.
            fee_scalars: FeeScalars { base_fee: 1_368, blob_base_fee: 810_949 },
        }
    }
}

/// Who has ether on all chains: the users, the owner, and the faucet.
fn funded() -> Vec<Address> {
    let own = [Role::Owner, Role::Faucet].map(role);
    accounts().into_iter().chain(own).map(|account| account.address).collect()
}

/// Builds the first blocks of the L1 and of all chains.
pub fn build(options: &GenesisOptions) -> Result<GenesisSet, GenesisError> {
    options.check()?;
    let owner = role(Role::Owner).address;
    let parameters = options.parameters();
    let (shared, addresses) = match &options.anchor {
        Some(anchor) => (anchor.shared.clone(), anchor.chains.clone()),
        None => {
            let addresses = options.chain_ids.iter().map(|id| L1Addresses::of(*id));
            (SharedAddresses::dev(), addresses.collect::<Result<_, _>>()?)
        }
    };
    let places = deployment::Places {
        owner,
        shared: shared.clone(),
        implementations: deployment::Implementations::dev(),
        chains: parameters.into_iter().zip(addresses).collect(),
    };
    let l1 = match options.anchor {
        Some(_) => None,
        None => Some(L1Genesis::build(options, &places)?),
    };
    let start = l2::Start::of(options, l1.as_ref());
    // Most of the time goes into upgrade transactions, and the chains do not meet before they run.
    let chains = thread::scope(|scope| {
        let build = |(parameters, addresses): &'_ (_, _)| {
            L2Genesis::build(options, owner, &start, parameters, addresses)
        };
        let chains: Vec<_> =
            places.chains.iter().map(|chain| scope.spawn(move || build(chain))).collect();
        let chains = chains.into_iter().map(|chain| chain.join().expect("building does not panic"));
        chains.collect::<Result<_, _>>()
    })?;
    Ok(GenesisSet { l1, chains, shared })
}
