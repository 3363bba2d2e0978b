"""The composition root: the one place that wires adapters to use cases.

Used by the command line, the worker, the demo and the HTTP edge. Opening reads the configuration, the keys
and the store; nothing happens at import. `parts` holds what all need, the other modules what one kind of
user asks for. Test: tests/scenarios/service.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from notary import config
from notary.adapters.durable import PRIVATE_FOLDER
from notary.adapters.keys.folder import load_keys
from notary.adapters.objects.places import open_objects
from notary.adapters.store import log as log_rows
from notary.adapters.store.copies import open_copy
from notary.adapters.store.database import Database
from notary.adapters.store.migrations import require_current
from notary.adapters.store.restoring import StoresToRestore
from notary.adapters.system import SystemClock
from notary.compose.desk import Desk
from notary.compose.working import Working
from notary.config import Home
from notary.core.backup_manifest import Manifest
from notary.errors import CallerError, NothingHappened
from notary.ports import Bars, ObjectStore
from notary.usecases.backup_check import verify
from notary.usecases.lease import LEASE_LOST
from notary.usecases.restore import Restored
from notary.usecases.restore import restore as restore_backup
from notary.usecases.succession import read_checkpoint
from verifier.format.errors import FormatError
from verifier.format.predecessor import Predecessor

# A local chain makes a block a second; the timers of the public ones would make people wait.
DEMO_TIMERS: dict[str, Any] = {"poll_s": 1, "rebroadcast_s": 5, "bump_s": 10, "max_fee_gwei": 1000}


class Service(Desk, Working):
    """One log's service, everything wired."""


def open_service(home: Home) -> Service:
    """Open the service of a home. Raises CallerError when keys, store and configuration don't fit."""
    database = Database(home.database)
    try:
        require_current(database)
        identity, keyring = log_rows.open_log(database, load_keys(home.keys))
        wanted = home.config.identity
        if identity != wanted:
            raise CallerError(
                "CONFIG_OF_OTHER_LOG",
                f"the store holds {identity}; {config.CONFIG_NAME} names {wanted}. Mend the configuration.",
            )
        # With a store and originals elsewhere nothing has made it yet: locks and packages lie in it.
        home.data.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    except BaseException:
        database.close()
        raise
    return Service(home, database, identity, keyring)


@contextmanager
def opened(home: Home) -> Iterator[Service]:
    """The service of a home, closed at the end."""
    service = open_service(home)
    try:
        yield service
    finally:
        service.close()


def work(
    home: Home,
    report: Callable[[str], None],
    stop: threading.Event,
    *,
    then: Callable[[Service], None] | None = None,
) -> None:
    """Be the log's worker until `stop` is set, standing by while another one is.

    With `then`, work until nothing is left to do, call it and end; stand by for nobody. Raises as `Worker`
    does, and NothingHappened WORKER_RUNS with `then` while another one is at work.
    """
    while not stop.is_set():
        # Opened anew for each turn: what a process knew when it lost the lease may be old.
        with opened(home) as service:
            try:
                _work_once(service, report, stop, then)
            except NothingHappened as error:
                if error.code != LEASE_LOST or then is not None:
                    raise
                report(f"{error.code}: {error}")
                continue
            return


def _work_once(
    service: Service,
    report: Callable[[str], None],
    stop: threading.Event,
    then: Callable[[Service], None] | None,
) -> None:
    with service.as_worker(report, stop, wait=then is None) as is_mine:
        if not is_mine:
            return
        worker = service.worker(report)
        with (
            service.sweeping(report),
            service.courier(report).at_work(),
            service.stamper(report).at_work(),
            service.dkim_checker(report).at_work(),
        ):
            if then is None:
                worker.run(stop)
            else:
                worker.run_until_idle()
                then(service)


def restore(
    source: Path,
    folder: Path,
    keys: Path | None,
    bars: Bars,
    erasures: Path | None = None,
    *,
    none_erased: bool = False,
    database: str | None = None,
) -> Restored:
    """Make a home from a backup (usecases.restore)."""
    return restore_backup(
        StoresToRestore(),
        source,
        folder,
        keys,
        SystemClock(),
        bars,
        open_objects,
        erasures,
        none_erased=none_erased,
        database=database,
    )


def verify_backup(folder: Path, bars: Bars, keys: Path | None = None) -> Manifest:
    """Check a backup whole (usecases.backup_check)."""
    return verify(folder, open_copy, bars, keys)


def place_of(home: Home, url: str, endpoint: str, region: str) -> ObjectStore:
    """Another place for the originals of a home; without a URL its own folder."""
    settings = replace(home.config, objects=url, objects_endpoint=endpoint, objects_region=region)
    return open_objects(Home(home.folder, settings))


def predecessor(source: Path, log: str) -> Predecessor:
    """The last checkpoint of a home whose log `log` follows, or the one in a file.

    Raises CallerError NOT_RETIRED or SUCCESSOR_OTHER for a home, PREDECESSOR_FILE for a file.
    """
    if not source.is_dir():
        try:
            found = read_checkpoint(source.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, FormatError) as error:
            raise CallerError("PREDECESSOR_FILE", f"{source} is no checkpoint: {error}") from error
        if found.log == log:
            raise CallerError("SUCCESSOR_ITSELF", f"{log} can't follow itself.")
        return found
    with opened(config.load(source)) as service:
        if service.successor is None:
            raise CallerError(
                "NOT_RETIRED",
                f"{service.identity.name} is not retired. Run: notary retire --log "
                f"{service.identity.name} --successor {log} --home {source}",
            )
        if service.successor != log:
            raise CallerError(
                "SUCCESSOR_OTHER",
                f"{service.identity.name} names {service.successor} as its successor.",
            )
        return read_checkpoint(service.newest_checkpoint())
