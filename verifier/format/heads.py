"""Owns log names, origins and the three lines of a head (docs/spec/format.md §3, §8).

Proved by tests/unit/format/test_heads.py.
"""

import re
from typing import NamedTuple

from verifier.format.digests import Digest, b64_decode, b64_encode, shown
from verifier.format.errors import FormatError
from verifier.format.jsonc import MAX_INTEGER

_LOG_NAME = re.compile(r"[a-z0-9.-]+(?:/[A-Za-z0-9._-]+)*")
MIN_LOG_NAME = 3  # characters
MAX_LOG_NAME = 100  # characters: it stands in every head, header and note

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")


class Head(NamedTuple):
    """Size and root of a matter log: the two are one thing."""

    size: int
    root: Digest


def check_log_name(log: str) -> str:
    """Return the name if it is one. Raises FormatError LOG_NAME."""
    if not MIN_LOG_NAME <= len(log) <= MAX_LOG_NAME or not _LOG_NAME.fullmatch(log):
        raise FormatError(
            "LOG_NAME", f"want 3 to 100 characters like notary.example/log, got {shown(log)}"
        )
    return log


def parse_decimal(text: str, what: str) -> int:
    """Read a decimal integer from 0 to 2^53 − 1 without sign or leading zero.

    Raises FormatError DECIMAL_FORM.
    """
    # The pattern bounds the length, so int() is never given a long numeral.
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_INTEGER:
        raise FormatError("DECIMAL_FORM", f"{what}: want a decimal integer, got {shown(text)}")
    return int(text)


def head_origin(log: str, key: Digest) -> str:
    """The origin of a matter log."""
    # format.md §8: <log name>/m/<hex matter key>
    return f"{log}/m/{key.hex()}"


def head_text(log: str, key: Digest, size: int, root: Digest) -> str:
    """The three lines of a head, each ended by LF. Raises FormatError HEAD_SIZE."""
    if not 1 <= size <= MAX_INTEGER:
        raise FormatError("HEAD_SIZE", f"a head has at least one record, got {size}")
    # format.md §8: origin LF size LF b64 root LF
    return f"{head_origin(log, key)}\n{size}\n{b64_encode(root)}\n"


def parse_head(text: str, log: str, key: Digest) -> Head:
    """Read the head of this matter in this log; only the bytes of `head_text` stand.

    Raises FormatError HEAD_FORM, HEAD_ORIGIN, HEAD_SIZE, DECIMAL_FORM, B64_FORM or
    DIGEST_LENGTH.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise FormatError("HEAD_FORM", f"want three lines ended by LF, got {shown(text)}")
    wanted = head_origin(log, key)
    if lines[0] != wanted:
        raise FormatError("HEAD_ORIGIN", f"want origin {wanted}, got {shown(lines[0])}")
    size = parse_decimal(lines[1], "size of the head")
    if size == 0:
        raise FormatError("HEAD_SIZE", "a head has at least one record, got 0")
    # Each line has one form only, so the head rebuilt from these has the same bytes.
    root = Digest(b64_decode(lines[2]))
    return Head(size, root)
