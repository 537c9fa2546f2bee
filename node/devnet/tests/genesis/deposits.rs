//! From a call on L1 to what it does on L2.

use crate::{chain::Chain, set};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, Log, U256, address};
use alloy_sol_types::{SolCall, SolEvent};
use opal_abi::{
    l1::{ETHLockbox, L1CrossDomainMessenger, L1StandardBridge, OptimismPortal},
    l2::{L2CrossDomainMessenger, L2StandardBridge},
};
use opal_devnet::{accounts::accounts, genesis::GenesisSet};
use opal_types::{Fork, deposit_from_log};

const RECEIVER: Address = address!("00000000000000000000000000000000000abcde");

fn ether(count: u64) -> U256 {
    U256::from(count) * U256::from(10).pow(U256::from(18))
}

/// Both ends, as they start.
struct Ends {
    set: GenesisSet,
    l1: Chain,
    l2: Chain,
}

impl Ends {
    fn new(fork: Fork) -> Self {
        let set = set(fork);
        let (l1, l2) = (Chain::l1(&set), Chain::l2(&set, 0));
        Self { set, l1, l2 }
    }

    /// Calls a contract on L1 as the first account, and carries what comes of it to L2: the logs of its deposits.
    fn send(&mut self, to: Address, value: U256, call: impl SolCall) -> Vec<Log> {
        let logs = self.l1.send(accounts()[0].address, to, value, call.abi_encode());
        let portal = self.l2.config.deposit_contract;
        let hash = self.l1.head.hash();
        let deposits: Vec<Bytes> = (0..)
            .zip(&logs)
            .filter(|(_, log)| log.address == portal)
            .map(|(index, log)| deposit_from_log(log, hash, index).unwrap().encoded_2718().into())
            .collect();
        assert_eq!(deposits.len(), 1);
        let outcome = self.l2.derived_block(deposits, 2);
        assert!(outcome.receipts[1].success);
        outcome.receipts[1].logs.clone()
    }

    fn has<E: SolEvent>(logs: &[Log]) -> bool {
        logs.iter().any(|log| log.topics().first() == Some(&E::SIGNATURE_HASH))
    }
}

const FORKS: [Fork; 3] = [Fork::Fjord, Fork::Karst, Fork::Lagoon];

#[test]
fn a_deposit_through_the_portal_arrives() {
    for fork in FORKS {
        let mut ends = Ends::new(fork);
        let deposit = OptimismPortal::depositTransactionCall {
            _to: RECEIVER,
            _value: ether(1),
            _gasLimit: 100_000,
            _isCreation: false,
            _data: Bytes::new(),
        };
        let lockbox = ends.set.shared.eth_lockbox_proxy;
        let locked = ends.l1.balance(lockbox);
        let from = ends.l2.balance(accounts()[0].address);
        let portal = ends.l2.config.deposit_contract;
        ends.send(portal, ether(2), deposit);
        assert_eq!(ends.l2.balance(RECEIVER), ether(1));
        assert_eq!(ends.l2.balance(accounts()[0].address), from + ether(1));
        assert_eq!(ends.l1.balance(lockbox), locked + ether(2));
        assert_eq!(ends.l1.balance(portal), U256::ZERO);
    }
}

#[test]
fn ether_through_the_standard_bridge_arrives() {
    for fork in FORKS {
        let mut ends = Ends::new(fork);
        let deposit = L1StandardBridge::depositETHToCall {
            _to: RECEIVER,
            _minGasLimit: 200_000,
            _extraData: Bytes::new(),
        };
        let bridge = ends.set.chains[0].addresses.l1_standard_bridge_proxy;
        let logs = ends.send(bridge, ether(3), deposit);
        assert!(Ends::has::<L2StandardBridge::ETHBridgeFinalized>(&logs));
        assert!(Ends::has::<L2CrossDomainMessenger::RelayedMessage>(&logs));
        assert_eq!(ends.l2.balance(RECEIVER), ether(3));
    }
}

#[test]
fn a_message_through_the_messenger_is_relayed() {
    for fork in FORKS {
        let mut ends = Ends::new(fork);
        let send = L1CrossDomainMessenger::sendMessageCall {
            _target: RECEIVER,
            _message: Bytes::from_static(b"hello"),
            _minGasLimit: 50_000,
        };
        let messenger = ends.set.chains[0].addresses.l1_cross_domain_messenger_proxy;
        let logs = ends.send(messenger, ether(1), send);
        assert!(Ends::has::<L2CrossDomainMessenger::RelayedMessage>(&logs));
        assert_eq!(ends.l2.balance(RECEIVER), ether(1));
    }
}

#[test]
fn the_lockbox_knows_the_portals_of_all_chains() {
    let mut ends = Ends::new(Fork::Karst);
    let lockbox = ends.set.shared.eth_lockbox_proxy;
    for chain in &ends.set.chains {
        let portal = chain.config.deposit_contract;
        assert!(ends.l1.ask(lockbox, ETHLockbox::authorizedPortalsCall(portal)));
        assert_eq!(ends.l1.ask(portal, OptimismPortal::ethLockboxCall {}), lockbox);
    }
    let all: U256 = accounts().iter().map(|it| ends.l2.balance(it.address)).sum();
    assert!(ends.l1.balance(lockbox) >= all * U256::from(2));
}
