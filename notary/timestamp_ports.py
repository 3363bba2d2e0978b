"""Ports: time-stamping authorities, and the memory of what was asked of them. Docstrings are contracts.

Spec: docs/spec/sender.md §11. Tests: tests/scenarios/service/test_timestamps.py,
tests/unit/store/test_stored_tokens.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from verifier.format.digests import Digest


class TimestampAuthority(Protocol):
    """A time-stamping authority (RFC 3161). What it answers is believed by nobody yet."""

    @property
    def name(self) -> str:
        """The operator's name for it."""
        ...

    def stamp(self, imprint: Digest, nonce: int) -> bytes:
        """Ask once for a token over a SHA-256 imprint, within a bounded time; the token's DER.

        Raises NothingHappened TIMESTAMP_AWAY (no whole answer in time), TIMESTAMP_REFUSED (it said no)
        or TIMESTAMP_GARBLED (no time-stamp response). Asking again does no harm: it stamps again.
        """
        ...


@dataclass(frozen=True)
class Wanted:
    """A token that is wanted: `number` 0 over the checkpoint of `size`, above it over `before`.

    `before_until` is when a certificate under the token before ends.
    """

    id: int
    size: int
    number: int
    wanted_at: datetime
    tries: int
    before: bytes | None
    before_until: datetime | None


@dataclass(frozen=True)
class KeptToken:
    """A token that was checked. `until` is when the first certificate on its path ends."""

    token: bytes
    gen_time: datetime
    until: datetime


@dataclass(frozen=True)
class Owing:
    """How an authority stands: tokens that wait, since when, those given up, the last error in words."""

    authority: str
    waiting: int
    since: datetime | None
    given_up: int
    last_error: str | None


class TokenBook(Protocol):
    """Tokens wanted and kept. Each writing method is one durable transaction; a kept token never changes."""

    def want(self, authorities: Sequence[str], now: datetime, anchored_since: datetime) -> int:
        """Note what each authority owes: a token of every checkpoint that is being anchored, or was since.

        What waits for an authority that is not named any more is dropped, a renewal handed to the first.
        How many are new.
        """
        ...

    def want_renewals(self, authorities: Sequence[str], now: datetime, ending: datetime) -> int:
        """Note a renewal of each last token of a chain whose certificates end by then; how many are new.

        It is owed by the authority that began the chain, or by the first if that is not named any more.
        """
        ...

    def due(self, authority: str, now: datetime) -> Wanted | None:
        """What to ask the authority for now: first tokens before renewals, oldest first."""
        ...

    def keep(self, wanted: Wanted, token: KeptToken) -> None:
        """Keep what was asked for. Again after a crash: changes nothing."""
        ...

    def put_off(self, wanted: Wanted, until: datetime, error: str) -> None:
        """It failed; not due before `until`."""
        ...

    def give_up(self, wanted: Wanted, error: str) -> None:
        """It can't be had in time any more. Counted, never asked again."""
        ...

    def chains(self, size: int) -> list[list[KeptToken]]:
        """The chains over a checkpoint, in the order of their authorities' names."""
        ...

    def owing(self) -> list[Owing]:
        """How each authority stands that owes a token or was given up on, by name."""
        ...
