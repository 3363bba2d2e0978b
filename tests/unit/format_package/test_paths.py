"""Proves verifier/format/paths.py: paths.json and consistency.json (docs/spec/package.md §3)."""

import pytest

from tests.reference.refusal import refused
from verifier.format import jsonc
from verifier.format.digests import sha256
from verifier.format.errors import FormatError
from verifier.format.paths import (
    InclusionPath,
    Paths,
    PrefixPath,
    encode_consistency,
    encode_paths,
    parse_consistency,
    parse_paths,
)

PATHS = Paths(
    (InclusionPath(3, (sha256(b"a"), sha256(b"b"))), InclusionPath(4, ())),
    (PrefixPath(3, 7, (sha256(b"c"),)),),
)


def test_what_is_written_is_read_again() -> None:
    assert parse_paths(encode_paths(PATHS)) == PATHS
    assert parse_consistency(encode_consistency(PATHS.prefix)) == PATHS.prefix


def test_the_documents_have_the_members_of_the_specification() -> None:
    document = jsonc.decode(encode_paths(PATHS), "paths")
    assert isinstance(document, dict)
    assert document["format"] == "notary-paths/1"
    assert document["prefix"] == [{"from": 3, "path": [sha256(b"c").hex()], "to": 7}]
    assert encode_consistency([]) == b'{"format":"notary-consistency/1","proofs":[]}'


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"notary-paths/1", b"notary-paths/2", "MEMBER_FORM"),
        (b'"position":4', b'"position":true', "MEMBER_TYPE"),
        (b'"position":4', b'"position":-4', "MEMBER_FORM"),
        (b'"from":3,', b"", "MEMBER_MISSING"),
        (b'"from":3,', b'"extra":0,"from":3,', "MEMBER_UNKNOWN"),
    ],
)
def test_a_damaged_list_of_paths_is_refused(old: bytes, new: bytes, code: str) -> None:
    data = encode_paths(PATHS)
    assert data.count(old) == 1
    with pytest.raises(FormatError) as caught:
        parse_paths(data.replace(old, new))
    assert caught.value.code == code


def test_a_path_has_no_more_hashes_than_any_tree_needs() -> None:
    hashes = tuple(sha256(bytes([i])) for i in range(65))
    with refused("MEMBER_FORM"):
        parse_consistency(encode_consistency([PrefixPath(1, 2, hashes)]))
    with refused("MEMBER_FORM"):
        parse_paths(encode_paths(Paths((InclusionPath(1, hashes),), ())))
    longest = Paths((InclusionPath(1, hashes[:64]),), (PrefixPath(1, 2, hashes[:64]),))
    assert parse_paths(encode_paths(longest)) == longest
