"""Random changes of packages and of the person's files. Each takes the randomness and a package.

`Parts` holds honest packages that parts are taken from: of the three kinds, of
several worlds. Proved useful by the table that tests/soak/test_mutated_packages.py prints.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

import rlp

from tests.hostile.package import EVM, MANIFESTS, SM3, STATEMENT, TAG_MANIFESTS, Package
from tests.soak import edits

HASH_FILES = frozenset({*MANIFESTS, *TAG_MANIFESTS, SM3})
NAMES = (
    "data/extra.txt", "fetch.txt", "manifest-md5.txt", "data/a/../b", "../up", "/root", "data//x",
    "data/.hidden", "data/é", "data/\udcff", "data/" + "x" * 300, "data", "data/matter", "",
    "data/README.TXT", "data/statement.json/x", "DATA/README.txt", "data/matter/leaves/0000000.json",
    "data/matter/leaves/٣٣٣٣٣٣.json", "data/map/" + "9" * 40 + ".json", "data/x\ny", "data/a\\b",
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
    paths = [path for path in sorted(package.files) if path.startswith("data/disclosures/")]
    if not paths:
        return package
    path = rng.choice(paths)
    lines = package[path].split(b"\n")
    index = rng.randrange(len(lines))
    old = lines[index]
    plain = _b64url(old)
    edit = rng.choice((edits.edit_json, edits.edit_json, edits.flip, edits.insert))
    lines[index] = urlsafe_b64encode(edit(rng, plain)).rstrip(b"=")
    changed = package.put(path, b"\n".join(lines))
    leaf = path.replace("disclosures", "matter/leaves").replace(".txt", ".json")
    if rng.random() < 0.6 and leaf in changed.files:
        before, after = (urlsafe_b64encode(sha256(x).digest())[:43] for x in (old, lines[index]))
        changed = changed.put(leaf, changed[leaf].replace(before, after))
    return changed


def _b64url(line: bytes) -> bytes:
    try:
        return urlsafe_b64decode(line + b"=" * (-len(line) % 4))
    except ValueError:
        return line


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
        raw = bytes.fromhex(holder[name][2:])
        type_byte = raw[:1] if raw[:1] < b"\x80" else b""
        items = rlp.decode(raw[len(type_byte) :], strict=False)
        changed = type_byte + rlp.encode(_other_item(rng, items))
        holder[name] = "0x" + changed.hex()
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
    paths = [path for path in sorted(package.files) if path.startswith("data/disclosures/")]
    if not paths:
        return package
    path = rng.choice(paths)
    lines = package[path].splitlines(keepends=True)
    if not lines:
        return package
    line = lines.pop(rng.randrange(len(lines)))
    field = _read(_b64url(line.strip()))
    if not (isinstance(field, list) and len(field) == 3 and path[-10:-4].isdecimal()):
        return package
    package = package.put(path, b"".join(lines)) if lines else package.drop(path)
    if isinstance(field[2], dict) and "name" in field[2] and rng.random() < 0.8:
        package = package.drop(f"data/attachments/{field[2]['name']}")
    hidden = {"position": int(path[-10:-4]), "claim": str(field[1]), "reason": "other"}
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
    "edit rlp": edit_rlp,
    "choose": choose,
}
