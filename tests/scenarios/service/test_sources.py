"""Sources from intake to verdict: the service, a chain, and the stand-alone verifier."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from notary.usecases.export_order import ExportOrder
from notary.usecases.reissue import read_earlier
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from verifier.format import numbers

MAP = """\
id = "calls"
version = 1
format = "csv"
kind = "call"
[account]
column = "account"
[source]
name = "pbx-1"
number = "seq"
[identity]
columns = ["seq"]
[claims.caller]
type = "text"
column = "caller"
"""


WITHOUT_SOURCE = MAP.replace('id = "calls"', 'id = "mobile"').replace(
    '[source]\nname = "pbx-1"\nnumber = "seq"\n', ""
)


def ingest(service: Any, folder: Path, *rows: str, map_: str = MAP) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "calls.map.toml").write_text(map_)
    (folder / "calls.csv").write_text("\n".join(["seq,account,caller", *rows]) + "\n")
    service.ingest(1, (folder,))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Calls of one exchange in two matters over some days; 4 never comes, 2 comes late; 7 waits until its
    account has a matter, and 8 still does. D has a call that no exchange counts.
    """
    folder = tmp_path_factory.mktemp("sources")
    with Anvil(*scene.CHAIN) as anvil:
        made = scene.make(folder / "home", anvil)
        with made.opened() as service:
            service.new_matter(1, "A", ("A",))
            service.new_matter(1, "B", ("B",))
            service.new_matter(1, "D", ("4711",))
            ingest(service, folder / "mobile", "1,4711,+9", map_=WITHOUT_SOURCE)
            new = ["--zone", "Europe/Berlin", "--numbered-by", "source", "--first", "1"]
            assert made.run("source", "new", "pbx-1", *new).returncode == 0
            ingest(service, folder / "one", "1,A,+1", "3,B,+2", "5,A,+3")
            now = datetime.now(UTC)
            assert service.sources.close(now + timedelta(days=1)) == 1
            ingest(service, folder / "two", "2,A,+4", "6,B,+5", "7,C,+6", "8,D,+7")
            assert service.sources.close(now + timedelta(days=5)) == 4
            service.new_matter(1, "C", ("C",))
            [moved] = service.ingest(1, (), unassigned=True).files
            assert (moved.accepted, moved.unassigned) == (1, 1)
            scene.work(service)
        yield made


def judged(
    live: Live, folder: Path, order: ExportOrder, asked: tuple[str, ...] = ()
) -> tuple[int, dict[str, Any], Path]:
    """The verdict over an order, for a person whose inputs have `asked` as well."""
    out = folder / "package.zip"
    out.unlink(missing_ok=True)
    with live.opened() as service:
        result = service.export(1, order, out, lambda done, total: None)
        demo.write_policy(service, folder)
    demo.write_inputs(folder, order.number.text, live.anvil.url, [result])
    inputs = folder / "inputs.toml"
    inputs.write_text("\n".join([inputs.read_text("utf-8"), *asked, ""]))
    policy = folder / "policy.toml"
    policy.write_text(policy.read_text("utf-8").replace('"order"', '"order", "sources"'))
    code, report = scene.judge(folder, out)
    return code, report, out


def number(live: Live, title: str = "A") -> numbers.MatterNumber:
    with live.opened() as service:
        [found] = [one.number for one in service.register.all(1) if one.title == title]
        return numbers.parse(found)


def row(report: dict[str, Any]) -> tuple[str, str | None]:
    [found] = [one for one in report["rows"] if one["row"] == "sources"]
    return found["result"], found["code"]


