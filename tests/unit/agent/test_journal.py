"""The journal stays small however much was sent, what it forgets is not sent twice, no disk makes halves."""

from __future__ import annotations

import hashlib
import json
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from notary.agent import journal as of
from notary.agent import scan
from notary.agent.journal import NAME, NO_MATTER, WAITING, Fault, FileState, Journal, Queued, Taken
from notary.errors import NothingHappened
from tests.simulators.agency import HEADER, MATTER, Agency, sms, sms_map
from verifier.format.jsonc import Json

NOW = "2026-11-26T10:00:00.000Z"
STATE = FileState("/a.csv", 1, 2, 3, 4)
# As the first version made it.
OLD = """
CREATE TABLE files (
    path TEXT PRIMARY KEY, dev INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, at INTEGER NOT NULL, row INTEGER NOT NULL, header BLOB NOT NULL,
    sha256 BLOB NOT NULL, error TEXT
) STRICT;
CREATE TABLE known (key TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, matter TEXT, account TEXT, kind TEXT NOT NULL,
    claims TEXT NOT NULL, files TEXT NOT NULL, state TEXT NOT NULL, error TEXT, queued_at TEXT NOT NULL
) STRICT;
CREATE INDEX queue_state ON queue (state, id);
CREATE TABLE receipts (
    key TEXT PRIMARY KEY, record_id TEXT NOT NULL, receipt TEXT NOT NULL, sent_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, path TEXT NOT NULL, place INTEGER NOT NULL,
    code TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
PRAGMA user_version=1;
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    one = Journal(tmp_path)
    yield one
    one.close()


def queued(number: int) -> Queued:
    claims: dict[str, Json] = {
        "text": f"Please call {number} " + "x" * 500,
        "fields": {"sender": {"seen_at": NOW}},
    }
    key = f"watch/{'0' * 32}/{hashlib.sha256(b'%d' % number).hexdigest()}/0"
    return Queued(key, MATTER, None, "message", claims)


def receipts(folder: Path) -> list[dict[str, str]]:
    """Every line that can be read, of all months."""
    found = []
    for path in sorted((folder / "receipts").iterdir()):
        for line in path.read_bytes().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


def test_of_what_was_sent_two_digests_stay_and_its_receipt_in_a_file(
    tmp_path: Path, journal: Journal
) -> None:
    count, receipt = 3_000, b"{}" + b" " * 2_000
    assert len(journal.take(Taken(STATE, [queued(n) for n in range(count)]), NOW)) == count
    waiting = journal.waiting(0, count)
    grown = (tmp_path / NAME).stat().st_size + (tmp_path / f"{NAME}-wal").stat().st_size
    journal.acknowledged([(one, f"r{one.id}", receipt) for one in waiting], NOW)
    told = journal.told(9)
    assert (told["sent"], told["last_sent_at"], told["waiting"]) == (count, NOW, 0)
    journal.shrink()
    journal.close()
    # The rows of a queue take much more, and are given back.
    left = (tmp_path / NAME).stat().st_size
    assert left < 150 * count < grown
    again = Journal(tmp_path)
    assert again.take(Taken(STATE, [queued(n) for n in range(count)]), NOW) == []
    again.close()
    kept = receipts(tmp_path)
    assert [one["key"] for one in kept] == [queued(n).key for n in range(count)]
    assert kept[0] == {
        "key": queued(0).key,
        "record_id": f"r{waiting[0].id}",
        "receipt": receipt.decode(),
        "sent_at": NOW,
    }
    assert [path.name for path in (tmp_path / "receipts").iterdir()] == ["2026-11.ndjson"]
    assert (tmp_path / "receipts" / "2026-11.ndjson").stat().st_mode & 0o777 == 0o600


def test_a_receipt_that_has_no_room_keeps_its_record_waiting(
    tmp_path: Path, journal: Journal
) -> None:
    journal.take(Taken(STATE, [queued(1)]), NOW)
    done = [(one, "r1", b"{}") for one in journal.waiting(0, 9)]
    (tmp_path / "receipts").write_bytes(b"in the way")
    with pytest.raises(NothingHappened, match="sent again") as refused:
        journal.acknowledged(done, NOW)
    assert refused.value.code == "RECEIPTS"
    assert (journal.count(WAITING), journal.told(9)["sent"]) == (1, 0)
    (tmp_path / "receipts").unlink()
    journal.acknowledged(done, NOW)
    assert journal.count(WAITING) == 0


def test_half_a_line_of_a_crash_spoils_no_other(tmp_path: Path, journal: Journal) -> None:
    journal.take(Taken(STATE, [queued(1), queued(2)]), NOW)
    first, second = [(one, "r", b"{}") for one in journal.waiting(0, 9)]
    journal.acknowledged([first], NOW)
    path = tmp_path / "receipts" / "2026-11.ndjson"
    path.write_bytes(path.read_bytes() + b'{"key": "wat')
    journal.acknowledged([second], NOW)
    assert [one["key"] for one in receipts(tmp_path)] == [queued(1).key, queued(2).key]


def test_an_acknowledgement_that_comes_twice_counts_once(journal: Journal) -> None:
    journal.take(Taken(STATE, [queued(1)]), NOW)
    done = [(one, "r", b"{}") for one in journal.waiting(0, 9)]
    journal.acknowledged(done, NOW)
    journal.acknowledged(done, NOW)
    assert journal.told(9)["sent"] == 1


@pytest.mark.parametrize("crash", [False, True])
def test_the_journal_of_an_earlier_agent_is_brought_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    with closing(sqlite3.connect(tmp_path / NAME)) as db:
        db.executescript(OLD)
        for number in range(3):
            one = queued(number)
            db.execute("INSERT INTO known VALUES (?, ?)", (one.key, of.content_digest(one)))
        for number, at in ((0, "2026-10-31T23:00:00.000Z"), (1, NOW)):
            row = (queued(number).key, f"r{number}", "{}", at)
            db.execute("INSERT INTO receipts VALUES (?, ?, ?, ?)", row)
        db.execute("INSERT INTO faults (at, path, place, code, text) VALUES ('', '', 0, 'A', '')")
        db.execute(
            "INSERT INTO queue (key, kind, claims, files, state, queued_at)"
            " VALUES (?, 'message', '{}', '[]', ?, ?)",
            (queued(2).key, NO_MATTER, NOW),
        )
        db.commit()
    if crash:
        with monkeypatch.context() as patch:

            def die(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(of, "_set", die)
            with pytest.raises(KeyboardInterrupt):
                Journal(tmp_path)
    journal = Journal(tmp_path)
    told = journal.told(9)
    assert (told["sent"], told["last_sent_at"], told["no_matter"]) == (2, NOW, 1)
    assert (told["fault_count"], len(told["faults"])) == (1, 1)
    # What it knew it knows: only the new one is queued.
    fresh = journal.take(Taken(STATE, [queued(number) for number in range(4)]), NOW)
    assert fresh == [queued(3)]
    journal.close()
    kept = receipts(tmp_path)
    assert {one["record_id"] for one in kept} == {"r0", "r1"}
    assert len(kept) == (4 if crash else 2)
    assert sorted(path.name for path in (tmp_path / "receipts").iterdir()) == [
        "2026-10.ndjson",
        "2026-11.ndjson",
    ]
    Journal(tmp_path).close()


def test_faults_are_counted_for_ever_and_kept_for_a_while(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of, "KEPT_FAULTS", 5)
    for number in range(4):
        faults = [Fault("/a.csv", number, "A", f"{number}.{part}") for part in range(3)]
        journal.take(Taken(STATE, [], faults), NOW)
    told = journal.told(99)
    assert told["fault_count"] == 12
    assert [one["text"] for one in told["faults"]] == ["3.2", "3.1", "3.0", "2.2", "2.1"]


def test_a_file_that_is_gone_is_forgotten_and_what_came_of_it_is_not(tmp_path: Path) -> None:
    agency = Agency(tmp_path, sms_map(tmp_path))
    path, other = agency.files / "out.csv", agency.files / "other.csv"
    path.write_text(HEADER + sms(1) + sms(2), "utf-8")
    other.write_text(HEADER + sms(3), "utf-8")
    assert len(agency.look()) == 3
    content = path.read_bytes()
    path.unlink()
    assert agency.look(after_s=scan.TIDY_EVERY_S) == []
    assert agency.journal.paths() == [str(other)]
    # It comes back, with one row more.
    path.write_bytes(content + sms(4).encode())
    [fresh] = agency.look(after_s=1)
    assert fresh.claims["text"] == "Please call 4"
    assert agency.faults() == []
    agency.journal.close()


def test_of_files_that_did_not_change_the_journal_is_not_asked(tmp_path: Path) -> None:
    agency = Agency(tmp_path)
    asked: list[int] = []
    for count in (3, 40):
        for number in range(count):
            (agency.files / f"{number}.bin").write_bytes(b"%d" % number)
        agency.settle()
        agency.look()
        statements: list[str] = []
        agency.journal._db.set_trace_callback(statements.append)
        assert agency.look() == []
        agency.journal._db.set_trace_callback(None)
        asked.append(len(statements))
    assert asked[0] == asked[1]
    # Once one did, it is.
    (agency.files / "1.bin").write_bytes(b"other")
    assert len(agency.settle()) == 1
    agency.journal.close()


def test_with_too_little_room_nothing_is_taken_and_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = Agency(tmp_path)
    (agency.files / "a.bin").write_bytes(b"a")
    with monkeypatch.context() as patch:
        # More than any disk has free: this one is as good as full.
        patch.setattr(scan, "RESERVE_BYTES", 2**62)
        assert agency.settle() == []
        assert agency.look() == []
    assert agency.scanner.full
    assert str(agency.scanner.why_full).startswith("DISK_FULL: ")
    assert len([line for line in agency.told if "DISK_FULL" in line]) == 1
    assert list(agency.spool.iterdir()) == []
    assert len(agency.settle()) == 1
    assert (agency.scanner.full, agency.scanner.why_full) == (False, None)
    agency.journal.close()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses longer files to this process in the middle of a write, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_copy_that_the_disk_refuses_in_the_middle_leaves_nothing_and_is_told(
    tmp_path: Path,
) -> None:
    agency = Agency(tmp_path)
    (agency.files / "a.bin").write_bytes(b"a" * 3_000_000)
    (agency.files / "b.bin").write_bytes(b"b")
    with files_of_at_most(2_000_000):
        [small] = agency.settle()
        assert str(agency.scanner.trouble).startswith(f"{agency.files / 'a.bin'}: ")
        assert len(list(agency.spool.iterdir())) == 1
        assert agency.look(after_s=1) == []
    assert len([line for line in agency.told if "a.bin" in line]) == 1
    [large] = agency.look(after_s=1)
    assert agency.scanner.trouble is None
    assert [one.claims["filename"] for one in (small, large)] == ["b.bin", "a.bin"]
    assert (agency.spool / large.files[0].name).stat().st_size == 3_000_000
    agency.journal.close()


def test_a_file_from_the_future_is_taken_when_it_stands_still(tmp_path: Path) -> None:
    import os

    agency = Agency(tmp_path)
    path = agency.files / "a.bin"
    path.write_bytes(b"a")
    ahead = path.stat().st_mtime + 365 * 86_400
    os.utime(path, (ahead, ahead))
    assert len(agency.settle()) == 1
    assert agency.look(after_s=1) == []
    agency.journal.close()
