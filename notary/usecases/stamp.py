"""Gets time-stamp tokens over checkpoints, and renews them, beside sealing and anchoring, never in their way.

One thread for each authority: one that hangs holds up neither the chain nor the others. Every pass reads the
stored state. A crash between an answer and its storing loses the answer; the authority is asked again, and
stamps again. Spec: docs/spec/sender.md §11. Test: tests/scenarios/service/test_timestamps.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from notary.core.moments import has_passed
from notary.core.stamping import checked, pause_after
from notary.errors import NotaryError, NothingHappened
from notary.ports import BatchLog, Clock, Entropy
from notary.timestamp_ports import TimestampAuthority, TokenBook, Wanted
from notary.usecases.beside import beside
from verifier.format import notes
from verifier.format.digests import sha256

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LOOK_EVERY_S = 2.0
PARTING_S = 60  # longer than any answer is waited for; then the process ends without it
NONCE_BYTES = 8  # what authorities are used to


@dataclass(frozen=True)
class PinnedAuthority:
    """An authority, and the roots that its tokens must lead to."""

    authority: TimestampAuthority
    roots: tuple[Certificate, ...]


@dataclass(frozen=True)
class StampSettings:
    """`gap` is how far a token's time may be from its anchor; a renewal comes `renew_before` an end."""

    gap: timedelta
    renew_before: timedelta


class Stamper:
    """Asks for what is owed."""

    def __init__(
        self,
        authorities: Sequence[PinnedAuthority],
        book: TokenBook,
        batch_log: BatchLog,
        clock: Clock,
        entropy: Entropy,
        settings: StampSettings,
        report: Callable[[str], None],
    ) -> None:
        self._authorities = authorities
        self._names = [one.authority.name for one in authorities]
        self._book = book
        self._batch_log = batch_log
        self._clock = clock
        self._entropy = entropy
        self._settings = settings
        self._report = report

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Ask while the block runs. At its end, what is due is asked for once more."""
        if not self._authorities:
            yield
            return
        acts: list[Callable[[], None]] = [self.look]
        acts += [partial(self.ask_all, one) for one in self._authorities]
        with beside([partial(self._caught, act) for act in acts], LOOK_EVERY_S, PARTING_S):
            try:
                yield
            finally:
                # What came about at the very end is asked for as well.
                self._caught(self.look)

    def _caught(self, act: Callable[[], None]) -> None:
        try:
            act()
        except NotaryError as error:
            # The store was away. What is owed is looked up again.
            self._report(f"timestamps: {error.code}: {error}")

    def look(self) -> None:
        """Note what is owed by now: first tokens, and renewals before a certificate ends."""
        now = self._clock.now()
        self._book.want(self._names, now, now - self._settings.gap)
        self._book.want_renewals(self._names, now, now + self._settings.renew_before)

    def ask_all(self, pinned: PinnedAuthority) -> None:
        """Ask for what is due, until one fails: the others would fail the same way."""
        while self.ask(pinned):
            pass

    def ask(self, pinned: PinnedAuthority) -> bool:
        """Ask for the first token that is due; whether there was one, and it was kept."""
        authority, now = pinned.authority, self._clock.now()
        wanted = self._book.due(authority.name, now)
        if wanted is None:
            return False
        if self._is_over(wanted, now):
            self._book.give_up(wanted, "not to be had in time")
            self._report(f"timestamps of {authority.name}: gave up on size {wanted.size}")
            return True
        try:
            message = self._message(wanted)
            nonce = int.from_bytes(self._entropy.token(NONCE_BYTES))
            answer = authority.stamp(sha256(message), nonce)
            gap = self._settings.gap
            token = checked(answer, message, nonce, pinned.roots, self._clock.now(), gap)
        except NothingHappened as error:
            said = f"{error.code}: {error}"
            chance = self._entropy.token(1)[0] / 255
            self._book.put_off(wanted, now + pause_after(wanted.tries + 1, chance), said)
            self._report(f"timestamps of {authority.name}: {said}")
            return False
        # A crash here loses the answer, and it is asked for again.
        self._book.keep(wanted, token)
        return True

    def _message(self, wanted: Wanted) -> bytes:
        if wanted.before is not None:
            return wanted.before
        return notes.time_stamped_bytes(notes.parse_note(self._batch_log.checkpoint(wanted.size)))

    def _is_over(self, wanted: Wanted, now: datetime) -> bool:
        """Whether a token of now would come too late to be of use (sender.md §11)."""
        if wanted.before_until is not None:
            return now > wanted.before_until
        return has_passed(self._settings.gap, wanted.wanted_at, now)
