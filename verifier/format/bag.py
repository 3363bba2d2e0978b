"""Owns a package as a bag: names of its files, manifests, the SM3 sidecar (docs/spec/package.md §1).

Proved by tests/unit/format_package/test_bag.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from verifier.format.file_digests import Content, Digests, Source, digest_all, digest_bytes

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

MAX_PATH_BYTES = 200  # with any usual base folder below the 260 of older Windows

_PATH = re.compile(r"[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*")
_KEY_SET = re.compile(r"data/keys/([0-9a-f]{64})\.txt")
_SOURCE = re.compile(r"data/sources/([0-9a-f]{64})\.(?:json|txt)")
_TOKEN = re.compile(r"data/anchors/tokens/([0-9]+)-([0-9])-(0|[1-9][0-9]?)\.tst")
_NUMBER = re.compile(r"[0-9]{6}|[1-9][0-9]{6,15}")


class HandOverFiles(NamedTuple):
    """Names of the two files of a hand-over of keys."""

    header: str
    tlog_proof: str


class TokenPlace(NamedTuple):
    """Where a time-stamp token stands: token `number` of a chain over a checkpoint."""

    size: int
    chain: int
    number: int


class SourceFiles(NamedTuple):
    """Names of the two files of a source's log."""

    proof: str
    entries: str


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


def source_names(key: str) -> SourceFiles:
    """The files of the source whose key this is, in hex."""
    return SourceFiles(f"data/sources/{key}.json", f"data/sources/{key}.txt")


def source_in(name: str) -> str | None:
    """The hex key in the name of a source's file, or None if `name` is not of that shape."""
    match = _SOURCE.fullmatch(name)
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
    """A path for a message, in ASCII and cut to a bearable length."""
    return ascii(path if len(path) <= MAX_PATH_BYTES else path[:MAX_PATH_BYTES] + "…")


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
