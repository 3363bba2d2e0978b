"""Changes the key encryption key while the service runs.

Each step leaves a state from which the same call goes on: docs/design/0013-kek-rotation.md. Test:
tests/unit/store/test_rotate_kek.py, which kills it at any place.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notary.adapters.keys import kek as files
from notary.adapters.keys.folder import KEK, next_kek, read_key
from notary.core import envelope
from notary.core.envelope import Kek
from notary.errors import CallerError, NothingHappened
from notary.ports import Bars, Entropy, Progress
from notary.usecases.key_copies import rotation_lock


class WrappedSecrets(Protocol):
    """Every secret that the store keeps wrapped. What a method wrote is durable when it returns."""

    def log_secret(self) -> bytes:
        """The log's wrapped lookup secret: it tells which key the store wraps with."""
        ...

    def switch_log(self, old: Kek, new: Kek, entropy: Entropy) -> None:
        """Wrap the log's own secrets anew: from this commit on everybody wraps with the new key."""
        ...

    def rewrap(self, old: Kek, new: Kek, entropy: Entropy, progress: Progress) -> int:
        """Wrap under `new` what is wrapped under `old`; how many it were. Again after a crash: the rest."""
        ...

    def require_all(self, new: Kek) -> None:
        """Raise Contradiction REWRAP_INCOMPLETE unless every secret of the store opens under `new`."""
        ...

    def count(self) -> int:
        """How many secrets the store has wrapped, the log's own apart."""
        ...

    def forget_deleted(self) -> bool:
        """Take the bytes of what was replaced off the disk; False where the store does it in its own time.

        Raises NothingHappened STORE_BUSY while readers keep it from that.
        """
        ...


@dataclass(frozen=True)
class RotationDone:
    """What was wrapped anew by this call, of how many; `resumed`: an earlier call had begun.

    `log_emptied`: the write-ahead log, where old bytes may stand, could be emptied at once.
    """

    moved: int
    wrapped: int
    resumed: bool
    log_emptied: bool


def rotate_kek(
    secrets: WrappedSecrets, keys: Path, entropy: Entropy, keep_old: Path | None, bars: Bars
) -> RotationDone:
    """Bring in a new key, wrap everything under it, destroy the old one.

    `keep_old` gets the old key first: backups that were made before open with no other. Raises
    CallerError KEY_FILE_EXISTS or KEYS_OF_OTHER_STORE, NothingHappened ROTATION_RUNS, Contradiction
    REWRAP_INCOMPLETE, after which both keys are there.
    """
    with rotation_lock(keys):
        old_key, new_key = read_key(keys / KEK), next_kek(keys)
        sealed = secrets.log_secret()
        resumed = new_key is not None
        if new_key is None:
            _require(old_key, sealed)
            new_key = entropy.token(envelope.KEY_LENGTH)
        # 1. The old key where the operator wants it. Nothing else has happened yet.
        if keep_old is not None:
            if keep_old.resolve().is_relative_to(keys.resolve()):
                raise CallerError(
                    "KEYS_PLACE", f"{keep_old} lies in the key folder; keep it elsewhere."
                )
            files.keep_kek(old_key, keep_old)
        # 2. The new key on disk, before anything is wrapped under it. A crash leaves a key unused.
        if not resumed:
            files.add_next_kek(keys, new_key)
        old, new = envelope.kek_cipher(old_key), envelope.kek_cipher(new_key)
        # 3. Everybody wraps with the new key from this commit on. A crash leaves rows of both keys,
        # and both keys.
        if not _opens(new_key, sealed):
            _require(old_key, sealed)
            secrets.switch_log(old, new, entropy)
        # 4. What was wrapped before. A crash leaves some rows of each.
        with bars("wrapping anew", "secrets") as progress:
            moved = secrets.rewrap(old, new, entropy, progress)
        # 5. Every row is read again before the only other key to it goes.
        secrets.require_all(new)
        wrapped = secrets.count()
        # 6. The new key takes the old one's name. A crash before leaves step 4 with nothing to do.
        files.replace_kek(keys)
        try:
            emptied = secrets.forget_deleted()
        except NothingHappened:
            # A reader is at work. What stands there opens under the destroyed key alone, and the next
            # checkpoint takes it.
            emptied = False
        return RotationDone(moved, wrapped, resumed, emptied)


def _opens(key: bytes, sealed: bytes) -> bool:
    return envelope.opens(envelope.kek_cipher(key), sealed, envelope.LOOKUP_CONTEXT)


def _require(key: bytes, sealed: bytes) -> None:
    if not _opens(key, sealed):
        raise CallerError(
            "KEYS_OF_OTHER_STORE",
            "the key encryption key does not open this store; nothing was changed. Point the "
            "configuration to the store's own key folder.",
        )
