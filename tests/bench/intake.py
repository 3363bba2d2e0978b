"""Bulk intake by the use case and by the command line, and what a record takes in the store."""

from __future__ import annotations

import json
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, event
from sqlmodel import Field, Session, SQLModel

from notary.adapters.preparers import Preparers
from notary.adapters.store.records import StoredRecords
from notary.adapters.system import SystemEntropy, collect_seldom
from notary.core.intake import Accepted, Incoming
from notary.core.preparing import Offered
from notary.ports import Preparing
from notary.usecases.accept import RecordAcceptor
from notary.usecases.import_file import CHUNKS_UNDERWAY
from tests.anvil import Anvil
from tests.bench import measure
from tests.bench.measure import Row
from tests.postgres import running
from tests.scenarios.service import live as scene
from tests.simulators.store import MAX_DEADLINE_S, StoreWorld, make_world
from verifier.format.jsonc import Json

RECORDS = 20_000
MATTERS = 500
CHUNK = 2_000  # records a commit, as the group committer and the command line take them
RUNS = 3
TEXT = ("Please pay the amount due within fourteen days. " * 20)[:825]  # claims of 1 KB with it


class BareRow(SQLModel, table=True):
    """What a plain application would store of the same records: their keys and their JSON."""

    __tablename__ = "bare"

    id: str = Field(primary_key=True)
    matter: str = Field(index=True)
    kind: str
    claims: str


def calls(keys: Sequence[bytes], count: int, **more: Json) -> list[Incoming]:
    """Calls as a dialler's export states them."""
    return [
        Incoming(
            keys[i % len(keys)],
            "call",
            {
                "occurred_at": "2026-01-05T09:12:33.000Z",
                "account": f"ACC-{i:07d}",
                "direction": "outbound",
                "callee": "+442079460123",
                "duration_s": i % 600,
                "disposition": "ANSWERED",
                **more,
            },
            f"source-1/{i}",
        )
        for i in range(count)
    ]


def acceptor_of(world: StoreWorld, preparing: Preparing | None = None) -> RecordAcceptor:
    """The acceptor of a test's store with the service's own randomness."""
    return RecordAcceptor(
        StoredRecords(world.database),
        world.objects,
        world.keys,
        world.clock,
        SystemEntropy(),
        world.identity,
        max_deadline_s=MAX_DEADLINE_S,
        preparing=preparing,
    )


