"""Reads a package, a zip or a directory, without judging it (docs/spec/package.md §1, §2).

What departs from the one form is noted, so that each rule is judged by its own step of
docs/spec/verification.md §3. The zip is walked from its first byte; its central directory is
never believed but made anew and compared. Proved by tests/unit/check/test_reading.py.
"""

import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from verifier.format.bag import path_bytes, path_fault, path_faults, quote
from verifier.format.file_digests import LARGE, Digests, digest_bytes, digest_stream, in_threads
from verifier.format.stored_zip import (
    BASE,
    LOCAL_HEADER,
    MAX_FILES,
    MAX_PACKAGE_BYTES,
    ZipEntry,
    central_directory,
    zip_size,
)

MAX_FOLDERS = 1_000  # a package has seven; a directory of nothing but folders must end somewhere
MAX_FAULTS = 50  # a report names the first ones; the rest say no more

# Small files are kept for the steps after their first reading, up to so many bytes together.
_KEPT_TOTAL = 256 * 2**20


class BagUnreadable(Exception):
    """The operating system would not give the bytes, or they changed during the check."""


class _Place(NamedTuple):
    """Where a file's bytes lie: in `path` from `offset` on."""

    path: Path
    offset: int


class Bag:
    """A package as read: its files, their digests, and what departs from the one form.

    `files` maps the path within the package to its digests. The three lists of faults are
    sentences for steps 2.1, 2.2 and 2.5; an empty list says that the rule is kept.
    """

    def __init__(self) -> None:
        self.files: dict[str, Digests] = {}
        self.form_faults: list[str] = []
        self.forbidden: list[str] = []
        self.empty_folders: list[str] = []
        self._places: dict[str, _Place] = {}
        self._kept: dict[str, bytes] = {}
        self._kept_bytes = 0

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def holds(self, name: str, wanted: bytes) -> bool:
        """Whether the file is there and has just these bytes."""
        file = self.files.get(name)
        # By its size first: what is larger than wanted is never read.
        return file is not None and file.size == len(wanted) and self.read(name) == wanted

    def read(self, name: str) -> bytes:
        """A file's bytes, the same ones that its digests are of.

        Raises KeyError for a file that is not there, BagUnreadable if it changed meanwhile.
        """
        kept = self._kept.get(name)
        if kept is not None:
            return kept
        wanted, place = self.files[name], self._places[name]
        try:
            with place.path.open("rb") as stream:
                stream.seek(place.offset)
                data = stream.read(wanted.size)
        except OSError as error:
            raise BagUnreadable(f"{name}: {error.strerror}") from error
        if sha256(data).digest() != wanted.sha256:
            raise BagUnreadable(f"{name} changed while it was being checked")
        return data

    def _take(self, name: str, data: bytes, place: _Place, *, sm3: bool) -> Digests:
        """Digest a small file whose bytes are here, and keep them while there is room."""
        digests = digest_bytes(data, sm3=sm3)
        if self._kept_bytes + len(data) <= _KEPT_TOTAL:
            self._kept[name] = data
            self._kept_bytes += len(data)
        self._places[name] = place
        self.files[name] = digests
        return digests

    def _fault(self, faults: list[str], sentence: str) -> None:
        if len(faults) < MAX_FAULTS:
            faults.append(sentence)


