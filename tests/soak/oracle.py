"""Says in what a changed package differs from an honest one, leaving out what nothing covers.

Written from docs/spec alone. What is left to an exporter, or to nobody, is this and no more:
- `observed` of evm.json, an array of strings (anchor.md §4);
- reasons of withheld fields and the verifier's identity (package.md §4), in their forms;
- which of the disclosures are present, if all others are listed as withheld and their attachments
  are gone (package.md §1, §4);
- the leg of an anchor, if it holds, in a block whose number the person has no hash for (anchor.md §5,
  verification.md §3, step 9.2): no date rests on it;
- signature lines of foreign keys under a checkpoint (format.md §11);
- the content of data/digests-sm3.txt, unless it is asked for (verification.md §3, step 2.8).

So the honest package is made anew with these choices as the changed one has them, and every byte of
every file is compared. Proved by tests/soak/test_oracle.py.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Container
from typing import Any

from rlp import DecodingError

from tests.hostile.package import (
    DISCLOSURES,
    EVM,
    README,
    SM3,
    STATEMENT,
    Package,
    derive_statement,
    header_of,
    readme,
)

REASONS = {"privilege", "personal_data", "trade_secret", "mediation", "not_relevant", "other"}
KEY_ID_LENGTH = 4  # bytes


def differences(
    changed: Package,
    honest: Package,
    *,
    sm3: bool = False,
    listed: Container[int] = range(2**64),
) -> list[str]:
    """Paths at which the changed package is not `honest` with other free choices; none if it is.

    `listed` are the numbers of the blocks whose hash the person has; without them, all.
    """
    try:
        wanted = _with_choices_of(changed, honest, sm3, listed)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, DecodingError):
        # Its choices are none, so every file is compared as it stands.
        wanted = honest
    paths = sorted(wanted.files.keys() | changed.files.keys())
    return [path for path in paths if wanted.files.get(path) != changed.files.get(path)]


def _with_choices_of(
    changed: Package, honest: Package, sm3: bool, listed: Container[int]
) -> Package:
    """The honest package with the exporter's choices of the changed one. Raises what json does."""
    stated = honest.json(STATEMENT)
    said = changed.json(STATEMENT)
    wanted = honest.put(EVM, _evm(changed, honest, listed))
    hidden: list[dict[str, Any]] = []
    for path in honest.files:
        if path == DISCLOSURES:
            wanted, hidden = _disclosed(wanted, changed)
        elif path.endswith(".tlog-proof"):
            wanted = wanted.put(path, _with_foreign_signatures(changed[path], honest[path]))
    withheld = sorted(
        [*stated["withheld"], *hidden], key=lambda one: (one["position"], one["claim"])
    )
    reasons = [one["reason"] for one in said["withheld"]]
    if len(reasons) != len(withheld) or not set(reasons) <= REASONS:
        raise ValueError("other fields are withheld, or for no known reason")
    stated["withheld"] = [
        one | {"reason": reason} for one, reason in zip(withheld, reasons, strict=True)
    ]
    version, sha256 = said["verifier"]["version"], said["verifier"]["sha256"]
    if not re.fullmatch(r"[A-Za-z0-9.+-]{1,64}", version) or not _is_hash(sha256):
        raise ValueError("the verifier's identity has another form")
    stated["verifier"] = {"version": version, "sha256": sha256}
    stated["blocks"] = derive_statement(wanted.files, stated)["blocks"]
    # Every string of these two documents that a choice can bring in is valid Unicode or is refused.
    wanted = wanted.put(STATEMENT, _canonical(stated)).put(README, readme(stated))
    sealed = wanted.sealed()
    return sealed if sm3 else sealed.put(SM3, changed[SM3]).manifested()


def _is_hash(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _canonical(value: object) -> bytes:
    """JCS of what packages of these worlds hold: integers, and member names of ASCII alone."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _evm(changed: Package, honest: Package, listed: Container[int]) -> bytes:
    said, wanted = changed.json(EVM), honest.json(EVM)
    observed = said["observed"]
    if not isinstance(observed, list) or not all(isinstance(one, str) for one in observed):
        raise ValueError("`observed` is no array of strings")
    legs = [
        other if one["link"] == other["link"] and not _is_listed(other, listed) else one
        for one, other in zip(wanted["legs"], said["legs"], strict=True)
    ]
    return _canonical(wanted | {"observed": observed, "legs": legs})


def _is_listed(leg: dict[str, Any], listed: Container[int]) -> bool:
    return header_of(leg["header"]).number in listed


def _disclosed(wanted: Package, changed: Package) -> tuple[Package, list[dict[str, Any]]]:
    """The package with those of the disclosures that the changed one kept, and the others."""
    kept, hidden = [], []
    present = set(changed.files.get(DISCLOSURES, b"").splitlines(keepends=True))
    for line in wanted[DISCLOSURES].splitlines(keepends=True):
        if line in present:
            kept.append(line)
            continue
        position, _, text = line.partition(b" ")
        _, claim, value = json.loads(text)
        hidden.append({"position": int(position), "claim": claim})
        if claim.startswith("attachment-"):
            wanted = wanted.drop(f"data/attachments/{value['name']}")
    left = b"".join(kept)
    return (wanted.put(DISCLOSURES, left) if left else wanted.drop(DISCLOSURES)), hidden


def _with_foreign_signatures(changed: bytes, honest: bytes) -> bytes:
    """The honest tlog-proof with the foreign keys' lines of the changed one, where they stand."""
    own = honest.decode().rpartition("\n\n")[2].splitlines(keepends=True)
    known = {_key(line) for line in own}
    lines = []
    # Good lines keep their order and number; whatever else differs is a difference.
    for line in changed.decode().rpartition("\n\n")[2].split("\n")[:-1]:
        if f"{line}\n" in own:
            lines.append(own.pop(own.index(f"{line}\n")))
        elif _key(line) not in known:
            lines.append(f"{line}\n")
    before, blank, _ = honest.decode().rpartition("\n\n")
    return (before + blank + "".join(lines + own)).encode()


def _key(line: str) -> tuple[str, bytes]:
    """Name and id of the key of a signature line."""
    form = re.fullmatch(r"\u2014 ([^ +]+) ([A-Za-z0-9+/]+=*)\n?", line)
    if form is None:
        raise ValueError("no signature line")
    return form[1], b64decode(form[2], validate=True)[:KEY_ID_LENGTH]
