//! The contracts on L1: in the dev L1's first block, and as transactions.

use crate::{GENESIS_TIME, chain::Chain, options, set};
use alloy_eips::{eip2935, eip4788, eip7002, eip7251};
use alloy_primitives::{Address, B256, TxKind, U256, address, b256};
use alloy_sol_types::SolCall;
use opal_abi::l1::{
    ETHLockbox, L1CrossDomainMessenger, L1StandardBridge, OptimismMintableERC20Factory,
    OptimismPortal, ProxyAdmin, SuperchainConfig, SystemConfig,
};
use opal_devnet::{
    accounts::{Role, accounts, role},
    genesis::{Anchor, BALANCE, L1Addresses, SharedAddresses, build, deployment_transactions},
};
use opal_types::{BlockId, ChainConfig, Fork};

/// Node software reads the signer of unsafe blocks from here.
const SIGNER_SLOT: B256 = b256!("65a7ed542fb37fe237fdfbdd70b31598523fe5b32879e307bae27a0bd9581c08");

/// Everything that is connected on L1, asked by hand.
fn check(l1: &mut Chain, config: &ChainConfig, at: &L1Addresses, shared: &SharedAddresses) {
    let chain_id = config.l2_chain_id;
    let owner = role(Role::Owner).address;
    let system = at.system_config_proxy;
    let genesis = &config.genesis.system_config;
    assert_eq!(config.l1_system_config, system);
    assert_eq!(config.deposit_contract, at.optimism_portal_proxy);
    let batcher = l1.ask(system, SystemConfig::batcherHashCall {});
    assert_eq!(batcher, genesis.batcher.into_word());
    assert_eq!(genesis.batcher, role(Role::Batcher { chain_id }).address);
    assert_eq!(l1.ask(system, SystemConfig::scalarCall {}), genesis.scalar);
    assert_eq!(l1.ask(system, SystemConfig::overheadCall {}), genesis.overhead);
    assert_eq!(l1.ask(system, SystemConfig::gasLimitCall {}), genesis.gas_limit);
    assert_eq!(l1.ask(system, SystemConfig::ownerCall {}), owner);
    assert_eq!(l1.ask(system, SystemConfig::l2ChainIdCall {}), U256::from(chain_id));
    assert_eq!(l1.ask(system, SystemConfig::batchInboxCall {}), config.batch_inbox);
    let signer = role(Role::Sequencer { chain_id }).address;
    assert_eq!(l1.slot(system, SIGNER_SLOT), signer.into_word());
    let addresses = l1.ask(system, SystemConfig::getAddressesCall {});
    assert_eq!(addresses.optimismPortal, at.optimism_portal_proxy);
    assert_eq!(addresses.l1StandardBridge, at.l1_standard_bridge_proxy);
    assert_eq!(addresses.l1CrossDomainMessenger, at.l1_cross_domain_messenger_proxy);
    let portal = at.optimism_portal_proxy;
    assert_eq!(l1.ask(portal, OptimismPortal::systemConfigCall {}), system);
    assert_eq!(l1.ask(portal, OptimismPortal::ethLockboxCall {}), shared.eth_lockbox_proxy);
    assert!(!l1.ask(portal, OptimismPortal::pausedCall {}));
    let messenger = at.l1_cross_domain_messenger_proxy;
    assert_eq!(l1.ask(messenger, L1CrossDomainMessenger::PORTALCall {}), portal);
    let bridge = at.l1_standard_bridge_proxy;
    assert_eq!(l1.ask(bridge, L1StandardBridge::MESSENGERCall {}), messenger);
    let tokens = at.optimism_mintable_erc20_factory_proxy;
    assert_eq!(l1.ask(tokens, OptimismMintableERC20Factory::BRIDGECall {}), bridge);
    check_admin(l1, at, owner);
    let guardian = l1.ask(shared.superchain_config_proxy, SuperchainConfig::guardianCall {});
    assert_eq!(guardian, owner);
    let authorized = ETHLockbox::authorizedPortalsCall(portal);
    assert!(l1.ask(shared.eth_lockbox_proxy, authorized));
}

/// The proxies, of whichever kind, are the admin's.
fn check_admin(l1: &mut Chain, at: &L1Addresses, owner: Address) {
    let admin = at.op_chain_proxy_admin;
    assert_eq!(l1.ask(admin, ProxyAdmin::ownerCall {}), owner);
    for proxy in [
        at.system_config_proxy,
        at.optimism_portal_proxy,
        at.l1_cross_domain_messenger_proxy,
        at.l1_standard_bridge_proxy,
        at.l1_erc721_bridge_proxy,
        at.optimism_mintable_erc20_factory_proxy,
    ] {
        assert_eq!(l1.ask(admin, ProxyAdmin::getProxyAdminCall { _proxy: proxy }), admin);
        let code = l1.ask(admin, ProxyAdmin::getProxyImplementationCall { _proxy: proxy });
        assert!(!l1.code(code).is_empty());
    }
}

#[test]
fn the_first_block_has_every_chains_contracts() {
    let set = set(Fork::Karst);
    let mut l1 = Chain::l1(&set);
    for chain in &set.chains {
        check(&mut l1, &chain.config, &chain.addresses, &set.shared);
    }
    let funded = accounts().into_iter().map(|account| account.address);
    for account in funded.chain([role(Role::Batcher { chain_id: 902 }).address]) {
        assert_eq!(l1.balance(account), BALANCE);
    }
    for contract in [
        eip2935::HISTORY_STORAGE_ADDRESS,
        eip4788::BEACON_ROOTS_ADDRESS,
        eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
        address!("4e59b44847b379578588920cA78FbF26c0B4956C"),
        address!("cA11bde05977b3631167028862bE2a173976CA11"),
        address!("000000000022D473030F116dDEE9F6B43aC78BA3"),
    ] {
        assert!(!l1.code(contract).is_empty(), "{contract}");
    }
}

