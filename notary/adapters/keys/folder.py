"""The key folder: four files of 32 raw bytes, each readable by the service's account alone.

It lies apart from the data folder, on another volume where that is possible, so that no copy of
the data alone opens anything. Raw bytes and no password: a service that restarts by itself would
have to keep the password beside the file. The chain account has a keystore of its own, elsewhere.

Test: tests/unit/store/test_key_folder.py.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notary.core.envelope import KEY_LENGTH
from notary.core.keyring import KeySet
from notary.errors import CallerError
from notary.ports import Entropy

KEK = "store.kek"
CHECKPOINT = "checkpoint.ed25519"
NEXT_CHECKPOINT = "next-checkpoint.ed25519"
RECEIPT = "receipt.ed25519"
FILES = (KEK, CHECKPOINT, NEXT_CHECKPOINT, RECEIPT)

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def create_keys(folder: Path, entropy: Entropy) -> KeySet:
    """Make a new set of keys, durable when this returns. Raises CallerError if a key is there.

    A crash half way leaves an incomplete folder, which `load_keys` refuses by name; nothing has
    been encrypted or signed by it yet, so it can be removed.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    # The folder may have been there before, made by the operator with the usual mode.
    folder.chmod(PRIVATE_FOLDER)
    for name in FILES:
        if (folder / name).exists():
            raise CallerError(
                "KEYS_EXIST", f"{folder / name} is already there; keys are never overwritten"
            )
    for name in FILES:
        _write(folder / name, entropy.token(KEY_LENGTH))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return load_keys(folder)


def load_keys(folder: Path) -> KeySet:
    """Read the keys. Raises CallerError naming the file that is missing, open to others or no key."""
    kek, checkpoint, next_checkpoint, receipt = (_read(folder / name) for name in FILES)
    if len({checkpoint, next_checkpoint, receipt, kek}) != len(FILES):
        raise CallerError("KEYS_EQUAL", f"{folder}: two of the key files hold the same key")
    return KeySet(
        kek,
        Ed25519PrivateKey.from_private_bytes(checkpoint),
        Ed25519PrivateKey.from_private_bytes(next_checkpoint),
        Ed25519PrivateKey.from_private_bytes(receipt),
    )


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            # The mode is that of the opened file: the name can't be exchanged in between.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            key = file.read(KEY_LENGTH + 1)
    except FileNotFoundError as error:
        raise CallerError(
            "KEY_MISSING",
            f"{path}: the key file is missing. Restore the key folder from its backup; without it the "
            "store's content stays closed.",
        ) from error
    except OSError as error:
        raise CallerError(
            "KEY_UNREADABLE", f"{path}: {error.strerror}. Run as the account that owns the keys."
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CallerError(
            "KEY_OPEN_TO_OTHERS",
            f"{path}: mode {mode:04o} lets other accounts in. Run `chmod 600 {path}`, and consider who "
            "may have read it.",
        )
    if len(key) != KEY_LENGTH:
        count = f"more than {KEY_LENGTH}" if len(key) > KEY_LENGTH else str(len(key))
        raise CallerError("KEY_SIZE", f"{path}: a key file has {KEY_LENGTH} bytes, got {count}")
    return key
