"""What one log's service is made of: its stores, its way in, its sealer and its sender.

Parts are made when first asked for; the chain's library loads only then. Test: tests/scenarios/service.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from notary import config
from notary.adapters.audit_file import AuditFile
from notary.adapters.chain.account import DeferredSigner
from notary.adapters.keys.mark import MarkFile
from notary.adapters.objects.places import open_objects
from notary.adapters.preparers import Preparers
from notary.adapters.store import log as log_rows
from notary.adapters.store.agencies import AgencyRegister
from notary.adapters.store.anchors import AnchorStore
from notary.adapters.store.batches import StoredBatchLog
from notary.adapters.store.custody import HeldCustody
from notary.adapters.store.database import Database
from notary.adapters.store.dkim_checks import StoredDkimChecks
from notary.adapters.store.evidence import StoredEvidence
from notary.adapters.store.exports import StoredExports
from notary.adapters.store.imports import StoredImports
from notary.adapters.store.matters import StoredMatterRegister
from notary.adapters.store.notices import StoredNotices
from notary.adapters.store.people_log import PeopleLog
from notary.adapters.store.priority import StoredPriority
from notary.adapters.store.pulse import StoredPulse
from notary.adapters.store.records import StoredRecords
from notary.adapters.store.restorations import StoredStanding
from notary.adapters.store.sealing import StoredSealing
from notary.adapters.store.sources import StoredSources
from notary.adapters.store.timestamps import StoredTokens
from notary.adapters.system import SystemClock, SystemEntropy, account
from notary.adapters.webhook import HttpReceiver
from notary.chain_ports import EndpointState
from notary.config import Home
from notary.core.custody import LOCAL, Request
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.record_names import KEY_PREFIX, RecordNames
from notary.core.roles import Giver
from notary.errors import CallerError
from notary.ports import Matter
from notary.usecases.accept import RecordAcceptor
from notary.usecases.anchor import Anchorer, AnchorSettings
from notary.usecases.commit import GroupCommitter
from notary.usecases.custody import CustodyDesk
from notary.usecases.evidence import EvidenceReader
from notary.usecases.export import Exporter
from notary.usecases.export_jobs import ExportJobs
from notary.usecases.export_sources import NamedSource
from notary.usecases.findings import FindFindings
from notary.usecases.matters import open_matter
from notary.usecases.priority import PriorityLane
from notary.usecases.read import RecordReader
from notary.usecases.seal import Block, Sealer
from notary.usecases.show import RecordShelf
from notary.usecases.sources import Sources
from notary.usecases.standing import GuardedAcceptor, Standing
from verifier.format import numbers, source_log
from verifier.format.digests import Digest
from verifier.format.key_sets import KeySet

GWEI = 10**9


class Parts:
    """The adapters and use cases of one home, wired; others are added by who needs them."""

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
        self.standing = Standing(StoredStanding(database), self._mark)
        self.register = StoredMatterRegister(
            database, keyring, self._clock, self._entropy, identity
        )
        self.sources = Sources(
            StoredSources(database, keyring, self._clock, self._entropy, identity)
        )
        self._source_keys: dict[tuple[int, str], bytes] = {}
        self.agencies = AgencyRegister(database, keyring, self._clock, self._entropy)
        self.people_log = PeopleLog(database)
        self.record_names = RecordNames(keyring.lookup_secret)
        self.key_names = RecordNames(keyring.lookup_secret, KEY_PREFIX)
        self.batch_log = StoredBatchLog(database)
        self.book = AnchorStore(database)
        records = StoredRecords(database)
        self.reader = RecordReader(records, self._objects, keyring, identity)
        self.shelf = RecordShelf(self.reader, self.register, self.book)
        self.token_book = StoredTokens(database)
        self.exporter = Exporter(
            identity,
            self.register,
            self.batch_log,
            self.book,
            EvidenceReader(StoredEvidence(database), self.reader, keyring, identity),
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
                records,
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
            StoredSealing(self._database),
            self.standing,
            self._keys,
            self.identity,
            self._mark,
            cadence_s=settings.cadence_s,
            max_batch_records=settings.max_batch_records,
            max_deadline_s=settings.max_deadline_s,
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

    def named_source(self, agency_id: int, name: str, since: str | None) -> NamedSource:
        """A source to show in a package, all of it from a day on.

        Raises CallerError SOURCE_UNKNOWN, FormatError for what is no day.
        """
        day = None if since is None else source_log.parse_day(since)
        return NamedSource(Digest(self.source_key(agency_id, name)), day)

    @property
    def receivers(self) -> list[HttpReceiver]:
        """The webhooks."""
        return [
            HttpReceiver(one.name, one.url, self.home.folder / one.secret)
            for one in self.home.config.webhook
        ]

    def _recent_block(self, now: datetime) -> Block | None:
        # A block that is older than a cadence says little; then the chain is asked for a newer one.
        fresh = timedelta(seconds=self.home.config.cadence_s)
        block = self.anchorer.recent_block(now, fresh)
        if block is None:
            return None
        return block.chain_id, block.number, block.hash, block.header

    def local_request(self, purpose: str | None) -> Request:
        """A request by whoever runs a command on this machine."""
        return self.custody.request(f"{LOCAL}{account()}", purpose)

    @cached_property
    def giver(self) -> Giver:
        """Whoever runs a command on this machine: they may give all."""
        return Giver(f"{LOCAL}{account()}")

    @property
    def successor(self) -> str | None:
        """The log that follows this one, once it is retired."""
        with self._database.reading() as connection:
            return log_rows.successor(connection)

    def newest_checkpoint(self) -> str:
        """The newest signed checkpoint."""
        size = self.batch_log.size()
        if size == 0:
            raise CallerError("CHECKPOINT_UNKNOWN", "nothing is sealed yet.")
        return self.batch_log.checkpoint(size)

    def endpoints(self) -> tuple[EndpointState, ...]:
        """The chain's endpoints as the worker last met them. Asks none of them."""
        return self.book.endpoints()
