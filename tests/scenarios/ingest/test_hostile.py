"""Files that are broken, huge or hostile: refused with row, cause and remedy; the rest enters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from notary.importers.column_map import ColumnMap
from notary.importers.map_file import parse_map
from notary.importers.rows import MAX_ROW_BYTES
from tests.simulators.intake import LETTERS, IntakeWorld, counts

HEADER = b"id,contract,sent,amount,subject\n"
GOOD = b"L1,C-1,2026-02-01 09:00,100.50,First reminder\n"
LAST = b"L9,C-1,2026-02-09 09:00,100.50,Last reminder\n"

NDJSON = parse_map(
    LETTERS.replace(b'format = "csv"', b'format = "ndjson"'), "letters-ndjson.map.toml"
)
JSON_GOOD = (
    b'{"id": "L1", "contract": "C-1", "sent": "2026-02-01 09:00", "amount": 100.50, '
    b'"subject": "First reminder"}\n'
)
JSON_LAST = JSON_GOOD.replace(b"L1", b"L9")


@pytest.mark.parametrize(
    ("bad", "code", "says"),
    [
        (b"L2,C-1,2026-02-02 09:00,1.00,caf\xe9\n", "ROW_ENCODING", "byte 0xe9"),
        (b"L2,C-1,2026-02-02 09:00,1.00,a\x00b\n", "ROW_CONTROL", "NUL"),
        (b"L2,C-1,2026-02-02 09:00,1.00,a\x1b[31mb\n", "ROW_CONTROL", "U+001B"),
        ("L2,C-1,2026-02-02 09:00,1.00,a\u0085b\n".encode(), "ROW_CONTROL", "U+0085"),
        (b"L2,C-1,2026-02-02 09:00,1.00\n", "ROW_COLUMNS", "4 cells, the header 5"),
        (b"L2,C-1,2026-02-02 09:00,1.00,x,y\n", "ROW_COLUMNS", "6 cells, the header 5"),
        (b'L2,C-1,2026-02-02 09:00,1.00,"x"y\n', "ROW_QUOTES", "expected after"),
        (b"L2,C-1,2026-02-30 09:00,1.00,x\n", "ROW_TIME", "'2026-02-30 09:00'"),
        (b"L2,,2026-02-02 09:00,1.00,x\n", "ROW_ACCOUNT", "no account"),
        (b"L2," + b"9" * 201 + b",2026-02-02 09:00,1.00,x\n", "ROW_ACCOUNT", "at most 200"),
        (b",C-1,2026-02-02 09:00,1.00,x\n", "ROW_MISSING", "the cell is empty"),
        (b"L2,C-1,2026-02-02 09:00,1e3,x\n", "ROW_VALUE", "no amount in EUR"),
        (b"L2,C-1,2026-02-02 09:00,1.005,x\n", "ROW_VALUE", "at most 2 decimals"),
        (b"L2,C-1,2026-02-02 09:00," + b"9" * 15 + b",x\n", "ROW_VALUE", "no amount"),
        (
            b"L2,C-1,2026-02-02 09:00,1.00," + b"x" * (MAX_ROW_BYTES + 1) + b"\n",
            "ROW_SIZE",
            "at most 262144",
        ),
    ],
)
def test_a_bad_row_is_refused_and_its_neighbours_enter(
    world: IntakeWorld, letters: ColumnMap, bad: bytes, code: str, says: str
) -> None:
    path = world.file("letters.csv", HEADER + GOOD + bad + LAST)
    report = world.take(path, maps=[letters])
    assert counts(report) == (2, 0, 1, 0, 0)
    [problem] = report.problems
    assert (problem.code, problem.row) == (code, 3)
    assert says in problem.reason
    assert problem.remedy
    assert world.rebuilt(path) == path.read_bytes()
    if code != "ROW_SIZE":
        # What was refused can be read back from the rejects file, byte for byte where it has cells.
        assert report.rejects_file is not None
        again = world.take(report.rejects_file, maps=[letters])
        assert counts(again) == (0, 0, 1, 0, 0)


@pytest.mark.parametrize(
    ("bad", "code", "says"),
    [
        (b"{\n", "ROW_JSON", "no JSON"),
        (b"[1]\n", "ROW_JSON", "want a JSON object"),
        (b'{"id": 1, "id": 2}\n', "ROW_JSON", "'id' stands twice"),
        (b'{"a":' * 40 + b"1" + b"}" * 40 + b"\n", "ROW_JSON", "deeper than 32"),
        (b'{"a":' * 100_00 + b"\n", "ROW_JSON", "deeper than 32"),
        (b'{"id": 99999999999999999999}\n', "ROW_JSON", "outside"),
        (b'{"id": NaN}\n', "ROW_JSON", "NaN is no JSON number"),
        (JSON_GOOD.replace(b"First", b"caf\xe9"), "ROW_ENCODING", "not UTF-8"),
        (JSON_GOOD.replace(b"First", b"a\\u0000"), "ROW_CONTROL", "U+0000"),
        (JSON_GOOD.replace(b"First", b"\\ud800"), "ROW_VALUE", "lone surrogate"),
        (JSON_GOOD.replace(b'"First reminder"', b'{"a": 1}'), "ROW_VALUE", "got an object"),
        (JSON_GOOD.replace(b'"C-1"', b'["C-1"]'), "ROW_VALUE", "want one value"),
        (JSON_GOOD.replace(b"First", b"x" * MAX_ROW_BYTES), "ROW_SIZE", "at most 262144"),
    ],
)
def test_a_bad_line_is_refused_and_its_neighbours_enter(
    world: IntakeWorld, bad: bytes, code: str, says: str
) -> None:
    path = world.file("letters.ndjson", JSON_GOOD + bad + JSON_LAST)
    report = world.take(path, maps=[NDJSON])
    assert counts(report) == (2, 0, 1, 0, 0)
    [problem] = report.problems
    assert (problem.code, problem.row) == (code, 2)
    assert says in problem.reason
    assert world.rebuilt(path) == path.read_bytes()
    assert report.rejects_file is not None
    assert counts(world.take(report.rejects_file, maps=[NDJSON])) == (0, 0, 1, 0, 0)


def test_rejected_lines_can_be_mended_and_fed_again(world: IntakeWorld) -> None:
    bad = JSON_GOOD.replace(b"2026-02-01 09:00", b"{never}").replace(b"L1", b"L2")
    path = world.file("letters.ndjson", JSON_GOOD + bad + b"{broken\n")
    report = world.take(path, maps=[NDJSON])
    assert counts(report) == (1, 0, 2, 0, 0)
    assert report.rejects_file is not None
    again = world.take(report.rejects_file, maps=[NDJSON])
    assert [problem.code for problem in again.problems] == ["ROW_TIME", "ROW_UNMENDED"]
    assert again.rejects_file is not None
    lines = again.rejects_file.read_bytes().splitlines(keepends=True)
    assert lines[0].count(b'"_reject"') == 1
    lines[0] = lines[0].replace(b'"{never}"', b'"2026-02-02 09:00"')
    again.rejects_file.write_bytes(lines[0])
    assert counts(world.take(again.rejects_file, maps=[NDJSON])) == (1, 0, 0, 0, 0)
    assert world.claims()[1]["amount"] == {"minor": 10050, "currency": "EUR"}


def test_an_unclosed_quote_takes_the_rest_of_the_file_and_says_so(
    world: IntakeWorld, letters: ColumnMap
) -> None:
    short = world.file("short.csv", HEADER + GOOD + b'L2,C-1,2026-02-02 09:00,1.00,"open\n' + LAST)
    report = world.take(short, maps=[letters])
    assert counts(report) == (1, 0, 1, 0, 0)
    assert "2 lines can't be told apart" in report.problems[0].reason
    long = world.file(
        "long.csv",
        HEADER + GOOD + b'L2,C-1,2026-02-02 09:00,1.00,"open\n' + LAST * (3 * MAX_ROW_BYTES // 40),
    )
    report = world.take(long, maps=[letters])
    assert counts(report) == (0, 1, 1, 0, 0)
    assert "the rest of the file" in report.problems[0].reason
    assert report.problems[0].row == 3
    assert world.rebuilt(long) == long.read_bytes()


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        (HEADER.decode(), "utf-16"),
        (HEADER.decode().replace("subject", "sub\x00ject"), "utf-8"),
        (HEADER.decode().replace("amount", "subject"), "utf-8"),
        ('"' + HEADER.decode(), "utf-8"),
    ],
)
def test_a_header_that_can_not_be_trusted_refuses_the_file(
    world: IntakeWorld, letters: ColumnMap, head: str, encoding: str
) -> None:
    path = world.file("letters.csv", (head + GOOD.decode()).encode(encoding))
    report = world.take(path, maps=[letters])
    assert report.accepted == 0
    assert report.rejected >= 1
    assert world.size() == 0


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_marks_do_not_matter(
    world: IntakeWorld, letters: ColumnMap, end: bytes, bom: bytes
) -> None:
    content = bom + (HEADER + GOOD + b"\n" + LAST.rstrip()).replace(b"\n", end)
    path = world.file("letters.csv", content)
    report = world.take(path, maps=[letters])
    assert counts(report) == (2, 0, 0, 0, 0)
    assert world.rebuilt(path) == content
    world.take(world.file("plain.csv", HEADER + GOOD + LAST), maps=[letters])
    assert world.size() == 2


def test_an_encoding_that_the_map_declares_is_read(world: IntakeWorld) -> None:
    map_ = parse_map(LETTERS + b'[csv]\nencoding = "gb18030"\n', "gb.map.toml")
    row = "L2,C-1,2026-02-02 09:00,1.00,催款函：请付款\n"
    path = world.file("letters.csv", HEADER + row.encode("gb18030"))
    assert counts(world.take(path, maps=[map_])) == (1, 0, 0, 0, 0)
    [record] = world.claims()
    assert record["subject"] == "催款函：请付款"
    raw = record["raw"]
    assert isinstance(raw, dict)
    assert "bytes" in raw
    assert world.rebuilt(path) == path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["one line", "one quote", "one object", "rows"])
def test_a_hundred_megabytes_are_read_in_flat_memory(tmp_path: Path, shape: str) -> None:
    size = 100 * 2**20
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(HEADER + GOOD)
        if shape == "one quote":
            file.write(b'"')
        if shape == "one object":
            file.seek(0)
            file.write(b'{"a": "')
        line = GOOD.replace(b"First", b"x" * 2_000) if shape == "rows" else b"x" * 47
        for _ in range(size // len(line) // 1000):
            file.write(line * 1000)
    # A process of its own, because its peak is what counts. The parsers alone: the store has its own tests.
    code = f"""
