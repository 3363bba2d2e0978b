"""Leaves made fast, up to their place: a template for each set of names, one pass of each encoder.

Position and time are known under the store's write lock only; all that takes long comes before.
`verifier.format.records.make_leaf` is the definition and is asked whenever anything is unusual, so
that every refusal is its own; tests/unit/core/test_leaves.py compares every byte with it. The
template is worth having because every accepted record passes through it.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from struct import Struct
from typing import NamedTuple

import orjson

from notary.core.keyed import Keyed
from verifier.format import jsonc, records
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import check_claim
from verifier.format.times import format_time

SHAPES_KEPT = 1_000  # sets of names: sources have a handful each; whoever sends more waits longer
# From here on the definition does the work: it knows the bounds of a document and of a leaf.
LONG_VALUE = 2**16  # bytes of a value as JSON
LONG_DRAFT = 2**15  # bytes of a leaf

# Stands in a leaf that is written for its draft: all times are of one length.
_ANY_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)

_POSITION = b'"position":'

_SCALARS = frozenset({str, int, bool, type(None)})
_NESTING = frozenset(records.NESTING)
_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER

_URL = bytes.maketrans(b"+/", b"-_")
# Three bytes are four characters of base64: padded with zeros to a multiple of three, neighbours
# can be encoded together. The characters of the padding are left out by the structs.
_SALT_PADDING = b"\x00\x00"  # 16 + 2 bytes: 24 characters, of which 22 are the salt's
_DIGEST_PADDING = b"\x00"  # 32 + 1 bytes: 44 characters, of which 43 are the digest's


class _Shape(NamedTuple):
    """What leaves of one kind with the same claims have in common, in canonical order of names.

    `messages` are hashed to salts, `texts` take salt and value, and `leaf` takes blind, digests and
    matter.
    """

    names: tuple[str, ...]
    messages: tuple[bytes, ...]
    texts: tuple[bytes, ...]
    leaf: bytes
    salts: Struct
    digests: Struct


@lru_cache(maxsize=SHAPES_KEPT)
def _shape(kind: str, names: tuple[str, ...]) -> _Shape:
    """Raises FormatError KIND_UNKNOWN or CLAIM_UNKNOWN, which are not kept."""
    for name in names:
        check_claim(kind, name)
    # Registered names and kinds are ASCII without quotes or %: they stand as they are.
    ordered = tuple(sorted(names))
    members = ",".join([f'"{name}":"%b"' for name in ordered])
    return _Shape(
        ordered,
        tuple([records.salt_message(i, name) for i, name in enumerate(ordered)]),
        tuple([f'["%b","{name}",%b]'.encode() for name in ordered]),
        (
            f'{{"blind":"%b","claims":{{{members}}},"format":"{records.FORMAT}","kind":"{kind}",'
            '"matter":"%b","position":'
        ).encode(),
        Struct("22s2x" * len(ordered)),
        Struct("43sx" * len(ordered)),
    )


def _value_bytes(value: Json) -> bytes | None:
    """The canonical JSON of a scalar or of a flat object; None for what the definition must see."""
    try:
        if type(value) is dict:
            # These are what sources have: amounts, imports, attachments. With ASCII names, and of
            # strings, null, booleans and safe integers alone, the library's bytes are canonical.
            if not "".join(value).isascii() or not _NESTING.isdisjoint(value):
                return None
            if not _SCALARS.issuperset(map(type, value.values())):
                return None
        elif type(value) not in _SCALARS:
            return None
        # A lone surrogate and an integer beyond 2^53 − 1 are refused.
        return orjson.dumps(value, option=_CANONICAL)
    except TypeError:
        # Also what the library raises, and a name that is no string.
        return None


def draft_leaf(
    matter: bytes,
    kind: str,
    secret: bytes,
    keyed: Keyed,
    blind: bytes,
    claims: Mapping[str, Json],
    source: bytes | None = None,
) -> tuple[bytes, list[bytes]]:
    """A leaf up to its position, and its disclosures; `keyed` is `secret`.

    `finish_leaf`, with a source `finish_numbered_leaf`, makes of it what `make_leaf` gives for that
    position. Raises FormatError as `make_leaf` does for the last position and number that there are:
    whether a leaf is too long must not hang on its place.
    """
    found = _draft_usual(matter, kind, keyed, blind, claims)
    if found is not None:
        return found
    leaf, texts = records.make_leaf(
        matter=Digest(matter),
        position=jsonc.MAX_INTEGER,
        kind=kind,
        recorded_at=_ANY_MOMENT,
        secret=secret,
        blind=blind,
        claims=claims,
        source=None if source is None else Digest(source),
        number=None if source is None else jsonc.MAX_INTEGER,
    )
    at = leaf.rindex(b"%d" % jsonc.MAX_INTEGER)
    if source is not None:
        # The number stands before the position; both are given when the record has its place.
        at = leaf.rindex(b'"number":', 0, at)
        return leaf[:at] + _POSITION, [text.encode() for text in texts]
    return leaf[:at], [text.encode() for text in texts]


def leaf_ending(recorded_at: datetime) -> bytes:
    """How every leaf of one commit ends."""
    return f',"recorded_at":"{format_time(recorded_at)}"}}'.encode()


def finish_leaf(draft: bytes, position: int, ending: bytes) -> bytes:
    """The leaf of a draft at its position; `ending` is that of its commit."""
    return b"%b%d%b" % (draft, position, ending)


def numbered_ending(ending: bytes, source: bytes) -> bytes:
    """How every leaf of one commit from one source ends; `ending` is that of its commit."""
    return b'%b,"source":"%b"}' % (ending[:-1], source.hex().encode())


def finish_numbered_leaf(draft: bytes, position: int, number: int, ending: bytes) -> bytes:
    """The leaf of a draft with its number in its source; `ending` is a `numbered_ending`."""
    return b'%b"number":%d,%b%d%b' % (
        draft[: -len(_POSITION)],
        number,
        _POSITION,
        position,
        ending,
    )


def _draft_usual(
    matter: bytes, kind: str, keyed: Keyed, blind: bytes, claims: Mapping[str, Json]
) -> tuple[bytes, list[bytes]] | None:
    if not claims or len(blind) != records.BLIND_LENGTH:
        return None
    try:
        shape = _shape(kind, tuple(claims))
    except FormatError:
        return None
    inner, outer = keyed.inner, keyed.outer
    # docs/spec/format.md §6: HMAC(record secret, "notary/salt/v1" ‖ u32 i ‖ name)[0:16]
    salts = _SALT_PADDING.join(
        [
            sha256(outer + sha256(inner + message).digest()).digest()[: records.SALT_LENGTH]
            for message in shape.messages
        ]
    )
    encoded = b2a_base64(salts + _SALT_PADDING, newline=False).translate(_URL)
    disclosures = []
    for name, form, salt in zip(shape.names, shape.texts, shape.salts.unpack(encoded), strict=True):
        written = _value_bytes(claims[name])
        if written is None or len(written) > LONG_VALUE:
            return None
        text = form % (salt, written)
        # §6: b64url(JCS of [salt, name, value])
        disclosures.append(b2a_base64(text, newline=False).translate(_URL, b"="))
    # §6: H over the ASCII bytes of the string
    digests = _DIGEST_PADDING.join([sha256(text).digest() for text in disclosures])
    encoded = b2a_base64(digests + _DIGEST_PADDING, newline=False).translate(_URL)
    draft = shape.leaf % (
        b2a_base64(blind, newline=False).translate(_URL, b"="),
        *shape.digests.unpack(encoded),
        matter.hex().encode(),
    )
    return None if len(draft) > LONG_DRAFT else (draft, disclosures)
