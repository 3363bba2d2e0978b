"""Owns records and disclosures: leaves, salts, digests (docs/spec/format.md §5, §6).

`make_leaf` is the service's hot path and writes its canonical JSON directly; a property test
compares it with `jsonc.encode`. Proved by tests/unit/format/test_records.py and
tests/property/format/test_records.py.
"""

import hmac
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256 as _sha256
from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import Digest, b64url_decode, b64url_encode, sha256, shown
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.kinds import check_claim
from verifier.format.members import Members
from verifier.format.times import format_time, parse_time

FORMAT = "notary-leaf/1"
MAX_LEAF_BYTES = 64 * 1024  # a leaf holds digests only; a package has many
BLIND_LENGTH = 16  # bytes
SALT_LENGTH = 16  # bytes: a guess at a field can't be tried out against its digest
SECRET_LENGTH = 32  # bytes

_DIGEST_TEXT = re.compile(r"[A-Za-z0-9_-]{43}")
# Digests and salts with no tail bit set: their one form, known without writing them again, which is
# what reading a large package costs. 43 characters leave two bits over, 22 leave four.
_CANONICAL_DIGEST = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_CANONICAL_SALT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_TO_URL = bytes.maketrans(b"+/", b"-_")
# Canonical JSON escapes neither name: without these bytes a text has no such member.
_NESTING_BYTES = (b'"_sd":', b'"...":')
# RFC 9901 §4.2.1 and §4.2.4.2: names by which disclosures would nest; here none do.
NESTING = ("_sd", "...")


class Leaf(NamedTuple):
    """A record. `claims` maps claim names to disclosure digests, in canonical order.

    `source` and `number` are both there or both None.
    """

    matter: Digest
    position: int
    kind: str
    recorded_at: datetime
    blind: bytes
    claims: Mapping[str, Digest]
    source: Digest | None = None
    number: int | None = None


class Disclosure(NamedTuple):
    """One salted field. `raw` is the JCS text of salt, name and value."""

    raw: bytes
    salt: bytes
    name: str
    value: Json

    @property
    def text(self) -> str:
        """The string that is hashed and handed on."""
        return b64url_encode(self.raw)

    @property
    def digest(self) -> Digest:
        """What stands at `name` in the leaf."""
        # format.md §6: H over the ASCII bytes of the string; the same as disclosure_digest(text)
        return sha256(b2a_base64(self.raw, newline=False).translate(_TO_URL, b"="))


def parse_leaf(data: bytes) -> Leaf:
    """Read a leaf's form; `check_claims` and `check_digests` are steps of their own.

    Raises FormatError LEAF_SIZE, JSON_…, MEMBER_…, TIME_FORM, B64URL_FORM, LEAF_BLIND,
    LEAF_CLAIMS (none, or one that is no digest) or LEAF_SOURCE (one of source and number).
    """
    if len(data) > MAX_LEAF_BYTES:
        raise FormatError("LEAF_SIZE", f"a leaf has at most 65536 bytes, got {len(data)}")
    members = Members(jsonc.decode(data, "leaf"), "leaf")
    members.literal("format", FORMAT)
    matter = members.hex32("matter")
    position = members.integer("position")
    kind = members.text("kind")
    recorded_at = parse_time(members.text("recorded_at"))
    blind = b64url_decode(members.text("blind"))
    if len(blind) != BLIND_LENGTH:
        raise FormatError("LEAF_BLIND", f"a blind has 16 bytes, got {len(blind)}")
    claims_json = members.any("claims")
    if not isinstance(claims_json, dict) or not claims_json:
        raise FormatError("LEAF_CLAIMS", "claims is an object of at least one member")
    claims = {name: _claim_digest(name, text) for name, text in claims_json.items()}
    source = number = None
    if ("source" in members) != ("number" in members):
        raise FormatError("LEAF_SOURCE", "want source and number, or neither")
    if "source" in members:
        source = members.hex32("source")
        number = members.integer("number")
    members.done()
    return Leaf(matter, position, kind, recorded_at, blind, claims, source, number)


def _claim_digest(name: str, text: Json) -> Digest:
    if isinstance(text, str) and _CANONICAL_DIGEST.fullmatch(text):
        # 43 characters are 32 bytes.
        raw = a2b_base64(text.replace("-", "+").replace("_", "/") + "=")
        return bytes.__new__(Digest, raw)
    if not isinstance(text, str) or not _DIGEST_TEXT.fullmatch(text):
        raise FormatError("LEAF_CLAIMS", f"claim {shown(name)} is no disclosure digest")
    return Digest(b64url_decode(text))


