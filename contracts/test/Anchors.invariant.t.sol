// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Anchors} from "../src/Anchors.sol";
import {IAnchors} from "../src/IAnchors.sol";
import {foldOf} from "./Anchors.t.sol";
import {vm} from "./Vm.sol";

/// @dev Sends as several senders, at times that only move forward, and keeps its own account of
/// every log.
contract Senders {
    uint256 public constant COUNT = 4;

    Anchors public immutable anchors;
    mapping(address sender => bytes32) public expected;
    uint64 private time = 1_800_000_000;

    constructor(Anchors anchors_) {
        anchors = anchors_;
    }

    function senderAt(uint256 index) public pure returns (address) {
        return address(uint160(0x5E4D0000 + index % COUNT));
    }

    function append(uint256 index, bytes32 root, uint64 size, uint16 wait) external {
        if (root == 0 || size == 0) return;
        address sender = senderAt(index);
        time += wait;
        vm.warp(time);
        bytes32 prev = expected[sender];
        vm.prank(sender);
        anchors.anchor(prev, root, size);
        expected[sender] = foldOf(prev, root, size, time);
    }

    function appendStale(uint256 index, bytes32 prev, bytes32 root, uint64 size) external {
        address sender = senderAt(index);
        if (root == 0 || size == 0 || prev == expected[sender]) return;
        vm.expectRevert(abi.encodeWithSelector(IAnchors.StalePrev.selector, expected[sender]));
        vm.prank(sender);
        anchors.anchor(prev, root, size);
    }
}

contract AnchorsInvariantTest {
    Senders senders;

    function setUp() external {
        senders = new Senders(new Anchors());
    }

    /// @dev Forge calls nothing but what this names.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(senders);
    }

    /// @dev After any sequence of calls, every head is the fold of its own sender's entries.
    function invariant_EveryHeadIsTheFoldOfItsOwnEntries() external view {
        for (uint256 i = 0; i < senders.COUNT(); i++) {
            address sender = senders.senderAt(i);
            assert(senders.anchors().head(sender) == senders.expected(sender));
        }
    }
}
