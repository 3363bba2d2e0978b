"""Legal holds: records of the matter that keep others from being erased.

The matter's own log is the register of its holds, so that none can be lost or set back. Spec:
docs/spec/erasure.md §5. Test: tests/unit/store/test_holds.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notary.core.erasures import HOLD, Target, check_stated, read_target, untimed
from notary.core.intake import Accepted, Incoming
from notary.core.personal import require_impersonal
from notary.errors import CallerError
from notary.ports import Acceptor, Alone, Entropy, Matter
from notary.usecases.read import RecordReader
from verifier.format import records
from verifier.format.digests import Digest
from verifier.format.jsonc import Json
from verifier.format.times import format_time

SET, RELEASE = "set", "release"
KEY_LENGTH = 16  # random bytes of an idempotency key: two holds of one matter may say the same


@dataclass(frozen=True)
class Hold:
    """A hold that stands. `held` is the position that it covers, None for the whole matter."""

    position: int
    leaf: Digest
    held: int | None
    reason: str
    authority: str
    recorded_at: datetime

    def shown(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "hold": self.position,
            "held": self.held,
            "reason": self.reason,
            "authority": self.authority,
            "recorded_at": format_time(self.recorded_at),
        }

    def covers(self, position: int) -> bool:
        """Whether a record may not be erased because of it."""
        return self.held in (None, position)


@dataclass(frozen=True)
class Holds:
    """Sets, releases and reads the holds of matters. `alone` is taken by erasing as well."""

    reader: RecordReader
    acceptor: Acceptor
    entropy: Entropy
    alone: Alone

    def standing(self, matter: Matter) -> list[Hold]:
        """The holds that stand, by position."""
        leaves = self.reader.leaves(matter.agency_id, matter.key)
        # The kind stands in no other place of a leaf; whatever else has these bytes is parsed and dropped.
        likely = [(p, h, leaf) for p, h, leaf in leaves if b'"kind":"hold"' in leaf]
        found = self.reader.contents(
            matter.agency_id, matter.key, [position for position, _, _ in likely]
        )
        standing: dict[int, Hold] = {}
        for (position, leaf_hash, leaf), content in zip(likely, found, strict=True):
            values = values_of(content.disclosures)
            target = read_target(values.get("target"), Digest(matter.key))
            if values.get("action") == RELEASE:
                if target is not None and target.position in standing:
                    del standing[target.position]
                continue
            standing[position] = Hold(
                position,
                Digest(leaf_hash),
                None if target is None else target.position,
                str(values.get("reason")),
                str(values.get("authority")),
                records.parse_leaf(leaf).recorded_at,
            )
        return list(standing.values())

    def set(self, matter: Matter, position: int | None, reason: str, authority: str) -> Accepted:
        """Hold a record, or with None the whole matter, from now on.

        Raises CallerError STATED_TEXT, STATED_PERSONAL, RECORD_UNKNOWN or ERASED.
        """
        target = None
        if position is not None:
            view = self.reader.at(matter.agency_id, matter.key, position)
            if view.erased:
                raise CallerError(
                    "ERASED", f"record {position} was erased; nothing is left to hold."
                )
            target = Target(Digest(matter.key), position, Digest(view.leaf_hash))
        return self._accept(matter, SET, target, reason, authority)

    def release(self, matter: Matter, position: int, reason: str, authority: str) -> Accepted:
        """Release the hold at that position. Raises CallerError HOLD_UNKNOWN, or as `set`."""
        with self.alone():
            for hold in self.standing(matter):
                if hold.position == position:
                    target = Target(Digest(matter.key), position, hold.leaf)
                    return self._record(matter, RELEASE, target, reason, authority)
        raise CallerError(
            "HOLD_UNKNOWN",
            f"no hold of {matter.number} stands at position {position}. See `notary hold list`.",
        )

    def _accept(
        self, matter: Matter, action: str, target: Target | None, reason: str, authority: str
    ) -> Accepted:
        # Whatever an erasure has begun under the lock comes before the hold, or sees it.
        with self.alone():
            return self._record(matter, action, target, reason, authority)

    def _record(
        self, matter: Matter, action: str, target: Target | None, reason: str, authority: str
    ) -> Accepted:
        for what, text in (("reason", reason), ("authority", authority)):
            check_stated(what, text)
            require_impersonal(what, text)
        claims: dict[str, Json] = {
            "action": action,
            "reason": reason,
            "authority": authority,
            **untimed("stated when the hold was recorded"),
        }
        if target is not None:
            claims["target"] = target.claim()
        key = f"hold/{self.entropy.token(KEY_LENGTH).hex()}"
        (answer,) = self.acceptor.accept(
            matter.agency_id, [Incoming(matter.key, HOLD, claims, key, by_service=True)]
        )
        if not isinstance(answer, Accepted):
            raise CallerError(answer.code, f"{answer.field}: {answer.reason}")
        return answer


def covering(holds: Iterable[Hold], position: int) -> Hold | None:
    """The first hold that covers a record."""
    return next((hold for hold in holds if hold.covers(position)), None)


def values_of(disclosures: Mapping[str, str]) -> dict[str, Json]:
    """The plain values of a record's disclosures, by claim name."""
    return {name: records.parse_disclosure(text).value for name, text in disclosures.items()}
