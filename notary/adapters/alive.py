"""Tells whether a process of this machine has ended: by a file that it keeps locked for as long as it lives.

The kernel frees the lock at its end, whatever ended it. Where the file is not there nothing is known: the
process may run on another machine. Test: tests/unit/store/test_leases.py.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notary.adapters.durable import PRIVATE_FILE, PRIVATE_FOLDER


@contextmanager
def alive(folder: Path, name: str) -> Iterator[None]:
    """Show that this process lives, under a name that no other has, while the block runs."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    path = folder / name
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE_FILE)
    try:
        # Nobody looks for the name before this process has told it to somebody.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_gone(folder: Path, name: str) -> bool:
    """Whether the process of that name is known to have ended without a word."""
    try:
        descriptor = os.open(folder / name, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def clear(folder: Path) -> None:
    """Remove what processes left that ended without a word; once nobody need be told of it any more."""
    for path in folder.iterdir():
        if is_gone(folder, path.name):
            path.unlink(missing_ok=True)
