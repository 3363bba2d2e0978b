"""The alarms of the sender: of endpoints that are out of it, and of what the store shows by itself.

Spec: docs/spec/sender.md §7, §10. Tests: tests/scenarios/anchor/test_endpoints.py,
tests/scenarios/anchor/test_sender.py.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from notary.chain_ports import Alarm, Chain, Condition, IntentBook
from notary.core.intent import State
from notary.core.moments import has_passed
from notary.usecases.anchor_fate import block_of
from notary.usecases.anchor_proofs import Told
from notary.usecases.standing import STORE_BEHIND_CHAIN

AS_OF_OVERDUE = 3  # refresh times without a released as-of proof before the alarm

# docs/spec/sender.md §10
ENDPOINT_ALARMS = {
    Condition.AWAY: "ENDPOINT_AWAY",
    Condition.LYING: "ENDPOINT_CONTRADICTS",
    Condition.LAGGING: "ENDPOINT_LAGS",
}


class SenderAlarms:
    """Keeps what stands in the way, in the store, for people and for `notary status`."""

    def __init__(
        self,
        book: IntentBook,
        chain: Chain,
        *,
        endpoint_patience: timedelta,
        as_of_refresh: timedelta,
    ) -> None:
        self._book = book
        self._chain = chain
        self._endpoint_patience = endpoint_patience
        self._as_of_refresh = as_of_refresh

    def keep_endpoints(self, now: datetime, told: Told) -> set[str]:
        """Store what the endpoints are taken for, and let those that are out of it stand as alarms.

        Returns the alarms without which all would go on just the same.
        """
        kept = {state.host: state for state in self._book.endpoints()}
        states = []
        for state in self._chain.endpoints():
            before = kept.get(state.host)
            if before is not None and before.condition is state.condition:
                # A restart begins anew; for people it goes on since then.
                state = replace(state, since=before.since)
            elif before is not None or state.condition is not Condition.OK:
                told.happened.append(f"endpoint {state.condition}: {state.text or state.host}")
            states.append(state)
        if tuple(states) != tuple(kept.values()):
            self._book.keep_endpoints(tuple(states))
        well = [one for one in states if one.condition is Condition.OK]
        enough = 2 * len(well) > len(states)
        left_out = set()
        for condition, code in ENDPOINT_ALARMS.items():
            # Who is away for a moment, while enough are there, is nobody's worry.
            patient = enough and condition is not Condition.LYING
            out = [
                one.text
                for one in states
                if one.condition is condition
                and not (patient and not has_passed(self._endpoint_patience, one.since, now))
            ]
            if out and code not in told.alarms:
                told.alarms[code] = "; ".join(out)
                if enough:
                    left_out.add(code)
        return left_out

    def keep(self, now: datetime, found: dict[str, str], *, compared: bool) -> None:
        """Store the alarms that stand: those of this step, and those that the store shows.

        Until this process has `compared` the store with the chain, what an earlier one found stands.
        """
        stand = self._book.alarms()
        if not compared and STORE_BEHIND_CHAIN in stand:
            found.setdefault(STORE_BEHIND_CHAIN, stand[STORE_BEHIND_CHAIN].text)
        foreign = [one for one in self._book.open_intents() if one.state is State.FOREIGN_NONCE]
        if foreign:
            found["FOREIGN_NONCE"] = (
                f"nonce {foreign[0].nonce} of the log's account is consumed, by the state of a block, and no "
                "transaction that this store knows is shown to have done it. Somebody else holds the key, "
                "or an older store was at work. If ours failed and its receipt is not shown, this ends "
                "when an endpoint shows it."
            )
        newest = self._book.newest_on_chain()
        as_of = self._book.newest_released()
        if newest is not None:
            since = block_of(newest).time if as_of is None else as_of.as_of.block_time
            age = now - datetime.fromtimestamp(since, UTC)
            if age > AS_OF_OVERDUE * self._as_of_refresh:
                found["AS_OF_MISSING"] = f"the newest released as-of proof is {age} old"
        if {code: alarm.text for code, alarm in stand.items()} != found:
            self._book.keep_alarms(
                {
                    code: Alarm(text, stand[code].since if code in stand else now)
                    for code, text in found.items()
                }
            )
