"""What importing keeps: implements notary.usecases.import_store.ImportStore.

A layout is a list of pieces that join to the original: the `raw` of a record, the `raw` of a
waiting row, or content kept here. Kept content that repeats a record carries the record's
idempotency digest, so that who erases the record finds it. Test:
tests/scenarios/ingest/test_promises.py.
"""

from __future__ import annotations

import hmac
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from notary.adapters.store import records as rows
from notary.adapters.store.bulk import insert_rows, parts
from notary.adapters.store.database import Database, driver_cursor, driver_row, table_of
from notary.adapters.store.import_tables import (
    ImportKeptRow,
    ImportLayoutRow,
    ImportMarkRow,
    ImportPiecesRow,
    UnassignedRow,
)
from notary.adapters.store.log import settle_kek
from notary.adapters.store.matters import LOOKUP_ACCOUNT
from notary.adapters.store.tables import AccountRow, MatterRow
from notary.core import envelope, opening
from notary.core.keyring import Keyring
from notary.core.preparing import LOOKUP_IDEMPOTENCY
from notary.core.waiting import Waiting, open_waiting
from notary.errors import CallerError, Contradiction
from notary.ports import Entropy
from notary.usecases.import_store import (
    Entered,
    InRecord,
    InWaiting,
    Kept,
    Mark,
    Piece,
    StoredClaims,
)
from notary.usecases.record_store import StoredRecord
from verifier.format import jsonc
from verifier.format.digests import b64url_decode
from verifier.format.jsonc import Json

ACCOUNTS = table_of(AccountRow)
MATTERS = table_of(MatterRow)
LAYOUTS = table_of(ImportLayoutRow)
PIECES = table_of(ImportPiecesRow)
KEPT = table_of(ImportKeptRow)
UNASSIGNED = table_of(UnassignedRow)
MARKS = table_of(ImportMarkRow)

_KEPT_COLUMNS = tuple(KEPT.c.keys())

LOOKUP_FILE = "import-file"
# What a wrapped secret of this module is for (envelope.wrap_context).
KEPT_STRETCH = b"import-kept"

# A piece: kind, length in the original, number of the record or row.
_PIECE = struct.Struct(">BQQ")
_IN_RECORD, _IN_WAITING, _IN_KEPT = 1, 2, 3
_FAST = (
    1  # zlib's level: the columns of a layout repeat, and most of them shrink to a fifth at once
)


