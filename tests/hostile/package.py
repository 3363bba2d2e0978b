"""Evidence packages as a mapping from path to bytes: statement, README, manifests, zip.

Written from docs/spec/package.md alone, without the verifier's own writer, so that a package which
verifies shows two readings of the specification to agree. The statement's second group of members
is derived from the files themselves: an attacker who changes a file restates and reseals, and no
check but the one that guards the change may catch him.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import new as new_hash
from pathlib import Path
from typing import Any, cast

import rlp
from eth_utils.crypto import keccak

from verifier.format import jsonc
from verifier.format.times import format_block_time

BAGIT = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
STATEMENT = "data/statement.json"
README = "data/README.txt"
SM3 = "data/digests-sm3.txt"
EVM = "data/anchors/evm.json"
CONSISTENCY = "data/batches/consistency.json"
LEAVES = "data/matter/leaves.txt"
PATHS = "data/matter/paths.json"
DISCLOSURES = "data/disclosures.txt"
HISTORY_HEADERS = "data/history/headers.txt"
HISTORY_MAP = "data/history/map.txt"
MANIFESTS = ("manifest-sha256.txt", "manifest-sha512.txt")
TAG_MANIFESTS = ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt")
BASE_FOLDER = "evidence/"

SPECIFICATION = Path(__file__).parents[2] / "docs" / "spec"


# docs/spec/anchor.md §6
EVENT_MEMBERS = frozenset(
    {
        "format", "chain_id", "header", "index", "tx", "tx_proof", "receipt", "receipt_proof",
        "log_index", "account_proof",
    }
)  # fmt: skip

OF_A_BATCH = re.compile(r"data/batches/\d+\.tlog-proof")


def key_set_path(digest: str) -> str:
    return f"data/keys/{digest}.txt"


def old_header_path(batch: int) -> str:
    """The header before a hand-over of keys."""
    return f"data/keys/{batch:06}.json"


def old_proof_path(batch: int) -> str:
    """The tlog-proof of the header before a hand-over of keys."""
    return f"data/keys/{batch:06}.tlog-proof"


def map_path(batch: int) -> str:
    return f"data/map/{batch:06}.json"


def header_path(batch: int) -> str:
    return f"data/batches/{batch:06}.json"


def proof_path(batch: int) -> str:
    return f"data/batches/{batch:06}.tlog-proof"


def digest_list(files: dict[str, bytes], algorithm: str) -> bytes:
    """Lines of hex digest, two spaces, path, ascending by path bytes (docs/spec/package.md §1)."""
    lines = []
    for path in sorted(files, key=lambda path: path.encode("utf-8", "surrogateescape")):
        hexdigest = new_hash(algorithm, files[path]).hexdigest()
        lines.append(f"{hexdigest}  {path}\n".encode("utf-8", "surrogateescape"))
    return b"".join(lines)


@dataclass(frozen=True)
class Package:
    """A package's files by path. Every method returns a new package."""

    files: dict[str, bytes]

    def __getitem__(self, path: str) -> bytes:
        return self.files[path]

    def json(self, path: str) -> Any:
        """A document of the package, for reading or for changing a copy."""
        return json.loads(self.files[path])

    def put(self, path: str, content: bytes) -> Package:
        return replace(self, files=self.files | {path: content})

    def put_json(self, path: str, value: Any) -> Package:
        return self.put(path, jsonc.encode(value))

    def drop(self, *paths: str) -> Package:
        return replace(self, files={p: c for p, c in self.files.items() if p not in paths})

    def move(self, path: str, to: str) -> Package:
        return self.drop(path).put(to, self.files[path])

    def leaf(self, position: int) -> bytes:
        """The bytes of a leaf."""
        [leaf] = [line for line in self._lines(LEAVES) if positions_of(line) == [position]]
        return leaf

    def put_leaf(self, position: int, leaf: bytes) -> Package:
        """Another leaf in the place of the one at `position`."""
        lines = self._lines(LEAVES)
        return self.put_lines(
            LEAVES, [leaf if positions_of(line) == [position] else line for line in lines]
        )

    def add_leaf(self, leaf: bytes, disclosures: Sequence[bytes]) -> Package:
        """One leaf more at the end, with its disclosures."""
        [position] = positions_of(leaf)
        more = self.put_lines(LEAVES, [*self._lines(LEAVES), leaf])
        return more.put_disclosures(position, disclosures)

    def drop_leaf(self, position: int) -> Package:
        """Without a leaf and its disclosures."""
        kept = [line for line in self._lines(LEAVES) if positions_of(line) != [position]]
        return self.put_lines(LEAVES, kept).put_disclosures(position, [])

    def change_lines(self, path: str, change: Callable[[list[bytes]], list[bytes]]) -> Package:
        """Other lines in a file of lines."""
        return self.put_lines(path, change(self._lines(path)))

    def disclosures(self, position: int) -> list[bytes]:
        """The JCS texts of the disclosures of a leaf."""
        start = f"{position} ".encode()
        return [line[len(start) :] for line in self._lines(DISCLOSURES) if line.startswith(start)]

    def put_disclosures(self, position: int, opened: Sequence[bytes]) -> Package:
        """Other disclosures of a leaf, in place; without any line there is no file."""
        lines = self._lines(DISCLOSURES)
        before = [line for line in lines if int(line.split(b" ")[0]) < position]
        after = [line for line in lines if int(line.split(b" ")[0]) > position]
        made = [disclosure_line(position, one) for one in opened]
        changed = [*before, *made, *after]
        return self.put_lines(DISCLOSURES, changed) if changed else self.drop(DISCLOSURES)

    def put_lines(self, path: str, lines: Sequence[bytes]) -> Package:
        """A file of lines, each ended by LF."""
        return self.put(path, b"".join(line + b"\n" for line in lines))

    def _lines(self, path: str) -> list[bytes]:
        return self.files.get(path, b"").split(b"\n")[:-1]

    def chosen(self, **members: Any) -> Package:
        """Change the exporter's own members of the statement; the rest follows at `restated`."""
        return self.put_json(STATEMENT, self.json(STATEMENT) | members)

    def restated(self) -> Package:
        """Statement and README made anew from the files, then everything sealed again."""
        statement = derive_statement(self.files, self.json(STATEMENT))
        return self.put_json(STATEMENT, statement).readdressed()

    def readdressed(self) -> Package:
        """The README made anew from the statement as it stands, then everything sealed again."""
        return self.put(README, readme(self.json(STATEMENT))).sealed()

    def sealed(self) -> Package:
        """SM3 list, manifests and tag manifests made anew; nothing else changes."""
        listed = {p: c for p, c in self.files.items() if p.startswith("data/") and p != SM3}
        return self.put(SM3, digest_list(listed, "sm3")).manifested()

    def manifested(self) -> Package:
        """Manifests and tag manifests made anew."""
        payload = {p: c for p, c in self.files.items() if p.startswith("data/")}
        made = {
            path: digest_list(payload, algorithm)
            for path, algorithm in zip(MANIFESTS, ("sha256", "sha512"), strict=True)
        }
        return replace(self, files=self.files | made).tagged()

    def tagged(self) -> Package:
        """Tag manifests made anew over the tag files that are there."""
        tags = {p: self.files[p] for p in ("bagit.txt", *MANIFESTS) if p in self.files}
        made = {
            path: digest_list(tags, algorithm)
            for path, algorithm in zip(TAG_MANIFESTS, ("sha256", "sha512"), strict=True)
        }
        return replace(self, files=self.files | made)

    def zipped(self) -> bytes:
        return zip_bytes(self.files)

    def write_zip(self, path: Path) -> Path:
        path.write_bytes(self.zipped())
        return path

    def write_folder(self, folder: Path) -> Path:
        for name, content in self.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return folder


