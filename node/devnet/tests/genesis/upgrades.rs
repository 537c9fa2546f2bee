//! The forks' upgrade transactions, before the first block and in activation blocks.

use crate::{chain::Chain, options, set};
use alloy_primitives::{Address, B256, address, b256};
use opal_abi::l2::{GasPriceOracle, L1Block, L2CrossDomainMessenger, L2StandardBridge};
use opal_devnet::genesis::build;
use opal_execute::predeploys::{BEACON_ROOTS, CREATE2_DEPLOYER, HISTORY_STORAGE, L1_BLOCK};
use opal_types::Fork;

const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");
const ORACLE: Address = address!("420000000000000000000000000000000000000F");
const MESSENGER: Address = address!("4200000000000000000000000000000000000007");
const BRIDGE: Address = address!("4200000000000000000000000000000000000010");

fn predeploys() -> impl Iterator<Item = Address> {
    (0..=0x2d_u8).map(|number| {
        let mut address = address!("4200000000000000000000000000000000000000");
        address[19] = number;
        address
    })
}

/// Every fork behind `oldest` activates in a block of its own; no upgrade transaction fails.
#[track_caller]
fn check(oldest: Fork) {
    let later: Vec<_> =
        Fork::ALL.into_iter().filter(|fork| *fork > oldest).zip((1..).map(|it| it * 4)).collect();
    let set = build(&options(Fork::Lagoon, &later)).unwrap();
    let mut chain = Chain::l2(&set, 0);
    assert_eq!(chain.config.forks.at(chain.head.timestamp), oldest);
    for fork in later.iter().map(|(fork, _)| *fork) {
        let outcomes = [chain.derived_block(Vec::new(), 2), chain.derived_block(Vec::new(), 2)];
        assert_eq!(chain.config.forks.at(chain.head.timestamp), fork);
        for receipt in outcomes.iter().flat_map(|it| it.receipts.iter().enumerate()) {
            assert!(receipt.1.success, "transaction {} of {fork:?}", receipt.0);
        }
    }
    chain.derived_block(Vec::new(), 2);
    assert!(!chain.code(BEACON_ROOTS).is_empty());
    assert!(!chain.code(HISTORY_STORAGE).is_empty());
    assert!(!chain.code(CREATE2_DEPLOYER).is_empty());
    // Whichever way it came to them, the chain has the same contracts.
    let mut at_once = Chain::l2(&crate::set(Fork::Lagoon), 0);
    for address in predeploys() {
        let [old, new] = [&mut chain, &mut at_once].map(|it| {
            let code = it.slot(address, IMPLEMENTATION_SLOT);
            (code, it.code(Address::from_word(code)))
        });
        assert_eq!(old, new, "{address}");
    }
}

#[test]
fn isthmus_and_all_behind_it_activate() {
    check(Fork::Holocene);
}

#[test]
fn jovian_and_all_behind_it_activate() {
    check(Fork::Isthmus);
}

#[test]
fn karst_and_lagoon_activate() {
    check(Fork::Jovian);
}

#[test]
fn lagoon_activates() {
    check(Fork::Karst);
}

#[test]
fn a_chain_can_start_with_regolith_and_see_every_fork() {
    check(Fork::Regolith);
}

#[test]
fn every_fork_can_be_the_newest_at_the_start() {
    for fork in Fork::ALL.into_iter().filter(|fork| *fork >= Fork::Regolith) {
        let mut chain = Chain::l2(&set(fork), 1);
        for _ in 0..2 {
            let outcome = chain.derived_block(Vec::new(), 2);
            assert!(outcome.receipts.iter().all(|receipt| receipt.success), "{fork:?}");
            assert_eq!(outcome.receipts.len(), 1, "{fork:?} activates again");
        }
    }
}

#[test]
fn the_oracle_knows_its_forks() {
    for fork in [Fork::Delta, Fork::Ecotone, Fork::Fjord, Fork::Lagoon] {
        let mut chain = Chain::l2(&set(fork), 0);
        let ecotone = chain.ask(ORACLE, GasPriceOracle::isEcotoneCall {});
        let fjord = chain.ask(ORACLE, GasPriceOracle::isFjordCall {});
        assert_eq!((ecotone, fjord), (fork >= Fork::Ecotone, fork >= Fork::Fjord), "{fork:?}");
    }
}

#[test]
fn the_chain_knows_its_first_l1_block_and_its_contracts_there() {
    for fork in [Fork::Fjord, Fork::Karst, Fork::Lagoon] {
        let set = set(fork);
        let l1 = set.l1.as_ref().unwrap();
        for (index, genesis) in set.chains.iter().enumerate() {
            let mut chain = Chain::l2(&set, index);
            assert_eq!(chain.ask(L1_BLOCK, L1Block::hashCall {}), l1.header.hash());
            assert_eq!(chain.ask(L1_BLOCK, L1Block::timestampCall {}), l1.header.timestamp);
            let batcher = genesis.config.genesis.system_config.batcher;
            assert_eq!(chain.ask(L1_BLOCK, L1Block::batcherHashCall {}), batcher.into_word());
            assert_eq!(chain.ask(L1_BLOCK, L1Block::baseFeeScalarCall {}), 1_368);
            let messenger = chain.ask(MESSENGER, L2CrossDomainMessenger::OTHER_MESSENGERCall {});
            assert_eq!(messenger, genesis.addresses.l1_cross_domain_messenger_proxy);
            let bridge = chain.ask(BRIDGE, L2StandardBridge::OTHER_BRIDGECall {});
            assert_eq!(bridge, genesis.addresses.l1_standard_bridge_proxy);
        }
    }
}
