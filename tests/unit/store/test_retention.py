"""What is kept by rule is not erased early without saying so; what is due is found, and erased by nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from notary.core.erasures import Order, Reason
from notary.core.retention import RETENTION_NAME
from notary.errors import CallerError
from notary.ports import Matter
from tests.simulators.store import START, StoreWorld

YEAR_S = 366 * 86_400
ORDER = Order(Reason.SUBJECT_REQUEST, "privacy office, 2026-17")
POLICY = """
format = "notary-retention/1"
[[rule]]
kinds = ["message"]
from = "{from_}"
keep_years = 3
erase_years = 3
basis = "12 CFR 1006.100"
"""


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


def rules(world: StoreWorld, from_: str = "event") -> None:
    (world.folder / RETENTION_NAME).write_text(POLICY.format(from_=from_), "utf-8")


@pytest.fixture
def matter(world: StoreWorld) -> Matter:
    """Two events, of 2022 and of 2025, recorded in 2026; and one without a time."""
    matter = world.open_matter()
    world.take(matter, "old", text="x", occurred_at="2022-05-01T08:00:00.000Z")
    world.take(matter, "new", text="y", occurred_at="2025-05-01T08:00:00.000Z")
    world.take(matter, "untimed", text="z")
    return world.register.all(world.agency_id)[0]


def due(world: StoreWorld) -> list[int]:
    return [one.position for one in world.retention.due(world.agency_id, no_progress)]


def test_what_is_due_follows_from_the_event_or_from_the_record_where_it_has_no_time(
    world: StoreWorld, matter: Matter
) -> None:
    rules(world)
    assert due(world) == [0]
    world.clock.advance(2 * YEAR_S + 100 * 86_400)
    assert due(world) == [0, 1]
    world.clock.advance(YEAR_S)
    assert due(world) == [0, 1, 2]
    # Nothing was erased by looking.
    assert world.planner.with_content(matter) == [0, 1, 2]


def test_activity_keeps_the_whole_matter_and_an_erasure_is_none(
    world: StoreWorld, matter: Matter
) -> None:
    rules(world, "activity")
    assert due(world) == []
    world.clock.advance(3 * YEAR_S)
    assert due(world) == [0, 1, 2]
    world.eraser().erase(matter, [1], ORDER, no_progress)
    assert due(world) == [0, 2]
    world.take(matter, "again", text="later")
    assert due(world) == []


def test_an_early_erasure_is_refused_until_its_authority_is_said(
    world: StoreWorld, matter: Matter
) -> None:
    rules(world)
    with pytest.raises(CallerError) as caught:
        world.eraser().erase(matter, [1], ORDER, no_progress)
    assert caught.value.code == "ERASURE_EARLY"
    assert "kept until 2028-05-01T08:00:00.000Z by 12 CFR 1006.100" in str(caught.value)
    world.eraser().erase(matter, [0], ORDER, no_progress)
    world.eraser().erase(
        world.register.all(world.agency_id)[0], [1], ORDER, no_progress, early=True
    )
    late, early = (
        world.reader.content(
            world.agency_id, world.reader.at(world.agency_id, matter.key, place).record_id
        ).values
        for place in (3, 4)
    )
    assert "text" not in late
    assert early["text"] == (
        "erased before the end of its minimum retention: 12 CFR 1006.100, kept until "
        "2028-05-01T08:00:00.000Z"
    )


def test_a_hold_keeps_what_is_due(world: StoreWorld, matter: Matter) -> None:
    rules(world)
    hold = world.holds.set(matter, 0, "suit", "legal department")
    [one] = world.retention.due(world.agency_id, no_progress)
    assert (one.position, one.hold, one.basis) == (0, hold.position, "12 CFR 1006.100")
    assert one.since == datetime(2025, 5, 1, 8, tzinfo=UTC) < START


def test_without_rules_nothing_is_kept_and_asking_what_is_due_is_refused(
    world: StoreWorld, matter: Matter
) -> None:
    assert world.retention.kept_until(matter, [0, 1, 2]) == {}
    with pytest.raises(CallerError) as caught:
        due(world)
    assert caught.value.code == "RETENTION_MISSING"
