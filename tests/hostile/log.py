"""One log of the simulated service: matters, records, map, batches, checkpoints, anchors, receipts.

Hash rules come from verifier.format; what is built from them follows docs/spec/format.md. Secrets
and blinds follow from a seed, so the same calls always make the same bytes. A test damages the
log through LOG_POINTS. Test of the undamaged log: tests/hostile/test_world.py.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.hostile.chain import ANCHOR_SELECTOR, Block, Call, Chain, Sender
from tests.hostile.damage import Damage
from tests.hostile.package import opened
from verifier.format import heads, jsonc, matter_map, notes, numbers, records, trees
from verifier.format.digests import ZERO, Digest, b64_encode, b64url_encode, sha256
from verifier.format.jsonc import Json
from verifier.format.times import format_block_time

LOG_POINTS = frozenset(
    {
        "salt", "disclosure", "leaf", "leaf_bytes",
        "matter_size", "matter_leaves", "head", "map_value", "map_root",
        "header", "header_bytes", "batch_log", "checkpoint_text", "note",
    }
)  # fmt: skip

MAX_DEADLINE_S = 86_400


@dataclass(frozen=True)
class Secrets:
    """Fixed secrets by label. Not part of the format: any source of secrets would do."""

    seed: str

    def take(self, label: str, size: int = 32) -> bytes:
        return hashlib.shake_256(f"{self.seed}/{label}".encode()).digest(size)


ED25519, ML_DSA_44 = 1, 6  # signature types (docs/spec/format.md §11)

# POSIX seconds that every ML-DSA-44 signature of this builder states; nothing rests on it.
TIMESTAMP = 1_790_000_000


@dataclass(frozen=True)
class Key:
    """A key under the name that its signature lines bear."""

    name: str
    secret: bytes
    kind: int = ED25519

    @property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.secret)

    @property
    def public(self) -> bytes:
        if self.kind == ML_DSA_44:
            return _ml_dsa_public(self.secret)
        if self.kind == ED25519:
            return self.private.public_key().public_bytes_raw()
        return self.secret

    @property
    def known(self) -> notes.VKey:
        return notes.make_vkey(self.name, self.public, self.kind)

    @property
    def vkey(self) -> str:
        return self.known.text

    def sign(self, text: str, timestamp: int = TIMESTAMP) -> bytes:
        """What follows the key id on the signature line."""
        if self.kind == ED25519:
            return self.private.sign(text.encode())
        if self.kind != ML_DSA_44:
            return b"a signature of a later time"
        message = cosigned_message(self.name, timestamp, text)
        return timestamp.to_bytes(8) + _ml_dsa_sign(self.secret, message)

    def line(self, signature: bytes) -> str:
        """docs/spec/format.md §11: — <key name> <b64(key id ‖ signature)>"""
        return f"— {self.name} {b64_encode(self.known.key_id + signature)}\n"


@cache
def _ml_dsa_public(seed: bytes) -> bytes:
    return MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()


@cache
def _ml_dsa_sign(seed: bytes, message: bytes) -> bytes:
    # Signing draws lots; kept, so that one story always makes one package.
    return MLDSA44PrivateKey.from_seed_bytes(seed).sign(message)


def cosigned_message(name: str, timestamp: int, text: str) -> bytes:
    """docs/spec/format.md §11, the message of type 0x06; of a text with more lines, of the first three."""
    origin, size, root = text.split("\n")[:3]
    return (
        b"subtree/v1\n\x00"
        + bytes([len(name.encode())])
        + name.encode()
        + timestamp.to_bytes(8)
        + bytes([len(origin.encode())])
        + origin.encode()
        + bytes(8)
        + int(size).to_bytes(8)
        + b64decode(root)
    )


def signed_note(text: str, *keys: Key) -> str:
    """The text, an empty line, then one signature line for each key (docs/spec/format.md §11)."""
    return text + "\n" + "".join(key.line(key.sign(text)) for key in keys)


@dataclass(frozen=True)
class KeySet:
    """Which keys sign: the checkpoint keys, Ed25519 first, and the receipt key."""

    checkpoint: tuple[Key, ...]
    receipt: Key

    @classmethod
    def of(cls, log: str, secrets: Secrets, number: int) -> KeySet:
        """The log's own key set of this number, from 0."""
        return cls(
            (
                Key(log, secrets.take(f"checkpoint key {number}")),
                Key(log, secrets.take(f"cosigner {number}"), ML_DSA_44),
            ),
            Key(f"{log}/receipts", secrets.take(f"receipt key {number}")),
        )

    @property
    def text(self) -> bytes:
        """docs/spec/format.md §10: the format, then use and vkey of each key, ascending, LF each."""
        lines = [f"checkpoint {key.vkey}" for key in self.checkpoint]
        lines.append(f"receipt {self.receipt.vkey}")
        return "".join(f"{line}\n" for line in ["notary-keys/1", *sorted(lines)]).encode()

    @property
    def digest(self) -> str:
        return sha256(self.text).hex()


