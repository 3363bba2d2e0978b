"""docs/spec/example.md, executed: every block of the page is computed again from its inputs.

A block is fenced and named: three back-quotes, a language, a name. The text of a block is what
stands between the fences, without the last line end.
"""

import json
import re
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.reference import naive_map, naive_trees
from verifier.format import (
    asides,
    batches,
    fold,
    heads,
    jsonc,
    key_sets,
    matter_map,
    notes,
    numbers,
    receipts,
    records,
    source_log,
    tlogproof,
    trees,
)
from verifier.format.batches import BatchHeader, Change, NotBefore
from verifier.format.digests import ZERO, Digest, b64url_decode
from verifier.format.digests import sha256 as digest
from verifier.format.fold import Link
from verifier.format.heads import Head
from verifier.format.matter_map import Kind, MapProof
from verifier.format.members import Members
from verifier.format.times import parse_time

PAGE = Path(__file__).parents[3] / "docs" / "spec" / "example.md"
BLOCK = re.compile(r"^```\w+ ([\w-]+)\n(.*?)\n```$", re.MULTILINE | re.DOTALL)


def page_blocks() -> dict[str, str]:
    found = BLOCK.findall(PAGE.read_text())
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    return dict(found)


def signer(seed: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))


def vkey(name: str, seed: str) -> str:
    return notes.make_vkey(name, signer(seed).public_key().public_bytes_raw()).text