def read_bag(path: Path, *, sm3: bool = False) -> Bag:
    """Read a package, a zip or a directory.

    Raises BagUnreadable if there is neither, or if it can't be opened or read.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _read_directory(path, sm3=sm3)
        if stat.S_ISREG(mode):
            return _read_zip(path, sm3=sm3)
    except (OSError, ValueError) as error:
        # ValueError: a path with a NUL byte.
        reason = getattr(error, "strerror", None) or str(error)
        raise BagUnreadable(f"{path}: {reason}") from error
    raise BagUnreadable(f"{path} is neither a file nor a directory")


def _read_zip(path: Path, *, sm3: bool) -> Bag:
    """Walk the local headers from the first byte on, then compare all that follows them.

    The central directory is never believed: it is made anew from the entries and compared.
    """
    bag = Bag()
    with path.open("rb") as stream:
        end = os.fstat(stream.fileno()).st_size
        if end > MAX_PACKAGE_BYTES:
            bag.form_faults.append(f"the zip has {end} bytes, at most {MAX_PACKAGE_BYTES}")
            return bag
        entries, offset = _read_entries(bag, path, stream, end, sm3=sm3)
        if offset is not None:
            wanted = central_directory(entries, offset)
            stream.seek(offset)
            # One byte more than wanted shows whether anything is appended.
            if stream.read(len(wanted) + 1) != wanted:
                bag._fault(
                    bag.form_faults,
                    f"the bytes from {offset} on are not the central directory of these entries",
                )
    bag.forbidden.extend(path_faults(bag.files)[:MAX_FAULTS])
    return bag


def _read_entries(
    bag: Bag, path: Path, stream: BinaryIO, end: int, *, sm3: bool
) -> tuple[list[ZipEntry], int | None]:
    """Read entry after entry. The second value is where they end, None if they break off."""
    entries: list[ZipEntry] = []
    large: list[Callable[[], None]] = []
    offset = 0
    previous = b""
    broken = False
    while True:
        head = stream.read(LOCAL_HEADER.size)
        if head[:4] in (b"PK\x01\x02", b"PK\x05\x06"):
            break
        if len(head) < LOCAL_HEADER.size or head[:4] != b"PK\x03\x04":
            broken = True
            bag._fault(bag.form_faults, f"no entry and no directory begins at byte {offset}")
            break
        if len(entries) == MAX_FILES:
            broken = True
            bag._fault(bag.form_faults, f"there are more than {MAX_FILES} files")
            break
        crc, size = LOCAL_HEADER.unpack(head)[6:8]
        name_length, extra_length = LOCAL_HEADER.unpack(head)[9:11]
        raw_name = stream.read(name_length)
        start = offset + LOCAL_HEADER.size + name_length + extra_length
        if start + size > end:
            broken = True
            bag._fault(bag.form_faults, f"the entry at byte {offset} runs past the end of the file")
            break
        if extra_length:
            stream.seek(start)
        entry = ZipEntry(raw_name, size, crc, offset)
        name = raw_name.decode("utf-8", "surrogateescape")
        shown = quote(name)
        if head + raw_name != entry.local_header():
            bag._fault(bag.form_faults, f"the local header of {shown} has not the one form")
        if raw_name <= previous:
            bag._fault(bag.form_faults, f"{shown} stands twice or out of order")
        if not name.startswith(BASE):
            bag._fault(bag.form_faults, f"{shown} is outside the folder {BASE}")
        previous = max(previous, raw_name)
        entries.append(entry)
        inner = name.removeprefix(BASE)
        if inner in bag._places:
            # The first one stands; the repetition is a fault already.
            stream.seek(start + size)
        elif size < LARGE:
            data = stream.read(size)
            digests = bag._take(inner, data, _Place(path, start), sm3=sm3)
            _check_crc(bag, inner, digests, entry)
        else:
            bag._places[inner] = _Place(path, start)
            large.append(_digest_job(bag, inner, entry, sm3=sm3))
            stream.seek(start + size)
        offset = start + size
    in_threads(large)
    # Threads end in any order; the files stand in the order of the package.
    bag.files = {name: bag.files[name] for name in bag._places}
    return entries, None if broken else offset


def _check_crc(bag: Bag, name: str, digests: Digests, entry: ZipEntry) -> None:
    if digests.crc32 != entry.crc32:
        bag._fault(bag.form_faults, f"{quote(name)} has not the CRC that its header states")


def _digest_job(bag: Bag, name: str, entry: ZipEntry | None, *, sm3: bool) -> Callable[[], None]:
    place = bag._places[name]

    def job() -> None:
        with place.path.open("rb", buffering=0) as stream:
            stream.seek(place.offset)
            limit = None if entry is None else entry.size
            digests = digest_stream(stream, sm3=sm3, limit=limit)
        bag.files[name] = digests
        if entry is not None:
            _check_crc(bag, name, digests, entry)

    return job


def _read_directory(path: Path, *, sm3: bool) -> Bag:
    """Read the files below `path`, or below its `evidence` if it holds nothing else."""
    bag = Bag()
    inner = list(path.iterdir())
    base = BASE.rstrip("/")
    if len(inner) == 1 and inner[0].name == base and _is_folder(inner[0].lstat()):
        path = inner[0]
    sizes = _walk(bag, path)
    if sizes is None:
        return bag
    if zip_size(sizes) > MAX_PACKAGE_BYTES:
        bag.form_faults.append(f"a package has at most {MAX_PACKAGE_BYTES} bytes as a zip")
        return bag
    large = []
    for name in sorted(sizes, key=path_bytes):
        place = _Place(path / name, 0)
        if sizes[name] < LARGE:
            with place.path.open("rb", buffering=0) as stream:
                data = stream.read(LARGE)
            if len(data) != sizes[name]:
                raise BagUnreadable(f"{place.path} changed while it was being read")
            bag._take(name, data, place, sm3=sm3)
        else:
            bag._places[name] = place
            large.append(_digest_job(bag, name, None, sm3=sm3))
    in_threads(large)
    bag.files = {name: bag.files[name] for name in bag._places}
    bag.forbidden.extend(path_faults(bag.files)[:MAX_FAULTS])
    return bag


def _is_folder(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) and not _is_reparse_point(status)


def _is_reparse_point(status: os.stat_result) -> bool:
    # Windows: a junction leads elsewhere as a link does, without being called one.
    return bool(getattr(status, "st_reparse_tag", 0))


def _walk(bag: Bag, top: Path) -> dict[str, int] | None:
    """Sizes by path of the regular files below `top`; None if there is no end of them."""
    sizes: dict[str, int] = {}
    folders = [""]
    seen = 0
    while folders:
        folder = folders.pop()
        seen += 1
        empty = True
        with os.scandir(top / folder) as found:
            for one in found:
                empty = False
                name = f"{folder}/{one.name}" if folder else one.name
                status = one.stat(follow_symlinks=False)
                if _is_folder(status):
                    # A folder whose path is refused is not entered: no path grows without end.
                    if fault := path_fault(name):
                        bag._fault(bag.forbidden, f"the folder {quote(name)} {fault}")
                    else:
                        folders.append(name)
                elif stat.S_ISREG(status.st_mode) and not _is_reparse_point(status):
                    sizes[name] = status.st_size
                else:
                    bag._fault(bag.forbidden, f"{quote(name)} is a link or a special file")
                if len(sizes) > MAX_FILES or seen + len(folders) > MAX_FOLDERS:
                    bag.form_faults.append(
                        f"there are more than {MAX_FILES} files or {MAX_FOLDERS} folders"
                    )
                    return None
        if empty:
            bag._fault(bag.empty_folders, f"the folder {quote(folder or '.')} is empty")
    return sizes
