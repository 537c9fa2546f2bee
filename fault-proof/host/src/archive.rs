//! One L2 chain in memory: its blocks, and all trie nodes and code that its states ever had.
//!
//! Start with [`Archive::new`], then [`Archive::execute`] block by block; [`Archive::node`] and its neighbours
//! are what proofs about any block of the chain ask for.
//!
//! **Invariant:** nothing is forgotten: blocks that were taken back stay known by hash, but not by number.

use alloy_consensus::{Header, Sealable};
use alloy_primitives::{Address, B256, Bytes, Sealed, U256, keccak256, map::B256Map};
use opal_derive::L2Block;
use opal_execute::{
    Account, AccountChange, Crypto, EMPTY_ROOT, Error, Key, Preimages, Receipt, StateRead,
    TrieState, predeploys::MESSAGE_PASSER,
};
use opal_types::{
    Attributes, ChainConfig, OutputRoot,
    read::{GenesisAccount, GenesisFile},
};

/// A state that remembers more accounts than this is read afresh.
const MAX_KNOWN_ACCOUNTS: usize = 100_000;

/// A block with what it left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedBlock {
    /// Header with its hash.
    pub header: Sealed<Header>,
    /// EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
    /// Consensus-encoded.
    pub receipts: Vec<Bytes>,
    /// One per receipt: the sender's nonce of a deposit from Regolith on.
    pub deposit_nonces: Vec<Option<u64>>,
    /// Storage root of the message passer after the block.
    pub message_passer_root: B256,
}

impl ArchivedBlock {
    /// How the block begins, for derivation.
    pub fn l2_block(&self) -> L2Block {
        let first_transaction = self.transactions.first().cloned();
        L2Block { header: self.header.clone(), first_transaction }
    }

    /// What claims about the block commit to (B2).
    pub fn output_root(&self) -> OutputRoot {
        OutputRoot {
            state_root: self.header.state_root,
            message_passer_root: self.message_passer_root,
            block_hash: self.header.hash(),
        }
    }
}

/// Everything that has a hash.
#[derive(Debug, Default)]
struct Store {
    nodes: B256Map<Bytes>,
    codes: B256Map<Bytes>,
    blocks: B256Map<ArchivedBlock>,
}

impl Preimages for Store {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        match key {
            Key::Node(hash) => self.nodes.get(hash).cloned(),
            Key::Code(hash) => self.codes.get(hash).cloned(),
            Key::Header(hash) => {
                let block = self.blocks.get(hash)?;
                Some(alloy_rlp::encode(block.header.inner()).into())
            }
            Key::Precompile(_) => None,
        }
    }

    fn made(&mut self, key: Key, value: &[u8]) {
        let made = match key {
            Key::Node(hash) => self.nodes.entry(hash),
            Key::Code(hash) => self.codes.entry(hash),
            Key::Header(_) | Key::Precompile(_) => return,
        };
        made.or_insert_with(|| Bytes::copy_from_slice(value));
    }
}

/// Why a chain cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Only the root of the first state is known.
    #[error("the genesis file has no accounts")]
    NoAccounts,
    /// Accounts and config do not belong together.
    #[error("the genesis file gives block {found}, the rollup config names {wanted}")]
    OtherGenesis {
        /// Hash in the config.
        wanted: B256,
        /// Hash of the file's block.
        found: B256,
    },
    /// The state refused the accounts.
    #[error("the genesis file's state cannot be built: {0}")]
    State(#[from] opal_execute::StateError),
}

/// See the module.
#[derive(Debug)]
pub struct Archive {
    config: ChainConfig,
    /// The state after the newest block.
    state: TrieState<Store>,
    first: u64,
    canonical: Vec<B256>,
    head: Sealed<Header>,
}

impl Archive {
    /// The chain with its first block.
    pub fn new(config: ChainConfig, genesis: &GenesisFile) -> Result<Self, ArchiveError> {
        if genesis.alloc.is_empty() {
            return Err(ArchiveError::NoAccounts);
        }
        let nothing = Header { state_root: EMPTY_ROOT, ..Header::default() };
        let mut state = TrieState::new(Store::default(), &nothing.seal_slow());
        let accounts: Vec<_> = genesis.alloc.iter().map(genesis_account).collect();
        let state_root = state.state_root(&accounts)?;
        let message_passer_root = state.storage_root(MESSAGE_PASSER)?;
        let header = genesis.header(&config.forks, state_root, message_passer_root).seal_slow();
        let (wanted, found) = (config.genesis.l2.hash, header.hash());
        if wanted != found {
            return Err(ArchiveError::OtherGenesis { wanted, found });
        }
        state.move_to(&header);
        let mut archive = Self {
            config,
            state,
            first: header.number,
            canonical: Vec::new(),
            head: header.clone(),
        };
        archive.append(ArchivedBlock {
            header,
            transactions: Vec::new(),
            receipts: Vec::new(),
            deposit_nonces: Vec::new(),
            message_passer_root,
        });
        Ok(archive)
    }

