"""Brings checkpoints on chain, each batch once and in order, and follows them until they are proved.

Spec: docs/spec/sender.md. `Anchorer.step` is the whole sender: it looks at the chain, takes each open
intent as far as it goes, and says when it wants to be called again. It keeps nothing that a restart
would miss, so recovery is calling it. Test: tests/scenarios/anchor, on a real chain with faults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from notary.chain_ports import (
    Alarm,
    Chain,
    ChainAway,
    ChainContradiction,
    ChainProver,
    Inclusion,
    IntentBook,
    RecentBlock,
    Signer,
    TransactionFields,
)
from notary.core import fees
from notary.core.intent import (
    EVENT_NAMES,
    Attempt,
    BlockRef,
    Bump,
    Cause,
    Event,
    Final,
    Hold,
    Included,
    Intent,
    NonceFree,
    NonceUsed,
    NotThere,
    OwnReverted,
    Proved,
    Reserve,
    Resume,
    Sent,
    Settled,
    Sign,
    Stale,
    State,
    Vanished,
)
from notary.core.log_identity import LogIdentity
from notary.core.moments import milliseconds, moment
from notary.errors import CallerError, Contradiction, NothingHappened, OutcomeUnknown
from notary.ports import BatchLog, Leg
from verifier.format import contract as anchors
from verifier.format import evm, evm_document, notes
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.evm import Header
from verifier.format.fold import Link

MAX_TRANSITIONS = (
    16  # of one intent in one step: a chain that flaps must not keep a step from ending
)
LOOKBACK_BLOCKS = 5_000  # where nothing tells since when to search: what most nodes search at once
IDLE_POLLS = 5  # without work the chain is looked at this many times less often
GAS_MARGIN = (
    3,
    2,
)  # the slot may be new when the transaction runs though it was not when simulated
AS_OF_OVERDUE = 3  # refresh times without a released as-of proof before the alarm


@dataclass(frozen=True)
class AnchorSettings:
    """The sender's timers and limits. `max_fee_cap` is wei per gas."""

    max_fee_cap: int
    poll: timedelta = timedelta(seconds=4)
    rebroadcast: timedelta = timedelta(seconds=30)
    bump: timedelta = timedelta(seconds=120)
    as_of_refresh: timedelta = timedelta(hours=6)
    identity_check: timedelta = timedelta(minutes=1)
    prove_retry: timedelta = timedelta(minutes=10)
    unproved_alarm: timedelta = timedelta(days=1)  # history is kept for months; a day leaves room
    gas_limit_cap: int = 200_000  # an anchor takes 31,000, the first one 48,000


@dataclass(frozen=True)
class Step:
    """What a step did, oldest first, and when the next one is due. `idle`: nothing is under way."""

    happened: tuple[str, ...]
    next_at: datetime
    idle: bool


@dataclass(frozen=True)
class AnchorStatus:
    """The sender as a person wants to see it. `lag` is the age of the oldest unanchored batch."""

    sealed: int
    anchored: int
    proved: int
    live: Intent | None
    held: Cause | None
    last_anchor_at: datetime | None
    lag: timedelta
    balance: int | None
    as_of_block: int | None
    as_of_time: datetime | None
    alarms: Mapping[str, Alarm]


@dataclass(frozen=True)
class _Obstacle:
    cause: Cause
    text: str


@dataclass(frozen=True)
class _Reservation:
    nonce: int
    prev: bytes


@dataclass(frozen=True)
class _Send:
    attempt: Attempt


_Plan = _Obstacle | _Reservation | TransactionFields | _Send | None


@dataclass
class _Run:
    """What one step has seen so far."""

    now: datetime
    latest: Header
    finalized: Header
    happened: list[str] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)


