"""Exports that are ordered now, made beside everything else, kept sealed for a while, and fetched.

Owns when a job is tried, how long a package is kept and under which secret. A job is held by a token that
each taking makes anew: whoever lost it can finish nothing. A package is an object like an original, so what
a crash leaves is swept like one, and nobody can open it. Spec: docs/http.md, "Exports that take long";
docs/design/0034-export-jobs.md. Tests: tests/unit/store/test_export_jobs.py,
tests/scenarios/service/test_export_jobs.py.
"""

from __future__ import annotations

import hmac
import io
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import file_digest
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from notary.core import envelope
from notary.core.custody import check_purpose
from notary.core.keyring import Keyring
from notary.errors import CallerError, Contradiction, NotaryError, NothingHappened, OutcomeUnknown
from notary.ports import Clock, Entropy, ObjectStore, Progress
from notary.usecases.beside import beside
from notary.usecases.export_order import ExportOrder, ExportResult, Withhold, kind_of
from notary.usecases.export_sources import NamedSource
from verifier.format import numbers
from verifier.format.digests import Digest
from verifier.format.statement import Reason

# Shorter than the day after which the sweep takes away what no record names: no package is swept while kept.
KEPT_FOR = timedelta(hours=12)
LEASE = timedelta(
    seconds=20
)  # the longest that a killed process keeps its job; many renewals may fail
RENEW_EVERY_S = 2  # also how old the progress is that is shown
LOOK_EVERY_S = 1
MAX_ATTEMPTS = 3  # an export that kills its process must not do so for ever
PAUSE = timedelta(seconds=20)  # after the first failure; twice as long after the second
MAX_JOBS = 50  # of one agency, with what is kept: bounds what packages of 2 GiB take
PARTING_S = 5  # a job that does not stop by then is taken up by the next process
READ_BYTES = 2**20
NAME_BYTES = 16
SALT_BYTES = 32
THREAD = "exports"

_log = logging.getLogger("notary.exports")


