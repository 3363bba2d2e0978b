"""Loads a package into typed parts (docs/spec/package.md §1).

Loading never judges: a part that can't be read keeps its error for the step that asks for it,
and a step that needs the part is blocked. Proved by tests/unit/check/test_evidence.py.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from verifier.check.inputs import GivenFile
from verifier.check.reading import Bag
from verifier.check.rows import Blocked
from verifier.format import (
    bag,
    batches,
    evm_document,
    key_sets,
    lines,
    matter_map,
    notes,
    receipts,
    records,
    source_log,
    statement,
    tlogproof,
    trees,
)
from verifier.format.digests import Digest, sha256
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import is_attachment
from verifier.format.members import Members
from verifier.format.paths import Paths, PrefixPath, parse_consistency, parse_paths

if TYPE_CHECKING:
    from verifier.format.timestamp_token import Token

ATTACHMENT_NAME_BYTES = 16  # 32 hex characters, random

# package.md §2, for a file that is no attachment: a matter of some 30,000 records.
MAX_FILE_BYTES = 64 * 2**20

# Of a file of lines so many faults are named; then reading ends, since a hostile file can hold
# millions of lines and the rest say no more.
MAX_LINE_FAULTS = 20

T = TypeVar("T")


class Part(NamedTuple, Generic[T]):
    """A piece of evidence: its value, or why there is none.

    Without value and error the file is not in the package.
    """

    name: str
    value: T | None = None
    error: FormatError | None = None

    def need(self) -> T:
        """The value. Raises Blocked if there is none."""
        if self.value is None:
            raise Blocked(self.name)
        return self.value


def attempt(name: str, make: Callable[[], T]) -> Part[T]:
    """A part from what `make` returns or raises as FormatError."""
    try:
        return Part(name, make())
    except FormatError as error:
        return Part(name, None, error)


class LeafLine(NamedTuple):
    """A leaf with its hash over the stored bytes. `line` counts from 1."""

    line: int
    leaf: records.Leaf
    hash: Digest
    record: Digest  # what an entry of a source's log says of it

    @property
    def name(self) -> str:
        """Where it stands, for messages."""
        return f"{bag.LEAVES}, line {self.line}"


class DisclosureLine(NamedTuple):
    """A disclosure and the position of the leaf that it opens. `line` counts from 1."""

    line: int
    position: int
    disclosure: records.Disclosure

    @property
    def name(self) -> str:
        """Where it stands, for messages."""
        return f"{bag.DISCLOSURES}, line {self.line}, {self.disclosure.name!a}"


class EntryLine(NamedTuple):
    """An entry of a source's log, its index there, and its leaf hash."""

    place: int
    entry: source_log.Entry
    hash: Digest


class SourceParts(NamedTuple):
    """The two files of a source. `key` is the one in their names."""

    key: Digest
    proof: Part[source_log.SourceProof]
    entries: "Part[Lines[EntryLine]]"


class Lines(NamedTuple, Generic[T]):
    """What a file of lines holds, in its order, and the faults of lines that can't be read."""

    name: str
    found: tuple[T, ...]
    faults: tuple[FormatError, ...]

    def need(self) -> tuple[T, ...]:
        """Every line. Raises Blocked if one can't be read."""
        if self.faults:
            raise Blocked(f"every line of {self.name}")
        return self.found


class HeaderFile(NamedTuple):
    """A batch header with its hash over the stored bytes."""

    header: batches.BatchHeader
    hash: Digest


class SignedCheckpoint(NamedTuple):
    """The note of a tlog-proof and what its text says; no signature is checked."""

    note: notes.Note
    size: int
    root: Digest
    origin: str


class Attachment(NamedTuple):
    """What the disclosure of an attachment says."""

    name: str
    size: int
    sha256: bytes
    sha512: bytes
    sm3: bytes


def parse_attachment(value: Json, what: str) -> Attachment:
    """Read the value of `attachment-N` (format.md §7). Raises FormatError MEMBER_…."""
    members = Members(value, what)
    name = members.hexbytes("name", ATTACHMENT_NAME_BYTES).hex()
    if not members.null("filename"):
        members.text("filename")
    members.text("media_type")
    attachment = Attachment(
        name,
        members.integer("size"),
        members.hexbytes("sha256", 32),
        members.hexbytes("sha512", 64),
        members.hexbytes("sm3", 32),
    )
    members.done()
    return attachment


