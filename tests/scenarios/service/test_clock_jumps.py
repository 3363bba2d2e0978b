"""The machine's clock jumps while a service is at work: nothing is lost, and no false alarm stays.

The lease of the worker has a test of its own (tests/unit/store/test_leases.py): on PostgreSQL the server's
clock decides.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary import demo
from notary.adapters.system import SystemClock
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from verifier.format import numbers

HOUR, TEN_YEARS = timedelta(hours=1), timedelta(days=3653)
# Where the clock jumps to, and the alarms that stand meanwhile: in ten years every proof of the chain is old.
JUMPS = {
    "ahead an hour": (HOUR, ()),
    "back two": (-HOUR, ()),
    "ahead ten years": (TEN_YEARS, ("AS_OF_MISSING",)),
    "right again": (timedelta(0), ()),
}
LETTERS = 2


def no_progress(done: int, total: int) -> None:
    """Nobody looks."""


@pytest.mark.soak
def test_every_record_is_anchored_its_receipt_kept_and_no_alarm_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = [timedelta(0)]
    monkeypatch.setattr(SystemClock, "now", lambda self: datetime.now(UTC) + ahead[0])
    out = tmp_path / "out"
    out.mkdir()
    receipts = []
    with Anvil(*scene.CHAIN) as anvil:
        live = scene.make(tmp_path / "home", anvil)
        with live.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
            key = numbers.parse(number).key
            for turn, (name, (offset, alarms)) in enumerate(JUMPS.items()):
                ahead[0] = offset
                path = scene.letters(tmp_path / name, "A-1", turn * LETTERS, LETTERS)
                columns = path.with_name("letters.map.toml")
                [file] = service.ingest(1, (path,), column_map=columns).files
                assert file.accepted == LETTERS, name
                scene.work(service)
                health = service.health()
                assert (health.sealed, health.anchored) == (turn + 1, turn + 1), name
                assert health.reasons == alarms, name
                receipts.append(f"receipt-{turn}.json")
                content = service.reader.at(1, key, turn * LETTERS).receipt
                (out / receipts[-1]).write_bytes(content)
            assert service.audit((), 0, True, no_progress).found == []
            order = ExportOrder(numbers.parse(number))
            result = service.export(1, order, out / "package.zip", no_progress)
            demo.write_policy(service, out)
            demo.write_inputs(out, number, anvil.url, [result])
    inputs = (out / "inputs.toml").read_text("utf-8")
    (out / "inputs.toml").write_text(
        inputs.replace("\n[[block]]", f"receipts = {json.dumps(receipts)}\n\n[[block]]", 1), "utf-8"
    )
    code, report = scene.judge(out, out / "package.zip")
    assert (code, report["verdict"]) == (0, "VALID")
    results = {row["row"]: row["result"] for row in report["rows"]}
    assert (results["time"], results["receipts"]) == ("PASS", "PASS")
    assert len(report["records"]) == LETTERS * len(JUMPS)
