"""Owns what a number that is set aside commits to: a row that waits (docs/spec/format.md §16).

Proved by tests/unit/format/test_asides.py.
"""

from collections.abc import Mapping

from verifier.format import jsonc
from verifier.format.digests import Digest, b64url_decode, b64url_encode, sha256
from verifier.format.errors import FormatError
from verifier.format.jsonc import Json
from verifier.format.members import Members

CLAIM = "aside"
SALT_LENGTH = 32  # bytes: account and content can't be guessed from the commitment


def row_digest(source: Digest, number: int, salt: bytes, row: bytes) -> Digest:
    """What an aside says of a row. Raises FormatError ASIDE_SALT for a salt of another length."""
    if len(salt) != SALT_LENGTH:
        raise FormatError("ASIDE_SALT", f"a salt has {SALT_LENGTH} bytes, got {len(salt)}")
    # format.md §16: H("notary/source-aside/v1\n" ‖ source key ‖ u64 number ‖ salt ‖ row bytes)
    return sha256(b"notary/source-aside/v1\n" + source + number.to_bytes(8, "big") + salt + row)


def salt_claim(salt: bytes) -> Json:
    """The claim `aside` of a record whose row waited."""
    return {"salt": b64url_encode(salt)}


def salt_of(claim: Json) -> bytes:
    """The salt in a claim `aside`. Raises FormatError MEMBER_… or B64URL_FORM."""
    members = Members(claim, "aside")
    salt = b64url_decode(members.text("salt"))
    members.done()
    return salt


def row_claim(names: Mapping[str, object]) -> str:
    """Which of a record's claims has its row: `raw`, or where it is too long for one, `import`."""
    return "raw" if "raw" in names else "import"


def row_bytes(name: str, claim: Json) -> bytes:
    """The row's bytes, of a claim of that name. Raises FormatError MEMBER_…, JSON_… or B64URL_FORM."""
    if name == "import":
        return jsonc.encode(claim)
    members = Members(claim, name)
    if "bytes" in members:
        row = b64url_decode(members.text("bytes"))
    else:
        row = jsonc.as_bytes(members.text("text"))
    members.done()
    return row