def _read_lines(data: bytes, name: str, read: Callable[[int, bytes], T]) -> Lines[T]:
    found: list[T] = []
    faults: list[FormatError] = []
    for number, line in enumerate(lines.read_lines(data, name), 1):
        try:
            found.append(read(number, line))
        except FormatError as error:
            faults.append(FormatError(error.code, f"{name}, line {number}: {error.message}"))
            if len(faults) == MAX_LINE_FAULTS:
                break
    return Lines(name, tuple(found), tuple(faults))


def _leaf_line(number: int, line: bytes) -> LeafLine:
    # format.md §5: H(0x00 ‖ leaf bytes)
    return LeafLine(
        number, records.parse_leaf(line), trees.leaf_hash(line), source_log.record_digest(line)
    )


def _entry_line(number: int, line: bytes) -> EntryLine:
    index, entry = source_log.parse_line(line)
    return EntryLine(index, source_log.parse(entry), trees.leaf_hash(entry))


# package.md §1: decimal without leading zeros; longer ones are above every integer of a document.
_POSITION = re.compile(rb"(?:0|[1-9][0-9]{0,15}) ")


def _disclosure_line(number: int, line: bytes) -> DisclosureLine:
    match = _POSITION.match(line)
    if match is None:
        raise FormatError("DISCLOSURE_POSITION", "want a position in decimal and a space")
    disclosure = records.open_disclosure(line[match.end() :])
    return DisclosureLine(number, int(match[0]), disclosure)


def _parse_header(data: bytes) -> HeaderFile:
    return HeaderFile(batches.parse_header(data), trees.leaf_hash(data))


def _parse_checkpoint(data: bytes) -> SignedCheckpoint:
    # C2SP tlog-proof: the checkpoint follows the first empty line.
    return _signed_checkpoint(data.partition(b"\n\n")[2])


def _signed_checkpoint(data: bytes) -> SignedCheckpoint:
    note = notes.parse_note(data)
    checkpoint = notes.parse_checkpoint_text(note.text)
    return SignedCheckpoint(note, checkpoint.size, checkpoint.root, checkpoint.origin)


class ShownBatch(NamedTuple):
    """The three files of a shown batch. The tlog-proof's note is a part of its own."""

    batch: int
    header: Part[HeaderFile]
    map_proof: Part[matter_map.MapProof]
    tlog_proof: Part[tlogproof.TlogProof]
    checkpoint: Part[SignedCheckpoint]


class HandOver(NamedTuple):
    """The two files of a hand-over of keys: the header before it, under the old keys' last note."""

    batch: int
    header: Part[HeaderFile]
    tlog_proof: Part[tlogproof.TlogProof]
    checkpoint: Part[SignedCheckpoint]


class KeySetFile(NamedTuple):
    """A key set, and the digest of its file's bytes."""

    key_set: key_sets.KeySet
    digest: Digest


def _parse_key_set(data: bytes) -> KeySetFile:
    return KeySetFile(key_sets.parse(data), sha256(data))


class ReceiptPart(NamedTuple):
    """A receipt of the person's own, read but not believed."""

    name: str
    receipt: Part[receipts.Receipt]