def zip_bytes(files: dict[str, bytes]) -> bytes:
    """The one byte form of docs/spec/package.md §2."""
    local, central = [], []
    offset = 0
    named = sorted(
        ((BASE_FOLDER + path).encode("utf-8", "surrogateescape"), content)
        for path, content in files.items()
    )
    for name, content in named:
        # Version needed, flags, method, time, date, CRC, both sizes, name and extra lengths.
        common = struct.pack(
            "<HHHHHIIIHH",
            20, 0, 0, 0x0000, 0x0021, zlib.crc32(content), len(content), len(content), len(name), 0,
        )  # fmt: skip
        entry = b"PK\x03\x04" + common + name + content
        # Version made by; then comment length, disk, internal and external attributes, offset.
        central.append(
            b"PK\x01\x02"
            + struct.pack("<H", 20)
            + common
            + struct.pack("<HHHII", 0, 0, 0, 0, offset)
            + name
        )
        local.append(entry)
        offset += len(entry)
    directory = b"".join(central)
    end = struct.pack("<HHHHIIH", 0, 0, len(named), len(named), len(directory), offset, 0)
    return b"".join(local) + directory + b"PK\x05\x06" + end


def derive_statement(files: dict[str, bytes], chosen: dict[str, Any]) -> dict[str, Any]:
    """The whole statement: `chosen` gives the exporter's members, the files all others (§4)."""
    evm = json.loads(files[EVM])
    as_of = header_of(evm["as_of"]["header"])
    links = evm["fold"]["links"]
    as_of_batch = links[-1]["size"] - 1
    map_proof = json.loads(files[map_path(as_of_batch)])
    return {
        "format": chosen["format"],
        "kind": chosen["kind"],
        "matter": chosen["matter"],
        "withheld": chosen["withheld"],
        "erased": chosen["erased"],
        "history": chosen["history"],
        "verifier": chosen["verifier"],
        "log": {
            "chain_id": evm["chain_id"],
            "contract": evm["contract"],
            "log_address": evm["log_address"],
            "name": json.loads(files[header_path(as_of_batch)])["log"],
        },
        "as_of": {
            "block": as_of.number,
            "block_hash": as_of.hash,
            "time": format_block_time(as_of.timestamp),
            "batch": as_of_batch,
            "last_anchor": format_block_time(links[-1]["time"]),
        },
        "records": int(map_proof["head"].split("\n")[1]) if "head" in map_proof else 0,
        "shown": positions_of(files.get(LEAVES, b"")),
        "anchors": _shown_anchors(files, links),
        "blocks": _blocks_to_compare(files, evm),
    }


