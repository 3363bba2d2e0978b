"""The machine's clock and randomness, and the collector of this process."""

from __future__ import annotations

import gc
import os
import pwd
from datetime import UTC, datetime

# Objects made since the collector last looked. A commit of 2,000 records makes some 40,000, all of
# which live until it is answered: looking through them ten times over took a fifth of its time.
YOUNG_OBJECTS = 50_000


class SystemClock:
    """Implements notary.ports.Clock."""

    def now(self) -> datetime:
        """The present, aware, UTC."""
        return datetime.now(UTC)


class SystemEntropy:
    """Implements notary.ports.Entropy: the operating system's generator."""

    def token(self, size: int) -> bytes:
        """`size` unpredictable bytes."""
        return os.urandom(size)


def account() -> str:
    """The machine's account by which this process runs; its number where it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def collect_seldom() -> None:
    """Let the garbage collector look less often; a process calls it once, when it starts."""
    gc.set_threshold(YOUNG_OBJECTS)