@dataclass
class Record:
    """A record with what the service keeps: disclosures by claim, originals by stored name."""

    position: int
    kind: str
    leaf: bytes
    disclosures: dict[str, str]
    attachments: dict[str, tuple[str, bytes]]  # claim → stored name and original

    @property
    def opened(self) -> list[bytes]:
        """The JSON texts of its disclosures, by claim."""
        return [opened(self.disclosures[name]) for name in sorted(self.disclosures)]

    @property
    def leaf_hash(self) -> Digest:
        return trees.leaf_hash(self.leaf)


@dataclass
class Matter:
    """A matter and its records in order."""

    name: str
    number: numbers.MatterNumber
    records: list[Record] = field(default_factory=list)

    @property
    def key(self) -> Digest:
        return self.number.key


@dataclass(frozen=True)
class Shown:
    """A matter in the map of one batch: the leaves it had, its head's text and the blind."""

    leaves: tuple[bytes, ...]
    head: str
    blind: bytes

    @property
    def size(self) -> int:
        return len(self.leaves)


@dataclass(frozen=True)
class Batch:
    """A sealed batch. `not_before` is the block that the header names."""

    index: int
    header: bytes
    matters: Mapping[str, Shown]  # by matter name
    values: Mapping[Digest, Digest]  # the map: key → value
    delta: bytes
    not_before: Block | None
    keys: KeySet


@dataclass(frozen=True)
class Anchor:
    """An anchored checkpoint; `headers` are those under its root."""

    number: int
    prev: bytes
    root: bytes
    size: int
    note: str
    headers: tuple[bytes, ...]
    block: Block
    tx_index: int