    /// Executes the next block and keeps it. After an error the chain is as before.
    pub fn execute(
        &mut self,
        attributes: &Attributes,
        crypto: &mut dyn Crypto,
    ) -> Result<&ArchivedBlock, Error> {
        let state = &mut self.state;
        if state.known_accounts() > MAX_KNOWN_ACCOUNTS {
            state.move_to(&self.head);
        }
        let done = opal_execute::execute(&self.config, &self.head, attributes, state, crypto)
            .and_then(|block| Ok((block, state.storage_root(MESSAGE_PASSER)?)));
        let (block, message_passer_root) = match done {
            Ok(done) => done,
            Err(error) => {
                // It may have stopped halfway.
                state.move_to(&self.head);
                return Err(error);
            }
        };
        state.follow(&block.header);
        Ok(self.append(ArchivedBlock {
            header: block.header,
            transactions: attributes.transactions.clone(),
            receipts: block.receipts.iter().map(Receipt::encode).collect(),
            deposit_nonces: block.receipts.iter().map(|it| it.deposit_nonce).collect(),
            message_passer_root,
        }))
    }

    fn append(&mut self, block: ArchivedBlock) -> &ArchivedBlock {
        let hash = block.header.hash();
        self.head = block.header.clone();
        self.canonical.push(hash);
        self.state.preimages_mut().blocks.entry(hash).insert_entry(block).into_mut()
    }

    /// Takes back all blocks above the one with this hash. False, and nothing changes, if the chain does not
    /// hold it.
    pub fn rewind(&mut self, hash: B256) -> bool {
        if hash == self.head.hash() {
            return true;
        }
        let Some(block) = self.block(hash) else { return false };
        let header = block.header.clone();
        if self.block_by_number(header.number).is_none_or(|it| it.header.hash() != hash) {
            return false;
        }
        let kept = self.index(header.number).unwrap_or(usize::MAX).saturating_add(1);
        self.canonical.truncate(kept);
        self.state.move_to(&header);
        self.head = header;
        true
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    fn store(&self) -> &Store {
        self.state.preimages()
    }

    /// The chain's rules.
    pub const fn config(&self) -> &ChainConfig {
        &self.config
    }

    /// Header of the newest block.
    pub const fn head(&self) -> &Sealed<Header> {
        &self.head
    }

    /// The chain's blocks in order, from the first one.
    pub fn blocks(&self) -> impl Iterator<Item = &ArchivedBlock> {
        self.canonical.iter().filter_map(|hash| self.block(*hash))
    }

    /// A block that was ever executed here.
    pub fn block(&self, hash: B256) -> Option<&ArchivedBlock> {
        self.store().blocks.get(&hash)
    }

    /// A block of the chain.
    pub fn block_by_number(&self, number: u64) -> Option<&ArchivedBlock> {
        self.block(*self.canonical.get(self.index(number)?)?)
    }

    /// The ancestor of a block at this height; it may be that block itself.
    pub fn ancestor(&self, descendant: B256, number: u64) -> Option<&ArchivedBlock> {
        let mut block = self.block(descendant)?;
        while block.header.number > number {
            let height = block.header.number;
            let is_canonical =
                self.block_by_number(height).is_some_and(|it| it.header == block.header);
            if is_canonical {
                return self.block_by_number(number);
            }
            block = self.block(block.header.parent_hash)?;
        }
        (block.header.number == number).then_some(block)
    }

    /// A trie node.
    pub fn node(&self, hash: B256) -> Option<&Bytes> {
        self.store().nodes.get(&hash)
    }

    /// A contract's code.
    pub fn code(&self, hash: B256) -> Option<&Bytes> {
        self.store().codes.get(&hash)
    }

    /// A block's header.
    pub fn header(&self, hash: B256) -> Option<&Sealed<Header>> {
        self.block(hash).map(|block| &block.header)
    }

    /// A block's transactions, EIP-2718 encoded.
    pub fn transactions(&self, hash: B256) -> Option<&[Bytes]> {
        self.block(hash).map(|block| block.transactions.as_slice())
    }

    /// A block's receipts, consensus-encoded.
    pub fn receipts(&self, hash: B256) -> Option<&[Bytes]> {
        self.block(hash).map(|block| block.receipts.as_slice())
    }

    /// The output root after a block of the chain.
    pub fn output_root(&self, number: u64) -> Option<OutputRoot> {
        self.block_by_number(number).map(ArchivedBlock::output_root)
    }
}

/// An account of the first block as a change from nothing.
fn genesis_account((address, account): (&Address, &GenesisAccount)) -> AccountChange {
    let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
    let word = |word: &B256| U256::from_be_bytes(word.0);
    AccountChange {
        address: *address,
        account: Some(Account {
            nonce: account.nonce.to(),
            balance: account.balance,
            code_hash: keccak256(&account.code),
        }),
        code: (!account.code.is_empty()).then(|| account.code.clone()),
        storage_cleared: false,
        slots: slots.map(|(slot, value)| (word(slot), word(value))).collect(),
    }
}
