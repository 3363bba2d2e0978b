"""Owns the container: names, digests, manifests, zip bytes (docs/spec/package.md §1, §2).

Proved by tests/unit/format_package.
"""

import io
import re
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import new as new_hash
from hashlib import sha256, sha512
from pathlib import Path
from typing import BinaryIO, NamedTuple

BASE = "evidence/"  # the zip's one base folder

BAGIT = "bagit.txt"
MANIFESTS = {"sha256": "manifest-sha256.txt", "sha512": "manifest-sha512.txt"}
TAG_MANIFESTS = {"sha256": "tagmanifest-sha256.txt", "sha512": "tagmanifest-sha512.txt"}
README = "data/README.txt"
STATEMENT = "data/statement.json"
LEAVES = "data/matter/leaves.txt"
PATHS = "data/matter/paths.json"
DISCLOSURES = "data/disclosures.txt"
HISTORY_HEADERS = "data/history/headers.txt"
HISTORY_MAP = "data/history/map.txt"
CONSISTENCY = "data/batches/consistency.json"
EVM = "data/anchors/evm.json"
SM3 = "data/digests-sm3.txt"

BAGIT_BYTES = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

MAX_PACKAGE_BYTES = 2 * 2**30  # a hostile package must not exhaust the disk or the afternoon
MAX_FILES = 60_000  # below the 65,535 that a zip without zip64 can count
MAX_PATH_BYTES = 200  # with any usual base folder below the 260 of older Windows

_CHUNK = 2**20  # read at once: memory stays the same however large an attachment is
LARGE = 32 * 2**10  # from here on a hash takes longer than handing it to a thread
_THREADS = 2

_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_KEY_SET = re.compile(r"data/keys/([0-9a-f]{64})\.txt")
_TOKEN = re.compile(r"data/anchors/tokens/([0-9]+)-([0-9])-(0|[1-9][0-9]?)\.tst")
_NUMBER = re.compile(r"[0-9]{6}|[1-9][0-9]{6,15}")

# PKWARE APPNOTE 4.3.7: local file header; 4.3.12: central directory; 4.3.16: its end.
LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_TIME = 0x0000
_DATE = 0x0021  # 1980-01-01


class Source(NamedTuple):
    """A file that is streamed. `open` gives its bytes from the start, as often as asked."""

    size: int
    crc32: int
    open: Callable[[], BinaryIO]


Content = bytes | Path | Source


class Digests(NamedTuple):
    """What one reading of a file gives. `sm3` is there only if it was asked for."""

    size: int
    crc32: int
    sha256: bytes
    sha512: bytes
    sm3: bytes | None = None


class HandOverFiles(NamedTuple):
    """Names of the two files of a hand-over of keys."""

    header: str
    tlog_proof: str


class TokenPlace(NamedTuple):
    """Where a time-stamp token stands: token `number` of a chain over a checkpoint."""

    size: int
    chain: int
    number: int


class ShownFiles(NamedTuple):
    """Names of the three files that a shown batch has."""

    map_proof: str
    header: str
    tlog_proof: str


def attachment_name(name: str) -> str:
    """The file of the attachment whose disclosure says `name`."""
    return f"data/attachments/{name}"


def batch_names(batch: int) -> ShownFiles:
    """The files of shown batch `batch`."""
    return ShownFiles(
        map_proof=f"data/map/{batch:06d}.json",
        header=f"data/batches/{batch:06d}.json",
        tlog_proof=f"data/batches/{batch:06d}.tlog-proof",
    )


def key_set_name(digest: str) -> str:
    """The file of the key set whose hex digest this is."""
    return f"data/keys/{digest}.txt"


def key_set_in(name: str) -> str | None:
    """The hex digest in the name of a key set's file, or None if `name` is not of that shape."""
    match = _KEY_SET.fullmatch(name)
    return None if match is None else match[1]


def token_name(place: TokenPlace) -> str:
    """The file of a time-stamp token."""
    return f"data/anchors/tokens/{place.size:06d}-{place.chain}-{place.number}.tst"


def token_in(name: str) -> TokenPlace | None:
    """The place in the name of a token's file, or None if `name` is not of that shape."""
    match = _TOKEN.fullmatch(name)
    if match is None or not _NUMBER.fullmatch(match[1]):
        return None
    return TokenPlace(int(match[1]), int(match[2]), int(match[3]))