class StoredImports:
    """Implements the port `ImportStore`."""

    def __init__(self, database: Database, keys: Keyring, entropy: Entropy) -> None:
        self._database = database
        self._keys = keys
        self._entropy = entropy

    def identity_key(self, agency_id: int) -> bytes:
        """The secret under which rows are told apart; it follows from the log's lookup secret."""
        message = b"notary/import-key/v1\n" + agency_id.to_bytes(8, "big")
        return hmac.digest(self._keys.lookup_secret, message, "sha256")

    def matters_of(self, agency_id: int, accounts: Sequence[str]) -> Mapping[str, bytes]:
        """The keys of the matters that these accounts lead to; unknown ones are left out."""
        digests = {
            self._keys.lookup(agency_id, LOOKUP_ACCOUNT, account): account for account in accounts
        }
        found = {}
        with self._database.reading() as connection:
            for part in parts(list(digests)):
                for digest, key in connection.execute(
                    select(ACCOUNTS.c.digest, MATTERS.c.key)
                    .join(MATTERS, MATTERS.c.id == ACCOUNTS.c.matter_id)
                    .where(ACCOUNTS.c.agency_id == agency_id, ACCOUNTS.c.digest.in_(part))
                ):
                    found[digests[digest]] = key
        return found

    def begin(self, agency_id: int, file_sha256: bytes, size: int) -> int:
        """Begin to lay out a file anew; what a killed run left of it is taken away."""
        digest = self._file_digest(agency_id, file_sha256)
        with self._database.transaction() as connection:
            self._drop(connection, agency_id, digest, finished=False)
            row = connection.execute(
                insert(LAYOUTS).returning(LAYOUTS.c.id),
                {
                    "agency_id": agency_id,
                    "file_digest": digest,
                    "size": size,
                    "finished": False,
                },
            ).one()
            return int(row[0])

    def write(
        self,
        agency_id: int,
        run_id: int,
        pieces: Sequence[Piece],
        entered: Sequence[Entered],
        marks: Sequence[Mark],
    ) -> None:
        """Append pieces to the layout, and keep what goes with them, in one transaction."""
        with self._database.transaction() as connection:
            settle_kek(connection, self._keys.kek)
            kept = [
                self._seal_kept(agency_id, run_id, piece)
                for piece in pieces
                if isinstance(piece, Kept)
            ]
            self._settle(connection, agency_id, entered)
            if marks:
                driver_cursor(connection).executemany(
                    "INSERT INTO import_marks (agency_id, identity, matter_key, position, leaf_hash)"
                    " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [(agency_id, m.identity, m.matter_key, m.position, m.leaf_hash) for m in marks],
                )
            if pieces:
                self._append(connection, agency_id, run_id, pieces, kept)

    def finish(self, agency_id: int, run_id: int) -> None:
        """The layout is whole: it takes the place of every earlier one of the file."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(LAYOUTS.c.file_digest).where(
                    LAYOUTS.c.agency_id == agency_id, LAYOUTS.c.id == run_id
                )
            ).first()
            if row is None:
                raise Contradiction(
                    "LAYOUT_MISSING",
                    f"layout {run_id} is gone: the same file was taken in twice at once. Run again.",
                )
            self._drop(connection, agency_id, row[0], finished=True)
            connection.execute(update(LAYOUTS).where(LAYOUTS.c.id == run_id).values(finished=True))

    def layout(self, agency_id: int, file_sha256: bytes) -> Iterator[bytes]:
        """The original's bytes, piece by piece. Raises CallerError FILE_UNKNOWN or ERASED."""
        digest = self._file_digest(agency_id, file_sha256)
        with self._database.reading() as connection:
            row = connection.execute(
                select(LAYOUTS.c.id).where(
                    LAYOUTS.c.agency_id == agency_id,
                    LAYOUTS.c.file_digest == digest,
                    LAYOUTS.c.finished,
                )
            ).first()
            if row is None:
                raise CallerError(
                    "FILE_UNKNOWN", f"no file with SHA-256 {file_sha256.hex()} was taken in whole."
                )
            place = -1
            while True:
                packed = connection.execute(
                    select(PIECES.c.place, PIECES.c.packed)
                    .where(PIECES.c.layout_id == row[0], PIECES.c.place > place)
                    .order_by(PIECES.c.place)
                    .limit(1)
                ).first()
                if packed is None:
                    return
                place = packed[0]
                yield from self._contents(connection, agency_id, zlib.decompress(packed[1]))

    def stored(self, agency_id: int, keys: Sequence[str]) -> Mapping[str, StoredClaims]:
        """The records that these idempotency keys stand for."""
        digests = {self._key_digest(agency_id, key): key for key in keys}
        with self._database.reading() as connection:
            known = rows.RecordRows(connection).known_digests(agency_id, list(digests))
            records = rows.RecordRows(connection).records_by_id(agency_id, list(known.values()))
        return {
            digests[record.idempotency_digest]: StoredClaims(
                record.record_id,
                record.matter_key,
                record.position,
                record.leaf_hash,
                self._kind(record),
                self._claims(agency_id, record),
            )
            for record in records.values()
        }

    def waiting(self, agency_id: int, keys: Sequence[str]) -> Mapping[str, Waiting]:
        """The rows that wait under these keys."""
        with self._database.reading() as connection:
            if not self._any_waits(connection, agency_id):
                return {}
            found: dict[str, Waiting] = {}
            for part in parts([self._key_digest(agency_id, key) for key in keys]):
                for row in connection.execute(
                    select(UNASSIGNED).where(
                        UNASSIGNED.c.agency_id == agency_id,
                        UNASSIGNED.c.record_id.is_(None),
                        UNASSIGNED.c.idempotency_digest.in_(part),
                    )
                ):
                    waits = self._open_waiting(agency_id, row)
                    found[waits.key] = waits
        return found

    def all_waiting(self, agency_id: int, after: int, count: int) -> Sequence[tuple[int, Waiting]]:
        """At most `count` waiting rows with numbers above `after`, ascending."""
        with self._database.reading() as connection:
            found = connection.execute(
                select(UNASSIGNED)
                .where(
                    UNASSIGNED.c.agency_id == agency_id,
                    UNASSIGNED.c.record_id.is_(None),
                    UNASSIGNED.c.id > after,
                )
                .order_by(UNASSIGNED.c.id)
                .limit(count)
            ).all()
        return [(row.id, self._open_waiting(agency_id, row)) for row in found]

    def waiting_count(self, agency_id: int) -> int:
        """How many rows wait."""
        with self._database.reading() as connection:
            row = driver_row(
                connection,
                "SELECT count(*) FROM unassigned WHERE agency_id = ? AND record_id IS NULL",
                (agency_id,),
            )
            return int(row[0])

    def marks(self, agency_id: int, identities: Sequence[bytes]) -> Mapping[bytes, Mark]:
        """The marks of these identities."""
        found = {}
        with self._database.reading() as connection:
            for part in parts(identities):
                for row in connection.execute(
                    select(MARKS).where(MARKS.c.agency_id == agency_id, MARKS.c.identity.in_(part))
                ):
                    found[row.identity] = Mark(
                        row.identity, row.matter_key, row.position, row.leaf_hash
                    )
        return found

    # Layouts.

    def _append(
        self,
        connection: Connection,
        agency_id: int,
        run_id: int,
        pieces: Sequence[Piece],
        kept: list[tuple[Any, ...]],
    ) -> None:
        (first_kept,) = driver_row(connection, "SELECT coalesce(max(id), 0) + 1 FROM import_kept")
        if kept:
            insert_rows(
                connection,
                "import_kept",
                _KEPT_COLUMNS,
                [(first_kept + index, *row) for index, row in enumerate(kept)],
            )
        waiting = self._waiting_numbers(connection, agency_id, pieces)
        packed = bytearray()
        next_kept = first_kept
        for piece in pieces:
            if isinstance(piece, InRecord):
                packed += _PIECE.pack(_IN_RECORD, piece.length, piece.record_id)
            elif isinstance(piece, InWaiting):
                packed += _PIECE.pack(_IN_WAITING, piece.length, waiting[piece.key])
            else:
                packed += _PIECE.pack(_IN_KEPT, len(piece.content), next_kept)
                next_kept += 1
        driver_cursor(connection).execute(
            "INSERT INTO import_pieces (layout_id, place, packed) VALUES"
            " (?, (SELECT coalesce(max(place), 0) + 1 FROM import_pieces WHERE layout_id = ?), ?)",
            (run_id, run_id, zlib.compress(bytes(packed), _FAST)),
        )

    def _waiting_numbers(
        self, connection: Connection, agency_id: int, pieces: Sequence[Piece]
    ) -> dict[str, int]:
        keys = {
            self._key_digest(agency_id, piece.key): piece.key
            for piece in pieces
            if isinstance(piece, InWaiting)
        }
        found = {}
        for part in parts(list(keys)):
            for number, digest in connection.execute(
                select(UNASSIGNED.c.id, UNASSIGNED.c.idempotency_digest).where(
                    UNASSIGNED.c.agency_id == agency_id,
                    UNASSIGNED.c.idempotency_digest.in_(part),
                )
            ):
                found[keys[digest]] = number
        return found

    def _drop(
        self, connection: Connection, agency_id: int, digest: bytes, *, finished: bool
    ) -> None:
        """Take away the file's layouts of that state, with what they keep."""
        old = [
            row[0]
            for row in connection.execute(
                select(LAYOUTS.c.id).where(
                    LAYOUTS.c.agency_id == agency_id,
                    LAYOUTS.c.file_digest == digest,
                    LAYOUTS.c.finished == finished,
                )
            )
        ]
        for table, column in (
            (PIECES, PIECES.c.layout_id),
            (KEPT, KEPT.c.layout_id),
            (LAYOUTS, LAYOUTS.c.id),
        ):
            for part in parts(old):
                connection.execute(delete(table).where(column.in_(part)))

    def _contents(self, connection: Connection, agency_id: int, packed: bytes) -> Iterator[bytes]:
        pieces = list(_PIECE.iter_unpack(packed))
        numbers: dict[int, list[int]] = {_IN_RECORD: [], _IN_WAITING: [], _IN_KEPT: []}
        for kind, _, number in pieces:
            numbers[kind].append(number)
        # A waiting row may have become a record since the layout was written.
        moved = self._waiting_rows(connection, agency_id, numbers[_IN_WAITING])
        record_ids = numbers[_IN_RECORD] + [
            row.record_id for row in moved.values() if row.record_id is not None
        ]
        records = rows.RecordRows(connection).records_by_id(agency_id, sorted(set(record_ids)))
        kept = self._kept_rows(connection, agency_id, numbers[_IN_KEPT])
        at = 0
        for kind, length, number in pieces:
            if kind == _IN_KEPT:
                content = self._open_kept(agency_id, kept[number])
            elif kind == _IN_WAITING and moved[number].record_id is None:
                content = _raw(self._open_waiting(agency_id, moved[number]).claims)
            else:
                record_id = number if kind == _IN_RECORD else moved[number].record_id
                content = self._raw_of_record(agency_id, records[record_id])
            if content is None:
                raise CallerError(
                    "ERASED",
                    f"{length} bytes of this file were erased with a record; it can't be rebuilt.",
                )
            if len(content) != length:
                raise Contradiction(
                    "LAYOUT_DIFFERS",
                    f"a piece of a layout has {len(content)} bytes, wanted {length}.",
                )
            at += length
            yield content

    def _raw_of_record(self, agency_id: int, record: StoredRecord) -> bytes | None:
        claims = self._claims(agency_id, record)
        return None if claims is None else _raw(claims)

    # Sealing and opening.

    def _seal_kept(self, agency_id: int, run_id: int, piece: Kept) -> tuple[Any, ...]:
        digest = None if piece.key is None else self._key_digest(agency_id, piece.key)
        secret, wrapped = self._new_secret(agency_id, KEPT_STRETCH, digest or b"")
        sealed = envelope.seal(secret, envelope.VALUES, piece.content)
        return agency_id, run_id, digest, wrapped, sealed

    def _open_kept(self, agency_id: int, row: Any) -> bytes | None:
        if row.wrapped_secret is None or row.sealed_content is None:
            return None
        context = envelope.wrap_context(KEPT_STRETCH, agency_id, row.idempotency_digest or b"")
        secret = envelope.unwrap(self._keys.kek, row.wrapped_secret, context)
        return envelope.unseal(secret, envelope.VALUES, row.sealed_content)

    def _open_waiting(self, agency_id: int, row: Any) -> Waiting:
        return open_waiting(
            self._keys.kek, agency_id, row.idempotency_digest, row.wrapped_secret, row.sealed_row
        )

    def _new_secret(self, agency_id: int, use: bytes, identity: bytes) -> tuple[bytes, bytes]:
        secret = self._entropy.token(envelope.SECRET_LENGTH)
        nonce = self._entropy.token(envelope.NONCE_LENGTH)
        context = envelope.wrap_context(use, agency_id, identity)
        return secret, envelope.wrap(self._keys.kek, secret, nonce, context)

    def _claims(self, agency_id: int, record: StoredRecord) -> Mapping[str, Json] | None:
        if record.wrapped_secret is None:
            return None
        return opening.open_record(
            self._keys.kek,
            agency_id,
            record.idempotency_digest,
            record.wrapped_secret,
            record.leaf,
            record.sealed_values,
        ).values

    def _kind(self, record: StoredRecord) -> str:
        leaf = jsonc.decode(record.leaf, "a stored leaf")
        assert isinstance(leaf, dict)
        return str(leaf["kind"])

    # Rows.

    def _settle(self, connection: Connection, agency_id: int, entered: Sequence[Entered]) -> None:
        """Rows that entered wait no more; their content goes, the record has it."""
        if not entered or not self._any_waits(connection, agency_id):
            return
        driver_cursor(connection).executemany(
            "UPDATE unassigned SET record_id = ?, wrapped_secret = NULL, sealed_row = NULL"
            " WHERE agency_id = ? AND idempotency_digest = ? AND record_id IS NULL",
            [(one.record_id, agency_id, self._key_digest(agency_id, one.key)) for one in entered],
        )

    def _any_waits(self, connection: Connection, agency_id: int) -> bool:
        row = driver_row(
            connection,
            "SELECT 1 FROM unassigned WHERE agency_id = ? AND record_id IS NULL LIMIT 1",
            (agency_id,),
        )
        return row is not None

    def _waiting_rows(
        self, connection: Connection, agency_id: int, numbers: Sequence[int]
    ) -> dict[int, Any]:
        found = {}
        for part in parts(numbers):
            for row in connection.execute(
                select(UNASSIGNED).where(
                    UNASSIGNED.c.agency_id == agency_id, UNASSIGNED.c.id.in_(part)
                )
            ):
                found[row.id] = row
        return found

    def _kept_rows(
        self, connection: Connection, agency_id: int, numbers: Sequence[int]
    ) -> dict[int, Any]:
        found = {}
        for part in parts(numbers):
            for row in connection.execute(
                select(KEPT).where(KEPT.c.agency_id == agency_id, KEPT.c.id.in_(part))
            ):
                found[row.id] = row
        return found

    def _file_digest(self, agency_id: int, file_sha256: bytes) -> bytes:
        # A file of one short row could be guessed from its bare digest.
        return self._keys.lookup(agency_id, LOOKUP_FILE, file_sha256.hex())

    def _key_digest(self, agency_id: int, key: str) -> bytes:
        # The digest that the record itself has, or will have.
        return self._keys.lookup(agency_id, LOOKUP_IDEMPOTENCY, key)


def _raw(claims: Mapping[str, Json]) -> bytes | None:
    raw = claims.get("raw")
    if not isinstance(raw, dict):
        return None
    text, coded = raw.get("text"), raw.get("bytes")
    if isinstance(text, str):
        return text.encode("utf-8")
    return b64url_decode(coded) if isinstance(coded, str) else None
