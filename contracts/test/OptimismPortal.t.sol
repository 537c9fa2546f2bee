// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {ResourceMetering} from "src/L1/ResourceMetering.sol";
import {Types} from "src/libraries/Types.sol";
import {ETHLockbox} from "../src/l1/ETHLockbox.sol";
import {OptimismPortal} from "../src/l1/OptimismPortal.sol";
import {Vm, World} from "./World.sol";

contract OptimismPortalTest is World {
    address internal constant USER = address(0x05E12);
    address internal constant TARGET = address(0x7A26E7);
    bytes32 internal constant DEPOSITED =
        keccak256("TransactionDeposited(address,address,uint256,bytes)");

    function word(address account) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(account)));
    }

    /// One deposit: who it comes from on L2, and its content.
    function check(address sender, address origin, address from) internal {
        vm.deal(sender, 3 ether);
        vm.recordLogs();
        vm.prank(sender, origin);
        portal.depositTransaction{value: 2 ether}(TARGET, 1 ether, 100_000, false, hex"c0ffee");
        Vm.Log memory log = onlyLog(address(portal));
        equal(log.topics.length, 4);
        equal(log.topics[0], DEPOSITED);
        equal(log.topics[1], word(from));
        equal(log.topics[2], word(TARGET));
        equal(log.topics[3], bytes32(0));
        bytes memory content = abi.encodePacked(
            uint256(2 ether), uint256(1 ether), uint64(100_000), false, hex"c0ffee"
        );
        equal(log.data, abi.encode(content));
    }

    function test_a_key_keeps_its_address() external {
        check(USER, USER, USER);
        equal(address(portal).balance, 2 ether);
    }

    function test_a_contract_is_given_another_address() external {
        vm.etch(USER, hex"00");
        check(
            USER,
            OWNER,
            address(uint160(USER) + uint160(0x1111000000000000000000000000000000001111))
        );
    }

    function test_a_delegated_account_keeps_its_address() external {
        vm.etch(USER, abi.encodePacked(hex"ef0100", TARGET));
        check(USER, OWNER, USER);
        check(USER, USER, USER);
    }

    function test_ether_that_is_sent_arrives_at_its_sender() external {
        vm.deal(USER, 1 ether);
        vm.recordLogs();
        vm.prank(USER, USER);
        (bool done,) = address(portal).call{value: 1 ether}("");
        require(done, "the portal refuses ether");
        Vm.Log memory log = onlyLog(address(portal));
        equal(log.topics[2], word(USER));
        bytes memory content =
            abi.encodePacked(uint256(1 ether), uint256(1 ether), uint64(100_000), false);
        equal(log.data, abi.encode(content));
    }

    function test_the_lockbox_takes_the_ether() external {
        useLockbox();
        check(USER, USER, USER);
        equal(address(portal).balance, 0);
        equal(address(lockbox).balance, 2 ether);
    }

    function test_a_creation_has_no_target() external {
        portal.depositTransaction(address(0), 0, 100_000, true, hex"00");
        vm.expectRevert(abi.encodeWithSelector(OptimismPortal.OptimismPortal_BadTarget.selector));
        portal.depositTransaction(TARGET, 0, 100_000, true, hex"00");
    }

    function test_gas_pays_at_least_for_the_data() external {
        equal(portal.minimumGasLimit(3), 21_120);
        portal.depositTransaction(TARGET, 0, 21_120, false, hex"c0ffee");
        vm.expectRevert(
            abi.encodeWithSelector(OptimismPortal.OptimismPortal_GasLimitTooLow.selector)
        );
        portal.depositTransaction(TARGET, 0, 21_119, false, hex"c0ffee");
    }

    function test_data_has_a_bound() external {
        portal.depositTransaction(TARGET, 0, 5_000_000, false, new bytes(120_000));
        vm.expectRevert(
            abi.encodeWithSelector(OptimismPortal.OptimismPortal_CalldataTooLarge.selector)
        );
        portal.depositTransaction(TARGET, 0, 5_000_000, false, new bytes(120_001));
    }

    function test_one_block_has_room_for_twenty_million_gas() external {
        portal.depositTransaction(TARGET, 0, 19_000_000, false, "");
        vm.expectRevert(abi.encodeWithSelector(ResourceMetering.OutOfGas.selector));
        portal.depositTransaction(TARGET, 0, 1_000_001, false, "");
        (, uint64 bought,) = portal.params();
        equal(bought, 19_000_000);
        vm.roll(block.number + 1);
        portal.depositTransaction(TARGET, 0, 1_000_001, false, "");
        (uint128 price, uint64 boughtNext,) = portal.params();
        equal(boughtNext, 1_000_001);
        // 1 gwei * (1 + (19 - 2) / 2 / 8)
        equal(price, 2_062_500_000);
    }

    function test_the_price_falls_in_empty_blocks() external {
        portal.depositTransaction(TARGET, 0, 20_000_000, false, "");
        vm.roll(block.number + 1);
        portal.depositTransaction(TARGET, 0, 20_000_000, false, "");
        vm.roll(block.number + 4);
        portal.depositTransaction(TARGET, 0, 21_000, false, "");
        (uint128 price,,) = portal.params();
        // 2.125^2 gwei * (7 / 8)^3, rounded down.
        equal(price, 3_025_115_966);
    }

    function test_withdrawals_wait_for_games() external {
        Types.WithdrawalTransaction memory withdrawal;
        Types.OutputRootProof memory output;
        vm.expectRevert(
            abi.encodeWithSelector(OptimismPortal.OptimismPortal_NoDisputeGames.selector)
        );
        portal.proveWithdrawalTransaction(withdrawal, 0, output, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(OptimismPortal.OptimismPortal_Unproven.selector));
        portal.finalizeWithdrawalTransaction(withdrawal);
    }
}

contract ETHLockboxTest is World {
    function test_only_portals_come_in() external {
        vm.deal(address(portal), 1 ether);
        vm.deal(address(lockbox), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(ETHLockbox.ETHLockbox_Unauthorized.selector));
        lockbox.lockETH();
        vm.expectRevert(abi.encodeWithSelector(ETHLockbox.ETHLockbox_Unauthorized.selector));
        lockbox.unlockETH(1);
        vm.prank(address(portal));
        lockbox.unlockETH(1 ether);
        equal(address(portal).balance, 2 ether);
        vm.prank(address(portal));
        vm.expectRevert(abi.encodeWithSelector(ETHLockbox.ETHLockbox_InsufficientBalance.selector));
        lockbox.unlockETH(1);
    }

    function test_nothing_goes_out_during_a_pause() external {
        vm.deal(address(lockbox), 1 ether);
        vm.prank(OWNER);
        superchainConfig.pause("test");
        vm.prank(address(portal));
        vm.expectRevert(abi.encodeWithSelector(ETHLockbox.ETHLockbox_Paused.selector));
        lockbox.unlockETH(1);
    }

    function test_ether_moves_to_a_lockbox_that_knows_this_one() external {
        vm.deal(address(lockbox), 1 ether);
        ETHLockbox next = ETHLockbox(proxy());
        upgrade(
            address(next),
            address(new ETHLockbox()),
            abi.encodeCall(ETHLockbox.initialize, (lockbox.systemConfig(), new address[](0)))
        );
        vm.prank(OWNER);
        vm.expectRevert();
        lockbox.migrateLiquidity(address(next));
        vm.prank(OWNER);
        next.authorizeLockbox(address(lockbox));
        vm.prank(OWNER);
        lockbox.migrateLiquidity(address(next));
        equal(address(next).balance, 1 ether);
    }
}