def positions_of(leaves: bytes) -> list[int]:
    """The positions that the lines of a file of leaves name, as far as they name one."""
    named = [re.search(rb'"position":([0-9]+)', line) for line in leaves.split(b"\n")]
    found = [int(match[1]) for match in named if match]
    # A larger one has no form in a statement.
    return [position for position in found if position <= jsonc.MAX_INTEGER]


def disclosure_line(position: int, opened: bytes) -> bytes:
    """A line of the file of disclosures, without its LF (docs/spec/package.md §1)."""
    return f"{position} ".encode() + opened


def opened(string: str) -> bytes:
    """The JSON text inside a disclosure string, read as laxly as anyone could."""
    bare = re.sub(r"[^A-Za-z0-9_-]", "", string)
    return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))


# docs/spec/anchor.md §3
HEADER_SIZES = (15, 16, 17, 20, 21, 23)


def field_count(raw: str) -> int:
    """How many fields base64 header RLP has."""
    return len(cast(list[bytes], rlp.decode(b64decode(raw), strict=False)))


@dataclass(frozen=True)
class HeaderFacts:
    """What a block header says of itself, read with the PyPI package `rlp`."""

    number: int
    timestamp: int
    hash: str


def header_of(raw: str) -> HeaderFacts:
    """Read base64 header RLP (docs/spec/anchor.md §3: position 8 number, 11 timestamp)."""
    encoded = b64decode(raw)
    fields = cast(list[bytes], rlp.decode(encoded, strict=False))
    return HeaderFacts(
        int.from_bytes(fields[8], "big"),
        int.from_bytes(fields[11], "big"),
        "0x" + keccak(encoded).hex(),
    )


