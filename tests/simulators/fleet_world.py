"""Owns what must hold after several processes of one service were killed under load.

What of store and chain is seen from outside of both, `tests.simulators.check_world` judges.
"""

from __future__ import annotations

from notary import config
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.check_world import check_world
from tests.simulators.fleet import Fleet
from tests.simulators.store import URI, reopen_world


def check_fleet(live: Live, processes: Fleet) -> None:
    """Bring all to its end, and raise AssertionError that says everything that does not hold."""
    assert not processes.refused, processes.refused
    for member in processes.members.values():
        # Whoever was not killed has not ended by itself, and none was stopped by a contradiction.
        assert "Traceback" not in processes.said(member.name), processes.said(member.name)
    path = live.home / config.CONFIG_NAME
    # With a batch every two seconds there would be no end of it.
    path.write_text(path.read_text("utf-8").replace("cadence_s = 2", "cadence_s = 3600"), "utf-8")
    done = live.run("work", "--until-idle")
    assert done.returncode == 0, done.stderr
    # Nothing is lost, doubled or drifted: by the service itself, each original included …
    audit = live.run("audit", "--full", "--json")
    assert audit.returncode == 0, audit.stdout
    settings = live.made.home.config
    if settings.objects:
        copied = live.run("objects", "copy", "--to", "folder")
        assert copied.returncode == 0, copied.stderr
    with live.opened() as service:
        found = sum(matter.size for matter in service.register.all(1))
    assert found == len(processes.receipts), (
        "a record entered twice, or was acknowledged and is not there"
    )
    # … and by those who trust neither store nor chain, with every receipt that was handed out.
    if settings.database:
        (live.home / URI).write_text(settings.database)
    store = reopen_world(live.home, "check", agency=scene.AGENCY)
    try:
        store.canaries = {"Reminder"}
        store.promised = list(processes.receipts.values())
        check_world(store, live.anvil, settled=True)
    finally:
        store.close()
