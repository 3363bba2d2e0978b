"""Owns fork proofs: two statements of one log that can't both be true (docs/spec/format.md §14).

`check` says that a file proves a fork by the holders of the keys in it, or by an account under the
block hash that it leads to. Whose they are is for the reader to say. What a log did not sign or
anchor twice, no file can prove: tests/hostile/test_forks.py tries, over honest logs; the form is
proved by tests/unit/format/test_fork.py.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from verifier.format import (
    batches,
    evm,
    jsonc,
    key_sets,
    matter_map,
    notes,
    tlogproof,
    trees,
)
from verifier.format.digests import Digest, shown
from verifier.format.errors import FormatError
from verifier.format.evm_document import AsOf, read_as_of, write_as_of
from verifier.format.fold import Fold, open_links, read_fold, write_fold
from verifier.format.heads import Head, parse_head
from verifier.format.jsonc import Json
from verifier.format.key_sets import KeySet
from verifier.format.members import Members
from verifier.format.notes import Checkpoint, Note
from verifier.format.statement import Log, read_log, write_log

FORMAT = "notary-fork/1"
MAX_KEY_SETS = 8  # two checkpoints have two signers; a few more do no harm, thousands would


class Checkpoints(NamedTuple):
    """Two signed checkpoints of one size."""

    first: str
    second: str


class SignedHeader(NamedTuple):
    """A batch header and its tlog-proof, as text."""

    header: str
    proof: str


class Headers(NamedTuple):
    """Two headers at one index of the batch log."""

    first: SignedHeader
    second: SignedHeader


class Tree(NamedTuple):
    """Two signed checkpoints, and the leaf hashes under the second, whose prefix the first is not."""

    first: str
    second: str
    leaves: tuple[Digest, ...]


class SignedHead(NamedTuple):
    """A batch header, its tlog-proof and a map proof under it, as text."""

    header: str
    proof: str
    map: str


class Heads(NamedTuple):
    """Two heads of one matter in two batches; `leaves` are hashes of the second's records."""

    first: SignedHead
    second: SignedHead
    matter: Digest
    leaves: tuple[Digest, ...]


class Links(NamedTuple):
    """The anchors of one account as the contract's state in one block holds them."""

    fold: Fold
    as_of: AsOf


Told = Checkpoints | Headers | Tree | Heads | Links

KINDS: dict[type[Told], str] = {
    Checkpoints: "checkpoints",
    Headers: "headers",
    Tree: "tree",
    Heads: "heads",
    Links: "links",
}


class Fork(NamedTuple):
    """A fork proof, unchecked. `keys` are texts of key sets."""

    log: Log
    keys: tuple[str, ...]
    told: Told

    @property
    def kind(self) -> str:
        """The word for its kind."""
        return KINDS[type(self.told)]


class ProvedFork(NamedTuple):
    """A fork that the holders of `key_sets` signed in `notes`, or that the state of `block` shows.

    `sentence` says what can't both be true. Of kind `links` there are no notes, of any other no block.
    """

    fork: Fork
    sentence: str
    notes: tuple[Note, ...]
    key_sets: tuple[KeySet, ...]
    block: evm.Header | None


# ---------------------------------------------------------------------- the file


def parse(data: bytes) -> Fork:
    """Read a fork proof; nothing of it is checked but its form.

    Raises FormatError JSON_…, MEMBER_…, LOG_NAME, LINK_RANGE, FORK_KIND or FORK_KEYS.
    """
    members = Members(jsonc.decode(data, "fork proof"), "fork proof")
    members.literal("format", FORMAT)
    log = read_log(members.object("log"))
    keys = tuple(members.texts("keys", MAX_KEY_SETS))
    _check_order(keys)
    kind = members.text("kind")
    read = _READERS.get(kind)
    if read is None:
        raise FormatError("FORK_KIND", f"want {', '.join(_READERS)}, got {shown(kind)}")
    told = read(members)
    members.done()
    return Fork(log, keys, told)


