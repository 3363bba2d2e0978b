"""Random changes of packages and of the person's files. Each takes the randomness and a package.

`Parts` holds honest packages that parts are taken from: of the three kinds, of
several worlds. Proved useful by the table that tests/soak/test_mutated_packages.py prints.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import rlp

from tests.hostile.package import (
    DISCLOSURES,
    EVM,
    HISTORY_HEADERS,
    HISTORY_MAP,
    LEAVES,
    MANIFESTS,
    SM3,
    STATEMENT,
    TAG_MANIFESTS,
    Package,
)
from tests.soak import edits

FILES_OF_LINES = (LEAVES, DISCLOSURES, HISTORY_HEADERS, HISTORY_MAP)
HASH_FILES = frozenset({*MANIFESTS, *TAG_MANIFESTS, SM3})
NAMES = (
    "data/extra.txt", "fetch.txt", "manifest-md5.txt", "data/a/../b", "../up", "/root", "data//x",
    "data/.hidden", "data/é", "data/\udcff", "data/" + "x" * 300, "data", "data/matter", "",
    "data/README.TXT", "data/statement.json/x", "DATA/README.txt", "data/map/0000000.json",
    "data/map/٣٣٣٣٣٣.json", "data/map/" + "9" * 40 + ".json", "data/x\ny", "data/a\\b",
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """Honest packages whose parts a mutator may take: exports of the same and of another world."""

    packages: Sequence[Package]


Mutator = Callable[[Random, Package, Parts], Package]


def some_path(rng: Random, package: Package) -> str:
    """A path: of the files that carry evidence in most cases."""
    paths = sorted(package.files)
    evidence = [path for path in paths if path.startswith("data/") and path not in HASH_FILES]
    return rng.choice(evidence if evidence and rng.random() < 0.85 else paths)


def of_one_file(edit: edits.Edit) -> Mutator:
    def mutate(rng: Random, package: Package, _: Parts) -> Package:
        path = some_path(rng, package)
        return package.put(path, edit(rng, package[path]))

    return mutate


def new_name(rng: Random, package: Package, path: str) -> str:
    """A name that stands near `path`: another number, another case, another file's, or a bad one."""
    number = rng.choice((0, 1, 2, 3, 4, 5, 6, 7, 999_999, 1_000_000, 2**40))
    folder, _, name = path.rpartition("/")
    suffix = "." + name.partition(".")[2]
    near = (f"{folder}/{number:06}{suffix}", f"{folder}/{number}{suffix}", path.upper(), path + "0")
    return rng.choice((*near, rng.choice(NAMES), some_path(rng, package)))


def duplicate_file(rng: Random, package: Package, _: Parts) -> Package:
    path = some_path(rng, package)
    return package.put(new_name(rng, package, path), package[path])


def rename_file(rng: Random, package: Package, _: Parts) -> Package:
    path = some_path(rng, package)
    return package.move(path, new_name(rng, package, path))


def drop_file(rng: Random, package: Package, _: Parts) -> Package:
    return package.drop(some_path(rng, package))


def swap_files(rng: Random, package: Package, _: Parts) -> Package:
    a, b = some_path(rng, package), some_path(rng, package)
    return package.put(a, package[b]).put(b, package[a])


def part_of_another(rng: Random, package: Package, parts: Parts) -> Package:
    """A file, a folder or a member of a document comes from another package."""
    other = rng.choice(parts.packages)
    path = some_path(rng, other)
    match rng.randrange(4):
        case 0:
            folder = path.rpartition("/")[0]
            kept = [one for one in package.files if one.rpartition("/")[0] == folder]
            taken = {p: c for p, c in other.files.items() if p.rpartition("/")[0] == folder}
            return Package(package.drop(*kept).files | taken)
        case 1 if path.endswith(".json") and path in package.files:
            own, foreign = _read(package[path]), _read(other[path])
            if isinstance(own, dict) and isinstance(foreign, dict) and foreign:
                name = rng.choice(sorted(foreign))
                return package.put(path, edits.write(rng, own | {name: foreign[name]}))
    return package.put(path, other[path])


def hash_of_another(rng: Random, package: Package, parts: Parts) -> Package:
    """A hash of another file, or of another package, stands for a hash; everywhere or once."""
    paths = [path for path in sorted(package.files) if path not in HASH_FILES]
    source = rng.choice((package, rng.choice(parts.packages)))
    foreign = edits.HASHES.findall(source[some_path(rng, source)])
    path = rng.choice(paths) if paths else some_path(rng, package)
    own = edits.HASHES.findall(package[path])
    if not own:
        return package
    old = rng.choice(own)
    fitting = [one for one in foreign if len(one) == len(old)] or [old[::-1]]
    new = rng.choice(fitting)
    if rng.random() < 0.5:
        return package.put(path, package[path].replace(old, new, 1))
    everywhere = {p: package[p].replace(old, new) for p in paths}
    return Package(package.files | everywhere)


def edit_disclosure(rng: Random, package: Package, _: Parts) -> Package:
    """A disclosed field says something else; the leaf mostly takes the new digest."""
    lines = package.files.get(DISCLOSURES, b"").split(b"\n")
    index = rng.randrange(len(lines))
    position, _space, old = lines[index].partition(b" ")
    edit = rng.choice((edits.edit_json, edits.edit_json, edits.flip, edits.insert))
    new = edit(rng, old)
    lines[index] = position + b" " + new
    changed = package.put(DISCLOSURES, b"\n".join(lines))
    if rng.random() < 0.6 and LEAVES in changed.files:
        before, after = (_digest(urlsafe_b64encode(x).rstrip(b"=")) for x in (old, new))
        changed = changed.put(LEAVES, changed[LEAVES].replace(before, after))
    return changed


