// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// A foreign contract, as a trade platform might have one: it holds the price until delivery.
contract Delivery {
    event Delivered(bytes32 indexed consignment, uint256 quantity, string note);
    event Released(address indexed payee, uint256 amount);
    event Noted(string indexed what);

    function deliver(bytes32 consignment, uint256 quantity, string calldata note) external payable {
        emit Delivered(consignment, quantity, note);
        if (msg.value > 0) {
            emit Released(msg.sender, msg.value);
            payable(msg.sender).transfer(msg.value);
        }
    }

    function note(string calldata what) external {
        emit Noted(what);
    }

    function destroy() external {
        selfdestruct(payable(msg.sender));
    }
}