def _check_order(keys: Sequence[str]) -> None:
    raw = [jsonc.as_bytes(text) for text in keys]
    if any(not before < after for before, after in pairwise(raw)):
        raise FormatError("FORK_KEYS", "key sets ascend, and none stands twice")


def _leaves(members: Members) -> tuple[Digest, ...]:
    # The size of a document bounds them.
    return members.hashes("leaves", jsonc.MAX_INTEGER)


def _signed_header(members: Members) -> SignedHeader:
    found = SignedHeader(members.text("header"), members.text("proof"))
    members.done()
    return found


def _signed_head(members: Members) -> SignedHead:
    found = SignedHead(members.text("header"), members.text("proof"), members.text("map"))
    members.done()
    return found


def _read_links(members: Members) -> Links:
    chain = members.object("chain")
    links = Links(read_fold(chain.object("fold")), read_as_of(chain.object("as_of")))
    chain.done()
    return links


_READERS: dict[str, Callable[[Members], Told]] = {
    "checkpoints": lambda m: Checkpoints(m.text("first"), m.text("second")),
    "headers": lambda m: Headers(
        _signed_header(m.object("first")), _signed_header(m.object("second"))
    ),
    "tree": lambda m: Tree(m.text("first"), m.text("second"), _leaves(m)),
    "heads": lambda m: Heads(
        _signed_head(m.object("first")),
        _signed_head(m.object("second")),
        m.hex32("matter"),
        _leaves(m),
    ),
    "links": _read_links,
}


def encode(fork: Fork) -> bytes:
    """Write a fork proof. Raises FormatError FORK_KEYS, LOG_NAME or JSON_…."""
    _check_order(fork.keys)
    return jsonc.encode(
        {
            "format": FORMAT,
            "log": write_log(fork.log),
            "keys": list(fork.keys),
            "kind": fork.kind,
            **_write(fork.told),
        }
    )


def _write(told: Told) -> dict[str, Json]:
    if isinstance(told, Links):
        return {"chain": {"fold": write_fold(told.fold), "as_of": write_as_of(told.as_of)}}
    if isinstance(told, Checkpoints):
        return {"first": told.first, "second": told.second}
    if isinstance(told, Headers):
        return {"first": dict(told.first._asdict()), "second": dict(told.second._asdict())}
    leaves: list[Json] = [leaf.hex() for leaf in told.leaves]
    if isinstance(told, Tree):
        return {"first": told.first, "second": told.second, "leaves": leaves}
    return {
        "first": dict(told.first._asdict()),
        "second": dict(told.second._asdict()),
        "matter": told.matter.hex(),
        "leaves": leaves,
    }


# ---------------------------------------------------------------------- what it proves


def check(fork: Fork) -> ProvedFork:
    """Check that the two statements can't both be true, and that they are signed or anchored.

    Raises FormatError FORK_SIZES, FORK_SAME, FORK_INDEX, FORK_LEAVES, FORK_HEADER, FORK_ORDER,
    FORK_FOLD or FORK_NONE where nothing is contradicted; FORK_ORIGIN, FORK_NOT_SIGNED,
    FORK_KEYS or KEY_TYPE_UNKNOWN for the signers; and what the proofs in it raise. Signatures
    are looked at last: an unknown type of key is only asked about where there is a fork.
    """
    told = fork.told
    if isinstance(told, Links):
        return _check_links(fork, told)
    if isinstance(told, Checkpoints):
        signed, sentence = _check_checkpoints(told)
    elif isinstance(told, Headers):
        signed, sentence = _check_headers(told)
    elif isinstance(told, Tree):
        signed, sentence = _check_tree(told)
    else:
        signed, sentence = _check_heads(fork.log, told)
    return ProvedFork(fork, sentence, signed, _signers(fork, signed), None)


def _checkpoint(text: str) -> tuple[Note, Checkpoint]:
    note = notes.parse_note(text)
    return note, notes.parse_checkpoint_text(note.text)


