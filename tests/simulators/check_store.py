"""Owns what must hold in a store, seen from outside: read past the service, judged by the format's rules.

Rows come straight from the database; leaves, receipts, headers, checkpoints and map proofs are judged by
`verifier.format`, roots are rebuilt by the slow definitions of `tests.reference`. Only what is encrypted
is opened by the service. Every contradiction is said in a sentence, all of them at once. That each can
be said: tests/simulators/test_check_store.py.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import psycopg

from notary.core.log_identity import LogIdentity
from notary.usecases.evidence_store import RecordContent
from tests.reference import naive_map, naive_trees
from tests.simulators.store import StoreWorld
from verifier.format import batches, key_sets, matter_map, notes, receipts, records, trees
from verifier.format.digests import Digest
from verifier.format.evm import parse_header
from verifier.format.frontier import Frontier
from verifier.format.heads import parse_head
from verifier.format.notes import VKey
from verifier.format.receipts import Body


@dataclass
class Findings:
    """Sentences about what does not hold."""

    sentences: list[str] = field(default_factory=list)

    def want(self, holds: bool, sentence: str) -> None:
        """Keep the sentence unless it holds."""
        if not holds:
            self.sentences.append(sentence)

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Whatever the block raises becomes a sentence about this."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  # on damaged content anything may be raised
            self.sentences.append(f"{what}: {str(error) or type(error).__name__}")


@dataclass(frozen=True)
class MatterRow:
    """A matter as its row says."""

    id: int
    agency_id: int
    key: Digest
    size: int
    frontier: bytes


@dataclass(frozen=True)
class _Outside:
    """What a holder of receipts knows: the log, the keys of its receipts; and what the store hands out
    now, by record.
    """

    identity: LogIdentity
    vkeys: tuple[VKey, ...]
    receipts: dict[int, bytes] = field(default_factory=dict)

    def checked(self, raw: bytes) -> Body:
        """What the receipt promises. Raises FormatError or AssertionError if it is none of this log."""
        return _signed_body(raw, self.vkeys, self.identity)


Row = Any  # what either driver gives, read by the names of its columns


class Rows(Protocol):
    """A connection to the store's rows, each of which is read by the names of its columns."""

    def execute(self, statement: str, parameters: Sequence[Any] = ...) -> Any:
        """Run a statement; its rows."""
        ...


@contextmanager
def rows_of(world: StoreWorld) -> Iterator[Rows]:
    """The store's rows, by a connection that is not the service's and can't write."""
    if isinstance(world.database.place, str):
        with psycopg.connect(world.database.place, row_factory=_named) as connection:
            connection.read_only = True
            yield _PostgresRows(connection)
        return
    uri = f"file:{world.database.path}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as rows:
        rows.row_factory = sqlite3.Row
        yield rows


class _Row:
    """A row that is read by the name or the place of a column, as SQLite's."""

    def __init__(self, names: list[str], values: Sequence[Any]) -> None:
        self._names = names
        self._values = values

    def __getitem__(self, key: str | int) -> Any:
        return self._values[key if isinstance(key, int) else self._names.index(key)]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)


def _named(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], _Row]:
    names = [column.name for column in cursor.description or ()]
    return lambda values: _Row(names, values)


class _PostgresRows:
    """psycopg's connection with SQLite's sign for a parameter."""

    def __init__(self, connection: psycopg.Connection[_Row]) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        return self._connection.execute(statement.replace("?", "%s"), parameters)


def contradictions(world: StoreWorld, *, crashed: bool = False) -> list[str]:
    """What does not hold in the store. `crashed`: nothing has yet cleaned up after a crash, so there
    may be objects that no record names, unfinished files, and one batch without its signature.
    """
    found = Findings()
    with rows_of(world) as rows:
        matters = [
            MatterRow(row["id"], row["agency_id"], Digest(row["key"]), row["size"], row["frontier"])
            for row in rows.execute("SELECT * FROM matters ORDER BY id")
        ]
        outside = _Outside(world.identity, tuple(world.receipt_vkeys))
        leaves = {one.id: _check_matter(found, world, rows, one, outside) for one in matters}
        _check_promises(found, world, rows, matters, outside)
        _check_heads(found, rows, matters, leaves)
        _check_batches(found, world, rows, matters, crashed)
        _check_objects(found, world, rows, crashed)
    _check_files(found, world, crashed)
    return found.sentences


def check_world(world: StoreWorld, *, crashed: bool = False) -> None:
    """Raise AssertionError that says everything that does not hold in the store."""
    sentences = contradictions(world, crashed=crashed)
    assert not sentences, "\n".join(sentences)


# Records and receipts.


