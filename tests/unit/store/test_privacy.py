"""Nothing personal stands in the store, in no file and no row: neither in plain nor as a bare hash."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from pathlib import Path

import psycopg

from notary.adapters.store.schema import METADATA
from notary.core.intake import IncomingFile
from tests.simulators.store import StoreWorld
from verifier.format.jsonc import Json


def stored_bytes(world: StoreWorld) -> bytes:
    """Every file, and every file's path: database, write-ahead log, objects; in PostgreSQL every row."""
    parts = []
    for path in sorted(world.data.rglob("*")):
        parts.append(str(path.relative_to(world.data)).encode())
        if path.is_file():
            parts.append(path.read_bytes())
    if isinstance(world.database.place, str):
        with psycopg.connect(world.database.place) as connection:
            for table in METADATA.tables:
                copy = f"COPY {table} TO STDOUT (FORMAT BINARY)"
                with connection.cursor().copy(copy) as rows:
                    parts += [bytes(row) for row in rows]
    return b"\n".join(parts)


def traces(text: str) -> list[bytes]:
    """The forms in which a text would be found again by who knows or guesses it."""
    raw = text.encode()
    digests = [hashlib.new(name, raw).digest() for name in ("sha256", "sha512", "sha1", "md5")]
    forms = [raw, text.encode("utf-16-le"), raw.hex().encode(), *digests]
    forms += [digest.hex().encode() for digest in digests]
    # Base64 in each of its three alignments, without the characters that the neighbours decide.
    forms += [b64encode(b" " * lead + raw)[4:-4] for lead in range(3)]
    return forms


def test_no_canary_is_in_the_data_folder(world: StoreWorld, tmp_path: Path) -> None:
    canaries = {
        "title": "canary-title-Ana-Novak",
        "account": "canary-account-0099123",
        "later account": "canary-account-0099124",
        "key": "canary-idempotency-key-77",
        "text": "canary-text-owes-money",
        "callee": "+442079460999-canary",
        "filename": "canary-filename-Novak.pdf",
        "content": "canary-content-recording",
    }
    original = tmp_path / "upload"
    original.write_bytes(canaries["content"].encode() * 100)
    matter = world.open_matter(canaries["title"], canaries["account"])
    world.register.add_accounts(world.agency_id, matter.key, [canaries["later account"]])
    claims: dict[str, Json] = {
        "text": canaries["text"],
        "account": canaries["account"],
        "recipients": [canaries["callee"]],
    }
    file = IncomingFile(original, canaries["filename"], "application/pdf")
    first = world.take(matter, canaries["key"], file, **claims)
    again = world.take(matter, canaries["key"], file, **claims)
    assert again.receipt == first.receipt
    world.sealer.seal(world.clock.now(), None)
    before_checkpoint = stored_bytes(world)
    if world.database.forget_deleted():
        assert (world.data / "notary.db-wal").stat().st_size == 0
    for stored in (before_checkpoint, stored_bytes(world)):
        # What is meant to be there is found, so the search works.
        assert matter.number.encode() in stored
        assert first.leaf in stored
        for what, canary in canaries.items():
            for trace in traces(canary):
                assert trace not in stored, what
    content = original.read_bytes()
    for name in ("sha256", "sha512"):
        assert hashlib.new(name, content).digest() not in before_checkpoint
        assert hashlib.new(name, content).hexdigest().encode() not in before_checkpoint


def test_the_search_finds_what_is_there(world: StoreWorld) -> None:
    world.agencies.add("canary-agency-name")
    assert any(trace in stored_bytes(world) for trace in traces("canary-agency-name"))


def test_what_two_agencies_share_looks_different(world: StoreWorld) -> None:
    other = world.agencies.add("Other")
    digests = {world.keys.lookup(one, "account", "ACC-1") for one in (world.agency_id, other)}
    assert len(digests) == 2