def _check_checkpoints(told: Checkpoints) -> tuple[tuple[Note, ...], str]:
    (first_note, first), (second_note, second) = _checkpoint(told.first), _checkpoint(told.second)
    if first.size != second.size:
        raise FormatError("FORK_SIZES", f"the sizes are {first.size} and {second.size}, want one")
    if first.root == second.root:
        raise FormatError("FORK_SAME", f"both checkpoints have root {first.root.hex()}")
    return (first_note, second_note), f"two roots of the batch log at size {first.size} are signed"


def _included(one: SignedHeader | SignedHead) -> tlogproof.TlogProof:
    proof = tlogproof.parse(jsonc.as_bytes(one.proof))
    checkpoint = proof.checkpoint
    hash_ = trees.leaf_hash(jsonc.as_bytes(one.header))
    trees.check_inclusion(hash_, proof.index, checkpoint.size, proof.path, checkpoint.root)
    return proof


def _check_headers(told: Headers) -> tuple[tuple[Note, ...], str]:
    first, second = _included(told.first), _included(told.second)
    if first.index != second.index:
        raise FormatError(
            "FORK_INDEX", f"the headers are at {first.index} and {second.index}, want one index"
        )
    if told.first.header == told.second.header:
        raise FormatError("FORK_SAME", f"both headers of batch {first.index} are one")
    return (first.note, second.note), f"two headers of batch {first.index} are signed"


def _check_prefix(
    first: Checkpoint | Head, second: Checkpoint | Head, leaves: Sequence[Digest], what: str
) -> None:
    """The leaves give the second root, and their beginning does not give the first."""
    # By their number as well: inner nodes in the place of leaves give the same root.
    if len(leaves) != second.size or trees.root(leaves) != second.root:
        raise FormatError("FORK_LEAVES", f"the leaves are not those of the second {what}")
    if first.size > second.size:
        raise FormatError("FORK_SIZES", f"{first.size} leaves are no beginning of {second.size}")
    if trees.root(leaves[: first.size]) == first.root:
        raise FormatError("FORK_NONE", f"the first {what} is a beginning of the second")


def _check_tree(told: Tree) -> tuple[tuple[Note, ...], str]:
    (first_note, first), (second_note, second) = _checkpoint(told.first), _checkpoint(told.second)
    _check_prefix(first, second, told.leaves, "checkpoint")
    return (first_note, second_note), (
        f"the batch log of size {first.size} is no beginning of that of size {second.size}"
    )


def _answer(log: Log, matter: Digest, one: SignedHead) -> tuple[tlogproof.TlogProof, Head | None]:
    """The batch's proof, and the matter's head in its map, None where it is absent."""
    proof = _included(one)
    header = batches.parse_header(jsonc.as_bytes(one.header))
    if (header.log, header.batch) != (log.name, proof.index):
        raise FormatError(
            "FORK_HEADER",
            f"the header at index {proof.index} names batch {header.batch} of {header.log}",
        )
    found = matter_map.parse(jsonc.as_bytes(one.map))
    if found.batch != proof.index:
        raise FormatError(
            "FORK_HEADER", f"the map proof at index {proof.index} names batch {found.batch}"
        )
    answer = matter_map.check(found, matter, header.map_root)
    return proof, None if answer.head is None else parse_head(answer.head, log.name, matter)


def _check_heads(log: Log, told: Heads) -> tuple[tuple[Note, ...], str]:
    proof1, first = _answer(log, told.matter, told.first)
    proof2, second = _answer(log, told.matter, told.second)
    if not proof1.index < proof2.index:
        raise FormatError("FORK_ORDER", f"batch {proof1.index} is not before batch {proof2.index}")
    if first is None:
        raise FormatError("FORK_NONE", f"batch {proof1.index} does not hold the matter yet")
    if second is None:
        sentence = f"batch {proof1.index} holds the matter, batch {proof2.index} does not"
    elif second.size < first.size:
        sentence = (
            f"the matter has {first.size} records in batch {proof1.index} and "
            f"{second.size} in batch {proof2.index}"
        )
    elif second.size == first.size and second.root != first.root:
        sentence = f"the {first.size} records of batch {proof1.index} are others in {proof2.index}"
    else:
        _check_prefix(first, second, told.leaves, "head")
        return (proof1.note, proof2.note), (
            f"the {first.size} records of batch {proof1.index} are not the first of the "
            f"{second.size} of batch {proof2.index}"
        )
    if told.leaves:
        raise FormatError("FORK_LEAVES", f"no leaves are needed, got {len(told.leaves)}")
    return (proof1.note, proof2.note), sentence


