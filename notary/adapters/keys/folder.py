"""The key folder: raw keys of 32 bytes, each in a file readable by the service's account alone.

`store.kek` encrypts the store, `erasures.key` seals the lines of the register of erasures. Each
folder `set-N` is a key set that signs: the one in force, the one that comes next, and for a time the
one before. Which is which, the store's newest batch says;
nothing here is ever renamed or overwritten to change hands.

It lies apart from the data folder, on another volume where that is possible, so that no copy of
the data alone opens anything. Raw bytes and no password: a service that restarts by itself would
have to keep the password beside the file. The chain account has a keystore of its own, elsewhere.

Test: tests/unit/store/test_key_folder.py.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from notary.adapters.durable import PRIVATE_FILE, PRIVATE_FOLDER, force_names
from notary.core.envelope import KEY_LENGTH
from notary.core.keyring import HeldKeys, SigningKeys
from notary.errors import CallerError
from notary.ports import Entropy

KEK = "store.kek"
ERASURES_KEY = "erasures.key"  # never changes: the lines that it sealed are checked for ever
NEXT_KEK = "next-store.kek"  # beside the other while the store's key is changed
CHECKPOINT = "checkpoint.ed25519"
COSIGNER = "checkpoint.ml-dsa-44"
RECEIPT = "receipt.ed25519"
SET_FILES = (CHECKPOINT, COSIGNER, RECEIPT)
FIRST_SETS = 2  # the key set in force and the one that its headers commit to

_SET = re.compile(r"set-([1-9][0-9]{0,8})")
_UNFINISHED = ".part"  # a set while it is made
_LEAVING = ".gone"  # a set while it is destroyed


def set_folder(folder: Path, number: int) -> Path:
    """Where a key set lies. Sets are counted from 1, in the order in which they were made."""
    return folder / f"set-{number}"


def create_keys(folder: Path, entropy: Entropy) -> HeldKeys:
    """Make new keys, durable when this returns. Raises CallerError if a key is there.

    A crash half way leaves an incomplete folder, which `load_keys` refuses by name; nothing has
    been encrypted or signed by it yet, so it can be removed.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    # The folder may have been there before, made by the operator with the usual mode.
    folder.chmod(PRIVATE_FOLDER)
    for path in sorted(folder.iterdir()):
        if path.name in (KEK, ERASURES_KEY) or path.name.startswith("set-"):
            raise CallerError("KEYS_EXIST", f"{path} is already there; keys are never overwritten")
    _write(folder / KEK, entropy.token(KEY_LENGTH))
    _write(folder / ERASURES_KEY, entropy.token(KEY_LENGTH))
    for _ in range(FIRST_SETS):
        add_set(folder, entropy)
    return load_keys(folder)


def load_keys(folder: Path) -> HeldKeys:
    """Read the keys. Raises CallerError naming the file that is missing, open to others or no key."""
    kek = read_key(folder / KEK)
    signing = load_sets(folder)
    secrets = [
        kek,
        read_key(folder / ERASURES_KEY),
        *[secret for keys in signing for secret in _secrets(keys)],
    ]
    if len(set(secrets)) != len(secrets):
        raise CallerError("KEYS_EQUAL", f"{folder}: two of the key files hold the same key")
    return HeldKeys(kek, lambda: load_sets(folder), lambda: load_keks(folder))


def load_keks(folder: Path) -> list[bytes]:
    """The keys at hand, the newest first. Raises CallerError as `load_keys`."""
    # The next one is looked for first: when it takes the old one's name in between, it is found there.
    coming = next_kek(folder)
    return [*([] if coming is None else [coming]), read_key(folder / KEK)]


def next_kek(folder: Path) -> bytes | None:
    """The key that a change has begun to bring in; None if none is under way."""
    try:
        return read_key(folder / NEXT_KEK)
    except CallerError as error:
        if error.code == "KEY_MISSING":
            return None
        raise


def load_sets(folder: Path) -> list[SigningKeys]:
    """Read the key sets, by number. Raises CallerError as `load_keys` does."""
    numbers = _numbers(folder)
    if not numbers:
        raise CallerError(
            "KEY_MISSING",
            f"{set_folder(folder, 1)}: the key set is missing. Restore the key folder from its backup. "
            "The keys of a service made before there were key sets, by a draft of this format, can't be "
            "used: make a new service.",
        )
    return [_load_set(folder, number) for number in numbers]


def add_set(folder: Path, entropy: Entropy) -> int:
    """Make one key set more and give its number. A crash leaves the set whole or not at all."""
    number = max(_numbers(folder), default=0) + 1
    target = set_folder(folder, number)
    part = target.with_name(target.name + _UNFINISHED)
    # What a crash left there was never a key set: nothing was signed by it or committed to.
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=PRIVATE_FOLDER)
    for name in SET_FILES:
        _write(part / name, entropy.token(KEY_LENGTH))
    force_names(part)
    part.rename(target)
    force_names(folder)
    return number


def destroy_sets(folder: Path, numbers: Sequence[int]) -> None:
    """Overwrite and remove key sets, and whatever an earlier call left half removed.

    The names go first, in one step each, so that no half of a set is ever taken for a set.
    """
    for number in numbers:
        target = set_folder(folder, number)
        if target.exists():
            target.rename(target.with_name(target.name + _LEAVING))
            force_names(folder)
    for leaving in sorted(folder.glob(f"set-*{_LEAVING}")):
        for path in sorted(leaving.glob("*")):
            # A journal or a flash disk may keep the old blocks all the same; what leaves for certain
            # is whatever reads the file system.
            with path.open("r+b") as file:
                file.write(bytes(KEY_LENGTH))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        leaving.rmdir()
        force_names(folder)


def _numbers(folder: Path) -> list[int]:
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError as error:
        raise CallerError("KEY_UNREADABLE", f"{folder}: {error.strerror}.") from error
    return sorted(int(match[1]) for name in names if (match := _SET.fullmatch(name)))


def _load_set(folder: Path, number: int) -> SigningKeys:
    here = set_folder(folder, number)
    return SigningKeys(
        number,
        Ed25519PrivateKey.from_private_bytes(read_key(here / CHECKPOINT)),
        MLDSA44PrivateKey.from_seed_bytes(read_key(here / COSIGNER)),
        Ed25519PrivateKey.from_private_bytes(read_key(here / RECEIPT)),
    )


def _secrets(keys: SigningKeys) -> list[bytes]:
    return [one.private_bytes_raw() for one in (keys.checkpoint, keys.cosigner, keys.receipt)]


def _write(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path) -> bytes:
    """A key file's 32 bytes.

    Raises CallerError KEY_MISSING, KEY_UNREADABLE, KEY_OPEN_TO_OTHERS or KEY_SIZE.
    """
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