class Evidence:
    """A package's parts. Numbers in file names are the keys; `unknown` are all other files."""

    def __init__(self, package: Bag) -> None:
        self.bag = package
        self.attachment_files: list[str] = []
        self.batch_numbers: list[int] = []
        self.hand_over_numbers: list[int] = []
        self.key_set_digests: list[str] = []
        self.token_places: list[bag.TokenPlace] = []
        self.source_keys: list[str] = []
        self.unknown: list[str] = []
        numbers: set[int] = set()
        handed_over: set[int] = set()
        sources: set[str] = set()
        for name in package.files:
            if (batch := _number_in(name, _BATCH_FILES)) is not None:
                numbers.add(batch)
            elif (batch := _number_in(name, _HAND_OVER_FILES)) is not None:
                handed_over.add(batch)
            elif (digest := bag.key_set_in(name)) is not None:
                self.key_set_digests.append(digest)
            elif (key := bag.source_in(name)) is not None:
                sources.add(key)
            elif (place := bag.token_in(name)) is not None:
                self.token_places.append(place)
            elif name.startswith("data/attachments/"):
                self.attachment_files.append(name)
            elif name not in FIXED_FILES and name not in MATTER_FILES:
                self.unknown.append(name)
        self.batch_numbers = sorted(numbers)
        self.hand_over_numbers = sorted(handed_over)
        self.token_places.sort()
        self.source_keys = sorted(sources)

    def _part(self, name: str, parse: Callable[[bytes], T]) -> Part[T]:
        if name not in self.bag:
            return Part(name)
        return attempt(name, lambda: parse(self._document(name)))

    def _document(self, name: str) -> bytes:
        # Refused by its size before it is read: a package may hold a file of two gigabytes.
        size = self.bag.files[name].size
        if size > MAX_FILE_BYTES:
            raise FormatError("FILE_SIZE", f"want at most {MAX_FILE_BYTES} bytes, got {size}")
        return self.bag.read(name)

    @cached_property
    def statement(self) -> Part[statement.Statement]:
        """data/statement.json."""
        return self._part(bag.STATEMENT, statement.parse)

    @cached_property
    def leaf_lines(self) -> Part[Lines[LeafLine]]:
        """data/matter/leaves.txt, line by line."""
        return self._part(bag.LEAVES, lambda data: _read_lines(data, bag.LEAVES, _leaf_line))

    @cached_property
    def leaves(self) -> Mapping[int, LeafLine]:
        """Leaves by the position that each names, ascending; empty without the file.

        Raises Blocked if a line can't be read, or if positions don't ascend.
        """
        if bag.LEAVES not in self.bag:
            return {}
        found = self.leaf_lines.need().need()
        positions = [one.leaf.position for one in found]
        if any(before >= after for before, after in pairwise(positions)):
            raise Blocked(f"one leaf a position in {bag.LEAVES}")
        return dict(zip(positions, found, strict=True))

    @cached_property
    def disclosure_lines(self) -> Part[Lines[DisclosureLine]]:
        """data/disclosures.txt, line by line."""
        name = bag.DISCLOSURES
        return self._part(name, lambda data: _read_lines(data, name, _disclosure_line))

    @property
    def disclosures(self) -> tuple[DisclosureLine, ...]:
        """Every disclosure, in the order of the lines; none without the file.

        Raises Blocked if a line can't be read.
        """
        if bag.DISCLOSURES not in self.bag:
            return ()
        return self.disclosure_lines.need().need()

    @cached_property
    def attachments(self) -> list[Part[Attachment]]:
        """What the readable disclosures say of attachments, in the order of the lines."""
        read = self.disclosure_lines.value
        return [
            attempt(one.name, lambda one=one: parse_attachment(one.disclosure.value, one.name))  # type: ignore[misc]
            for one in (() if read is None else read.found)
            if is_attachment(one.disclosure.name)
        ]

    @cached_property
    def history_headers(self) -> Part[Lines[HeaderFile]]:
        """data/history/headers.txt, line by line."""
        name = bag.HISTORY_HEADERS
        return self._part(
            name, lambda data: _read_lines(data, name, lambda _, line: _parse_header(line))
        )

    @cached_property
    def history_proofs(self) -> Part[Lines[matter_map.MapProof]]:
        """data/history/map.txt, line by line."""
        name = bag.HISTORY_MAP
        return self._part(
            name, lambda data: _read_lines(data, name, lambda _, line: matter_map.parse(line))
        )

    @cached_property
    def paths(self) -> Part[Paths]:
        """data/matter/paths.json."""
        return self._part(bag.PATHS, parse_paths)

    @cached_property
    def consistency(self) -> Part[tuple[PrefixPath, ...]]:
        """data/batches/consistency.json."""
        return self._part(bag.CONSISTENCY, parse_consistency)

    @cached_property
    def evm(self) -> Part[evm_document.EvmDocument]:
        """data/anchors/evm.json."""
        return self._part(bag.EVM, evm_document.parse)

    @cached_property
    def batches(self) -> Mapping[int, ShownBatch]:
        """Shown batches by the number in their files' names, ascending."""
        shown = {}
        for number in self.batch_numbers:
            names = bag.batch_names(number)
            shown[number] = ShownBatch(
                number,
                self._part(names.header, _parse_header),
                self._part(names.map_proof, matter_map.parse),
                self._part(names.tlog_proof, tlogproof.parse),
                self._part(names.tlog_proof, _parse_checkpoint),
            )
        return shown

    @cached_property
    def hand_overs(self) -> Mapping[int, HandOver]:
        """Hand-overs by the number in their files' names, ascending."""
        found = {}
        for number in self.hand_over_numbers:
            names = bag.hand_over_names(number)
            found[number] = HandOver(
                number,
                self._part(names.header, _parse_header),
                self._part(names.tlog_proof, tlogproof.parse),
                self._part(names.tlog_proof, _parse_checkpoint),
            )
        return found

    @cached_property
    def key_sets(self) -> Mapping[str, Part[KeySetFile]]:
        """Key sets by the hex digest in their files' names."""
        return {
            digest: self._part(bag.key_set_name(digest), _parse_key_set)
            for digest in sorted(self.key_set_digests)
        }

    @cached_property
    def sources(self) -> list[SourceParts]:
        """The sources that the package shows, by their keys."""
        found = []
        for key in self.source_keys:
            names = bag.source_names(key)
            entries = self._part(
                names.entries,
                lambda data, name=names.entries: _read_lines(data, name, _entry_line),  # type: ignore[misc]
            )
            proof = self._part(names.proof, source_log.parse_proof)
            found.append(SourceParts(Digest(bytes.fromhex(key)), proof, entries))
        return found

    @cached_property
    def tokens(self) -> "Mapping[bag.TokenPlace, Part[Token]]":
        """Time-stamp tokens by their places, ascending."""
        if not self.token_places:
            return {}
        # Imported here: reading certificates takes longer to load than most packages to check.
        from verifier.format import timestamp_token

        return {
            place: self._part(bag.token_name(place), timestamp_token.parse)
            for place in self.token_places
        }


