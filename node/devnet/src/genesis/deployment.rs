//! The contracts on L1: what is created, and which calls make it work.
//!
//! Start with [`Deployment::new`]. The dev L1 has it all in its first block, at addresses of our choice; on another L1
//! the same steps are transactions (see [`deployment_transactions`]).
//!
//! **Invariant:** every creation comes before the first call, and no step depends on the answer of another.

use super::{
    ChainParameters, GenesisError, L1Addresses, SharedAddresses, addresses::derived,
    artifact::Contract,
};
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};
use opal_abi::l1::{
    AddressManager, ETHLockbox, L1CrossDomainMessenger, L1ERC721Bridge, L1StandardBridge,
    OptimismMintableERC20Factory, OptimismPortal, ProxyAdmin, SuperchainConfig, SystemConfig,
};
use std::collections::BTreeMap;

/// Name under which the messenger's proxy asks for its implementation.
const MESSENGER_NAME: &str = "OVM_L1CrossDomainMessenger";
/// The admin's names for the two old kinds of proxy.
const CHUGSPLASH: u8 = 1;
const RESOLVED: u8 = 2;
/// Seconds between a withdrawal's proof and its payment.
const PROOF_MATURITY_DELAY: u64 = 604_800;
/// Feature of the system config that sends the ether of deposits to the lockbox.
const ETH_LOCKBOX: &[u8] = b"ETH_LOCKBOX";

/// A contract to create.
#[derive(Clone, Debug)]
pub(super) struct Creation {
    pub(super) name: &'static str,
    pub(super) at: Address,
    pub(super) code: Bytes,
}

/// A call of the owner.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) to: Address,
    pub(super) data: Bytes,
}

/// All steps in order.
#[derive(Debug, Default)]
pub(super) struct Deployment {
    pub(super) creations: Vec<Creation>,
    pub(super) calls: Vec<Call>,
}

/// Where everything is to be.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) owner: Address,
    pub(super) shared: SharedAddresses,
    pub(super) implementations: Implementations,
    pub(super) chains: Vec<(ChainParameters, L1Addresses)>,
}

/// Where the code behind the proxies is; all chains use the same.
#[derive(Clone, Debug)]
pub(super) struct Implementations {
    pub(super) superchain_config: Address,
    pub(super) eth_lockbox: Address,
    pub(super) system_config: Address,
    pub(super) optimism_portal: Address,
    pub(super) l1_cross_domain_messenger: Address,
    pub(super) l1_standard_bridge: Address,
    pub(super) l1_erc721_bridge: Address,
    pub(super) optimism_mintable_erc20_factory: Address,
}

impl Implementations {
    pub(super) fn dev() -> Self {
        Self {
            superchain_config: derived("SuperchainConfig"),
            eth_lockbox: derived("ETHLockbox"),
            system_config: derived("SystemConfig"),
            optimism_portal: derived("OptimismPortal"),
            l1_cross_domain_messenger: derived("L1CrossDomainMessenger"),
            l1_standard_bridge: derived("L1StandardBridge"),
            l1_erc721_bridge: derived("L1ERC721Bridge"),
            optimism_mintable_erc20_factory: derived("OptimismMintableERC20Factory"),
        }
    }
}

impl Implementations {
    const fn all(&mut self) -> [&mut Address; 8] {
        [
            &mut self.superchain_config,
            &mut self.eth_lockbox,
            &mut self.system_config,
            &mut self.optimism_portal,
            &mut self.l1_cross_domain_messenger,
            &mut self.l1_standard_bridge,
            &mut self.l1_erc721_bridge,
            &mut self.optimism_mintable_erc20_factory,
        ]
    }
}

impl Deployment {
    pub(super) fn new(places: &Places) -> Result<Self, GenesisError> {
        let mut steps = Self::default();
        steps.create_shared(places)?;
        for (_, addresses) in &places.chains {
            steps.create_chain(places.owner, addresses)?;
        }
        steps.pause_switch(places);
        for (parameters, addresses) in &places.chains {
            steps.connect_chain(places, parameters, addresses);
        }
        steps.lockbox(places);
        Ok(steps)
    }

    fn create(
        &mut self,
        name: &'static str,
        contract: Contract,
        at: Address,
        arguments: &[u8],
    ) -> Result<(), GenesisError> {
        self.creations.push(Creation { name, at, code: contract.creation(arguments)? });
        Ok(())
    }

