"""Faults that the contract could have had, each one edit of `contracts/src/Anchors.sol`.

None is equivalent to the contract: `^` or `+` for the `|` of size and time would be.
"""

from dataclasses import dataclass

STALE = "if (current != prev) revert StalePrev(current);"
ROOT_CHECK = "if (root == 0) revert ZeroRoot();"
SIZE_CHECK = "if (size == 0) revert ZeroSize();"
PACKED = "abi.encodePacked(prev, root, sizeTime)"
TIMED = "uint256(size) << 64 | uint64(block.timestamp)"
STORED = "head[msg.sender] = newHead;"
EVENT = "emit Anchored(msg.sender, newHead, prev, root, sizeTime);"
OPENING = "contract Anchors is IAnchors {"
MAPPING = "mapping(address log => bytes32) public head;"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: `old`, which stands once in the source, becomes `new`."""

    fault: str
    old: str
    new: str
    proof_sees: bool = True  # False for what the symbolic check does not speak of

    def applied(self, source: str) -> str:
        """The source with the fault; ValueError unless `old` stands in it exactly once."""
        if (found := source.count(self.old)) != 1:
            raise ValueError(f"{self.fault}: {self.old!r} stands {found} times in it, wanted once")
        return source.replace(self.old, self.new)


MUTANTS = (
    Mutant("no comparison", STALE, "current;"),
    Mutant("comparison inverted", "current != prev", "current == prev"),
    Mutant("stale names prev", "StalePrev(current)", "StalePrev(prev)"),
    Mutant("stale without its head", "StalePrev(current)", "StalePrev(0)"),
    Mutant(
        "stale only when the log has begun", "current != prev", "current != prev && current != 0"
    ),
    Mutant("no root check", ROOT_CHECK, ""),
    Mutant("no size check", SIZE_CHECK, ""),
    Mutant("zero root named as size", "revert ZeroRoot()", "revert ZeroSize()"),
    Mutant("zero size named as root", "revert ZeroSize()", "revert ZeroRoot()"),
    Mutant("size of one refused", "size == 0", "size <= 1"),
    Mutant("size checked before root", ROOT_CHECK, SIZE_CHECK + ROOT_CHECK),
    Mutant(
        "prev checked first",
        ROOT_CHECK,
        "if (head[msg.sender] != prev) revert StalePrev(head[msg.sender]);" + ROOT_CHECK,
    ),
    Mutant("shift by 63", "<< 64", "<< 63"),
    Mutant("size and time exchanged", TIMED, "uint256(uint64(block.timestamp)) << 64 | size"),
    Mutant("and for or", "64 | uint64", "64 & uint64"),
    Mutant("block number for time", "block.timestamp", "block.number"),
    Mutant("time cut to 32 bits", "uint64(block.timestamp)", "uint32(block.timestamp)"),
    Mutant("prev and root exchanged", PACKED, "abi.encodePacked(root, prev, sizeTime)"),
    Mutant("head without prev", PACKED, "abi.encodePacked(root, sizeTime)"),
    Mutant("head without root", PACKED, "abi.encodePacked(prev, sizeTime)"),
    Mutant("head without time", PACKED, "abi.encodePacked(prev, root, uint256(size) << 64)"),
    Mutant("size packed in 8 bytes", PACKED, "abi.encodePacked(prev, root, size)"),
    Mutant("nothing stored", STORED, ""),
    Mutant("root stored", STORED, "head[msg.sender] = root;"),
    Mutant("stored for the origin", STORED, "head[tx.origin] = newHead;"),
    Mutant(
        "a neighbour cleared", STORED, STORED + " delete head[address(uint160(msg.sender) ^ 1)];"
    ),
    # The compiler hashes a constant key in advance, and halmos takes the hash for a slot outside
    # the mapping; test_symbolic.py counts the writes instead.
    Mutant(
        "a named log cleared", STORED, STORED + " delete head[address(0x5E4D1)];", proof_sees=False
    ),
    Mutant("wrong head returned", EVENT, EVENT + " newHead = prev;"),
    Mutant("no event", EVENT, "", proof_sees=False),
    Mutant("two events", EVENT, EVENT + EVENT, proof_sees=False),
    Mutant("event: origin for log", "Anchored(msg.sender", "Anchored(tx.origin", proof_sees=False),
    Mutant("event: prev for head", "newHead, prev, root", "prev, prev, root", proof_sees=False),
    Mutant("event: prev and root", "newHead, prev, root", "newHead, root, prev", proof_sees=False),
    Mutant("event: size alone", "prev, root, sizeTime);", "prev, root, size);", proof_sees=False),
    Mutant("slot 1", OPENING, OPENING + " uint256 private zero;", proof_sees=False),
    Mutant("takes ether", MAPPING, MAPPING + " receive() external payable {}", proof_sees=False),
    Mutant("answers anything", MAPPING, MAPPING + " fallback() external {}", proof_sees=False),
)
