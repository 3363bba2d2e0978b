"""Intake, export and the check of what was exported, on a real store and a real chain."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

from sqlalchemy import LargeBinary, create_engine, event
from sqlmodel import Field, Session, SQLModel

from notary import demo
from notary.core.intake import Accepted
from notary.usecases.export import ExportOrder
from tests.anvil import Anvil
from tests.bench import measure
from tests.bench.measure import Row
from tests.bench_accept import MATTERS, SystemEntropy, offers
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.store import MAX_DEADLINE_S, make_world
from verifier.format import numbers

BULK = 20_000
CHUNK = 2_000
NODES = 72
ATTACHMENT = 100_000  # bytes
MANY = 10_000


class BareRow(SQLModel, table=True):
    """What a plain application would store: the record's own bytes and nothing else."""

    __tablename__ = "bare"

    id: int | None = Field(default=None, primary_key=True)
    content: bytes = Field(sa_type=LargeBinary)


def bulk_intake() -> list[Row]:
    """Records a second with everything included, against SQLModel's add_all of the bare rows."""
    with tempfile.TemporaryDirectory() as name:
        world = make_world(Path(name))
        keys = [world.open_matter(f"Matter {i}").key for i in range(MATTERS)]
        items = offers(keys, BULK)
        content = [json.dumps({**item.claims}).encode() for item in items]
        from notary.usecases.accept import RecordAcceptor

        acceptor = RecordAcceptor(
            world.database,
            world.objects,
            world.keys,
            world.clock,
            SystemEntropy(),
            world.identity,
            max_deadline_s=MAX_DEADLINE_S,
        )

        def ours() -> None:
            for at in range(0, BULK, CHUNK):
                outcomes = acceptor.accept(world.agency_id, items[at : at + CHUNK])
                assert all(isinstance(one, Accepted) for one in outcomes)

        def bare() -> None:
            engine = create_engine(f"sqlite:///{name}/bare.db")

            @event.listens_for(engine, "connect")
            def durable(connection: object, _: object) -> None:
                connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
                connection.execute("PRAGMA synchronous=FULL")  # type: ignore[attr-defined]

            SQLModel.metadata.create_all(engine, tables=[BareRow.__table__])  # type: ignore[attr-defined]
            for at in range(0, BULK, CHUNK):
                with Session(engine) as session:
                    session.add_all([BareRow(content=one) for one in content[at : at + CHUNK]])
                    session.commit()
            engine.dispose()

        # The second time would be a replay, which is another thing.
        seconds_bare, seconds_ours = measure.seconds(bare), measure.seconds(ours)
        world.database.truncate_wal()
        size = world.database.path.stat().st_size / BULK
        plain = sum(map(len, content)) / BULK
        world.close()
    return [
        measure.at_least(
            f"bulk intake, {CHUNK:,} a commit, signed, encrypted, durable",
            BULK / seconds_ours,
            10_000,
            "records/s",
            f"{seconds_bare / seconds_ours:.2f} × SQLModel add_all of the bare rows",
        ),
        Row(
            "storage of a small record",
            f"{size:,.0f} bytes for {plain:,.0f} bytes of fields",
            "≤ 2.5 × for records of 1 KB",
            None,
        ),
    ]


def packages() -> list[Row]:
    """Export of 72 records with attachments, its check, and a check of 10,000 records."""
    rows = []
    with tempfile.TemporaryDirectory() as name, Anvil(*scene.CHAIN) as anvil:
        folder = Path(name)
        live = scene.make(folder / "home", anvil)
        originals = folder / "originals"
        originals.mkdir()
        for i in range(NODES):
            (originals / f"{i:02}.bin").write_bytes(os.urandom(ATTACHMENT))
        with live.opened() as service:
            case = service.new_matter(1, "Case", ()).number
            service.ingest(1, (originals,), matter=case)
            many = service.new_matter(1, "Many", ("M-1",)).number
            source = scene.letters(folder / "in", "M-1", 0, MANY)
            service.ingest(1, (source,), column_map=source.parent / "letters.map.toml")
            scene.work(service)
            out = folder / "package.zip"
            seconds = measure.seconds(
                lambda: service.export(1, ExportOrder(numbers.parse(case)), out, _quiet)
            )
        rows.append(
            measure.at_most(
                f"export, {NODES} records with {NODES} attachments of 100 KB",
                seconds,
                2,
                "s",
                f"{out.stat().st_size / 1e6:.1f} MB",
            )
        )
        rows.append(_verify(live, folder, case, out))
        rows.append(_verify_many(live, folder, many))
    return rows


def _quiet(done: int, total: int) -> None:
    """No progress bar."""


def _command(folder: Path, package: Path) -> list[str]:
    return [
        *(sys.executable, "-I", "-m", "verifier.check.cli", "check", str(package)),
        *("--policy", str(folder / "policy.toml"), "--inputs", str(folder / "inputs.toml")),
        "--json",
    ]


def _people(live: Live, folder: Path, number: str) -> None:
    with live.opened() as service:
        result = service.export(
            1, ExportOrder(numbers.parse(number)), folder / "people.zip", _quiet
        )
        demo.write_policy(service, folder)
    demo.write_inputs(folder, number, live.anvil.url, [result])


def _verify(live: Live, folder: Path, number: str, package: Path) -> Row:
    _people(live, folder, number)
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    ours, reference = measure.pair(
        measure.process(_command(folder, package)),
        measure.process([sys.executable, "-m", "bagit", "--validate", str(folder / "evidence")]),
        3,
    )
    return measure.at_most(
        "verify it, process start included",
        ours / reference,
        1,
        "× bagit --validate",
        f"{ours * 1e3:.0f} ms",
    )


def _verify_many(live: Live, folder: Path, number: str) -> Row:
    _people(live, folder, number)
    run = measure.process(_command(folder, folder / "people.zip"))
    seconds = min(measure.seconds(run) for _ in range(2))
    return measure.at_most(f"verify {MANY:,} records", seconds, 3, "s", "one process")