    fn call(&mut self, name: &'static str, to: Address, call: impl SolCall) {
        self.calls.push(Call { name, to, data: call.abi_encode().into() });
    }

    fn create_shared(&mut self, places: &Places) -> Result<(), GenesisError> {
        let SharedAddresses { superchain_proxy_admin, superchain_config_proxy, eth_lockbox_proxy } =
            places.shared;
        let code = &places.implementations;
        let owner = places.owner.abi_encode();
        self.create("SuperchainProxyAdmin", Contract::ProxyAdmin, superchain_proxy_admin, &owner)?;
        let admin = superchain_proxy_admin.abi_encode();
        self.create("SuperchainConfigProxy", Contract::Proxy, superchain_config_proxy, &admin)?;
        self.create("ETHLockboxProxy", Contract::Proxy, eth_lockbox_proxy, &admin)?;
        let delay = U256::from(PROOF_MATURITY_DELAY).abi_encode();
        for (contract, at, arguments) in [
            (Contract::SuperchainConfig, code.superchain_config, &[][..]),
            (Contract::ETHLockbox, code.eth_lockbox, &[]),
            (Contract::SystemConfig, code.system_config, &[]),
            (Contract::OptimismPortal, code.optimism_portal, &delay),
            (Contract::L1CrossDomainMessenger, code.l1_cross_domain_messenger, &[]),
            (Contract::L1StandardBridge, code.l1_standard_bridge, &[]),
            (Contract::L1ERC721Bridge, code.l1_erc721_bridge, &[]),
            (Contract::OptimismMintableERC20Factory, code.optimism_mintable_erc20_factory, &[]),
        ] {
            self.create(contract.name(), contract, at, arguments)?;
        }
        Ok(())
    }

    fn create_chain(&mut self, owner: Address, at: &L1Addresses) -> Result<(), GenesisError> {
        let admin = at.op_chain_proxy_admin.abi_encode();
        self.create(
            "OpChainProxyAdmin",
            Contract::ProxyAdmin,
            at.op_chain_proxy_admin,
            &owner.abi_encode(),
        )?;
        self.create("AddressManager", Contract::AddressManager, at.address_manager, &[])?;
        for (name, proxy) in [
            ("SystemConfigProxy", at.system_config_proxy),
            ("OptimismPortalProxy", at.optimism_portal_proxy),
            ("L1ERC721BridgeProxy", at.l1_erc721_bridge_proxy),
            ("OptimismMintableERC20FactoryProxy", at.optimism_mintable_erc20_factory_proxy),
            // Without code behind them until there are games.
            ("DisputeGameFactoryProxy", at.dispute_game_factory_proxy),
            ("AnchorStateRegistryProxy", at.anchor_state_registry_proxy),
            ("DelayedWETHPermissionedGameProxy", at.delayed_weth_permissioned_game_proxy),
        ] {
            self.create(name, Contract::Proxy, proxy, &admin)?;
        }
        self.create(
            "L1StandardBridgeProxy",
            Contract::L1ChugSplashProxy,
            at.l1_standard_bridge_proxy,
            &admin,
        )?;
        let named = (at.address_manager, MESSENGER_NAME.to_owned()).abi_encode_params();
        self.create(
            "L1CrossDomainMessengerProxy",
            Contract::ResolvedDelegateProxy,
            at.l1_cross_domain_messenger_proxy,
            &named,
        )
    }

    fn upgrade(
        &mut self,
        name: &'static str,
        admin: Address,
        (proxy, implementation): (Address, Address),
        initialize: impl SolCall,
    ) {
        let data = initialize.abi_encode().into();
        let upgrade = ProxyAdmin::upgradeAndCallCall {
            _proxy: proxy,
            _implementation: implementation,
            _data: data,
        };
        self.call(name, admin, upgrade);
    }

    fn pause_switch(&mut self, places: &Places) {
        let initialize =
            SuperchainConfig::initializeCall { _guardian: places.owner, _paused: false };
        let proxy = places.shared.superchain_config_proxy;
        let admin = places.shared.superchain_proxy_admin;
        let code = places.implementations.superchain_config;
        self.upgrade("SuperchainConfig", admin, (proxy, code), initialize);
    }

