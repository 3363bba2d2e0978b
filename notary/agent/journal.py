"""Owns the agent's own durable memory: how far each file was read, what waits, what was acknowledged.

One SQLite file. What was read of a file and the records that came of it change in one transaction, and so do
an acknowledgement and the end of the waiting: a crash anywhere leaves each record waiting or acknowledged,
never both and never neither. Tests: tests/unit/agent/test_scan.py, tests/scenarios/agent/test_watch.py.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from notary.errors import CallerError, NothingHappened
from verifier.format import jsonc
from verifier.format.jsonc import Json

NAME = "journal.db"
VERSION = 1
BUSY_S = 10.0  # `--status` reads beside the agent

WAITING, NO_MATTER, REFUSED = "waiting", "no matter", "refused"

_SCHEMA = """
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
"""


@dataclass(frozen=True)
class Spooled:
    """A copy of an original in the agent's folder."""

    name: str
    filename: str | None
    media_type: str


@dataclass(frozen=True)
class Queued:
    """A record on its way. `claims` hold `fields.sender` without signature."""

    key: str
    matter: str | None
    account: str | None
    kind: str
    claims: dict[str, Json]
    files: tuple[Spooled, ...] = ()
    id: int = 0


@dataclass(frozen=True)
class FileState:
    """How far a file was read: `at` bytes, `row` rows; `sha256` is of the bytes before `at`."""

    path: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    at: int = 0
    row: int = 0
    header: bytes = b""
    sha256: bytes = b""
    error: str | None = None


@dataclass(frozen=True)
class Fault:
    """What a person should know of a file: a row that was refused, a file that was cut or replaced."""

    path: str
    place: int
    code: str
    text: str


@dataclass
class Taken:
    """What one look at one file gave."""

    state: FileState
    records: list[Queued] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


