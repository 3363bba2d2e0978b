"""Who was given what is durable before it is given; what a closed log can't take is held and enters later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from notary.adapters.store.custody import HeldCustody
from notary.adapters.store.restorations import add_restoration, mark_compared
from notary.core.custody import KIND, Action, record
from notary.core.intake import Accepted, Incoming, Outcome
from notary.errors import CallerError, NothingHappened
from notary.usecases.custody import CustodyDesk
from notary.usecases.standing import GuardedAcceptor
from tests.simulators.check_store import check_world
from tests.simulators.store import CANARY, StoreWorld
from verifier.format import records

PURPOSE = f"because {CANARY} was asked for"


def desk(world: StoreWorld) -> CustodyDesk:
    return CustodyDesk(
        GuardedAcceptor(world.acceptor, world.standing),
        world.reader,
        HeldCustody(world.database, world.keys),
        world.clock,
        world.entropy,
    )


def close(world: StoreWorld, size: int) -> None:
    """A store that was restored and not compared takes nothing in."""
    with world.database.transaction() as connection:
        add_restoration(connection, world.clock.now(), world.clock.now(), size)


def reopen(world: StoreWorld) -> None:
    with world.database.transaction() as connection:
        mark_compared(connection, world.clock.now())


def read(world: StoreWorld, key: str = "m") -> Incoming:
    taken = world.take(world.register.all(world.agency_id)[0], key)
    item = desk(world).reading(desk(world).request("ureader", PURPOSE), taken)
    assert item is not None
    return item


def test_a_reading_is_a_record_of_the_matter_that_was_read(world: StoreWorld) -> None:
    matter = world.open_matter()
    item = read(world)
    desk(world).file(world.agency_id, item)
    [row] = desk(world).listed(world.agency_id, matter)
    assert (row["position"], row["action"], row["actor"]) == (1, "read", "ureader")
    assert (row["purpose"], row["shown"], row["package"]) == (PURPOSE, [[0, 1]], None)
    view = world.reader.at(world.agency_id, matter.key, 1)
    leaf = records.parse_leaf(view.leaf)
    assert leaf.kind == KIND
    # The leaf says that somebody was given something, and neither who nor what nor why.
    for said in ("ureader", CANARY, row["request"]):
        assert said not in view.leaf.decode()
    check_world(world)


def test_a_record_of_custody_is_read_without_another(world: StoreWorld) -> None:
    matter = world.open_matter()
    desk(world).file(world.agency_id, read(world))
    view = world.reader.at(world.agency_id, matter.key, 1)
    assert desk(world).reading(desk(world).request("u", None), view) is None


def test_what_a_closed_log_can_not_take_is_held_and_enters_once(world: StoreWorld) -> None:
    matter = world.open_matter()
    items = [read(world, f"{n}") for n in range(3)]
    close(world, 1)
    for item in items:
        desk(world).file(world.agency_id, item)
    held = list(desk(world).listed(world.agency_id, matter))
    assert [row["position"] for row in held] == [None] * 3
    assert [row["shown"] for row in held] == [[[n, n + 1]] for n in range(3)]
    assert desk(world).enter_held() == 0
    assert list(desk(world).listed(world.agency_id, matter)) == held
    reopen(world)
    assert desk(world).enter_held() == 3
    assert desk(world).enter_held() == 0
    entered = list(desk(world).listed(world.agency_id, matter))
    assert [row["position"] for row in entered] == [3, 4, 5]
    assert [row["request"] for row in entered] == [row["request"] for row in held]
    check_world(world)


def test_a_crash_between_entering_and_forgetting_enters_nothing_twice(world: StoreWorld) -> None:
    matter = world.open_matter()
    item = read(world)
    close(world, 1)
    desk(world).file(world.agency_id, item)
    reopen(world)
    # What the first half of `enter_held` did before the process was killed.
    desk(world).acceptor.accept(world.agency_id, [item])
    assert len(list(desk(world).listed(world.agency_id, matter))) == 1
    assert desk(world).enter_held() == 1
    [row] = desk(world).listed(world.agency_id, matter)
    assert row["position"] == 1
    assert world.register.all(world.agency_id)[0].size == 2


def test_each_agency_sees_and_enters_its_own(world: StoreWorld) -> None:
    world.open_matter()
    item = read(world)
    other = world.agencies.add("Other")
    close(world, 1)
    desk(world).file(world.agency_id, item)
    desk(world).file(other, replace_key(item, world))
    ours = world.register.all(world.agency_id)[0]
    assert len(list(desk(world).listed(world.agency_id, ours))) == 1
    assert [agency for agency, _ in desk(world).held.all(10)] == [world.agency_id, other]
    assert [len(items) for _, items in desk(world).held.all(1)] == [1, 1]


def replace_key(item: Incoming, world: StoreWorld) -> Incoming:
    return item._replace(idempotency_key=f"{KIND}/{world.entropy.token(16).hex()}")


def test_whatever_else_stands_in_the_way_gives_nothing_out(world: StoreWorld) -> None:
    class Busy:
        def accept(self, agency_id: int, items: Sequence[Incoming]) -> list[Outcome]:
            raise NothingHappened("BUSY", "too much waits")

    matter = world.open_matter()
    item = read(world)
    busy = replace(desk(world), acceptor=Busy())
    with pytest.raises(NothingHappened, match="too much waits"):
        busy.file(world.agency_id, item)
    unknown = item._replace(matter_key=b"\x07" * 32)
    with pytest.raises(CallerError) as caught:
        desk(world).file(world.agency_id, unknown)
    assert caught.value.code == "MATTER_UNKNOWN"
    assert list(desk(world).listed(world.agency_id, matter)) == []


def test_what_the_log_refuses_stays_held_and_stands_in_nobodys_way(world: StoreWorld) -> None:
    world.open_matter()
    good, bad = read(world), replace_key(read(world, "n"), world)._replace(matter_key=b"\x07" * 32)
    close(world, 2)
    for item in (bad, good):
        desk(world).file(world.agency_id, item)
    reopen(world)
    assert desk(world).enter_held() == 1
    assert desk(world).enter_held() == 0
    assert [items for _, items in desk(world).held.all(10)] == [[bad]]


def test_what_is_held_is_sealed(world: StoreWorld) -> None:
    world.open_matter()
    item = read(world)
    close(world, 1)
    desk(world).file(world.agency_id, item)
    stored = b"".join(path.read_bytes() for path in world.data.rglob("*") if path.is_file())
    assert CANARY.encode() not in stored
    assert b"ureader" not in stored


def test_a_long_matter_is_listed_whole(world: StoreWorld) -> None:
    matter = world.open_matter()
    taken = [world.take(matter, f"{n}") for n in range(5)]
    items = [
        record(
            matter.key,
            desk(world).request("u", None),
            Action.READ,
            world.clock.now(),
            [taken[n % 5].position],
        )
        for n in range(503)
    ]
    assert all(isinstance(one, Accepted) for one in world.accept(items))
    rows = list(desk(world).listed(world.agency_id, matter))
    assert [row["position"] for row in rows] == list(range(5, 508))
