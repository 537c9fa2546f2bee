// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {Proxy} from "src/universal/Proxy.sol";
import {ProxyAdmin} from "src/universal/ProxyAdmin.sol";
import {SuperchainConfig} from "src/L1/SuperchainConfig.sol";
import {ResourceMetering} from "src/L1/ResourceMetering.sol";
import {ETHLockbox, ILockboxSystemConfig} from "../src/l1/ETHLockbox.sol";
import {
    IAnchorStateRegistry,
    IPortalSystemConfig,
    OptimismPortal
} from "../src/l1/OptimismPortal.sol";
import {IETHLockbox} from "../src/l1/ETHLockbox.sol";
import {ISuperchainConfig, SystemConfig} from "../src/l1/SystemConfig.sol";

/// @notice What the test runner can do.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function deal(address account, uint256 balance) external;
    function etch(address account, bytes calldata code) external;
    function expectRevert(bytes calldata data) external;
    function expectRevert() external;
    function getRecordedLogs() external returns (Log[] memory);
    function load(address account, bytes32 slot) external view returns (bytes32);
    function prank(address sender) external;
    function prank(address sender, address origin) external;
    function recordLogs() external;
    function roll(uint256 number) external;
}

/// @title World
/// @notice One chain's contracts as they stand on L1, and a shared lockbox.
abstract contract World {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant OWNER = address(0xA11CE);
    address internal constant BATCHER = address(0xBA7C);
    address internal constant SIGNER = address(0x516);
    address internal constant INBOX = address(0xFF);

    ProxyAdmin internal admin;
    SuperchainConfig internal superchainConfig;
    SystemConfig internal systemConfig;
    OptimismPortal internal portal;
    ETHLockbox internal lockbox;

    function setUp() public virtual {
        admin = new ProxyAdmin(OWNER);
        superchainConfig = SuperchainConfig(proxy());
        systemConfig = SystemConfig(proxy());
        portal = OptimismPortal(payable(proxy()));
        lockbox = ETHLockbox(proxy());
        upgrade(
            address(superchainConfig),
            address(new SuperchainConfig()),
            abi.encodeCall(SuperchainConfig.initialize, (OWNER, false))
        );
        upgrade(address(systemConfig), address(new SystemConfig()), systemConfigCall());
        upgrade(address(portal), address(new OptimismPortal(604_800)), portalCall());
        address[] memory portals = new address[](1);
        portals[0] = address(portal);
        upgrade(
            address(lockbox),
            address(new ETHLockbox()),
            abi.encodeCall(
                ETHLockbox.initialize, (ILockboxSystemConfig(address(systemConfig)), portals)
            )
        );
    }

    function proxy() internal returns (address) {
        return address(new Proxy(address(admin)));
    }

    function upgrade(address at, address code, bytes memory data) internal {
        vm.prank(OWNER);
        admin.upgradeAndCall(payable(at), code, data);
    }

    function portalCall() internal view returns (bytes memory) {
        return abi.encodeCall(
            OptimismPortal.initialize,
            (
                IPortalSystemConfig(address(systemConfig)),
                IAnchorStateRegistry(address(0)),
                IETHLockbox(address(lockbox))
            )
        );
    }

    function systemConfigCall() internal view returns (bytes memory) {
        SystemConfig.Addresses memory addresses;
        addresses.optimismPortal = address(portal);
        return abi.encodeCall(
            SystemConfig.initialize,
            (
                OWNER,
                1368,
                810_949,
                bytes32(uint256(uint160(BATCHER))),
                60_000_000,
                SIGNER,
                resourceConfig(),
                INBOX,
                addresses,
                901,
                ISuperchainConfig(address(superchainConfig))
            )
        );
    }

    function resourceConfig() internal pure returns (ResourceMetering.ResourceConfig memory) {
        return ResourceMetering.ResourceConfig({
            maxResourceLimit: 20_000_000,
            elasticityMultiplier: 10,
            baseFeeMaxChangeDenominator: 8,
            minimumBaseFee: 1 gwei,
            systemTxMaxGas: 1_000_000,
            maximumBaseFee: type(uint128).max
        });
    }

    function useLockbox() internal {
        vm.prank(OWNER);
        systemConfig.setFeature("ETH_LOCKBOX", true);
    }

    /// @notice The only log since `vm.recordLogs` of this contract.
    function onlyLog(address emitter) internal returns (Vm.Log memory found) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        uint256 count;
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].emitter != emitter) continue;
            found = logs[i];
            count++;
        }
        equal(count, 1);
    }

    function equal(uint256 left, uint256 right) internal pure {
        require(left == right, "numbers differ");
    }

    function equal(address left, address right) internal pure {
        require(left == right, "addresses differ");
    }

    function equal(bytes32 left, bytes32 right) internal pure {
        require(left == right, "words differ");
    }

    function equal(bytes memory left, bytes memory right) internal pure {
        require(keccak256(left) == keccak256(right), "bytes differ");
    }
}
