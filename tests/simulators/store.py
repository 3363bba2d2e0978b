"""A whole store in a folder, and the check that everything in it holds together.

The store is the real one; only time and randomness are the test's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from notary.adapters.keys.folder import create_keys, load_keys
from notary.adapters.objects.folder import ObjectFolder
from notary.adapters.store.agencies import AgencyRegister
from notary.adapters.store.batches import StoredBatchLog
from notary.adapters.store.database import Database
from notary.adapters.store.log import create_log, open_log
from notary.adapters.store.matters import StoredMatterRegister
from notary.adapters.store.migrations import upgrade
from notary.core.intake import Accepted, Incoming, IncomingFile, Refused
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.ports import Matter
from notary.usecases.accept import RecordAcceptor
from notary.usecases.matters import open_matter
from notary.usecases.read import RecordReader, StoredEvidence
from notary.usecases.seal import Sealer
from verifier.format import batches, matter_map, notes, receipts, records, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.jsonc import Json

IDENTITY = LogIdentity(31337, b"\x11" * 20, b"\x22" * 20, "notary.example/log")
AGENCY = "Example Agency"
START = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
MAX_DEADLINE_S = 4 * 3600


class SetClock:
    """A clock that stands still until it is set."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class SeededEntropy:
    """Bytes that follow from a seed. Never the same twice from one instance."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._count = 0

    def token(self, size: int) -> bytes:
        out = b""
        while len(out) < size:
            self._count += 1
            out += sha256(self._seed + self._count.to_bytes(8, "big")).digest()
        return out[:size]


@dataclass
class StoreWorld:
    """The parts of one store. `data` and `keys_folder` lie side by side."""

    folder: Path
    database: Database
    objects: ObjectFolder
    keys: Keyring
    identity: LogIdentity
    clock: SetClock
    entropy: SeededEntropy
    agency_id: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def acceptor(self) -> RecordAcceptor:
        return RecordAcceptor(
            self.database,
            self.objects,
            self.keys,
            self.clock,
            self.entropy,
            self.identity,
            max_deadline_s=MAX_DEADLINE_S,
        )

    @property
    def register(self) -> StoredMatterRegister:
        return StoredMatterRegister(
            self.database, self.keys, self.clock, self.entropy, self.identity
        )

    @property
    def agencies(self) -> AgencyRegister:
        return AgencyRegister(self.database, self.keys, self.clock, self.entropy)

    @property
    def reader(self) -> RecordReader:
        return RecordReader(self.database, self.objects, self.keys, self.identity)

    @property
    def evidence(self) -> StoredEvidence:
        return StoredEvidence(self.database, self.objects, self.keys, self.identity)

    @property
    def batch_log(self) -> StoredBatchLog:
        return StoredBatchLog(self.database)

    @property
    def sealer(self) -> Sealer:
        return Sealer(
            self.database,
            self.keys,
            self.identity,
            cadence_s=3600,
            max_batch_records=1000,
            max_deadline_s=MAX_DEADLINE_S,
        )

    def open_matter(self, title: str = "A matter", *accounts: str) -> Matter:
        return open_matter(
            self.register, self.identity, self.entropy, self.agency_id, title, accounts
        )

    def take(self, matter: Matter, key: str, *files: IncomingFile, **claims: Json) -> Accepted:
        """Accept one record, which must not be refused."""
        [outcome] = self.acceptor.accept(
            self.agency_id, [offer(matter, key, *files, claims=claims)]
        )
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def refuse(self, item: Incoming) -> Refused:
        """Offer one record, which must be refused."""
        [outcome] = self.acceptor.accept(self.agency_id, [item])
        assert isinstance(outcome, Refused), outcome
        return outcome

    def close(self) -> None:
        self.database.close()


def offer(
    matter: Matter,
    key: str,
    *files: IncomingFile,
    kind: str = "message",
    claims: Mapping[str, Json] | None = None,
) -> Incoming:
    """An offered record; without claims, one with a text."""
    return Incoming(matter.key, kind, claims or {"text": f"text of {key}"}, key, files)


def make_world(folder: Path, seed: str = "world") -> StoreWorld:
    """A new store with one agency."""
    entropy, clock = SeededEntropy(seed), SetClock()
    database = Database(folder / "data" / "notary.db")
    upgrade(database)
    key_set = create_keys(folder / "keys", entropy)
    create_log(database, key_set, IDENTITY, entropy, clock.now())
    world = _open(folder, database, clock, entropy)
    world.agency_id = world.agencies.add(AGENCY)
    return world


def reopen_world(folder: Path, seed: str) -> StoreWorld:
    """The store that another process made; `seed` must be new, so that no randomness repeats."""
    database = Database(folder / "data" / "notary.db")
    world = _open(folder, database, SetClock(), SeededEntropy(seed))
    agency_id = world.agencies.by_name(AGENCY)
    assert agency_id is not None
    world.agency_id = agency_id
    return world


def _open(folder: Path, database: Database, clock: SetClock, entropy: SeededEntropy) -> StoreWorld:
    identity, keys = open_log(database, load_keys(folder / "keys"))
    objects = ObjectFolder(folder / "data" / "objects")
    return StoreWorld(folder, database, objects, keys, identity, clock, entropy, 0)


def check_world(world: StoreWorld) -> None:
    """Everything in the store holds together, by the rules of the verifier's own modules."""
    matters = world.register.all(world.agency_id)
    for matter in matters:
        _check_matter(world, matter)
    _check_batches(world, matters)


