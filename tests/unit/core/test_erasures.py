"""What an erasure says of itself is written in one form, and read back or refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notary.core import erasures
from notary.core.erasures import Line, Order, Reason, State, Target
from notary.errors import CallerError
from tests.reference.refusal import refused
from verifier.format.digests import Digest, sha256

TARGET = Target(sha256(b"matter"), 7, sha256(b"leaf"))
ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
AT = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)


def line(state: State, order: Order | None = None) -> Line:
    return Line(AT, state, TARGET, order)


def test_the_last_line_of_a_leaf_is_its_state_and_its_last_order_counts() -> None:
    again = Order(Reason.ORDER, "court, 12 C 3")
    lines = [line(State.BEGUN, ORDER), line(State.DROPPED), line(State.BEGUN, again)]
    [found] = erasures.standings([*lines, line(State.RECORDED)]).values()
    assert (found.state, found.order) == (State.RECORDED, again)


def test_a_step_without_its_beginning_is_damage() -> None:
    with refused("REGISTER_LINE"):
        erasures.standings([line(State.DESTROYED)])


def test_a_tombstone_says_what_why_and_on_whose_word_and_no_more() -> None:
    item = erasures.tombstone(TARGET, ORDER)
    assert (item.kind, item.matter_key) == ("erasure", TARGET.matter)
    assert set(item.claims) == {
        *("target", "reason", "authority", "occurred_at", "occurred_at_source"),
    }
    assert item.claims["target"] == {"position": 7, "leaf": TARGET.leaf.hex()}
    early = erasures.tombstone(TARGET, Order(Reason.ORDER, "court", "kept until then"))
    assert early.claims["text"] == "kept until then"
    # The key follows from the leaf alone, so that another reason makes no second tombstone.
    assert early.idempotency_key == item.idempotency_key


@pytest.mark.parametrize("text", ["", " a", "a\nb", "x" * 201, "\u202eecilop"])
def test_an_authority_that_is_no_line_of_text_is_refused(text: str) -> None:
    with pytest.raises(CallerError, match="authority: want 1 to 200"):
        erasures.check_stated("authority", text)


@pytest.mark.parametrize(
    "value",
    [None, "7", {"position": 7}, {"position": True, "leaf": "00" * 32}, {"position": 7, "leaf": "00"},
     {"position": 7, "leaf": "zz" * 32}, {"position": 7, "leaf": "00" * 32, "more": 1}],
)  # fmt: skip
def test_a_target_of_another_shape_names_nothing(value: object) -> None:
    assert erasures.read_target(value, Digest(bytes(32))) is None  # type: ignore[arg-type]