def _add_all(path: Path, offers: Sequence[Incoming], claims: Sequence[str]) -> None:
    """The reference: SQLModel's add_all, as durable as ours, as many rows a commit."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def durable(connection: object, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]

    SQLModel.metadata.create_all(engine, tables=[BareRow.__table__])  # type: ignore[attr-defined]
    for at in range(0, len(offers), CHUNK):
        with Session(engine) as session:
            session.add_all(
                [
                    BareRow(
                        id=one.idempotency_key,
                        matter=one.matter_key.hex(),
                        kind=one.kind,
                        claims=text,
                    )
                    for one, text in zip(
                        offers[at : at + CHUNK], claims[at : at + CHUNK], strict=True
                    )
                ]
            )
            session.commit()
    engine.dispose()


def _accept(world: StoreWorld, offers: Sequence[Incoming]) -> None:
    """As `ingest` does: some chunks are prepared while one is committed. Every receipt is written."""
    preparers = Preparers()
    acceptor = acceptor_of(world, preparers)
    underway: deque[Offered] = deque()

    def take() -> None:
        outcomes = acceptor.take(underway.popleft())
        assert all(isinstance(one, Accepted) and one.receipt for one in outcomes)

    for at in range(0, len(offers), CHUNK):
        underway.append(acceptor.offer(world.agency_id, offers[at : at + CHUNK]))
        if len(underway) > CHUNKS_UNDERWAY:
            take()
    while underway:
        take()
    preparers.close()


class _Measured(NamedTuple):
    """Best seconds of ours and of add_all; bytes of the store and of the claims for each record."""

    ours: float
    bare: float
    stored: float
    plain: float


def _measure(**more: Json) -> _Measured:
    ours = bare = float("inf")
    stored = plain = 0.0
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            world = make_world(folder)
            keys = [world.open_matter(f"Matter {i}").key for i in range(MATTERS)]
            offers = calls(keys, RECORDS, **more)
            claims = [json.dumps(dict(one.claims)) for one in offers]
            started = time.perf_counter()
            _add_all(folder / "bare.db", offers, claims)
            between = time.perf_counter()
            _accept(world, offers)
            ours = min(ours, time.perf_counter() - between)
            bare = min(bare, between - started)
            world.database.forget_deleted()
            stored = world.database.path.stat().st_size / RECORDS
            plain = sum(len(text) for text in claims) / RECORDS
            world.close()
    return _Measured(ours, bare, stored, plain)


def bulk() -> list[Row]:
    """Records a second with everything included, and the ratio to add_all of the bare rows."""
    # Both sides run as a command of the service does.
    collect_seldom()
    rows = []
    for said, bar, more in (
        # What is fixed for each record weighs more in a small one: the bar speaks of 1 KB.
        ("records of 170 bytes", None, {}),
        ("records of 1 KB", 2.5, {"text": TEXT}),
    ):
        ours, bare, stored, plain = _measure(**more)
        what = f"bulk intake, {said}, {CHUNK:,} a commit: signed, encrypted, durable"
        rows += [
            measure.at_least(what, RECORDS / ours, "records/s", 10_000),
            measure.at_least(
                f"the same, {said}",
                bare / ours,
                "× SQLModel add_all of the bare rows",
                2,
                f"{RECORDS / bare:,.0f} rows/s",
            ),
        ]
        ratio = stored / plain
        detail = f"{stored:,.0f} bytes for {plain:,.0f} of claims as JSON"
        what = f"storage, indexes included, {said}"
        rows.append(Row(what, ratio, "× its claims", bar, detail=detail))
    return rows


def postgres() -> list[Row]:
    """The same records into SQLite and into PostgreSQL on the same disk, in turns."""
    collect_seldom()
    rows = []
    with running(Path(tempfile.gettempdir())) as server:
        for said, more in (("records of 170 bytes", {}), ("records of 1 KB", {"text": TEXT})):
            best = {"SQLite": float("inf"), "PostgreSQL": float("inf")}
            sizes = dict.fromkeys(best, 0)
            empty = 0
            for _ in range(RUNS):
                for name in best:
                    with tempfile.TemporaryDirectory() as folder:
                        uri = server.migrated() if name == "PostgreSQL" else None
                        world = make_world(Path(folder, "home"), uri=uri)
                        empty = world.database.size() if uri else 0
                        keys = [world.open_matter(f"Matter {i}").key for i in range(MATTERS)]
                        offers = calls(keys, RECORDS, **more)
                        started = time.perf_counter()
                        _accept(world, offers)
                        best[name] = min(best[name], time.perf_counter() - started)
                        sizes[name] = world.database.size() - empty
                        world.close()
                        if uri is not None:
                            server.drop(uri)
            detail = "; ".join(
                f"{name} {RECORDS / seconds:,.0f} records/s, {sizes[name] / RECORDS:,.0f} bytes each"
                for name, seconds in best.items()
            )
            ratio = best["PostgreSQL"] / best["SQLite"]
            what = f"bulk intake on PostgreSQL, {said}"
            rows.append(measure.at_most(what, ratio, "× the time of SQLite", 1.5, detail))
    return rows


def command_line() -> list[Row]:
    """`notary ingest` of a CSV, process start included."""
    with tempfile.TemporaryDirectory() as name, Anvil(*scene.CHAIN) as anvil:
        folder = Path(name)
        live = scene.make(folder / "home", anvil)
        with live.opened() as service:
            service.new_matter(1, "Many", ("M-1",))
        best = float("inf")
        for run in range(RUNS):
            source = scene.letters(folder / f"in-{run}", "M-1", run * RECORDS, RECORDS)
            command = live.command(
                "ingest", str(source), "--map", str(source.parent / "letters.map.toml")
            )
            best = min(best, measure.seconds(measure.process(command)))
    return [
        measure.at_least(
            f"`notary ingest` of {RECORDS:,} CSV rows, process start included",
            RECORDS / best,
            "records/s",
            10_000,
        )
    ]
