"""A log in its smallest form, to be replayed and to be forked: headers, maps, checkpoints, files.

Maps are rebuilt from all their matters by tests.reference.naive_map. A matter's records are bytes of
no meaning. `copy` gives a second history under the same keys.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference import naive_map
from verifier.format import (
    batches,
    heads,
    key_sets,
    matter_map,
    notes,
    public,
    signatures,
    tlogproof,
    trees,
)
from verifier.format.batches import BatchHeader, Change
from verifier.format.digests import ZERO, Digest
from verifier.format.fold import Fold, Link, fold
from verifier.format.fork import SignedHead, SignedHeader
from verifier.format.matter_map import MapProof
from verifier.format.statement import Log

NAME = "notary.example/log"
LOG = Log(31337, b"\x11" * 20, b"\x22" * 20, NAME)
START = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Signer:
    """The keys of one key set, from a seed."""

    seed: bytes
    name: str = NAME
    extra: int | None = None  # the type of a second checkpoint key, which never signs

    def _key(self, use: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(sha256(self.seed + use.encode()).digest())

    @property
    def vkey(self) -> notes.VKey:
        return notes.make_vkey(self.name, self._key("checkpoint").public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key set as it is published."""
        receipt = self._key("receipt").public_key().public_bytes_raw()
        extra = []
        if self.extra is not None:
            length = signatures.PUBLIC_KEY_LENGTHS.get(self.extra, 32)
            extra.append(notes.make_vkey(self.name, b"k" * length, self.extra))
        made = key_sets.make([self.vkey, *extra], notes.make_vkey(f"{self.name}/receipts", receipt))
        return key_sets.encode(made).decode()

    @property
    def digest(self) -> Digest:
        return Digest(sha256(self.text.encode()).digest())

    def note(self, size: int, root: bytes, origin: str | None = None) -> str:
        text = notes.checkpoint_text(origin or self.name, size, Digest(root))
        return notes.sign(text, self.name, self._key("checkpoint"))

    def receipt_note(self, size: int, root: bytes) -> str:
        """The signed note of a group of receipts."""
        name = f"{self.name}/receipts"
        text = notes.checkpoint_text(name, size, Digest(root))
        return notes.sign(text, name, self._key("receipt"))


@dataclass
class Batch:
    """A sealed batch with all that was true when it was sealed."""

    header: bytes
    delta: bytes
    signer: Signer
    values: dict[bytes, Digest]
    heads: dict[Digest, tuple[str, bytes]]  # text and blind by key
    records: dict[Digest, tuple[Digest, ...]]  # leaf hashes by key


