//! The dev L1's first block: Osaka's rules, its system contracts, and the contracts of all chains.
//!
//! **Invariant:** only a foreign L1 is without these contracts; see [`super::Anchor`].

use super::{
    Alloc, BALANCE, ChainParameters, GAS_LIMIT, GenesisError, GenesisOptions, artifact,
    deployment::{Deployment, Places},
    root::state_root,
    world::World,
};
use crate::accounts::{Role, role};
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS,
};
use alloy_eips::{eip2935, eip4788, eip7002, eip7251, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{Address, B256, Bytes, Sealed, U256};
use opal_types::{BlobParams, L1Config, L1Flavour};

/// Base fee of first blocks, wei (EIP-1559).
pub(super) const INITIAL_BASE_FEE: u64 = 1_000_000_000;
/// What each preinstall would have been given by its creation (EIP-161).
const CONTRACT_NONCE: u64 = 1;

/// Blob parameters of one of L1's forks.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlobFork {
    pub(super) name: &'static str,
    pub(super) target: u64,
    pub(super) max: u64,
    pub(super) update_fraction: u64,
}

/// Mainnet's parameters of the forks that the dev L1 starts with.
pub(super) const BLOB_FORKS: [BlobFork; 3] = [
    BlobFork { name: "cancun", target: 3, max: 6, update_fraction: 3_338_477 },
    BlobFork { name: "prague", target: 6, max: 9, update_fraction: 5_007_716 },
    BlobFork { name: "osaka", target: 6, max: 9, update_fraction: 5_007_716 },
];

/// See the module.
#[derive(Clone, Debug)]
pub struct L1Genesis {
    /// Its rules, as far as they reach L2.
    pub config: L1Config,
    /// The first block.
    pub header: Sealed<Header>,
    /// Its accounts.
    pub alloc: Alloc,
}

impl L1Genesis {
    pub(super) fn build(options: &GenesisOptions, places: &Places) -> Result<Self, GenesisError> {
        let mut world = World::new(options.l1_chain_id, options.genesis_time);
        install(&mut world, options.l1_chain_id)?;
        fund(&mut world, places);
        let Deployment { creations, calls } = Deployment::new(places)?;
        for creation in creations {
            world.construct(places.owner, (creation.name, creation.at), creation.code)?;
            world.set_nonce(creation.at, CONTRACT_NONCE);
        }
        for call in calls {
            world.call(places.owner, (call.name, call.to), call.data)?;
        }
        let alloc = world.into_alloc();
        let header = header(options.genesis_time, state_root(&alloc));
        Ok(Self { config: config(options.l1_chain_id), header: Sealed::new(header), alloc })
    }
}

/// Contracts that the L1's rules or its users expect.
pub(super) fn install(world: &mut World, chain_id: u64) -> Result<(), GenesisError> {
    let system: [(Address, &Bytes); 3] = [
        (eip2935::HISTORY_STORAGE_ADDRESS, &eip2935::HISTORY_STORAGE_CODE),
        (
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            &eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE,
        ),
        (
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            &eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE,
        ),
    ];
    for (address, code) in system {
        world.set_code(address, code);
        world.set_nonce(address, CONTRACT_NONCE);
    }
    // The contract of EIP-4788 is among them.
    for preinstall in artifact::preinstalls()? {
        let code = preinstall.code_on(chain_id);
        world.set_code(preinstall.address, &code);
        world.set_nonce(preinstall.address, CONTRACT_NONCE);
    }
    debug_assert!(world.has_code(eip4788::BEACON_ROOTS_ADDRESS));
    Ok(())
}

fn fund(world: &mut World, places: &Places) {
    let funded = super::funded();
    // All ether on L2 can be withdrawn.
    let l2_accounts = funded.len() * places.chains.len();
    world.set_balance(places.shared.eth_lockbox_proxy, BALANCE * U256::from(l2_accounts));
    let operators = places.chains.iter().flat_map(|(ChainParameters { chain_id, .. }, _)| {
        let chain_id = *chain_id;
        [Role::Batcher { chain_id }, Role::Proposer { chain_id }].map(|it| role(it).address)
    });
    for account in funded.into_iter().chain(operators) {
        world.set_balance(account, BALANCE);
    }
}

fn header(timestamp: u64, state_root: B256) -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        state_root,
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        gas_limit: GAS_LIMIT,
        timestamp,
        base_fee_per_gas: Some(INITIAL_BASE_FEE),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

fn config(chain_id: u64) -> L1Config {
    let params =
        |fork: BlobFork| BlobParams { timestamp: 0, update_fraction: fork.update_fraction };
    let schedule = BLOB_FORKS.map(params).to_vec();
    L1Config::new(chain_id, L1Flavour::Ethereum, schedule).expect("fractions are not zero")
}