def check_claims(leaf: Leaf) -> Leaf:
    """Check kind and claim names. Raises FormatError KIND_UNKNOWN or CLAIM_UNKNOWN."""
    for name in leaf.claims:
        check_claim(leaf.kind, name)
    return leaf


def check_digests(leaf: Leaf) -> Leaf:
    """Check that the digests are pairwise different. Raises FormatError CLAIM_DIGEST_TWICE."""
    seen: dict[Digest, str] = {}
    for name, digest in leaf.claims.items():
        other = seen.setdefault(digest, name)
        if other != name:
            raise FormatError("CLAIM_DIGEST_TWICE", f"claims {other} and {name} have one digest")
    return leaf


def encode_leaf(leaf: Leaf) -> bytes:
    """Write a leaf.

    Raises FormatError KIND_UNKNOWN, CLAIM_UNKNOWN, CLAIM_DIGEST_TWICE, LEAF_CLAIMS,
    LEAF_BLIND, LEAF_SOURCE, LEAF_SIZE, TIME_ZONE or JSON_….
    """
    check_claims(leaf)
    check_digests(leaf)
    members = ",".join(
        [f'"{name}":"{b64url_encode(leaf.claims[name])}"' for name in sorted(leaf.claims)]
    )
    return _leaf_bytes(
        leaf.matter,
        leaf.position,
        leaf.kind,
        leaf.recorded_at,
        leaf.blind,
        members,
        leaf.source,
        leaf.number,
    )


def _leaf_bytes(
    matter: bytes,
    position: int,
    kind: str,
    recorded_at: datetime,
    blind: bytes,
    claims: str,
    source: bytes | None,
    number: int | None,
) -> bytes:
    # `claims` and `kind` are ASCII of registered names and need no quoting. The members stand
    # in canonical order: blind claims format kind matter number position recorded_at source.
    if not claims:
        raise FormatError("LEAF_CLAIMS", "a leaf has at least one claim")
    if len(blind) != BLIND_LENGTH:
        raise FormatError("LEAF_BLIND", f"a blind has 16 bytes, got {len(blind)}")
    if (source is None) != (number is None):
        raise FormatError("LEAF_SOURCE", "want source and number, or neither")
    for count in (position, number or 0):
        if not 0 <= count <= jsonc.MAX_INTEGER:
            raise FormatError("LEAF_POSITION", f"want 0 to 2^53 − 1, got {count}")
    number_member = "" if number is None else f'"number":{number},'
    source_member = "" if source is None else f',"source":"{Digest(source).hex()}"'
    data = (
        f'{{"blind":"{b64url_encode(blind)}","claims":{{{claims}}},"format":"{FORMAT}",'
        f'"kind":"{kind}","matter":"{Digest(matter).hex()}",{number_member}"position":{position},'
        f'"recorded_at":"{format_time(recorded_at)}"{source_member}}}'
    ).encode("ascii")
    if len(data) > MAX_LEAF_BYTES:
        raise FormatError("LEAF_SIZE", f"a leaf has at most 65536 bytes, got {len(data)}")
    return data


def salt(secret: bytes, index: int, name: str) -> bytes:
    """The salt of the claim at `index` among the leaf's names in canonical order."""
    return hmac.digest(secret, salt_message(index, name), "sha256")[:SALT_LENGTH]


def salt_message(index: int, name: str) -> bytes:
    """What is hashed under the record secret to the salt of the claim at `index`."""
    # format.md §6: HMAC(record secret, "notary/salt/v1" ‖ u32 i ‖ name)[0:16]
    return b"notary/salt/v1" + index.to_bytes(4, "big") + name.encode("utf-8")


def make_disclosure(salt: bytes, name: str, value: Json) -> str:
    """Write the disclosure of one field.

    Raises FormatError DISCLOSURE_SALT, DISCLOSURE_NESTED or JSON_….
    """
    if len(salt) != SALT_LENGTH:
        raise FormatError("DISCLOSURE_SALT", f"a salt has 16 bytes, got {len(salt)}")
    _refuse_nesting(value)
    # format.md §6: b64url(JCS of [salt, name, value])
    return b64url_encode(jsonc.encode([b64url_encode(salt), name, value]))


