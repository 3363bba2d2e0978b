"""What the service does about tokens, without doing it: when to ask again, and what to believe.

Pure. Spec: docs/spec/sender.md §11. Test: tests/scenarios/service/test_timestamps.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from notary.core.moments import doubled
from notary.errors import NothingHappened
from notary.timestamp_ports import KeptToken
from verifier.format.digests import sha256
from verifier.format.errors import FormatError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
LATE = timedelta(hours=1)  # an authority that was asked for so long should be looked at


def pause_after(tries: int, chance: float) -> timedelta:
    """How long to wait after so many failures. `chance` from 0 to 1 keeps many from asking at once."""
    return doubled(FIRST_PAUSE, tries, LONGEST_PAUSE) * (0.5 + chance / 2)


def checked(
    answer: bytes,
    message: bytes,
    nonce: int,
    roots: Sequence[Certificate],
    now: datetime,
    gap: timedelta,
) -> KeptToken:
    """A token that the verifier would count under a policy that pins `roots`.

    Raises NothingHappened TIMESTAMP_BAD with the reason: it is kept out.
    """
    # Imported here: reading certificates takes long to load, and only the worker does it.
    from verifier.format import timestamp_authority, timestamp_token

    try:
        token = timestamp_token.parse(answer)
        if token.nonce != nonce:
            raise FormatError("TOKEN_NONCE", "its nonce is not the one that was sent")
        if token.imprint != sha256(message):
            raise FormatError("TOKEN_MISMATCH", "it is over something else")
        timestamp_authority.check_signature(token)
        timestamp_authority.check_purpose(token.signer)
        timestamp_authority.check_valid_at(token.signer, token.gen_time)
        path = timestamp_authority.path(token, roots)
    except FormatError as error:
        raise NothingHappened("TIMESTAMP_BAD", f"{error.code}: {error.message}") from error
    if abs(token.gen_time - now) > gap:
        raise NothingHappened(
            "TIMESTAMP_BAD",
            f"its time is {token.gen_time.isoformat()}, here it is {now.isoformat()}. Compare both "
            "clocks.",
        )
    return KeptToken(answer, token.gen_time, path.until)
