"""Owns how the members of a JSON object are taken: each once, by name and type (docs/spec/format.md §2).

Proved by tests/unit/format/test_members.py.
"""

from verifier.format.digests import Digest, b64_decode, hex_decode, shown
from verifier.format.errors import FormatError
from verifier.format.jsonc import MAX_INTEGER, Json


class Members:
    """Takes the members of one JSON object by name and type, and refuses what is left over.

    Every method raises FormatError: MEMBER_TYPE for another JSON type, MEMBER_MISSING,
    MEMBER_FORM for a value outside its form or range, MEMBER_UNKNOWN from `done`.
    """

    __slots__ = ("_rest", "what")

    def __init__(self, value: Json, what: str) -> None:
        if not isinstance(value, dict):
            raise FormatError("MEMBER_TYPE", f"{what}: want an object, got {_kind(value)}")
        self._rest = dict(value)
        self.what = what

    def __contains__(self, name: str) -> bool:
        return name in self._rest

    def any(self, name: str) -> Json:
        """Take a member of any JSON type."""
        try:
            return self._rest.pop(name)
        except KeyError:
            raise FormatError(
                "MEMBER_MISSING", f"{self.what}: member {name!r} is missing"
            ) from None

    def text(self, name: str) -> str:
        """Take a string."""
        value = self.any(name)
        if not isinstance(value, str):
            raise self._type(name, "a string", value)
        return value

    def literal(self, name: str, wanted: str) -> None:
        """Take a string that can only be `wanted`."""
        value = self.text(name)
        if value != wanted:
            raise FormatError(
                "MEMBER_FORM", f"{self.what}: {name!r} is {wanted!r}, got {shown(value)}"
            )

    def integer(self, name: str, lo: int = 0, hi: int = MAX_INTEGER) -> int:
        """Take an integer with lo ≤ value ≤ hi."""
        value = self.any(name)
        if type(value) is not int:
            raise self._type(name, "an integer", value)
        if not lo <= value <= hi:
            raise FormatError(
                "MEMBER_FORM", f"{self.what}: {name!r} is from {lo} to {hi}, got {value}"
            )
        return value

    def hex32(self, name: str) -> Digest:
        """Take 64 lower-case hexadecimal characters."""
        return Digest(self.hexbytes(name, 32))

    def hexbytes(self, name: str, length: int | None = None) -> bytes:
        """Take lower-case hexadecimal, of `length` bytes where that is given."""
        return self._bytes(name, self.text(name), length)

    def zerox(self, name: str, length: int | None = None) -> bytes:
        """Take lower-case hexadecimal after 0x, of `length` bytes where that is given."""
        text = self.text(name)
        if not text.startswith("0x"):
            raise FormatError(
                "MEMBER_FORM", f"{self.what}: {name!r} begins with 0x, got {shown(text)}"
            )
        return self._bytes(name, text[2:], length)

    def array(self, name: str, most: int | None = None) -> list[Json]:
        """Take an array, of at most `most` items where that is given."""
        value = self.any(name)
        if not isinstance(value, list):
            raise self._type(name, "an array", value)
        if most is not None and len(value) > most:
            raise FormatError(
                "MEMBER_FORM", f"{self.what}: {name!r} has at most {most} items, got {len(value)}"
            )
        return value

    def texts(self, name: str, most: int | None = None) -> list[str]:
        """Take an array of strings."""
        result = []
        for item in self.array(name, most):
            if not isinstance(item, str):
                raise self._type(name, "an array of strings", item)
            result.append(item)
        return result

    def hashes(self, name: str, most: int) -> tuple[Digest, ...]:
        """Take an array of hex digests, of at most `most`."""
        return tuple([Digest(self._bytes(name, text, 32)) for text in self.texts(name, most)])

    def b64(self, name: str) -> bytes:
        """Take base64 with padding, in its one form."""
        return self._b64(name, self.text(name))

    def b64s(self, name: str, most: int | None) -> tuple[bytes, ...]:
        """Take an array of base64 texts, of at most `most` where that is given."""
        return tuple([self._b64(name, text) for text in self.texts(name, most)])

    def object(self, name: str) -> "Members":
        """Take an object; the caller calls `done` on it."""
        return Members(self.any(name), f"{self.what}, {name!r}")

    def objects(self, name: str, most: int | None = None) -> list["Members"]:
        """Take an array of objects; the caller calls `done` on each."""
        return [
            Members(item, f"{self.what}, {name!r}[{i}]")
            for i, item in enumerate(self.array(name, most))
        ]

    def null(self, name: str) -> bool:
        """Take the member and say True if it is null; leave it if it is anything else."""
        if name not in self._rest:
            raise FormatError("MEMBER_MISSING", f"{self.what}: member {name!r} is missing")
        if self._rest[name] is None:
            del self._rest[name]
            return True
        return False

    def done(self) -> None:
        """Refuse members that nobody took."""
        if self._rest:
            raise FormatError(
                "MEMBER_UNKNOWN", f"{self.what}: unknown member {shown(min(self._rest))}"
            )

    def _type(self, name: str, wanted: str, value: Json) -> FormatError:
        return FormatError("MEMBER_TYPE", f"{self.what}: {name!r} is {wanted}, got {_kind(value)}")

    def _bytes(self, name: str, text: str, length: int | None) -> bytes:
        try:
            raw = hex_decode(text)
        except FormatError as error:
            raise FormatError("MEMBER_FORM", f"{self.what}: {name!r}: {error.message}") from error
        if length is not None and len(raw) != length:
            raise FormatError(
                "MEMBER_FORM", f"{self.what}: {name!r} has {length} bytes, got {len(raw)}"
            )
        return raw

    def _b64(self, name: str, text: str) -> bytes:
        try:
            return b64_decode(text)
        except FormatError as error:
            raise FormatError("MEMBER_FORM", f"{self.what}: {name!r}: {error.message}") from error


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", str: "a string", list: "an array"}
    return names.get(type(value), "an object")
