"""Takes records in: check, keep the originals, then one commit with one signature, then answer.

Spec: docs/spec/format.md §5, §6, §12; docs/design/0001-storage-encryption.md. Tests:
tests/unit/store/test_accept.py, and tests/unit/store/test_crash.py, which kills the process at any
moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives import hashes

from notary.adapters.objects.folder import NAME_LENGTH, ObjectFolder
from notary.adapters.store import records as rows
from notary.adapters.store.database import Connection, Database
from notary.adapters.store.log import keys_in_force, settle_kek
from notary.core import acceptance, envelope, opening, receipts
from notary.core.acceptance import FileFacts
from notary.core.intake import Accepted, Incoming, IncomingFile, Outcome, Refused
from notary.core.keyed import Keyed
from notary.core.keyring import Keyring
from notary.core.leaves import LeafWriter
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.core.receipts import ReceiptBodies
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Clock, Entropy
from verifier.format import jsonc, records, trees
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier

LOOKUP_IDEMPOTENCY = "idempotency"

READ_LENGTH = 2**20  # bytes of an offered file in memory at a time

# The random bytes of one record, taken together: secret, nonce of its wrapping, blind of its leaf.
_SECRET = slice(0, envelope.SECRET_LENGTH)
_NONCE = slice(_SECRET.stop, _SECRET.stop + envelope.NONCE_LENGTH)
_BLIND = slice(_NONCE.stop, _NONCE.stop + records.BLIND_LENGTH)
_RANDOM_LENGTH = _BLIND.stop


@dataclass(slots=True)
class _Offer:
    """One item on its way in, with the place of its answer."""

    place: int
    item: Incoming
    digest: bytes
    random: bytes
    files: list[FileFacts] = field(default_factory=list)


@dataclass(slots=True)
class _Edge:
    """The right edge of a matter's log while a commit grows it."""

    matter_id: int
    key: Digest
    frontier: Frontier
    old_size: int


@dataclass(slots=True)
class _Fresh:
    """A record of this commit, before its receipt is made."""

    offer: _Offer
    row: rows.NewRecord
    disclosures: list[bytes]