def _digest(string: bytes) -> bytes:
    """What stands in a leaf for a disclosure string."""
    return urlsafe_b64encode(sha256(string).digest())[:43]


def edit_lines(rng: Random, package: Package, _: Parts) -> Package:
    """Lines of a file of lines are doubled, dropped, swapped, joined, split, or get another start."""
    paths = [path for path in FILES_OF_LINES if path in package.files]
    if not paths:
        return package
    path = rng.choice(paths)
    lines = package[path].split(b"\n")
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(6):
        case 0:
            lines.insert(b, lines[a])
        case 1:
            del lines[a]
        case 2:
            lines[a], lines[b] = lines[b], lines[a]
        case 3:
            lines[a : a + 2] = [b"".join(lines[a : a + 2])]
        case 4:
            lines.insert(a, rng.choice((b"", b" ", b"\r", b"0", lines[b][: len(lines[b]) // 2])))
        case _:
            start = rng.choice((b"0", b"1", b"00", b"7", b"+1", b"-0", b" ", b"9" * 30, b""))
            lines[a] = start + b" " + lines[a].partition(b" ")[2]
    return package.put(path, b"\n".join(lines))


def edit_rlp(rng: Random, package: Package, _: Parts) -> Package:
    """An item inside a header, a proof node, a transaction or a receipt is another one."""
    document = _read(package.files.get(EVM, b""))
    try:
        holders: list[tuple[Any, Any]] = [(document["as_of"], "header")]
        holders += [(one, name) for one in document["legs"] for name in ("header", "tx", "receipt")]
        for one in (document["as_of"], *document["legs"]):
            for name in ("account_proof", "storage_proof", "tx_proof", "receipt_proof"):
                holders += [(one[name], at) for at in range(len(one.get(name, ())))]
        holder, name = rng.choice(holders)
        raw = b64decode(holder[name])
        type_byte = raw[:1] if raw[:1] < b"\x80" else b""
        items = rlp.decode(raw[len(type_byte) :], strict=False)
        changed = type_byte + rlp.encode(_other_item(rng, items))
        holder[name] = b64encode(changed).decode()
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, rlp.DecodingError):
        return package
    return package.put(EVM, edits.write(rng, document))


def _other_item(rng: Random, item: Any) -> Any:
    if isinstance(item, bytes):
        if rng.random() < 0.2:
            return rng.choice((b"", b"\x00", b"\x01", [], [item], item * 2, rng.randbytes(32)))
        return rng.choice((edits.flip, edits.delete, edits.insert))(rng, item)
    if not item or rng.random() < 0.2:
        return rng.choice(([], b"", [*item, b""], item[:-1], item[::-1], [item]))
    at = rng.randrange(len(item))
    return [*item[:at], _other_item(rng, item[at]), *item[at + 1 :]]


def choose(rng: Random, package: Package, _: Parts) -> Package:
    """What the exporter is free to say is said otherwise, in an allowed form or not."""
    statement, evm = _read(package.files.get(STATEMENT, b"")), _read(package.files.get(EVM, b""))
    if not (isinstance(statement, dict) and isinstance(evm, dict)):
        return package
    match rng.randrange(5):
        case 0:
            words = ("privilege", "personal_data", "trade_secret", "mediation", "other", "", "none")
            for one in statement.get("withheld") or []:
                one["reason"] = rng.choice(words)
        case 1:
            version = rng.choice(("1", "2.0.0+x", "", "a" * 64, "a" * 65, "é", "1\n"))
            digest = rng.choice((rng.randbytes(32).hex(), "0" * 64, "0" * 63))
            statement["verifier"] = {"version": version, "sha256": digest}
        case 2:
            evm["observed"] = [rng.choice(edits.STRINGS) for _ in range(rng.randint(1, 3))]
        case 3 if SM3 in package.files:
            return package.put(SM3, rng.choice(list(edits.EDITS.values()))(rng, package[SM3]))
        case _:
            return _hide(rng, package, statement)
    changed = package.put(STATEMENT, edits.write(rng, statement))
    return changed.put(EVM, edits.write(rng, evm))


def _hide(rng: Random, package: Package, statement: dict[str, Any]) -> Package:
    """One disclosure is taken out and listed as withheld; its attachment mostly goes as well."""
    lines = package.files.get(DISCLOSURES, b"").splitlines(keepends=True)
    if not lines:
        return package
    position, _, text = lines.pop(rng.randrange(len(lines))).partition(b" ")
    field = _read(text)
    if not (isinstance(field, list) and len(field) == 3 and position.isdigit()):
        return package
    kept = b"".join(lines)
    package = package.put(DISCLOSURES, kept) if kept else package.drop(DISCLOSURES)
    if isinstance(field[2], dict) and "name" in field[2] and rng.random() < 0.8:
        package = package.drop(f"data/attachments/{field[2]['name']}")
    hidden = {"position": int(position[:18]), "claim": str(field[1]), "reason": "other"}
    withheld = [*(statement.get("withheld") or []), hidden]
    statement["withheld"] = sorted(withheld, key=lambda one: (one["position"], one["claim"]))
    return package.put(STATEMENT, edits.write(rng, statement))


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


MUTATORS: dict[str, Mutator] = {
    **{name: of_one_file(edit) for name, edit in edits.EDITS.items()},
    "duplicate file": duplicate_file,
    "rename file": rename_file,
    "drop file": drop_file,
    "swap files": swap_files,
    "part of another": part_of_another,
    "hash of another": hash_of_another,
    "edit disclosure": edit_disclosure,
    "edit lines": edit_lines,
    "edit rlp": edit_rlp,
    "choose": choose,
}