    fn connect_chain(&mut self, places: &Places, parameters: &ChainParameters, at: &L1Addresses) {
        let admin = at.op_chain_proxy_admin;
        self.old_proxies(at);
        let code = &places.implementations;
        self.upgrade(
            "SystemConfig",
            admin,
            (at.system_config_proxy, code.system_config),
            system_config(places, parameters, at),
        );
        let feature = SystemConfig::setFeatureCall {
            _feature: B256::right_padding_from(ETH_LOCKBOX),
            _enabled: true,
        };
        self.call("SystemConfig", at.system_config_proxy, feature);
        let portal = OptimismPortal::initializeCall {
            _systemConfig: at.system_config_proxy,
            _anchorStateRegistry: at.anchor_state_registry_proxy,
            _ethLockbox: places.shared.eth_lockbox_proxy,
        };
        let proxies = (at.optimism_portal_proxy, code.optimism_portal);
        self.upgrade("OptimismPortal", admin, proxies, portal);
        self.bridges(places, at);
    }

    /// The two proxies of an older kind.
    fn old_proxies(&mut self, at: &L1Addresses) {
        let (admin, messenger) = (at.op_chain_proxy_admin, at.l1_cross_domain_messenger_proxy);
        self.call(
            "AddressManager",
            at.address_manager,
            AddressManager::transferOwnershipCall { newOwner: admin },
        );
        let manager = ProxyAdmin::setAddressManagerCall { _address: at.address_manager };
        self.call("ProxyAdmin", admin, manager);
        let name = MESSENGER_NAME.to_owned();
        let named = ProxyAdmin::setImplementationNameCall { _address: messenger, _name: name };
        self.call("ProxyAdmin", admin, named);
        let kinds = [(messenger, RESOLVED), (at.l1_standard_bridge_proxy, CHUGSPLASH)];
        for (_address, _type) in kinds {
            self.call("ProxyAdmin", admin, ProxyAdmin::setProxyTypeCall { _address, _type });
        }
    }

    fn bridges(&mut self, places: &Places, at: &L1Addresses) {
        let (admin, code) = (at.op_chain_proxy_admin, &places.implementations);
        let superchain_config = places.shared.superchain_config_proxy;
        let messenger = L1CrossDomainMessenger::initializeCall {
            _superchainConfig: superchain_config,
            _portal: at.optimism_portal_proxy,
            _systemConfig: at.system_config_proxy,
        };
        let proxies = (at.l1_cross_domain_messenger_proxy, code.l1_cross_domain_messenger);
        self.upgrade("L1CrossDomainMessenger", admin, proxies, messenger);
        let bridge = L1StandardBridge::initializeCall {
            _messenger: at.l1_cross_domain_messenger_proxy,
            _superchainConfig: superchain_config,
            _systemConfig: at.system_config_proxy,
        };
        let proxies = (at.l1_standard_bridge_proxy, code.l1_standard_bridge);
        self.upgrade("L1StandardBridge", admin, proxies, bridge);
        let nfts = L1ERC721Bridge::initializeCall {
            _messenger: at.l1_cross_domain_messenger_proxy,
            _superchainConfig: superchain_config,
        };
        self.upgrade(
            "L1ERC721Bridge",
            admin,
            (at.l1_erc721_bridge_proxy, code.l1_erc721_bridge),
            nfts,
        );
        let tokens =
            OptimismMintableERC20Factory::initializeCall { _bridge: at.l1_standard_bridge_proxy };
        let proxies =
            (at.optimism_mintable_erc20_factory_proxy, code.optimism_mintable_erc20_factory);
        self.upgrade("OptimismMintableERC20Factory", admin, proxies, tokens);
    }

    /// Its ether pays the withdrawals of every chain, so the portals must be there first.
    fn lockbox(&mut self, places: &Places) {
        let Some((_, first)) = places.chains.first() else { return };
        let initialize = ETHLockbox::initializeCall {
            _systemConfig: first.system_config_proxy,
            _portals: places.chains.iter().map(|(_, at)| at.optimism_portal_proxy).collect(),
        };
        let proxies = (places.shared.eth_lockbox_proxy, places.implementations.eth_lockbox);
        self.upgrade("ETHLockbox", places.shared.superchain_proxy_admin, proxies, initialize);
    }
}

