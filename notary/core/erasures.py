"""What an erasure says of itself: reasons, tombstones, and how far it is by its steps.

Pure. Spec: docs/spec/erasure.md §2 to §4. Test: tests/unit/core/test_erasures.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notary.core.intake import Incoming
from notary.errors import CallerError
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json

ERASURE = "erasure"
HOLD = "hold"
# These say what was done, and by whom.
NEVER_ERASED = frozenset({ERASURE, HOLD, "custody"})

MAX_STATED = 200  # characters of an authority or a hold's reason: an office and a file number


class Reason(StrEnum):
    """Why a record is erased."""

    SUBJECT_REQUEST = "subject_request"
    RETENTION = "retention"
    ORDER = "order"
    MISTAKE = "mistake"
    OTHER = "other"


class State(StrEnum):
    """How far an erasure is (erasure.md §3)."""

    BEGUN = "begun"
    RECORDED = "recorded"
    DESTROYED = "destroyed"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Order:
    """Why and on whose word; `text` where it comes before the end of a minimum retention."""

    reason: Reason
    authority: str
    text: str | None = None


@dataclass(frozen=True)
class Target:
    """The record that an erasure or a hold is about."""

    matter: Digest
    position: int
    leaf: Digest

    def claim(self) -> Json:
        """The value of the claim `target`."""
        return {"position": self.position, "leaf": self.leaf.hex()}


@dataclass(frozen=True)
class Line:
    """One step of one erasure. `order` stands with `begun` alone."""

    at: datetime
    state: State
    target: Target
    order: Order | None = None


@dataclass(frozen=True)
class Standing:
    """Where one erasure stands by the register: its last line, and the order of its last `begun`."""

    state: State
    at: datetime
    target: Target
    order: Order


def check_stated(what: str, text: str) -> None:
    """Refuse what no authority or reason may be. Raises CallerError STATED_TEXT."""
    if not 1 <= len(text) <= MAX_STATED or not text.isprintable() or text != text.strip():
        raise CallerError(
            "STATED_TEXT",
            f"{what}: want 1 to {MAX_STATED} printable characters in one line, without blanks around them.",
        )


def untimed(note: str) -> dict[str, Json]:
    """The claims of a moment that the record's own `recorded_at` tells."""
    return {
        "occurred_at": None,
        "occurred_at_source": {"text": None, "zone": None, "fold": None, "note": note},
    }


def tombstone(target: Target, order: Order) -> Incoming:
    """The record that says so. Its key follows from the leaf, so that a repetition finds it."""
    claims: dict[str, Json] = {
        "target": target.claim(),
        "reason": order.reason.value,
        "authority": order.authority,
        **untimed("stated when the erasure was begun"),
    }
    if order.text is not None:
        claims["text"] = order.text
    return Incoming(target.matter, ERASURE, claims, tombstone_key(target), by_service=True)


def tombstone_key(target: Target) -> str:
    """The idempotency key of a record's tombstone."""
    return f"erasure/{target.leaf.hex()}"


def standings(lines: Iterable[Line]) -> dict[Digest, Standing]:
    """How far each erasure is, by the leaf of its record, in the order of their first lines.

    Raises FormatError REGISTER_LINE where a line stands without the `begun` before it.
    """
    found: dict[Digest, Standing] = {}
    for line in lines:
        leaf = line.target.leaf
        order = line.order
        if order is None and leaf in found:
            order = found[leaf].order
        if order is None:
            raise FormatError(
                "REGISTER_LINE", f"{line.state} of {leaf.hex()} and no begun before it"
            )
        found[leaf] = Standing(line.state, line.at, line.target, order)
    return found


def read_target(value: Json, matter: Digest) -> Target | None:
    """What a claim `target` names; None if it has another shape."""
    if not isinstance(value, Mapping) or set(value) != {"position", "leaf"}:
        return None
    position, leaf = value["position"], value["leaf"]
    if not isinstance(position, int) or isinstance(position, bool) or not isinstance(leaf, str):
        return None
    try:
        return Target(matter, position, Digest(bytes.fromhex(leaf)))
    except (ValueError, FormatError):
        return None
