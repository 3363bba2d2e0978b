"""What to do next about an anchor intent, or what stands in the way. Reads only.

Owns the causes of docs/spec/sender.md §5 and the sender's timers. Test: tests/scenarios/anchor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from notary.chain_ports import Chain, ChainAway, Hurry, IntentBook, TransactionFields
from notary.core import fees
from notary.core.budget import DAY, amount_of, committed, worst_case
from notary.core.intent import Attempt, Cause, Intent, State
from notary.core.moments import has_passed
from notary.usecases.anchor_fate import nonce_of
from notary.usecases.chain_history import ChainHistory
from verifier.format import contract as anchors
from verifier.format.digests import ZERO, Digest

# The slot may be new when the transaction runs though it was not when simulated.
GAS_MARGIN = (3, 2)
# A count that only lagged has caught up after so many times the wait for a raise of the fee.
GIVE_UP_BUMPS = 5


@dataclass(frozen=True)
class Limits:
    """What a plan keeps to: fees in wei per gas, gas of one transaction, wei a day, and timers.

    `bump_sooner_after` takes the place of `bump_after` while somebody waits.
    """

    max_fee: int
    gas: int
    spend_per_day: int | None
    bump_after: timedelta
    bump_sooner_after: timedelta
    rebroadcast_after: timedelta


@dataclass(frozen=True)
class Obstacle:
    """Something that keeps the intent HELD, and a sentence for people."""

    cause: Cause
    text: str


@dataclass(frozen=True)
class Reservation:
    """The nonce and the head to pin.

    `anchored` is the size of an anchor with both that the chain holds already: then there is nothing
    to send, and the intent is for just that anchor.
    """

    nonce: int
    prev: bytes
    anchored: int | None = None


@dataclass(frozen=True)
class Send:
    """Stored bytes to send, for the first time or again."""

    attempt: Attempt


@dataclass(frozen=True)
class GiveUp:
    """Leave a nonce that nothing leads up to."""


Plan: TypeAlias = Obstacle | Reservation | TransactionFields | Send | GiveUp | None


class Planner:
    """Plans for one log."""

    def __init__(
        self,
        book: IntentBook,
        chain: Chain,
        history: ChainHistory,
        limits: Limits,
        hurry: Hurry | None,
    ) -> None:
        self._book = book
        self._chain = chain
        self._history = history
        self._limits = limits
        self._hurry = hurry

    def plan(self, intent: Intent, now: datetime, sent_at: datetime | None) -> Plan:
        """What to do about the intent, or what stands in the way; None to wait.

        `sent_at` is when its newest bytes were last sent, as far as this process knows.
        """
        match intent.effective:
            case State.SEALED:
                return self.reservation()
            case State.RESERVED:
                return self._first_attempt(intent, now)
            case State.SIGNED:
                return Send(intent.attempts[-1])
            case State.BROADCAST:
                return self._follow(intent, now, sent_at)
            case _:
                return None

    def reservation(self) -> Plan:
        """Nonce and prev for the next anchor."""
        newest = self._book.newest_on_chain()
        expected = ZERO if newest is None else newest.head
        # The count is read first: if a transaction of ours slips in between, `prev` is too new for the
        # nonce, and the reservation is found stale before anything is signed.
        count = self._chain.transaction_count()
        if newest is not None and count <= nonce_of(newest):
            raise ChainAway(
                "COUNT_LAGS",
                f"the account's transaction count is said to be {count}, and anchor {newest.number} "
                f"consumed nonce {newest.nonce}: the endpoint lags.",
            )
        head = self._chain.prove_head().head
        if head != expected and self._book.with_head(head) is None:
            # A store that was restored from before an anchor: it takes that anchor over if it signed
            # its checkpoint, and stops for good if it did not.
            unknown = self._history.next_unknown()
            if unknown is not None and not unknown.explained:
                return Obstacle(Cause.STORE_BEHIND_CHAIN, self._history.behind(unknown))
            if unknown is not None and unknown.nonce < count:
                return Reservation(unknown.nonce, bytes(expected), unknown.size)
        if head != expected:
            return Obstacle(
                Cause.HEAD_UNKNOWN,
                f"the log's head on chain is 0x{head.hex()}, after the newest known anchor it is "
                f"0x{expected.hex()}. If no endpoint lags, somebody else holds the key.",
            )
        return Reservation(count, bytes(head))

    def _first_attempt(self, intent: Intent, now: datetime) -> Plan:
        simulation = self._chain.simulate(call_data(intent))
        if simulation.gas is None:
            return Obstacle(Cause.REVERTS, f"the node refuses to simulate: {simulation.reason}")
        gas_limit = simulation.gas * GAS_MARGIN[0] // GAS_MARGIN[1]
        if gas_limit > self._limits.gas:
            return Obstacle(
                Cause.REVERTS,
                f"it takes {simulation.gas} gas; the limit is {self._limits.gas}",
            )
        asked = self._chain.fees()
        offer = fees.first_offer(asked.base_fee, asked.priority_fee, self._limits.max_fee)
        if offer is None:
            return self._too_dear(asked.base_fee)
        balance = self._chain.balance()
        if balance < gas_limit * offer.max_fee:
            return self._poor(intent, balance, gas_limit * offer.max_fee)
        over = self._over_budget(intent, now, gas_limit * offer.max_fee)
        return over or self._fields(intent, gas_limit, offer)

    def _follow(self, intent: Intent, now: datetime, sent_at: datetime | None) -> Plan:
        newest = intent.attempts[-1]
        if newest.first_sent_at is None:
            return Send(newest)
        if has_passed(self._limits.bump_after, intent.attempts[0].first_sent_at or now, now):
            gap = self._gap(intent)
            if gap is not None:
                # A higher fee would bring it no nearer.
                given_up = GIVE_UP_BUMPS * self._limits.bump_after
                waited = has_passed(given_up, intent.attempts[0].first_sent_at or now, now)
                return GiveUp() if waited else gap
        asked = self._chain.fees()
        old = fees.Offer(newest.max_fee, newest.priority_fee)
        offer = fees.next_offer(old, asked.base_fee, asked.priority_fee, self._limits.max_fee)
        if offer is None and asked.base_fee > newest.max_fee:
            return self._too_dear(asked.base_fee)
        balance = self._chain.balance()
        cost = worst_case(newest)
        # Bytes that the pool holds were paid for when they came; others would be refused.
        if balance < cost and not self._chain.knows(newest.hash):
            return self._poor(intent, balance, cost)
        send_due = sent_at is None or has_passed(self._limits.rebroadcast_after, sent_at, now)
        if (
            offer is not None
            and has_passed(self._patience(), newest.first_sent_at, now)
            and balance >= newest.gas_limit * offer.max_fee
        ):
            over = self._over_budget(intent, now, newest.gas_limit * offer.max_fee)
            if over is None:
                return self._fields(intent, newest.gas_limit, offer)
            # What is signed may still be mined, so a pool that lost it gets it again.
            can_pay = asked.base_fee <= newest.max_fee
            if not (send_due and can_pay and not self._chain.knows(newest.hash)):
                return over
        return Send(newest) if send_due else None

    def _patience(self) -> timedelta:
        limits = self._limits
        if self._hurry is not None and self._hurry.hurried():
            return min(limits.bump_after, limits.bump_sooner_after)
        return limits.bump_after

    def _over_budget(self, intent: Intent, now: datetime, cost: int) -> Obstacle | None:
        """docs/spec/sender.md §8."""
        cap = self._limits.spend_per_day
        if cap is None:
            return None
        others = [one for one in self._book.open_intents() if one.id != intent.id]
        spent = sum(self._book.costs_since(now - DAY))
        if spent + committed(others) + cost <= cap:
            return None
        return Obstacle(
            Cause.BUDGET,
            f"{amount_of(spent)} of the chain's currency went in 24 hours and this anchor may cost "
            f"{amount_of(committed(others) + cost)}; the cap is {amount_of(cap)} a day. Wait, or raise "
            "the cap.",
        )

    def _gap(self, intent: Intent) -> Obstacle | None:
        """The nonces between the account's count and the intent's that are none of ours."""
        nonce, count = nonce_of(intent), self._chain.transaction_count()
        if count >= nonce:
            return None
        ours = {
            one.nonce
            for one in (*self._book.open_intents(), *self._book.on_chain_from(0))
            if one.nonce is not None and count <= one.nonce < nonce
        }
        if len(ours) == nonce - count:
            return None
        return Obstacle(
            Cause.NONCE_GAP,
            f"the account's transaction count is {count}, and nothing of ours has the nonces up to "
            f"{nonce}: an endpoint gave too high a count. It is given up after a while.",
        )

    def _poor(self, intent: Intent, balance: int, cost: int) -> Obstacle:
        return Obstacle(
            Cause.FUNDS,
            f"account 0x{intent.log_address.hex()} has {balance} wei and may need {cost}. "
            "Send it money.",
        )

    def _fields(self, intent: Intent, gas_limit: int, offer: fees.Offer) -> TransactionFields:
        return TransactionFields(
            chain_id=intent.chain_id,
            # Every attempt of the intent has the reserved nonce: that is what makes them replace one
            # another instead of anchoring twice.
            nonce=nonce_of(intent),
            to=intent.contract,
            gas_limit=gas_limit,
            max_fee=offer.max_fee,
            priority_fee=offer.priority_fee,
            call_data=call_data(intent),
        )

    def _too_dear(self, base_fee: int) -> Obstacle:
        return Obstacle(
            Cause.FEE_CAP,
            f"the base fee is {base_fee} wei per gas, the cap {self._limits.max_fee}. "
            "Wait, or raise the cap.",
        )


def call_data(intent: Intent) -> bytes:
    """The call of a reserved intent."""
    # docs/spec/anchor.md §1: anchor(bytes32 prev, bytes32 root, uint64 size)
    prev = intent.prev or b""
    return anchors.SELECTOR + Digest(prev) + Digest(intent.root) + intent.size.to_bytes(32, "big")
