// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Anchors} from "../src/Anchors.sol";
import {IAnchors} from "../src/IAnchors.sol";
import {vm} from "./Vm.sol";

/// @dev The head's formula once more, byte by byte from its definition and in another manner than
/// the contract's, so that a slip in one shows against the other.
function foldOf(bytes32 prev, bytes32 root, uint64 size, uint64 time) pure returns (bytes32) {
    bytes memory word = new bytes(96);
    for (uint256 i = 0; i < 32; i++) {
        word[i] = prev[i];
        word[32 + i] = root[i];
    }
    // The last word is 16 zero bytes, the size in 8 bytes, the time in 8 bytes.
    for (uint256 i = 0; i < 8; i++) {
        word[80 + i] = bytes8(size)[i];
        word[88 + i] = bytes8(time)[i];
    }
    return keccak256(word);
}

/// @dev What a call must revert with, in the order of the checks; empty when it must be accepted.
function revertOf(bytes32 current, bytes32 prev, bytes32 root, uint64 size)
    pure
    returns (bytes memory)
{
    if (root == 0) return abi.encodeWithSelector(IAnchors.ZeroRoot.selector);
    if (size == 0) return abi.encodeWithSelector(IAnchors.ZeroSize.selector);
    if (prev != current) return abi.encodeWithSelector(IAnchors.StalePrev.selector, current);
    return "";
}

/// @dev Sends ether past every check: a contract that consists of PUSH20 target SELFDESTRUCT alone
/// destroys itself in its creation. Written in bytes, since the compiler warns of the word.
function forceEther(address target, uint256 amount) {
    bytes memory code = abi.encodePacked(hex"73", target, hex"ff");
    address made;
    assembly ("memory-safe") {
        made := create(amount, add(code, 32), mload(code))
    }
    assert(made != address(0));
}

