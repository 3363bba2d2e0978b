"""Owns the one zip of a package's files, byte for byte (docs/spec/package.md §2).

Proved by tests/unit/format_package/test_stored_zip.py.
"""

import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from verifier.format.bag import path_bytes, path_faults
from verifier.format.file_digests import Content, Source, chunks, open_content, size_of

BASE = "evidence/"  # the one base folder

MAX_PACKAGE_BYTES = 2 * 2**30  # a hostile package must not exhaust the disk or the afternoon
MAX_FILES = 60_000  # below the 65,535 that a zip without zip64 can count

# PKWARE APPNOTE 4.3.7: local file header; 4.3.12: central directory; 4.3.16: its end.
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_TIME = 0x0000
_DATE = 0x0021  # 1980-01-01


class ZipEntry(NamedTuple):
    """What decides an entry's bytes. `name` is the full name, `offset` that of its local header."""

    name: bytes
    size: int
    crc32: int
    offset: int

    def local_header(self) -> bytes:
        """PKWARE APPNOTE 4.3.7, filled as package.md §2 says."""
        fields = (_VERSION, 0, 0, _TIME, _DATE, self.crc32, self.size, self.size)
        return LOCAL_HEADER.pack(b"PK\x03\x04", *fields, len(self.name), 0) + self.name

    def central_header(self) -> bytes:
        """PKWARE APPNOTE 4.3.12, filled as package.md §2 says."""
        fields = (_VERSION, _VERSION, 0, 0, _TIME, _DATE, self.crc32, self.size, self.size)
        lengths = (len(self.name), 0, 0, 0, 0, 0)
        return _CENTRAL.pack(b"PK\x01\x02", *fields, *lengths, self.offset) + self.name


def central_directory(entries: Sequence[ZipEntry], offset: int) -> bytes:
    """The central directory, which begins at `offset`, and its end record."""
    central = b"".join([entry.central_header() for entry in entries])
    end = _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(central), offset, 0)
    return central + end


def zip_size(sizes: Mapping[str, int]) -> int:
    """How many bytes the zip of files of these names and sizes has."""
    names = sum(2 * (len(BASE) + len(path_bytes(name))) for name in sizes)
    return (
        sum(sizes.values()) + names + len(sizes) * (LOCAL_HEADER.size + _CENTRAL.size) + _END.size
    )


def write_zip(files: Mapping[str, Content], out: BinaryIO) -> None:
    """Write the one zip of these files (package.md §2), streaming.

    Names are those of package.md §1, without the base folder. A path is read twice, a source
    once. Raises ValueError for a name that is not allowed, for too many files or bytes, and
    for a source that does not give the size and CRC that it states; then `out` holds no package.
    """
    if faults := path_faults(files):
        raise ValueError("; ".join(faults))
    sizes = {name: size_of(content) for name, content in files.items()}
    if len(files) > MAX_FILES or zip_size(sizes) > MAX_PACKAGE_BYTES:
        raise ValueError(
            f"a package has at most {MAX_FILES} files and {MAX_PACKAGE_BYTES} bytes, "
            f"got {len(files)} files and {zip_size(sizes)} bytes"
        )
    entries = []
    offset = 0
    for name in sorted(files):
        content = files[name]
        if isinstance(content, bytes):
            crc = zlib.crc32(content)
        elif isinstance(content, Source):
            crc = content.crc32
        else:
            crc = _crc32(content)
        entry = ZipEntry((BASE + name).encode("ascii"), sizes[name], crc, offset)
        entries.append(entry)
        out.write(entry.local_header())
        _copy(content, entry, out)
        offset += LOCAL_HEADER.size + len(entry.name) + entry.size
    out.write(central_directory(entries, offset))


def _crc32(content: Path) -> int:
    crc = 0
    with open_content(content) as stream:
        for chunk in chunks(stream):
            crc = zlib.crc32(chunk, crc)
    return crc


def _copy(content: Content, entry: ZipEntry, out: BinaryIO) -> None:
    size = crc = 0
    with open_content(content) as stream:
        for chunk in chunks(stream):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
            out.write(chunk)
    if (size, crc) != (entry.size, entry.crc32):
        name = entry.name.decode("ascii")
        raise ValueError(
            f"{name} gave {size} bytes with CRC {crc:08x}, "
            f"stated were {entry.size} bytes with CRC {entry.crc32:08x}"
        )