def _check_matter(
    found: Findings,
    world: StoreWorld,
    rows: Rows,
    matter: MatterRow,
    outside: _Outside,
) -> list[bytes]:
    """The matter's leaf hashes, recomputed, in order of position."""
    stored = rows.execute(
        "SELECT * FROM records WHERE matter_id = ? ORDER BY position", (matter.id,)
    ).fetchall()
    name = f"matter {matter.id}"
    positions = [row["position"] for row in stored]
    found.want(
        positions == list(range(len(stored))), f"{name} has records at the positions {positions}"
    )
    found.want(
        matter.size == len(stored), f"{name} says {matter.size} records, and has {len(stored)}"
    )
    with found.about(f"{name} can't be read"):
        for view in world.reader.of_matter(matter.agency_id, matter.key, 0, matter.size + 1):
            outside.receipts[view.record_id] = view.receipt
    contents = _contents(found, world, matter, [row["position"] for row in stored])
    frontier = Frontier()
    hashes: list[bytes] = []
    for row in stored:
        what = f"record {row['id']} at position {row['position']} of {name}"
        leaf_hash = trees.leaf_hash(row["leaf"])
        hashes.append(leaf_hash)
        frontier.append(leaf_hash)
        found.want(row["leaf_hash"] == leaf_hash, f"{what}: the stored hash is not its leaf's")
        found.want(
            row["head_root"] == frontier.root(), f"{what}: its head is not the log's after it"
        )
        if row["id"] in outside.receipts:
            with found.about(f"{what}: its receipt"):
                body = outside.checked(outside.receipts[row["id"]])
                said = (body.matter, body.position, body.leaf, body.head.root)
                wanted = (matter.key, row["position"], leaf_hash, frontier.root())
                found.want(said == wanted, f"{what}: its receipt promises something else")
        with found.about(what):
            _check_content(found, what, row, matter, contents)
    found.want(
        matter.frontier == frontier.to_bytes(), f"{name}: the stored edge is not its records'"
    )
    return hashes


def _contents(
    found: Findings, world: StoreWorld, matter: MatterRow, positions: Sequence[int]
) -> Mapping[int, RecordContent]:
    """What each record discloses; one by one if one of them can't be opened."""
    try:
        opened = world.reader.contents(matter.agency_id, matter.key, positions)
        return dict(zip(positions, opened, strict=True))
    except Exception:  # noqa: BLE001  # the one at fault is named below
        contents = {}
        for position in positions:
            with found.about(f"position {position} of matter {matter.id} can't be opened"):
                [contents[position]] = world.reader.contents(
                    matter.agency_id, matter.key, [position]
                )
        return contents


def _check_content(
    found: Findings,
    what: str,
    row: Row,
    matter: MatterRow,
    contents: Mapping[int, RecordContent],
) -> None:
    leaf = records.check_digests(records.check_claims(records.parse_leaf(row["leaf"])))
    found.want(
        (leaf.matter, leaf.position) == (matter.key, row["position"]),
        f"{what}: its leaf is of another matter or position",
    )
    content = contents.get(row["position"])
    if content is None or row["wrapped_secret"] is None:
        return
    found.want(list(content.disclosures) == list(leaf.claims), f"{what}: disclosures are missing")
    values: dict[str, Any] = {}
    for name, text in content.disclosures.items():
        disclosure = records.parse_disclosure(text)
        values[name] = disclosure.value
        found.want(
            (disclosure.name, disclosure.digest) == (name, leaf.claims[name]),
            f"{what}: the disclosure of {name} is not the leaf's",
        )
    wanted = [name for name in leaf.claims if name.startswith("attachment-")]
    found.want(
        len(wanted) == len(content.originals),
        f"{what}: {len(wanted)} attachments are claimed, {len(content.originals)} are kept",
    )
    for number, original in enumerate(content.originals):
        claim = values.get(f"attachment-{number}", {})
        with found.about(f"{what}: attachment {number}"), original.open() as stream:
            raw = stream.read()
            found.want(
                (len(raw), sha256(raw).hexdigest()) == (claim.get("size"), claim.get("sha256")),
                f"{what}: attachment {number} is not what was recorded",
            )


# What held once holds for ever, so a store that is checked at each step checks each signature once.


@functools.cache
def _signed_body(raw: bytes, vkeys: tuple[VKey, ...], identity: LogIdentity) -> Body:
    body = receipts.check_receipt(receipts.parse(raw), vkeys).receipt.body
    if (body.log, body.chain_id, body.contract, body.log_address) != (
        *(identity.name, identity.chain_id, identity.contract, identity.log_address),
    ):
        raise AssertionError("it names another log")
    return body


