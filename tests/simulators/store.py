"""Owns the store under test: a whole one in a folder, and what it has promised so far.

The store is the real one; only time and randomness are the test's. What must hold in it is
`tests.simulators.check_store`; how it is made to fail, `tests.simulators.store_faults`.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from notary.adapters.keys.erasures import ErasureFile
from notary.adapters.keys.folder import create_keys, load_keys
from notary.adapters.keys.mark import MarkFile
from notary.adapters.objects.folder import ObjectFolder
from notary.adapters.store.agencies import AgencyRegister
from notary.adapters.store.batches import StoredBatchLog
from notary.adapters.store.database import Database
from notary.adapters.store.erasing import StoredErasures
from notary.adapters.store.evidence import StoredEvidence
from notary.adapters.store.log import KEY_SETS, create_log, keys_in_force, open_log
from notary.adapters.store.matters import StoredMatterRegister
from notary.adapters.store.migrations import upgrade
from notary.adapters.store.originals import StoredOriginals
from notary.adapters.store.records import StoredRecords
from notary.adapters.store.restorations import StoredStanding
from notary.adapters.store.sealing import StoredSealing
from notary.core.intake import Accepted, Incoming, IncomingFile, Outcome, Refused
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.retention import RETENTION_NAME
from notary.ports import Acceptor, Matter, SealedBatch
from notary.usecases.accept import RecordAcceptor
from notary.usecases.erase import Eraser
from notary.usecases.erasure_plan import Planner
from notary.usecases.evidence import EvidenceReader
from notary.usecases.holds import Holds
from notary.usecases.matters import open_matter
from notary.usecases.read import RecordReader
from notary.usecases.retention import Retention
from notary.usecases.seal import Block, Sealer
from notary.usecases.standing import Standing
from tests import postgres
from verifier.format import key_sets
from verifier.format.jsonc import Json
from verifier.format.key_sets import KeySet
from verifier.format.notes import VKey

IDENTITY = LogIdentity(31337, b"\x11" * 20, b"\x22" * 20, "notary.example/log")
AGENCY = "Example Agency"
START = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
MAX_DEADLINE_S = 4 * 3600
# In every text that a simulator offers. No file of a store may show it.
CANARY = "Kanarienvogel"

FILE = "data/notary.db"  # where a store in SQLite lies
URI = "database-uri"  # a file that says where a store in PostgreSQL is


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
    """The parts of one store. `data` and `keys` lie side by side in the folder.

    `promised` are the receipts that were handed out, `published` the checkpoints, as a person outside
    would have kept them; `canaries` are words that no file of the store may show.
    """

    folder: Path
    database: Database
    objects: ObjectFolder
    keys: Keyring
    identity: LogIdentity
    clock: SetClock
    entropy: SeededEntropy
    agency_id: int
    promised: list[bytes] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    canaries: set[str] = field(default_factory=lambda: {CANARY})

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def acceptor(self) -> RecordAcceptor:
        return RecordAcceptor(
            StoredRecords(self.database),
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
        return RecordReader(StoredRecords(self.database), self.objects, self.keys, self.identity)

    @property
    def evidence(self) -> EvidenceReader:
        return EvidenceReader(StoredEvidence(self.database), self.reader, self.keys, self.identity)

    @property
    def named_originals(self) -> StoredOriginals:
        return StoredOriginals(self.database)

    @property
    def batch_log(self) -> StoredBatchLog:
        return StoredBatchLog(self.database)

    @property
    def mark(self) -> MarkFile:
        return MarkFile(self.folder / "keys", self.identity.name)

    @property
    def standing(self) -> Standing:
        return Standing(StoredStanding(self.database), self.mark)

    @property
    def key_set(self) -> KeySet:
        """The key set in force."""
        with self.database.reading() as connection:
            return self.keys.signers.of(keys_in_force(connection).keys).key_set

    @property
    def receipt_vkeys(self) -> list[VKey]:
        """Every receipt key that this log ever had in force or will have next."""
        with self.database.reading() as connection:
            kept = [
                key_sets.parse(row[0]) for row in connection.execute(select(KEY_SETS.c.content))
            ]
        at_hand = [signer.key_set for signer in self.keys.signers.all()]
        return list({one.receipt: None for one in [*kept, *at_hand]})

    @property
    def sealer(self) -> Sealer:
        return Sealer(
            StoredSealing(self.database),
            self.standing,
            self.keys,
            self.identity,
            self.mark,
            cadence_s=3600,
            max_batch_records=1000,
            max_deadline_s=MAX_DEADLINE_S,
        )

    def alone(self) -> AbstractContextManager[None]:
        """As the service's own: erasing and the setting of holds, one at a time."""
        return self.database.alone(self.folder / "erasing.lock")

    @property
    def holds(self) -> Holds:
        return Holds(self.reader, self.acceptor, self.entropy, self.alone)

    @property
    def retention(self) -> Retention:
        file = self.folder / RETENTION_NAME
        return Retention(file, self.reader, self.register, self.holds, self.clock)

    @property
    def stored_erasures(self) -> StoredErasures:
        return StoredErasures(self.database, self.keys)

    @property
    def planner(self) -> Planner:
        return Planner(self.stored_erasures, self.reader, self.holds, self.retention)

    @property
    def erasures(self) -> ErasureFile:
        return ErasureFile(self.folder / "keys", self.identity.name)

    def eraser(self, acceptor: Acceptor | None = None) -> Eraser:
        return Eraser(
            self.stored_erasures,
            self.objects,
            self.register,
            acceptor or self.acceptor,
            self.planner,
            self.holds,
            self.erasures,
            self.clock,
            self.alone,
        )

    def open_matter(self, title: str = f"Matter {CANARY}", *accounts: str) -> Matter:
        return open_matter(
            self.register, self.identity, self.entropy, self.agency_id, title, accounts
        )

    def take(self, matter: Matter, key: str, *files: IncomingFile, **claims: Json) -> Accepted:
        """Accept one record, which must not be refused."""
        [outcome] = self.accept([offer(matter, key, *files, claims=claims)])
        assert isinstance(outcome, Accepted), outcome
        return outcome

    def accept(self, items: Sequence[Incoming]) -> list[Outcome]:
        """Offer records together, and keep the receipts of those that were accepted."""
        outcomes = self.acceptor.accept(self.agency_id, items)
        self.promised += [one.receipt for one in outcomes if isinstance(one, Accepted)]
        return outcomes

    def seal(self, not_before: Block | None = None) -> SealedBatch:
        """Seal a batch, and keep its checkpoint."""
        sealed = self.sealer.seal(self.clock.now(), not_before)
        self.published.append(self.batch_log.checkpoint(sealed.index + 1))
        return sealed

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
    return Incoming(matter.key, kind, claims or {"text": f"{CANARY} {key}"}, key, files)


