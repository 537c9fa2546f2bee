//! A chain's contracts on its L1.
//!
//! **Invariant:** declarations only.

use alloy_sol_types::sol;

sol! {
    /// Parameters that the chain's owner changes on L1.
    interface SystemConfig {
        struct ResourceConfig {
            uint32 maxResourceLimit;
            uint8 elasticityMultiplier;
            uint8 baseFeeMaxChangeDenominator;
            uint32 minimumBaseFee;
            uint32 systemTxMaxGas;
            uint128 maximumBaseFee;
        }

        struct Addresses {
            address l1CrossDomainMessenger;
            address l1ERC721Bridge;
            address l1StandardBridge;
            address optimismPortal;
            address optimismMintableERC20Factory;
            address delayedWETH;
        }

        event ConfigUpdate(uint256 indexed version, uint8 indexed updateType, bytes data);
        event FeatureSet(bytes32 indexed feature, bool indexed enabled);

        function initialize(
            address _owner,
            uint32 _basefeeScalar,
            uint32 _blobbasefeeScalar,
            bytes32 _batcherHash,
            uint64 _gasLimit,
            address _unsafeBlockSigner,
            ResourceConfig _config,
            address _batchInbox,
            Addresses _addresses,
            uint256 _l2ChainId,
            address _superchainConfig
        ) external;

        function setBatcherHash(bytes32 _batcherHash) external;
        function setGasConfig(uint256 _overhead, uint256 _scalar) external;
        function setGasConfigEcotone(uint32 _basefeeScalar, uint32 _blobbasefeeScalar) external;
        function setGasLimit(uint64 _gasLimit) external;
        function setUnsafeBlockSigner(address _unsafeBlockSigner) external;
        function setEIP1559Params(uint32 _denominator, uint32 _elasticity) external;
        function setOperatorFeeScalars(uint32 _scalar, uint64 _constant) external;
        function setMinBaseFee(uint64 _minBaseFee) external;
        function setDAFootprintGasScalar(uint16 _daFootprintGasScalar) external;
        function setFeature(bytes32 _feature, bool _enabled) external;

        function owner() external view returns (address);
        function overhead() external view returns (uint256);
        function scalar() external view returns (uint256);
        function batcherHash() external view returns (bytes32);
        function gasLimit() external view returns (uint64);
        function basefeeScalar() external view returns (uint32);
        function blobbasefeeScalar() external view returns (uint32);
        function eip1559Denominator() external view returns (uint32);
        function eip1559Elasticity() external view returns (uint32);
        function operatorFeeScalar() external view returns (uint32);
        function operatorFeeConstant() external view returns (uint64);
        function minBaseFee() external view returns (uint64);
        function daFootprintGasScalar() external view returns (uint16);
        function unsafeBlockSigner() external view returns (address);
        function batchInbox() external view returns (address);
        function startBlock() external view returns (uint256);
        function l2ChainId() external view returns (uint256);
        function superchainConfig() external view returns (address);
        function resourceConfig() external view returns (ResourceConfig);
        function getAddresses() external view returns (Addresses);
        function optimismPortal() external view returns (address);
        function isFeatureEnabled(bytes32) external view returns (bool);
        function paused() external view returns (bool);
    }

    /// Where transactions enter a chain from L1.
    interface OptimismPortal {
        event TransactionDeposited(
            address indexed from, address indexed to, uint256 indexed version, bytes opaqueData
        );
        event WithdrawalProven(
            bytes32 indexed withdrawalHash, address indexed from, address indexed to
        );
        event WithdrawalProvenExtension1(
            bytes32 indexed withdrawalHash, address indexed proofSubmitter
        );
        event WithdrawalFinalized(bytes32 indexed withdrawalHash, bool success);

        error OptimismPortal_BadTarget();
        error OptimismPortal_CalldataTooLarge();
        error OptimismPortal_GasLimitTooLow();
        error OptimismPortal_NoDisputeGames();
        error OptimismPortal_Unproven();
        error OutOfGas();

        function initialize(
            address _systemConfig, address _anchorStateRegistry, address _ethLockbox
        ) external;
        function depositTransaction(
            address _to, uint256 _value, uint64 _gasLimit, bool _isCreation, bytes _data
        ) external payable;
        function donateETH() external payable;
        function minimumGasLimit(uint64 _byteCount) external pure returns (uint64);
        function params()
            external view returns (uint128 prevBaseFee, uint64 prevBoughtGas, uint64 prevBlockNum);
        function l2Sender() external view returns (address);
        function systemConfig() external view returns (address);
        function anchorStateRegistry() external view returns (address);
        function ethLockbox() external view returns (address);
        function paused() external view returns (bool);
    }

    /// Holds the ether of all chains of a set.
    interface ETHLockbox {
        event ETHLocked(address indexed portal, uint256 amount);
        event ETHUnlocked(address indexed portal, uint256 amount);

        function initialize(address _systemConfig, address[] _portals) external;
        function authorizedPortals(address) external view returns (bool);
        function systemConfig() external view returns (address);
    }

    /// Sends messages to L2 and relays those from there.
    interface L1CrossDomainMessenger {
        event SentMessage(
            address indexed target, address sender, bytes message, uint256 messageNonce, uint256 gasLimit
        );
        event SentMessageExtension1(address indexed sender, uint256 value);
        event RelayedMessage(bytes32 indexed msgHash);
        event FailedRelayedMessage(bytes32 indexed msgHash);

        function initialize(address _superchainConfig, address _portal, address _systemConfig) external;
        function sendMessage(address _target, bytes _message, uint32 _minGasLimit) external payable;
        function PORTAL() external view returns (address);
        function OTHER_MESSENGER() external view returns (address);
    }

    /// Moves ether and tokens to L2 and back.
    interface L1StandardBridge {
        event ETHDepositInitiated(
            address indexed from, address indexed to, uint256 amount, bytes extraData
        );

        function initialize(address _messenger, address _superchainConfig, address _systemConfig) external;
        function depositETH(uint32 _minGasLimit, bytes _extraData) external payable;
        function depositETHTo(address _to, uint32 _minGasLimit, bytes _extraData) external payable;
        function bridgeETHTo(address _to, uint32 _minGasLimit, bytes _extraData) external payable;
        function depositERC20To(
            address _l1Token,
            address _l2Token,
            address _to,
            uint256 _amount,
            uint32 _minGasLimit,
            bytes _extraData
        ) external;
        function MESSENGER() external view returns (address);
    }

    /// Moves single tokens to L2 and back.
    interface L1ERC721Bridge {
        function initialize(address _messenger, address _superchainConfig) external;
    }

    /// Makes tokens that a bridge mints; the same contract stands on L2.
    interface OptimismMintableERC20Factory {
        function initialize(address _bridge) external;
        function BRIDGE() external view returns (address);
        function createOptimismMintableERC20(
            address _remoteToken, string _name, string _symbol
        ) external returns (address);
    }

    /// Pauses the withdrawals of all chains at once.
    interface SuperchainConfig {
        function initialize(address _guardian, bool _paused) external;
        function guardian() external view returns (address);
        function paused() external view returns (bool);
    }

    /// Names of implementations, for the one proxy that still asks for them.
    interface AddressManager {
        function transferOwnership(address newOwner) external;
        function getAddress(string _name) external view returns (address);
    }

    /// Upgrades the proxies of one chain.
    interface ProxyAdmin {
        function owner() external view returns (address);
        function setAddressManager(address _address) external;
        function setImplementationName(address _address, string _name) external;
        function setProxyType(address _address, uint8 _type) external;
        function upgrade(address _proxy, address _implementation) external;
        function upgradeAndCall(address _proxy, address _implementation, bytes _data) external payable;
        function getProxyImplementation(address _proxy) external view returns (address);
        function getProxyAdmin(address _proxy) external view returns (address);
    }
}