# In every package, whatever its kind.
FIXED_FILES = frozenset(
    {
        bag.BAGIT,
        *bag.MANIFESTS.values(),
        *bag.TAG_MANIFESTS.values(),
        bag.README,
        bag.STATEMENT,
        bag.CONSISTENCY,
        bag.EVM,
        bag.SM3,
    }
)

# Which of these there are depends on the kind, on what is disclosed and on the history stated.
HISTORY_FILES = (bag.HISTORY_HEADERS, bag.HISTORY_MAP)
MATTER_FILES = frozenset({bag.LEAVES, bag.PATHS, bag.DISCLOSURES, *HISTORY_FILES})


# Folder and ending of the files whose name is the number of a batch.
_BATCH_FILES = (
    ("data/map/", ".json"),
    ("data/batches/", ".json"),
    ("data/batches/", ".tlog-proof"),
)
_HAND_OVER_FILES = (("data/keys/", ".json"), ("data/keys/", ".tlog-proof"))


def _number_in(name: str, shapes: Sequence[tuple[str, str]]) -> int | None:
    for folder, ending in shapes:
        batch = bag.number_in(name, folder, ending)
        if batch is not None:
            return batch
    return None


def read_receipts(files: tuple[GivenFile, ...]) -> list[ReceiptPart]:
    """Read the receipts of the inputs, with the form of their notes."""

    def read(data: bytes) -> receipts.Receipt:
        receipt = receipts.parse(data)
        notes.parse_checkpoint_text(notes.parse_note(receipt.note).text)
        return receipt

    return [ReceiptPart(f.name, attempt(f.name, lambda d=f.data: read(d))) for f in files]  # type: ignore[misc]


def read_checkpoints(files: tuple[GivenFile, ...]) -> list[Part[SignedCheckpoint]]:
    """Read the checkpoints of the inputs; each part is named as the person named the file."""
    return [attempt(f.name, lambda d=f.data: _signed_checkpoint(d)) for f in files]  # type: ignore[misc]