def checkpoint_of(tlog_proof: bytes) -> tuple[int, str]:
    """Size and hex root of the checkpoint inside a tlog-proof."""
    lines = tlog_proof.decode().split("\n\n")[1].split("\n")
    return int(lines[1]), b64decode(lines[2]).hex()


def _shown_anchors(files: dict[str, bytes], links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    checkpoints = {checkpoint_of(files[p]) for p in files if OF_A_BATCH.fullmatch(p)}
    anchors = []
    for size, root in sorted(checkpoints):
        time = next(link["time"] for link in links if (link["size"], link["root"]) == (size, root))
        anchors.append({"size": size, "root": root, "time": format_block_time(time)})
    return anchors


def _blocks_to_compare(files: dict[str, bytes], evm: dict[str, Any]) -> list[dict[str, Any]]:
    headers = [("as-of", evm["as_of"]["header"])]
    headers += [("leg", leg["header"]) for leg in evm["legs"]]
    found = {
        (header_of(raw).number, use, evm["chain_id"], header_of(raw).hash) for use, raw in headers
    }
    # What a shown batch header names is what a person has to compare, whether or not evm.json
    # carries that block.
    for path in files:
        if re.fullmatch(r"data/batches/\d+\.json", path):
            named = json.loads(files[path])["not_before"]
            if named is not None:
                found.add((named["number"], "not-before", named["chain_id"], named["hash"]))
    found |= _event_blocks(files)
    return [
        {"chain_id": chain_id, "number": number, "hash": block_hash, "used_for": use}
        for number, use, chain_id, block_hash in sorted(found)
    ]


def _event_blocks(files: dict[str, bytes]) -> set[tuple[int, str, int, str]]:
    """The header of every disclosed proof of a `chain_event` that has the form of anchor.md §6."""
    leaves = [line for line in files.get(LEAVES, b"").split(b"\n") if b'"chain_event"' in line]
    of_events = {position for leaf in leaves for position in positions_of(leaf)}
    found = set()
    for line in files.get(DISCLOSURES, b"").split(b"\n")[:-1]:
        position, _, text = line.partition(b" ")
        if b'","proof",{' not in text or int(position) not in of_events:
            continue
        proof = json.loads(text)[2]
        if set(proof) == EVENT_MEMBERS and field_count(proof["header"]) in HEADER_SIZES:
            facts = header_of(proof["header"])
            found.add((facts.number, "event", proof["chain_id"], facts.hash))
    return found


@cache
def readme_template() -> str:
    """The text between the specification's readme fences, with its placeholders."""
    text = (SPECIFICATION / "package.md").read_text("utf-8")
    fenced = re.search(r"^```readme\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    if fenced is None:
        raise AssertionError("docs/spec/package.md §5 no longer holds a readme block")
    return fenced.group(1)


def readme(statement: dict[str, Any]) -> bytes:
    """The README that follows from a statement (docs/spec/package.md §5)."""
    counted = {f"number of {name}": statement[name] for name in ("shown", "withheld", "erased")}

    def filled(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in counted:
            return str(len(counted[name]))
        value: Any = statement
        for part in name.split("."):
            value = value[part]
        return str(value)

    lines = []
    for line in readme_template().split("\n"):
        each = re.fullmatch(r"\{for each block: (.*)\}", line)
        if each is None:
            lines.append(re.sub(r"\{([a-z0-9_. ]+)\}", filled, line))
        else:
            lines += [
                re.sub(r"\{(\w+)\}", lambda m, b=block: str(b[m.group(1)]), each.group(1))
                for block in statement["blocks"]
            ]
    return "\n".join(lines).encode()