import resource, sys
from pathlib import Path
from notary.importers.map_file import parse_map
from notary.importers.original import Original
from notary.importers.recognise import open_rows
from tests.simulators.intake import LETTERS
form = {"ndjson" if shape == "one object" else "csv"!r}.encode()
map_ = parse_map(LETTERS.replace(b'"csv"', b'"' + form + b'"'), "letters")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with Original(Path({str(path)!r})) as original:
    end = rows = 0
    for item in open_rows(original, map_, bytes(32)):
        assert item.start >= end
        end = item.end
        rows += 1
    assert end == original.size
print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    rows, grown = map(int, done.stdout.split())
    assert rows >= (1 if shape == "one object" else 2)
    assert grown < 16 * 1024, f"{grown} KiB"


# Each a file of 100 MB: its name, what stands first, what is repeated, the end.
HOSTILE = {
    "a zip in place of CSV": ("calls.csv", b"PK\x03\x04", bytes(range(256)) * 40, b""),
    "one string in a page": ("page.json", b'{"calls": [{"sid": "', b"x" * 10_000, b'"}]}'),
    "brackets in a page": ("page.json", b'{"calls": ', b"[" * 10_000, b""),
    "rows without end": ("page.json", b'{"calls": [{}', b",{}" * 3_000, b"]}"),
    "one vCon": ("call.json", b'{"vcon": "0.4.0", "dialog": [{"body": "', b"A" * 10_000, b'"}]}'),
    "one message": (
        "mail.eml",
        b"From: a@example.com\r\nDate: x\r\n\r\n",
        b"y" * 9_999 + b"\n",
        b"",
    ),
    "headers without end": (
        "mail.eml",
        b"From: a@example.com\r\nDate: x\r\n",
        b"X: y\r\n" * 2_000,
        b"",
    ),
    "one line": ("calls.csv", b"", b"x," * 5_000, b""),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", HOSTILE)
def test_a_hostile_file_costs_little_and_the_next_one_enters(tmp_path: Path, shape: str) -> None:
    name, first, line, last = HOSTILE[shape]
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(first)
        for _ in range(100 * 2**20 // len(line)):
            file.write(line)
        file.write(last)
    code = f"""
import resource
from pathlib import Path
from notary.importers.map_file import parse_map
from tests.simulators.intake import LETTERS, LETTERS_CSV, make_intake_world
home = Path({str(tmp_path)!r}) / "world"
home.mkdir()
world = make_intake_world(home)
letters = parse_map(LETTERS, "letters")
world.take(world.file("first.csv", LETTERS_CSV), maps=[letters])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
[bad] = world.take_all(Path({str(path)!r}), dry_run=True)
assert bad.accepted == 0
assert bad.problems and all(one.reason and one.remedy for one in bad.problems), bad
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
good = world.take(world.file("next.csv", LETTERS_CSV.replace("L1", "L4")), maps=[letters])
assert good.accepted == 1, good
world.store.close()
print(grown)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) < 96 * 1024, f"{done.stdout} KiB"