def _check_promises(
    found: Findings,
    world: StoreWorld,
    rows: Rows,
    matters: Sequence[MatterRow],
    outside: _Outside,
) -> None:
    """What was acknowledged is there, as it was acknowledged; and so is what was published."""
    ids = {bytes(one.key): one for one in matters}
    for raw in dict.fromkeys(world.promised):
        with found.about("an acknowledgement"):
            body = outside.checked(raw)
            matter = ids.get(bytes(body.matter))
            what = (
                f"the record that was acknowledged at position {body.position} of "
                f"{f'matter {matter.id}' if matter else 'a matter that is gone'}"
            )
            row = rows.execute(
                "SELECT id, leaf_hash FROM records WHERE matter_id = ? AND position = ?",
                (matter and matter.id, body.position),
            ).fetchone()
            if row is None or matter is None:
                found.want(False, f"{what} is lost")
                continue
            found.want(row["leaf_hash"] == body.leaf, f"{what} is another now")
            found.want(outside.receipts.get(row["id"]) == raw, f"{what} has another receipt now")
    for note in dict.fromkeys(world.published):
        size = notes.parse_checkpoint_text(notes.parse_note(note).text).size
        row = rows.execute("SELECT checkpoint FROM batches WHERE id = ?", (size - 1,)).fetchone()
        found.want(
            row is not None and row["checkpoint"] == note,
            f"the checkpoint that was published for size {size} is not there as it was",
        )


# Batches.


def _check_heads(
    found: Findings,
    rows: Rows,
    matters: Sequence[MatterRow],
    leaves: Mapping[int, Sequence[bytes]],
) -> None:
    """Each record is in exactly one batch, or waits for one."""
    for matter in matters:
        name, hashes = f"matter {matter.id}", leaves[matter.id]
        sealed = 0
        for row in rows.execute(
            "SELECT * FROM heads WHERE matter_id = ? ORDER BY batch", (matter.id,)
        ):
            what = f"{name} in batch {row['batch']}"
            found.want(
                row["size"] > sealed,
                f"{what}: {row['size']} records are sealed when {sealed} were already",
            )
            found.want(
                row["size"] <= len(hashes)
                and row["root"] == naive_trees.mth(hashes[: row["size"]]),
                f"{what}: its head is not that of its first {row['size']} records",
            )
            sealed = max(sealed, row["size"])
        waiting = rows.execute(
            "SELECT sealed_size, size, root FROM pending_heads WHERE matter_id = ?", (matter.id,)
        ).fetchall()
        wanted = (sealed, len(hashes), naive_trees.mth(hashes))
        found.want(
            [tuple(row) for row in waiting] == ([wanted] if len(hashes) > sealed else []),
            f"{name} has {len(hashes) - sealed} records that no batch holds, and "
            f"{[row['size'] - row['sealed_size'] for row in waiting]} wait",
        )


def _check_batches(
    found: Findings,
    world: StoreWorld,
    rows: Rows,
    matters: Sequence[MatterRow],
    crashed: bool,
) -> None:
    stored = rows.execute(
        "SELECT b.*, d.content AS delta FROM batches b LEFT JOIN delta_files d ON d.batch = b.id"
        " ORDER BY b.id"
    ).fetchall()
    indexes = [row["id"] for row in stored]
    found.want(indexes == list(range(len(stored))), f"the batches are {indexes}")
    keys = {one.id: bytes(one.key) for one in matters}
    replayed: dict[bytes, bytes] = {}
    frontier = Frontier()
    hashes: list[bytes] = []
    for row in stored:
        name = f"batch {row['id']}"
        hashes.append(trees.leaf_hash(row["header"]))
        frontier.append(hashes[-1])
        found.want(row["leaf_hash"] == hashes[-1], f"{name}: the stored hash is not its header's")
        found.want(
            row["frontier"] == frontier.to_bytes(), f"{name}: the stored edge is not the log's"
        )
        with found.about(f"{name}: its header"):
            header = batches.parse_header(row["header"])
            found.want(
                (header.batch, header.log) == (row["id"], world.identity.name),
                f"{name}: its header is of batch {header.batch} of {header.log}",
            )
            _check_not_before(found, name, header, row["not_before_header"])
            _check_delta(found, name, header, row, replayed)
            sealed = rows.execute("SELECT matter_id FROM heads WHERE batch = ?", (row["id"],))
            _check_changes(found, name, row, {keys.get(one[0]) for one in sealed})
        unsigned = not row["checkpoint"]
        if unsigned and crashed and row is stored[-1]:
            continue
        with found.about(f"{name}: its checkpoint"):
            _check_checkpoint(found, world, name, row, hashes)
        with found.about(f"{name}: its map"):
            _check_map(found, world, rows, row, matters, row is stored[-1])


