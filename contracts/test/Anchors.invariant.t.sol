// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Anchors} from "../src/Anchors.sol";
import {IAnchors} from "../src/IAnchors.sol";
import {foldOf, forceEther, revertOf} from "./Anchors.t.sol";
import {Vm, vm} from "./Vm.sol";

/// @dev Calls as several senders, well and badly, at any times, and keeps its own account of every
/// log. Each call's outcome is predicted to the byte, so a wrong one ends the run here.
contract Senders {
    uint256 public constant COUNT = 4;
    bytes32 private constant ANCHORED =
        keccak256("Anchored(address,bytes32,bytes32,bytes32,uint256)");

    /// @dev What an event said, as anyone reads it from a receipt.
    struct Entry {
        address log;
        bytes32 head;
        bytes32 prev;
        bytes32 root;
        uint256 sizeTime;
    }

    Anchors public immutable anchors;
    mapping(address sender => bytes32) public expected;
    /// @dev Every head that a log ever had, the first being zero.
    mapping(address sender => bytes32[]) private past;
    mapping(address sender => mapping(bytes32 head => bool)) private had;
    Entry[] private entries;
    uint256 public accepted;
    uint256 public forced;

    constructor(Anchors anchors_) {
        anchors = anchors_;
        for (uint256 i = 0; i < COUNT; i++) {
            past[senderAt(i)].push(0);
            had[senderAt(i)][0] = true;
        }
    }

    function senderAt(uint256 index) public pure returns (address) {
        address[COUNT] memory senders =
            [address(0x5E4D0), address(0x5E4D1), address(0x5E4D2), address(0x5E4D3)];
        return senders[index % COUNT];
    }

    function entriesCount() external view returns (uint256) {
        return entries.length;
    }

    function entryAt(uint256 index) external view returns (Entry memory) {
        return entries[index];
    }

    /// @dev The contract relies on no order of times, so `time` is free to stand still and to go
    /// back. Zero and repeated values are chosen on purpose: chance would hardly ever bring them.
    function call(
        uint256 index,
        uint256 prevChoice,
        uint256 rootChoice,
        uint256 sizeChoice,
        bytes32 root,
        uint64 size,
        uint64 time
    ) external {
        address sender = senderAt(index);
        bytes32 current = expected[sender];
        bytes32 prev = prevOf(sender, prevChoice);
        if (rootChoice % 8 == 0) root = 0;
        if (rootChoice % 8 == 1) root = prev;
        if (sizeChoice % 8 == 0) size = 0;
        if (sizeChoice % 8 == 1) size = type(uint64).max;
        bytes memory refusal = revertOf(current, prev, root, size);

        vm.warp(time);
        vm.recordLogs();
        vm.prank(sender);
        (bool done, bytes memory returned) =
            address(anchors).call(abi.encodeCall(IAnchors.anchor, (prev, root, size)));
        Vm.Log[] memory logs = vm.getRecordedLogs();

        if (refusal.length != 0) {
            assert(!done && keccak256(returned) == keccak256(refusal));
            assert(logs.length == 0);
            return;
        }
        bytes32 head = foldOf(current, root, size, time);
        assert(done && keccak256(returned) == keccak256(abi.encode(head)));
        // A log never comes back to a head that it had, whatever is anchored and when.
        assert(!had[sender][head]);
        had[sender][head] = true;
        past[sender].push(head);
        expected[sender] = head;
        accepted++;
        for (uint256 i = 0; i < logs.length; i++) {
            record(logs[i]);
        }
    }

    /// @dev Paying callers are refused with nothing returned, whatever they call.
    function pay(uint256 index, bool bare, uint64 amount, bytes32 root, uint64 size) external {
        if (amount == 0) amount = 1;
        address sender = senderAt(index);
        bytes memory data =
            bare ? bytes("") : abi.encodeCall(IAnchors.anchor, (expected[sender], root, size));
        vm.deal(sender, amount);
        vm.prank(sender);
        (bool done, bytes memory returned) = address(anchors).call{value: amount}(data);
        assert(!done && returned.length == 0);
    }

    /// @dev No code can refuse ether that comes by a selfdestruct; it must change nothing.
    function force(uint64 amount) external {
        vm.deal(address(this), amount);
        forceEther(address(anchors), amount);
        forced += amount;
    }

    /// @dev One call in two has the right `prev`; the others have an earlier head of the log, the
    /// head of another log, or a word made up.
    function prevOf(address sender, uint256 choice) private view returns (bytes32) {
        uint256 kind = choice % 8;
        uint256 rest = choice / 8;
        if (kind < 4) return expected[sender];
        if (kind < 6) return past[sender][rest % past[sender].length];
        if (kind < 7) return expected[senderAt(rest)];
        return bytes32(rest);
    }

    function record(Vm.Log memory log) private {
        assert(log.emitter == address(anchors));
        assert(log.topics.length == 3 && log.topics[0] == ANCHORED);
        assert(log.data.length == 96);
        (bytes32 prev, bytes32 root, uint256 sizeTime) =
            abi.decode(log.data, (bytes32, bytes32, uint256));
        address from = address(uint160(uint256(log.topics[1])));
        entries.push(Entry(from, log.topics[2], prev, root, sizeTime));
    }
}

contract AnchorsInvariantTest {
    Senders senders;
    /// @dev What the events read so far make of each log.
    mapping(address log => bytes32) rebuilt;

    function setUp() external {
        senders = new Senders(new Anchors());
    }

    /// @dev Forge calls nothing but what this names.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(senders);
    }

    /// @dev After any sequence of calls, every head is the fold of its own sender's entries; so no
    /// call, accepted or refused, ever changed the head of another.
    function invariant_EveryHeadIsTheFoldOfItsOwnEntries() external view {
        for (uint256 i = 0; i < senders.COUNT(); i++) {
            address sender = senders.senderAt(i);
            assert(senders.anchors().head(sender) == senders.expected(sender));
        }
    }

    function invariant_EveryAcceptedCallLeavesOneEvent() external view {
        assert(senders.entriesCount() == senders.accepted());
    }

    function invariant_NoEtherIsHeldButWhatWasForced() external view {
        assert(address(senders.anchors()).balance == senders.forced());
    }

    /// @dev At the end of each run: the events alone rebuild every head, link by link.
    function afterInvariant() external {
        uint256 count = senders.entriesCount();
        for (uint256 i = 0; i < count; i++) {
            Senders.Entry memory entry = senders.entryAt(i);
            assert(entry.prev == rebuilt[entry.log]);
            assert(entry.sizeTime >> 128 == 0);
            // The words are cut on purpose: what is above 128 bits was seen to be zero.
            // forge-lint: disable-next-item(unsafe-typecast)
            bytes32 head = foldOf(
                entry.prev, entry.root, uint64(entry.sizeTime >> 64), uint64(entry.sizeTime)
            );
            assert(entry.head == head);
            rebuilt[entry.log] = head;
        }
        for (uint256 i = 0; i < senders.COUNT(); i++) {
            address sender = senders.senderAt(i);
            assert(rebuilt[sender] == senders.anchors().head(sender));
        }
    }
}