class Journal:
    """The memory in a folder; with None a copy of that in `like`, in this process alone, for a dry run."""

    def __init__(self, folder: Path | None, like: Path | None = None) -> None:
        self._path = None if folder is None else folder / NAME
        try:
            self._db = sqlite3.connect(
                ":memory:" if self._path is None else self._path,
                isolation_level=None,
                timeout=BUSY_S,
                check_same_thread=False,
            )
            if self._path is not None:
                self._path.chmod(0o600)
            if like is not None and (like / NAME).exists():
                with closing(sqlite3.connect(f"file:{like / NAME}?mode=ro", uri=True)) as other:
                    other.backup(self._db)
            # Records are personal, and the disk must have them before a file's place moves on.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                self._db.execute(f"PRAGMA {pragma}")
            [version] = self._db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
            elif version != VERSION:
                raise CallerError(
                    "JOURNAL_VERSION", f"{self._path} is of version {version}, want {VERSION}."
                )
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _rows(self, query: str, *values: Any) -> list[Any]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error) -> NothingHappened:
        return NothingHappened(
            "JOURNAL", f"{self._path}: {error}. Check that the disk has room and is not damaged."
        )

    # Files.

    def files(self) -> dict[str, FileState]:
        """Every file that was looked into, by its path."""
        rows = self._rows(
            "SELECT path, dev, ino, size, mtime_ns, at, row, header, sha256, error FROM files"
        )
        return {row[0]: FileState(*row) for row in rows}

    def take(self, taken: Taken, now: str) -> list[Queued]:
        """Keep what a look at a file gave, all of it or nothing; the records that are new.

        A record that is known with other content becomes a fault.
        """
        fresh: list[Queued] = []
        with self._writing() as db:
            faults = list(taken.faults)
            for record in taken.records:
                content = content_digest(record)
                row = db.execute(
                    "SELECT content FROM known WHERE key = ?", (record.key,)
                ).fetchone()
                if row is None:
                    db.execute("INSERT INTO known VALUES (?, ?)", (record.key, content))
                    fresh.append(record)
                elif row[0] != content:
                    faults.append(
                        Fault(
                            taken.state.path,
                            _place(record),
                            "ROW_CONFLICT",
                            "it came before with other content; enter what changed as a correction",
                        )
                    )
            db.executemany(
                "INSERT INTO queue (key, matter, account, kind, claims, files, state, queued_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.key,
                        one.matter,
                        one.account,
                        one.kind,
                        json.dumps(one.claims, ensure_ascii=False),
                        json.dumps([[f.name, f.filename, f.media_type] for f in one.files]),
                        NO_MATTER if one.matter is None else WAITING,
                        now,
                    )
                    for one in fresh
                ],
            )
            db.executemany(
                "INSERT INTO faults (at, path, place, code, text) VALUES (?, ?, ?, ?, ?)",
                [(now, one.path, one.place, one.code, one.text) for one in faults],
            )
            state = taken.state
            db.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    state.path,
                    state.dev,
                    state.ino,
                    state.size,
                    state.mtime_ns,
                    state.at,
                    state.row,
                    state.header,
                    state.sha256,
                    state.error,
                ),
            )
        return fresh

    def file(self, path: str) -> FileState | None:
        """What is known of one file."""
        rows = self._rows(
            "SELECT path, dev, ino, size, mtime_ns, at, row, header, sha256, error FROM files"
            " WHERE path = ?",
            path,
        )
        return FileState(*rows[0]) if rows else None

    def renamed(self, names: Mapping[str, str]) -> None:
        """Files have other names now, all at once: a rotation moves each to the name of the next."""
        with self._writing() as db:
            places = [(path, f"\0{place}") for place, path in enumerate(names)]
            for old, between in places:
                db.execute("UPDATE files SET path = ? WHERE path = ?", (between, old))
            for old, between in places:
                db.execute("DELETE FROM files WHERE path = ?", (names[old],))
                db.execute("UPDATE files SET path = ? WHERE path = ?", (names[old], between))

    # The queue.

    def count(self, state: str) -> int:
        """How many records are in that state."""
        return int(self._rows("SELECT count(*) FROM queue WHERE state = ?", state)[0][0])

    def waiting(self, after: int, most: int) -> list[Queued]:
        """The oldest records that can be sent, with numbers above `after`."""
        return [
            _queued(row)
            for row in self._rows(
                "SELECT id, key, matter, account, kind, claims, files FROM queue"
                " WHERE state = ? AND id > ? ORDER BY id LIMIT ?",
                WAITING,
                after,
                most,
            )
        ]

    def accounts(self) -> list[str]:
        """The accounts of records that no matter is known for."""
        query = "SELECT DISTINCT account FROM queue WHERE state = ? AND account IS NOT NULL"
        return [row[0] for row in self._rows(query, NO_MATTER)]

    def lead(self, account: str, matter: str) -> int:
        """Records of the account can be sent from now on; how many they are."""
        with self._writing() as db:
            return db.execute(
                "UPDATE queue SET matter = ?, state = ? WHERE state = ? AND account = ?",
                (matter, WAITING, NO_MATTER, account),
            ).rowcount

    def acknowledged(self, done: Iterable[tuple[Queued, str, bytes]], now: str) -> None:
        """Keep record id and receipt of each, and let it wait no more."""
        with self._writing() as db:
            for record, record_id, receipt in done:
                db.execute(
                    "INSERT OR REPLACE INTO receipts VALUES (?, ?, ?, ?)",
                    (record.key, record_id, receipt.decode("utf-8"), now),
                )
                db.execute("DELETE FROM queue WHERE id = ?", (record.id,))

    def refused(self, record: Queued, error: str) -> None:
        """The service does not take it; a person must look."""
        with self._writing() as db:
            db.execute(
                "UPDATE queue SET state = ?, error = ? WHERE id = ?", (REFUSED, error, record.id)
            )

    def again(self) -> int:
        """Let refused records be sent once more; how many they are."""
        with self._writing() as db:
            return db.execute(
                "UPDATE queue SET state = ?, error = NULL WHERE state = ?", (WAITING, REFUSED)
            ).rowcount

    def spooled(self) -> set[str]:
        """The names of all copies that a record waits for."""
        rows = self._rows("SELECT files FROM queue WHERE files <> '[]'")
        return {name for row in rows for name, _, _ in json.loads(row[0])}

    # What people ask.

    def set_fact(self, name: str, value: Json) -> None:
        """Remember one thing."""
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def fact(self, name: str) -> Any:
        """What was remembered; None if nothing was."""
        rows = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def told(self, faults: int) -> dict[str, Any]:
        """How things stand, with the newest faults."""
        sent, last = self._rows("SELECT count(*), max(sent_at) FROM receipts")[0]
        oldest = self._rows("SELECT min(queued_at) FROM queue WHERE state <> ?", REFUSED)[0][0]
        return {
            "waiting": self.count(WAITING),
            "no_matter": self.count(NO_MATTER),
            "refused": self.count(REFUSED),
            "oldest_waits_since": oldest,
            "sent": sent,
            "last_sent_at": last,
            "accounts_without_matter": self.accounts()[:faults],
            "refusals": [
                row[0]
                for row in self._rows(
                    "SELECT error FROM queue WHERE state = ? ORDER BY id DESC LIMIT ?",
                    REFUSED,
                    faults,
                )
            ],
            "faults": [
                {"at": at, "file": path, "byte": place, "code": code, "text": text}
                for at, path, place, code, text in self._rows(
                    "SELECT at, path, place, code, text FROM faults ORDER BY id DESC LIMIT ?",
                    faults,
                )
            ],
            "fault_count": self._rows("SELECT count(*) FROM faults")[0][0],
        }

    def receipts(self) -> Iterator[tuple[str, str]]:
        """Key and receipt of everything that was acknowledged."""
        yield from self._db.execute("SELECT key, receipt FROM receipts ORDER BY sent_at, key")


def content_digest(record: Queued) -> bytes:
    """What makes two records say the same: all but when and how the agent saw them."""
    from hashlib import sha256

    fields = record.claims.get("fields")
    assert isinstance(fields, dict)
    said: dict[str, Json] = {
        **record.claims,
        "fields": {name: value for name, value in fields.items() if name != "sender"},
        # The same row in another file is the same row.
        "import": None,
    }
    return sha256(jsonc.encode([record.kind, record.matter, record.account, said])).digest()


def _place(record: Queued) -> int:
    imported = record.claims.get("import")
    start = imported.get("start") if isinstance(imported, dict) else None
    return start if isinstance(start, int) else 0


def _queued(row: Sequence[Any]) -> Queued:
    number, key, matter, account, kind, claims, files = row
    listed = tuple([Spooled(*one) for one in json.loads(files)])
    return Queued(key, matter, account, kind, json.loads(claims), listed, number)
