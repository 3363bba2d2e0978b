"""From a log to an evidence package, as docs/spec/package.md says. Nothing here judges.

Test of undamaged packages: tests/hostile/test_world.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tests.hostile import package as names
from tests.hostile.chain import Block
from tests.hostile.log import Anchor, Batch, Log, Record, map_proof
from tests.hostile.package import Package
from verifier.format import jsonc, trees
from verifier.format.digests import b64_encode
from verifier.format.numbers import MatterNumber

# docs/spec/package.md §4: what `verifier --version` printed to the exporter; his own word.
VERIFIER = {"version": "0.1.0", "sha256": "5e" * 32}

Withheld = Mapping[tuple[int, str], str]  # (position, claim) → reason
Erased = Mapping[int, int]  # position → position of the tombstone


class Export:
    """One export: which anchors and batches it shows, and the documents over them."""

    def __init__(
        self,
        log: Log,
        number: MatterNumber,
        kind: str,
        *,
        as_of: Block | None = None,
        positions: Iterable[int] = (),
        withheld: Withheld | None = None,
        erased: Erased | None = None,
        full_history: bool = False,
    ) -> None:
        self.log, self.number, self.kind = log, number, kind
        self.full_history = full_history
        self.as_of = as_of or log.chain.tip
        self.withheld, self.erased = dict(withheld or {}), dict(erased or {})
        self.matter = next((m for m in log.matters.values() if m.key == number.key), None)
        self.anchors = [a for a in log.anchors if a.block.number <= self.as_of.number]
        self.as_of_batch = log.batches[self.anchors[-1].size - 1]
        self.shown = self._shown(list(positions))
        head_size = self._size(self.as_of_batch)
        self.records: list[Record] = []
        if self.matter is not None and kind != "absent":
            chosen = range(head_size) if kind == "complete" else sorted(positions)
            self.records = [self.matter.records[i] for i in chosen]

    def _size(self, batch: Batch) -> int:
        """How many records the matter had in the map of `batch`."""
        shown = batch.matters.get(self.matter.name) if self.matter else None
        return shown.size if shown else 0

    def _batch_of(self, anchor: Anchor) -> Batch:
        """The last batch that an anchor covers."""
        return self.log.batches[anchor.size - 1]

    def _shown(self, positions: list[int]) -> dict[int, Anchor]:
        """Shown batches by index, each with the first anchor whose size is above it (§1)."""
        indices = {self.as_of_batch.index}
        if self.kind == "complete":
            known = 0
            for anchor in self.anchors:
                size = self._size(self._batch_of(anchor))
                if size != known:
                    indices.add(anchor.size - 1)
                known = size
        elif self.kind == "extract":
            for position in positions:
                first = next(a for a in self.anchors if self._size(self._batch_of(a)) > position)
                indices.add(first.size - 1)
        return {i: next(a for a in self.anchors if a.size > i) for i in sorted(indices)}

    # ------------------------------------------------------------------ files

    def package(self) -> Package:
        files: dict[str, bytes] = {"bagit.txt": names.BAGIT}
        if self.records:
            files[names.LEAVES] = b"".join(record.leaf + b"\n" for record in self.records)
        disclosures = b""
        for record in self.records:
            lines, attachments = self._disclosed(record)
            disclosures += b"".join(line + b"\n" for line in lines)
            files |= attachments
        if disclosures:
            files[names.DISCLOSURES] = disclosures
        for index, anchor in self.shown.items():
            files |= self._batch_files(index, anchor)
        if self.kind == "extract":
            files[names.PATHS] = jsonc.encode(self.paths())
        files |= self._key_files()
        if self.full_history:
            files |= self._history_files()
        files[names.CONSISTENCY] = jsonc.encode(self.consistency())
        files[names.EVM] = jsonc.encode(self.evm())
        files[names.STATEMENT] = jsonc.encode(self.chosen())
        return Package(files).restated()

    def chosen(self) -> dict[str, Any]:
        """The exporter's own members of the statement (§4)."""
        return {
            "format": "notary-statement/1",
            "kind": self.kind,
            "matter": self.number.text,
            "withheld": [
                {"position": position, "claim": claim, "reason": reason}
                for (position, claim), reason in sorted(self.withheld.items())
            ],
            "erased": [
                {"position": position, "tombstone": tombstone}
                for position, tombstone in sorted(self.erased.items())
            ],
            "history": "full" if self.full_history else "shown",
            "verifier": VERIFIER,
        }

    def _disclosed(self, record: Record) -> tuple[list[bytes], dict[str, bytes]]:
        """The disclosure lines of a record, and its attachments."""
        files: dict[str, bytes] = {}
        lines = []
        for claim in sorted(record.disclosures):
            if record.position in self.erased or (record.position, claim) in self.withheld:
                continue
            text = names.opened(record.disclosures[claim])
            lines.append(names.disclosure_line(record.position, text))
            if claim in record.attachments:
                stored, content = record.attachments[claim]
                files[f"data/attachments/{stored}"] = content
        return lines, files

    def _batch_files(self, index: int, anchor: Anchor) -> dict[str, bytes]:
        batch = self.log.batches[index]
        shown = batch.matters.get(self.matter.name) if self.matter else None
        return {
            names.map_path(index): jsonc.encode(map_proof(batch, self.number.key, shown)),
            names.header_path(index): anchor.headers[index],
            names.proof_path(index): tlog_proof(anchor, index),
        }

    def _covered(self) -> list[Batch]:
        """The batches from 0 to the as-of batch."""
        return self.log.batches[: self.as_of_batch.index + 1]

    @property
    def hand_overs(self) -> list[int]:
        """§3: the batches up to the as-of batch whose successor is sealed with other keys."""
        sealed = self.log.batches[: self.as_of_batch.index + 1]
        return [one.index for one, after in pairwise(sealed) if one.keys != after.keys]

    def _key_files(self) -> dict[str, bytes]:
        """§1, `data/keys`: the key sets that headers name, and the files of each hand-over."""
        files: dict[str, bytes] = {}
        sealed = self.log.batches
        named = [sealed[index].keys for index in self.shown]
        for index in self.hand_overs:
            named += [sealed[index].keys, sealed[index + 1].keys]
            headers = self.log.headers_under(index + 1)
            files[names.old_header_path(index)] = headers[index]
            note = self.log.checkpoint(index + 1)[1]
            files[names.old_proof_path(index)] = tlog_proof_of(headers, note, index)
        return files | {names.key_set_path(one.digest): one.text for one in named}

    def _history_files(self) -> dict[str, bytes]:
        """Every header under the as-of checkpoint, and the map proof in each batch (§1)."""
        proofs = []
        for batch in self._covered():
            shown = batch.matters.get(self.matter.name) if self.matter else None
            proofs.append(jsonc.encode(map_proof(batch, self.number.key, shown)))
        headers = self.anchors[-1].headers[: len(proofs)]
        return {
            names.HISTORY_HEADERS: b"".join(header + b"\n" for header in headers),
            names.HISTORY_MAP: b"".join(proof + b"\n" for proof in proofs),
        }

    def paths(self) -> dict[str, Any]:
        """§3: inclusion of each leaf in the as-of head, and one head as prefix of the next."""
        name = self.matter.name if self.matter else ""
        hashes = [trees.leaf_hash(leaf) for leaf in self.as_of_batch.matters[name].leaves]
        with_heads = [self.log.batches[index] for index in self.shown]
        if self.full_history:
            with_heads += self._covered()
        sizes = sorted({self._size(batch) for batch in with_heads} - {0})
        return {
            "format": "notary-paths/1",
            "inclusion": [
                {
                    "position": record.position,
                    "path": [h.hex() for h in trees.inclusion_path(hashes, record.position)],
                }
                for record in self.records
            ],
            "prefix": consistency_proofs(hashes, sizes),
        }

    def consistency(self) -> dict[str, Any]:
        """§3: from every shown checkpoint's size to the next larger one's."""
        by_size = {anchor.size: anchor for anchor in self.shown.values()}
        hashes = [trees.leaf_hash(header) for header in by_size[max(by_size)].headers]
        sizes = sorted({*by_size, *[index + 1 for index in self.hand_overs]})
        return {"format": "notary-consistency/1", "proofs": consistency_proofs(hashes, sizes)}

    def evm(self) -> dict[str, Any]:
        """docs/spec/anchor.md §4."""
        chain, log = self.log.chain, self.log
        used = sorted({anchor.number for anchor in self.shown.values()})
        links = self.anchors[used[0] :]
        named = [not_before_hash(log.batches[index].header) for index in self.shown]
        blocks = {b.number: b for b in chain.blocks if "0x" + b.hash.hex() in named}
        return {
            "format": "notary-evm/1",
            "chain_id": chain.chain_id,
            "contract": "0x" + log.contract.hex(),
            "log_address": "0x" + log.address.hex(),
            "fold": {
                "prev": links[0].prev.hex(),
                "links": [
                    {"root": a.root.hex(), "size": a.size, "time": a.block.timestamp} for a in links
                ],
            },
            "as_of": as_of_proof(log, self.as_of),
            "legs": [
                leg(log, self.anchors[number], number - used[0])
                for number in sorted({used[0], used[-1]})
            ],
            "not_before": [b64_encode(blocks[number].header) for number in sorted(blocks)],
            "observed": [],
        }


