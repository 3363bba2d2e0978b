"""Brings checkpoints on chain, each batch once and in order, and follows them until they are proved.

Spec: docs/spec/sender.md §1, §2 and §7. `Anchorer.step` is the whole sender: it looks at the chain,
takes each open intent as far as it goes. It keeps nothing
that a restart would miss, so recovery is calling it. Test: tests/scenarios/anchor, on a real chain
with faults.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from notary.chain_ports import (
    Chain,
    ChainAway,
    ChainContradiction,
    ChainProver,
    Hurry,
    IntentBook,
    RecentBlock,
    SeenBalance,
    Signer,
    TransactionFields,
    Unsettled,
)
from notary.core.intent import (
    EVENT_NAMES,
    Attempt,
    Bump,
    Cause,
    Event,
    Gap,
    Hold,
    Intent,
    Reserve,
    Resume,
    Sent,
    Sign,
    Stale,
    State,
    Vanished,
)
from notary.core.log_identity import LogIdentity
from notary.core.moments import has_passed, milliseconds, moment
from notary.errors import CallerError, Contradiction, OutcomeUnknown
from notary.ports import BatchLog, Leg
from notary.usecases.anchor_alarms import SenderAlarms
from notary.usecases.anchor_fate import Fate, Fates, block_of, is_final
from notary.usecases.anchor_plan import GiveUp, Limits, Obstacle, Plan, Planner, Reservation, Send
from notary.usecases.anchor_proofs import Proofs, Told
from notary.usecases.anchor_status import AnchorStatus, read_status
from notary.usecases.chain_history import ChainHistory, UnclearHistory
from notary.usecases.standing import STORE_BEHIND_CHAIN
from verifier.format import contract as anchors
from verifier.format.digests import ZERO
from verifier.format.evm import Header

# Of one intent in one step: a chain that flaps must not keep a step from ending.
MAX_TRANSITIONS = 16
NOTHING_FINAL = -1  # below every block


@dataclass(frozen=True)
class AnchorSettings:
    """The sender's timers and limits. `max_fee_cap` is wei per gas, `spend_per_day` wei."""

    max_fee_cap: int
    spend_per_day: int | None = None
    rebroadcast: timedelta = timedelta(seconds=30)
    bump: timedelta = timedelta(seconds=120)
    bump_sooner: timedelta = timedelta(seconds=30)  # while somebody waits
    as_of_refresh: timedelta = timedelta(hours=6)
    identity_check: timedelta = timedelta(minutes=1)
    away_hold: timedelta = timedelta(minutes=1)  # one lost call holds nothing
    endpoint_patience: timedelta = timedelta(minutes=5)  # for one away or lagging among enough
    prove_retry: timedelta = timedelta(minutes=10)
    unproved_alarm: timedelta = timedelta(days=1)  # history is kept for months; a day leaves room
    gas_limit_cap: int = 200_000  # an anchor takes 31,000, the first one 48,000


@dataclass(frozen=True)
class Step:
    """What a step did, oldest first.

    `idle`: nothing is under way. `trouble` is why nothing moves, None while things move.
    """

    happened: tuple[str, ...]
    idle: bool
    trouble: str | None


