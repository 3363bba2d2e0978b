"""Takes records in: prepare, keep the originals, then one commit with one signature, then answer.

Spec: docs/spec/format.md §5, §6, §12; docs/design/0001-storage-encryption.md. Tests:
tests/unit/store/test_accept.py, and tests/unit/store/test_crash.py, which kills the process at any
moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from notary.core import acceptance, envelope, leaves, receipts
from notary.core.acceptance import FileFacts
from notary.core.intake import Accepted, Incoming, Outcome, Refused
from notary.core.keyring import Keyring
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.core.preparing import (
    LOOKUP_IDEMPOTENCY,
    RANDOM_LENGTH,
    KeptFiles,
    Offered,
    Prepared,
    prepare,
    prepare_all,
    secret_of,
)
from notary.core.receipts import ReceiptBodies
from notary.core.source_edge import SourceEdge
from notary.core.waiting import Waiting
from notary.errors import CallerError, Contradiction, NothingHappened
from notary.importers.offered_json import prepare_texts
from notary.ports import Clock, Entropy, ObjectStore, Preparing
from notary.usecases.originals import Originals, facts_of
from notary.usecases.record_store import (
    NewAttachment,
    NewRecord,
    RecordsSeen,
    RecordStore,
    RecordsWritten,
    StoredGroup,
    grown,
)
from notary.usecases.repetition import receipts_of, same_as_earlier, same_as_stored
from notary.usecases.set_aside import RowsToWait
from notary.usecases.sources import write_sources
from verifier.format import trees
from verifier.format.digests import Digest
from verifier.format.frontier import Frontier

# Offers whose keys are looked up under the write lock alone: comparing so many that came before takes it for
# a few milliseconds, and a look before would cost each commit of single records a transaction more.
FEW = 64
NO_ID = 0  # no record has it: they begin at 1


class _Offer(NamedTuple):
    """One item on its way in, with the place of its answer."""

    place: int
    item: Incoming
    prepared: Prepared
    files: Sequence[FileFacts] = ()


class _Filed(NamedTuple):
    """An item with originals that are not read yet, and its idempotency digest."""

    place: int
    item: Incoming
    digest: bytes


@dataclass(slots=True)
class _Edge:
    """The right edge of a matter's log while a commit grows it."""

    matter_id: int
    key: Digest
    frontier: Frontier
    old_size: int


class _Fresh(NamedTuple):
    """A record of this commit, before its receipt is made."""

    offer: _Offer
    row: NewRecord


class PreparedHere:
    """Implements the port `Preparing` in this process and thread, when the answer is asked for."""

    def begin(
        self, lookup_secret: bytes, agency_id: int, items: Sequence[Incoming], random: bytes
    ) -> Callable[[], Sequence[Prepared | Refused]]:
        """As `Preparing`."""
        return lambda: prepare_all(lookup_secret, agency_id, items, random)

    def begin_texts(
        self, lookup_secret: bytes, agency_id: int, texts: Sequence[bytes], random: bytes
    ) -> Callable[[], tuple[Sequence[Incoming], Sequence[Prepared | Refused]]]:
        """As `Preparing`."""
        return lambda: prepare_texts(lookup_secret, agency_id, texts, random)