def _check_links(fork: Fork, told: Links) -> ProvedFork:
    if fork.keys:
        raise FormatError("FORK_KEYS", f"anchors are signed by no key set, got {len(fork.keys)}")
    log = fork.log
    block = evm.parse_header(told.as_of.header)
    account = evm.check_account(block.state_root, log.contract, told.as_of.account_proof)
    evm.check_code_hash(account)
    slot = evm.check_slot(account.storage_root, log.log_address, told.as_of.storage_proof)
    head = [told.fold.prev, *open_links(*told.fold)][-1]
    if head != slot:
        raise FormatError(
            "FORK_FOLD", f"the links lead to {head.hex()}, the slot holds {slot.hex()}"
        )
    links = told.fold.links
    for i, (before, after) in enumerate(pairwise(links)):
        if after.size < before.size:
            sentence = f"link {i} has size {before.size}, link {i + 1} has {after.size}"
            return ProvedFork(fork, sentence, (), (), block)
        if after.size == before.size and after.root != before.root:
            sentence = f"links {i} and {i + 1} have size {after.size} and two roots"
            return ProvedFork(fork, sentence, (), (), block)
    raise FormatError("FORK_NONE", "sizes never decrease, and one size has one root")


def signed_notes(told: Told) -> tuple[Note, ...]:
    """The signed checkpoints of both statements; of anchors there are none.

    Raises FormatError as reading a note or a tlog-proof does.
    """
    if isinstance(told, Links):
        return ()
    if isinstance(told, Checkpoints | Tree):
        return notes.parse_note(told.first), notes.parse_note(told.second)
    return tuple(
        [tlogproof.parse(jsonc.as_bytes(one.proof)).note for one in (told.first, told.second)]
    )


def _signers(fork: Fork, signed: Sequence[Note]) -> tuple[KeySet, ...]:
    """The key sets, each of which signed one of the notes at least."""
    sets = [key_sets.parse(jsonc.as_bytes(text)) for text in fork.keys]
    for one in sets:
        if one.log != fork.log.name:
            raise FormatError("FORK_KEYS", f"a key set is of {one.log}, want {fork.log.name}")
    used: set[int] = set()
    for which, note in zip(("first", "second"), signed, strict=True):
        origin = notes.parse_checkpoint_text(note.text).origin
        if origin != fork.log.name:
            raise FormatError(
                "FORK_ORIGIN", f"the {which} checkpoint is of {shown(origin)}, want {fork.log.name}"
            )
        used |= _who_signed(which, note, sets)
    if len(used) != len(sets):
        raise FormatError("FORK_KEYS", "a key set signed neither checkpoint")
    return tuple(sets)


def _who_signed(which: str, note: Note, sets: Sequence[KeySet]) -> set[int]:
    good: set[int] = set()
    fault = FormatError("FORK_NOT_SIGNED", f"no key set is given for the {which} checkpoint")
    for i, key_set in enumerate(sets):
        try:
            key_sets.check_checkpoint(note, key_set)
            good.add(i)
        except FormatError as error:
            if error.code == "KEY_TYPE_UNKNOWN":
                fault = error
            elif fault.code != "KEY_TYPE_UNKNOWN":
                fault = FormatError("FORK_NOT_SIGNED", f"the {which} checkpoint: {error}")
    if not good:
        raise fault
    return good
