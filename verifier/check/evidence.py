"""Loads a package into typed parts (docs/spec/package.md §1).

Loading never judges: a part that can't be read keeps its error for the step that asks for it,
and a step that needs the part is blocked. Proved by tests/unit/check/test_evidence.py.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Generic, NamedTuple, TypeVar

from verifier.check.inputs import ReceiptFile
from verifier.check.reading import Bag
from verifier.check.rows import Blocked
from verifier.format import (
    bag,
    batches,
    evm_document,
    jsonc,
    matter_map,
    notes,
    receipts,
    records,
    statement,
    tlogproof,
    trees,
)
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import is_attachment
from verifier.format.paths import Paths, PrefixPath, parse_consistency, parse_paths

ATTACHMENT_NAME_BYTES = 16  # 32 hex characters, random

# Above what any file but an attachment can have: a document has 16 MiB at most, and the
# disclosures of one record are a few documents.
MAX_FILE_BYTES = 64 * 2**20

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


class LeafFile(NamedTuple):
    """A leaf with its hash over the stored bytes."""

    leaf: records.Leaf
    hash: Digest


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
    members = jsonc.Members(value, what)
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


def _parse_leaf(data: bytes) -> LeafFile:
    # format.md §5: H(0x00 ‖ leaf bytes)
    return LeafFile(records.parse_leaf(data), trees.leaf_hash(data))


def _parse_disclosures(data: bytes) -> tuple[records.Disclosure, ...]:
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("DISCLOSURES_ASCII", f"byte {error.start} is not ASCII") from error
    if lines.pop():
        raise FormatError("DISCLOSURES_LINES", "want lines, each ended by LF")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(records.parse_disclosure(line))
        except FormatError as error:
            raise FormatError(error.code, f"line {number}: {error.message}") from error
    return tuple(found)


def _parse_header(data: bytes) -> HeaderFile:
    return HeaderFile(batches.parse_header(data), trees.leaf_hash(data))


def _parse_checkpoint(data: bytes) -> SignedCheckpoint:
    # C2SP tlog-proof: the checkpoint follows the first empty line.
    note = notes.parse_note(data.partition(b"\n\n")[2])
    checkpoint = notes.parse_checkpoint_text(note.text)
    return SignedCheckpoint(note, checkpoint.size, checkpoint.root, checkpoint.origin)


class ShownBatch(NamedTuple):
    """The three files of a shown batch. The tlog-proof's note is a part of its own."""

    batch: int
    header: Part[HeaderFile]
    map_proof: Part[matter_map.MapProof]
    tlog_proof: Part[tlogproof.TlogProof]
    checkpoint: Part[SignedCheckpoint]


class ReceiptPart(NamedTuple):
    """A receipt of the person's own, read but not believed."""

    name: str
    receipt: Part[receipts.Receipt]


class Evidence:
    """A package's parts. Numbers in file names are the keys; `unknown` are all other files."""

    def __init__(self, package: Bag) -> None:
        self.bag = package
        self.leaf_numbers: list[int] = []
        self.disclosure_numbers: list[int] = []
        self.attachment_files: list[str] = []
        self.batch_numbers: list[int] = []
        self.unknown: list[str] = []
        numbers: set[int] = set()
        for name in package.files:
            if (position := bag.number_in(name, "data/matter/leaves/", ".json")) is not None:
                self.leaf_numbers.append(position)
            elif (position := bag.number_in(name, "data/disclosures/", ".txt")) is not None:
                self.disclosure_numbers.append(position)
            elif (batch := _batch_in(name)) is not None:
                numbers.add(batch)
            elif name.startswith("data/attachments/"):
                self.attachment_files.append(name)
            elif name not in FIXED_FILES and name != bag.PATHS:
                self.unknown.append(name)
        self.leaf_numbers.sort()
        self.disclosure_numbers.sort()
        self.batch_numbers = sorted(numbers)

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
    def leaves(self) -> Mapping[int, Part[LeafFile]]:
        """Leaves by the number in their file's name, ascending."""
        return {n: self._part(bag.leaf_name(n), _parse_leaf) for n in self.leaf_numbers}

    @cached_property
    def disclosures(self) -> Mapping[int, Part[tuple[records.Disclosure, ...]]]:
        """Disclosures by the number in their file's name, ascending."""
        return {
            n: self._part(bag.disclosures_name(n), _parse_disclosures)
            for n in self.disclosure_numbers
        }

    @cached_property
    def attachments(self) -> list[Part[Attachment]]:
        """What the readable disclosures say of attachments, in order of leaf and claim."""
        found = []
        for number, part in self.disclosures.items():
            for disclosure in part.value or ():
                if is_attachment(disclosure.name):
                    what = f"{bag.disclosures_name(number)}, {disclosure.name}"
                    found.append(
                        attempt(what, lambda d=disclosure, w=what: parse_attachment(d.value, w))  # type: ignore[misc]
                    )
        return found

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


def _batch_in(name: str) -> int | None:
    for folder, ending in (
        ("data/map/", ".json"),
        ("data/batches/", ".json"),
        ("data/batches/", ".tlog-proof"),
    ):
        batch = bag.number_in(name, folder, ending)
        if batch is not None:
            return batch
    return None


def read_receipts(files: tuple[ReceiptFile, ...]) -> list[ReceiptPart]:
    """Read the receipts of the inputs, with the form of their notes."""

    def read(data: bytes) -> receipts.Receipt:
        receipt = receipts.parse(data)
        notes.parse_checkpoint_text(notes.parse_note(receipt.note).text)
        return receipt

    return [ReceiptPart(f.name, attempt(f.name, lambda d=f.data: read(d))) for f in files]  # type: ignore[misc]