class State(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Ordered:
    """What was ordered, and why, as the caller states it."""

    order: ExportOrder
    purpose: str | None

    def encode(self) -> dict[str, Any]:
        """As the store keeps it."""
        order = self.order
        return {
            "number": order.number.text,
            "kind": order.kind,
            "positions": list(order.positions),
            "withhold": [[one.position, one.claim, one.reason.value] for one in order.withhold],
            "full_history": order.full_history,
            "sources": order.sources,
            "named_sources": [
                [one.key.hex(), None if one.since is None else one.since.isoformat()]
                for one in order.named_sources
            ],
            "purpose": self.purpose,
        }


def decode(kept: Mapping[str, Any]) -> Ordered:
    """What `Ordered.encode` gave."""
    return Ordered(
        ExportOrder(
            numbers.parse(kept["number"]),
            kept["kind"],
            tuple(kept["positions"]),
            tuple(
                Withhold(position, claim, Reason(reason))
                for position, claim, reason in kept["withhold"]
            ),
            full_history=kept["full_history"],
            sources=kept["sources"],
            named_sources=tuple(
                NamedSource(
                    Digest(bytes.fromhex(key)), None if since is None else date.fromisoformat(since)
                )
                for key, since in kept["named_sources"]
            ),
        ),
        kept["purpose"],
    )


@dataclass(frozen=True)
class Made:
    """A package that is kept: what it holds, where it lies, and the salt of its secret."""

    facts: Mapping[
        str, Any
    ]  # of the result: kind, records, shown, withheld, as_of_block, as_of_time
    sha256: str
    size: int
    object_name: bytes
    salt: bytes

    @property
    def result(self) -> ExportResult:
        """For the record of custody."""
        return ExportResult(**self.facts, blocks=())


@dataclass(frozen=True)
class Failure:
    """The error that ended a job: the name of its class, code and text."""

    kind: str
    code: str
    text: str


@dataclass(frozen=True)
class Job:
    """A job of one agency. `name` is what callers know it by."""

    name: str
    agency_id: int
    ordered: Ordered
    state: State
    created_at: datetime
    attempts: int
    done: int
    total: int
    failure: Failure | None
    made: Made | None
    expires_at: datetime | None

    @property
    def package(self) -> Made:
        """The package. Raises CallerError EXPORT_UNFINISHED if it has none."""
        if self.made is None:
            raise CallerError(
                "EXPORT_UNFINISHED",
                f"export {self.name} is {self.state} and has no package. GET /v1/exports/{self.name} says "
                "how far it is, or why it failed.",
            )
        return self.made


class Taken(NamedTuple):
    """A job that this process is to do, and the token by which it holds it."""

    job: Job
    holder: bytes


class Packing(Protocol):
    """What makes packages: notary.usecases.export.Exporter."""

    def export(
        self, agency_id: int, order: ExportOrder, out: BinaryIO, progress: Progress | None = None
    ) -> ExportResult:
        """Write the package's zip to `out`."""
        ...


class ExportBook(Protocol):
    """The jobs, durable. Each method is one transaction.

    What a holder writes is written only while the job is held by its token; the answer says whether it was.
    """

    def add(
        self, agency_id: int, idempotency_key: str, ordered: Ordered, now: datetime, most: int
    ) -> Job:
        """A new job, or the one that this key made before.

        Raises ConflictError IDEMPOTENCY_CONFLICT if that was of another order, and NothingHappened SHARE_USED
        if the agency has `most`.
        """
        ...

    def find(self, agency_id: int, name: str) -> Job:
        """The agency's job of that name. Raises CallerError EXPORT_UNKNOWN."""
        ...

    def all(self, agency_id: int) -> list[Job]:
        """The agency's jobs, oldest first."""
        ...

    def counts(self) -> dict[str, int]:
        """How many jobs of all agencies stand where."""
        ...

    def take(self, now: datetime, until: datetime) -> Taken | None:
        """The oldest job that is due or whose holder let it lapse, held until then."""
        ...

    def renew(self, taken: Taken, until: datetime, done: int, total: int) -> bool:
        """Hold it until then, and say how far it is."""
        ...

    def put_back(self, taken: Taken, due: datetime, attempts: int) -> bool:
        """Let it be taken again from then on."""
        ...

    def finish(self, taken: Taken, end: Made | Failure, expires: datetime) -> bool:
        """It has its package, or has failed."""
        ...

    def remove(self, agency_id: int, name: str) -> bytes | None:
        """Forget the job, and with it the secret of its package; the object's name. As `find`."""
        ...

    def remove_expired(self, now: datetime) -> list[bytes]:
        """Forget what is over; the names of the objects."""
        ...


class _Stopped(Exception):
    """The job was cancelled, another process has it, or this process ends."""


class _Progress:
    """What one running job says of itself, and whether it may go on."""

    def __init__(self, jobs: ExportJobs, taken: Taken) -> None:
        self._jobs = jobs
        self._taken = taken
        self._far = (0, 0)
        self._lost = False

    def told(self, done: int, total: int) -> None:
        self._far = (done, total)
        self.check()

    def check(self) -> None:
        if self._lost or self._jobs.is_over:
            raise _Stopped

    def renew(self) -> None:
        try:
            until = self._jobs.clock.now() + LEASE
            self._lost = self._lost or not self._jobs.book.renew(self._taken, until, *self._far)
        except NotaryError as error:
            # What can't be renewed lapses, and then another process has it.
            _log.warning("export %s: %s: %s", self._taken.job.name, error.code, error)

    def pieces(self, file: BinaryIO) -> Iterator[bytes]:
        while piece := file.read(READ_BYTES):
            self.check()
            yield piece


class ExportJobs:
    """Takes orders, makes packages one at a time, and hands them out."""

    def __init__(
        self,
        book: ExportBook,
        exporter: Packing,
        objects: ObjectStore,
        keys: Keyring,
        clock: Clock,
        entropy: Entropy,
        folder: Path,
    ) -> None:
        self.book = book
        self.clock = clock
        self._exporter = exporter
        self._objects = objects
        self._keys = keys
        self._entropy = entropy
        self._folder = folder
        self._over = threading.Event()

    @property
    def is_over(self) -> bool:
        """Whether this process ends."""
        return self._over.is_set()

    def order(self, agency_id: int, idempotency_key: str, ordered: Ordered) -> Job:
        """Have a package made. Raises CallerError for what can't be ordered, and as `ExportBook.add`."""
        kind_of(ordered.order)
        check_purpose(ordered.purpose)
        return self.book.add(agency_id, idempotency_key, ordered, self.clock.now(), MAX_JOBS)

    def pieces(self, job: Job, wanted: range | None = None) -> Iterator[bytes]:
        """The bytes of the job's package, or those at the places `wanted` alone, which it must have.

        Only the chunks that hold them are read. Raises CallerError EXPORT_UNFINISHED if it has none.
        """
        made = job.package
        places = wanted or range(made.size)
        first = places.start // envelope.CHUNK_LENGTH
        sealed = self._objects.read(made.object_name, envelope.sealed_at(first) if first else 0)
        plain = envelope.unseal_chunks(self._secret(made.salt), made.object_name, sealed, first)
        return _stretch(plain, places.start - first * envelope.CHUNK_LENGTH, len(places))

    def cancel(self, agency_id: int, name: str) -> None:
        """Stop a job, or forget its package. Raises CallerError EXPORT_UNKNOWN."""
        # The row first: with it goes the secret, and a job that runs stops.
        object_name = self.book.remove(agency_id, name)
        if object_name is not None:
            self._objects.remove([object_name])

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Make what is ordered, in a thread, while the block runs. What is not done by then goes back."""
        with beside([self._turn], LOOK_EVERY_S, PARTING_S):
            try:
                yield
            finally:
                self._over.set()

    def _turn(self) -> None:
        threading.current_thread().name = THREAD
        try:
            self.forget_expired()
            while not self.is_over and self.run_one():
                pass
        except NotaryError as error:
            # The store was away: the next turn looks again.
            _log.warning("exports: %s: %s", error.code, error)

    def forget_expired(self) -> None:
        """Remove the packages that were kept for long enough."""
        gone = self.book.remove_expired(self.clock.now())
        if gone:
            self._objects.remove(gone)

    def run_one(self) -> bool:
        """Do one job that is due; whether there was one."""
        now = self.clock.now()
        taken = self.book.take(now, now + LEASE)
        if taken is None:
            return False
        attempts = taken.job.attempts
        if attempts > MAX_ATTEMPTS:
            self._fail(
                taken,
                Contradiction(
                    "EXPORT_GIVEN_UP",
                    f"{MAX_ATTEMPTS} processes ended while they made this package. The operator must look; "
                    "an extract of fewer records may do.",
                ),
            )
            return True
        progress = _Progress(self, taken)
        try:
            with beside([progress.renew], RENEW_EVERY_S):
                made = self._make(taken.job, progress)
        except _Stopped:
            # A job that was cancelled is in no row any more, and nothing comes of this.
            self.book.put_back(taken, self.clock.now(), attempts - 1)
        except (NothingHappened, OutcomeUnknown) as error:
            if attempts < MAX_ATTEMPTS:
                self.book.put_back(taken, self.clock.now() + PAUSE * attempts, attempts)
            else:
                self._fail(taken, error)
        except NotaryError as error:
            self._fail(taken, error)
        except Exception:  # noqa: BLE001 - one order must not end the thread that does all of them
            _log.exception("export %s", taken.job.name)
            fault = Contradiction("INTERNAL", "the service failed; its log says why.")
            self._fail(taken, fault)
        else:
            # A crash here leaves an object that nobody can open, for the sweep.
            if not self.book.finish(taken, made, self.clock.now() + KEPT_FOR):
                self._objects.remove([made.object_name])
        return True

    def _make(self, job: Job, progress: _Progress) -> Made:
        try:
            # The file has no name: nothing in the clear is left in any folder, whatever happens.
            with tempfile.TemporaryFile(dir=self._folder) as file:
                return self._kept(job, file, progress)
        except OSError as error:
            raise NothingHappened(
                "EXPORT_DISK",
                f"{self._folder}: {error.strerror}. The package is written there before it is sealed: make "
                "room.",
            ) from error

    def _kept(self, job: Job, file: io.BufferedRandom, progress: _Progress) -> Made:
        result = self._exporter.export(job.agency_id, job.ordered.order, file, progress.told)
        size = file.tell()
        file.seek(0)
        sha256 = file_digest(file, "sha256").hexdigest()
        file.seek(0)
        # Both anew for each attempt: no key seals two packages.
        name, salt = self._entropy.token(NAME_BYTES), self._entropy.token(SALT_BYTES)
        pieces = progress.pieces(file)
        self._objects.write(name, envelope.seal_chunks(self._secret(salt), name, pieces))
        self._objects.make_durable([name])
        facts = asdict(result)
        for left in ("blocks", "added", "erased", "unsaid"):
            del facts[left]  # the package itself says these
        return Made(facts, sha256, size, name, salt)

    def _fail(self, taken: Taken, error: NotaryError) -> None:
        failure = Failure(type(error).__name__, error.code, str(error))
        self.book.finish(taken, failure, self.clock.now() + KEPT_FOR)

    def _secret(self, salt: bytes) -> bytes:
        # The salt is in the job's row alone: without the row nobody can open the package.
        return hmac.digest(self._keys.lookup_secret, b"notary/export-package/v1" + salt, "sha256")


def _stretch(pieces: Iterator[bytes], skip: int, length: int) -> Iterator[bytes]:
    """So many bytes after the first `skip`."""
    for piece in pieces:
        part = piece[skip : skip + length]
        yield part
        skip, length = 0, length - len(part)
        if not length:
            return
