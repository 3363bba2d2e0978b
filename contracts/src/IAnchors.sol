// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.37;

/// @title Logs of batches, one for each address, each folded into one word
/// @notice Whoever calls `anchor` writes into the log of their own address and into no other.
/// Nobody owns the contract, nothing in it can be changed, and no entry can be revoked, moved or
/// back-dated: the block's time goes into the head. A log's head commits to every entry of the
/// log in order, and lies in a storage slot that can be proved from any node's latest state.
interface IAnchors {
    /// @notice An entry was appended to a log.
    /// @param log The log, which is the address that called.
    /// @param head The log's new head: keccak256(prev ‖ root ‖ sizeTime), 96 bytes hashed.
    /// @param prev The log's head before; zero for the first entry.
    /// @param root The root of the tree that is anchored.
    /// @param sizeTime The tree's size times 2^64 plus the block's time in seconds since 1970.
    event Anchored(
        address indexed log, bytes32 indexed head, bytes32 prev, bytes32 root, uint256 sizeTime
    );

    /// @notice `prev` is not the log's head: the entry was appended already, or another one was.
    /// @param current The log's head.
    error StalePrev(bytes32 current);

    /// @notice A root of zero is what an absent value looks like.
    error ZeroRoot();

    /// @notice A tree without a leaf has nothing to anchor.
    error ZeroSize();

    /// @notice The head of a log; zero when the log has no entry.
    /// @dev Storage slot: keccak256(abi.encode(log, 0)).
    /// @param log The address that writes the log.
    function head(address log) external view returns (bytes32);

    /// @notice Appends an entry to the caller's log, unless the log has moved on since `prev`.
    /// @dev Comparing before writing makes a repeated transaction harmless: it reverts.
    /// Checked in this order: ZeroRoot, ZeroSize, StalePrev.
    /// @param prev The head that the caller believes the log to have; zero for the first entry.
    /// @param root The root of the tree; not zero.
    /// @param size The number of the tree's leaves; not zero.
    /// @return newHead keccak256(prev ‖ root ‖ (size << 64 | block.timestamp)), 96 bytes hashed.
    function anchor(bytes32 prev, bytes32 root, uint64 size) external returns (bytes32 newHead);
}
