"""The composition root: the one place that wires adapters to use cases.

Used by the command line, the worker, the demo and the HTTP edge. Opening reads the configuration, the keys
and the store; nothing happens at import. Test: tests/scenarios/service.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from notary import config
from notary.adapters.alive import alive, clear, is_gone
from notary.adapters.audit_file import AuditFile
from notary.adapters.chain.account import DeferredSigner
from notary.adapters.dns import key_records
from notary.adapters.durable import digest_of, only_one, whole_file
from notary.adapters.keys.erasures import ErasureFile
from notary.adapters.keys.folder import add_set, destroy_sets, load_keys
from notary.adapters.keys.mark import MarkFile
from notary.adapters.objects.places import open_objects
from notary.adapters.preparers import Preparers
from notary.adapters.store import log as log_rows
from notary.adapters.store.agencies import AgencyRegister
from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.audit import check_rows
from notary.adapters.store.batches import StoredBatchLog
from notary.adapters.store.custody import HeldCustody
from notary.adapters.store.database import Database
from notary.adapters.store.dkim_checks import StoredDkimChecks
from notary.adapters.store.exports import StoredExports
from notary.adapters.store.imports import StoredImports
from notary.adapters.store.leases import StoredLeases
from notary.adapters.store.leases import require as require_lease
from notary.adapters.store.matters import StoredMatterRegister
from notary.adapters.store.migrations import require_current
from notary.adapters.store.notices import StoredNotices
from notary.adapters.store.priority import StoredPriority
from notary.adapters.store.pulse import StoredPulse
from notary.adapters.store.records import StoredRecords, named_attachments
from notary.adapters.store.snapshot import opened_live
from notary.adapters.store.sources import StoredSources
from notary.adapters.store.timestamps import StoredTokens
from notary.adapters.system import SystemClock, SystemEntropy, account
from notary.adapters.timestamp_http import HttpAuthority
from notary.adapters.webhook import HttpReceiver
from notary.chain_ports import EndpointState
from notary.config import Home
from notary.core.audit_state import AuditState
from notary.core.custody import LOCAL, Action, Request
from notary.core.custody import record as custody_record
from notary.core.erasures import standings
from notary.core.intake import Accepted
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.record_names import RecordNames
from notary.core.retention import RETENTION_NAME
from notary.core.source_findings import SourceFinding
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.importers.column_map import load_map
from notary.notice_ports import Waiting
from notary.ports import Bars, Matter, ObjectStore, Progress, SealedBatch
from notary.usecases.accept import RecordAcceptor
from notary.usecases.alarms import AlarmBoard
from notary.usecases.anchor import Anchorer, AnchorSettings
from notary.usecases.audit_questions import Questions
from notary.usecases.backup import Backup, BackupDone
from notary.usecases.certificate import issue
from notary.usecases.chain_audit import Audit
from notary.usecases.commit import GroupCommitter
from notary.usecases.courier import Courier, send_test
from notary.usecases.custody import CustodyDesk
from notary.usecases.dkim_checks import DkimChecker
from notary.usecases.erase import Eraser
from notary.usecases.erasure_plan import Planner
from notary.usecases.export import Exporter, ExportOrder, ExportResult
from notary.usecases.export_jobs import ExportJobs
from notary.usecases.findings import FindFindings, Report
from notary.usecases.foreign_events import EventChain, EventImport, EventReading
from notary.usecases.holds import Holds
from notary.usecases.import_report import IngestReport
from notary.usecases.ingest import Ingest
from notary.usecases.key_copies import copy_keys, rotation_lock
from notary.usecases.lease import LEASE_LOST, Post
from notary.usecases.lint_public import Linted, PublicLinter
from notary.usecases.matters import open_matter
from notary.usecases.originals import CopyDone, compared, copy_all, sealed_length
from notary.usecases.overview import Counts, Figures, Health, Overview
from notary.usecases.priority import Priority, PriorityLane
from notary.usecases.publish import Published, Publisher
from notary.usecases.read import RecordReader, StoredEvidence, sweep_orphans
from notary.usecases.restore import Restored
from notary.usecases.restore import restore as restore_backup
from notary.usecases.retention import Retention
from notary.usecases.rotate_kek import RotationDone, rotate_kek
from notary.usecases.rotate_keys import HandedOver, KeyRotation, KeySetShown
from notary.usecases.seal import Block, Sealer
from notary.usecases.show import RecordShelf
from notary.usecases.sources import Source, Sources, source_row
from notary.usecases.stamp import PinnedAuthority, Stamper, StampSettings
from notary.usecases.standing import STORE_BEHIND_SIGNED, GuardedAcceptor, Standing
from notary.usecases.succession import read_checkpoint, retire, state_continuation
from notary.worker import Worker
from verifier.format import contract, numbers
from verifier.format.errors import FormatError
from verifier.format.key_sets import KeySet
from verifier.format.predecessor import Predecessor

GWEI = 10**9
KEYS_END_SOON = timedelta(days=14)  # time to bring a new key to where the old one is
MARK_BYTES = 8  # of a process, so that a number that is used again is no other's lease
PARTING_S = 5  # a sweep is waited for so long at the end; what it leaves, the next one takes
CONTINUES = "continues:"  # how the matter of a hand-over is found again, before the log's name

# A local chain makes a block a second; the timers of the public ones would make people wait.
DEMO_TIMERS: dict[str, Any] = {"poll_s": 1, "rebroadcast_s": 5, "bump_s": 10, "max_fee_gwei": 1000}


def open_service(home: Home) -> Service:
    """Open the service of a home. Raises CallerError when keys, store and configuration don't fit."""
    database = Database(home.database)
    try:
        require_current(database)
        identity, keyring = log_rows.open_log(database, load_keys(home.keys))
        wanted = home.config.identity
        if identity != wanted:
            raise CallerError(
                "CONFIG_OF_OTHER_LOG",
                f"the store holds {identity}; {config.CONFIG_NAME} names {wanted}. Mend the configuration.",
            )
    except BaseException:
        database.close()
        raise
    return Service(home, database, identity, keyring)


