// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.15;

import {Constants} from "src/libraries/Constants.sol";
import {Storage} from "src/libraries/Storage.sol";

interface IOwned {
    function owner() external view returns (address);
}

/// @title ProxyAdminOwned
/// @notice A contract behind a proxy that knows who may upgrade it: the owner of the proxy's admin.
abstract contract ProxyAdminOwned {
    /// @notice The caller is neither the proxy's admin nor the owner of that admin.
    error ProxyAdminOwned_NotProxyAdminOrOwner();

    modifier onlyProxyAdminOrOwner() {
        if (msg.sender != proxyAdmin() && msg.sender != proxyAdminOwner()) {
            revert ProxyAdminOwned_NotProxyAdminOrOwner();
        }
        _;
    }

    /// @notice The admin of the proxy that this runs behind.
    function proxyAdmin() public view returns (address) {
        return Storage.getAddress(Constants.PROXY_OWNER_ADDRESS);
    }

    /// @notice Who decides about upgrades.
    function proxyAdminOwner() public view returns (address) {
        return IOwned(proxyAdmin()).owner();
    }
}
