//! Contracts that stand on the chain itself.
//!
//! **Invariant:** declarations only.

use alloy_sol_types::sol;

sol! {
    /// What L2 knows of L1.
    interface L1Block {
        function number() external view returns (uint64);
        function timestamp() external view returns (uint64);
        function basefee() external view returns (uint256);
        function blobBaseFee() external view returns (uint256);
        function hash() external view returns (bytes32);
        function sequenceNumber() external view returns (uint64);
        function batcherHash() external view returns (bytes32);
        function baseFeeScalar() external view returns (uint32);
        function blobBaseFeeScalar() external view returns (uint32);
    }

    /// What a transaction pays for its place on L1.
    interface GasPriceOracle {
        function setEcotone() external;
        function setFjord() external;
        function isEcotone() external view returns (bool);
        function isFjord() external view returns (bool);
        function getL1Fee(bytes _data) external view returns (uint256);
    }

    /// Records what leaves for L1.
    interface L2ToL1MessagePasser {
        event MessagePassed(
            uint256 indexed nonce,
            address indexed sender,
            address indexed target,
            uint256 value,
            uint256 gasLimit,
            bytes data,
            bytes32 withdrawalHash
        );

        function initiateWithdrawal(address _target, uint256 _gasLimit, bytes _data) external payable;
        function messageNonce() external view returns (uint256);
        function sentMessages(bytes32) external view returns (bool);
    }

    /// Sends messages to L1 and relays those from there.
    interface L2CrossDomainMessenger {
        event RelayedMessage(bytes32 indexed msgHash);
        event FailedRelayedMessage(bytes32 indexed msgHash);

        function initialize(address _l1CrossDomainMessenger) external;
        function sendMessage(address _target, bytes _message, uint32 _minGasLimit) external payable;
        function OTHER_MESSENGER() external view returns (address);
    }

    /// Moves ether and tokens to L1 and back.
    interface L2StandardBridge {
        event ETHBridgeFinalized(
            address indexed from, address indexed to, uint256 amount, bytes extraData
        );

        function initialize(address _otherBridge) external;
        function OTHER_BRIDGE() external view returns (address);
    }

    /// Moves single tokens to L1 and back.
    interface L2ERC721Bridge {
        function initialize(address _l1ERC721Bridge) external;
        function OTHER_BRIDGE() external view returns (address);
    }

    /// Collects one kind of fees.
    interface FeeVault {
        function withdraw() external;
        function RECIPIENT() external view returns (address);
    }
}