class RecordAcceptor:
    """Implements the port `Acceptor` on the store and the object folder."""

    def __init__(
        self,
        database: Database,
        objects: ObjectFolder,
        keys: Keyring,
        clock: Clock,
        entropy: Entropy,
        identity: LogIdentity,
        *,
        max_deadline_s: int,
    ) -> None:
        self._database = database
        self._objects = objects
        self._keys = keys
        self._clock = clock
        self._entropy = entropy
        self._identity = identity
        self._max_deadline = timedelta(seconds=max_deadline_s)

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        """Take `items` in one durable commit; the contract is that of ports.Acceptor."""
        outcomes: list[Outcome | None] = [None] * len(items)
        # Nothing is written until the originals are kept; a crash before leaves nothing.
        offers = self._check(agency_id, items, outcomes)
        offers = self._answer_known(agency_id, offers, outcomes)
        kept: list[bytes] = []
        try:
            # A crash here leaves originals that no record names, sealed under secrets that are
            # gone.
            offers = self._keep_files(offers, outcomes, kept)
            # The commit makes records, receipts and the matters' new edges durable together. A
            # crash before it leaves nothing but such originals, a crash after it leaves
            # everything, and the submitter's repetition gets the receipts.
            fresh = self._commit(agency_id, offers, outcomes)
        except (CallerError, NothingHappened, Contradiction):
            # Nothing entered. After anything else (OutcomeUnknown, an interruption) the records may
            # be in and need their originals; the sweep takes those that no record came to name.
            self._objects.remove(kept)
            raise
        used = {facts.name for one in fresh for facts in one.offer.files}
        self._objects.remove(name for name in kept if name not in used)
        return [outcome for outcome in outcomes if outcome is not None]

    def _check(
        self, agency_id: int, items: Sequence[Incoming], outcomes: list[Outcome | None]
    ) -> list[_Offer]:
        offers = []
        random = self._entropy.token(_RANDOM_LENGTH * len(items))
        lookup = envelope.Lookup(self._keys.lookup_secret, agency_id, LOOKUP_IDEMPOTENCY).of
        for place, item in enumerate(items):
            refusal = acceptance.check_offer(item)
            if refusal is None and item.files:
                refusal = acceptance.check_files(item)
            if refusal is not None:
                outcomes[place] = refusal
                continue
            at = place * _RANDOM_LENGTH
            offers.append(
                _Offer(place, item, lookup(item.idempotency_key), random[at : at + _RANDOM_LENGTH])
            )
        return offers

    def _answer_known(
        self, agency_id: int, offers: list[_Offer], outcomes: list[Outcome | None]
    ) -> list[_Offer]:
        """Answer what was accepted before; return the rest."""
        with self._database.reading() as connection:
            known = rows.known_digests(connection, agency_id, [offer.digest for offer in offers])
            if not known:
                return offers
            replays = [offer for offer in offers if offer.digest in known]
            for offer in list(replays):
                refusal = self._hash_files(offer)
                if refusal is not None:
                    outcomes[offer.place] = refusal
                    replays.remove(offer)
            self._replay(connection, agency_id, replays, known, outcomes)
        return [offer for offer in offers if offer.digest not in known]

    def _keep_files(
        self, offers: list[_Offer], outcomes: list[Outcome | None], kept: list[bytes]
    ) -> list[_Offer]:
        """Seal the originals into the object folder, durably; return what was not refused."""
        if not any(offer.item.files for offer in offers):
            return offers
        going_on = []
        for offer in offers:
            refusal = self._keep_files_of(offer, kept) if offer.item.files else None
            if refusal is None:
                going_on.append(offer)
            else:
                outcomes[offer.place] = refusal
        self._objects.make_durable(kept)
        return going_on

    def _keep_files_of(self, offer: _Offer, kept: list[bytes]) -> Refused | None:
        # Files are slow, so a record that can't enter is found out before they are read.
        placeholders = [_placeholder(file) for file in offer.item.files]
        refusal = acceptance.try_out(offer.item, placeholders)
        if refusal is not None:
            return refusal
        for place, file in enumerate(offer.item.files):
            name = self._entropy.token(NAME_LENGTH)
            digests = _FileDigests()
            sealed = envelope.seal_chunks(
                offer.random[_SECRET], name, _read(file, f"files[{place}]", digests)
            )
            try:
                self._objects.write(name, sealed)
            except CallerError as error:
                return Refused(error.code, f"files[{place}]", str(error))
            kept.append(name)
            offer.files.append(digests.facts(name, file))
        return None

    def _hash_files(self, offer: _Offer) -> Refused | None:
        """Digests of the offered files without keeping them: for the comparison with a first
        answer.
        """
        for place, file in enumerate(offer.item.files):
            digests = _FileDigests()
            try:
                for _ in _read(file, f"files[{place}]", digests):
                    pass
            except CallerError as error:
                return Refused(error.code, f"files[{place}]", str(error))
            offer.files.append(digests.facts(bytes(NAME_LENGTH), file))
        return None

    def _commit(
        self, agency_id: int, offers: list[_Offer], outcomes: list[Outcome | None]
    ) -> list[_Fresh]:
        if not offers:
            return []
        with self._database.transaction() as connection:
            settle_kek(connection, self._keys.kek)
            # Another writer may have taken the same keys since they were looked up.
            known = rows.known_digests(connection, agency_id, [offer.digest for offer in offers])
            if known:
                raced = [offer for offer in offers if offer.digest in known]
                self._replay(connection, agency_id, raced, known, outcomes)
                offers = [offer for offer in offers if offer.digest not in known]
            received_at = moment(milliseconds(self._clock.now()))
            edges = self._edges(connection, agency_id, offers)
            record_id, group_id = rows.next_ids(connection)
            fresh, repeated = self._make_records(
                agency_id, offers, edges, record_id, group_id, received_at, outcomes
            )
            if fresh:
                self._append(connection, agency_id, group_id, fresh, edges, received_at, outcomes)
            for offer, first in repeated:
                outcomes[offer.place] = _same_or_conflict(offer, first, outcomes)
        return fresh

    def _edges(
        self, connection: Connection, agency_id: int, offers: list[_Offer]
    ) -> dict[bytes, _Edge]:
        keys = sorted({offer.item.matter_key for offer in offers})
        edges = {}
        for key, state in rows.matter_states(connection, agency_id, keys).items():
            frontier = Frontier.from_bytes(state.frontier)
            edges[key] = _Edge(state.matter_id, Digest(key), frontier, frontier.size)
        return edges

    def _make_records(
        self,
        agency_id: int,
        offers: list[_Offer],
        edges: dict[bytes, _Edge],
        record_id: int,
        group_id: int,
        received_at: datetime,
        outcomes: list[Outcome | None],
    ) -> tuple[list[_Fresh], list[tuple[_Offer, _Fresh]]]:
        """Leaves, sealed values and heads, in order; and the offers that repeat one of this
        commit.
        """
        fresh: list[_Fresh] = []
        repeated: list[tuple[_Offer, _Fresh]] = []
        seen: dict[bytes, _Fresh] = {}
        # This loop is the bulk path: names are bound once.
        kek, write_leaf, leaf_hash_of = (
            self._keys.kek,
            LeafWriter(received_at).write,
            trees.leaf_hash,
        )
        wrap, seal_values = envelope.wrap, opening.seal_values
        context = envelope.wrap_context(envelope.RECORD, agency_id, b"")
        for offer in offers:
            item, digest, random = offer.item, offer.digest, offer.random
            first = seen.get(digest)
            if first is not None:
                repeated.append((offer, first))
                continue
            edge = edges.get(item.matter_key)
            if edge is None:
                outcomes[offer.place] = _unknown_matter(item)
                continue
            claims = acceptance.with_attachments(item.claims, offer.files)
            frontier = edge.frontier
            position = frontier.size
            secret = random[_SECRET]
            keyed = Keyed(secret)
            try:
                leaf, disclosures = write_leaf(
                    edge.key, position, item.kind, secret, keyed, random[_BLIND], claims
                )
            except FormatError as error:
                outcomes[offer.place] = acceptance.find_fault(item, error)
                continue
            sealed = seal_values(keyed, dict(claims))
            if len(sealed) > acceptance.MAX_VALUES_BYTES:
                outcomes[offer.place] = acceptance.too_long(len(sealed))
                continue
            leaf_hash = leaf_hash_of(leaf)
            frontier.append(leaf_hash)
            row = rows.NewRecord(
                record_id + len(fresh),
                agency_id,
                edge.matter_id,
                position,
                group_id,
                len(fresh),
                digest,
                leaf_hash,
                frontier.root(),
                wrap(kek, secret, random[_NONCE], context + digest),
                leaf,
                sealed,
            )
            one = _Fresh(offer, row, disclosures)
            seen[digest] = one
            fresh.append(one)
        return fresh, repeated

    def _append(
        self,
        connection: Connection,
        agency_id: int,
        group_id: int,
        fresh: list[_Fresh],
        edges: dict[bytes, _Edge],
        received_at: datetime,
        outcomes: list[Outcome | None],
    ) -> None:
        """Sign the receipts of the commit, write its rows, and fill in the answers."""
        deadline = received_at + self._max_deadline
        writer = ReceiptBodies(self._identity, received_at, deadline)
        bodies = [
            writer.write(
                one.offer.item.matter_key, one.row.position, one.row.leaf_hash, one.row.head_root
            )
            for one in fresh
        ]
        # The key set in force by what this transaction sees; a running process takes over new keys so.
        signer = self._keys.signers.of(keys_in_force(connection).keys)
        group = receipts.sign_group(bodies, self._identity.name, signer.receipt)
        rows.append_commit(
            connection,
            agency_id,
            group_id,
            rows.StoredGroup(milliseconds(received_at), milliseconds(deadline), group),
            [one.row for one in fresh],
            [
                rows.NewAttachment(agency_id, one.row.record_id, number, facts.name, facts.size)
                for one in fresh
                for number, facts in enumerate(one.offer.files)
            ],
            [
                rows.GrownMatter(
                    agency_id,
                    edge.matter_id,
                    edge.key,
                    edge.old_size,
                    edge.frontier.size,
                    edge.frontier.root(),
                    edge.frontier.to_bytes(),
                )
                for edge in edges.values()
                if edge.frontier.size > edge.old_size
            ],
        )
        written = receipts.write_receipts(dict(enumerate(bodies)), group)
        for one in fresh:
            row = one.row
            outcomes[one.offer.place] = Accepted(
                row.record_id,
                one.offer.item.matter_key,
                row.position,
                row.leaf,
                # They are base64url; decoding them together takes a third of the time.
                tuple(b" ".join(one.disclosures).decode("ascii").split(" ")),
                written[row.group_index],
                replayed=False,
            )

    def _replay(
        self,
        connection: Connection,
        agency_id: int,
        offers: list[_Offer],
        known: dict[bytes, int],
        outcomes: list[Outcome | None],
    ) -> None:
        """Answer offers whose keys stand for records: the first answer again, or a conflict."""
        ids = sorted({known[offer.digest] for offer in offers})
        stored = rows.records_by_id(connection, agency_id, ids)
        first_receipts = receipts_of(connection, self._identity, list(stored.values()))
        for offer in offers:
            record = stored[known[offer.digest]]
            outcomes[offer.place] = self._compare(
                agency_id, offer, record, first_receipts[record.record_id]
            )

    def _compare(
        self, agency_id: int, offer: _Offer, record: rows.StoredRecord, receipt: bytes
    ) -> Outcome:
        item = offer.item
        if record.wrapped_secret is None:
            return Refused(
                "ERASED",
                "idempotency_key",
                f"record {record.record_id} had this key and its content was erased, so an offer can no "
                "longer be compared with it",
            )
        opened = opening.open_record(
            self._keys.kek,
            agency_id,
            record.idempotency_digest,
            record.wrapped_secret,
            record.leaf,
            record.sealed_values,
        )
        try:
            claims = jsonc.encode(dict(item.claims))
        except FormatError as error:
            return acceptance.find_fault(item, error)
        first = {
            name: value
            for name, value in opened.values.items()
            if not name.startswith("attachment-")
        }
        same = (
            record.matter_key == item.matter_key
            and opened.leaf.kind == item.kind
            and jsonc.encode(first) == claims
            and _attachments_of(opened) == [_content_of(facts) for facts in offer.files]
        )
        if not same:
            return _conflict(record.record_id)
        return Accepted(
            record.record_id,
            record.matter_key,
            record.position,
            record.leaf,
            opened.disclosures,
            receipt,
            replayed=True,
        )


