"""Owns the package as a container: names, zip bytes, manifests (docs/spec/package.md §1, §2).

Reading never judges. It notes what departs from the one form, so that each rule is judged by
its own step of docs/spec/verification.md §3. Proved by tests/unit/format_package.
"""

import io
import os
import re
import stat
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import new as new_hash
from hashlib import sha256, sha512
from pathlib import Path
from typing import BinaryIO

BASE = "evidence/"  # the zip's one base folder

BAGIT = "bagit.txt"
MANIFESTS = {"sha256": "manifest-sha256.txt", "sha512": "manifest-sha512.txt"}
TAG_MANIFESTS = {"sha256": "tagmanifest-sha256.txt", "sha512": "tagmanifest-sha512.txt"}
README = "data/README.txt"
STATEMENT = "data/statement.json"
PATHS = "data/matter/paths.json"
CONSISTENCY = "data/batches/consistency.json"
EVM = "data/anchors/evm.json"
SM3 = "data/digests-sm3.txt"

BAGIT_BYTES = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

MAX_PACKAGE_BYTES = 2 * 2**30  # a hostile package must not exhaust the disk or the afternoon
MAX_FILES = 60_000  # below the 65,535 that a zip without zip64 can count
MAX_PATH_BYTES = 200  # with any usual base folder below the 260 of older Windows
MAX_FOLDERS = 1_000  # a package has six; a directory of nothing but folders must end somewhere
MAX_FAULTS = 50  # a report names the first ones; the rest say no more

_CHUNK = 2**20  # read at once: memory stays the same however large an attachment is
_LARGE = 128 * 2**10  # from here on a hash takes longer than handing it to a thread
_THREADS = 2
_KEPT_FILE = 2**20  # a file up to this size is kept for the steps after its first reading …
_KEPT_TOTAL = 256 * 2**20  # … while all that is kept together stays below this

_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_NUMBER = re.compile(r"[0-9]{6}|[1-9][0-9]{6,15}")

# PKWARE APPNOTE 4.3.7: local file header; 4.3.12: central directory; 4.3.16: its end.
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION = 20
_TIME = 0x0000
_DATE = 0x0021  # 1980-01-01


class BagUnreadable(Exception):
    """The operating system would not give the bytes, or they changed during the check."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is streamed. `open` gives its bytes from the start, as often as asked."""

    size: int
    crc32: int
    open: Callable[[], BinaryIO]


Content = bytes | Path | Source


@dataclass(frozen=True, slots=True)
class Digests:
    """What one reading of a file gives. `sm3` is there only if it was asked for."""

    size: int
    crc32: int
    sha256: bytes
    sha512: bytes
    sm3: bytes | None = None


@dataclass(frozen=True, slots=True)
class ShownFiles:
    """Names of the three files that a shown batch has."""

    map_proof: str
    header: str
    tlog_proof: str


# ---------------------------------------------------------------------------- names


def leaf_name(position: int) -> str:
    """The file that holds leaf `position`."""
    return f"data/matter/leaves/{position:06d}.json"


def disclosures_name(position: int) -> str:
    """The file that holds the disclosures of leaf `position`."""
    return f"data/disclosures/{position:06d}.txt"


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


def number_in(name: str, folder: str, ending: str) -> int | None:
    """The N or B of `folder` N `ending`, or None if `name` is not of that shape.

    Numbers are decimal, padded with zeros to six digits, and have one form each.
    """
    if not (name.startswith(folder) and name.endswith(ending)):
        return None
    text = name[len(folder) : len(name) - len(ending)]
    return int(text) if _NUMBER.fullmatch(text) else None


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
            faults.append(f"{_quote(path)} {fault}")
        other = folded.setdefault(path.lower(), path)
        if other != path:
            faults.append(f"{_quote(path)} and {_quote(other)} differ only in case")
    return faults


def _quote(path: str) -> str:
    return ascii(path if len(path) <= MAX_PATH_BYTES else path[:MAX_PATH_BYTES] + "…")


