"""Who holds the write lock of a store in SQLite, by the list of locks that Linux keeps.

Only that list is read. Whoever opened the store's own files to ask would, by closing them, let go of the
locks that SQLite holds for his process. Elsewhere than on Linux nobody is named.
Test: tests/unit/store/test_sqlite_lock.py.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path("/proc/locks")
SHM = "-shm"  # the file beside a store on which SQLite locks in WAL mode
WRITE_LOCK = (
    "120"  # the byte of it that a writer locks (sqlite.org/walformat.html, "WAL_WRITE_LOCK")
)
STOPPED = ("T", "t")  # states of a process that was told to stand still, or is being debugged


@dataclass(frozen=True)
class Holder:
    """The process that holds the write lock. Its command line is not told: an answer may go to anybody."""

    pid: int
    stands_still: bool

    def __str__(self) -> str:
        still = ", which stands still," if self.stands_still else ""
        return f"process {self.pid}{still}"


def holder_of(store: Path) -> Holder | None:
    """Who holds the write lock of the store now; None if nobody, or if it can't be told."""
    try:
        inode = store.with_name(store.name + SHM).stat().st_ino
        lines = LOCKS.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    for line in lines:
        # 1: POSIX  ADVISORY  WRITE 4711 08:01:131 120 120
        match line.split():
            case [_, "POSIX", _, "WRITE", pid, place, first, last] if (
                place.endswith(f":{inode}") and first == last == WRITE_LOCK
            ):
                return Holder(int(pid), _stands_still(int(pid)))
    return None


def _stands_still(pid: int) -> bool:
    # It may be of another account, or gone by now.
    with suppress(OSError, IndexError):
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
        return after_name.split()[0] in STOPPED
    return False