def receipts_of(
    connection: Connection, identity: LogIdentity, stored: Sequence[rows.StoredRecord]
) -> dict[int, bytes]:
    """The receipts of stored records, by record id, as they were first handed out."""
    by_group: dict[int, list[rows.StoredRecord]] = {}
    for record in stored:
        by_group.setdefault(record.group_id, []).append(record)
    groups = rows.groups_by_id(connection, list(by_group))
    found = {}
    for group_id, members in by_group.items():
        group = groups[group_id]
        writer = ReceiptBodies(identity, moment(group.received_at_ms), moment(group.deadline_ms))
        bodies = {
            record.group_index: writer.write(
                record.matter_key, record.position, record.leaf_hash, record.head_root
            )
            for record in members
        }
        again = receipts.write_receipts(bodies, group.receipts)
        found.update({record.record_id: again[record.group_index] for record in members})
    return found


class _FileDigests:
    """The digests of a file while it streams by."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._sha512 = hashlib.sha512()
        # Courts of the PRC expect SM3 beside SHA-256.
        self._sm3 = hashes.Hash(hashes.SM3())

    def update(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._sha256.update(chunk)
        self._sha512.update(chunk)
        self._sm3.update(chunk)

    def facts(self, name: bytes, file: IncomingFile) -> FileFacts:
        return FileFacts(
            name,
            file.filename,
            self.size,
            file.media_type,
            self._sha256.hexdigest(),
            self._sha512.hexdigest(),
            self._sm3.finalize().hex(),
        )


def _read(file: IncomingFile, what: str, digests: _FileDigests) -> Iterator[bytes]:
    """The bytes of an offered file, hashed on the way. Raises CallerError if it can't be kept."""
    try:
        with file.path.open("rb") as stream:
            while chunk := stream.read(READ_LENGTH):
                digests.update(chunk)
                if digests.size > acceptance.MAX_FILE_BYTES:
                    raise CallerError(
                        "FILE_SIZE",
                        f"{what} is longer than {acceptance.MAX_FILE_BYTES} bytes; split it",
                    )
                yield chunk
    except OSError as error:
        # The path is the submitter's and may name a person: only the place in the offer is said.
        raise CallerError("FILE_UNREADABLE", f"{what} can't be read: {error.strerror}") from error