@dataclass
class Log:
    """A log: its name, the account that anchors it, and all that it holds."""

    chain: Chain
    contract: bytes
    name: str
    secrets: Secrets
    damage: Damage
    matters: dict[str, Matter] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    # The key sets in force from here on, and the one that the headers commit to.
    keys: KeySet = field(init=False)
    next_keys: KeySet = field(init=False)
    # Whose lines checkpoints bear in place of the key set's.
    signers: tuple[Key, ...] | None = None
    # Another log whose matter numbers this one uses as if they were its own.
    numbered_by: Log | None = None

    def __post_init__(self) -> None:
        self.sender = Sender.of(self.secrets.take("account"))
        self.keys = KeySet.of(self.name, self.secrets, 0)
        self.next_keys = KeySet.of(self.name, self.secrets, 1)
        self.key_sets = {one.digest: one for one in (self.keys, self.next_keys)}

    def hand_over(self, to: KeySet | None = None) -> None:
        """The next batch is sealed with the next key set, and commits to `to` or a new one."""
        following = to or KeySet.of(self.name, self.secrets, len(self.key_sets))
        self.keys, self.next_keys = self.next_keys, following
        self.key_sets[following.digest] = following

    @property
    def checkpoint_keys(self) -> tuple[Key, ...]:
        """The checkpoint keys in force: Ed25519, ML-DSA-44."""
        return self.keys.checkpoint

    @property
    def receipt_key(self) -> Key:
        return self.keys.receipt

    @property
    def next_key(self) -> Key:
        """The Ed25519 checkpoint key that comes next."""
        return self.next_keys.checkpoint[0]

    @property
    def address(self) -> bytes:
        return self.sender.address

    # ------------------------------------------------------------------ matters and records

    def number(self, name: str) -> numbers.MatterNumber:
        """The number that a matter of this name has or would have in this log."""
        if self.numbered_by is not None:
            return self.numbered_by.number(name)
        tag = numbers.log_tag(self.chain.chain_id, self.contract, self.address)
        return numbers.make(self.secrets.take(f"number {name}", 16), tag)

    def matter(self, name: str) -> Matter:
        return self.matters.setdefault(name, Matter(name, self.number(name)))

    def add(
        self,
        matter_name: str,
        kind: str,
        claims: Mapping[str, Json],
        files: Sequence[tuple[str, bytes]] = (),
        **members: Json,
    ) -> Record:
        """Take a record at the chain's present time. `files` become attachment-0, -1, …"""
        matter = self.matter(matter_name)
        position = len(matter.records)
        where = {"matter": matter_name, "position": position}
        label = f"{matter_name}/{position}"
        all_claims = dict(claims)
        attachments = {}
        for i, (filename, content) in enumerate(files):
            stored = self.secrets.take(f"stored name {label} {i}", 16).hex()
            attachments[f"attachment-{i}"] = (stored, content)
            all_claims[f"attachment-{i}"] = attachment_claim(stored, filename, content)
        secret = self.secrets.take(f"record secret {label}")
        disclosures: dict[str, str] = {}
        for i, name in enumerate(sorted(all_claims)):
            salt = self.damage("salt", records.salt(secret, i, name), name=name, **where)
            text = b64url_encode(jsonc.encode([b64url_encode(salt), name, all_claims[name]]))
            disclosures[name] = self.damage("disclosure", text, name=name, **where)
        leaf: dict[str, Json] = {
            "format": "notary-leaf/1",
            "matter": matter.key.hex(),
            "position": position,
            "kind": kind,
            "recorded_at": format_block_time(self.chain.tip.timestamp),
            "blind": b64url_encode(self.secrets.take(f"leaf blind {label}", 16)),
            "claims": {
                name: b64url_encode(records.disclosure_digest(text))
                for name, text in disclosures.items()
            },
            **members,
        }
        leaf_bytes = jsonc.encode(self.damage("leaf", leaf, **where))
        leaf_bytes = self.damage("leaf_bytes", leaf_bytes, **where)
        record = Record(position, kind, leaf_bytes, disclosures, attachments)
        matter.records.append(record)
        return record

    # ------------------------------------------------------------------ batches

    def seal(
        self, members: Mapping[str, Json] | None = None, *, not_before: Block | None = None
    ) -> Batch:
        """Seal what has been added since the last batch; `members` replace header members."""
        index = len(self.batches)
        named = not_before or self.chain.tip
        last = self.batches[-1].matters if self.batches else {}
        shown: dict[str, Shown] = {}
        values: dict[Digest, Digest] = {}
        for name, matter in self.matters.items():
            found = self._shown(matter, index, last.get(name))
            if found is not None:
                shown[name] = found
                value = matter_map.value(found.head, found.blind)
                values[matter.key] = self.damage("map_value", value, matter=name, batch=index)
        delta = self._delta(index, values)
        header: dict[str, Json] = {
            "format": "notary-batch/1",
            "log": self.name,
            "batch": index,
            "sealed_at": format_block_time(self.chain.tip.timestamp),
            "map_root": self.damage("map_root", map_root(values), batch=index, values=values).hex(),
            "delta": sha256(delta).hex(),
            "max_deadline_s": MAX_DEADLINE_S,
            "keys": self.keys.digest,
            "next_keys": self.next_keys.digest,
            "successor": None,
            "not_before": {
                "chain_id": self.chain.chain_id,
                "number": named.number,
                "hash": "0x" + named.hash.hex(),
            },
            **(members or {}),
        }
        header_bytes = jsonc.encode(self.damage("header", header, batch=index))
        header_bytes = self.damage("header_bytes", header_bytes, batch=index)
        batch = Batch(index, header_bytes, shown, values, delta, named, self.keys)
        self.batches.append(batch)
        return batch

    def _shown(self, matter: Matter, batch: int, last: Shown | None) -> Shown | None:
        where = {"matter": matter.name, "batch": batch}
        size = self.damage("matter_size", len(matter.records), **where)
        leaves = tuple(record.leaf for record in matter.records[:size])
        leaves = self.damage("matter_leaves", leaves, **where)
        if not leaves:
            return None
        root = trees.root([trees.leaf_hash(leaf) for leaf in leaves])
        # docs/spec/format.md §8: origin LF size LF b64 root LF
        text = f"{heads.head_origin(self.name, matter.key)}\n{len(leaves)}\n{b64_encode(root)}\n"
        text = self.damage("head", text, **where)
        # docs/spec/format.md §9: an unchanged matter keeps value and blind of its last change.
        if last is not None and last.head == text:
            return last
        blind = matter_map.blind(self.secrets.take("map secret"), batch, matter.key)
        return Shown(leaves, text, blind)

    def _delta(self, index: int, values: Mapping[Digest, Digest]) -> bytes:
        """docs/spec/format.md §10: the changed keys, ascending, with old and new value."""
        old = self.batches[-1].values if self.batches else {}
        lines = ["notary-delta/1", self.name, str(index)]
        for key in sorted(values):
            if old.get(key) != values[key]:
                before = old[key].hex() if key in old else "-"
                lines.append(f"{key.hex()} {before} {values[key].hex()}")
        return ("\n".join(lines) + "\n").encode()

    # ------------------------------------------------------------------ checkpoints and anchors

    def headers_under(self, size: int) -> tuple[bytes, ...]:
        """The header bytes that a checkpoint of `size` covers."""
        headers = tuple(batch.header for batch in self.batches[:size])
        return self.damage("batch_log", headers, size=size)

    def checkpoint(self, size: int) -> tuple[bytes, str]:
        """Root and signed note of the first `size` batches."""
        root = trees.root([trees.leaf_hash(header) for header in self.headers_under(size)])
        text = f"{self.name}\n{size}\n{b64_encode(root)}\n"
        text = self.damage("checkpoint_text", text, size=size)
        # §10: signed by every checkpoint key of the set of header size − 1
        signers = self.signers or self.batches[size - 1].keys.checkpoint
        note = signed_note(text, *signers)
        return root, self.damage("note", note, size=size)

    def anchor(
        self,
        size: int | None = None,
        *,
        after_s: int = 12,
        tx_type: int = 2,
        before: Sequence[Call] = (),
    ) -> Anchor:
        """Anchor the checkpoint of `size` batches in a new block; `before` precedes it there."""
        size = len(self.batches) if size is None else size
        root, note = self.checkpoint(size)
        prev = self.chain.heads.get((self.contract, self.address), bytes(32))
        call = Call(self.sender, self.contract, anchor_call(prev, root, size), tx_type)
        block = self.chain.mine(self.chain.tip.timestamp + after_s, [*before, call])
        anchor = Anchor(
            len(self.anchors), prev, root, size, note, self.headers_under(size), block, len(before)
        )
        self.anchors.append(anchor)
        return anchor

    # ------------------------------------------------------------------ receipts

    def receipt(
        self,
        matter_name: str,
        position: int,
        *,
        key: Key | None = None,
        head_leaves: Sequence[bytes] | None = None,
        **members: Json,
    ) -> bytes:
        """The receipt of a record, alone in a group of three; `members` replace body members."""
        matter = self.matters[matter_name]
        leaves = head_leaves or [record.leaf for record in matter.records[: position + 1]]
        hashes = [trees.leaf_hash(leaf) for leaf in leaves]
        received_at = self.batches[0].not_before or self.chain.tip
        body: dict[str, Json] = {
            "chain_id": self.chain.chain_id,
            "contract": "0x" + self.contract.hex(),
            "log_address": "0x" + self.address.hex(),
            "log": self.name,
            "matter": matter.key.hex(),
            "position": position,
            "leaf": hashes[-1].hex(),
            "head": {"size": position + 1, "root": trees.root(hashes).hex()},
            "received_at": format_block_time(received_at.timestamp),
            "deadline": format_block_time(received_at.timestamp + MAX_DEADLINE_S),
            **members,
        }
        signer = key or self.receipt_key
        others: list[Json] = [{"other": 0}, {"other": 2}]
        items = [others[0], body, others[1]]
        group = [trees.leaf_hash(jsonc.encode(item)) for item in items]
        text = f"{self.name}/receipts\n{len(group)}\n{b64_encode(trees.root(group))}\n"
        return jsonc.encode(
            {
                "format": "notary-receipt/1",
                "body": body,
                "index": 1,
                "path": [h.hex() for h in trees.inclusion_path(group, 1)],
                "note": signed_note(text, signer),
            }
        )