def _check_not_before(
    found: Findings, name: str, header: batches.BatchHeader, raw: bytes | None
) -> None:
    kept = None if raw is None else parse_header(raw)
    named = header.not_before
    found.want(
        (kept and (kept.number, kept.hash)) == (named and (named.number, named.hash)),
        f"{name}: the block that its header names is not the one that is kept",
    )


def _check_delta(
    found: Findings,
    name: str,
    header: batches.BatchHeader,
    row: Row,
    replayed: dict[bytes, bytes],
) -> None:
    found.want(
        row["delta"] is not None and sha256(row["delta"]).digest() == header.delta,
        f"{name}: its delta file is not the header's",
    )
    for change in batches.parse_delta(row["delta"] or b"").changes:
        found.want(
            replayed.get(change.key) == change.old,
            f"{name}: its delta file changes a value that was not there",
        )
        if change.new is not None:
            replayed[bytes(change.key)] = bytes(change.new)
    root = naive_map.root(replayed)
    found.want(header.map_root == root, f"{name}: the delta files do not give its map root")
    found.want(row["map_root"] == root, f"{name}: the delta files do not give the stored map root")


def _check_changes(found: Findings, name: str, row: Row, sealed: set[bytes | None]) -> None:
    changed = {bytes(change.key) for change in batches.parse_delta(row["delta"] or b"").changes}
    found.want(
        changed == sealed,
        f"{name} has heads of {len(sealed)} matters, its delta file changes {len(changed)}",
    )


def _check_checkpoint(
    found: Findings, world: StoreWorld, name: str, row: Row, hashes: Sequence[bytes]
) -> None:
    note = notes.parse_note(row["checkpoint"])
    digest = batches.parse_header(row["header"]).keys
    key_set = key_sets.parse(world.batch_log.key_set(digest))
    found.want(key_sets.digest(key_set) == digest, f"{name}: its key set is another")
    key_sets.check_checkpoint(note, key_set)
    checkpoint = notes.parse_checkpoint_text(note.text)
    found.want(
        (checkpoint.size, checkpoint.root) == (row["id"] + 1, naive_trees.mth(hashes)),
        f"{name}: its checkpoint is not of the {row['id'] + 1} batches up to it",
    )


def _check_map(
    found: Findings,
    world: StoreWorld,
    rows: Rows,
    row: Row,
    matters: Sequence[MatterRow],
    newest: bool,
) -> None:
    """The map answers for each matter that the batch changed, and in the newest batch for all."""
    root = batches.parse_header(row["header"]).map_root
    for matter in matters:
        head = rows.execute(
            "SELECT batch, size, root FROM heads WHERE matter_id = ? AND batch <= ?"
            " ORDER BY batch DESC LIMIT 1",
            (matter.id, row["id"]),
        ).fetchone()
        if not newest and (head is None or head["batch"] != row["id"]):
            continue
        proof = world.evidence.map_proof(matter.key, row["id"])
        answer = matter_map.check(proof, matter.key, root)
        said = answer.head and parse_head(answer.head, world.identity.name, matter.key)
        found.want(
            (said and tuple(said)) == (head and (head["size"], head["root"])),
            f"batch {row['id']}: the map has not the head of matter {matter.id}",
        )


# Files.


def _check_objects(found: Findings, world: StoreWorld, rows: Rows, crashed: bool) -> None:
    named = {
        row["name"].hex(): row["record_id"] for row in rows.execute("SELECT * FROM attachments")
    }
    kept = {path.name for path in world.objects.folder.glob("??/*")}
    for name in sorted(named.keys() - kept):
        found.want(False, f"an attachment of record {named[name]} is not in the object folder")
    if not crashed:
        for name in sorted(kept - named.keys()):
            found.want(False, f"the object {name} is of no record")


def _check_files(found: Findings, world: StoreWorld, crashed: bool) -> None:
    files = [path for path in world.data.rglob("*") if path.is_file()]
    if isinstance(world.database.place, Path):
        found.want(world.database.place in files, "the folder has no store")
    needles = [
        needle
        for word in sorted(world.canaries)
        for needle in (word.encode("utf-8"), word.encode("utf-16-le"))
    ]
    for path in files:
        what = path.relative_to(world.folder)
        found.want(crashed or path.suffix != ".part", f"the unfinished file {what} was left")
        content = _read(path)
        found.want(
            not any(needle in content for needle in needles), f"{what} shows what was entered"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        # SQLite removes its log files when the last connection closes.
        return b""