# ---------------------------------------------------------------------------- digests


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
        elif _size(content) < _LARGE:
            digest(name, content)
        else:
            jobs.append(lambda name=name, content=content: digest(name, content))  # type: ignore[misc]
    _in_threads(jobs)
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


def _in_threads(jobs: Sequence[Callable[[], None]]) -> None:
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


# ---------------------------------------------------------------------------- manifests


def payload_manifests(digests: Mapping[str, Digests]) -> dict[str, bytes]:
    """Both manifests over the files under data/ among `digests`."""
    names = sorted(name for name in digests if name.startswith("data/"))
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
    for name in sorted(digests):
        if name.startswith("data/") and name != SM3:
            digest = digests[name].sm3
            if digest is None:
                raise ValueError(f"{name} has no SM3 digest; digest it with sm3=True")
            lines.append(_line(digest, name))
    return "".join(lines).encode("ascii")


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
        # A name that is not ASCII is refused by its own rule; here it must only not break.
        texts[file] = "".join(lines).encode("utf-8", "surrogateescape")
    return texts


def _line(digest: bytes, name: str) -> str:
    return f"{digest.hex()}  {name}\n"


# ---------------------------------------------------------------------------- zip


@dataclass(frozen=True, slots=True)
class _ZipEntry:
    """What decides an entry's bytes. `name` is the full name, `offset` that of its local header."""

    name: bytes
    size: int
    crc32: int
    offset: int

    def local_header(self) -> bytes:
        """PKWARE APPNOTE 4.3.7, filled as package.md §2 says."""
        fields = (_VERSION, 0, 0, _TIME, _DATE, self.crc32, self.size, self.size)
        return _LOCAL.pack(b"PK\x03\x04", *fields, len(self.name), 0) + self.name

    def central_header(self) -> bytes:
        """PKWARE APPNOTE 4.3.12, filled as package.md §2 says."""
        fields = (_VERSION, _VERSION, 0, 0, _TIME, _DATE, self.crc32, self.size, self.size)
        lengths = (len(self.name), 0, 0, 0, 0, 0)
        return _CENTRAL.pack(b"PK\x01\x02", *fields, *lengths, self.offset) + self.name


def _directory(entries: Sequence[_ZipEntry], offset: int) -> bytes:
    """The central directory, which begins at `offset`, and its end record."""
    central = b"".join([entry.central_header() for entry in entries])
    end = _END.pack(b"PK\x05\x06", 0, 0, len(entries), len(entries), len(central), offset, 0)
    return central + end


def zip_size(sizes: Mapping[str, int]) -> int:
    """How many bytes the zip of files of these names and sizes has."""
    names = sum(2 * (len(BASE) + len(os.fsencode(name))) for name in sizes)
    return sum(sizes.values()) + names + len(sizes) * (_LOCAL.size + _CENTRAL.size) + _END.size


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
        entry = _ZipEntry((BASE + name).encode("ascii"), sizes[name], crc, offset)
        entries.append(entry)
        out.write(entry.local_header())
        _copy(content, entry, out)
        offset += _LOCAL.size + len(entry.name) + entry.size
    out.write(_directory(entries, offset))


def _crc32(content: Path) -> int:
    crc = 0
    with _open(content) as stream:
        for chunk in _chunks(stream, None):
            crc = zlib.crc32(chunk, crc)
    return crc


def _copy(content: Content, entry: _ZipEntry, out: BinaryIO) -> None:
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


