"""The key encryption key's files, also while it is changed: `store.kek`, and beside it the next one.

Each step is one rename, so a crash leaves the folder before or after it. Test:
tests/unit/store/test_rotate_kek.py.
"""

from __future__ import annotations

import os
from pathlib import Path

from notary.adapters.durable import force_names, write_file
from notary.adapters.keys.folder import KEK, NEXT_KEK, read_key
from notary.core.envelope import KEY_LENGTH
from notary.errors import CallerError


def add_next_kek(folder: Path, key: bytes) -> None:
    """Put the next key beside the present one, durably."""
    write_file(folder / NEXT_KEK, key)


def keep_kek(key: bytes, file: Path) -> None:
    """Write a key to a file of the operator's choice; refuses a file with anything else in it."""
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        if read_key(file) == key:
            return
        raise CallerError(
            "KEY_FILE_EXISTS", f"{file} holds another key. Name a new file."
        ) from None
    except OSError as error:
        raise CallerError("KEY_FILE", f"{file}: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as out:
        out.write(key)
        out.flush()
        os.fsync(out.fileno())
    force_names(file.resolve().parent)


def replace_kek(folder: Path) -> None:
    """Let the next key take the place of the present one, whose bytes are overwritten."""
    with (folder / KEK).open("r+b") as old:
        (folder / NEXT_KEK).replace(folder / KEK)
        force_names(folder)
        # The name is the new key's already; what is overwritten has none any more. A journal or a
        # flash disk may keep the old blocks all the same.
        old.write(bytes(KEY_LENGTH))
        old.flush()
        os.fsync(old.fileno())