def anchor_call(prev: bytes, root: bytes, size: int) -> bytes:
    """Call data of `anchor(bytes32 prev, bytes32 root, uint64 size)`, by the contract ABI."""
    return ANCHOR_SELECTOR + prev + root + size.to_bytes(32, "big")


def attachment_claim(stored: str, filename: str, content: bytes) -> dict[str, Json]:
    """docs/spec/format.md §7: what an attachment's disclosure says."""
    return {
        "name": stored,
        "filename": filename,
        "size": len(content),
        "media_type": "application/octet-stream",
        **{name: hashlib.new(name, content).hexdigest() for name in ("sha256", "sha512", "sm3")},
    }


# ---------------------------------------------------------------------- the matter map, naively


def map_root(values: Mapping[Digest, Digest], depth: int = 0) -> Digest:
    """docs/spec/format.md §9, by its recursive definition."""
    if not values:
        return ZERO
    if len(values) == 1:
        [(key, value)] = values.items()
        return matter_map.leaf_hash(key, value)
    left, right = split(values, depth)
    return matter_map.node_hash(map_root(left, depth + 1), map_root(right, depth + 1))


def split(
    values: Mapping[Digest, Digest], depth: int
) -> tuple[dict[Digest, Digest], dict[Digest, Digest]]:
    """The matters under the left and the right child at this depth."""
    left = {k: v for k, v in values.items() if not matter_map.bit(k, depth)}
    return left, {k: v for k, v in values.items() if k not in left}


def map_path(
    values: Mapping[Digest, Digest], key: Digest
) -> tuple[list[Digest], dict[Digest, Digest]]:
    """The siblings from the root downwards, and the lone leaf or nothing that is met there."""
    path: list[Digest] = []
    here = dict(values)
    while len(here) > 1:
        depth = len(path)
        left, right = split(here, depth)
        here, other = (right, left) if matter_map.bit(key, depth) else (left, right)
        path.append(map_root(other, depth + 1))
    return path, here


def map_proof(batch: Batch, key: Digest, shown: Shown | None) -> dict[str, Any]:
    """The document of docs/spec/format.md §9 for `key`; `shown` is None where it is absent."""
    path, met = map_path(batch.values, key)
    document: dict[str, Any] = {
        "format": "notary-map-proof/1",
        "batch": batch.index,
        "path": [sibling.hex() for sibling in path],
    }
    if key in met and shown is not None:
        return document | {"kind": "inclusion", "head": shown.head, "blind": shown.blind.hex()}
    if met:
        [(other, value)] = met.items()
        return document | {
            "kind": "absent-leaf",
            "leaf": {"key": other.hex(), "value": value.hex()},
        }
    return document | {"kind": "absent-empty"}