class Anchorer:
    """The sender of one log. One at a time works on a store; a second one loses each race harmlessly."""

    def __init__(
        self,
        identity: LogIdentity,
        log: BatchLog,
        book: IntentBook,
        chain: Chain,
        signer: Signer,
        prover: ChainProver,
        settings: AnchorSettings,
    ) -> None:
        if signer.address != identity.log_address:
            raise CallerError(
                "SIGNER_OF_OTHER_LOG",
                f"the key is of account 0x{signer.address.hex()}, the log's account is "
                f"0x{identity.log_address.hex()}. Open the keystore that belongs to this log.",
            )
        self._identity = identity
        self._log = log
        self._book = book
        self._chain = chain
        self._signer = signer
        self._prover = prover
        self._settings = settings
        # Timers only. After a restart everything is due at once, which does no harm.
        self._identity_checked_at: datetime | None = None
        self._sent_at: dict[int, datetime] = {}
        self._refused_at: dict[int, tuple[datetime, str]] = {}

    def step(self, now: datetime) -> Step:
        """Do what can be done now. Call it again at the time that it returns, or sooner.

        Raises Contradiction if the store contradicts itself: stop then, and let a person look. A chain
        that is away or lies raises nothing here; it shows as an alarm and in `held`.
        """
        now = moment(milliseconds(now))
        alarms: dict[str, str] = {}
        happened: list[str] = []
        try:
            self._work(now, happened, alarms)
        except ChainAway as error:
            # Whatever was stored stands, and nothing else was decided. The next step looks again.
            alarms["ENDPOINT_AWAY"] = str(error)
        except ChainContradiction as error:
            alarms["ENDPOINT_CONTRADICTS"] = str(error)
        self._keep_alarms(now, alarms)
        return self._report(now, happened)

    def _work(self, now: datetime, happened: list[str], alarms: dict[str, str]) -> None:
        # 1. Is this the chain? A crash up to here leaves nothing, or the pinned identity.
        try:
            obstacle = self._survey(now)
        except ChainContradiction as error:
            obstacle = _Obstacle(Cause.ENDPOINT, str(error))
        if obstacle is not None:
            # Nothing is consumed, and nothing that this chain says is taken for our intents' fate. What
            # is sealed gets its intent all the same, so that it can be seen to be held.
            self._seal(happened)
            for intent in self._book.open_intents():
                if intent.live:
                    self._hold(intent, obstacle, happened, alarms)
            alarms.setdefault(
                "FINALITY_BROKEN" if obstacle.cause is Cause.FINALITY_BROKEN else "HELD",
                f"{obstacle.cause}: {obstacle.text}",
            )
            if obstacle.cause is Cause.ENDPOINT:
                alarms["ENDPOINT_CONTRADICTS"] = obstacle.text
            return
        run = _Run(now, self._chain.latest(), self._chain.finalized(), happened, alarms)
        # 2. The block that the next sealing can name. A crash leaves the one before: older, still true.
        self._keep_recent(run)
        # 3. Every open intent, oldest first: a younger one builds on the heads of older ones. A crash
        # anywhere leaves each intent in a stored state, from which this same loop goes on.
        for intent in self._book.open_intents():
            self._advance(run, intent)
        # 4. The next intent, if none is live. A crash leaves it in SEALED with nothing consumed.
        sealed = self._seal(happened)
        if sealed is not None:
            self._advance(run, sealed)
        # 5. A proof of the present head. A crash leaves none, and it is still due.
        self._take_as_of(run)
        # 6. Proofs whose block became final. A crash leaves them pending, and they are looked at again.
        self._release_as_ofs(run)
        # 7. The stand-alone verifier's word. A crash leaves FINAL, and it is asked again.
        for intent in self._book.open_intents():
            if intent.state is State.FINAL:
                self._prove(run, intent)

    # The chain as a whole.

    def _survey(self, now: datetime) -> _Obstacle | None:
        """Compare the chain with what it was. docs/spec/sender.md §1 rule 9."""
        checked_at = self._identity_checked_at
        live = any(intent.live for intent in self._book.open_intents())
        fresh = checked_at is not None and now - checked_at < self._settings.identity_check
        if fresh and not live and self._log.size() <= self._covered():
            return None
        self._identity_checked_at = None
        found = self._chain.identity()
        pinned = self._book.pinned()
        if found.chain_id != self._identity.chain_id:
            return _Obstacle(
                Cause.WRONG_CHAIN_ID,
                f"the endpoint is of chain {found.chain_id}, the log of {self._identity.chain_id}",
            )
        if pinned is not None and found.genesis_hash != pinned.genesis_hash:
            return _Obstacle(
                Cause.WRONG_GENESIS,
                f"block 0 is 0x{found.genesis_hash.hex()}, at the first contact it was "
                f"0x{pinned.genesis_hash.hex()}",
            )
        if found.code_hash != anchors.RUNTIME_CODE_HASH:
            return _Obstacle(
                Cause.WRONG_CODE,
                f"the code at 0x{self._identity.contract.hex()} hashes to 0x{found.code_hash.hex()}, "
                f"the contract's to 0x{anchors.RUNTIME_CODE_HASH.hex()}. Deploy it, or mend the address.",
            )
        if pinned is None:
            self._book.pin(found)
        final = self._book.newest_final()
        if final is not None and final.block is not None and not self._canonical(final.block):
            return _Obstacle(
                Cause.FINALITY_BROKEN,
                f"block {final.block.number} 0x{final.block.hash.hex()} with anchor {final.number} was "
                "final and is not on this chain. Another endpoint may know better; packages that rest "
                "on this block need a person's judgement.",
            )
        self._identity_checked_at = now
        return None

    def _canonical(self, block: BlockRef) -> bool:
        header = self._chain.block(block.number)
        return header is not None and header.hash == block.hash

    def _keep_recent(self, run: _Run) -> None:
        kept = self._book.recent_block()
        header = run.finalized
        if kept is None or kept.hash != header.hash:
            self._book.keep_recent_block(self._recent(header, run.now))

    def _recent(self, header: Header, now: datetime) -> RecentBlock:
        return RecentBlock(
            self._identity.chain_id, header.number, bytes(header.hash), header.raw, now
        )

    # One intent.

    def _advance(self, run: _Run, intent: Intent) -> None:
        """Take the intent as far as it goes. Each transition is durable before the next is thought of."""
        for _ in range(MAX_TRANSITIONS):
            if not intent.open:
                return
            try:
                event, leg = self._next(run, intent)
            except ChainContradiction as error:
                run.alarms["ENDPOINT_CONTRADICTS"] = str(error)
                if intent.live:
                    obstacle = _Obstacle(Cause.ENDPOINT, str(error))
                    self._hold(intent, obstacle, run.happened, run.alarms)
                return
            if event is None:
                return
            intent = self._record(intent, event, run.happened, leg)

    def _next(self, run: _Run, intent: Intent) -> tuple[Event | None, Leg | None]:
        """Look, plan, act: the next event of the intent, or None to wait.

        Looking and planning only read, so a held intent is taken through both without effect.
        """
        event, leg = self._look(run, intent)
        plan: _Plan = None
        if event is None:
            plan = self._plan(run, intent)
            if isinstance(plan, _Obstacle):
                run.alarms.setdefault("HELD", f"{plan.cause}: {plan.text}")
                event = None if intent.cause is plan.cause else Hold(plan.cause)
                return event, None
        if intent.state is State.HELD:
            return Resume(), None
        if event is not None:
            return event, leg
        return self._act(run, intent, plan), None

    def _look(self, run: _Run, intent: Intent) -> tuple[Event | None, Leg | None]:
        """What the chain shows of the intent's fate. docs/spec/sender.md §4."""
        match intent.effective:
            case State.RESERVED:
                return self._look_at_reservation(intent), None
            case State.SIGNED | State.BROADCAST:
                inclusion = self._own_inclusion(intent)
                if inclusion is not None and inclusion.succeeded:
                    return self._included(intent, inclusion, None)
                if inclusion is not None or self._chain.transaction_count() > _nonce(intent):
                    return NonceUsed(), None
            case State.CHECK_HEAD:
                return self._look_at_head(intent)
            case State.MINED:
                block = _block(intent)
                if not self._canonical(block):
                    return Vanished(), None
                if block.number <= run.finalized.number:
                    return Final(), None
            case State.SUPERSEDED | State.FOREIGN_NONCE:
                block = _block(intent)
                if not self._canonical(block):
                    return Vanished(), None
                if intent.effective is State.FOREIGN_NONCE:
                    # The node's index of transactions may have lagged behind its state.
                    inclusion = self._own_inclusion(intent)
                    if inclusion is not None and inclusion.succeeded:
                        return self._included(intent, inclusion, None)
                if block.number <= run.finalized.number:
                    return Settled(), None
            case _:
                pass
        return None, None

    def _look_at_reservation(self, intent: Intent) -> Event | None:
        count = self._chain.transaction_count()
        if count > _nonce(intent):
            return NonceUsed()
        if count < _nonce(intent) or self._chain.prove_head().head != intent.prev:
            return Stale()
        return None

    def _look_at_head(self, intent: Intent) -> tuple[Event | None, Leg | None]:
        """Who consumed the nonce, and is our root in the log?"""
        own = self._own_inclusion(intent)
        if own is not None and own.succeeded:
            return self._included(intent, own, None)
        prev = Digest(intent.prev or b"")
        before = self._book.with_head(prev)
        since = max(0, self._chain.latest().number - LOOKBACK_BLOCKS)
        if before is not None and before.block is not None:
            since = before.block.number
        other = self._chain.find_anchor(prev, Digest(intent.root), intent.size, since)
        if other is not None:
            found, adopted = self._chain.inclusion(other), self._chain.attempt(other)
            if found is not None and found.succeeded and adopted is not None:
                return self._included(intent, found, adopted)
        if own is not None:
            return OwnReverted(own.block), None
        count, latest = self._chain.transaction_count(), self._chain.latest()
        if count > _nonce(intent):
            return NotThere(_ref(latest)), None
        return (NonceFree() if intent.attempts else Stale()), None

    def _own_inclusion(self, intent: Intent) -> Inclusion | None:
        # The newest attempt is the likeliest; any of them may be the one that a miner took.
        for attempt in reversed(intent.attempts):
            inclusion = self._chain.inclusion(attempt.hash)
            if inclusion is not None:
                return inclusion
        return None

    def _included(
        self, intent: Intent, inclusion: Inclusion, adopted: Attempt | None
    ) -> tuple[Event | None, Leg | None]:
        """Mined, if the event is ours and follows a head that is known; None if that one is not yet."""
        leg = inclusion.leg
        prev = Digest(intent.prev or b"")
        try:
            evm.check_leg(
                _document_leg(leg),
                prev=prev,
                link=Link(Digest(intent.root), intent.size, inclusion.header.timestamp),
                chain_id=self._identity.chain_id,
                contract=self._identity.contract,
                log_address=self._identity.log_address,
            )
        except FormatError as error:
            raise ChainContradiction(
                "NOT_OUR_ANCHOR",
                f"intent {intent.id}: the transaction in block {inclusion.header.number} succeeded "
                f"and is not the anchor that was signed: {error}",
            ) from error
        number = 0
        if prev != ZERO:
            before = self._book.with_head(prev)
            if before is None or before.number is None:
                return None, None
            number = before.number + 1
        tx_hash = adopted.hash if adopted is not None else self._tx_hash(intent, leg)
        if any(attempt.hash == tx_hash for attempt in intent.attempts):
            adopted = None
        return Included(inclusion.block, tx_hash, number, adopted), leg

    def _tx_hash(self, intent: Intent, leg: Leg) -> bytes:
        return next(attempt.hash for attempt in intent.attempts if attempt.raw == leg.tx)

    def _plan(self, run: _Run, intent: Intent) -> _Plan:
        """What to do about the intent, or what stands in the way. Reads only."""
        match intent.effective:
            case State.SEALED:
                return self._plan_reservation()
            case State.RESERVED:
                return self._plan_first_attempt(intent)
            case State.SIGNED:
                return _Send(intent.attempts[-1])
            case State.BROADCAST:
                return self._plan_follow(run, intent)
            case _:
                return None

    def _plan_reservation(self) -> _Plan:
        newest = self._book.newest_on_chain()
        expected = ZERO if newest is None else newest.head
        # The count is read first: if a transaction of ours slips in between, `prev` is too new for the
        # nonce, and the reservation is found stale before anything is signed.
        count = self._chain.transaction_count()
        head = self._chain.prove_head().head
        if head != expected:
            return _Obstacle(
                Cause.HEAD_UNKNOWN,
                f"the log's head on chain is 0x{head.hex()}, after the newest known anchor it is "
                f"0x{expected.hex()}. If no endpoint lags, the store is older than the chain or "
                "somebody else holds the key.",
            )
        return _Reservation(count, bytes(head))

    def _plan_first_attempt(self, intent: Intent) -> _Plan:
        call_data = _call_data(intent)
        simulation = self._chain.simulate(call_data)
        if simulation.gas is None:
            return _Obstacle(Cause.REVERTS, f"the node refuses to simulate: {simulation.reason}")
        gas_limit = simulation.gas * GAS_MARGIN[0] // GAS_MARGIN[1]
        if gas_limit > self._settings.gas_limit_cap:
            return _Obstacle(
                Cause.REVERTS,
                f"it takes {simulation.gas} gas; the limit is {self._settings.gas_limit_cap}",
            )
        now = self._chain.fees()
        cap = self._settings.max_fee_cap
        offer = fees.first_offer(now.base_fee, now.priority_fee, cap)
        if offer is None:
            return _fee_cap(now.base_fee, cap)
        balance = self._chain.balance()
        if balance < gas_limit * offer.max_fee:
            return self._poor(balance, gas_limit * offer.max_fee)
        return self._fields(intent, gas_limit, offer)

    def _plan_follow(self, run: _Run, intent: Intent) -> _Plan:
        newest = intent.attempts[-1]
        if newest.first_sent_at is None:
            return _Send(newest)
        now = self._chain.fees()
        cap = self._settings.max_fee_cap
        old = fees.Offer(newest.max_fee, newest.priority_fee)
        offer = fees.next_offer(old, now.base_fee, now.priority_fee, cap)
        if offer is None and now.base_fee > newest.max_fee:
            return _fee_cap(now.base_fee, cap)
        balance = self._chain.balance()
        cost = newest.gas_limit * newest.max_fee
        # Bytes that the pool holds were paid for when they came; others would be refused.
        if balance < cost and not self._chain.knows(newest.hash):
            return self._poor(balance, cost)
        if (
            offer is not None
            and run.now - newest.first_sent_at >= self._settings.bump
            and balance >= newest.gas_limit * offer.max_fee
        ):
            return self._fields(intent, newest.gas_limit, offer)
        sent_at = self._sent_at.get(intent.id)
        if sent_at is None or run.now - sent_at >= self._settings.rebroadcast:
            return _Send(newest)
        return None

    def _poor(self, balance: int, cost: int) -> _Obstacle:
        return _Obstacle(
            Cause.FUNDS,
            f"account 0x{self._identity.log_address.hex()} has {balance} wei and may need {cost}. "
            "Send it money.",
        )

    def _fields(self, intent: Intent, gas_limit: int, offer: fees.Offer) -> TransactionFields:
        return TransactionFields(
            chain_id=intent.chain_id,
            # Every attempt of the intent has the reserved nonce: that is what makes them replace one
            # another instead of anchoring twice.
            nonce=_nonce(intent),
            to=intent.contract,
            gas_limit=gas_limit,
            max_fee=offer.max_fee,
            priority_fee=offer.priority_fee,
            call_data=_call_data(intent),
        )

    def _act(self, run: _Run, intent: Intent, plan: _Plan) -> Event | None:
        """Carry the plan out. What it returns is stored next."""
        match plan:
            case _Reservation(nonce, prev):
                size = self._log.size()
                return Reserve(size, self._root(size), nonce, prev)
            case TransactionFields():
                # A crash after signing loses bytes that nobody has seen; others are signed instead.
                signed = self._signer.sign(plan)
                attempt = Attempt(
                    signed.hash, signed.raw, plan.gas_limit, plan.max_fee, plan.priority_fee
                )
                return Sign(attempt) if intent.state is State.RESERVED else Bump(attempt)
            case _Send(attempt):
                return self._send(run, intent, attempt)
            case _:
                return None

    def _send(self, run: _Run, intent: Intent, attempt: Attempt) -> Event | None:
        # The bytes are stored. A crash before, during or after the send leaves them where they are,
        # and the same bytes are looked for and sent again.
        try:
            self._chain.send(attempt.raw)
        except OutcomeUnknown as error:
            # Taken, refused or lost: looking for the hash will tell. The text is for people.
            run.happened.append(f"intent {intent.id}: send unclear: {error}")
        self._sent_at[intent.id] = run.now
        return Sent(run.now) if attempt.first_sent_at is None else None

    def _hold(
        self, intent: Intent, obstacle: _Obstacle, happened: list[str], alarms: dict[str, str]
    ) -> None:
        alarms.setdefault("HELD", f"{obstacle.cause}: {obstacle.text}")
        if intent.cause is not obstacle.cause:
            self._record(intent, Hold(obstacle.cause), happened)

    def _record(
        self, intent: Intent, event: Event, happened: list[str], leg: Leg | None = None
    ) -> Intent:
        after = self._book.advance(intent, event, leg)
        if isinstance(event, Resume | Vanished):
            # What was sent before may be lost, so the next send is due at once.
            self._sent_at.pop(intent.id, None)
        detail = f" {event.cause}" if isinstance(event, Hold) else ""
        happened.append(f"intent {intent.id}: {EVENT_NAMES[type(event)]}{detail} → {after.state}")
        return after

    # The next intent.

    def _covered(self) -> int:
        newest = self._book.newest_on_chain()
        return 0 if newest is None else newest.size

    def _seal(self, happened: list[str]) -> Intent | None:
        size, covered = self._log.size(), self._covered()
        if size < covered:
            raise Contradiction(
                "BATCH_LOG_SHORT",
                f"the chain holds a checkpoint of {covered} batches, the batch log has {size}. "
                "Restore the store from a newer backup.",
            )
        if size == covered or any(intent.live for intent in self._book.open_intents()):
            return None
        identity = self._identity
        intent = self._book.seal(
            identity.chain_id, identity.contract, identity.log_address, size, self._root(size)
        )
        happened.append(f"intent {intent.id}: for {size} batches → {intent.state}")
        return intent

    def _root(self, size: int) -> bytes:
        """The root of the signed checkpoint, so that what is anchored is what was signed."""
        text = notes.parse_note(self._log.checkpoint(size)).text
        checkpoint = notes.parse_checkpoint_text(text)
        if (checkpoint.origin, checkpoint.size) != (self._identity.name, size):
            raise Contradiction(
                "CHECKPOINT_OTHER",
                f"the checkpoint kept for size {size} is of {checkpoint.origin}, {checkpoint.size}",
            )
        return bytes(checkpoint.root)

    # As-of proofs. docs/spec/sender.md §6.

    def _take_as_of(self, run: _Run) -> None:
        newest, last = self._book.newest_on_chain(), self._book.newest_taken()
        if newest is None:
            return
        if last is not None and last.head == newest.head:
            aged = run.now - last.taken_at >= self._settings.as_of_refresh
            # On a chain that stands still there is nothing newer to prove.
            if not aged or last.block_hash == self._chain.latest().hash:
                return
        proof = self._chain.prove_head()
        known = self._book.with_head(proof.head)
        if known is None or known.number is None:
            # The chain moved on, or back, since this step began. The next step takes the proof.
            return
        self._book.add_as_of(proof, known.number + 1, run.now)
        run.happened.append(f"as-of proof at block {proof.header.number}")

    def _release_as_ofs(self, run: _Run) -> None:
        for pending in self._book.pending_as_ofs():
            number = pending.as_of.block_number
            if number > run.finalized.number:
                continue
            header = self._chain.block(number)
            if header is None:
                continue
            if header.hash == pending.block_hash:
                self._book.release_as_of(pending.id)
                run.happened.append(f"as-of proof at block {number} released")
            else:
                self._book.drop_as_of(pending.id)
                run.happened.append(
                    f"as-of proof at block {number} dropped: the block was replaced"
                )

    # The proof.

    def _prove(self, run: _Run, intent: Intent) -> None:
        refused_at, text = self._refused_at.get(intent.id, (None, ""))
        if refused_at is not None and run.now - refused_at < self._settings.prove_retry:
            run.alarms["FINAL_NOT_PROVED"] = text
            return
        document = self._chain_proof(intent)
        if document is None:
            age = run.now - datetime.fromtimestamp(_block(intent).time, UTC)
            if age >= self._settings.unproved_alarm:
                run.alarms["FINAL_NOT_PROVED"] = (
                    f"anchor {intent.number} has no released as-of proof since {age}"
                )
            return
        try:
            answer = self._prover.check(
                evm_document.encode(document),
                intent.chain_id,
                intent.contract,
                intent.log_address,
            )
            refusal = None if answer.exit_code == 0 else f"exit {answer.exit_code}: {answer.text}"
        except NothingHappened as error:
            refusal = str(error)
        if refusal is None:
            self._refused_at.pop(intent.id, None)
            self._record(intent, Proved(), run.happened)
        else:
            text = f"the verifier did not accept anchor {intent.number}: {refusal}"
            self._refused_at[intent.id] = (run.now, text)
            run.alarms["FINAL_NOT_PROVED"] = text
            run.happened.append(f"intent {intent.id}: {text}")

    def _chain_proof(self, intent: Intent) -> evm_document.EvmDocument | None:
        """The chain proof of this anchor alone, or None while no released as-of proof covers it."""
        number, prev, leg = intent.number, intent.prev, self._book.leg(intent)
        if number is None or prev is None or leg is None:
            raise Contradiction("LEG_LOST", f"intent {intent.id} is FINAL and has no leg")
        stored = self._book.released_for(number)
        if stored is None:
            return None
        later = self._book.on_chain_from(number)[: stored.as_of.anchors - number]
        return evm_document.EvmDocument(
            intent.chain_id,
            intent.contract,
            intent.log_address,
            Digest(prev),
            tuple(one.link for one in later),
            evm_document.AsOf(
                stored.as_of.header, stored.as_of.account_proof, stored.as_of.storage_proof
            ),
            (_document_leg(leg),),
            (),
            (),
        )

    # What others ask.

    def recent_block(self, now: datetime, fresh: timedelta) -> RecentBlock | None:
        """The newest finalized block, for `not_before` of a batch; None if none was ever known.

        Asks the chain if what is kept is older than `fresh`, and gives what is kept if it can't be
        asked: `seen_at` tells the age.
        """
        kept = self._book.recent_block()
        if kept is not None and now - kept.seen_at < fresh:
            return kept
        try:
            # Without a look at who answers, a block of another chain could get into a batch header.
            if self._survey(moment(milliseconds(now))) is not None:
                return kept
            found = self._recent(self._chain.finalized(), moment(milliseconds(now)))
        except (ChainAway, ChainContradiction):
            return kept
        self._book.keep_recent_block(found)
        return found

    def status(self, now: datetime) -> AnchorStatus:
        """How things stand. Asks the chain for the balance alone, and does without if it is away."""
        sealed = self._log.size()
        newest, as_of = self._book.newest_on_chain(), self._book.newest_released()
        live = next((intent for intent in self._book.open_intents() if intent.live), None)
        anchored = self._covered()
        lag = timedelta()
        if sealed > anchored:
            lag = max(lag, now - self._log.batch(anchored).header.sealed_at)
        try:
            balance = self._chain.balance()
        except (ChainAway, ChainContradiction):
            balance = None
        last = None if newest is None else datetime.fromtimestamp(_block(newest).time, UTC)
        return AnchorStatus(
            sealed=sealed,
            anchored=anchored,
            proved=self._book.proved_count(),
            live=live,
            held=None if live is None else live.cause,
            last_anchor_at=last,
            lag=lag,
            balance=balance,
            as_of_block=None if as_of is None else as_of.as_of.block_number,
            as_of_time=None
            if as_of is None
            else datetime.fromtimestamp(as_of.as_of.block_time, UTC),
            alarms=self._book.alarms(),
        )

    def _keep_alarms(self, now: datetime, found: dict[str, str]) -> None:
        foreign = [one for one in self._book.open_intents() if one.state is State.FOREIGN_NONCE]
        if foreign:
            found["FOREIGN_NONCE"] = (
                f"nonce {foreign[0].nonce} of the log's account was consumed by a transaction that "
                "this store does not know. Somebody else holds the key, or an older store was at work."
            )
        newest = self._book.newest_on_chain()
        as_of = self._book.newest_released()
        if newest is not None:
            since = _block(newest).time if as_of is None else as_of.as_of.block_time
            age = now - datetime.fromtimestamp(since, UTC)
            if age > AS_OF_OVERDUE * self._settings.as_of_refresh:
                found["AS_OF_MISSING"] = f"the newest released as-of proof is {age} old"
        stand = self._book.alarms()
        if {code: alarm.text for code, alarm in stand.items()} != found:
            self._book.keep_alarms(
                {
                    code: Alarm(text, stand[code].since if code in stand else now)
                    for code, text in found.items()
                }
            )

    def _report(self, now: datetime, happened: list[str]) -> Step:
        busy = bool(self._book.open_intents() or self._book.pending_as_ofs())
        idle = not busy and self._log.size() == self._covered()
        wait = self._settings.poll * (IDLE_POLLS if idle else 1)
        return Step(tuple(happened), now + wait, idle)