def not_before_hash(header: bytes) -> Any:
    """The hash of the block that a batch header names, None where it names none."""
    named = json.loads(header)["not_before"]
    return None if named is None else named["hash"]


def consistency_proofs(hashes: list[Any], sizes: list[int]) -> list[dict[str, Any]]:
    """Proofs between every two adjacent sizes, ascending."""
    return [
        {"from": m, "to": n, "path": [h.hex() for h in trees.consistency_path(hashes, m, n)]}
        for m, n in pairwise(sizes)
    ]


def tlog_proof(anchor: Anchor, index: int) -> bytes:
    """docs/spec/package.md §1, `data/batches/B.tlog-proof`: header B under the anchor's note."""
    return tlog_proof_of(anchor.headers, anchor.note, index)


def tlog_proof_of(headers: Sequence[bytes], note: str, index: int) -> bytes:
    """Header `index` of these under the note."""
    hashes = [trees.leaf_hash(header) for header in headers]
    lines = ["c2sp.org/tlog-proof@v1", f"index {index}"]
    lines += [b64_encode(h) for h in trees.inclusion_path(hashes, index)]
    return ("\n".join(lines) + "\n\n" + note).encode()


def b64s(nodes: Iterable[bytes]) -> list[str]:
    return [b64_encode(node) for node in nodes]


def as_of_proof(log: Log, block: Block) -> dict[str, Any]:
    """Account and slot under one header."""
    return {
        "header": b64_encode(block.header),
        "account_proof": b64s(log.chain.prove_account(block, log.contract)),
        "storage_proof": b64s(log.chain.prove_slot(block, log.contract, log.address)),
    }


def leg(log: Log, anchor: Anchor, link: int) -> dict[str, Any]:
    """Transaction and receipt of one anchor."""
    block, index = anchor.block, anchor.tx_index
    return {
        "link": link,
        "header": b64_encode(block.header),
        "index": index,
        "tx": b64_encode(block.transactions[index]),
        "tx_proof": b64s(log.chain.prove_transaction(block, index)),
        "receipt": b64_encode(block.receipts[index]),
        "receipt_proof": b64s(log.chain.prove_receipt(block, index)),
        "log_index": 0,
    }
