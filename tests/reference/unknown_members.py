"""Documents with one member more than their format lists, in each of their objects in turn."""

from __future__ import annotations

from collections.abc import Iterator

from verifier.format import jsonc
from verifier.format.jsonc import Json


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """Every object in a JSON value, itself included."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from objects(one)


def with_a_member_more(data: bytes) -> Iterator[bytes]:
    """The document with an unknown member, in each of its objects in turn."""
    count = len(list(objects(jsonc.decode(data, "document"))))
    for i in range(count):
        value = jsonc.decode(data, "document")
        list(objects(value))[i]["remark"] = "trust me"
        yield jsonc.encode(value)