def restore(
    source: Path,
    folder: Path,
    keys: Path | None,
    bars: Bars,
    erasures: Path | None = None,
    *,
    none_erased: bool = False,
    database: str | None = None,
) -> Restored:
    """Make a home from a backup (usecases.restore)."""
    return restore_backup(
        source,
        folder,
        keys,
        SystemClock(),
        bars,
        open_objects,
        erasures,
        none_erased=none_erased,
        database=database,
    )


def place_of(home: Home, url: str, endpoint: str, region: str) -> ObjectStore:
    """Another place for the originals of a home; without a URL its own folder."""
    settings = replace(home.config, objects=url, objects_endpoint=endpoint, objects_region=region)
    return open_objects(Home(home.folder, settings))


def predecessor(source: Path, log: str) -> Predecessor:
    """The last checkpoint of a home whose log `log` follows, or the one in a file.

    Raises CallerError NOT_RETIRED or SUCCESSOR_OTHER for a home, PREDECESSOR_FILE for a file.
    """
    if not source.is_dir():
        try:
            found = read_checkpoint(source.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, FormatError) as error:
            raise CallerError("PREDECESSOR_FILE", f"{source} is no checkpoint: {error}") from error
        if found.log == log:
            raise CallerError("SUCCESSOR_ITSELF", f"{log} can't follow itself.")
        return found
    with opened(config.load(source)) as service:
        if service.successor is None:
            raise CallerError(
                "NOT_RETIRED",
                f"{service.identity.name} is not retired. Run: notary retire --log "
                f"{service.identity.name} --successor {log} --home {source}",
            )
        if service.successor != log:
            raise CallerError(
                "SUCCESSOR_OTHER",
                f"{service.identity.name} names {service.successor} as its successor.",
            )
        return read_checkpoint(service.newest_checkpoint())


def work(
    home: Home,
    report: Callable[[str], None],
    stop: threading.Event,
    *,
    then: Callable[[Service], None] | None = None,
) -> None:
    """Be the log's worker until `stop` is set, standing by while another one is.

    With `then`, work until nothing is left to do, call it and end; stand by for nobody. Raises as `Worker`
    does, and NothingHappened WORKER_RUNS with `then` while another one is at work.
    """
    while not stop.is_set():
        # Opened anew for each turn: what a process knew when it lost the lease may be old.
        with opened(home) as service:
            try:
                _work_once(service, report, stop, then)
            except NothingHappened as error:
                if error.code != LEASE_LOST or then is not None:
                    raise
                report(f"{error.code}: {error}")
                continue
            return


def _work_once(
    service: Service,
    report: Callable[[str], None],
    stop: threading.Event,
    then: Callable[[Service], None] | None,
) -> None:
    with service.as_worker(report, stop, wait=then is None) as is_mine:
        if not is_mine:
            return
        worker = service.worker(report)
        with (
            service.sweeping(report),
            service.courier(report).at_work(),
            service.stamper(report).at_work(),
            service.dkim_checker(report).at_work(),
        ):
            if then is None:
                worker.run(stop)
            else:
                worker.run_until_idle()
                then(service)


@contextmanager
def opened(home: Home) -> Iterator[Service]:
    """The service of a home, closed at the end."""
    service = open_service(home)
    try:
        yield service
    finally:
        service.close()


