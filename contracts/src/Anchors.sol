// SPDX-License-Identifier: Apache-2.0
// The contract's bytes, and so its address, belong to one compiler; whoever calls it through the
// interface may have a later one.
// slither-disable-next-line pragma
pragma solidity 0.8.37;

import {IAnchors} from "./IAnchors.sol";

/// @title Logs of batches, one for each address, each folded into one word
/// @notice What it does and promises stands in IAnchors.
/// @dev No constructor arguments, so the address follows from the code alone (CREATE2). No proxy:
/// code that can't change is what makes the log worth trusting, and each call is 5,000 gas cheaper.
contract Anchors is IAnchors {
    /// @inheritdoc IAnchors
    /// @dev Slot 0. Each log reuses its one word, so a log costs a new slot once.
    mapping(address log => bytes32) public head;

    /// @inheritdoc IAnchors
    function anchor(bytes32 prev, bytes32 root, uint64 size) external returns (bytes32 newHead) {
        if (root == 0) revert ZeroRoot();
        if (size == 0) revert ZeroSize();
        bytes32 current = head[msg.sender];
        // The stored head has the block's time hashed into it, which is why this is reported. Nothing
        // here compares times: a proposer who shifts one by seconds moves no decision.
        // slither-disable-next-line timestamp
        if (current != prev) revert StalePrev(current);

        uint256 sizeTime = uint256(size) << 64 | uint64(block.timestamp);
        newHead = keccak256(abi.encodePacked(prev, root, sizeTime));
        head[msg.sender] = newHead;
        emit Anchored(msg.sender, newHead, prev, root, sizeTime);
    }
}