class Example:
    """The worked example, computed from the inputs block."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        self.inputs = inputs
        self.blocks: dict[str, str] = {"inputs": json.dumps(inputs, indent=2, ensure_ascii=False)}
        self.log: str = inputs["log"]
        self.contract = bytes.fromhex(inputs["contract"][2:])
        self.log_address = bytes.fromhex(inputs["log_address"][2:])
        self.number()
        self.records()
        self.map()
        self.batch_log()
        self.anchors()
        self.receipt()
        self.source()

    def put(self, name: str, value: str | bytes) -> None:
        self.blocks[name] = (value.decode() if isinstance(value, bytes) else value).removesuffix(
            "\n"
        )

    def put_hex(self, name: str, value: bytes) -> None:
        self.blocks[name] = value.hex()

    def number(self) -> None:
        """Section 4."""
        tag = numbers.log_tag(self.inputs["chain_id"], self.contract, self.log_address)
        number = numbers.make(bytes.fromhex(self.inputs["random"]), tag)
        self.key = number.key
        self.put_hex("log-tag", tag)
        self.put_hex("number-raw", number.raw)
        self.put("number", number.text)
        self.put("number-shown", numbers.display(number))
        self.put_hex("matter-key", number.key)

    def records(self) -> None:
        """Sections 5 and 6."""
        self.leaves: list[Digest] = []
        lines = []
        for i, record in enumerate(self.inputs["records"]):
            secret = bytes.fromhex(record["secret"])
            leaf, disclosures = records.make_leaf(
                matter=self.key,
                position=i,
                kind=record["kind"],
                recorded_at=parse_time(record["recorded_at"]),
                secret=secret,
                blind=bytes.fromhex(record["blind"]),
                claims=record["claims"],
            )
            self.leaves.append(trees.leaf_hash(leaf))
            self.put(f"leaf-{i}", leaf)
            self.put_hex(f"leaf-{i}-hash", self.leaves[i])
            self.put(f"disclosures-{i}", "\n".join(disclosures))
            lines += [records.disclosure_line(i, text) for text in disclosures]
            if i == 0:
                self.put_hex("salt-0-0", records.salt(secret, 0, min(record["claims"])))
                self.put("opened-0-0", b64url_decode(disclosures[0]))
                self.put_hex("digest-0-0", records.disclosure_digest(disclosures[0]))
        self.put("disclosure-lines", b"\n".join(lines))

    def head(self, key: Digest, leaves: list[Digest]) -> str:
        return heads.head_text(self.log, key, len(leaves), trees.root(leaves))

    def map(self) -> None:
        """Sections 8 and 9: batch 0 has this matter and another, batch 1 changes it and adds one."""
        secret = bytes.fromhex(self.inputs["map_secret"])
        others = [Digest(bytes.fromhex(one)) for one in self.inputs["other_keys"]]
        other_leaf = [trees.leaf_hash(b"a record of another matter")]
        changed = [
            {
                self.key: self.head(self.key, self.leaves[:1]),
                others[0]: self.head(others[0], other_leaf),
            },
            {
                self.key: self.head(self.key, self.leaves),
                others[1]: self.head(others[1], other_leaf),
            },
        ]
        entries: dict[bytes, bytes] = {}
        self.map_roots, self.deltas = [], []
        for batch, new_heads in enumerate(changed):
            changes = []
            for key in sorted(new_heads):
                blind = matter_map.blind(secret, batch, key)
                old = entries.get(key)
                new = matter_map.value(new_heads[key], blind)
                changes.append(Change(key, None if old is None else Digest(old), new))
                entries[key] = new
            self.map_roots.append(Digest(naive_map.root(entries)))
            self.deltas.append(batches.encode_delta(self.log, batch, changes))
            head = new_heads[self.key]
            blind = matter_map.blind(secret, batch, self.key)
            siblings = tuple(Digest(one) for one in naive_map.walk(entries, self.key)[0])
            proof = MapProof(batch, Kind.INCLUSION, siblings, head, blind)
            assert matter_map.check(proof, self.key, self.map_roots[batch]).head == head
            self.put(f"head-{batch}", head)
            self.put_hex(f"map-blind-{batch}", blind)
            self.put_hex(f"map-value-{batch}", entries[self.key])
            self.put_hex(f"map-root-{batch}", self.map_roots[batch])
            self.put(f"map-proof-{batch}", matter_map.encode(proof))
            self.put(f"delta-{batch}", self.deltas[batch])
        absent = Digest(bytes.fromhex(self.inputs["absent_key"]))
        path, here = naive_map.walk(entries, absent)
        ((other, value),) = here.items()
        proof = MapProof(1, Kind.ABSENT_LEAF, tuple(Digest(one) for one in path),
                         leaf_key=Digest(other), leaf_value=Digest(value))  # fmt: skip
        assert not matter_map.check(proof, absent, self.map_roots[1]).present
        self.put("map-proof-absent", matter_map.encode(proof))

    def key_set(self, checkpoint_seed: str, receipt_seed: str) -> key_sets.KeySet:
        checkpoint = vkey(self.log, self.inputs[checkpoint_seed])
        receipt = vkey(receipts.receipts_origin(self.log), self.inputs[receipt_seed])
        return key_sets.make([notes.read_vkey(checkpoint)], notes.read_vkey(receipt))

    def batch_log(self) -> None:
        """Sections 10 and 11, and the tlog-proofs of package.md."""
        inputs = self.inputs
        receipts_name = receipts.receipts_origin(self.log)
        self.checkpoint_vkey = vkey(self.log, inputs["checkpoint_seed"])
        self.receipt_vkey = vkey(receipts_name, inputs["receipt_seed"])
        keys = key_sets.encode(self.key_set("checkpoint_seed", "receipt_seed"))
        next_keys = key_sets.encode(self.key_set("next_checkpoint_seed", "next_receipt_seed"))
        self.put("checkpoint-vkey", self.checkpoint_vkey)
        self.put("receipt-vkey", self.receipt_vkey)
        self.put("key-set", keys)
        self.put("next-key-set", next_keys)
        block = inputs["not_before"]
        headers = []
        for batch, sealed_at in enumerate(inputs["sealed_at"]):
            header = BatchHeader(
                log=self.log,
                batch=batch,
                sealed_at=parse_time(sealed_at),
                map_root=self.map_roots[batch],
                delta=digest(self.deltas[batch]),
                max_deadline_s=inputs["max_deadline_s"],
                keys=digest(keys),
                next_keys=digest(next_keys),
                not_before=NotBefore(
                    inputs["chain_id"], block["number"], Digest(bytes.fromhex(block["hash"][2:]))
                ),
            )
            headers.append(batches.encode_header(header))
            self.put(f"header-{batch}", headers[batch])
        self.header_hashes = [trees.leaf_hash(header) for header in headers]
        for batch, hashed in enumerate(self.header_hashes):
            self.put_hex(f"header-{batch}-hash", hashed)
        self.roots = [trees.root(self.header_hashes[: size + 1]) for size in range(2)]
        for batch, root in enumerate(self.roots):
            text = notes.checkpoint_text(self.log, batch + 1, root)
            note = notes.parse_note(notes.sign(text, self.log, signer(inputs["checkpoint_seed"])))
            path = tuple(trees.inclusion_path(self.header_hashes[: batch + 1], batch))
            proof = tlogproof.encode(tlogproof.TlogProof(batch, path, note))
            notes.verify(note, [self.checkpoint_vkey])
            self.put(f"checkpoint-{batch}", note.whole)
            self.put(f"tlog-proof-{batch}", proof)
        self.put(
            "consistency-1-2",
            "\n".join(one.hex() for one in trees.consistency_path(self.header_hashes, 1, 2)),
        )

    def anchors(self) -> None:
        """anchor.md, sections 1 and 2."""
        links = [
            Link(root, size + 1, self.inputs["block_times"][size])
            for size, root in enumerate(self.roots)
        ]
        contract_heads = fold.open_links(ZERO, links)
        for i, (link, head) in enumerate(zip(links, contract_heads, strict=True)):
            self.put_hex(f"link-{i}", link.to_bytes())
            self.put_hex(f"contract-head-{i}", head)

    def receipt(self) -> None:
        """Section 12: records 1 and 2 were committed together."""
        bodies = []
        for position in (1, 2):
            at = parse_time(self.inputs["records"][position]["recorded_at"])
            bodies.append(
                receipts.Body(
                    chain_id=self.inputs["chain_id"],
                    contract=self.contract,
                    log_address=self.log_address,
                    log=self.log,
                    matter=self.key,
                    position=position,
                    leaf=self.leaves[position],
                    head=Head(position + 1, trees.root(self.leaves[: position + 1])),
                    received_at=at,
                    deadline=at + timedelta(seconds=self.inputs["max_deadline_s"]),
                )
            )
        encoded = [receipts.encode_body(body) for body in bodies]
        name = receipts.receipts_origin(self.log)
        text = receipts.group_text(self.log, encoded)
        note = notes.sign(text, name, signer(self.inputs["receipt_seed"]))
        path = trees.inclusion_path(receipts.group_leaves(encoded), 1)
        receipt = receipts.Receipt(bodies[1], 1, tuple(path), note)
        receipts.check_receipt(receipt, [self.receipt_vkey])
        self.put("receipt-group", note)
        self.put("receipt", receipts.encode(receipt))

    def source(self) -> None:
        """Section 16: call 1 is entered, row 2 is set aside, the day closes, and row 2 becomes a record."""
        given = self.inputs["source"]
        tag = numbers.log_tag(self.inputs["chain_id"], self.contract, self.log_address)
        number = numbers.make_source(bytes.fromhex(given["random"]), tag)
        self.put("source-number", number.text)
        self.put_hex("source-key", number.key)
        profile = source_log.parse_profile(Members(given["profile"], "profile"))
        salt, row = bytes.fromhex(given["salt"]), given["row"].encode()
        claims = {"raw": {"text": given["row"]}, "aside": asides.salt_claim(salt)}
        leaf, disclosures = records.make_leaf(
            matter=self.key,
            position=len(self.leaves),
            kind="call",
            recorded_at=parse_time(given["recorded_at"]),
            secret=bytes.fromhex(given["secret"]),
            blind=bytes.fromhex(given["blind"]),
            claims=claims,
            source=number.key,
            number=2,
        )
        self.put("aside-leaf", leaf)
        self.put("aside-disclosures", b"\n".join(map(b64url_decode, disclosures)))
        at, day = parse_time(given["closed_at"]), source_log.parse_day(given["day"])
        entries: list[source_log.Entry] = [
            source_log.ProfileEntry(parse_time(given["begun_at"]), profile),
            source_log.RecordEntry("call", 1, digest(b"a call of another matter")),
            source_log.AsideEntry("call", 2, asides.row_digest(number.key, 2, salt, row)),
            source_log.Closing(
                *(at, day, parse_time(given["ends"]), 0, 1, 2, {"call": 2}, 3, (), 0, 0, 0, 1)
            ),
            source_log.RecordEntry("call", 2, source_log.record_digest(leaf), 2),
        ]
        lines = [source_log.encode(one) for one in entries]
        self.put("source-entries", b"\n".join(lines))
        hashes = [trees.leaf_hash(one) for one in lines]
        self.put("source-head", self.head(number.key, hashes))


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    return page_blocks()


def test_every_block_of_the_page_is_what_the_inputs_give(blocks: dict[str, str]) -> None:
    computed = Example(json.loads(blocks["inputs"])).blocks
    assert blocks.keys() == computed.keys()
    for name in computed:
        assert blocks[name] == computed[name], name


def test_hashes_of_the_page_are_those_of_the_naive_reference(blocks: dict[str, str]) -> None:
    def raw(name: str) -> bytes:
        return bytes.fromhex(blocks[name])

    for i in range(3):
        assert sha256(b"\x00" + blocks[f"leaf-{i}"].encode()).digest() == raw(f"leaf-{i}-hash")
    assert sha256(b"notary/matter/v1\n" + raw("number-raw")).digest() == raw("matter-key")
    for i, size in enumerate((1, 3)):
        root = naive_trees.mth([raw(f"leaf-{n}-hash") for n in range(size)])
        head = heads.parse_head(
            blocks[f"head-{i}"] + "\n", "notary.example/log", Digest(raw("matter-key"))
        )
        assert (head.size, head.root) == (size, root)
        value = sha256((blocks[f"head-{i}"] + "\n").encode() + raw(f"map-blind-{i}")).digest()
        assert value == raw(f"map-value-{i}")
    headers = [raw("header-0-hash"), raw("header-1-hash")]
    checkpoint = notes.parse_note(blocks["checkpoint-1"] + "\n")
    assert notes.parse_checkpoint_text(checkpoint.text).root == naive_trees.mth(headers)
    for i in range(2):
        header = json.loads(blocks[f"header-{i}"])
        assert header["delta"] == sha256((blocks[f"delta-{i}"] + "\n").encode()).hexdigest()
        assert header["map_root"] == blocks[f"map-root-{i}"]
        assert header["keys"] == sha256((blocks["key-set"] + "\n").encode()).hexdigest()
        assert header["next_keys"] == sha256((blocks["next-key-set"] + "\n").encode()).hexdigest()


def test_the_row_of_the_page_opens_what_was_set_aside(blocks: dict[str, str]) -> None:
    given = json.loads(blocks["inputs"])["source"]
    aside = json.loads(blocks["source-entries"].split("\n")[2])
    message = b"notary/source-aside/v1\n" + bytes.fromhex(blocks["source-key"])
    message += (2).to_bytes(8, "big") + bytes.fromhex(given["salt"]) + given["row"].encode()
    assert b64url_decode(aside["row"]) == sha256(message).digest()
    hashes = [sha256(b"\0" + one.encode()).digest() for one in blocks["source-entries"].split("\n")]
    head = heads.parse_head(
        blocks["source-head"] + "\n",
        "notary.example/log",
        Digest(bytes.fromhex(blocks["source-key"])),
    )
    assert (head.size, head.root) == (5, naive_trees.mth(hashes))


def test_replaying_the_delta_files_gives_the_map_roots(blocks: dict[str, str]) -> None:
    entries: dict[bytes, bytes] = {}
    for i in range(2):
        for change in batches.parse_delta((blocks[f"delta-{i}"] + "\n").encode()).changes:
            assert entries.get(change.key) == change.old
            assert change.new is not None
            entries[change.key] = change.new
        assert naive_map.root(entries).hex() == blocks[f"map-root-{i}"]


def test_a_disclosure_of_record_1_does_not_open_record_2(blocks: dict[str, str]) -> None:
    leaves = [records.parse_leaf(blocks[f"leaf-{i}"].encode()) for i in range(3)]
    for i in range(3):
        for line in blocks[f"disclosures-{i}"].split("\n"):
            one = records.parse_disclosure(line)
            opens = [n for n, leaf in enumerate(leaves) if leaf.claims.get(one.name) == one.digest]
            assert opens == [i]


def test_the_documents_of_the_page_are_canonical(blocks: dict[str, str]) -> None:
    for name, text in blocks.items():
        if name.startswith(("leaf-", "header-", "map-proof-", "receipt")) and text.startswith("{"):
            jsonc.decode(text.encode(), name)


def test_times_of_the_page_are_in_order(blocks: dict[str, str]) -> None:
    inputs = json.loads(blocks["inputs"])
    moments = [parse_time(one["recorded_at"]) for one in inputs["records"]]
    assert moments == sorted(moments)
    assert all(isinstance(one, datetime) for one in moments)
