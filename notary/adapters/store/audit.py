"""Whether the database or a copy of it holds together: every tree up to the batch log's root.

Reads the rows as they stand and judges them by the verifier's own rules, without any key: content
stays closed. Test: tests/scenarios/service/test_backup.py.
"""

from __future__ import annotations

import sqlite3

from notary.adapters.store.snapshot import Rows
from notary.core.log_identity import LogIdentity
from notary.errors import Contradiction
from notary.ports import Progress
from verifier.format import batches, notes, public, source_log, trees
from verifier.format.digests import sha256
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier
from verifier.format.replay import Replay, ReplayFault


def check_rows(connection: Rows, identity: LogIdentity, progress: Progress) -> None:
    """Raise Contradiction STORE_DAMAGED naming the first thing that does not hold."""
    try:
        if isinstance(connection, sqlite3.Connection):
            _check_file(connection)
        _check_log(connection, identity)
        _check_tokens(connection)
        _check_matters(connection, progress)
        _check_sources(connection)
    except (FormatError, TypeError, ValueError) as error:
        # SQLite keeps text where bytes were declared; then a rule gets what it was not made for.
        raise _damaged(f"a stored value has not its form: {error}") from error


def _check_file(connection: sqlite3.Connection) -> None:
    """What SQLite checks only when asked. PostgreSQL never lets a row name one that is gone."""
    (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if said != "ok":
        raise _damaged(f"SQLite finds {said}")
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise _damaged(f"row {broken[1]} of {broken[0]} names a row of {broken[2]} that is gone")


def _check_log(connection: Rows, identity: LogIdentity) -> None:
    """The batch log from its first batch on: headers, deltas, maps, key sets, signatures."""
    replay = Replay(identity.log, lambda file: _file(connection, file))
    (count, signed) = connection.execute(
        "SELECT count(*), count(CASE WHEN checkpoint != '' THEN 1 END) FROM batches"
    ).fetchone()
    if count - signed not in (0, 1):
        raise _damaged(
            f"{count - signed} batches have no checkpoint; only the newest may have none"
        )
    frontier = Frontier()
    sealed: dict[int, set[bytes]] = {}
    for batch, key in connection.execute(
        "SELECT batch, key FROM heads JOIN matters ON matters.id = matter_id"
    ):
        sealed.setdefault(batch, set()).add(key)
    roots = [bytes(trees.EMPTY_ROOT)]
    for row in connection.execute(
        "SELECT id, header, leaf_hash, map_root, frontier, checkpoint, content FROM batches"
        " LEFT JOIN delta_files ON batch = id ORDER BY id"
    ):
        index, header, leaf_hash, map_root, stored, checkpoint, delta = row
        frontier.append(trees.leaf_hash(header))
        roots.append(bytes(frontier.root()))
        if (leaf_hash, stored) != (trees.leaf_hash(header), frontier.to_bytes()):
            raise _damaged(f"batch {index}: leaf hash or frontier is not that of its header")
        if checkpoint:
            try:
                replay.take_batch()
            except ReplayFault as fault:
                raise _damaged(f"batch {index}: {fault}") from fault
            if map_root != replay.map_root:
                raise _damaged(f"batch {index}: the stored map root is not that of the changes")
        changed = {bytes(one.key) for one in batches.parse_delta(delta or b"").changes}
        if changed != sealed.get(index, set()):
            raise _damaged(f"batch {index}: its heads are not of the matters that it changed")
    for number, size, root in connection.execute(
        "SELECT number, size, root FROM intents WHERE number IS NOT NULL ORDER BY number"
    ):
        if not 0 < size < len(roots) or roots[size] != root:
            raise _damaged(f"anchor {number} is of {size} batches with a root that the log has not")


def _check_tokens(connection: Rows) -> None:
    """Every time-stamp token: signed, and over its checkpoint or the token before it."""
    kept = connection.execute(
        "SELECT this.size, this.chain, this.number, this.token, checkpoint, before.token"
        " FROM timestamp_tokens this LEFT JOIN batches ON batches.id = this.size - 1"
        " LEFT JOIN timestamp_tokens before ON before.size = this.size"
        " AND before.chain = this.chain AND before.number = this.number - 1"
        " WHERE this.token IS NOT NULL ORDER BY this.id"
    )
    for size, chain, number, raw, checkpoint, before in kept:
        # Imported here: reading certificates takes long to load, and most stores have no tokens.
        from verifier.format import timestamp_authority, timestamp_token

        over = before if number else notes.time_stamped_bytes(notes.parse_note(checkpoint))
        token = timestamp_authority.check_signature(timestamp_token.parse(raw))
        if token.imprint != sha256(over):
            raise _damaged(f"token {number} of {chain} over size {size} is of something else")


def _file(connection: Rows, file: str) -> bytes | None:
    """A file of the public folder (docs/spec/format.md §13) out of the rows."""
    folder, _, rest = file.partition("/")
    if folder == "keys":
        digest = bytes.fromhex(rest.removesuffix(".txt"))
        row = connection.execute(
            "SELECT content FROM key_sets WHERE digest = ?", (digest,)
        ).fetchone()
    else:
        number, _, name = rest.partition("/")
        statement_of = {
            public.HEADER: "SELECT header FROM batches WHERE id = ?",
            public.CHECKPOINT: "SELECT checkpoint FROM batches WHERE id = ?",
            public.DELTA: "SELECT content FROM delta_files WHERE batch = ?",
        }
        row = connection.execute(statement_of[name], (int(number),)).fetchone()
    if row is None:
        return None
    return row[0].encode("utf-8") if isinstance(row[0], str) else bytes(row[0])


def _check_matters(connection: Rows, progress: Progress) -> None:
    """Every matter log: leaves in order, the head after each record, and each sealed head."""
    (total,) = connection.execute("SELECT count(*) FROM records").fetchone()
    done = 0
    for matter_id, agency_id, number, size, edge in connection.execute(
        "SELECT id, agency_id, number, size, frontier FROM matters"
        " WHERE id NOT IN (SELECT matter_id FROM sources) ORDER BY id"
    ):
        heads = _heads_of(connection, agency_id, matter_id)
        frontier = Frontier()
        for position, leaf, leaf_hash, head_root in connection.execute(
            "SELECT position, leaf, leaf_hash, head_root FROM records"
            " WHERE agency_id = ? AND matter_id = ? ORDER BY position",
            (agency_id, matter_id),
        ):
            if position != frontier.size:
                raise _damaged(f"matter {number}: position {frontier.size} is missing")
            if trees.leaf_hash(leaf) != leaf_hash:
                raise _damaged(f"matter {number}: position {position} has another leaf hash")
            frontier.append(leaf_hash)
            root = frontier.root()
            sealed = heads.pop(frontier.size, root)
            if (head_root, sealed) != (root, root):
                raise _damaged(f"matter {number}: the head at {frontier.size} records is another")
            done += 1
        if heads or (size, edge) != (frontier.size, frontier.to_bytes()):
            raise _damaged(
                f"matter {number}: it has {frontier.size} records, its heads say otherwise"
            )
        progress(done, total)


def _heads_of(connection: Rows, agency_id: int, matter_id: int) -> dict[int, bytes]:
    """Every head of a log that a batch holds or the next one will: root by size."""
    return dict(
        connection.execute(
            "SELECT size, root FROM heads WHERE agency_id = ? AND matter_id = ?"
            " UNION SELECT size, root FROM pending_heads WHERE agency_id = ? AND matter_id = ?",
            (agency_id, matter_id, agency_id, matter_id),
        )
    )


def _check_sources(connection: Rows) -> None:
    """Every source log: entries in order, and each sealed head."""
    for matter_id, agency_id, number, size, edge in connection.execute(
        "SELECT id, matters.agency_id, number, size, frontier FROM matters"
        " JOIN sources ON sources.matter_id = id ORDER BY id"
    ):
        heads = _heads_of(connection, agency_id, matter_id)
        frontier = Frontier()
        for position, entry in connection.execute(
            "SELECT position, entry FROM source_entries WHERE matter_id = ? ORDER BY position",
            (matter_id,),
        ):
            if position != frontier.size:
                raise _damaged(f"source {number}: entry {frontier.size} is missing")
            source_log.parse(entry)
            frontier.append(trees.leaf_hash(entry))
            if frontier.size in heads and heads.pop(frontier.size) != frontier.root():
                raise _damaged(f"source {number}: the head at {frontier.size} entries is another")
        if heads or (size, edge) != (frontier.size, frontier.to_bytes()):
            raise _damaged(
                f"source {number}: it has {frontier.size} entries, its heads say otherwise"
            )


def _damaged(what: str) -> Contradiction:
    return Contradiction("STORE_DAMAGED", f"{what}. Use another backup; this one can't be trusted.")
