"""The service's errors, classed by what the caller should do next.

Foreign exceptions stop at the adapter that met them: `raise ... from`.
"""

BUSY = "BUSY"  # as much as may be is on its way already
SHARE_USED = "SHARE_USED"  # as much as one agency may have is on its way


class NotaryError(Exception):
    """Base of every error that the service raises on purpose.

    `code` is a stable UPPER_SNAKE word for machines; the message is for people and says what was got,
    what was wanted, and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class CallerError(NotaryError):
    """The caller's input is at fault. Nothing happened; the same call will fail again."""


class ForbiddenError(CallerError):
    """The caller is known and may not do this, whatever it is asked about. Nothing was looked up."""


class ConflictError(CallerError):
    """The same idempotency key came with other content. Nothing was overwritten."""


class NothingHappened(NotaryError):
    """A dependency refused or was away before any effect. The same call may be repeated."""


class OutcomeUnknown(NotaryError):
    """An effect may have applied. Look at the state before sending again."""


class Contradiction(NotaryError):
    """Stored state contradicts itself or the chain. Stop and alarm; never repair by guessing."""