def _check_matter(world: StoreWorld, matter: Matter) -> None:
    views = world.reader.of_matter(world.agency_id, matter.key, 0, matter.size + 1)
    assert [view.position for view in views] == list(range(matter.size))
    hashes = [trees.leaf_hash(view.leaf) for view in views]
    assert [view.leaf_hash for view in views] == hashes
    frontier = trees.Frontier()
    for view in views:
        frontier.append(hashes[view.position])
        receipt = receipts.parse(view.receipt)
        receipts.check_receipt(receipt, [world.keys.receipt.vkey])
        assert receipt.body.leaf == hashes[view.position]
        assert receipt.body.matter == matter.key
        assert receipt.body.position == view.position
        assert receipt.body.head.root == frontier.root()
        leaf = records.check_digests(records.check_claims(records.parse_leaf(view.leaf)))
        assert (leaf.matter, leaf.position) == (matter.key, view.position)
        detail = world.reader.content(world.agency_id, view.record_id)
        for name, text in detail.disclosures.items():
            disclosure = records.parse_disclosure(text)
            assert (disclosure.name, disclosure.value) == (name, detail.values[name])
            assert disclosure.digest == leaf.claims[name]
        assert list(detail.disclosures) == list(leaf.claims)
        for attachment in view.attachments:
            value = detail.values[f"attachment-{attachment.number}"]
            assert isinstance(value, dict)
            stream = world.reader.open_attachment(
                world.agency_id, view.record_id, attachment.number
            )
            raw = stream.read()
            assert (len(raw), sha256(raw).hexdigest()) == (value["size"], value["sha256"])
    for head in world.evidence.heads(world.agency_id, Digest(matter.key)):
        assert head.root == trees.root(hashes[: head.size])


def _check_batches(world: StoreWorld, matters: list[Matter]) -> None:
    log = world.batch_log
    size = log.size()
    hashes: list[bytes] = []
    replayed: dict[bytes, bytes] = {}
    for index in range(size):
        batch = log.batch(index)
        header = batches.parse_header(batch.header_bytes)
        assert header == batch.header
        assert (header.batch, header.log) == (index, world.identity.name)
        hashes.append(trees.leaf_hash(batch.header_bytes))
        note = notes.parse_note(log.checkpoint(index + 1))
        notes.verify(note, header.vkeys("checkpoint"))
        checkpoint = notes.parse_checkpoint_text(note.text)
        assert (checkpoint.size, checkpoint.root) == (index + 1, trees.root(hashes))
        raw_delta = log.delta(index)
        assert Digest(sha256(raw_delta).digest()) == header.delta
        for key, old, new in batches.parse_delta(raw_delta).changes:
            assert replayed.get(key) == old
            assert new is not None
            replayed[key] = new
        assert naive_map_root(replayed) == header.map_root
        for matter in matters:
            proof = world.evidence.map_proof(Digest(matter.key), index)
            answer = matter_map.check(proof, Digest(matter.key), header.map_root)
            assert answer.present == (matter.key in replayed)
    assert log.leaf_hashes(size) == hashes


def naive_map_root(values: Mapping[bytes, bytes], depth: int = 0) -> bytes:
    """docs/spec/format.md §9, word by word."""
    if not values:
        return ZERO
    if len(values) == 1:
        [(key, value)] = values.items()
        return sha256(b"\x02" + key + value).digest()
    sides: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
    for key, value in values.items():
        sides[key[depth // 8] >> (7 - depth % 8) & 1][key] = value
    left, right = (naive_map_root(side, depth + 1) for side in sides)
    return sha256(b"\x03" + left + right).digest()