def _nonce(intent: Intent) -> int:
    if intent.nonce is None:
        raise Contradiction("INTENT_IMPOSSIBLE", f"intent {intent.id} has no nonce")
    return intent.nonce


def _block(intent: Intent) -> BlockRef:
    if intent.block is None:
        raise Contradiction("INTENT_IMPOSSIBLE", f"intent {intent.id} has no block")
    return intent.block


def _ref(header: Header) -> BlockRef:
    return BlockRef(header.number, bytes(header.hash), header.timestamp)


def _call_data(intent: Intent) -> bytes:
    # docs/spec/anchor.md §1: anchor(bytes32 prev, bytes32 root, uint64 size)
    prev = intent.prev or b""
    return anchors.SELECTOR + Digest(prev) + Digest(intent.root) + intent.size.to_bytes(32, "big")


def _fee_cap(base_fee: int, cap: int) -> _Obstacle:
    return _Obstacle(
        Cause.FEE_CAP,
        f"the base fee is {base_fee} wei per gas, the cap {cap}. Wait, or raise the cap.",
    )


def _document_leg(leg: Leg) -> evm.Leg:
    return evm.Leg(
        0,
        leg.header,
        leg.index,
        leg.tx,
        leg.tx_proof,
        leg.receipt,
        leg.receipt_proof,
        leg.log_index,
    )