@dataclass
class ToyLog:
    """An append-only log, as long as nobody tampers with its fields."""

    signer: Signer = Signer(b"now")
    following: Signer = Signer(b"next")
    batches: list[Batch] = field(default_factory=list)
    anchors: list[Link] = field(default_factory=list)
    records: dict[Digest, tuple[Digest, ...]] = field(default_factory=dict)

    def copy(self) -> ToyLog:
        """A second history that begins here."""
        return copy.deepcopy(self)

    def add(self, matter: str | Digest, *contents: str) -> None:
        """Add records to a matter."""
        key = matter if isinstance(matter, Digest) else key_of(matter)
        hashes = tuple([trees.leaf_hash(one.encode()) for one in contents])
        self.records[key] = self.records.get(key, ()) + hashes

    def seal(self, **members: Any) -> Batch:
        """Seal what was added; `members` replace members of the header."""
        index = len(self.batches)
        before = self.batches[-1] if self.batches else None
        values: dict[bytes, Digest] = dict(before.values) if before else {}
        texts = dict(before.heads) if before else {}
        changes = []
        for key in sorted(self.records):
            records = self.records[key]
            if before is not None and before.records.get(key) == records:
                continue
            text = heads.head_text(NAME, key, len(records), trees.root(records))
            blind = matter_map.blind(b"map secret", index, key)
            value = matter_map.value(text, blind)
            changes.append(Change(key, values.get(key), value))
            values[key], texts[key] = value, (text, blind)
        delta = batches.encode_delta(NAME, index, changes)
        header = BatchHeader(
            log=NAME,
            batch=index,
            sealed_at=START + timedelta(hours=index),
            map_root=Digest(naive_map.root(values)),
            delta=Digest(sha256(delta).digest()),
            max_deadline_s=3600,
            keys=self.signer.digest,
            next_keys=self.following.digest,
        )
        encoded = batches.encode_header(header._replace(**members))
        batch = Batch(encoded, delta, self.signer, values, texts, dict(self.records))
        self.batches.append(batch)
        return batch

    def hand_over(self) -> None:
        """From the next batch on the keys that were named sign."""
        self.signer, self.following = self.following, Signer(self.following.seed + b"+")

    def leaf_hashes(self, size: int | None = None) -> list[Digest]:
        """The hashes of the headers."""
        return [trees.leaf_hash(batch.header) for batch in self.batches[:size]]

    def root(self, size: int) -> Digest:
        """The root of the first batches."""
        return trees.root(self.leaf_hashes(size))

    def checkpoint(self, size: int | None = None) -> str:
        """The signed checkpoint of a size, by default the whole."""
        size = len(self.batches) if size is None else size
        return self.batches[size - 1].signer.note(size, self.root(size))

    def header(self, index: int, size: int | None = None) -> SignedHeader:
        """A header under the checkpoint of a size, by default the whole."""
        size = len(self.batches) if size is None else size
        path = tuple(trees.inclusion_path(self.leaf_hashes(size), index))
        proof = tlogproof.TlogProof(index, path, notes.parse_note(self.checkpoint(size)))
        return SignedHeader(self.batches[index].header.decode(), tlogproof.encode(proof).decode())

    def map_proof(self, index: int, key: Digest) -> MapProof:
        """What the map of a batch says of a key."""
        batch = self.batches[index]
        siblings, met = naive_map.walk(batch.values, key)
        path = tuple([Digest(one) for one in siblings])
        if key in met:
            text, blind = batch.heads[key]
            return MapProof(index, matter_map.Kind.INCLUSION, path, head=text, blind=blind)
        for other, value in met.items():
            return MapProof(
                index, matter_map.Kind.ABSENT_LEAF, path,
                leaf_key=Digest(other), leaf_value=Digest(value),
            )  # fmt: skip
        return MapProof(index, matter_map.Kind.ABSENT_EMPTY, path)

    def head(self, index: int, matter: str, size: int | None = None) -> SignedHead:
        """What a batch says of a matter, signed."""
        proof = matter_map.encode(self.map_proof(index, key_of(matter))).decode()
        return SignedHead(*self.header(index, size), proof)

    def anchor(self, size: int | None = None) -> None:
        """Anchor a checkpoint, one second after the last."""
        size = len(self.batches) if size is None else size
        self.anchors.append(Link(self.root(size), size, 1_790_000_000 + len(self.anchors)))

    @property
    def contract_head(self) -> Digest:
        """The contract's head after the anchors."""
        head = ZERO
        for link in self.anchors:
            head = fold(head, link)
        return head

    def files(self) -> dict[str, bytes]:
        """The public folder."""
        files = {
            public.LOG_FILE: public.encode_log(LOG),
            public.FOLD_FILE: public.encode_fold(Fold(ZERO, tuple(self.anchors))),
        }
        for index, batch in enumerate(self.batches):
            files[public.batch_file(index, public.HEADER)] = batch.header
            files[public.batch_file(index, public.DELTA)] = batch.delta
            checkpoint = self.checkpoint(index + 1).encode()
            files[public.batch_file(index, public.CHECKPOINT)] = checkpoint
            files[public.key_set_file(batch.signer.digest)] = batch.signer.text.encode()
        return files


def key_of(matter: str) -> Digest:
    """The key of a matter by a name of the test's."""
    return Digest(sha256(matter.encode()).digest())


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files under a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / public.BATCHES).mkdir(parents=True, exist_ok=True)
    return folder


def told(story: Sequence[Mapping[str, int]], log: ToyLog | None = None, teller: str = "") -> ToyLog:
    """A log with one batch for each item of the story: how many records which matter gets."""
    log = log or ToyLog()
    for index, added in enumerate(story, len(log.batches)):
        for matter, count in added.items():
            log.add(matter, *[f"{teller}{matter} {index} {i}" for i in range(count)])
        log.seal()
    return log