class RecordAcceptor:
    """Implements the port `SteppedAcceptor` on the store and the object store."""

    def __init__(
        self,
        records: RecordStore,
        objects: ObjectStore,
        keys: Keyring,
        clock: Clock,
        entropy: Entropy,
        identity: LogIdentity,
        *,
        max_deadline_s: int,
        preparing: Preparing | None = None,
    ) -> None:
        self._records = records
        self._objects = objects
        self._keys = keys
        self._clock = clock
        self._entropy = entropy
        self._identity = identity
        self._max_deadline = timedelta(seconds=max_deadline_s)
        self._preparing = PreparedHere() if preparing is None else preparing

    def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
        """Take `items` in one durable commit; the contract is that of ports.Acceptor."""
        # Nobody does anything meanwhile, so another process would only be one more to wait for.
        return self.take(self._offer(agency_id, items, PreparedHere()))

    def offer(self, agency_id: int, items: Sequence[Incoming]) -> Offered:
        """Begin with what needs neither lock nor order; nothing is written."""
        return self._offer(agency_id, items, self._preparing)

    def offer_texts(self, agency_id: int, texts: Sequence[bytes]) -> Callable[[], Offered]:
        """As SteppedAcceptor."""
        random = self._entropy.token(RANDOM_LENGTH * len(texts))
        begun = self._preparing.begin_texts(self._keys.lookup_secret, agency_id, texts, random)

        def wait() -> Offered:
            items, prepared = begun()
            return Offered(agency_id, items, random, lambda: prepared)

        return wait

    def attach(self, agency_id: int, item: Incoming) -> Offered | Refused:
        """As SteppedAcceptor."""
        refused = acceptance.check_offer(item) or acceptance.check_files(item)
        if refused is not None:
            return refused
        random = self._entropy.token(RANDOM_LENGTH)
        originals = Originals(self._objects, self._entropy)
        try:
            # A crash from here to the commit leaves originals that no record names, for the sweep.
            found = originals.keep(item, secret_of(random))
            if not isinstance(found, Refused):
                claims = acceptance.with_attachments(item.claims, found)
                made = prepare(self._lookup(agency_id), item, claims, random)
                if not isinstance(made, Refused):
                    originals.make_durable()
                    kept = KeptFiles(found, originals.remove_but)
                    return Offered(agency_id, [item], random, lambda: [made], kept)
                found = made
        except BaseException:
            originals.remove_but(())
            raise
        originals.remove_but(())
        return found

    def _offer(self, agency_id: int, items: Sequence[Incoming], preparing: Preparing) -> Offered:
        random = self._entropy.token(RANDOM_LENGTH * len(items))
        plain: Sequence[Incoming] = items
        plain_random = random
        if any(item.files for item in items):
            places = [place for place, item in enumerate(items) if not item.files]
            plain = [items[place] for place in places]
            plain_random = b"".join([_random_at(random, place) for place in places])
        prepared = preparing.begin(self._keys.lookup_secret, agency_id, plain, plain_random)
        return Offered(agency_id, items, random, prepared)

    def take(self, offered: Offered) -> list[Outcome]:
        """Take in what was offered; the contract is that of ports.Acceptor."""
        return self.take_all(offered, ())[0]

    def take_all(
        self, offered: Offered, waiting: Sequence[Waiting]
    ) -> tuple[list[Outcome], Mapping[str, Refused]]:
        """As SteppedAcceptor."""
        agency_id = offered.agency_id
        to_wait = RowsToWait(self._keys, self._entropy, agency_id, waiting)
        outcomes: list[Outcome | None] = [None] * len(offered.items)
        originals = Originals(self._objects, self._entropy)
        kept = offered.kept
        remove_but = originals.remove_but if kept is None else kept.remove_but
        try:
            # Nothing is written until the originals are kept; a crash before leaves nothing, one
            # here originals that no record names, sealed under secrets that are gone.
            offers, looked_up_at = self._gather(offered, originals, outcomes)
            # The commit makes records, receipts and the matters' new edges durable together. A
            # crash before it leaves nothing but such originals, a crash after it leaves
            # everything, and the submitter's repetition gets the receipts.
            fresh = self._commit(agency_id, offers, looked_up_at, to_wait, outcomes)
        except (CallerError, NothingHappened, Contradiction):
            # Nothing entered. After anything else (OutcomeUnknown, an interruption) the records may
            # be in and need their originals; the sweep takes those that no record came to name.
            remove_but(())
            raise
        remove_but([facts.name for one in fresh for facts in one.offer.files])
        return [outcome for outcome in outcomes if outcome is not None], to_wait.refused

    def _gather(
        self, offered: Offered, originals: Originals, outcomes: list[Outcome | None]
    ) -> tuple[list[_Offer], int]:
        """All that may enter, in the order of the items; the rest is answered.

        With the next record id of when their keys stood for no record.
        """
        offers: list[_Offer] = []
        next_id = NO_ID
        filed: list[_Filed] = []
        prepared = iter(offered.prepared())
        lookup = self._lookup(offered.agency_id)
        kept = () if offered.kept is None else offered.kept.facts
        for place, item in enumerate(offered.items):
            if item.files and offered.kept is None:
                refused = acceptance.check_offer(item) or acceptance.check_files(item)
                if refused is None:
                    filed.append(_Filed(place, item, lookup.of(item.idempotency_key)))
                else:
                    outcomes[place] = refused
                continue
            one = next(prepared)
            if isinstance(one, Refused):
                outcomes[place] = one
            else:
                offers.append(_Offer(place, item, one, kept))
        if len(offers) > FEW:
            # Without the write lock, because comparing takes long.
            with self._records.reading() as seen:
                next_id, _ = seen.next_ids()
                offers = self._answer_known(seen, offered.agency_id, offers, outcomes)
        if filed:
            offers += self._keep_files(offered, filed, originals, outcomes)
            offers.sort(key=lambda offer: offer.place)
            next_id = NO_ID
        return offers, next_id

    def _answer_known(
        self,
        seen: RecordsSeen,
        agency_id: int,
        offers: list[_Offer],
        outcomes: list[Outcome | None],
    ) -> list[_Offer]:
        """Answer what the transaction knows; return the rest."""
        known = seen.known_digests(agency_id, [offer.prepared.digest for offer in offers])
        if not known:
            return offers
        repeated = [
            (offer.place, offer.item, offer.files, known[offer.prepared.digest])
            for offer in offers
            if offer.prepared.digest in known
        ]
        self._answer_repeated(seen, agency_id, repeated, outcomes)
        return [offer for offer in offers if offer.prepared.digest not in known]

    def _keep_files(
        self,
        offered: Offered,
        filed: list[_Filed],
        originals: Originals,
        outcomes: list[Outcome | None],
    ) -> list[_Offer]:
        """Answer the items that were accepted before; keep the originals of the others, durably."""
        lookup = self._lookup(offered.agency_id)
        with self._records.reading() as seen:
            # What is known already need not be kept twice.
            known = seen.known_digests(offered.agency_id, [one.digest for one in filed])
            repeated: list[tuple[_Filed, Sequence[FileFacts]]] = []
            for one in filed:
                if one.digest in known:
                    facts = facts_of(one.item)
                    if isinstance(facts, Refused):
                        outcomes[one.place] = facts
                    else:
                        repeated.append((one, facts))
            self._answer_repeated(
                seen,
                offered.agency_id,
                [(one.place, one.item, facts, known[one.digest]) for one, facts in repeated],
                outcomes,
            )
        offers = []
        for place, item, digest in filed:
            if digest in known:
                continue
            random = _random_at(offered.random, place)
            facts = originals.keep(item, secret_of(random))
            if isinstance(facts, Refused):
                outcomes[place] = facts
                continue
            claims = acceptance.with_attachments(item.claims, facts)
            made = prepare(lookup, item, claims, random)
            if isinstance(made, Refused):
                outcomes[place] = made
            else:
                offers.append(_Offer(place, item, made, facts))
        originals.make_durable()
        return offers

    def _commit(
        self,
        agency_id: int,
        offers: list[_Offer],
        looked_up_at: int,
        to_wait: RowsToWait,
        outcomes: list[Outcome | None],
    ) -> list[_Fresh]:
        """`looked_up_at` is the next record id of when the offers' keys were last looked up."""
        if not offers and not to_wait.rows:
            return []
        with self._records.writing() as written:
            written.settle(self._keys.kek)
            record_id, group_id = written.next_ids()
            if record_id != looked_up_at:
                # Another writer may have taken the same keys since they were looked up.
                offers = self._answer_known(written, agency_id, offers, outcomes)
            received_at = moment(milliseconds(self._clock.now()))
            edges = self._edges(written, agency_id, offers)
            sources = _Sources(written, agency_id, offers, to_wait, received_at)
            fresh, repeated = self._make_records(
                agency_id, offers, edges, sources, record_id, group_id, received_at, outcomes
            )
            if fresh:
                self._append(written, agency_id, group_id, fresh, edges, received_at, outcomes)
            to_wait.finish(written, received_at)
            write_sources(written, agency_id, sources.edges.values())
            for offer, first in repeated:
                answer = outcomes[first.place]
                assert isinstance(answer, Accepted)
                outcomes[offer.place] = same_as_earlier(
                    offer.item, offer.files, first.item, first.files, answer
                )
        return fresh

    def _edges(
        self, written: RecordsWritten, agency_id: int, offers: list[_Offer]
    ) -> dict[bytes, _Edge]:
        keys = sorted({offer.item.matter_key for offer in offers})
        edges = {}
        for key, state in written.matter_states(agency_id, keys).items():
            frontier = Frontier.from_bytes(state.frontier)
            edges[key] = _Edge(state.matter_id, Digest(key), frontier, frontier.size)
        return edges

    def _make_records(
        self,
        agency_id: int,
        offers: list[_Offer],
        edges: dict[bytes, _Edge],
        sources: _Sources,
        record_id: int,
        group_id: int,
        received_at: datetime,
        outcomes: list[Outcome | None],
    ) -> tuple[list[_Fresh], list[tuple[_Offer, _Offer]]]:
        """Each record at its place, in order; and the offers that repeat one of this commit."""
        fresh: list[_Fresh] = []
        repeated: list[tuple[_Offer, _Offer]] = []
        seen: dict[bytes, _Offer] = {}
        # This loop is the bulk path, under the store's write lock: names are bound once.
        kek, wrap = self._keys.kek, envelope.wrap
        finish_leaf, leaf_hash_of = leaves.finish_leaf, trees.leaf_hash
        ending = leaves.leaf_ending(received_at)
        context = envelope.wrap_context(envelope.RECORD, agency_id, b"")
        for offer in offers:
            digest, secret, nonce, draft, _, sealed_values = offer.prepared
            first = seen.setdefault(digest, offer)
            if first is not offer:
                repeated.append((offer, first))
                continue
            edge = edges.get(offer.item.matter_key)
            if edge is None:
                outcomes[offer.place] = acceptance.unknown_matter(offer.item)
                # Another offer with this key is none that repeats a record.
                del seen[digest]
                continue
            frontier = edge.frontier
            position = frontier.size
            if offer.item.source is None:
                leaf = finish_leaf(draft, position, ending)
            else:
                numbered = sources.number(offer, draft, position, ending)
                if isinstance(numbered, Refused):
                    outcomes[offer.place] = numbered
                    del seen[digest]
                    continue
                leaf = numbered
            leaf_hash = leaf_hash_of(leaf)
            frontier.append(leaf_hash)
            row = NewRecord(
                record_id + len(fresh),
                agency_id,
                edge.matter_id,
                position,
                group_id,
                len(fresh),
                digest,
                leaf_hash,
                frontier.root(),
                wrap(kek, secret, nonce, context + digest),
                leaf,
                sealed_values,
            )
            fresh.append(_Fresh(offer, row))
        return fresh, repeated

    def _append(
        self,
        written: RecordsWritten,
        agency_id: int,
        group_id: int,
        fresh: list[_Fresh],
        edges: dict[bytes, _Edge],
        received_at: datetime,
        outcomes: list[Outcome | None],
    ) -> None:
        """Sign the receipts of the commit, write its rows, and fill in the answers."""
        deadline = received_at + self._max_deadline
        write_body = ReceiptBodies(self._identity, received_at, deadline).write
        bodies = [
            write_body(offer.item.matter_key, row.position, row.leaf_hash, row.head_root)
            for offer, row in fresh
        ]
        # Under the write lock: a receipt promises a batch, and after the last one there is none.
        written.require_open()
        # The key set in force by what this transaction sees; a running process takes over new keys so.
        signer = self._keys.signers.of(written.keys_in_force().keys)
        group = receipts.sign_group(bodies, self._identity.name, signer.receipt)
        written.append(
            agency_id,
            group_id,
            StoredGroup(milliseconds(received_at), milliseconds(deadline), group),
            [row for _, row in fresh],
            [
                NewAttachment(agency_id, row.record_id, number, facts.name, facts.size)
                for offer, row in fresh
                for number, facts in enumerate(offer.files)
            ],
            [
                grown(agency_id, edge)
                for edge in edges.values()
                if edge.frontier.size > edge.old_size
            ],
        )
        texts = receipts.write_receipts(dict(enumerate(bodies)), group)
        for offer, row in fresh:
            outcomes[offer.place] = Accepted(
                row.record_id,
                offer.item.matter_key,
                row.position,
                row.leaf,
                tuple(offer.prepared.disclosures.decode("ascii").split(" ")),
                texts[row.group_index],
                replayed=False,
            )

    def _answer_repeated(
        self,
        seen: RecordsSeen,
        agency_id: int,
        repeated: Sequence[tuple[int, Incoming, Sequence[FileFacts], int]],
        outcomes: list[Outcome | None],
    ) -> None:
        """Answer items whose keys stand for records: place, item, its files, record id."""
        ids = sorted({record_id for _, _, _, record_id in repeated})
        stored = seen.records_by_id(agency_id, ids)
        first_receipts = receipts_of(seen, self._identity, list(stored.values()))
        for place, item, files, record_id in repeated:
            outcomes[place] = same_as_stored(
                self._keys, agency_id, item, files, stored[record_id], first_receipts[record_id]
            )

    def _lookup(self, agency_id: int) -> envelope.Lookup:
        return envelope.Lookup(self._keys.lookup_secret, agency_id, LOOKUP_IDEMPOTENCY)