#[test]
fn eight_chains_fit_and_have_contracts_of_their_own() {
    let options = opal_devnet::genesis::GenesisOptions {
        chain_ids: (901..909).collect(),
        ..options(Fork::Karst, &[])
    };
    let set = build(&options).unwrap();
    let mut l1 = Chain::l1(&set);
    let mut portals = Vec::new();
    for chain in &set.chains {
        check(&mut l1, &chain.config, &chain.addresses, &set.shared);
        portals.push(chain.config.deposit_contract);
    }
    portals.sort();
    portals.dedup();
    assert_eq!(portals.len(), 8);
}

#[test]
fn the_contracts_come_to_another_l1_as_transactions() {
    let first_nonce = 0;
    let options = options(Fork::Karst, &[]);
    let deployer = role(Role::Owner).address;
    let plan = deployment_transactions(&options.parameters(), deployer, first_nonce).unwrap();
    let mut l1 = empty_l1();
    for transaction in &plan.transactions {
        let to = transaction.to.map_or(TxKind::Create, TxKind::Call);
        let deposit = l1.deposit(deployer, to, U256::ZERO, transaction.input.clone());
        let outcome = l1.block(vec![deposit]);
        assert!(outcome.receipts[0].success, "{}", transaction.name);
    }
    let block = BlockId { number: l1.head.number, hash: l1.head.hash() };
    let anchor = Anchor {
        block,
        timestamp: l1.head.timestamp,
        base_fee: l1.head.base_fee_per_gas.unwrap(),
        shared: plan.shared.clone(),
        chains: plan.chains.clone(),
    };
    let set =
        build(&opal_devnet::genesis::GenesisOptions { anchor: Some(anchor), ..options }).unwrap();
    assert!(set.l1.is_none());
    for (chain, addresses) in set.chains.iter().zip(&plan.chains) {
        assert_eq!(chain.config.genesis.l1, block);
        assert_eq!(chain.config.genesis.l2_time, l1.head.timestamp);
        assert!(chain.config.genesis.l2_time > GENESIS_TIME);
        check(&mut l1, &chain.config, addresses, &set.shared);
    }
}

/// The dev L1 without any account.
fn empty_l1() -> Chain {
    let mut set = set(Fork::Karst);
    let l1 = set.l1.as_mut().unwrap();
    l1.alloc.clear();
    let mut header = l1.header.inner().clone();
    header.state_root = alloy_consensus::EMPTY_ROOT_HASH;
    l1.header = alloy_primitives::Sealed::new(header);
    Chain::l1(&set)
}

#[test]
fn config_updates_reach_the_system_config() {
    let set = set(Fork::Karst);
    let mut l1 = Chain::l1(&set);
    let config = set.chains[0].config.clone();
    let mut expected = config.genesis.system_config.clone();
    let mut system_config = expected.clone();
    let owner = role(Role::Owner).address;
    let at = config.l1_system_config;
    let batcher = address!("00000000000000000000000000000000000000ba");
    let calls = [
        SystemConfig::setBatcherHashCall { _batcherHash: batcher.into_word() }.abi_encode(),
        SystemConfig::setGasConfigEcotoneCall { _basefeeScalar: 5, _blobbasefeeScalar: 6 }
            .abi_encode(),
        SystemConfig::setGasLimitCall { _gasLimit: 30_000_000 }.abi_encode(),
        SystemConfig::setUnsafeBlockSignerCall { _unsafeBlockSigner: batcher }.abi_encode(),
        SystemConfig::setEIP1559ParamsCall { _denominator: 100, _elasticity: 4 }.abi_encode(),
        SystemConfig::setOperatorFeeScalarsCall { _scalar: 7, _constant: 8 }.abi_encode(),
        SystemConfig::setMinBaseFeeCall { _minBaseFee: 9 }.abi_encode(),
        SystemConfig::setDAFootprintGasScalarCall { _daFootprintGasScalar: 10 }.abi_encode(),
    ];
    let mut logs = Vec::new();
    for call in calls {
        logs.extend(l1.send(owner, at, U256::ZERO, call));
    }
    expected.batcher = batcher;
    expected.scalar = opal_types::FeeScalars { base_fee: 5, blob_base_fee: 6 }.to_word();
    expected.gas_limit = 30_000_000;
    expected.eip1559 = opal_types::BaseFeeParams { denominator: 100, elasticity: 4 };
    expected.operator_fee_scalar = 7;
    expected.operator_fee_constant = 8;
    expected.min_base_fee = 9;
    expected.da_footprint_gas_scalar = 10;
    assert_eq!(logs.len(), 8);
    assert_eq!(system_config.apply_logs(&config, GENESIS_TIME, &logs), Vec::new());
    assert_eq!(system_config, expected);
}

#[test]
fn supersims_chains_have_their_contracts_where_its_tools_look() {
    let set = set(Fork::Karst);
    let [a, b] = [0, 1].map(|index| set.chains[index].addresses.clone());
    assert_eq!(a.optimism_portal_proxy, address!("6cd0121a4eeedb8f07007773e46b1aaac17e5e07"));
    assert_eq!(b.optimism_portal_proxy, address!("0447b6c313d92ece78b7f4737b14ab7bf0c548ab"));
    assert_eq!(a.system_config_proxy, address!("1ba5115982697299085ea5c32ab28739a333f60d"));
    assert_eq!(b.l1_standard_bridge_proxy, address!("ce59210a7fe02fea7a302fbd28bffe461a0964ff"));
}