def make_world(
    folder: Path,
    seed: str = "world",
    identity: LogIdentity = IDENTITY,
    now: datetime = START,
    uri: str | None = None,
) -> StoreWorld:
    """A new store with one agency; in SQLite, or in the migrated PostgreSQL database of that URI."""
    entropy, clock = SeededEntropy(seed), SetClock(now)
    database = empty_store(folder, uri)
    key_set = create_keys(folder / "keys", entropy)
    create_log(database, key_set, identity, entropy, clock.now())
    ErasureFile(folder / "keys", identity.name).create()
    world = _open(folder, database, clock, entropy)
    world.agency_id = world.agencies.add(AGENCY)
    return world


def reopen_world(
    folder: Path, seed: str, now: datetime = START, agency: str = AGENCY
) -> StoreWorld:
    """The store that another process made; `seed` must be new, so that no randomness repeats."""
    database = database_of(folder)
    try:
        world = _open(folder, database, SetClock(now), SeededEntropy(seed))
    except BaseException:
        database.close()
        raise
    agency_id = world.agencies.by_name(agency)
    assert agency_id is not None
    world.agency_id = agency_id
    return world


def empty_store(folder: Path, uri: str | None) -> Database:
    """A migrated database without content for the store in that folder."""
    (folder / "data").mkdir(parents=True)
    if uri is None:
        (folder / FILE).touch(mode=0o600)
        (folder / FILE).write_bytes(_empty_store())
    else:
        (folder / URI).write_text(uri)
    return database_of(folder)


def copied_world(folder: Path, target: Path) -> Path:
    """A copy of a store that nobody has open, its database included."""
    shutil.copytree(folder, target)
    if (target / URI).exists():
        (target / URI).write_text(postgres.copied((target / URI).read_text()))
    return target


def scrap(folder: Path) -> None:
    """Remove a copy of a store, its database included."""
    if (folder / URI).exists():
        postgres.dropped((folder / URI).read_text())
    shutil.rmtree(folder)


def database_of(folder: Path) -> Database:
    """The database of the store in that folder, opened anew: any process finds it."""
    uri = folder / URI
    return Database(uri.read_text() if uri.exists() else folder / FILE)


@functools.cache
def _empty_store() -> bytes:
    """A migrated store without content. Migrating takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder, "empty.db"))
        upgrade(database)
        database.close()
        return database.path.read_bytes()


def _open(folder: Path, database: Database, clock: SetClock, entropy: SeededEntropy) -> StoreWorld:
    identity, keys = open_log(database, load_keys(folder / "keys"))
    objects = ObjectFolder(folder / "data" / "objects")
    return StoreWorld(folder, database, objects, keys, identity, clock, entropy, 0)
