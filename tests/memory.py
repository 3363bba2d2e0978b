"""Owns where the suite's files lie: in memory where there is room, so that a forced write costs nothing.

Each store forces a dozen files when it is made, and a disk takes milliseconds for each; what is forced is
the same, and what a loss of power leaves is simulated (tests/simulators/store_faults.py). TMPDIR, where it is
set, is left alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

SHARED = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes: several times what a run holds at once


def place() -> Path | None:
    """A folder in memory, if there is enough of it."""
    with suppress(OSError):
        if shutil.disk_usage(SHARED).free > ROOM and os.access(SHARED, os.W_OK):
            return SHARED
    return None


def use() -> None:
    """Put the temporary files of this process, and of those that it starts, there."""
    found = place()
    if found is not None and "TMPDIR" not in os.environ:
        os.environ["TMPDIR"] = tempfile.tempdir = str(found)