def test_a_complete_package_shows_the_source_and_what_is_missing(
    live: Live, tmp_path: Path
) -> None:
    code, report, out = judged(live, tmp_path, ExportOrder(number(live)))
    assert (code, row(report)) == (0, ("PASS", None)), report
    found = {one["code"]: one["en"] for one in report["findings"]}
    assert found["SOURCE_GAPS"].endswith("'pbx-1': 4")
    assert found["SOURCE_CAME_LATE"].endswith("'pbx-1': records 2")
    with zipfile.ZipFile(out) as archive:
        [entries] = [n for n in archive.namelist() if "sources" in n and n.endswith(".txt")]
        lines = archive.read(entries).decode().splitlines()
    # Of the other matter's calls stand number, kind and a digest.
    others = [json.loads(one.split(" ", 1)[1]) for one in lines if '"number":3,' in one]
    assert [sorted(one) for one in others] == [["entry", "kind", "number", "record"]]


def test_a_row_that_waited_is_shown_to_be_the_one_that_came(live: Live, tmp_path: Path) -> None:
    code, report, out = judged(live, tmp_path, ExportOrder(number(live, "C")))
    assert (code, row(report)) == (0, ("PASS", None)), report
    found = {one["code"]: one["en"] for one in report["findings"]}
    assert "SOURCE_CAME_LATE" not in found
    assert found["SOURCE_GAPS"].endswith("'pbx-1': 4")
    [said] = [one["en"] for one in report["rows"] if one["row"] == "sources"]
    assert "numbers set aside for rows of accounts without a matter: 1;" in said
    with zipfile.ZipFile(out) as archive:
        [entries] = [n for n in archive.namelist() if "sources" in n and n.endswith(".txt")]
        lines = archive.read(entries).decode().splitlines()
    kinds = [json.loads(one.split(" ", 1)[1])["entry"] for one in lines]
    assert kinds.count("aside") == 2


def test_an_extract_shows_it_when_asked(live: Live, tmp_path: Path) -> None:
    order = ExportOrder(number(live), "extract", (0,), sources=True)
    code, report, _ = judged(live, tmp_path, order)
    assert (code, row(report)) == (0, ("PASS", None)), report


def test_a_source_that_no_record_names_is_shown_from_a_day_on_and_again(
    live: Live, tmp_path: Path
) -> None:
    with live.opened() as service:
        pbx = service.sources.find(1, "pbx-1")
        assert pbx.closing is not None
        day = pbx.closing.day - timedelta(days=2)
        named = service.named_source(1, "pbx-1", day.isoformat())
    order = ExportOrder(number(live, "D"), named_sources=(named,))
    source = ("[[source]]", f'number = "{pbx.number}"')
    code, report, out = judged(live, tmp_path, order, source)
    assert (code, row(report)) == (0, ("PASS", None)), report
    [said] = [one["en"] for one in report["rows"] if one["row"] == "sources"]
    assert "0 records have their numbers" in said
    assert "Sources: 1; numbers missing, as their last closings list them: 1;" in said

    # The day before is not shown whole, the asked one is; asked for again, the package shows the same.
    for first, verdict in ((day - timedelta(days=1), 3), (day, 0)):
        days = (*source, f'from = "{first}"', f'to = "{pbx.closing.day}"')
        code, report, _ = judged(live, tmp_path, order, days)
        assert code == verdict, report
    assert read_earlier(out).named_sources == (named,)


@pytest.mark.parametrize(
    ("kind", "positions", "sources"), [("complete", (), False), ("extract", (0,), None)]
)
def test_what_is_not_shown_is_not_checked(
    live: Live, tmp_path: Path, kind: str, positions: tuple[int, ...], sources: bool | None
) -> None:
    order = ExportOrder(number(live), kind, positions, sources=sources)
    code, report, _ = judged(live, tmp_path, order)
    assert (code, row(report)) == (3, ("NOT CHECKED", "SOURCES_NOT_SHOWN"))


def test_the_store_holds_together(live: Live, tmp_path: Path) -> None:
    done = live.run("backup", str(tmp_path / "backup"))
    assert done.returncode == 0, done.stderr


def test_the_status_names_the_source(live: Live) -> None:
    status = json.loads(live.run("status", "--json").stdout)
    [one] = status["sources"]
    assert (one["name"], one["records"], one["missing"]) == ("pbx-1", 6, 1)
    assert one["waiting"] == 1