class Service:
    """Everything wired. Parts are made when first asked for; the chain's library loads only then."""

    def __init__(
        self, home: Home, database: Database, identity: LogIdentity, keyring: Keyring
    ) -> None:
        self.home = home
        self.identity = identity
        self._database = database
        self._keys = keyring
        self._clock = SystemClock()
        self._entropy = SystemEntropy()
        self._objects = open_objects(home)
        self._preparers = Preparers()
        self._mark = MarkFile(home.keys, identity.name)
        self.standing = Standing(database, self._mark)
        self.register = StoredMatterRegister(
            database, keyring, self._clock, self._entropy, identity
        )
        self.sources = Sources(
            StoredSources(database, keyring, self._clock, self._entropy, identity)
        )
        self._source_keys: dict[tuple[int, str], bytes] = {}
        self.agencies = AgencyRegister(database, keyring, self._clock, self._entropy)
        self.record_names = RecordNames(keyring.lookup_secret)
        self.batch_log = StoredBatchLog(database)
        self.book = AnchorStore(database)
        self.reader = RecordReader(database, self._objects, keyring, identity)
        self.shelf = RecordShelf(self.reader, self.register, self.book)
        self.token_book = StoredTokens(database)
        self.exporter = Exporter(
            identity,
            self.register,
            self.batch_log,
            self.book,
            StoredEvidence(database, self._objects, keyring, identity),
            self.token_book,
            timedelta(seconds=home.config.timestamp_gap_s),
        )
        self.export_jobs = ExportJobs(
            StoredExports(database, keyring, self._entropy),
            self.exporter,
            self._objects,
            keyring,
            self._clock,
            self._entropy,
            home.data,
        )
        self._imports = StoredImports(database, keyring, self._entropy)
        self.findings = FindFindings(self.reader, self.register, self._imports, self.sources)
        self.acceptor = GuardedAcceptor(
            RecordAcceptor(
                StoredRecords(database),
                self._objects,
                keyring,
                self._clock,
                self._entropy,
                identity,
                max_deadline_s=home.config.max_deadline_s,
                preparing=self._preparers,
            ),
            self.standing,
        )
        self.custody = CustodyDesk(
            self.acceptor,
            self.reader,
            HeldCustody(database, keyring),
            self._clock,
            self._entropy,
        )
        self.dkim_checks = StoredDkimChecks(database)
        self._pulse = StoredPulse(database, self._clock)
        self._audits = AuditFile(home.data)
        self.notices = StoredNotices(database, self._entropy)
        self._committer: GroupCommitter | None = None
        self._lock = threading.Lock()

    @cached_property
    def agency_id(self) -> int:
        """The agency that the command line is about: the named one, else the only one.

        Raises CallerError AGENCY_UNKNOWN, or AGENCY_WANTED where none of several is named.
        """
        name = os.environ.get(config.AGENCY_VARIABLE)
        found = self.agencies.all()
        if name is None and len(found) > 1:
            raise CallerError(
                "AGENCY_WANTED",
                f"this service has {len(found)} agencies. Name one: notary --agency NAME …; "
                "`notary agency list` lists them.",
            )
        for one in found:
            if name in (None, one.name):
                return one.agency_id
        raise CallerError(
            "AGENCY_UNKNOWN", f"there is no agency {name!r}. `notary agency list` lists them."
        )

    def record_row(self, word: str) -> int:
        """The row of the agency's record that is called so, by its row number or by its name over HTTP."""
        if word.isascii() and word.isdigit():
            return int(word)
        return self.record_names.row(self.agency_id, word)

    @property
    def key_set(self) -> KeySet:
        """The key set in force: what policies pin."""
        with self._database.reading() as connection:
            return self._keys.signers.of(log_rows.keys_in_force(connection).keys).key_set

    @property
    def checkpoint_vkeys(self) -> tuple[str, ...]:
        """What policies pin for checkpoints."""
        return tuple([key.text for key in self.key_set.checkpoint])

    @property
    def receipt_vkey(self) -> str:
        """What policies pin for receipts."""
        return self.key_set.receipt.text

    @property
    def committer(self) -> GroupCommitter:
        """The one writer of this process."""
        with self._lock:
            if self._committer is None:
                self._committer = GroupCommitter(self.acceptor)
                self._committer.start()
            return self._committer

    @cached_property
    def _sealer(self) -> Sealer:
        settings = self.home.config
        return Sealer(
            self._database,
            self._keys,
            self.identity,
            self._mark,
            cadence_s=settings.cadence_s,
            max_batch_records=settings.max_batch_records,
            max_deadline_s=settings.max_deadline_s,
        )

    @cached_property
    def _ingest(self) -> Ingest:
        return Ingest(
            self.acceptor,
            self.register,
            self._imports,
            self.dkim_checks,
            self._clock,
            self.source_key,
        )

    @cached_property
    def _signer(self) -> DeferredSigner:
        return DeferredSigner(self.identity.log_address, self.home.keys)

    @cached_property
    def _chain(self) -> Any:
        from notary.adapters.chain.compared import ComparedChain

        return ComparedChain(
            self.home.config.endpoints,
            self.identity.contract,
            self.identity.log_address,
            self._clock,
        )

    @cached_property
    def anchorer(self) -> Anchorer:
        """The sender of this log."""
        from notary.adapters.chain.prover import VerifierProcess

        settings = self.home.config
        return Anchorer(
            self.identity,
            self.batch_log,
            self.book,
            self._chain,
            self._signer,
            VerifierProcess(),
            AnchorSettings(
                max_fee_cap=settings.max_fee_gwei * GWEI,
                spend_per_day=settings.spend_per_day_wei(),
                poll=timedelta(seconds=settings.poll_s),
                rebroadcast=timedelta(seconds=settings.rebroadcast_s),
                bump=timedelta(seconds=settings.bump_s),
                bump_sooner=timedelta(seconds=settings.priority_bump_s),
                as_of_refresh=timedelta(seconds=settings.as_of_refresh_s),
            ),
            self._lane,
            self._database.check_guard,
        )

    @cached_property
    def _lane(self) -> PriorityLane:
        settings = self.home.config
        return PriorityLane(
            StoredPriority(self._database),
            self.book,
            every=timedelta(seconds=settings.priority_every_s),
            spend_per_day=settings.spend_per_day_wei(),
        )

    def close(self) -> None:
        """Finish what was submitted and close the store."""
        if self._committer is not None:
            self._committer.close()
        self._preparers.close()
        self._database.close()

    # Matters and records.

    def new_matter(self, agency_id: int, title: str, accounts: Sequence[str]) -> Matter:
        """Register a matter under a new number."""
        return open_matter(self.register, self.identity, self._entropy, agency_id, title, accounts)

    def matter(self, agency_id: int, number: str) -> Matter:
        """The agency's matter of that number. Raises FormatError naming a wrong character."""
        found = self.register.by_key(agency_id, numbers.parse(number).key)
        if found is None:
            raise CallerError(
                "MATTER_UNKNOWN", f"{number} is no matter of this agency. See `notary matter list`."
            )
        return found

    def source_key(self, agency_id: int, name: str) -> bytes:
        """The key of the agency's source of that name or number. Raises CallerError SOURCE_UNKNOWN."""
        # A source keeps its name and key for ever, and every record asks.
        found = self._source_keys.get((agency_id, name))
        if found is None:
            found = self.sources.find(agency_id, name).key
            self._source_keys[agency_id, name] = found
        return found

    def ingest(
        self,
        agency_id: int,
        paths: Sequence[Path],
        *,
        matter: str | None = None,
        column_map: Path | None = None,
        source: str | None = None,
        rejects: Path | None = None,
        unassigned: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Take files in, or with `unassigned` the rows that wait for their account."""
        if unassigned == bool(paths):
            raise CallerError("PATHS_WANTED", "name files and folders, or --unassigned alone.")
        if unassigned:
            return self._ingest.run_unassigned(agency_id, dry_run=dry_run, progress=progress)
        key = None if matter is None else self.matter(agency_id, matter).key
        maps = () if column_map is None else (load_map(column_map),)
        return self._ingest.run(
            agency_id,
            paths,
            maps=maps,
            matter_key=key,
            source=source,
            rejects=rejects,
            dry_run=dry_run,
            progress=progress,
        )

    def event_import(
        self, agency_id: int, matter: str, chain: EventChain | None, reading: EventReading | None
    ) -> EventImport:
        """Takes events of foreign contracts into a matter (usecases.foreign_events)."""
        key = self.matter(agency_id, matter).key
        return EventImport(self.acceptor, agency_id, key, chain, reading)

    # Anchoring.

    def worker(self, report: Callable[[str], None]) -> Worker:
        """The worker of this service. Raises Contradiction if the store is older than its keys."""
        trouble = self.standing.trouble()
        if trouble is not None and trouble.code == STORE_BEHIND_SIGNED:
            raise Contradiction(trouble.code, str(trouble))
        self.eraser.enforce()
        return Worker(
            lambda: self.sources.close(self._clock.now()),
            _Sealing(self),
            _Anchoring(self),
            self._pulse,
            _Watch(self),
            self.home.config.poll_s,
            report,
        )

    @contextmanager
    def sweeping(self, report: Callable[[str], None]) -> Iterator[None]:
        """Take away originals that no record names, once, beside what the block does."""
        over = threading.Event()

        def sweep() -> None:
            try:
                sweep_orphans(self._database, self._objects, self._clock.now(), over.is_set)
            except NothingHappened as error:
                report(f"sweep of originals: {error.code}: {error}")

        # A daemon: a bucket that hangs must not keep the process from ending.
        thread = threading.Thread(target=sweep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(PARTING_S)

    def courier(self, report: Callable[[str], None]) -> Courier:
        """Brings notices of alarms and anchors to the webhooks."""
        return Courier(self.notices, self.receivers, self.identity.name, self._clock, report)

    def test_webhooks(self, name: str | None) -> dict[str, str | None]:
        """Send each webhook, or the named one, a message; why it did not take it, by its name."""
        wanted = [one for one in self.receivers if name in (None, one.name)]
        if not wanted:
            raise CallerError(
                "WEBHOOK_UNKNOWN",
                f"{config.CONFIG_NAME} has no [[webhook]]{f' named {name}' if name else ''}. Add it first.",
            )
        results: dict[str, str | None] = {}
        for one in wanted:
            try:
                send_test(one, self.identity.name, self._clock.now(), self._entropy)
                results[one.name] = None
            except NothingHappened as error:
                results[one.name] = f"{error.code}: {error}"
        return results

    @property
    def receivers(self) -> list[HttpReceiver]:
        """The webhooks."""
        return [
            HttpReceiver(one.name, one.url, self.home.folder / one.secret)
            for one in self.home.config.webhook
        ]

    def stamper(self, report: Callable[[str], None]) -> Stamper:
        """Gets time-stamp tokens. Raises CallerError if the roots of an authority can't be read."""
        settings = self.home.config
        return Stamper(
            [_pinned(one) for one in settings.timestamp],
            self.token_book,
            self.batch_log,
            self._clock,
            self._entropy,
            StampSettings(
                gap=timedelta(seconds=settings.timestamp_gap_s),
                renew_before=timedelta(seconds=settings.renew_before_s),
            ),
            report,
        )

    def dkim_checker(self, report: Callable[[str], None]) -> DkimChecker:
        """Checks the signatures of messages. Raises CallerError if the setting names no resolver."""
        return DkimChecker(
            self.dkim_checks,
            self._imports,
            # A message is the one attachment of its record.
            lambda agency_id, record_id: self.reader.open_attachment(agency_id, record_id, 0),
            self.acceptor,
            key_records(self.home.config.dkim_resolver),
            self._clock,
            report,
        )

    def anchor_now(self) -> Priority:
        """Ask that what is acknowledged be sealed and anchored at once; how far that is."""
        self.standing.require()
        return self._lane.ask(self._clock.now())

    @contextmanager
    def as_worker(
        self, report: Callable[[str], None], stop: threading.Event, *, wait: bool
    ) -> Iterator[bool]:
        """Be the one worker of this log while the block runs; its writes are refused once it is not.

        Stands by until it can be; False if `stop` was set before. Raises NothingHappened WORKER_RUNS without
        `wait`, if another one is at work.
        """
        mark = self._entropy.token(MARK_BYTES).hex()
        name = f"{socket.gethostname()}:{os.getpid()}:{mark}"
        folder = self.home.data / "workers"
        # Connections of its own: it is not guarded by what it guards, and a renewal waits for nobody's.
        database = Database(self._database.place)
        post = Post(
            StoredLeases(database, self._clock),
            name,
            lambda other: is_gone(folder, other.rpartition(":")[2]),
            report,
        )
        try:
            with alive(folder, mark), post.held(stop, wait=wait) as lease:
                if lease is not None:
                    self._database.guard = partial(require_lease, lease=lease)
                    clear(folder)
                yield lease is not None
        finally:
            self._database.guard = None
            database.close()

    def deploy_contract(self) -> str:
        """Put the contract on the chain unless it is there; say which."""
        from notary.adapters.chain.deployment import deploy

        done = deploy(self._chain, self._signer, max_fee_cap=self.home.config.max_fee_gwei * GWEI)
        word = "deployed now" if done.deployed_now else "was there already"
        return f"contract {_zerox(done.address)} on chain {self.identity.chain_id} {word}"

    def contract_said(self) -> str:
        """Whether the contract's code stands at its address."""
        found = self._chain.identity()
        if found.code_hash == contract.RUNTIME_CODE_HASH:
            return (
                f"contract {_zerox(contract.ADDRESS)} on chain {found.chain_id}: the expected code"
            )
        return (
            f"contract {_zerox(contract.ADDRESS)} on chain {found.chain_id}: not there "
            f"(code hash {_zerox(found.code_hash)}). `notary contract deploy` puts it there."
        )

    # Erasure.

    @cached_property
    def holds(self) -> Holds:
        """Legal holds (usecases.holds)."""
        return Holds(self._database, self.reader, self.acceptor, self._entropy, self._erasing_lock)

    @cached_property
    def retention(self) -> Retention:
        """How long records are kept, by the operator's rules (usecases.retention)."""
        return Retention(
            self.home.folder / RETENTION_NAME,
            self._database,
            self.reader,
            self.register,
            self.holds,
            self._clock,
        )

    @cached_property
    def planner(self) -> Planner:
        """What erasures would do (usecases.erasure_plan)."""
        return Planner(self._database, self.reader, self._keys, self.holds, self.retention)

    @cached_property
    def eraser(self) -> Eraser:
        """Erases records (usecases.erase)."""
        return Eraser(
            self._database,
            self._objects,
            self.register,
            self._keys,
            self.acceptor,
            self.planner,
            self.holds,
            ErasureFile(self.home.keys, self.identity.name),
            self._clock,
            self._erasing_lock,
        )

    @property
    def _erasing_lock(self) -> Path:
        return self.home.data / "erasing.lock"

    def write_certificate(self, matter: Matter, positions: Sequence[int], out: Path) -> None:
        """Write the certificate of erasures that took place (usecases.certificate)."""
        erased = self.planner.plan(matter, positions, None)
        known = standings(self.eraser.erasures.lines())
        told = issue(self.identity, self.reader, matter, erased, known, self._clock.now())
        with whole_file(out, "CERTIFICATE_FILE") as file:
            file.write(told)

    # Backups.

    def backup(self, folder: Path) -> Backup:
        """The backups of this service in a folder. Raises CallerError BACKUP_PLACE."""
        return Backup(self.home, self._database, self._objects, self.identity, folder, self._clock)

    def run_backup(self, task: Backup, keys: Path | None, folder: Path, bars: Bars) -> BackupDone:
        """Run it; with `keys`, copy the key folder there as well."""
        if keys is None:
            return task.run(bars)
        # Rows and keys of one moment: no rotation may take a key away between the two copies.
        with rotation_lock(self.home.keys):
            copy_keys(self.home.keys, keys, apart_from=folder)
            return task.run(bars)

    def key_sets(self) -> list[KeySetShown]:
        """The signing key sets at hand, in the order in which they were made."""
        return self._rotation.shown()

    @cached_property
    def _rotation(self) -> KeyRotation:
        keys = self.home.keys
        return KeyRotation(
            self._database,
            self._keys,
            self._sealer,
            self.book,
            lambda: add_set(keys, self._entropy),
            lambda numbers: destroy_sets(keys, numbers),
        )

    def rotate_keys(self) -> HandedOver:
        """Hand the log over to its next key set (usecases.rotate_keys)."""
        with rotation_lock(self.home.keys):
            self._rotation.retire()
            now = self._clock.now()
            return self._rotation.rotate(now, self._recent_block(now))

    def retire_keys(self) -> list[int]:
        """Destroy the key sets that an anchored hand-over has left behind; their numbers."""
        with rotation_lock(self.home.keys):
            return self._rotation.retire()

    def _recent_block(self, now: datetime) -> Block | None:
        # A block that is older than a cadence says little; then the chain is asked for a newer one.
        fresh = timedelta(seconds=self.home.config.cadence_s)
        block = self.anchorer.recent_block(now, fresh)
        if block is None:
            return None
        return block.chain_id, block.number, block.hash, block.header

    def rotate_kek(self, keep_old: Path | None, bars: Bars) -> RotationDone:
        """Change the key encryption key (usecases.rotate_kek)."""
        return rotate_kek(self._database, self.home.keys, self._entropy, keep_old, bars)

    # Export.

    def export(
        self,
        agency_id: int,
        order: ExportOrder,
        out: Path | None,
        progress: Progress,
        purpose: str | None = None,
    ) -> ExportResult:
        """Write a package to `out`, whole or not at all; with None only check the order.

        The file gets its name when it is on record who took it.
        """
        request = self.local_request(purpose)
        if out is None:
            with Path(os.devnull).open("wb") as nowhere:
                return self.exporter.export(agency_id, order, nowhere, progress)
        with whole_file(out, "EXPORT_FILE") as file:
            result = self.exporter.export(agency_id, order, file, progress)
            file.flush()
            sha256 = digest_of(Path(file.name)).hex()
            item = self.custody.export(request, order, result, sha256, file.tell())
            if item is not None:
                self.custody.file(agency_id, item)
            return result

    def local_request(self, purpose: str | None) -> Request:
        """A request by whoever runs a command on this machine."""
        return self.custody.request(f"{LOCAL}{account()}", purpose)

    def show_record(self, agency_id: int, record_id: int, purpose: str | None) -> dict[str, Any]:
        """One record with its content, on record before it is shown."""
        request = self.local_request(purpose)
        shown = self.shelf.shown(agency_id, record_id)
        item = self.custody.reading(request, self.reader.by_id(agency_id, record_id))
        if item is not None:
            self.custody.file(agency_id, item)
        return shown

    def find_findings(
        self,
        agency_id: int,
        matter: str | None,
        source: str | None,
        purpose: str | None,
        progress: Progress,
    ) -> Report:
        """What does not fit in the agency's records; on record for each matter whose records it names."""
        self.local_request(
            purpose
        )  # a purpose that can't be recorded is refused before anything is read
        number = None if matter is None else self.matter(agency_id, matter).number
        report = self.findings.run(agency_id, matter=number, source=source, progress=progress)
        matters = {one.number: one.key for one in self.register.all(agency_id)}
        for name, positions in report.named().items():
            request = self.local_request(purpose)
            now = self._clock.now()
            item = custody_record(matters[name], request, Action.READ, now, positions)
            self.custody.file(agency_id, item)
        return report

    # Public material.

    def publish(self, folder: Path, progress: Progress) -> Published:
        """Add what is sealed to the public folder."""
        return Publisher(self.identity, self.batch_log, self.book).publish(folder, progress)

    def lint_public(self, paths: Sequence[Path], bars: Bars) -> Linted:
        """Search everything public for everything personal (usecases.lint_public)."""
        erasures = ErasureFile(self.home.keys, self.identity.name)
        answers = {
            "GET /health": repr(self.health()).encode(),
            "GET /metrics": repr(self.figures()).encode(),
            erasures.path.name: "\n".join(erasures.texts()).encode(),
        }
        return PublicLinter(
            [one.agency_id for one in self.agencies.all()],
            self.register,
            self.reader,
            Publisher(self.identity, self.batch_log, self.book),
            self.book,
            self.home.data,
            answers,
        ).run(paths, bars)

    # One log after another.

    def retire(self, successor: str) -> SealedBatch:
        """Seal the last batch of this log, which names its successor (usecases.succession)."""
        now = self._clock.now()
        return retire(self._sealer, self.identity.name, successor, now, self._recent_block(now))

    @property
    def successor(self) -> str | None:
        """The log that follows this one, once it is retired."""
        with self._database.reading() as connection:
            return log_rows.successor(connection)

    def state_continuation(self, predecessor: Predecessor) -> tuple[Matter, Accepted]:
        """Record, in a matter of the log's own, that this log continues another one."""
        account = f"{CONTINUES}{predecessor.log}"
        matter = self.register.by_account(self.agency_id, account)
        if matter is None:
            title = f"{self.identity.name} continues {predecessor.log}"
            matter = self.new_matter(self.agency_id, title, (account,))
        actor = self.home.config.agency
        told = state_continuation(self.acceptor, self.agency_id, matter, predecessor, actor)
        return matter, told

    # Audit.

    def audit(self, rpcs: Sequence[str], since: int, full: bool, progress: Progress) -> AuditState:
        """Ask again whether every stored proof holds (usecases.chain_audit)."""
        from notary.adapters.chain.web3_chain import Web3Chain

        identity = self.identity
        chains = [
            Web3Chain(rpc, identity.contract, identity.log_address)
            for rpc in rpcs or self.home.config.endpoints
        ]
        questions = Questions(
            identity,
            self.book,
            self.batch_log,
            chains,
            self._check_store,
            lambda: compared(self._wanted_originals(), self._objects.listed()),
        )
        with only_one(
            self.home.data / "audit.lock",
            NothingHappened("AUDIT_RUNS", "another audit is at work on this home."),
        ):
            return Audit(questions, self._audits).run(
                self._clock.now, progress, since=since, full=full
            )

    def _check_store(self) -> None:
        with opened_live(self._database) as connection:
            check_rows(connection, self.identity, lambda done, total: None)

    def _wanted_originals(self) -> list[tuple[bytes, int]]:
        """Every original that a record names, ascending, with the bytes that it should have, sealed."""
        with self._database.reading() as connection:
            named = named_attachments(connection)
        return [(name, sealed_length(size)) for name, size in named]

    def copy_originals(self, target: ObjectStore, progress: Progress, *, dry_run: bool) -> CopyDone:
        """Copy every original to another place (usecases.originals)."""
        return copy_all(self._wanted_originals(), self._objects, target, progress, dry_run=dry_run)

    # State.

    def newest_checkpoint(self) -> str:
        """The newest signed checkpoint."""
        size = self.batch_log.size()
        if size == 0:
            raise CallerError("CHECKPOINT_UNKNOWN", "nothing is sealed yet.")
        return self.batch_log.checkpoint(size)

    @cached_property
    def _board(self) -> AlarmBoard:
        settings = self.home.config
        return AlarmBoard(
            self.book,
            self.batch_log,
            self.standing,
            self.notices,
            self._audits,
            max_deadline=timedelta(seconds=settings.max_deadline_s),
            receivers=[one.name for one in settings.webhook],
            anchor_receivers=[one.name for one in settings.webhook if one.anchors],
            token_book=self.token_book,
            authorities=[one.name for one in settings.timestamp],
            sources=self._source_findings,
        )

    @property
    def _overview(self) -> Overview:
        return Overview(
            self.home.config,
            self.batch_log,
            self.book,
            self._board,
            self._pulse,
            self.token_book,
            self._lane,
            StoredLeases(self._database, self._clock),
        )

    def endpoints(self) -> tuple[EndpointState, ...]:
        """The chain's endpoints as the worker last met them. Asks none of them."""
        return self.book.endpoints()

    def health(self) -> Health:
        """Whether records get sealed and anchored, from the store alone."""
        return self._overview.health(self._clock.now())

    def status(self, agency_id: int | None = None) -> dict[str, Any]:
        """What people ask first, as `notary status --json` prints it; counts of one agency, or of all."""
        told = self._overview.status(
            self._clock.now(),
            self.anchorer,
            self._counts(agency_id),
            self._waiting_notices(),
            of_sources=agency_id is None,
        )
        waiting, error = self.dkim_checks.waiting(agency_id)
        now = self._clock.now()
        return {
            **told,
            "successor": self.successor,
            "keys_ending": [
                key.ending
                for one in self._agencies_meant(agency_id)
                for key in self.agencies.keys_ending(one, KEYS_END_SOON)
            ],
            "originals": self._objects.place,
            "dkim": {"waiting": waiting, "last_error": error},
            "sources": [source_row(one, now) for one in self._all_sources(agency_id)],
        }

    def figures(self) -> Figures:
        """What monitoring reads, from the store alone."""
        return self._overview.figures(
            self._clock.now(),
            self._counts(),
            self._waiting_notices(),
            self.export_jobs.book.counts(),
            self._all_sources(),
        )

    def _all_sources(self, agency_id: int | None = None) -> list[Source]:
        return [
            one
            for agency in self.agencies.all()
            if agency_id in (None, agency.agency_id)
            for one in self.sources.all(agency.agency_id)
        ]

    def _source_findings(self, now: datetime) -> dict[str, list[SourceFinding]]:
        found: dict[str, list[SourceFinding]] = {}
        for agency in self.agencies.all():
            for name, said in self.sources.findings(agency.agency_id, now).items():
                found.setdefault(name, []).extend(said)
        return found

    def _waiting_notices(self) -> dict[str, Waiting]:
        return {one.name: self.notices.waiting(one.name) for one in self.home.config.webhook}

    def _agencies_meant(self, agency_id: int | None) -> list[int]:
        """The one, or all."""
        return [one.agency_id for one in self.agencies.all()] if agency_id is None else [agency_id]

    def _counts(self, agency_id: int | None = None) -> Counts:
        """What the store holds of one agency, or of all."""
        counted = [
            (
                *self.register.counts(one),
                self._sealer.unsealed(one),
                self._imports.waiting_count(one),
            )
            for one in self._agencies_meant(agency_id)
        ]
        return Counts(*[sum(column) for column in zip(*counted, strict=True)])


def _pinned(one: config.Authority) -> PinnedAuthority:
    # Imported here: reading certificates takes long to load, and only the worker does it.
    from verifier.format.timestamp_authority import read_roots

    try:
        roots = read_roots(one.roots)
    except FormatError as error:
        raise CallerError(
            "CONFIG_INVALID",
            f"{config.CONFIG_NAME}: the roots of authority {one.name}: {error.message}. Paste the PEM "
            "of its root certificates.",
        ) from error
    return PinnedAuthority(HttpAuthority(one.name, one.url), roots)


@dataclass(frozen=True)
class _Sealing:
    """notary.worker.Sealing over the service's parts."""

    service: Service

    def due(self) -> bool:
        now = self.service._clock.now()
        return self.service._sealer.due(now) or self.service._lane.due(now)

    def pending(self) -> bool:
        return self.service._sealer.unsealed() > 0

    def seal(self) -> int:
        now = self.service._clock.now()
        self.service.custody.enter_held()
        # While another command holds the key folder, the next batch finds them as well.
        with suppress(NothingHappened):
            self.service.retire_keys()
        # A restored store can't take a tombstone in before it was compared with the chain. A register that
        # can't be read does not stop the sealing, but the next start.
        with suppress(NothingHappened, CallerError):
            self.service.eraser.finish()
        return self.service._sealer.seal(now, self.service._recent_block(now)).index


@dataclass(frozen=True)
class _Watch:
    """notary.worker.Watch over the board of alarms."""

    service: Service

    def look(self, stopped: str | None) -> None:
        self.service._board.look(self.service._clock.now(), stopped)


class _Anchoring:
    """notary.worker.Anchoring over the sender."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # Until the first step nothing is known of the chain.
        self._idle = False
        self._trouble: str | None = None

    def step(self) -> str:
        step = self._service.anchorer.step(self._service._clock.now())
        self._idle, self._trouble = step.idle, step.trouble
        return "; ".join(step.happened)

    def idle(self) -> bool:
        return self._idle

    def trouble(self) -> str | None:
        return self._trouble


def _zerox(raw: bytes) -> str:
    return "0x" + raw.hex()
