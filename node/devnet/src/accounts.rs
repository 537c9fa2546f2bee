//! Keys that everyone knows: the ten accounts of the public test mnemonic, and one per role.
//!
//! The ten belong to the user, as with other dev tools; opal never sends with them, so that their nonces are the
//! user's alone.
//!
//! **Invariant:** nothing here is a secret; no key from outside passes through this file.

use alloy_primitives::{Address, B256, b256, keccak256};
use alloy_signer_local::PrivateKeySigner;

/// The mnemonic behind [`accounts`].
pub const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// m/44'/60'/0'/0/0 to 9 of [`MNEMONIC`].
const KEYS: [B256; 10] = [
    b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    b256!("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"),
    b256!("5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"),
    b256!("7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"),
    b256!("47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"),
    b256!("8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"),
    b256!("92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e"),
    b256!("4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356"),
    b256!("dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97"),
    b256!("2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6"),
];

/// An address and the key that signs for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Where its ether is.
    pub address: Address,
    /// Its private key.
    pub key: B256,
}

impl Account {
    /// Signs for it.
    pub fn signer(&self) -> PrivateKeySigner {
        PrivateKeySigner::from_bytes(&self.key).expect("dev keys are valid scalars")
    }

    fn of_key(key: B256) -> Self {
        let signer = PrivateKeySigner::from_bytes(&key).expect("dev keys are valid scalars");
        Self { address: signer.address(), key }
    }
}

/// What a key of the devnet itself does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends one chain's batches.
    Batcher {
        /// The chain.
        chain_id: u64,
    },
    /// Claims one chain's outputs.
    Proposer {
        /// The chain.
        chain_id: u64,
    },
    /// Signs one chain's unsafe blocks.
    Sequencer {
        /// The chain.
        chain_id: u64,
    },
    /// Pays for deposits that stand in for cheats.
    Faucet,
    /// Owns the contracts: system configs, proxies.
    Owner,
}

/// The user's ten accounts.
pub fn accounts() -> Vec<Account> {
    KEYS.into_iter().map(Account::of_key).collect()
}

/// The account of a role: the same on every machine, so that two runs build the same genesis.
pub fn role(role: Role) -> Account {
    let name = match role {
        Role::Batcher { chain_id } => format!("opal devnet batcher {chain_id}"),
        Role::Proposer { chain_id } => format!("opal devnet proposer {chain_id}"),
        Role::Sequencer { chain_id } => format!("opal devnet sequencer {chain_id}"),
        Role::Faucet => "opal devnet faucet".to_owned(),
        Role::Owner => "opal devnet owner".to_owned(),
    };
    Account::of_key(keccak256(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn the_first_and_the_last_account_are_those_of_other_dev_tools() {
        let accounts = accounts();
        assert_eq!(accounts.len(), 10);
        assert_eq!(accounts[0].address, address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        assert_eq!(accounts[9].address, address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720"));
    }

    #[test]
    fn roles_differ_from_one_another_and_from_the_accounts() {
        let mut all: Vec<_> = accounts().into_iter().map(|it| it.address).collect();
        all.extend([Role::Faucet, Role::Owner].map(|it| role(it).address));
        all.extend([901, 902].map(|chain_id| role(Role::Batcher { chain_id }).address));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
