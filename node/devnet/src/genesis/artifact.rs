//! The checked-in contracts, as far as a genesis needs them.
//!
//! **Invariant:** what stands here was built by `scripts/contracts.sh`; a test compares the hashes.

use super::GenesisError;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use serde::Deserialize;

/// A contract by its name, with its file.
macro_rules! contracts {
    ($($name:ident),* $(,)?) => {
        /// A contract of `contracts/artifacts`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::upper_case_acronyms, reason = "the names are those of the contracts")]
        pub(super) enum Contract {
            $($name),*
        }

        impl Contract {
            const fn file(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => (
                        stringify!($name),
                        include_str!(concat!(
                            "../../../../contracts/artifacts/", stringify!($name), ".json"
                        )),
                    )),*
                }
            }
        }
    };
}

contracts!(
    AddressManager,
    BaseFeeVault,
    DeployerWhitelist,
    EAS,
    ETHLockbox,
    GasPriceOracle,
    L1Block,
    L1BlockNumber,
    L1ChugSplashProxy,
    L1CrossDomainMessenger,
    L1ERC721Bridge,
    L1FeeVault,
    L1StandardBridge,
    L2CrossDomainMessenger,
    L2ERC721Bridge,
    L2StandardBridge,
    L2ToL1MessagePasser,
    LegacyMessagePasser,
    OptimismMintableERC20Factory,
    OptimismMintableERC721Factory,
    OptimismPortal,
    Proxy,
    ProxyAdmin,
    ResolvedDelegateProxy,
    SchemaRegistry,
    SequencerFeeVault,
    SuperchainConfig,
    SystemConfig,
    WETH,
);

/// A contract that is no part of the protocol and stands on every chain of the stack.
#[derive(Debug, Deserialize)]
pub(super) struct Preinstall {
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) code: Bytes,
}

#[derive(Deserialize)]
struct File {
    bytecode: Bytes,
}

#[derive(Deserialize)]
struct PreinstallFile {
    preinstalls: Vec<Preinstall>,
}

impl Contract {
    pub(super) const fn name(self) -> &'static str {
        self.file().0
    }

    /// Its creation code with ABI-encoded arguments.
    pub(super) fn creation(self, arguments: &[u8]) -> Result<Bytes, GenesisError> {
        let (name, text) = self.file();
        let File { bytecode } = read(name, text)?;
        Ok([&bytecode, arguments].concat().into())
    }
}

/// All preinstalls.
pub(super) fn preinstalls() -> Result<Vec<Preinstall>, GenesisError> {
    let text = include_str!("../../../../contracts/artifacts/preinstalls.json");
    let PreinstallFile { preinstalls } = read("preinstalls", text)?;
    Ok(preinstalls)
}

pub(super) fn read<'a, T: Deserialize<'a>>(
    name: &'static str,
    text: &'a str,
) -> Result<T, GenesisError> {
    serde_json::from_str(text).map_err(|reason| GenesisError::Artifact { name, reason })
}

impl Preinstall {
    /// Its code on one chain. One of them keeps the chain's id, and the hash of the domain that its signatures are
    /// for, where the template has another chain's.
    pub(super) fn code_on(&self, chain_id: u64) -> Bytes {
        if self.name != "Permit2" {
            return self.code.clone();
        }
        let kind = keccak256("EIP712Domain(string name,uint256 chainId,address verifyingContract)");
        let id = U256::from(chain_id);
        let domain = (kind, keccak256("Permit2"), id, self.address).abi_encode();
        let mut code = self.code.to_vec();
        for (offset, word) in [(6_945, id.into()), (6_983, keccak256(domain))] {
            let word: B256 = word;
            code[offset..offset + 32].copy_from_slice(word.as_slice());
        }
        code.into()
    }
}