fn system_config(
    places: &Places,
    parameters: &ChainParameters,
    at: &L1Addresses,
) -> SystemConfig::initializeCall {
    let scalars = parameters.fee_scalars;
    SystemConfig::initializeCall {
        _owner: places.owner,
        _basefeeScalar: scalars.base_fee,
        _blobbasefeeScalar: scalars.blob_base_fee,
        _batcherHash: parameters.batcher.into_word(),
        _gasLimit: parameters.gas_limit,
        _unsafeBlockSigner: parameters.unsafe_signer,
        // The values that all official chains have.
        _config: SystemConfig::ResourceConfig {
            maxResourceLimit: 20_000_000,
            elasticityMultiplier: 10,
            baseFeeMaxChangeDenominator: 8,
            minimumBaseFee: 1_000_000_000,
            systemTxMaxGas: 1_000_000,
            maximumBaseFee: u128::MAX,
        },
        _batchInbox: parameters.batch_inbox,
        _addresses: SystemConfig::Addresses {
            l1CrossDomainMessenger: at.l1_cross_domain_messenger_proxy,
            l1ERC721Bridge: at.l1_erc721_bridge_proxy,
            l1StandardBridge: at.l1_standard_bridge_proxy,
            optimismPortal: at.optimism_portal_proxy,
            optimismMintableERC20Factory: at.optimism_mintable_erc20_factory_proxy,
            delayedWETH: at.delayed_weth_permissioned_game_proxy,
        },
        _l2ChainId: U256::from(parameters.chain_id),
        _superchainConfig: places.shared.superchain_config_proxy,
    }
}

/// A transaction of the deployer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentTransaction {
    /// The contract it is about.
    pub name: &'static str,
    /// The contract called; `None` = it is created.
    pub to: Option<Address>,
    /// Creation code or call.
    pub input: Bytes,
}

/// Everything that has to happen on an L1 that is already there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentTransactions {
    /// In the order of the deployer's nonces.
    pub transactions: Vec<DeploymentTransaction>,
    /// Where what the chains share will be.
    pub shared: SharedAddresses,
    /// Where the contracts of each chain will be.
    pub chains: Vec<L1Addresses>,
}

/// The transactions that bring the contracts of these chains to an L1. `deployer` owns them all; `first_nonce` is its
/// next nonce, on which the addresses depend.
pub fn deployment_transactions(
    parameters: &[ChainParameters],
    deployer: Address,
    first_nonce: u64,
) -> Result<DeploymentTransactions, GenesisError> {
    let places = parameters.iter().map(|it| Ok((*it, L1Addresses::of(it.chain_id)?)));
    let chains = places.collect::<Result<_, GenesisError>>()?;
    let (shared, implementations) = (SharedAddresses::dev(), Implementations::dev());
    let mut places = Places { owner: deployer, shared, implementations, chains };
    // The order of creations does not depend on where they go.
    let creations = Deployment::new(&places)?.creations;
    let moved: BTreeMap<Address, Address> = (first_nonce..)
        .zip(&creations)
        .map(|(nonce, creation)| (creation.at, deployer.create(nonce)))
        .collect();
    places.move_to(&|at| moved.get(&at).copied().unwrap_or_default());
    let Deployment { creations, calls } = Deployment::new(&places)?;
    let creations = creations.into_iter().map(|it| DeploymentTransaction {
        name: it.name,
        to: None,
        input: it.code,
    });
    let calls = calls.into_iter().map(|it| DeploymentTransaction {
        name: it.name,
        to: Some(it.to),
        input: it.data,
    });
    let transactions = creations.chain(calls).collect();
    let chains = places.chains.into_iter().map(|(_, at)| at).collect();
    Ok(DeploymentTransactions { transactions, shared: places.shared, chains })
}

impl Places {
    /// Exchanges every address.
    fn move_to(&mut self, moved: &dyn Fn(Address) -> Address) {
        let Self { shared, implementations, chains, .. } = self;
        let fixed = shared.all().into_iter().chain(implementations.all());
        let of_chains = chains.iter_mut().flat_map(|(_, at)| at.all());
        for address in fixed.chain(of_chains) {
            *address = moved(*address);
        }
    }
}
