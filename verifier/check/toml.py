"""Reads the person's own TOML files strictly: every member known, of its type, in its range.

Serves steps 1.1 and 1.2 of docs/spec/verification.md. Proved by tests/unit/check/test_policy.py
and test_inputs.py.
"""

import re
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from verifier.check.rows import CannotJudge
from verifier.format.digests import shown
from verifier.format.errors import FormatError
from verifier.format.jsonc import MAX_INTEGER
from verifier.format.times import parse_time

MAX_FILE_BYTES = 2**20  # a person's file is far smaller; a huge one is a mistake or an attack
MAX_TEXT = 200  # characters of a name or an origin: it is printed in one line

_ZEROX = re.compile(r"0x(?:[0-9a-f]{2})*")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")

T = TypeVar("T")


class Document(NamedTuple):
    """A file as read: its bytes, and its top table."""

    data: bytes
    table: "Table"


def read_file(path: Path, limit: int, code: str) -> bytes:
    """Read a file of at most `limit` bytes. Raises CannotJudge `code`_UNREADABLE or `code`_SIZE."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CannotJudge(f"{code}_UNREADABLE", f"{str(path)!a}: {reason}") from error
    if len(data) > limit:
        raise CannotJudge(f"{code}_SIZE", f"{str(path)!a} has more than {limit} bytes")
    return data


def read_document(path: Path, code: str) -> Document:
    """Read a TOML file. Raises CannotJudge with a code that begins with `code`."""
    data = read_file(path, MAX_FILE_BYTES, code)
    return Document(data, parse_table(data, path, code))


def parse_table(data: bytes, path: Path, code: str) -> "Table":
    """Read the bytes of a TOML file. Raises CannotJudge `code`_SYNTAX."""
    try:
        value = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        # ValueError covers bad TOML, bad UTF-8 and a number too long to read.
        reason = "nested too deep" if isinstance(error, RecursionError) else ascii(str(error))
        raise CannotJudge(f"{code}_SYNTAX", f"{str(path)!a}: {reason}") from error
    return Table(value, path.name, code)


class Table:
    """Takes the members of one TOML table by name and type, and refuses what is left over.

    Every method raises CannotJudge: `…_MEMBER_MISSING`, `…_TYPE`, `…_VALUE`, and
    `…_MEMBER_UNKNOWN` from `done`.
    """

    def __init__(self, value: dict[str, Any], what: str, code: str) -> None:
        self._rest = dict(value)
        self._code = code
        self.what = ascii(what)[1:-1]

    def __contains__(self, name: str) -> bool:
        return name in self._rest

    def error(self, kind: str, sentence: str) -> CannotJudge:
        """An error about this table."""
        return CannotJudge(f"{self._code}_{kind}", f"{self.what}: {sentence}")

    def any(self, name: str, wanted: type, words: str) -> Any:
        """Take a member of exactly this type: a boolean is no integer."""
        if name not in self._rest:
            raise self.error("MEMBER_MISSING", f"{name!r} is missing")
        value = self._rest.pop(name)
        if type(value) is not wanted:
            raise self.error("TYPE", f"{name!r} is {words}, got {_type_of(value)}")
        return value

    def text(self, name: str) -> str:
        """Take a string that prints in one line."""
        value: str = self.any(name, str, "a string")
        if not value or len(value) > MAX_TEXT or not value.isprintable():
            raise self.error(
                "VALUE",
                f"{name!r} is 1 to {MAX_TEXT} printable characters, got {shown(value)}",
            )
        return value

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """Take one of a few words."""
        value: str = self.any(name, str, "a string")
        if value not in words:
            raise self.error("VALUE", f"{name!r} is one of {', '.join(words)}, got {shown(value)}")
        return value

    def integer(self, name: str) -> int:
        """Take an integer from 0 to 2^53 − 1."""
        value: int = self.any(name, int, "an integer")
        if not 0 <= value <= MAX_INTEGER:
            raise self.error("VALUE", f"{name!r} is from 0 to {MAX_INTEGER}")
        return value

    def time(self, name: str) -> datetime:
        """Take a time, written as a string."""
        return self.read(name, parse_time)

    def read(self, name: str, parse: Callable[[str], T], kind: str = "VALUE") -> T:
        """Take a string that a parser of the format reads."""
        value: str = self.any(name, str, "a string")
        return self.parsed(name, value, parse, kind)

    def parsed(self, name: str, value: str, parse: Callable[[str], T], kind: str = "VALUE") -> T:
        """Read a string of this table with a parser of the format."""
        try:
            return parse(value)
        except FormatError as error:
            raise self.error(kind, f"{name!r}: {error.message}") from error

    def zerox(self, name: str, length: int) -> bytes:
        """Take 0x and lower-case hex of `length` bytes."""
        value: str = self.any(name, str, "a string")
        if len(value) != 2 + 2 * length or not _ZEROX.fullmatch(value):
            raise self.error(
                "VALUE",
                f"{name!r} is 0x and {2 * length} lower-case hex digits, got {shown(value)}",
            )
        return bytes.fromhex(value[2:])

    def hexbytes(self, name: str, length: int) -> bytes:
        """Take lower-case hex of `length` bytes."""
        value: str = self.any(name, str, "a string")
        if len(value) != 2 * length or not _HEX.fullmatch(value):
            raise self.error(
                "VALUE", f"{name!r} is {2 * length} lower-case hex digits, got {shown(value)}"
            )
        return bytes.fromhex(value)

    def texts(self, name: str, most: int) -> list[str]:
        """Take an array of strings."""
        value: list[Any] = self.any(name, list, "an array of strings")
        if len(value) > most:
            raise self.error("VALUE", f"{name!r} has at most {most} items, got {len(value)}")
        for one in value:
            if type(one) is not str:
                raise self.error("TYPE", f"{name!r} is an array of strings, got {_type_of(one)}")
        return value

    def table(self, name: str) -> "Table":
        """Take a table; the caller calls `done` on it."""
        value = self.any(name, dict, "a table")
        return Table(value, f"{self.what}, [{name}]", self._code)

    def tables(self, name: str) -> list["Table"]:
        """Take an array of tables, empty if it is not there."""
        if name not in self._rest:
            return []
        value: list[Any] = self.any(name, list, "an array of tables")
        for one in value:
            if type(one) is not dict:
                raise self.error("TYPE", f"{name!r} is an array of tables, got {_type_of(one)}")
        return [
            Table(one, f"{self.what}, [[{name}]] number {i + 1}", self._code)
            for i, one in enumerate(value)
        ]

    def done(self) -> None:
        """Refuse members that nobody took."""
        if self._rest:
            raise self.error("MEMBER_UNKNOWN", f"unknown member {shown(min(self._rest))}")


def _type_of(value: object) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        str: "a string",
        list: "an array",
        dict: "a table",
    }
    return names.get(type(value), "a TOML date or time; write it as a string")
