// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {
    OwnableUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/OwnableUpgradeable.sol";
import {Constants} from "src/libraries/Constants.sol";
import {Storage} from "src/libraries/Storage.sol";
import {ResourceMetering} from "src/L1/ResourceMetering.sol";
import {ProxyAdminOwned} from "./ProxyAdminOwned.sol";

interface ISuperchainConfig {
    function guardian() external view returns (address);
    function paused() external view returns (bool);
}

interface IGameFactoryHolder {
    function disputeGameFactory() external view returns (address);
}

/// @title SystemConfig
/// @notice The parameters of one chain that its owner may change on L1. Derivation reads the
///         ConfigUpdate events, tools read the getters, and nodes prove the unsafe block signer's
///         slot. Layout, slots, events and functions are those of the official contract.
contract SystemConfig is OwnableUpgradeable, ProxyAdminOwned {
    /// @notice What an update changes; the order is part of the protocol.
    enum UpdateType {
        BATCHER,
        FEE_SCALARS,
        GAS_LIMIT,
        UNSAFE_BLOCK_SIGNER,
        EIP_1559_PARAMS,
        OPERATOR_FEE_PARAMS,
        MIN_BASE_FEE,
        DA_FOOTPRINT_GAS_SCALAR
    }

    /// @notice The chain's other contracts on L1, by their proxies.
    struct Addresses {
        address l1CrossDomainMessenger;
        address l1ERC721Bridge;
        address l1StandardBridge;
        address optimismPortal;
        address optimismMintableERC20Factory;
        address delayedWETH;
    }

    uint256 public constant VERSION = 0;

    /// @notice Fixed by hash, so that a storage proof of it does not depend on the compiler.
    bytes32 public constant UNSAFE_BLOCK_SIGNER_SLOT = keccak256("systemconfig.unsafeblocksigner");
    bytes32 public constant L1_CROSS_DOMAIN_MESSENGER_SLOT =
        bytes32(uint256(keccak256("systemconfig.l1crossdomainmessenger")) - 1);
    bytes32 public constant L1_ERC_721_BRIDGE_SLOT =
        bytes32(uint256(keccak256("systemconfig.l1erc721bridge")) - 1);
    bytes32 public constant L1_STANDARD_BRIDGE_SLOT =
        bytes32(uint256(keccak256("systemconfig.l1standardbridge")) - 1);
    bytes32 public constant OPTIMISM_PORTAL_SLOT =
        bytes32(uint256(keccak256("systemconfig.optimismportal")) - 1);
    bytes32 public constant OPTIMISM_MINTABLE_ERC20_FACTORY_SLOT =
        bytes32(uint256(keccak256("systemconfig.optimismmintableerc20factory")) - 1);
    bytes32 public constant DELAYED_WETH_SLOT =
        bytes32(uint256(keccak256("systemconfig.delayedweth")) - 1);
    bytes32 public constant BATCH_INBOX_SLOT =
        bytes32(uint256(keccak256("systemconfig.batchinbox")) - 1);
    bytes32 public constant START_BLOCK_SLOT =
        bytes32(uint256(keccak256("systemconfig.startBlock")) - 1);

    /// @notice No L2 block may be larger, so that it can be proved.
    uint64 internal constant MAX_GAS_LIMIT = 500_000_000;

    // The variables below have their places in the official layout.

    uint256 public overhead;
    uint256 public scalar;
    bytes32 public batcherHash;
    uint64 public gasLimit;
    uint32 public basefeeScalar;
    uint32 public blobbasefeeScalar;
    ResourceMetering.ResourceConfig internal _resourceConfig;
    uint32 public eip1559Denominator;
    uint32 public eip1559Elasticity;
    uint32 public operatorFeeScalar;
    uint64 public operatorFeeConstant;
    uint16 public daFootprintGasScalar;
    uint256 public l2ChainId;
    ISuperchainConfig public superchainConfig;
    uint64 public minBaseFee;
    mapping(bytes32 => bool) public isFeatureEnabled;

    event ConfigUpdate(uint256 indexed version, UpdateType indexed updateType, bytes data);
    event FeatureSet(bytes32 indexed feature, bool indexed enabled);

    error SystemConfig_GasLimitTooLow(uint64 gasLimit, uint64 minimum);
    error SystemConfig_GasLimitTooHigh(uint64 gasLimit, uint64 maximum);
    error SystemConfig_ScalarTooLarge(uint256 scalar);
    error SystemConfig_ZeroEIP1559Param(uint32 denominator, uint32 elasticity);
    error SystemConfig_InvalidResourceConfig();
    error SystemConfig_InvalidFeatureState();

    /// @notice The implementation itself belongs to nobody and cannot be initialised.
    constructor() {
        Storage.setUint(START_BLOCK_SLOT, type(uint256).max);
        _disableInitializers();
    }

    function initialize(
        address _owner,
        uint32 _basefeeScalar,
        uint32 _blobbasefeeScalar,
        bytes32 _batcherHash,
        uint64 _gasLimit,
        address _unsafeBlockSigner,
        ResourceMetering.ResourceConfig memory _config,
        address _batchInbox,
        Addresses memory _addresses,
        uint256 _l2ChainId,
        ISuperchainConfig _superchainConfig
    ) external initializer onlyProxyAdminOrOwner {
        __Ownable_init();
        transferOwnership(_owner);
        l2ChainId = _l2ChainId;
        superchainConfig = _superchainConfig;
        // The lowest gas limit follows from it.
        _setResourceConfig(_config);
        _setBatcherHash(_batcherHash);
        _setGasConfigEcotone(_basefeeScalar, _blobbasefeeScalar);
        _setGasLimit(_gasLimit);
        Storage.setAddress(UNSAFE_BLOCK_SIGNER_SLOT, _unsafeBlockSigner);
        Storage.setAddress(BATCH_INBOX_SLOT, _batchInbox);
        Storage.setAddress(L1_CROSS_DOMAIN_MESSENGER_SLOT, _addresses.l1CrossDomainMessenger);
        Storage.setAddress(L1_ERC_721_BRIDGE_SLOT, _addresses.l1ERC721Bridge);
        Storage.setAddress(L1_STANDARD_BRIDGE_SLOT, _addresses.l1StandardBridge);
        Storage.setAddress(OPTIMISM_PORTAL_SLOT, _addresses.optimismPortal);
        Storage.setAddress(
            OPTIMISM_MINTABLE_ERC20_FACTORY_SLOT, _addresses.optimismMintableERC20Factory
        );
        Storage.setAddress(DELAYED_WETH_SLOT, _addresses.delayedWETH);
        if (Storage.getUint(START_BLOCK_SLOT) == 0) {
            Storage.setUint(START_BLOCK_SLOT, block.number);
        }
    }

    /// @notice Which release of the official contract this one answers like.
    function version() public pure virtual returns (string memory) {
        return "3.13.0+opal";
    }

    // What the owner changes. Each setter is one event.

    function setBatcherHash(bytes32 _batcherHash) external onlyOwner {
        _setBatcherHash(_batcherHash);
    }

    function setBatcherHash(address _batcher) external onlyOwner {
        _setBatcherHash(bytes32(uint256(uint160(_batcher))));
    }

    /// @notice Bedrock's form of the fee scalars; from Ecotone on the first byte is a version.
    function setGasConfig(uint256 _overhead, uint256 _scalar) external onlyOwner {
        if (_scalar >> 248 != 0) revert SystemConfig_ScalarTooLarge(_scalar);
        overhead = _overhead;
        scalar = _scalar;
        _emit(UpdateType.FEE_SCALARS, abi.encode(_overhead, _scalar));
    }

    function setGasConfigEcotone(uint32 _basefeeScalar, uint32 _blobbasefeeScalar)
        external
        onlyOwner
    {
        _setGasConfigEcotone(_basefeeScalar, _blobbasefeeScalar);
    }

    function setGasLimit(uint64 _gasLimit) external onlyOwner {
        _setGasLimit(_gasLimit);
    }

    function setUnsafeBlockSigner(address _unsafeBlockSigner) external onlyOwner {
        Storage.setAddress(UNSAFE_BLOCK_SIGNER_SLOT, _unsafeBlockSigner);
        _emit(UpdateType.UNSAFE_BLOCK_SIGNER, abi.encode(_unsafeBlockSigner));
    }

    /// @notice Blocks are divided by both, so neither may be zero.
    function setEIP1559Params(uint32 _denominator, uint32 _elasticity) external onlyOwner {
        if (_denominator == 0 || _elasticity == 0) {
            revert SystemConfig_ZeroEIP1559Param(_denominator, _elasticity);
        }
        eip1559Denominator = _denominator;
        eip1559Elasticity = _elasticity;
        _emit(
            UpdateType.EIP_1559_PARAMS,
            abi.encode(uint256(_denominator) << 32 | uint64(_elasticity))
        );
    }

    function setOperatorFeeScalars(uint32 _scalar, uint64 _constant) external onlyOwner {
        operatorFeeScalar = _scalar;
        operatorFeeConstant = _constant;
        _emit(UpdateType.OPERATOR_FEE_PARAMS, abi.encode(uint256(_scalar) << 64 | _constant));
    }

    function setMinBaseFee(uint64 _minBaseFee) external onlyOwner {
        minBaseFee = _minBaseFee;
        _emit(UpdateType.MIN_BASE_FEE, abi.encode(_minBaseFee));
    }

    function setDAFootprintGasScalar(uint16 _daFootprintGasScalar) external onlyOwner {
        daFootprintGasScalar = _daFootprintGasScalar;
        _emit(UpdateType.DA_FOOTPRINT_GAS_SCALAR, abi.encode(_daFootprintGasScalar));
    }

    /// @notice Switches a feature of the L1 contracts, such as the shared lockbox.
    function setFeature(bytes32 _feature, bool _enabled) external onlyProxyAdminOrOwner {
        if (isFeatureEnabled[_feature] == _enabled) revert SystemConfig_InvalidFeatureState();
        isFeatureEnabled[_feature] = _enabled;
        emit FeatureSet(_feature, _enabled);
    }

    // What others ask.

    /// @notice Deposits of one L1 block and the L1 attributes transaction always fit.
    function minimumGasLimit() public view returns (uint64) {
        return uint64(_resourceConfig.maxResourceLimit) + _resourceConfig.systemTxMaxGas;
    }

    function maximumGasLimit() public pure returns (uint64) {
        return MAX_GAS_LIMIT;
    }

    function resourceConfig() external view returns (ResourceMetering.ResourceConfig memory) {
        return _resourceConfig;
    }

    function unsafeBlockSigner() external view returns (address) {
        return Storage.getAddress(UNSAFE_BLOCK_SIGNER_SLOT);
    }

    function batchInbox() external view returns (address) {
        return Storage.getAddress(BATCH_INBOX_SLOT);
    }

    function startBlock() external view returns (uint256) {
        return Storage.getUint(START_BLOCK_SLOT);
    }

    function l1CrossDomainMessenger() public view returns (address) {
        return Storage.getAddress(L1_CROSS_DOMAIN_MESSENGER_SLOT);
    }

    function l1ERC721Bridge() public view returns (address) {
        return Storage.getAddress(L1_ERC_721_BRIDGE_SLOT);
    }

    function l1StandardBridge() public view returns (address) {
        return Storage.getAddress(L1_STANDARD_BRIDGE_SLOT);
    }

    function optimismPortal() public view returns (address) {
        return Storage.getAddress(OPTIMISM_PORTAL_SLOT);
    }

    function optimismMintableERC20Factory() public view returns (address) {
        return Storage.getAddress(OPTIMISM_MINTABLE_ERC20_FACTORY_SLOT);
    }

    function delayedWETH() public view returns (address) {
        return Storage.getAddress(DELAYED_WETH_SLOT);
    }

    function disputeGameFactory() external view returns (address) {
        return IGameFactoryHolder(optimismPortal()).disputeGameFactory();
    }

    function getAddresses() external view returns (Addresses memory) {
        return Addresses({
            l1CrossDomainMessenger: l1CrossDomainMessenger(),
            l1ERC721Bridge: l1ERC721Bridge(),
            l1StandardBridge: l1StandardBridge(),
            optimismPortal: optimismPortal(),
            optimismMintableERC20Factory: optimismMintableERC20Factory(),
            delayedWETH: delayedWETH()
        });
    }

    function guardian() external view returns (address) {
        return superchainConfig.guardian();
    }

    function paused() external view returns (bool) {
        return superchainConfig.paused();
    }

    /// @notice Gas is paid in ether. The messenger and the bridges ask on every call.
    function gasPayingToken() external pure returns (address, uint8) {
        return (Constants.ETHER, 18);
    }

    function isCustomGasToken() external pure returns (bool) {
        return false;
    }

    // What initialisation shares with the setters.

    function _setBatcherHash(bytes32 _batcherHash) internal {
        batcherHash = _batcherHash;
        _emit(UpdateType.BATCHER, abi.encode(_batcherHash));
    }

    function _setGasConfigEcotone(uint32 _basefeeScalar, uint32 _blobbasefeeScalar) internal {
        basefeeScalar = _basefeeScalar;
        blobbasefeeScalar = _blobbasefeeScalar;
        scalar = uint256(1) << 248 | uint256(_blobbasefeeScalar) << 32 | _basefeeScalar;
        _emit(UpdateType.FEE_SCALARS, abi.encode(overhead, scalar));
    }

    function _setGasLimit(uint64 _gasLimit) internal {
        uint64 minimum = minimumGasLimit();
        if (_gasLimit < minimum) revert SystemConfig_GasLimitTooLow(_gasLimit, minimum);
        if (_gasLimit > MAX_GAS_LIMIT) {
            revert SystemConfig_GasLimitTooHigh(_gasLimit, MAX_GAS_LIMIT);
        }
        gasLimit = _gasLimit;
        _emit(UpdateType.GAS_LIMIT, abi.encode(_gasLimit));
    }

    /// @notice The portal divides by two of these fields and must be able to reach its target.
    function _setResourceConfig(ResourceMetering.ResourceConfig memory _config) internal {
        bool valid = _config.minimumBaseFee <= _config.maximumBaseFee
            && _config.baseFeeMaxChangeDenominator > 1 && _config.elasticityMultiplier > 0
            && _config.maxResourceLimit % _config.elasticityMultiplier == 0
            && uint256(_config.maxResourceLimit) + _config.systemTxMaxGas <= MAX_GAS_LIMIT;
        if (!valid) revert SystemConfig_InvalidResourceConfig();
        _resourceConfig = _config;
    }

    function _emit(UpdateType _type, bytes memory _data) internal {
        emit ConfigUpdate(VERSION, _type, _data);
    }
}
