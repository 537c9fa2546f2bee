// SPDX-License-Identifier: MIT
pragma solidity ^0.8.0;

// What the clients' scripts deploy, call, watch and trace. counter.json is made of it:
// solc 0.8.37, optimised with 200 runs, EVM version paris, no metadata.
contract Counter {
    uint256 public count;

    event Counted(address indexed by, uint256 count);

    error TooMuch(uint256 asked, uint256 most);

    constructor(uint256 start) {
        count = start;
    }

    function add(uint256 amount) external returns (uint256) {
        if (amount > 100) revert TooMuch(amount, 100);
        count += amount;
        emit Counted(msg.sender, count);
        return count;
    }
}