def hand_over_names(batch: int) -> HandOverFiles:
    """The files of the hand-over after batch `batch`."""
    return HandOverFiles(
        header=f"data/keys/{batch:06d}.json", tlog_proof=f"data/keys/{batch:06d}.tlog-proof"
    )


def number_in(name: str, folder: str, ending: str) -> int | None:
    """The B of `folder` B `ending`, or None if `name` is not of that shape.

    Numbers are decimal, padded with zeros to six digits, and have one form each.
    """
    if not (name.startswith(folder) and name.endswith(ending)):
        return None
    text = name[len(folder) : len(name) - len(ending)]
    return int(text) if _NUMBER.fullmatch(text) else None


def path_bytes(path: str) -> bytes:
    """The bytes of a path as read, also of one that is not allowed."""
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Windows can have a name that is no Unicode at all; it is refused, and must not break this.
        return path.encode("utf-8", "backslashreplace")


def path_fault(path: str) -> str | None:
    """Why a path within a package is not allowed, or None if it is (package.md §1)."""
    if len(path) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if not _PATH.fullmatch(path):
        return "holds a character or an empty part that is not allowed"
    if any(part.startswith(".") for part in path.split("/")):
        return "has a part that begins with a dot"
    return None


def path_faults(paths: Iterable[str]) -> list[str]:
    """Every path that is not allowed, and every two that differ only in case, as sentences."""
    faults = []
    folded: dict[str, str] = {}
    for path in paths:
        fault = path_fault(path)
        if fault is not None:
            faults.append(f"{quote(path)} {fault}")
        other = folded.setdefault(path.lower(), path)
        if other != path:
            faults.append(f"{quote(path)} and {quote(other)} differ only in case")
    return faults


def quote(path: str) -> str:
    return ascii(path if len(path) <= MAX_PATH_BYTES else path[:MAX_PATH_BYTES] + "…")


class _Hashes:
    """Takes a file's bytes once for every digest."""

    def __init__(self, *, sm3: bool) -> None:
        self._size = 0
        self._crc32 = 0
        self._sha256 = sha256()
        self._sha512 = sha512()
        self._sm3 = new_hash("sm3") if sm3 else None

    def update(self, data: bytes | memoryview) -> None:
        self._size += len(data)
        self._crc32 = zlib.crc32(data, self._crc32)
        self._sha256.update(data)
        self._sha512.update(data)
        if self._sm3 is not None:
            self._sm3.update(data)

    def digests(self) -> Digests:
        return Digests(
            self._size,
            self._crc32,
            self._sha256.digest(),
            self._sha512.digest(),
            None if self._sm3 is None else self._sm3.digest(),
        )


def digest_bytes(data: bytes, *, sm3: bool = False) -> Digests:
    """Digest bytes that are in memory."""
    return Digests(
        len(data),
        zlib.crc32(data),
        sha256(data).digest(),
        sha512(data).digest(),
        new_hash("sm3", data).digest() if sm3 else None,
    )


def digest_stream(stream: BinaryIO, *, sm3: bool = False, limit: int | None = None) -> Digests:
    """Digest what `stream` gives, at most `limit` bytes of it, in memory of one chunk."""
    hashes = _Hashes(sm3=sm3)
    for chunk in _chunks(stream, limit):
        hashes.update(chunk)
    return hashes.digests()


def digest_all(files: Mapping[str, Content], *, sm3: bool = False) -> dict[str, Digests]:
    """Digest every file once; large ones in two threads."""
    jobs: list[Callable[[], None]] = []
    digests: dict[str, Digests] = {}

    def digest(name: str, content: Path | Source) -> None:
        with _open(content) as stream:
            digests[name] = digest_stream(stream, sm3=sm3)

    for name, content in files.items():
        if isinstance(content, bytes):
            digests[name] = digest_bytes(content, sm3=sm3)
        elif _size(content) < LARGE:
            digest(name, content)
        else:
            jobs.append(lambda name=name, content=content: digest(name, content))  # type: ignore[misc]
    in_threads(jobs)
    return digests


def _chunks(stream: BinaryIO, limit: int | None) -> Iterator[bytes]:
    left = limit
    while left is None or left > 0:
        chunk = stream.read(_CHUNK if left is None else min(_CHUNK, left))
        if not chunk:
            return
        if left is not None:
            left -= len(chunk)
        yield chunk


def _size(content: Path | Source) -> int:
    return content.size if isinstance(content, Source) else content.stat().st_size


def _open(content: Content) -> BinaryIO:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    if isinstance(content, Source):
        return content.open()
    return content.open("rb", buffering=0)


