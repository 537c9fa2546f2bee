// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {ProxyAdminOwned} from "./ProxyAdminOwned.sol";

interface ILockboxSystemConfig {
    function paused() external view returns (bool);
}

interface ILockboxPortal {
    function donateETH() external payable;
    function l2Sender() external view returns (address);
    function proxyAdminOwner() external view returns (address);
}

interface IETHLockbox {
    function authorizedLockboxes(address) external view returns (bool);
    function lockETH() external payable;
    function proxyAdminOwner() external view returns (address);
    function receiveLiquidity() external payable;
    function unlockETH(uint256) external;
}

/// @title ETHLockbox
/// @notice Holds the ether of all chains that may send it to one another, so that a withdrawal can
///         be paid whichever chain the ether was deposited to.
contract ETHLockbox is Initializable, ProxyAdminOwned {
    /// @notice What `l2Sender` of a portal is outside of a withdrawal.
    address internal constant DEFAULT_L2_SENDER = 0x000000000000000000000000000000000000dEaD;

    // The variables below have their places in the official layout.

    address private spacer_0_2_20;
    mapping(address => bool) public authorizedPortals;
    mapping(address => bool) public authorizedLockboxes;
    ILockboxSystemConfig public systemConfig;

    event ETHLocked(address indexed portal, uint256 amount);
    event ETHUnlocked(address indexed portal, uint256 amount);
    event PortalAuthorized(address indexed portal);
    event LockboxAuthorized(address indexed lockbox);
    event LiquidityMigrated(address indexed lockbox, uint256 amount);
    event LiquidityReceived(address indexed lockbox, uint256 amount);

    error ETHLockbox_Unauthorized();
    error ETHLockbox_Paused();
    error ETHLockbox_InsufficientBalance();
    error ETHLockbox_NoWithdrawalTransactions();
    error ETHLockbox_DifferentProxyAdminOwner();

    constructor() {
        _disableInitializers();
    }

    function initialize(ILockboxSystemConfig _systemConfig, address[] calldata _portals)
        external
        initializer
        onlyProxyAdminOrOwner
    {
        systemConfig = _systemConfig;
        for (uint256 i = 0; i < _portals.length; i++) {
            _authorizePortal(_portals[i]);
        }
    }

    function version() public pure virtual returns (string memory) {
        return "1.2.0+opal";
    }

    function paused() public view returns (bool) {
        return systemConfig.paused();
    }

    function authorizePortal(address _portal) external onlyProxyAdminOrOwner {
        _authorizePortal(_portal);
    }

    function authorizeLockbox(address _lockbox) external onlyProxyAdminOrOwner {
        _requireSameOwner(IETHLockbox(_lockbox).proxyAdminOwner());
        authorizedLockboxes[_lockbox] = true;
        emit LockboxAuthorized(_lockbox);
    }

    /// @notice A portal hands over the ether of a deposit.
    function lockETH() external payable {
        _requirePortal();
        emit ETHLocked(msg.sender, msg.value);
    }

    /// @notice A portal takes the ether of a withdrawal, before it runs the withdrawal.
    function unlockETH(uint256 _value) external {
        if (paused()) revert ETHLockbox_Paused();
        _requirePortal();
        if (_value > address(this).balance) revert ETHLockbox_InsufficientBalance();
        if (ILockboxPortal(msg.sender).l2Sender() != DEFAULT_L2_SENDER) {
            revert ETHLockbox_NoWithdrawalTransactions();
        }
        ILockboxPortal(msg.sender).donateETH{value: _value}();
        emit ETHUnlocked(msg.sender, _value);
    }

    /// @notice All ether goes to another lockbox, when its chains join the others.
    function migrateLiquidity(address _lockbox) external onlyProxyAdminOrOwner {
        _requireSameOwner(IETHLockbox(_lockbox).proxyAdminOwner());
        uint256 amount = address(this).balance;
        IETHLockbox(_lockbox).receiveLiquidity{value: amount}();
        emit LiquidityMigrated(_lockbox, amount);
    }

    function receiveLiquidity() external payable {
        if (!authorizedLockboxes[msg.sender]) revert ETHLockbox_Unauthorized();
        emit LiquidityReceived(msg.sender, msg.value);
    }

    function _authorizePortal(address _portal) internal {
        _requireSameOwner(ILockboxPortal(_portal).proxyAdminOwner());
        authorizedPortals[_portal] = true;
        emit PortalAuthorized(_portal);
    }

    function _requirePortal() internal view {
        if (!authorizedPortals[msg.sender]) revert ETHLockbox_Unauthorized();
    }

    function _requireSameOwner(address _owner) internal view {
        if (_owner != proxyAdminOwner()) revert ETHLockbox_DifferentProxyAdminOwner();
    }
}
