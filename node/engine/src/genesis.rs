//! The first block, with its state.
//!
//! **Invariant:** it is a function of rules and genesis file.

use crate::made::Made;
use crate::{Block, OpenError, Rules};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Sealed, U256, keccak256};
use opal_execute::{
    Account, AccountChange, EMPTY_ROOT, Key, Preimages, StateRead, TrieState,
    predeploys::MESSAGE_PASSER,
};
use opal_types::read::{GenesisAccount, GenesisFile};
use std::sync::Arc;

/// Header of a chain's first block, whatever hash its rules name.
pub fn genesis_header(rules: &Rules, genesis: &GenesisFile) -> Result<Sealed<Header>, OpenError> {
    Ok(make(rules, genesis)?.block.header.clone())
}

/// Nodes and codes of the first state, which is made of nothing.
#[derive(Debug, Default)]
struct Collected {
    nodes: Vec<(B256, Bytes)>,
    codes: Vec<(B256, Bytes)>,
}

impl Preimages for Collected {
    fn preimage(&mut self, _key: &Key) -> Option<Bytes> {
        None
    }

    fn made(&mut self, key: Key, value: &[u8]) {
        let list = if matches!(key, Key::Code(_)) { &mut self.codes } else { &mut self.nodes };
        list.push((*key.hash(), Bytes::copy_from_slice(value)));
    }
}

/// The first block that the rules name.
pub(crate) fn first_block(rules: &Rules, genesis: &GenesisFile) -> Result<Made, OpenError> {
    let made = make(rules, genesis)?;
    if let Rules::L2(config) = rules {
        let (wanted, found) = (config.genesis.l2.hash, made.block.header.hash());
        if wanted != found {
            return Err(OpenError::OtherGenesis { wanted, found });
        }
    }
    Ok(made)
}

fn make(rules: &Rules, genesis: &GenesisFile) -> Result<Made, OpenError> {
    if genesis.alloc.is_empty() {
        return Err(OpenError::NoAccounts);
    }
    let nothing = Header { state_root: EMPTY_ROOT, ..Header::default() };
    let nothing = crate::block::sealed(nothing);
    let mut state = TrieState::new(Collected::default(), &nothing);
    let changes: Vec<_> = genesis.alloc.iter().map(account).collect();
    let state_root = state.state_root(&changes)?;
    let message_passer_root = state.storage_root(MESSAGE_PASSER)?;
    let header = match rules {
        Rules::L1(rules) => genesis.header(&rules.as_l2_forks(), state_root, EMPTY_ROOT),
        Rules::L2(config) => genesis.header(&config.forks, state_root, message_passer_root),
    };
    let header = crate::block::sealed(header);
    let Collected { nodes, codes } = state.into_preimages();
    let block = Block {
        withdrawals: header.withdrawals_root.map(|_| Vec::new()),
        header,
        transactions: Vec::new(),
        transaction_hashes: Vec::new(),
        senders: Vec::new(),
        message_passer_root: rules.l2().map(|_| message_passer_root),
        requests: Vec::new(),
    };
    Ok(Made {
        block: Arc::new(block),
        receipts: Arc::default(),
        changes,
        nodes,
        codes,
        fees: U256::ZERO,
        blobs: Vec::new(),
    })
}

/// An account of the first block as a change from nothing.
fn account((address, account): (&Address, &GenesisAccount)) -> AccountChange {
    let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
    AccountChange {
        address: *address,
        account: Some(Account {
            nonce: account.nonce.to(),
            balance: account.balance,
            code_hash: keccak256(&account.code),
        }),
        code: (!account.code.is_empty()).then(|| account.code.clone()),
        storage_cleared: false,
        slots: slots.map(|(slot, value)| ((*slot).into(), (*value).into())).collect(),
    }
}
