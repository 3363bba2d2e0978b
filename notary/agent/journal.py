"""Owns the agent's own durable memory: how far each file was read, what waits, what was seen before.

One SQLite file. What was read of a file and the records that came of it change in one transaction. A record
that was acknowledged leaves its row when its receipt is on disk (`receipts`); of it stay two digests, so that
it is never queued again. So the file grows by 0.1 KB a record for ever, and by more only while records wait.
Tests: tests/unit/agent/test_journal.py, tests/unit/agent/test_scan.py, tests/scenarios/agent/test_watch.py.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from notary.agent.receipts import ReceiptFiles
from notary.errors import CallerError, NothingHappened
from verifier.format import jsonc
from verifier.format.jsonc import Json

NAME = "journal.db"
VERSION = 2
OLD = 1  # kept receipts and whole keys in its rows
KEY_LENGTH = 16  # bytes of a key's digest: none meets another by chance
KEPT_FAULTS = 1_000  # the newest; a table with a fault in each row must not fill the disk
WAL_BYTES = 16 * 2**20  # what a large transaction left beside the journal is cut to this
FREED_PAGES = 1_000  # given back to the disk at a time, 4 MB, while nothing else waits for long
BUSY_S = 10.0  # `--status` reads beside the agent

WAITING, NO_MATTER, REFUSED = "waiting", "no matter", "refused"

_SCHEMA = """
CREATE TABLE files (
    path TEXT PRIMARY KEY, dev INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, at INTEGER NOT NULL, row INTEGER NOT NULL, header BLOB NOT NULL,
    sha256 BLOB NOT NULL, error TEXT
) STRICT;
CREATE TABLE known (key BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, matter TEXT, account TEXT, kind TEXT NOT NULL,
    claims TEXT NOT NULL, files TEXT NOT NULL, state TEXT NOT NULL, error TEXT, queued_at TEXT NOT NULL
) STRICT;
CREATE INDEX queue_state ON queue (state, id);
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
        self._receipts = None if folder is None else ReceiptFiles(folder)
        try:
            self._db = sqlite3.connect(
                ":memory:" if self._path is None else self._path,
                isolation_level=None,
                timeout=BUSY_S,
                check_same_thread=False,
            )
        except sqlite3.Error as error:
            raise self._fault(error) from error
        try:
            self._open(like)
        except BaseException as error:
            self._db.close()
            if isinstance(error, sqlite3.Error):
                raise self._fault(error) from error
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _open(self, like: Path | None) -> None:
        if self._path is not None:
            self._path.chmod(0o600)
        if like is not None and (like / NAME).exists():
            with closing(sqlite3.connect(f"file:{like / NAME}?mode=ro", uri=True)) as other:
                other.backup(self._db)
        # Records are personal, and the disk must have them before a file's place moves on.
        for pragma in (
            "auto_vacuum=INCREMENTAL",
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            f"journal_size_limit={WAL_BYTES}",
        ):
            self._db.execute(f"PRAGMA {pragma}")
        [version] = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
        elif version == OLD:
            self._bring_up()
        elif version != VERSION:
            raise CallerError(
                "JOURNAL_VERSION", f"{self._path} is of version {version}, want {VERSION}."
            )

    def _bring_up(self) -> None:
        """From the older version: receipts to files, keys to digests. A crash leaves one or the other."""
        rows = self._db.execute("SELECT key, record_id, receipt, sent_at FROM receipts").fetchall()
        if self._receipts is not None:
            self._receipts.add(rows)
        self._db.create_function("key_of", 1, _digest, deterministic=True)
        last = max((row[3] for row in rows), default=None)
        [faults] = self._db.execute("SELECT count(*) FROM faults").fetchone()
        with self._writing() as db:
            db.execute("ALTER TABLE known RENAME TO old")
            db.execute(
                "CREATE TABLE known (key BLOB PRIMARY KEY, content BLOB NOT NULL) STRICT, WITHOUT ROWID"
            )
            db.execute("INSERT INTO known SELECT key_of(key), content FROM old")
            db.execute("DROP TABLE old")
            db.execute("DROP TABLE receipts")
            for name, value in (("sent", len(rows)), ("last_sent_at", last), ("faults", faults)):
                _set(db, name, value)
            db.execute(f"PRAGMA user_version={VERSION}")
        # Only now can it give pages back.
        self._db.execute("VACUUM")

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

    def paths(self) -> list[str]:
        """The names of all files that were looked into."""
        return [row[0] for row in self._rows("SELECT path FROM files")]

    def take(self, taken: Taken, now: str) -> list[Queued]:
        """Keep what a look at a file gave, all of it or nothing; the records that are new.

        A record that is known with other content becomes a fault.
        """
        fresh: list[Queued] = []
        with self._writing() as db:
            faults = list(taken.faults)
            for record in taken.records:
                key, content = _digest(record.key), content_digest(record)
                row = db.execute("SELECT content FROM known WHERE key = ?", (key,)).fetchone()
                if row is None:
                    db.execute("INSERT INTO known VALUES (?, ?)", (key, content))
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
            if faults:
                _set(db, "faults", (_get(db, "faults") or 0) + len(faults))
                db.execute(
                    "DELETE FROM faults WHERE id <= (SELECT max(id) FROM faults) - ?",
                    (KEPT_FAULTS,),
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

    def forget(self, paths: Iterable[str]) -> None:
        """Files that are gone: where they were read to is of no use. What came of them stays known."""
        with self._writing() as db:
            db.executemany("DELETE FROM files WHERE path = ?", [(path,) for path in paths])

    def shrink(self) -> None:
        """Give back to the disk, a little at a time, what a queue that was sent took."""
        try:
            # As a script: as a statement it would be left after its first page.
            self._db.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")
        except sqlite3.Error as error:
            raise self._fault(error) from error

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
        """Keep record id and receipt of each, and let it wait no more. Raises as `ReceiptFiles.add`."""
        kept = list(done)
        if self._receipts is not None:
            # First: a crash between sends them again, and the service gives the same receipts.
            self._receipts.add(
                (record.key, record_id, receipt.decode("utf-8"), now)
                for record, record_id, receipt in kept
            )
        with self._writing() as db:
            sent = 0
            for record, _, _ in kept:
                sent += db.execute("DELETE FROM queue WHERE id = ?", (record.id,)).rowcount
            _set(db, "sent", (_get(db, "sent") or 0) + sent)
            _set(db, "last_sent_at", now)

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
            _set(db, name, value)

    def fact(self, name: str) -> Any:
        """What was remembered; None if nothing was."""
        rows = self._rows("SELECT value FROM facts WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def told(self, faults: int) -> dict[str, Any]:
        """How things stand, with the newest faults."""
        oldest = self._rows("SELECT min(queued_at) FROM queue WHERE state <> ?", REFUSED)[0][0]
        return {
            "waiting": self.count(WAITING),
            "no_matter": self.count(NO_MATTER),
            "refused": self.count(REFUSED),
            "oldest_waits_since": oldest,
            "sent": self.fact("sent") or 0,
            "last_sent_at": self.fact("last_sent_at"),
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
            "fault_count": self.fact("faults") or 0,
            "file_count": self._rows("SELECT count(*) FROM files")[0][0],
            # Those that need a hand first, then those that are not read to their end.
            "files": [
                {"file": path, "size": size, "read": at, "error": error}
                for path, size, at, error in self._rows(
                    "SELECT path, size, at, error FROM files"
                    " ORDER BY error IS NULL, at >= size, path LIMIT ?",
                    faults,
                )
            ],
        }


def content_digest(record: Queued) -> bytes:
    """What makes two records say the same: all but when and how the agent saw them."""
    fields = record.claims.get("fields")
    assert isinstance(fields, dict)
    said: dict[str, Json] = {
        **record.claims,
        "fields": {name: value for name, value in fields.items() if name != "sender"},
        # The same row in another file is the same row.
        "import": None,
    }
    return sha256(jsonc.encode([record.kind, record.matter, record.account, said])).digest()


def _digest(key: str) -> bytes:
    return sha256(key.encode("utf-8")).digest()[:KEY_LENGTH]


def _set(db: sqlite3.Connection, name: str, value: Json) -> None:
    db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))


def _get(db: sqlite3.Connection, name: str) -> Any:
    row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else json.loads(row[0])


def _place(record: Queued) -> int:
    imported = record.claims.get("import")
    start = imported.get("start") if isinstance(imported, dict) else None
    return start if isinstance(start, int) else 0


def _queued(row: Sequence[Any]) -> Queued:
    number, key, matter, account, kind, claims, files = row
    listed = tuple([Spooled(*one) for one in json.loads(files)])
    return Queued(key, matter, account, kind, json.loads(claims), listed, number)
