"""A store that may not go on takes nothing in and seals nothing; everything else goes on."""

from __future__ import annotations

import pytest

from notary.adapters.store.restorations import add_restoration, mark_compared
from notary.errors import NothingHappened
from notary.usecases.standing import GuardedAcceptor
from tests.simulators.store import StoreWorld, offer


def refused(world: StoreWorld, code: str) -> None:
    standing = world.standing
    matter = world.register.all(world.agency_id)[0]
    before = world.batch_log.size()
    for act in (
        lambda: GuardedAcceptor(world.acceptor, standing).accept(
            world.agency_id, [offer(matter, "new")]
        ),
        lambda: world.sealer.seal(world.clock.now(), None),
    ):
        with pytest.raises(NothingHappened) as caught:
            act()
        assert caught.value.code == code
    assert world.batch_log.size() == before
    after = world.register.by_key(world.agency_id, matter.key)
    assert after is not None
    assert after.size == matter.size
    assert len(world.reader.of_matter(world.agency_id, matter.key, 0, 10)) == matter.size


def test_nothing_stands_in_the_way_of_a_store_of_its_own(world: StoreWorld) -> None:
    standing = world.standing
    standing.require()
    world.sealer.seal(world.clock.now(), None)
    standing.require()


def test_a_restored_store_waits_for_its_comparison(world: StoreWorld) -> None:
    world.take(world.open_matter(), "1")
    world.sealer.seal(world.clock.now(), None)
    now = world.clock.now()
    with world.database.transaction() as connection:
        add_restoration(connection, now, now, 1)
    refused(world, "RESTORED_NOT_COMPARED")
    with world.database.transaction() as connection:
        mark_compared(connection, now)
    world.take(world.register.all(world.agency_id)[0], "new")
    world.sealer.seal(now, None)
    # A second restoration waits again.
    with world.database.transaction() as connection:
        add_restoration(connection, now, now, 2)
    refused(world, "RESTORED_NOT_COMPARED")


def test_a_store_behind_the_chain_stands_still(world: StoreWorld) -> None:
    world.take(world.open_matter(), "1")
    with world.database.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO sender_alarms (code, text, since_ms) VALUES ('STORE_BEHIND_CHAIN', 'x', 0)"
        )
    refused(world, "STORE_BEHIND_CHAIN")
