// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {ResourceMetering} from "src/L1/ResourceMetering.sol";
import {Types} from "src/libraries/Types.sol";
import {AddressAliasHelper} from "src/vendor/AddressAliasHelper.sol";
import {IETHLockbox} from "./ETHLockbox.sol";
import {ProxyAdminOwned} from "./ProxyAdminOwned.sol";

interface IPortalSystemConfig {
    function guardian() external view returns (address);
    function isFeatureEnabled(bytes32) external view returns (bool);
    function paused() external view returns (bool);
    function resourceConfig() external view returns (ResourceMetering.ResourceConfig memory);
    function superchainConfig() external view returns (address);
}

interface IAnchorStateRegistry {
    function disputeGameFactory() external view returns (address);
    function respectedGameType() external view returns (uint32);
}

/// @title OptimismPortal
/// @notice Where transactions enter a chain from L1. A deposit is the event alone: derivation reads
///         it and nothing else. Proving withdrawals needs dispute games, which are not there yet:
///         the functions and the layout are ready for them.
contract OptimismPortal is ResourceMetering, ProxyAdminOwned {
    /// @notice A withdrawal that somebody has proved.
    struct ProvenWithdrawal {
        address disputeGameProxy;
        uint64 timestamp;
    }

    /// @notice One chain's output inside a super root.
    struct OutputRootWithChainId {
        uint256 chainId;
        bytes32 root;
    }

    /// @notice The preimage of a super root.
    struct SuperRootProof {
        bytes1 version;
        uint64 timestamp;
        OutputRootWithChainId[] outputRoots;
    }

    uint256 internal constant DEPOSIT_VERSION = 0;
    /// @notice Gas on L2 for ether that is simply sent here.
    uint64 internal constant RECEIVE_DEFAULT_GAS_LIMIT = 100_000;
    /// @notice A batch must hold any deposit's data once more, in a channel of its own.
    uint256 internal constant MAX_DATA = 120_000;
    /// @notice What `l2Sender` is outside of a withdrawal.
    address internal constant DEFAULT_L2_SENDER = 0x000000000000000000000000000000000000dEaD;
    bytes32 internal constant ETH_LOCKBOX = "ETH_LOCKBOX";

    uint256 internal immutable PROOF_MATURITY_DELAY_SECONDS;

    // The variables below have their places in the official layout.

    address public l2Sender;
    mapping(bytes32 => bool) public finalizedWithdrawals;
    bytes32 private spacer_52_0_32;
    bool private spacer_53_0_1;
    address private spacer_53_1_20;
    address private spacer_54_0_20;
    IPortalSystemConfig public systemConfig;
    address private spacer_56_0_20;
    mapping(bytes32 => mapping(address => ProvenWithdrawal)) public provenWithdrawals;
    bytes32 private spacer_58_0_32;
    bytes32 private spacer_59_0_32;
    mapping(bytes32 => address[]) public proofSubmitters;
    bytes32 private spacer_61_0_32;
    IAnchorStateRegistry public anchorStateRegistry;
    IETHLockbox public ethLockbox;

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
    error OptimismPortal_Unproven();
    /// @notice There is no game on this L1 yet that a withdrawal could be proved against.
    error OptimismPortal_NoDisputeGames();

    constructor(uint256 _proofMaturityDelaySeconds) {
        PROOF_MATURITY_DELAY_SECONDS = _proofMaturityDelaySeconds;
        _disableInitializers();
    }

    function initialize(
        IPortalSystemConfig _systemConfig,
        IAnchorStateRegistry _anchorStateRegistry,
        IETHLockbox _ethLockbox
    ) external initializer onlyProxyAdminOrOwner {
        systemConfig = _systemConfig;
        anchorStateRegistry = _anchorStateRegistry;
        ethLockbox = _ethLockbox;
        l2Sender = DEFAULT_L2_SENDER;
        __ResourceMetering_init();
    }

    function version() public pure virtual returns (string memory) {
        return "5.2.0+opal";
    }

    /// @notice Ether that is simply sent here arrives at the same address on L2.
    receive() external payable {
        depositTransaction(msg.sender, msg.value, RECEIVE_DEFAULT_GAS_LIMIT, false, bytes(""));
    }

    /// @notice Takes ether without a deposit, such as the lockbox's.
    function donateETH() external payable {}

    /// @notice Sends a transaction to L2. Ether that comes along is minted there for the sender.
    function depositTransaction(
        address _to,
        uint256 _value,
        uint64 _gasLimit,
        bool _isCreation,
        bytes memory _data
    ) public payable metered(_gasLimit) {
        if (_isCreation && _to != address(0)) revert OptimismPortal_BadTarget();
        if (_gasLimit < minimumGasLimit(uint64(_data.length))) {
            revert OptimismPortal_GasLimitTooLow();
        }
        if (_data.length > MAX_DATA) revert OptimismPortal_CalldataTooLarge();
        if (msg.value > 0 && _hasLockbox()) ethLockbox.lockETH{value: msg.value}();
        bytes memory opaqueData = abi.encodePacked(msg.value, _value, _gasLimit, _isCreation, _data);
        emit TransactionDeposited(_sender(), _to, DEPOSIT_VERSION, opaqueData);
    }

    /// @notice What L2 charges for the data alone (EIP-7623), so that a deposit can always be paid.
    function minimumGasLimit(uint64 _byteCount) public pure returns (uint64) {
        return _byteCount * 40 + 21_000;
    }

    // Withdrawals.

    function proveWithdrawalTransaction(
        Types.WithdrawalTransaction memory,
        uint256,
        Types.OutputRootProof calldata,
        bytes[] calldata
    ) external pure {
        revert OptimismPortal_NoDisputeGames();
    }

    function proveWithdrawalTransaction(
        Types.WithdrawalTransaction memory,
        address,
        uint256,
        SuperRootProof calldata,
        Types.OutputRootProof calldata,
        bytes[] calldata
    ) external pure {
        revert OptimismPortal_NoDisputeGames();
    }

    function finalizeWithdrawalTransaction(Types.WithdrawalTransaction memory) external pure {
        revert OptimismPortal_Unproven();
    }

    function finalizeWithdrawalTransactionExternalProof(Types.WithdrawalTransaction memory, address)
        external
        pure
    {
        revert OptimismPortal_Unproven();
    }

    function checkWithdrawal(bytes32, address) external pure {
        revert OptimismPortal_Unproven();
    }

    function numProofSubmitters(bytes32 _withdrawalHash) external view returns (uint256) {
        return proofSubmitters[_withdrawalHash].length;
    }

    function proofMaturityDelaySeconds() external view returns (uint256) {
        return PROOF_MATURITY_DELAY_SECONDS;
    }

    // What others ask.

    function disputeGameFactory() external view returns (address) {
        return anchorStateRegistry.disputeGameFactory();
    }

    function respectedGameType() external view returns (uint32) {
        return anchorStateRegistry.respectedGameType();
    }

    function superchainConfig() external view returns (address) {
        return systemConfig.superchainConfig();
    }

    function guardian() external view returns (address) {
        return systemConfig.guardian();
    }

    function paused() external view returns (bool) {
        return systemConfig.paused();
    }

    /// @notice A contract's address may belong to somebody else on L2, so it is changed. An account
    ///         that delegates to code (EIP-7702) still is its key's.
    function _sender() internal view returns (address) {
        if (msg.sender == tx.origin || _isDelegated(msg.sender)) return msg.sender;
        return AddressAliasHelper.applyL1ToL2Alias(msg.sender);
    }

    function _isDelegated(address _account) internal view returns (bool) {
        return _account.code.length == 23 && bytes3(_account.code) == 0xef0100;
    }

    function _hasLockbox() internal view returns (bool) {
        return address(ethLockbox) != address(0) && systemConfig.isFeatureEnabled(ETH_LOCKBOX);
    }

    function _resourceConfig() internal view override returns (ResourceConfig memory) {
        return systemConfig.resourceConfig();
    }
}
