"""The machine's clock and randomness."""

from __future__ import annotations

import os
from datetime import UTC, datetime


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
