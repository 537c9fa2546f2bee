//! The contracts that stand on a chain before its first upgrade transaction, as the official genesis of the Fjord era
//! has them: a proxy at each reserved address, the code of those in use, and what everybody installs anyway.
//!
//! Start with [`install`].
//!
//! **Invariant:** Ecotone's, Fjord's and later upgrade transactions succeed on the result.

use super::{GenesisError, L1Addresses, artifact, artifact::Contract, world::World};
use alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy_primitives::{Address, B256, Bytes, U256, address, b256};
use alloy_sol_types::{SolCall, SolValue};
use opal_abi::{
    l1::OptimismMintableERC20Factory,
    l2::{GasPriceOracle, L2CrossDomainMessenger, L2ERC721Bridge, L2StandardBridge},
};
use opal_execute::predeploys::CREATE2_DEPLOYER;
use opal_types::{DEPOSITOR, Fork};

/// First of the reserved addresses, and how many there are.
const NAMESPACE: Address = address!("4200000000000000000000000000000000000000");
const NAMESPACE_SIZE: u16 = 2_048;
/// First of the addresses that hold the code behind the proxies.
const CODE_NAMESPACE: Address = address!("c0D3C0d3C0d3C0D3c0d3C0d3c0D3C0d3c0d30000");
/// The slots of a proxy (EIP-1967).
const ADMIN_SLOT: B256 = b256!("b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103");
const IMPLEMENTATION_SLOT: B256 =
    b256!("360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc");

/// The reserved addresses by their last bytes.
const WETH: u16 = 0x06;
const MESSENGER: u16 = 0x07;
const GAS_PRICE_ORACLE: u16 = 0x0f;
const STANDARD_BRIDGE: u16 = 0x10;
const ERC20_FACTORY: u16 = 0x12;
const ERC721_BRIDGE: u16 = 0x14;
const PROXY_ADMIN: u16 = 0x18;
const DEV_FEATURES: u16 = 0x2d;
const GOVERNANCE_TOKEN: u16 = 0x42;

/// The bit that allows interop, and its slot: `keccak256("l2devfeatureflags.bitmap") - 1`. Lagoon's upgrade of a chain in
/// a set reverts without it, and no upgrade sets it: a chain that is to join a set has it from its deployer.
const INTEROP_FEATURE: U256 = U256::ONE;
const DEV_FEATURES_SLOT: B256 =
    b256!("c8bc8f9195cfb2d040744aac63412d02ffc186ea9bd519039edc4666ee9032bc");
/// Fee vaults pay out when they have so much: 10 ether, in wei.
const VAULT_MINIMUM: u64 = 10_000_000_000_000_000_000;
/// They pay on L2.
const TO_L2: u8 = 1;
/// The account that creates EIP-4788's contract in Ecotone's upgrade. Having sent something before, it creates another
/// one, and the upgrade succeeds although the contract is there.
const BEACON_ROOTS_CREATOR: Address = address!("0B799C86a49DEeb90402691F1041aa3AF2d3C875");
/// Contracts count from one (EIP-161).
const CONTRACT_NONCE: u64 = 1;
/// So many of the first addresses own one wei, so that precompiles are never empty accounts.
const PRECOMPILES: u16 = 256;

/// What the contracts of one chain are told.
pub(super) struct Setup<'a> {
    pub(super) chain_id: u64,
    pub(super) l1_chain_id: u64,
    pub(super) owner: Address,
    pub(super) l1: &'a L1Addresses,
    /// Newest fork of the first block.
    pub(super) fork: Fork,
    /// Chains of the set.
    pub(super) chains: usize,
}

/// Puts everything in place.
pub(super) fn install(world: &mut World, setup: &Setup<'_>) -> Result<(), GenesisError> {
    proxies(world)?;
    for (at, contract, arguments) in implementations(setup) {
        implement(world, at, contract, &arguments)?;
    }
    world.construct(Address::ZERO, ("WETH", predeploy(WETH)), Contract::WETH.creation(&[])?)?;
    world.set_slot(predeploy(PROXY_ADMIN), U256::ZERO, setup.owner.into_word().into());
    if setup.chains > 1 {
        world.set_slot(predeploy(DEV_FEATURES), DEV_FEATURES_SLOT.into(), INTEROP_FEATURE);
    }
    initialize(world, setup)?;
    gas_price_oracle(world, setup.fork)?;
    preinstalls(world, setup)?;
    for number in 0..PRECOMPILES {
        world.set_balance(Address::with_last_byte(number.to_be_bytes()[1]), U256::ONE);
    }
    Ok(())
}

/// A reserved address.
pub(super) fn predeploy(number: u16) -> Address {
    numbered(NAMESPACE, number)
}

fn numbered(base: Address, number: u16) -> Address {
    let mut address = base;
    let [.., high, low] = &mut address.0.0;
    [*high, *low] = number.to_be_bytes();
    address
}

/// A proxy at each reserved address but two, all of them the proxy admin's.
fn proxies(world: &mut World) -> Result<(), GenesisError> {
    let admin = predeploy(PROXY_ADMIN);
    let first = predeploy(0);
    let creation = Contract::Proxy.creation(&admin.abi_encode())?;
    world.construct(Address::ZERO, ("Proxy", first), creation)?;
    let code = world.code_at(first);
    let admin_slot = U256::from_be_bytes(ADMIN_SLOT.0);
    for number in 0..NAMESPACE_SIZE {
        if number == WETH || number == GOVERNANCE_TOKEN {
            continue;
        }
        world.set_known_code(predeploy(number), code);
        world.set_slot(predeploy(number), admin_slot, admin.into_word().into());
    }
    Ok(())
}

