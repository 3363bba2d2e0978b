"""Owns the two proof lists of a package: paths.json and consistency.json (docs/spec/package.md §3).

Whether they are the right ones and hold is asked by verification steps 6.5, 7.2 and 7.3. Proved by
tests/unit/format_package/test_paths.py.
"""

from collections.abc import Iterable
from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import Digest
from verifier.format.jsonc import Json
from verifier.format.members import Members
from verifier.format.trees import MAX_PATH

PATHS_FORMAT = "notary-paths/1"
CONSISTENCY_FORMAT = "notary-consistency/1"


class InclusionPath(NamedTuple):
    """The path of one leaf under the as-of head."""

    position: int
    path: tuple[Digest, ...]


class PrefixPath(NamedTuple):
    """The proof that a tree of `from_size` is a prefix of the one of `to_size`."""

    from_size: int
    to_size: int
    path: tuple[Digest, ...]


class Paths(NamedTuple):
    """data/matter/paths.json."""

    inclusion: tuple[InclusionPath, ...]
    prefix: tuple[PrefixPath, ...]


def parse_paths(data: bytes) -> Paths:
    """Read data/matter/paths.json. Raises FormatError JSON_… or MEMBER_…."""
    members = Members(jsonc.decode(data, "paths.json"), "paths.json")
    members.literal("format", PATHS_FORMAT)
    inclusion = []
    for one in members.objects("inclusion"):
        inclusion.append(InclusionPath(one.integer("position"), one.hashes("path", MAX_PATH)))
        one.done()
    prefix = _prefixes(members, "prefix")
    members.done()
    return Paths(tuple(inclusion), prefix)


def encode_paths(paths: Paths) -> bytes:
    """Write data/matter/paths.json."""
    inclusion: list[Json] = [
        {"position": one.position, "path": [step.hex() for step in one.path]}
        for one in paths.inclusion
    ]
    return jsonc.encode(
        {"format": PATHS_FORMAT, "inclusion": inclusion, "prefix": _prefix_json(paths.prefix)}
    )


def parse_consistency(data: bytes) -> tuple[PrefixPath, ...]:
    """Read data/batches/consistency.json. Raises FormatError JSON_… or MEMBER_…."""
    members = Members(jsonc.decode(data, "consistency.json"), "consistency.json")
    members.literal("format", CONSISTENCY_FORMAT)
    proofs = _prefixes(members, "proofs")
    members.done()
    return proofs


def encode_consistency(proofs: Iterable[PrefixPath]) -> bytes:
    """Write data/batches/consistency.json."""
    return jsonc.encode({"format": CONSISTENCY_FORMAT, "proofs": _prefix_json(proofs)})


def _prefixes(members: Members, name: str) -> tuple[PrefixPath, ...]:
    proofs = []
    for one in members.objects(name):
        proofs.append(
            PrefixPath(one.integer("from"), one.integer("to"), one.hashes("path", MAX_PATH))
        )
        one.done()
    return tuple(proofs)


def _prefix_json(proofs: Iterable[PrefixPath]) -> list[Json]:
    return [
        {"from": one.from_size, "to": one.to_size, "path": [step.hex() for step in one.path]}
        for one in proofs
    ]