def in_threads(jobs: Sequence[Callable[[], None]]) -> None:
    """Run the jobs, two at a time. hashlib and zlib let go of the interpreter while they work."""
    if len(jobs) < _THREADS:
        for job in jobs:
            job()
        return
    waiting = iter(jobs)
    lock = threading.Lock()
    failures: list[BaseException] = []

    def work() -> None:
        while not failures:
            with lock:
                job = next(waiting, None)
            if job is None:
                return
            try:
                job()
            except BaseException as failure:  # noqa: BLE001 - raised again below, in the caller
                failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def payload_manifests(digests: Mapping[str, Digests]) -> dict[str, bytes]:
    """Both manifests over the files under data/ among `digests`."""
    names = sorted((name for name in digests if name.startswith("data/")), key=path_bytes)
    return _lists(MANIFESTS, names, digests)


def tag_manifests(digests: Mapping[str, Digests]) -> dict[str, bytes]:
    """Both tag manifests, over those of bagit.txt and the manifests that are in `digests`."""
    names = sorted(name for name in (BAGIT, *MANIFESTS.values()) if name in digests)
    return _lists(TAG_MANIFESTS, names, digests)


def manifests(digests: Mapping[str, Digests]) -> dict[str, bytes]:
    """bagit.txt, both manifests and both tag manifests of the files under data/."""
    files = {BAGIT: BAGIT_BYTES} | payload_manifests(digests)
    return files | tag_manifests({name: digest_bytes(data) for name, data in files.items()})


def sm3_sidecar(digests: Mapping[str, Digests]) -> bytes:
    """The SM3 sidecar over every file under data/ but itself.

    The digests must have been made with sm3=True; raises ValueError where they were not.
    """
    lines = []
    for name in sorted(digests, key=path_bytes):
        if name.startswith("data/") and name != SM3:
            digest = digests[name].sm3
            if digest is None:
                raise ValueError(f"{name} has no SM3 digest; digest it with sm3=True")
            lines.append(_line(digest, name))
    return path_bytes("".join(lines))


def add_tag_files(
    files: Mapping[str, Content], digests: Mapping[str, Digests] | None = None
) -> dict[str, Content]:
    """Make the files under data/ a bag: add the SM3 sidecar, the manifests and bagit.txt.

    `digests` spares reading again what the caller has digested, with sm3=True. A path is
    replaced by a source of known size and CRC, so that `write_zip` reads it only once more.
    Raises ValueError for a name outside data/ or one that the format does not allow.
    """
    known = dict(digests or {})
    for name in files:
        if not name.startswith("data/") or name == SM3:
            raise ValueError(f"{name!r} is not a file that an exporter puts under data/")
    if faults := path_faults(files):
        raise ValueError("; ".join(faults))
    known |= digest_all({n: c for n, c in files.items() if n not in known}, sm3=True)
    known = {name: known[name] for name in files}
    sidecar = sm3_sidecar(known)
    known[SM3] = digest_bytes(sidecar)
    bag: dict[str, Content] = {SM3: sidecar, **manifests(known)}
    for name, content in files.items():
        if isinstance(content, Path):
            size, crc = known[name].size, known[name].crc32
            bag[name] = Source(size, crc, lambda path=content: path.open("rb"))  # type: ignore[misc]
        else:
            bag[name] = content
    return bag


def _lists(
    lists: Mapping[str, str], names: Sequence[str], digests: Mapping[str, Digests]
) -> dict[str, bytes]:
    texts = {}
    for algorithm, file in lists.items():
        lines = [_line(getattr(digests[name], algorithm), name) for name in names]
        texts[file] = path_bytes("".join(lines))
    return texts


def _line(digest: bytes, name: str) -> str:
    return f"{digest.hex()}  {name}\n"


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
    sizes = {n: len(c) if isinstance(c, bytes) else _size(c) for n, c in files.items()}
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
    with _open(content) as stream:
        for chunk in _chunks(stream, None):
            crc = zlib.crc32(chunk, crc)
    return crc


def _copy(content: Content, entry: ZipEntry, out: BinaryIO) -> None:
    size = crc = 0
    with _open(content) as stream:
        for chunk in _chunks(stream, None):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
            out.write(chunk)
    if (size, crc) != (entry.size, entry.crc32):
        name = entry.name.decode("ascii")
        raise ValueError(
            f"{name} gave {size} bytes with CRC {crc:08x}, "
            f"stated were {entry.size} bytes with CRC {entry.crc32:08x}"
        )
