//! Where the contracts are on L1.
//!
//! The chains 901 to 905 have theirs where `@eth-optimism/viem` 0.4.13 looks for those of supersim's chains.
//!
//! **Invariant:** an address depends on the chain id and the contract's name alone.

use super::{GenesisError, artifact};
use alloy_primitives::{Address, U256, keccak256};
use serde::{Deserialize, Serialize};

/// One chain's contracts on L1. All but two are proxies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct L1Addresses {
    /// Upgrades the proxies; no proxy itself.
    pub op_chain_proxy_admin: Address,
    /// Names of implementations; no proxy itself.
    pub address_manager: Address,
    /// Moves single tokens.
    #[serde(rename = "L1ERC721BridgeProxy")]
    pub l1_erc721_bridge_proxy: Address,
    /// The chain's parameters.
    pub system_config_proxy: Address,
    /// Makes tokens that the bridge mints.
    #[serde(rename = "OptimismMintableERC20FactoryProxy")]
    pub optimism_mintable_erc20_factory_proxy: Address,
    /// Moves ether and tokens.
    pub l1_standard_bridge_proxy: Address,
    /// Carries messages.
    pub l1_cross_domain_messenger_proxy: Address,
    /// Takes deposits.
    pub optimism_portal_proxy: Address,
    /// Makes dispute games.
    pub dispute_game_factory_proxy: Address,
    /// Remembers what games have settled.
    pub anchor_state_registry_proxy: Address,
    /// The game that only the proposer may start.
    pub permissioned_dispute_game: Address,
    /// Holds the bonds of that game.
    #[serde(rename = "DelayedWETHPermissionedGameProxy")]
    pub delayed_weth_permissioned_game_proxy: Address,
}

/// What all chains share on L1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SharedAddresses {
    /// Upgrades the proxies below.
    pub superchain_proxy_admin: Address,
    /// Pauses withdrawals.
    pub superchain_config_proxy: Address,
    /// Holds the ether of all chains.
    #[serde(rename = "ETHLockboxProxy")]
    pub eth_lockbox_proxy: Address,
}

#[derive(Deserialize)]
struct File {
    chains: Vec<ChainPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChainPart {
    chain_id: u64,
    addresses: L1Addresses,
}

impl L1Addresses {
    /// Those in the dev L1's first block.
    pub(super) fn of(chain_id: u64) -> Result<Self, GenesisError> {
        Ok(supersim(chain_id)?.unwrap_or_else(|| Self::derived(chain_id)))
    }

    pub(super) const fn all(&mut self) -> [&mut Address; 12] {
        [
            &mut self.op_chain_proxy_admin,
            &mut self.address_manager,
            &mut self.l1_erc721_bridge_proxy,
            &mut self.system_config_proxy,
            &mut self.optimism_mintable_erc20_factory_proxy,
            &mut self.l1_standard_bridge_proxy,
            &mut self.l1_cross_domain_messenger_proxy,
            &mut self.optimism_portal_proxy,
            &mut self.dispute_game_factory_proxy,
            &mut self.anchor_state_registry_proxy,
            &mut self.permissioned_dispute_game,
            &mut self.delayed_weth_permissioned_game_proxy,
        ]
    }

    fn derived(chain_id: u64) -> Self {
        let at = |name: &str| derived(&format!("{name} of {chain_id}"));
        Self {
            op_chain_proxy_admin: at("OpChainProxyAdmin"),
            address_manager: at("AddressManager"),
            l1_erc721_bridge_proxy: at("L1ERC721BridgeProxy"),
            system_config_proxy: at("SystemConfigProxy"),
            optimism_mintable_erc20_factory_proxy: at("OptimismMintableERC20FactoryProxy"),
            l1_standard_bridge_proxy: at("L1StandardBridgeProxy"),
            l1_cross_domain_messenger_proxy: at("L1CrossDomainMessengerProxy"),
            optimism_portal_proxy: at("OptimismPortalProxy"),
            dispute_game_factory_proxy: at("DisputeGameFactoryProxy"),
            anchor_state_registry_proxy: at("AnchorStateRegistryProxy"),
            permissioned_dispute_game: at("PermissionedDisputeGame"),
            delayed_weth_permissioned_game_proxy: at("DelayedWETHPermissionedGameProxy"),
        }
    }
}

impl SharedAddresses {
    pub(super) const fn all(&mut self) -> [&mut Address; 3] {
        [
            &mut self.superchain_proxy_admin,
            &mut self.superchain_config_proxy,
            &mut self.eth_lockbox_proxy,
        ]
    }

    /// Those in the dev L1's first block.
    pub fn dev() -> Self {
        Self {
            superchain_proxy_admin: derived("SuperchainProxyAdmin"),
            superchain_config_proxy: derived("SuperchainConfigProxy"),
            eth_lockbox_proxy: derived("ETHLockboxProxy"),
        }
    }
}

/// An address that nobody has the key of.
pub(super) fn derived(name: &str) -> Address {
    Address::from_word(keccak256(format!("opal devnet: {name}")))
}

/// The receiver of a chain's batches: version byte zero and a hash of the chain id, as in the official deployments.
pub(super) fn batch_inbox(chain_id: u64) -> Address {
    let hash = keccak256(U256::from(chain_id).to_be_bytes::<32>());
    let mut inbox = Address::ZERO;
    inbox[1..].copy_from_slice(&hash[..19]);
    inbox
}

/// Those that the package tells; `None` for a chain it does not know.
fn supersim(chain_id: u64) -> Result<Option<L1Addresses>, GenesisError> {
    let text = include_str!("../../../../contracts/artifacts/supersim.json");
    let File { chains } = artifact::read("supersim", text)?;
    Ok(chains.into_iter().find(|it| it.chain_id == chain_id).map(|it| it.addresses))
}
