"""Owns who the verifier is: its version and the digest of its own source (docs/spec/package.md §4).

The one module of this package that reads files: its own. Proved by
tests/unit/format_package/test_identity.py.
"""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from verifier.format.digests import Digest

VERSION = "0.1.0"


class Identity(NamedTuple):
    """A verifier as it names itself: nothing that proves which one ran."""

    version: str
    sha256: Digest


def source_digest() -> Identity:
    """Version and digest of the verifier that is running."""
    return Identity(VERSION, digest_of_sources(Path(__file__).resolve().parent.parent))


def digest_of_sources(folder: Path) -> Digest:
    """The digest of all Python files below `folder`."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.py")}
    # package.md §4: H over, for each .py file by path: path ‖ 0x00 ‖ bytes ‖ 0x00.
    # Neither a path nor Python source can hold a zero byte, so the parts can't run together.
    running = sha256()
    for name in sorted(files):
        running.update(name.encode("utf-8") + b"\x00" + files[name].read_bytes() + b"\x00")
    return Digest(running.digest())