/// The code behind the proxies with its constructor's arguments.
fn implementations(setup: &Setup<'_>) -> Vec<(u16, Contract, Vec<u8>)> {
    let vault = (setup.owner, U256::from(VAULT_MINIMUM), U256::from(TO_L2)).abi_encode();
    let nfts = (predeploy(ERC721_BRIDGE), U256::from(setup.l1_chain_id)).abi_encode();
    let admin = setup.owner.abi_encode();
    vec![
        (0x00, Contract::LegacyMessagePasser, Vec::new()),
        (0x02, Contract::DeployerWhitelist, Vec::new()),
        (MESSENGER, Contract::L2CrossDomainMessenger, Vec::new()),
        (GAS_PRICE_ORACLE, Contract::GasPriceOracle, Vec::new()),
        (STANDARD_BRIDGE, Contract::L2StandardBridge, Vec::new()),
        (0x11, Contract::SequencerFeeVault, vault.clone()),
        (ERC20_FACTORY, Contract::OptimismMintableERC20Factory, Vec::new()),
        (0x13, Contract::L1BlockNumber, Vec::new()),
        (ERC721_BRIDGE, Contract::L2ERC721Bridge, Vec::new()),
        (0x15, Contract::L1Block, Vec::new()),
        (0x16, Contract::L2ToL1MessagePasser, Vec::new()),
        (0x17, Contract::OptimismMintableERC721Factory, nfts),
        (PROXY_ADMIN, Contract::ProxyAdmin, admin),
        (0x19, Contract::BaseFeeVault, vault.clone()),
        (0x1a, Contract::L1FeeVault, vault),
        (0x20, Contract::SchemaRegistry, Vec::new()),
        (0x21, Contract::EAS, Vec::new()),
    ]
}

fn implement(
    world: &mut World,
    number: u16,
    contract: Contract,
    arguments: &[u8],
) -> Result<(), GenesisError> {
    let at = numbered(CODE_NAMESPACE, number);
    world.construct(Address::ZERO, (contract.name(), at), contract.creation(arguments)?)?;
    let slot = U256::from_be_bytes(IMPLEMENTATION_SLOT.0);
    world.set_slot(predeploy(number), slot, at.into_word().into());
    Ok(())
}

fn initialize(world: &mut World, setup: &Setup<'_>) -> Result<(), GenesisError> {
    let messenger = L2CrossDomainMessenger::initializeCall {
        _l1CrossDomainMessenger: setup.l1.l1_cross_domain_messenger_proxy,
    };
    let bridge =
        L2StandardBridge::initializeCall { _otherBridge: setup.l1.l1_standard_bridge_proxy };
    let nfts = L2ERC721Bridge::initializeCall { _l1ERC721Bridge: setup.l1.l1_erc721_bridge_proxy };
    let tokens =
        OptimismMintableERC20Factory::initializeCall { _bridge: predeploy(STANDARD_BRIDGE) };
    for (name, number, data) in [
        ("L2CrossDomainMessenger", MESSENGER, messenger.abi_encode()),
        ("L2StandardBridge", STANDARD_BRIDGE, bridge.abi_encode()),
        ("L2ERC721Bridge", ERC721_BRIDGE, nfts.abi_encode()),
        ("OptimismMintableERC20Factory", ERC20_FACTORY, tokens.abi_encode()),
    ] {
        world.call(setup.owner, (name, predeploy(number)), data)?;
    }
    Ok(())
}

/// The oracle is told of each fork; later ones by their upgrade transactions.
fn gas_price_oracle(world: &mut World, fork: Fork) -> Result<(), GenesisError> {
    let oracle = ("GasPriceOracle", predeploy(GAS_PRICE_ORACLE));
    if fork >= Fork::Ecotone {
        world.call(DEPOSITOR, oracle, GasPriceOracle::setEcotoneCall {}.abi_encode())?;
    }
    if fork >= Fork::Fjord {
        world.call(DEPOSITOR, oracle, GasPriceOracle::setFjordCall {}.abi_encode())?;
    }
    Ok(())
}

/// What is not yet there in the chain's first block comes with its fork: Canyon sets one contract, Ecotone creates one.
fn preinstalls(world: &mut World, setup: &Setup<'_>) -> Result<(), GenesisError> {
    for preinstall in artifact::preinstalls()? {
        let address = preinstall.address;
        let from = match address {
            CREATE2_DEPLOYER => Fork::Canyon,
            BEACON_ROOTS_ADDRESS => Fork::Ecotone,
            _ => Fork::Bedrock,
        };
        if setup.fork < from {
            continue;
        }
        let code: Bytes = preinstall.code_on(setup.chain_id);
        world.set_code(address, &code);
        world.set_nonce(address, CONTRACT_NONCE);
    }
    if setup.fork >= Fork::Ecotone {
        world.set_nonce(BEACON_ROOTS_CREATOR, CONTRACT_NONCE);
    }
    Ok(())
}