class Anchorer:
    """The sender of one log. A second one on the same store loses each race, harmlessly."""

    def __init__(
        self,
        identity: LogIdentity,
        log: BatchLog,
        book: IntentBook,
        chain: Chain,
        signer: Signer,
        prover: ChainProver,
        settings: AnchorSettings,
        hurry: Hurry | None = None,
        fence: Callable[[], None] = lambda: None,
    ) -> None:
        """`fence` raises NothingHappened LEASE_LOST if this process may not sign and send any more."""
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
        self._settings = settings
        self._fence = fence
        self._history = ChainHistory(identity, log, book, chain)
        self._fates = Fates(identity, book, chain, self._history)
        self._planner = Planner(
            book,
            chain,
            self._history,
            Limits(
                max_fee=settings.max_fee_cap,
                gas=settings.gas_limit_cap,
                spend_per_day=settings.spend_per_day,
                bump_after=settings.bump,
                bump_sooner_after=settings.bump_sooner,
                rebroadcast_after=settings.rebroadcast,
            ),
            hurry,
        )
        self._proofs = Proofs(
            book,
            chain,
            prover,
            refresh=settings.as_of_refresh,
            retry=settings.prove_retry,
            alarm_after=settings.unproved_alarm,
        )
        self._alarms = SenderAlarms(
            book,
            chain,
            endpoint_patience=settings.endpoint_patience,
            as_of_refresh=settings.as_of_refresh,
        )
        # Timers only. After a restart everything is due at once, which does no harm.
        self._identity_checked_at: datetime | None = None
        self._away_since: datetime | None = None
        # Each process compares the chain's head with the store once, before it does anything else.
        self._compared = False
        self._sent_at: dict[int, datetime] = {}

    def step(self, now: datetime) -> Step:
        """Do what can be done now. Call it again after a pause.

        A chain that is away or lies raises nothing; it shows as an alarm and in `held`. Raises
        NothingHappened if the store is away or another sender was quicker (call again), OutcomeUnknown
        if a commit failed (call again: it looks), Contradiction if the store contradicts itself (stop,
        and let a person look).
        """
        now = moment(milliseconds(now))
        told = Told()
        try:
            self._work(now, told)
        except (ChainAway, ChainContradiction) as error:
            # Whatever was stored stands, and nothing else was decided. The next step looks again. What
            # this one could not look at is as it was.
            for code, alarm in self._book.alarms().items():
                told.alarms.setdefault(code, alarm.text)
            if isinstance(error, ChainContradiction):
                told.alarms["ENDPOINT_CONTRADICTS"] = str(error)
            elif not isinstance(error, Unsettled):
                told.alarms["ENDPOINT_AWAY"] = str(error)
                self._away_since = self._away_since or now
                if has_passed(self._settings.away_hold, self._away_since, now):
                    self._stand_still(Obstacle(Cause.ENDPOINT_AWAY, str(error)), told)
        else:
            self._away_since = None
        left_out = self._alarms.keep_endpoints(now, told)
        self._alarms.keep(now, told.alarms, compared=self._compared)
        return self._report(told, left_out)

    def _work(self, now: datetime, told: Told) -> None:
        # 1. Is this the chain? A crash up to here leaves nothing, or the pinned identity.
        try:
            obstacle = self._survey(now)
            if obstacle is None:
                # A crash leaves a restored store closed, and the comparison is still due.
                obstacle = self._compare(now, told)
        except ChainContradiction as error:
            obstacle = Obstacle(Cause.ENDPOINT, str(error))
        if obstacle is not None:
            self._stand_still(obstacle, told)
            return
        # 2. The block that the next sealing can name. A crash leaves the one before: older, still true.
        finalized = NOTHING_FINAL
        # While too few endpoints answer to say what is final, all else goes on.
        with suppress(Unsettled):
            header = self._chain.finalized()
            self._keep_recent(header, now)
            finalized = header.number
        # 3. Every open intent, oldest first: a younger one builds on the heads of older ones. A crash
        # anywhere leaves each intent in a stored state, from which this same loop goes on.
        for intent in self._book.open_intents():
            self._advance(intent, now, finalized, told)
        # 4. The next intent, if none is live. A crash leaves it in SEALED with nothing consumed.
        sealed = self._seal(told)
        if sealed is not None:
            self._advance(sealed, now, finalized, told)
        # 5. A proof of the present head. A crash leaves none, and it is still due.
        self._proofs.take_as_of(now, told)
        # 6. Proofs whose block became final. A crash leaves them pending, and they are looked at again.
        self._proofs.release_as_ofs(finalized, told)
        # 7. The stand-alone verifier's word. A crash leaves FINAL, and it is asked again.
        for intent in self._book.open_intents():
            if intent.state is State.FINAL:
                proved = self._proofs.prove(intent, now, told)
                if proved is not None:
                    self._record(intent, proved, told)
        # 8. The balance, for those who can't ask the chain. A crash leaves the one before.
        self._keep_balance(now)

    def _stand_still(self, obstacle: Obstacle, told: Told) -> None:
        """Hold everything: nothing is consumed, and nothing that this chain shows is taken for fate."""
        # What is sealed gets its intent all the same, so that it can be seen to be held.
        self._seal(told)
        for intent in self._book.open_intents():
            if intent.live:
                self._hold(intent, obstacle, told)
        self._tell(obstacle, told)
        if obstacle.cause is Cause.FINALITY_BROKEN:
            told.alarms["FINALITY_BROKEN"] = obstacle.text
        if obstacle.cause is Cause.ENDPOINT:
            told.alarms["ENDPOINT_CONTRADICTS"] = obstacle.text

    # The chain as a whole.

    def _survey(self, now: datetime) -> Obstacle | None:
        """Compare the chain with what it was. docs/spec/sender.md §1 rule 9."""
        checked_at = self._identity_checked_at
        live = any(intent.live for intent in self._book.open_intents())
        span = self._settings.identity_check
        fresh = checked_at is not None and not has_passed(span, checked_at, now)
        if fresh and not live and self._log.size() <= self._book.anchored():
            return None
        self._identity_checked_at = None
        found = self._chain.identity()
        pinned = self._book.pinned()
        if found.chain_id != self._identity.chain_id:
            return Obstacle(
                Cause.WRONG_CHAIN_ID,
                f"the endpoint is of chain {found.chain_id}, the log of {self._identity.chain_id}",
            )
        if pinned is not None and found.genesis_hash != pinned.genesis_hash:
            return Obstacle(
                Cause.WRONG_GENESIS,
                f"block 0 is 0x{found.genesis_hash.hex()}, at the first contact it was "
                f"0x{pinned.genesis_hash.hex()}",
            )
        if found.code_hash != anchors.RUNTIME_CODE_HASH:
            return Obstacle(
                Cause.WRONG_CODE,
                f"the code at 0x{self._identity.contract.hex()} hashes to 0x{found.code_hash.hex()}, "
                f"the contract's to 0x{anchors.RUNTIME_CODE_HASH.hex()}. Deploy it, or mend the address.",
            )
        if pinned is None:
            self._book.pin(found)
        with suppress(Unsettled):
            # What too few endpoints can say is looked at again by the next survey.
            broken = self._broken_finality()
            if broken is not None:
                return broken
            self._identity_checked_at = now
        return None

    def _broken_finality(self) -> Obstacle | None:
        """Whether what was final is on the chain no more."""
        lost = self._proofs.look_at_released()
        what = "the newest as-of proof"
        final = self._book.newest_final()
        if final is not None and not is_final(self._chain, block_of(final)):
            lost, what = block_of(final), f"anchor {final.number}"
        if lost is None:
            return None
        return Obstacle(
            Cause.FINALITY_BROKEN,
            f"block {lost.number} 0x{lost.hash.hex()} with {what} was final and is not on this chain. "
            "Another endpoint may know better; packages that rest on this block need a person's "
            "judgement.",
        )

    def _compare(self, now: datetime, told: Told) -> Obstacle | None:
        """Whether the chain is ahead of the store. docs/spec/sender.md §1 rule 10."""
        if self._compared:
            return None
        head = self._chain.prove_head().head
        # A known head that is not the newest: the endpoint lags, or a block was replaced. Both are
        # seen to elsewhere, and neither is an anchor that this store does not know.
        if head != ZERO and self._book.with_head(head) is None:
            try:
                unexplained = self._history.first_unexplained(head)
            except UnclearHistory as error:
                if self._book.to_compare():
                    told.alarms["HELD"] = f"{Cause.HEAD_UNKNOWN}: {error}"
                return None
            if unexplained is not None:
                return Obstacle(Cause.STORE_BEHIND_CHAIN, self._history.behind(unexplained))
        if self._book.to_compare():
            self._book.keep_compared(now)
            told.happened.append("compared with the chain: this store knows every anchor")
        self._compared = True
        return None

    def _keep_recent(self, header: Header, now: datetime) -> None:
        kept = self._book.recent_block()
        if kept is None or kept.hash != header.hash:
            self._book.keep_recent_block(self._recent(header, now))

    def _keep_balance(self, now: datetime) -> None:
        kept = self._book.balance()
        if kept is None or has_passed(self._settings.identity_check, kept.seen_at, now):
            self._book.keep_balance(SeenBalance(self._chain.balance(), now))

    def _recent(self, header: Header, now: datetime) -> RecentBlock:
        return RecentBlock(
            self._identity.chain_id, header.number, bytes(header.hash), header.raw, now
        )

    # One intent.

    def _advance(self, intent: Intent, now: datetime, finalized: int, told: Told) -> None:
        """Take the intent as far as it goes. Each transition is stored before the next is thought of."""
        for _ in range(MAX_TRANSITIONS):
            if not intent.open:
                return
            try:
                event, leg = self._next(intent, now, finalized, told)
            except ChainContradiction as error:
                told.alarms["ENDPOINT_CONTRADICTS"] = str(error)
                if intent.live:
                    self._hold(intent, Obstacle(Cause.ENDPOINT, str(error)), told)
                return
            if event is None:
                return
            intent = self._record(intent, event, told, leg)

    def _next(self, intent: Intent, now: datetime, finalized: int, told: Told) -> Fate:
        """Look, plan, act: the next event of the intent, or None to wait.

        Looking and planning only read, so a held intent is taken through both without effect.
        """
        event, leg = self._fates.of(intent, finalized)
        plan: Plan = None
        if event is None:
            plan = self._planner.plan(intent, now, self._sent_at.get(intent.id))
            if isinstance(plan, Obstacle):
                self._hold(intent, plan, told)
                return None, None
        if intent.state is State.HELD:
            return Resume(), None
        if event is not None:
            return event, leg
        return self._act(intent, plan, now, told), None

    def _act(self, intent: Intent, plan: Plan, now: datetime, told: Told) -> Event | None:
        """Carry the plan out. What it returns is stored next."""
        match plan:
            case Reservation(nonce, prev, anchored):
                size = self._log.size() if anchored is None else anchored
                if anchored is None and size <= self._book.anchored():
                    # Made while an anchor was taken for a foreign one, which has turned out to be ours.
                    return Stale()
                return Reserve(
                    size, self._history.signed_root(size), nonce, prev, anchored is not None
                )
            case TransactionFields():
                self._fence()
                # A crash after signing loses bytes that nobody has seen; others are signed instead.
                signed = self._signer.sign(plan)
                attempt = Attempt(
                    signed.hash, signed.raw, plan.gas_limit, plan.max_fee, plan.priority_fee
                )
                return Sign(attempt) if intent.state is State.RESERVED else Bump(attempt)
            case GiveUp():
                return Gap()
            case Send(attempt):
                return self._send(intent, attempt, now, told)
            case _:
                return None

    def _send(self, intent: Intent, attempt: Attempt, now: datetime, told: Told) -> Event | None:
        # What another sender may send as well: it is the same bytes. So the fence need not hold on.
        self._fence()
        # The bytes are stored. A crash before, during or after the send leaves them where they are,
        # and the same bytes are looked for and sent again.
        try:
            self._chain.send(attempt.raw)
        except OutcomeUnknown as error:
            # Taken, refused or lost: looking for the hash will tell. The text is for people.
            told.happened.append(f"intent {intent.id}: send unclear: {error}")
        self._sent_at[intent.id] = now
        return Sent(now) if attempt.first_sent_at is None else None

    def _tell(self, obstacle: Obstacle, told: Told) -> None:
        told.alarms["HELD"] = f"{obstacle.cause}: {obstacle.text}"
        if obstacle.cause is Cause.NONCE_GAP:
            told.alarms["NONCE_GAP"] = obstacle.text
        if obstacle.cause is Cause.STORE_BEHIND_CHAIN:
            # It stands until a comparison finds otherwise: intake and sealing obey it.
            told.alarms[STORE_BEHIND_CHAIN] = obstacle.text
            self._compared = False

    def _hold(self, intent: Intent, obstacle: Obstacle, told: Told) -> None:
        self._tell(obstacle, told)
        if intent.cause is not obstacle.cause:
            self._record(intent, Hold(obstacle.cause), told)

    def _record(self, intent: Intent, event: Event, told: Told, leg: Leg | None = None) -> Intent:
        after = self._book.advance(intent, event, leg)
        if isinstance(event, Resume | Vanished):
            # What was sent before may be lost, so the next send is due at once.
            self._sent_at.pop(intent.id, None)
        detail = f" {event.cause}" if isinstance(event, Hold) else ""
        told.happened.append(
            f"intent {intent.id}: {EVENT_NAMES[type(event)]}{detail} → {after.state}"
        )
        return after

    # The next intent.

    def _seal(self, told: Told) -> Intent | None:
        size, covered = self._log.size(), self._book.anchored()
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
            identity.chain_id,
            identity.contract,
            identity.log_address,
            size,
            self._history.signed_root(size),
        )
        told.happened.append(f"intent {intent.id}: for {size} batches → {intent.state}")
        return intent

    # What others ask.

    def status(self, now: datetime) -> AnchorStatus:
        """How things stand. Asks the chain for the balance alone, and does without if it is away."""
        return read_status(self._log, self._book, self._chain, now)

    def recent_block(self, now: datetime, fresh: timedelta) -> RecentBlock | None:
        """The newest finalized block, for `not_before` of a batch; None if none was ever known.

        Asks the chain if what is kept is older than `fresh`, and gives what is kept if it can't be
        asked: `seen_at` tells the age.
        """
        kept = self._book.recent_block()
        if kept is not None and not has_passed(fresh, kept.seen_at, now):
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

    def _report(self, told: Told, left_out: set[str]) -> Step:
        busy = bool(self._book.open_intents() or self._book.pending_as_ofs())
        idle = self._compared and not busy and self._log.size() == self._book.anchored()
        alarms = [f"{code}: {text}" for code, text in told.alarms.items() if code not in left_out]
        return Step(tuple(told.happened), idle, "; ".join(alarms) or None)