contract AnchorsTest {
    bytes32 constant ROOT_A = keccak256("root a");
    bytes32 constant ROOT_B = keccak256("root b");
    bytes32 constant KNOWN_HEAD =
        0x06a92e52faec4e7d86372b8e244635e6cb52d748a37cbea416dcd9834dc47ffd;
    address constant ALICE = address(0xA11CE);
    address constant BOB = address(0xB0B);
    uint64 constant TIME = 1_800_000_000;

    Anchors anchors;

    function setUp() external {
        anchors = new Anchors();
        vm.warp(TIME);
    }

    function test_NewLogHasHeadZero() external view {
        assert(anchors.head(ALICE) == 0);
    }

    function test_FirstAnchorFoldsFromZero() external {
        vm.prank(ALICE);
        bytes32 head = anchors.anchor(0, ROOT_A, 3);
        assert(head == foldOf(0, ROOT_A, 3, TIME));
        assert(anchors.head(ALICE) == head);
    }

    /// @dev The value was computed outside Solidity, by pysha3.
    function test_FoldOfKnownValues() external {
        vm.warp(0x1122334455667788);
        vm.prank(ALICE);
        bytes32 first = anchors.anchor(0, bytes32(uint256(1)), 0x99AABBCCDDEEFF00);
        assert(first == KNOWN_HEAD);
    }

    function test_HeadLiesInTheSlotOfItsLog() external {
        vm.prank(ALICE);
        bytes32 head = anchors.anchor(0, ROOT_A, 1);
        assert(vm.load(address(anchors), keccak256(abi.encode(ALICE, uint256(0)))) == head);
    }

    function test_AnchorEmitsTheEntry() external {
        uint256 sizeTime = 7 * 2 ** 64 + uint256(TIME);
        vm.expectEmit(address(anchors));
        emit IAnchors.Anchored(ALICE, foldOf(0, ROOT_A, 7, TIME), 0, ROOT_A, sizeTime);
        vm.prank(ALICE);
        anchors.anchor(0, ROOT_A, 7);
    }

    function test_RevertWhen_SameAnchorIsSentTwice() external {
        vm.prank(ALICE);
        bytes32 head = anchors.anchor(0, ROOT_A, 1);
        vm.expectRevert(abi.encodeWithSelector(IAnchors.StalePrev.selector, head));
        vm.prank(ALICE);
        anchors.anchor(0, ROOT_A, 1);
        assert(anchors.head(ALICE) == head);
    }

    function test_RevertWhen_PrevIsGivenToAnEmptyLog() external {
        vm.expectRevert(abi.encodeWithSelector(IAnchors.StalePrev.selector, bytes32(0)));
        vm.prank(ALICE);
        anchors.anchor(ROOT_B, ROOT_A, 1);
    }

    function test_RevertWhen_RootIsZero() external {
        vm.expectRevert(IAnchors.ZeroRoot.selector);
        vm.prank(ALICE);
        anchors.anchor(0, 0, 1);
    }

    function test_RevertWhen_SizeIsZero() external {
        vm.expectRevert(IAnchors.ZeroSize.selector);
        vm.prank(ALICE);
        anchors.anchor(0, ROOT_A, 0);
    }

    function test_RevertWhen_RootAndSizeAreZeroNamesTheRoot() external {
        vm.expectRevert(IAnchors.ZeroRoot.selector);
        vm.prank(ALICE);
        anchors.anchor(ROOT_B, 0, 0);
    }

    function test_LogsOfTwoSendersAreApart() external {
        vm.prank(ALICE);
        bytes32 alice = anchors.anchor(0, ROOT_A, 1);
        vm.prank(BOB);
        bytes32 bob = anchors.anchor(0, ROOT_B, 2);
        assert(anchors.head(ALICE) == alice);
        assert(anchors.head(BOB) == bob);
        assert(alice != bob);
    }

    /// @dev The head commits to the time: equal entries in different blocks differ.
    function test_EqualEntriesAtTwoTimesHaveTwoHeads() external {
        vm.prank(ALICE);
        bytes32 alice = anchors.anchor(0, ROOT_A, 1);
        vm.warp(TIME + 1);
        vm.prank(BOB);
        assert(anchors.anchor(0, ROOT_A, 1) != alice);
    }

    function testFuzz_ChainOfTwoFolds(
        address sender,
        bytes32 rootA,
        bytes32 rootB,
        uint64 sizeA,
        uint64 sizeB,
        uint64 timeA,
        uint64 timeB
    ) external {
        vm.assume(rootA != 0 && rootB != 0 && sizeA != 0 && sizeB != 0);
        vm.warp(timeA);
        vm.prank(sender);
        bytes32 a = anchors.anchor(0, rootA, sizeA);
        assert(a == foldOf(0, rootA, sizeA, timeA));
        vm.warp(timeB);
        vm.prank(sender);
        bytes32 b = anchors.anchor(a, rootB, sizeB);
        assert(b == foldOf(a, rootB, sizeB, timeB));
        assert(anchors.head(sender) == b);
    }

    /// @dev For any call whatever, the outcome is the one predicted here, to the byte. Zeros are
    /// chosen, since chance would hardly ever bring them.
    function testFuzz_OutcomeIsPredicted(
        bool started,
        bool stale,
        bool rootIsZero,
        bool sizeIsZero,
        bytes32 wrong,
        bytes32 root,
        uint64 size
    ) external {
        if (rootIsZero) root = 0;
        if (sizeIsZero) size = 0;
        bytes32 current;
        if (started) {
            vm.prank(ALICE);
            current = anchors.anchor(0, ROOT_A, 1);
        }
        bytes32 prev = stale ? wrong : current;

        bytes memory revertData = revertOf(current, prev, root, size);
        if (revertData.length != 0) vm.expectRevert(revertData);
        vm.prank(ALICE);
        anchors.anchor(prev, root, size);
        assert(
            anchors.head(ALICE)
                == (revertData.length != 0 ? current : foldOf(current, root, size, TIME))
        );
    }

    function testFuzz_NobodyElseCanWrite(address other, bytes32 prev, bytes32 root, uint64 size)
        external
    {
        vm.assume(other != ALICE);
        vm.prank(ALICE);
        bytes32 head = anchors.anchor(0, ROOT_A, 1);
        // The other's log is empty, so what they may give is zero or, as an attack, Alice's head.
        bytes32[3] memory prevs = [bytes32(0), head, prev];
        for (uint256 i = 0; i < prevs.length; i++) {
            bytes32 current = anchors.head(other);
            bytes memory revertData = revertOf(current, prevs[i], root, size);
            vm.prank(other);
            (bool ok, bytes memory returned) =
                address(anchors).call(abi.encodeCall(IAnchors.anchor, (prevs[i], root, size)));
            assert(ok == (revertData.length == 0));
            assert(ok || keccak256(returned) == keccak256(revertData));
            assert(anchors.head(ALICE) == head);
        }
    }

    /// @dev There is nothing else to call: neither a fallback nor a function that nobody named.
    function testFuzz_UnknownCallsRevertWithNothing(bytes4 selector, bytes calldata data) external {
        vm.assume(selector != IAnchors.anchor.selector && selector != IAnchors.head.selector);
        refuses(bytes.concat(selector, data), 0);
        // Less than a selector, down to nothing at all.
        refuses(data[:data.length % 4], 0);
    }

    /// @dev Calldata holds whole words: a size past 64 bits is refused, not cut to fit.
    function testFuzz_SizePast64BitsRevertsWithNothing(bytes32 root, uint256 size) external {
        if (size <= type(uint64).max) size += 2 ** 64;
        refuses(abi.encodeWithSelector(IAnchors.anchor.selector, bytes32(0), root, size), 0);
    }

    /// @dev No way in leaves ether behind: not the two functions, not a bare transfer.
    function testFuzz_EtherIsRefusedWithNothing(uint64 amount) external {
        if (amount == 0) amount = 1;
        refuses(abi.encodeCall(IAnchors.anchor, (bytes32(0), ROOT_A, 1)), amount);
        refuses(abi.encodeCall(IAnchors.head, (ALICE)), amount);
        refuses("", amount);
    }

    function testFuzz_ForcedEtherChangesNothing(uint64 amount) external {
        vm.prank(ALICE);
        bytes32 head = anchors.anchor(0, ROOT_A, 1);
        vm.deal(address(this), amount);
        forceEther(address(anchors), amount);
        assert(address(anchors).balance == amount);
        assert(anchors.head(ALICE) == head);
        vm.prank(ALICE);
        assert(anchors.anchor(head, ROOT_B, 2) == foldOf(head, ROOT_B, 2, TIME));
        assert(address(anchors).balance == amount);
    }

    function refuses(bytes memory data, uint256 amount) private {
        vm.deal(ALICE, amount);
        vm.prank(ALICE);
        (bool ok, bytes memory returned) = address(anchors).call{value: amount}(data);
        assert(!ok && returned.length == 0);
        assert(anchors.head(ALICE) == 0);
        assert(address(anchors).balance == 0);
    }

    /// @dev Gas of whole transactions. The warm one is what a batch costs; its bar is 31,000.
    function test_GasSnapshot() external {
        // All bytes non-zero, which is what random roots mostly are and what costs most.
        bytes32 root = bytes32(type(uint256).max / 3);
        vm.prank(ALICE);
        bytes32 head = anchors.anchor(0, root, 1);
        vm.snapshotGasLastCall("Anchors", "anchor, first of a log");
        vm.warp(TIME + 600);
        vm.prank(ALICE);
        anchors.anchor(head, root, type(uint64).max);
        assert(vm.snapshotGasLastCall("Anchors", "anchor, any later") <= 31_000);
    }
}
