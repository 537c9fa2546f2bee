// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {SystemConfig} from "../src/l1/SystemConfig.sol";
import {ProxyAdminOwned} from "../src/l1/ProxyAdminOwned.sol";
import {Vm, World} from "./World.sol";

contract SystemConfigTest is World {
    bytes32 internal constant CONFIG_UPDATE = keccak256("ConfigUpdate(uint256,uint8,bytes)");

    /// One setter, one event: its kind and its data as derivation reads them.
    function check(bytes memory call, uint256 kind, bytes memory data) internal {
        vm.recordLogs();
        vm.prank(OWNER);
        (bool done,) = address(systemConfig).call(call);
        require(done, "the owner is refused");
        Vm.Log memory log = onlyLog(address(systemConfig));
        equal(log.topics.length, 3);
        equal(log.topics[0], CONFIG_UPDATE);
        equal(log.topics[1], bytes32(0));
        equal(uint256(log.topics[2]), kind);
        equal(log.data, abi.encode(data));
        (done,) = address(systemConfig).call(call);
        require(!done, "a stranger may change the chain");
    }

    function test_each_setter_has_its_event() external {
        check(
            abi.encodeWithSignature("setBatcherHash(bytes32)", bytes32(uint256(7))),
            0,
            abi.encode(uint256(7))
        );
        check(abi.encodeWithSignature("setBatcherHash(address)", address(8)), 0, abi.encode(8));
        check(
            abi.encodeCall(systemConfig.setGasConfig, (188, 684_000)), 1, abi.encode(188, 684_000)
        );
        uint256 packed = 1 << 248 | 6 << 32 | 5;
        // The overhead of the update before.
        check(abi.encodeCall(systemConfig.setGasConfigEcotone, (5, 6)), 1, abi.encode(188, packed));
        check(abi.encodeCall(systemConfig.setGasLimit, (30_000_000)), 2, abi.encode(30_000_000));
        check(abi.encodeCall(systemConfig.setUnsafeBlockSigner, (address(9))), 3, abi.encode(9));
        check(abi.encodeCall(systemConfig.setEIP1559Params, (250, 6)), 4, abi.encode(250 << 32 | 6));
        check(
            abi.encodeCall(systemConfig.setOperatorFeeScalars, (3, 4)), 5, abi.encode(3 << 64 | 4)
        );
        check(abi.encodeCall(systemConfig.setMinBaseFee, (11)), 6, abi.encode(11));
        check(abi.encodeCall(systemConfig.setDAFootprintGasScalar, (12)), 7, abi.encode(12));
    }

    function test_getters_answer_what_was_set() external view {
        equal(systemConfig.batcherHash(), bytes32(uint256(uint160(BATCHER))));
        equal(systemConfig.basefeeScalar(), 1368);
        equal(systemConfig.blobbasefeeScalar(), 810_949);
        equal(systemConfig.gasLimit(), 60_000_000);
        equal(systemConfig.unsafeBlockSigner(), SIGNER);
        equal(systemConfig.batchInbox(), INBOX);
        equal(systemConfig.l2ChainId(), 901);
        equal(systemConfig.owner(), OWNER);
        equal(systemConfig.optimismPortal(), address(portal));
        equal(systemConfig.startBlock(), block.number);
        equal(systemConfig.minimumGasLimit(), 21_000_000);
        (address token, uint8 decimals) = systemConfig.gasPayingToken();
        equal(token, 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE);
        equal(decimals, 18);
    }

    function test_nodes_find_the_signer_in_its_slot() external view {
        bytes32 slot = 0x65a7ed542fb37fe237fdfbdd70b31598523fe5b32879e307bae27a0bd9581c08;
        equal(vm.load(address(systemConfig), slot), bytes32(uint256(uint160(SIGNER))));
    }

    function test_gas_limits_have_bounds() external {
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(
                SystemConfig.SystemConfig_GasLimitTooLow.selector, 20_999_999, 21_000_000
            )
        );
        systemConfig.setGasLimit(20_999_999);
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(
                SystemConfig.SystemConfig_GasLimitTooHigh.selector, 500_000_001, 500_000_000
            )
        );
        systemConfig.setGasLimit(500_000_001);
    }

    function test_what_blocks_are_divided_by_is_not_zero() external {
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(SystemConfig.SystemConfig_ZeroEIP1559Param.selector, 0, 6)
        );
        systemConfig.setEIP1559Params(0, 6);
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(SystemConfig.SystemConfig_ZeroEIP1559Param.selector, 250, 0)
        );
        systemConfig.setEIP1559Params(250, 0);
    }

    function test_a_bedrock_scalar_has_no_version() external {
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(SystemConfig.SystemConfig_ScalarTooLarge.selector, 1 << 248)
        );
        systemConfig.setGasConfig(0, 1 << 248);
    }

    function test_features_belong_to_the_owner_of_the_proxy_admin() external {
        vm.expectRevert(
            abi.encodeWithSelector(ProxyAdminOwned.ProxyAdminOwned_NotProxyAdminOrOwner.selector)
        );
        systemConfig.setFeature("ETH_LOCKBOX", true);
        useLockbox();
        require(systemConfig.isFeatureEnabled("ETH_LOCKBOX"), "the feature is off");
        vm.prank(OWNER);
        vm.expectRevert(
            abi.encodeWithSelector(SystemConfig.SystemConfig_InvalidFeatureState.selector)
        );
        systemConfig.setFeature("ETH_LOCKBOX", true);
    }

    function test_it_is_initialised_once() external {
        SystemConfig code = new SystemConfig();
        bytes memory data = systemConfigCall();
        vm.prank(OWNER);
        vm.expectRevert();
        admin.upgradeAndCall(payable(address(systemConfig)), address(code), data);
        (bool done,) = address(code).call(data);
        require(!done, "the implementation can be initialised");
    }

    function test_a_pause_is_passed_on() external {
        require(!systemConfig.paused() && !portal.paused() && !lockbox.paused(), "paused");
        vm.prank(OWNER);
        superchainConfig.pause("test");
        require(systemConfig.paused() && portal.paused() && lockbox.paused(), "not paused");
        equal(portal.guardian(), OWNER);
    }
}
