"""The files of the collection case: the same bytes for a seed, whole, and of no real person."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
import time
import wave
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from notary.cases.collection.files import CollectionFiles, generate
from notary.cases.collection.make import Size
from notary.importers.map_file import load_map, shipped_maps
from notary.importers.media import media_type

SMALL = Size(debtors=10, days=21, working_day_calls=10, peak_day_calls=30)
DIGEST = "c45d43ce21a797c346e98593da0e3b13c63265603eca105589c6de4e04be77ba"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> CollectionFiles:
    return generate(tmp_path_factory.mktemp("case") / "case", seed=7, size=SMALL)


def digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    return whole.hexdigest()


def test_the_bytes_of_a_seed_stay_as_they_were(case: CollectionFiles) -> None:
    assert digest(case.folder) == DIGEST


@pytest.mark.parametrize("place", [("0", "UTC"), ("1", "America/New_York"), ("2", "Asia/Tokyo")])
def test_neither_hash_order_nor_the_machines_zone_show(
    tmp_path: Path, place: tuple[str, str]
) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from notary.cases.collection.files import generate\n"
        "from notary.cases.collection.make import Size\n"
        f"generate(Path(sys.argv[1]), 7, Size({SMALL.debtors}, {SMALL.days}, "
        f"{SMALL.working_day_calls}, {SMALL.peak_day_calls}))"
    )
    seed, zone = place
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "case")],
        env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        check=True,
        timeout=60,
    )
    assert digest(tmp_path / "case") == DIGEST


def test_the_list_names_every_file(case: CollectionFiles) -> None:
    assert sorted(case.files) == sorted(path for path in case.folder.rglob("*") if path.is_file())


def test_each_export_fits_one_map(case: CollectionFiles) -> None:
    maps = [load_map(path) for path in sorted(case.maps.iterdir())]
    assert len({one.id for one in maps}) == len(maps)
    for day in case.day_folders():
        for path in day.glob("*.csv"):
            with path.open(encoding="utf-8", newline="") as file:
                head = file.readline().rstrip("\r\n")
            fitting = [
                one.id
                for one in [*maps, *shipped_maps()]
                if set(one.wanted_columns) <= set(head.split(one.delimiter)) and one.format == "csv"
            ]
            assert fitting == [f"collection-{path.stem}"]


def test_addresses_and_numbers_are_reserved_ones(case: CollectionFiles) -> None:
    for path in case.files:
        if path.suffix in (".wav", ".md"):
            continue
        text = path.read_text("utf-8")
        for address in re.findall(r"[\w.-]+@[\w.-]+\w", text):
            assert address.endswith(("@example.com", "@trunk"))
        for number in re.findall(r"\+\d{9,}|\+\d+\*+\d+", text):
            assert re.fullmatch(
                r"\+447700900\d{3}|\+120255501\d\d|\+8612\d(\d{8}|\d\d\*{4}\d{4}|\*{4}\d{4})",
                number,
            ), number


def test_masked_numbers_occur_in_the_dialler_and_not_in_the_switches(
    case: CollectionFiles,
) -> None:
    exports = [path.read_text("utf-8") for path in case.folder.glob("days/*/calls.csv")]
    logs = [path.read_text("utf-8") for path in case.folder.glob("switches/*/*/*")]
    assert any("****" in text for text in exports)
    assert not any("****" in text for text in logs)


def test_recordings_open_as_wav_and_pages_as_pdf(case: CollectionFiles) -> None:
    recordings = sorted(case.folder.glob("days/*/recordings/*.wav"))
    assert recordings
    for path in recordings:
        with wave.open(str(path)) as opened:
            assert (opened.getframerate(), opened.getnframes()) == (8_000, 400)
        assert media_type(path) == "audio/wav"
    assert len({path.read_bytes() for path in recordings}) == len(recordings)
    pages = sorted(case.folder.glob("**/*.pdf"))
    assert {media_type(path) for path in pages} == {"application/pdf"}


def test_asterisk_logs_have_21_columns_and_quote_all_but_numbers(case: CollectionFiles) -> None:
    for path in sorted(case.folder.glob("switches/asterisk/*/Master.csv-*")):
        assert re.fullmatch(r"Master\.csv-\d{8}", path.name)
        for line in path.read_text("utf-8").splitlines():
            [cells] = csv.reader([line])
            assert len(cells) == 21
            assert re.fullmatch(
                r'("([^"]|"")*",){10}("[^"]*")?,"[^"]*",\d+,\d+,("[^"]*",){6}\d+', line
            )
            answered = cells[14] == "ANSWERED"
            assert bool(cells[10]) == answered == (int(cells[13]) > 0)


def test_freeswitch_logs_have_the_15_columns_of_the_example(case: CollectionFiles) -> None:
    for path in sorted(case.folder.glob("switches/freeswitch/*/Master.csv.*")):
        assert re.fullmatch(r"Master\.csv\.\d{4}(-\d\d){5}", path.name)
        for line in path.read_text("utf-8").splitlines():
            assert re.fullmatch(r'"[^"]*"(,"[^"]*"){14}', line)
            [cells] = csv.reader([line])
            assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab].*", cells[10])
            assert bool(cells[5]) == (int(cells[8]) > 0) == bool(cells[11])


def test_a_list_of_twilio_names_the_newest_call_first(case: CollectionFiles) -> None:
    pages = sorted(case.folder.glob("switches/twilio/*/Calls-*.json"))
    assert pages
    for path in pages:
        calls = json.loads(path.read_bytes())["calls"]
        starts = [parsedate_to_datetime(call["start_time"]) for call in calls]
        assert starts == sorted(starts, reverse=True)


def test_legs_of_freeswitch_in_json_are_those_of_its_csv(case: CollectionFiles) -> None:
    def rows(kind: str) -> list[str]:
        found = sorted(case.folder.glob(f"switches/{kind}/*/*"))
        return [line for path in found for line in path.read_text("utf-8").splitlines()]

    legs = [json.loads(line)["variables"] for line in rows("freeswitch-json")]
    told = [(leg["uuid"], leg["billsec"], leg["duration"], leg["hangup_cause"]) for leg in legs]
    cells = list(csv.reader(rows("freeswitch")))
    assert told == [(one[10], one[8], one[7], one[9]) for one in cells]
    assert told


def test_the_whole_case_is_made_in_time(tmp_path: Path) -> None:
    # CPU time: the machine may be busy with other tests.
    started = time.process_time()
    generate(tmp_path / "case", seed=1)
    assert time.process_time() - started < 3.0
