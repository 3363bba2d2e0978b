// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

import {Anchors} from "../src/Anchors.sol";
import {IAnchors} from "../src/IAnchors.sol";
import {foldOf} from "./Anchors.t.sol";
import {vm} from "./Vm.sol";

/// @dev The one call of halmos itself that is needed here.
interface Svm {
    function enableSymbolicStorage(address target) external;
}

Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));

/// @dev Proved by halmos for every value of every parameter and every stored head, on the compiled
/// bytes; forge only compiles this. tests/contracts/test_symbolic.py runs it, and shows that a
/// contract with another formula, order or error is refuted.
contract AnchorsSymbolicTest {
    Anchors anchors;

    function setUp() external {
        anchors = new Anchors();
        // Any history whatever: each log has whatever head the solver likes.
        svm.enableSymbolicStorage(address(anchors));
    }

    /// @dev `size` is a whole word here, as calldata has it: one past 64 bits is refused before
    /// the contract's own checks, with nothing returned, and so is ether.
    function check_OutcomeOfEveryCall(
        address log,
        address other,
        bytes32 prev,
        bytes32 root,
        uint256 size,
        uint64 time,
        uint256 ether_
    ) external {
        vm.assume(other != log);
        bytes32 current = anchors.head(log);
        bytes32 untouched = anchors.head(other);

        vm.warp(time);
        vm.deal(log, ether_);
        vm.prank(log);
        (bool accepted, bytes memory returned) = address(anchors).call{value: ether_}(
            abi.encodeWithSelector(IAnchors.anchor.selector, prev, root, size)
        );

        bytes32 head = current;
        if (ether_ != 0 || size > type(uint64).max) {
            assert(!accepted && returned.length == 0);
        } else if (root == 0) {
            assert(!accepted && same(returned, abi.encodeWithSelector(IAnchors.ZeroRoot.selector)));
        } else if (size == 0) {
            assert(!accepted && same(returned, abi.encodeWithSelector(IAnchors.ZeroSize.selector)));
        } else if (prev != current) {
            assert(
                !accepted
                    && same(returned, abi.encodeWithSelector(IAnchors.StalePrev.selector, current))
            );
        } else {
            // The size was seen to fit.
            // forge-lint: disable-next-line(unsafe-typecast)
            head = foldOf(prev, root, uint64(size), time);
            assert(accepted && same(returned, abi.encode(head)));
        }
        assert(anchors.head(log) == head);
        assert(anchors.head(other) == untouched);
    }

    function same(bytes memory a, bytes memory b) private pure returns (bool) {
        return keccak256(a) == keccak256(b);
    }
}
