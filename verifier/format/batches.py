"""Owns batch headers and delta files (docs/spec/format.md §10).

Proved by tests/unit/format/test_batches.py and tests/property/format/test_parsers.py.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import DIGEST_LENGTH, Digest, shown
from verifier.format.errors import FormatError
from verifier.format.heads import check_log_name, parse_decimal
from verifier.format.members import Members
from verifier.format.times import format_time, parse_time

FORMAT = "notary-batch/1"
DELTA_FORMAT = "notary-delta/1"


class NotBefore(NamedTuple):
    """A recent block: the batch was sealed after it. `hash` has 32 bytes."""

    chain_id: int
    number: int
    hash: Digest


class BatchHeader(NamedTuple):
    """A batch header. `batch` is its index in the batch log.

    `keys` and `next_keys` name key sets (key_sets.digest): the one in force and the one that may
    follow it.
    """

    log: str
    batch: int
    sealed_at: datetime
    map_root: Digest
    delta: Digest
    max_deadline_s: int
    keys: Digest
    next_keys: Digest
    successor: str | None = None
    not_before: NotBefore | None = None


def parse_header(data: bytes) -> BatchHeader:
    """Read a batch header. Raises FormatError JSON_…, MEMBER_…, LOG_NAME or TIME_FORM."""
    members = Members(jsonc.decode(data, "batch header"), "batch header")
    members.literal("format", FORMAT)
    log = check_log_name(members.text("log"))
    batch = members.integer("batch")
    sealed_at = parse_time(members.text("sealed_at"))
    map_root = members.hex32("map_root")
    delta = members.hex32("delta")
    max_deadline_s = members.integer("max_deadline_s")
    keys = members.hex32("keys")
    next_keys = members.hex32("next_keys")
    successor = None if members.null("successor") else check_log_name(members.text("successor"))
    not_before = None
    if not members.null("not_before"):
        block = members.object("not_before")
        not_before = NotBefore(
            block.integer("chain_id"), block.integer("number"), Digest(block.zerox("hash", 32))
        )
        block.done()
    members.done()
    return BatchHeader(
        log,
        batch,
        sealed_at,
        map_root,
        delta,
        max_deadline_s,
        keys,
        next_keys,
        successor,
        not_before,
    )


def encode_header(header: BatchHeader) -> bytes:
    """Write a batch header. Raises FormatError as `parse_header` does."""
    check_log_name(header.log)
    if header.successor is not None:
        check_log_name(header.successor)
    not_before: jsonc.Json = None
    if header.not_before is not None:
        not_before = {
            "chain_id": header.not_before.chain_id,
            "number": header.not_before.number,
            "hash": "0x" + header.not_before.hash.hex(),
        }
    return jsonc.encode(
        {
            "format": FORMAT,
            "log": header.log,
            "batch": header.batch,
            "sealed_at": format_time(header.sealed_at),
            "map_root": header.map_root.hex(),
            "delta": header.delta.hex(),
            "max_deadline_s": header.max_deadline_s,
            "keys": header.keys.hex(),
            "next_keys": header.next_keys.hex(),
            "successor": header.successor,
            "not_before": not_before,
        }
    )


class Change(NamedTuple):
    """What a batch did to one key: its old value, None where it had none, and its new one."""

    key: Digest
    old: Digest | None
    new: Digest


class Delta(NamedTuple):
    """A delta file. Its changes ascend by key."""

    log: str
    batch: int
    changes: tuple[Change, ...]


class OpenDelta(NamedTuple):
    """A delta file while it is read. `changes` raises FormatError at the line that is none."""

    log: str
    batch: int
    changes: Iterator[Change]


def delta_lines(log: str, batch: int, changes: Iterable[Change]) -> Iterator[bytes]:
    """Write a delta file line by line, each with its LF, so that it can be hashed on the way.

    Raises FormatError LOG_NAME, DELTA_BATCH, DELTA_ORDER or DELTA_UNCHANGED.
    """
    check_log_name(log)
    if not 0 <= batch <= jsonc.MAX_INTEGER:
        raise FormatError("DELTA_BATCH", f"a batch is from 0 to 2^53 − 1, got {batch}")
    yield f"{DELTA_FORMAT}\n{log}\n{batch}\n".encode("ascii")
    previous = b""
    for key, old, new in changes:
        _check_change(previous, key, old, new)
        previous = key
        # format.md §10: hex key, space, hex old value or -, space, hex new value, LF
        old_text = "-" if old is None else old.hex()
        yield f"{key.hex()} {old_text} {new.hex()}\n".encode("ascii")


def _check_change(previous: bytes, key: bytes, old: bytes | None, new: bytes) -> None:
    if not previous < key:
        raise FormatError("DELTA_ORDER", f"key {key.hex()} stands twice or too late")
    if old == new:
        raise FormatError("DELTA_UNCHANGED", f"old and new value of key {key.hex()} are one")


def encode_delta(log: str, batch: int, changes: Iterable[Change]) -> bytes:
    """Write a delta file. Raises FormatError as `delta_lines` does."""
    return b"".join(delta_lines(log, batch, changes))


def parse_delta(data: bytes) -> Delta:
    """Read a delta file. Raises FormatError as `open_delta` does."""
    log, batch, changes = open_delta(data)
    return Delta(log, batch, tuple(changes))


def open_delta(data: bytes) -> OpenDelta:
    """Read the beginning of a delta file, and each change as it is asked for.

    So a fault has a line: that of the first change that did not come. Raises FormatError
    DELTA_FORM, LOG_NAME or DECIMAL_FORM; the changes DELTA_FORM, DELTA_ORDER, DELTA_UNCHANGED or
    HEX_FORM.
    """
    try:
        lines = data.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("DELTA_FORM", f"byte {error.start} is not ASCII") from error
    if len(lines) < 4 or lines.pop() or lines[0] != DELTA_FORMAT:
        raise FormatError("DELTA_FORM", f"want {DELTA_FORMAT}, log, batch, changes, LF each")
    log = check_log_name(lines[1])
    batch = parse_decimal(lines[2], "batch of the delta file")
    return OpenDelta(log, batch, _changes(lines[3:]))


def _changes(lines: Iterable[str]) -> Iterator[Change]:
    previous = b""
    for line in lines:
        parts = line.split(" ")
        if len(parts) != 3:
            raise FormatError("DELTA_FORM", f"want key, old and new value, got {shown(line)}")
        # A key is never taken out again, so only the old value may be missing.
        key, old, new = _value(parts[0]), _optional(parts[1]), _value(parts[2])
        _check_change(previous, key, old, new)
        previous = key
        yield Change(key, old, new)


def _optional(text: str) -> Digest | None:
    return None if text == "-" else _value(text)


def _value(text: str) -> Digest:
    # fromhex takes white space and upper case as well; written again, they differ.
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != DIGEST_LENGTH or raw.hex() != text:
        raise FormatError("HEX_FORM", f"want 64 characters of lower-case hex, got {shown(text)}")
    return Digest(raw)