def disclosure_digest(text: str) -> Digest:
    """The digest of a disclosure string. Raises FormatError B64URL_FORM if it is not ASCII."""
    try:
        # format.md §6: H over the ASCII bytes of the string
        return sha256(text.encode("ascii"))
    except UnicodeEncodeError as error:
        raise FormatError("B64URL_FORM", f"want ASCII, got {shown(text)}") from error


def parse_disclosure(text: str) -> Disclosure:
    """Read a disclosure string.

    Raises FormatError B64URL_FORM, JSON_…, DISCLOSURE_FORM (not three elements of their
    types), DISCLOSURE_SALT or DISCLOSURE_NESTED.
    """
    return open_disclosure(b64url_decode(text))


def open_disclosure(raw: bytes) -> Disclosure:
    """Read the JCS text of a disclosure. Raises FormatError as `parse_disclosure`, but B64URL_FORM
    only for the salt.
    """
    array = jsonc.decode(raw, "disclosure")
    if not isinstance(array, list) or len(array) != 3:
        raise FormatError("DISCLOSURE_FORM", "want an array of salt, name and value")
    salt_text, name, value = array
    if not isinstance(salt_text, str) or not isinstance(name, str):
        raise FormatError("DISCLOSURE_FORM", "salt and name are strings")
    if _CANONICAL_SALT.fullmatch(salt_text):
        salt = a2b_base64(salt_text.replace("-", "+").replace("_", "/") + "==")
    else:
        salt = b64url_decode(salt_text)
    if len(salt) != SALT_LENGTH:
        raise FormatError("DISCLOSURE_SALT", f"a salt has 16 bytes, got {len(salt)}")
    if isinstance(value, (dict, list)) and any(name in raw for name in _NESTING_BYTES):
        _refuse_nesting(value)
    return Disclosure(raw, salt, name, value)


def disclosure_line(position: int, text: str) -> bytes:
    """How a disclosure string travels in a package (package.md §1): position, space, JCS text."""
    return b"%d %s" % (position, b64url_decode(text))


def _refuse_nesting(value: Json) -> None:
    # Iterative: the writer's depth check comes later and must not be outrun by a recursion.
    open_values = [value]
    while open_values:
        one = open_values.pop()
        if isinstance(one, dict):
            for name in NESTING:
                if name in one:
                    raise FormatError("DISCLOSURE_NESTED", f"a value has a member named {name!r}")
            open_values.extend(one.values())
        elif isinstance(one, list):
            open_values.extend(one)


def make_leaf(
    *,
    matter: Digest,
    position: int,
    kind: str,
    recorded_at: datetime,
    secret: bytes,
    blind: bytes,
    claims: Mapping[str, Json],
    source: Digest | None = None,
    number: int | None = None,
) -> tuple[bytes, list[str]]:
    """Make a record of plain claim values: the leaf's bytes and its disclosures.

    The disclosures stand in canonical order of their claim names. `secret` has 32 bytes and
    `blind` 16, both random. Raises FormatError as `encode_leaf` and `make_disclosure` do, and
    LEAF_SECRET.
    """
    if len(secret) != SECRET_LENGTH:
        raise FormatError("LEAF_SECRET", f"a record secret has 32 bytes, got {len(secret)}")
    disclosures = []
    members = []
    # Registered names are ASCII, so the order of code points is the canonical one.
    for index, name in enumerate(sorted(claims)):
        check_claim(kind, name)
        value = claims[name]
        if isinstance(value, (dict, list)):
            _refuse_nesting(value)
        # format.md §6: b64url(JCS of [salt, name, value]); the value nests one level less.
        salt_text = b64url_encode(salt(secret, index, name))
        written = jsonc.encode_text(value, jsonc.MAX_DEPTH - 1)
        raw = jsonc.as_bytes(f'["{salt_text}","{name}",{written}]')
        text = b64url_encode(raw)
        # format.md §6: H over the ASCII bytes of the string
        digest = b64url_encode(_sha256(text.encode("ascii")).digest())
        disclosures.append(text)
        members.append(f'"{name}":"{digest}"')
    # Digests of different names differ, because the names are hashed.
    leaf = _leaf_bytes(
        matter, position, kind, recorded_at, blind, ",".join(members), source, number
    )
    return leaf, disclosures