# ---------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Place:
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
        if len(data) <= _KEPT_FILE and self._kept_bytes + len(data) <= _KEPT_TOTAL:
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
        if bag.form_faults and offset is None:
            return bag
        offset = offset or 0
        wanted = _directory(entries, offset)
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
) -> tuple[list[_ZipEntry], int | None]:
    """Read entry after entry. The second value is where they end, None if they break off."""
    entries: list[_ZipEntry] = []
    large: list[Callable[[], None]] = []
    offset = 0
    previous = b""
    broken = False
    while True:
        head = stream.read(_LOCAL.size)
        if head[:4] in (b"PK\x01\x02", b"PK\x05\x06"):
            break
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            broken = True
            bag._fault(bag.form_faults, f"no entry and no directory begins at byte {offset}")
            break
        if len(entries) == MAX_FILES:
            broken = True
            bag._fault(bag.form_faults, f"there are more than {MAX_FILES} files")
            break
        crc, size = _LOCAL.unpack(head)[6:8]
        name_length, extra_length = _LOCAL.unpack(head)[9:11]
        raw_name = stream.read(name_length)
        start = offset + _LOCAL.size + name_length + extra_length
        if start + size > end:
            broken = True
            bag._fault(bag.form_faults, f"the entry at byte {offset} runs past the end of the file")
            break
        if extra_length:
            stream.seek(start)
        entry = _ZipEntry(raw_name, size, crc, offset)
        name = raw_name.decode("utf-8", "surrogateescape")
        shown = _quote(name)
        if head + raw_name != entry.local_header():
            bag._fault(bag.form_faults, f"the local header of {shown} has not the one form")
        if raw_name <= previous:
            bag._fault(bag.form_faults, f"{shown} stands twice or out of order")
        if not name.startswith(BASE):
            bag._fault(bag.form_faults, f"{shown} is outside the folder {BASE}")
        previous = max(previous, raw_name)
        entries.append(entry)
        inner = name.removeprefix(BASE)
        if inner in bag.files or inner in bag._places:
            # The first one stands; the repetition is a fault already.
            stream.seek(start + size)
        elif size < _LARGE:
            data = stream.read(size)
            digests = bag._take(inner, data, _Place(path, start), sm3=sm3)
            _check_crc(bag, inner, digests, entry)
        else:
            bag._places[inner] = _Place(path, start)
            large.append(_digest_job(bag, inner, entry, sm3=sm3))
            stream.seek(start + size)
        offset = start + size
    _in_threads(large)
    # Threads end in any order; the files stand in the order of the package.
    bag.files = {name: bag.files[name] for name in bag._places}
    return entries, None if broken else offset


def _check_crc(bag: Bag, name: str, digests: Digests, entry: _ZipEntry) -> None:
    if (digests.size, digests.crc32) != (entry.size, entry.crc32):
        bag._fault(bag.form_faults, f"{_quote(name)} has not the CRC that its header states")


def _digest_job(bag: Bag, name: str, entry: _ZipEntry | None, *, sm3: bool) -> Callable[[], None]:
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
    if len(sizes) > MAX_FILES or zip_size(sizes) > MAX_PACKAGE_BYTES:
        bag.form_faults.append(
            f"a package has at most {MAX_FILES} files and {MAX_PACKAGE_BYTES} bytes as a zip"
        )
        return bag
    large = []
    for name in sorted(sizes, key=os.fsencode):
        place = _Place(path / name, 0)
        if sizes[name] < _LARGE:
            with place.path.open("rb", buffering=0) as stream:
                data = stream.read(_LARGE)
            if len(data) != sizes[name]:
                raise BagUnreadable(f"{place.path} changed while it was being read")
            bag._take(name, data, place, sm3=sm3)
        else:
            bag._places[name] = place
            large.append(_digest_job(bag, name, None, sm3=sm3))
    _in_threads(large)
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
                        bag._fault(bag.forbidden, f"the folder {_quote(name)} {fault}")
                    else:
                        folders.append(name)
                elif stat.S_ISREG(status.st_mode) and not _is_reparse_point(status):
                    sizes[name] = status.st_size
                else:
                    bag._fault(bag.forbidden, f"{_quote(name)} is a link or a special file")
                if len(sizes) > MAX_FILES or seen + len(folders) > MAX_FOLDERS:
                    bag.form_faults.append(
                        f"there are more than {MAX_FILES} files or {MAX_FOLDERS} folders"
                    )
                    return None
        if empty:
            bag._fault(bag.empty_folders, f"the folder {_quote(folder or '.')} is empty")
    return sizes