class _Sources:
    """The logs of the sources that a commit's offers and rows name, while it grows them."""

    def __init__(
        self,
        written: RecordsWritten,
        agency_id: int,
        offers: list[_Offer],
        to_wait: RowsToWait,
        received_at: datetime,
    ) -> None:
        self._to_wait = to_wait
        self._received_at = received_at
        self.edges: dict[bytes, SourceEdge] = {}
        self._asides: Mapping[bytes, int | None] = {}
        numbered = [offer for offer in offers if offer.item.source is not None]
        named = [offer.item.source for offer in numbered] + [one.row.source for one in to_wait.rows]
        keys = sorted({source for source in named if source is not None})
        if keys:
            for key, stored in written.sources(agency_id, keys).items():
                self.edges[key] = SourceEdge(stored)
                # What came before is of a day that may have ended.
                self.edges[key].close_due(received_at)
            self._asides = written.asides(agency_id, [one.prepared.digest for one in numbered])
        if to_wait.rows:
            to_wait.begin(written, self.edges)

    def number(self, offer: _Offer, draft: bytes, position: int, ending: bytes) -> bytes | Refused:
        """The leaf of a record with its number, which is entered in its source's log; or why it has none."""
        item = offer.item
        assert item.source is not None
        edge = self.edges.get(item.source)
        if edge is None:
            return acceptance.no_source(item.source)
        aside = self._asides.get(offer.prepared.digest)
        waits = aside is not None and aside >= 0
        if waits != (item.aside is not None):
            return Refused(
                "SOURCE_ROW_WAITS",
                "number",
                "this row began to wait, or ceased to, while it was read; give it again",
            )
        if item.number is not None:
            self._to_wait.enter_up_to(item.source, item.number, self._received_at)
        refused = None if waits else edge.refusal(item.number)
        if refused is not None:
            return refused
        number = edge.number_of(item)
        leaf = leaves.finish_numbered_leaf(
            draft, position, number, leaves.numbered_ending(ending, item.source)
        )
        if aside is not None and waits:
            edge.move(item, number, leaf, aside)
        else:
            edge.take(item, number, leaf, self._received_at)
        return leaf


def _random_at(random: bytes, place: int) -> bytes:
    return random[place * RANDOM_LENGTH : (place + 1) * RANDOM_LENGTH]