def _placeholder(file: IncomingFile) -> FileFacts:
    return FileFacts(
        bytes(NAME_LENGTH), file.filename, 0, file.media_type, "0" * 64, "0" * 128, "0" * 64
    )


def _content_of(facts: FileFacts) -> jsonc.Json:
    """What must be equal in a repetition: everything but the random name."""
    return replace(facts, name=bytes(NAME_LENGTH)).claim()


def _attachments_of(opened: opening.OpenRecord) -> list[jsonc.Json]:
    found: list[jsonc.Json] = []
    while (value := opened.values.get(f"attachment-{len(found)}")) is not None:
        assert isinstance(value, dict)
        found.append({**value, "name": bytes(NAME_LENGTH).hex()})
    return found


def _unknown_matter(item: Incoming) -> Refused:
    return Refused(
        "MATTER_UNKNOWN",
        "matter_key",
        f"the agency has no matter with key {item.matter_key.hex()[:64]}; register its number first",
    )


def _conflict(record_id: int) -> Refused:
    return Refused(
        "IDEMPOTENCY_CONFLICT",
        "idempotency_key",
        f"record {record_id} has this key and other content; nothing was overwritten",
        conflict=True,
    )


def _same_or_conflict(offer: _Offer, first: _Fresh, outcomes: Sequence[Outcome | None]) -> Outcome:
    """The answer to an item that repeats the key of an earlier one in the same call."""
    answer = outcomes[first.offer.place]
    assert isinstance(answer, Accepted)
    item, earlier = offer.item, first.offer.item
    try:
        same = (
            item.matter_key == earlier.matter_key
            and item.kind == earlier.kind
            and jsonc.encode(dict(item.claims)) == jsonc.encode(dict(earlier.claims))
            and [_content_of(facts) for facts in offer.files]
            == [_content_of(facts) for facts in first.offer.files]
        )
    except FormatError as error:
        return acceptance.find_fault(item, error)
    return replace(answer, replayed=True) if same else _conflict(answer.record_id)
