"""Owns calls of a numbered source, taken in as files, some of accounts that no matter has yet.

Shared by tests/unit/store/test_asides.py and tests/scenarios/ingest/test_source_crash.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from notary.adapters.store.dkim_checks import StoredDkimChecks
from notary.adapters.store.imports import StoredImports
from notary.adapters.store.records import StoredRecords
from notary.adapters.store.source_rows import entries_of
from notary.adapters.store.sources import StoredSources
from notary.core.waiting import Waiting
from notary.importers.map_file import parse_map
from notary.usecases.import_report import FileReport
from notary.usecases.ingest import Ingest
from notary.usecases.set_aside import EarlierRows
from notary.usecases.sources import Source
from tests.simulators.store import CANARY, StoreWorld
from verifier.format import source_log
from verifier.format.source_log import SOURCE, Entry, Profile

NAME = "pbx-1"
MAP = f"""\
id = "calls"
version = 1
format = "csv"
kind = "call"
[account]
column = "account"
[source]
name = "{NAME}"
number = "seq"
[identity]
columns = ["id"]
[claims.caller]
type = "text"
column = "caller"
[occurred_at]
column = "at"
format = "iso8601"
"""
HEAD = "id,seq,account,at,caller"


def row(number: int, account: str, caller: str = "", at: str = "2026-03-01T07:00:00Z") -> str:
    return f"c{number},{number},{account},{at},{caller or CANARY + str(number)}"


def store_of(world: StoreWorld) -> StoredSources:
    return StoredSources(world.database, world.keys, world.clock, world.entropy, world.identity)


def make(world: StoreWorld, numbering: str = SOURCE, zone: str = "Europe/Berlin") -> Source:
    return store_of(world).add(world.agency_id, Profile(NAME, numbering, 0, zone, None))


def now(world: StoreWorld) -> Source:
    return store_of(world).find(world.agency_id, NAME)


def imports_of(world: StoreWorld) -> StoredImports:
    return StoredImports(world.database, world.keys, world.entropy)


def command(world: StoreWorld) -> Ingest:
    return Ingest(
        world.acceptor,
        world.register,
        imports_of(world),
        StoredDkimChecks(world.database),
        world.clock,
        lambda agency_id, name: store_of(world).find(agency_id, name).key,
    )


def ingest(
    world: StoreWorld,
    rows: Sequence[str],
    name: str = "calls.csv",
    head: str = HEAD,
    map_: str = MAP,
) -> FileReport:
    file = world.folder / name
    file.write_text("\n".join([head, *rows]) + "\n")
    [report] = (
        command(world)
        .run(
            world.agency_id,
            [file],
            maps=[parse_map(map_.encode(), "calls")],
            rejects=rejects(world),
        )
        .files
    )
    return report


def rejects(world: StoreWorld) -> Path:
    folder = world.folder / "rejects"
    folder.mkdir(exist_ok=True)
    return folder


def move_in(world: StoreWorld) -> FileReport:
    [report] = command(world).run_unassigned(world.agency_id).files
    return report


def earlier(world: StoreWorld) -> EarlierRows:
    return EarlierRows(StoredRecords(world.database), world.keys, world.clock, world.entropy)


def waiting(world: StoreWorld) -> list[Waiting]:
    return [one for _, one in imports_of(world).all_waiting(world.agency_id, 0, 1000)]


def entries(world: StoreWorld) -> list[Entry]:
    with world.database.reading() as connection:
        rows = entries_of(connection, now(world).key, 0, 2**31)
        return [source_log.parse(one) for _, one in rows]
