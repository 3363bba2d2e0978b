"""Owns what the tokens of a package amount to: chains over checkpoints, and whose word each is.

Nothing here judges (docs/spec/verification.md, steps 15.2 to 15.7). Proved by
tests/hostile/attacks/tokens.py.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from verifier.check.policy import Authority
from verifier.check.rows import Blocked
from verifier.format.bag import TokenPlace
from verifier.format.errors import FormatError
from verifier.format.timestamp_authority import (
    Path,
    check_purpose,
    check_signature,
    check_valid_at,
    path,
)
from verifier.format.timestamp_token import Token

if TYPE_CHECKING:
    from verifier.check.case import Case


class Pinned(NamedTuple):
    """The authority of the policy whose word a token is, and the path to its root."""

    authority: Authority
    path: Path


class Link(NamedTuple):
    """A token in its chain: pinned, or why it does not count."""

    place: TokenPlace
    token: Token
    pinned: Pinned | None
    why_not: FormatError | None


Chain = tuple[Link, ...]  # the first token, then its renewals; never empty


class Dated(NamedTuple):
    """What the best chain of a checkpoint gives: names, distance to the anchor, its last end."""

    authorities: frozenset[str]
    gap: timedelta
    until: datetime


class TokenChains:
    """The tokens of a package before the person who checks it."""

    def __init__(self, case: "Case") -> None:
        self._case = case

    @cached_property
    def by_size(self) -> Mapping[int, tuple[Chain, ...]]:
        """The chains of each checkpoint that has a token. Blocked where a token can't be read."""
        found: dict[int, dict[int, list[Link]]] = {}
        for place, part in self._case.evidence.tokens.items():
            token = part.need()
            chain = found.setdefault(place.size, {}).setdefault(place.chain, [])
            if place.number != len(chain):
                raise Blocked(f"the token before {part.name}")
            try:
                chain.append(Link(place, token, self._pinned(token), None))
            except FormatError as error:
                chain.append(Link(place, token, None, error))
        return {
            size: tuple([tuple(chain) for chain in chains.values()])
            for size, chains in found.items()
        }

    def _pinned(self, token: Token) -> Pinned:
        fault = self.signature_fault(token)
        if fault is not None and fault.code == "TOKEN_ALGORITHM":
            raise fault
        why = "the policy names no authority"
        for authority in self._case.policy.authorities:
            name = authority.name
            try:
                found = path(token, authority.roots)
            except FormatError as error:
                why = f"{name}: {error.message}"
                continue
            until = authority.until
            if token.gen_time < authority.since or (until and token.gen_time >= until):
                why = f"{name} does not count at {token.gen_time.isoformat()}"
            elif authority.policies is not None and token.policy not in authority.policies:
                why = f"{name}: its policy {token.policy} does not count"
            else:
                return Pinned(authority, found)
        raise FormatError("TOKEN_NOT_PINNED", why)

    def signature_fault(self, token: Token) -> FormatError | None:
        """What is wrong with a token's signature: TOKEN_SIGNATURE or TOKEN_ALGORITHM."""
        try:
            check_signature(token)
        except FormatError as error:
            return error
        return None

    def certificate_fault(self, token: Token) -> FormatError | None:
        """What is wrong with the signer's certificate: TOKEN_CERTIFICATE or …_TIME."""
        try:
            check_purpose(token.signer)
            check_valid_at(token.signer, token.gen_time)
        except FormatError as error:
            return error
        return None

    def gap(self, chain: Chain) -> timedelta:
        """How far a chain's first token is from the anchor of its checkpoint."""
        return abs(chain[0].token.gen_time - self._case.anchored_at(chain[0].place.size))

    def pinned(self, size: int) -> list[Chain]:
        """The chains of a checkpoint of which each token is pinned."""
        return [one for one in self.by_size.get(size, ()) if all(link.pinned for link in one)]

    def in_time(self, size: int) -> list[Chain]:
        """Those of them of which each renewal came in time."""
        return [one for one in self.pinned(size) if renewed_late(one) is None]

    def near(self, size: int) -> list[Chain]:
        """Those of them that begin as near to the anchor as the policy asks."""
        limit = self._case.policy.limits.max_timestamp_gap_s
        if limit is None:
            # The policy has no authority either, and no token is pinned.
            return []
        return [one for one in self.in_time(size) if self.gap(one) <= timedelta(seconds=limit)]

    def dated(self, size: int) -> Dated | None:
        """What the best of these gives, if there is one."""
        found = [self._dated(one) for one in self.near(size)]
        return max(found, key=lambda one: one.until, default=None)

    def _dated(self, chain: Chain) -> Dated:
        pinned = [link.pinned for link in chain if link.pinned is not None]
        names = frozenset([one.authority.name for one in pinned])
        return Dated(names, self.gap(chain), pinned[-1].path.until)


def renewed_late(chain: Chain) -> Link | None:
    """The first renewal that came after a certificate under the token before it had ended."""
    for before, after in pairwise(chain):
        if before.pinned is not None and after.token.gen_time > before.pinned.path.until:
            return after
    return None
