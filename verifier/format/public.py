"""Owns the documents of the public material: where they stand, and two of them (docs/spec/format.md §13).

What they say together is asked by `replay`. Proved by tests/unit/core/test_replay.py and
tests/property/format/test_parsers.py.
"""

from collections.abc import Sequence
from typing import NamedTuple

from verifier.format import jsonc
from verifier.format.digests import Digest
from verifier.format.evm import ADDRESS_LENGTH
from verifier.format.fold import Link
from verifier.format.heads import check_log_name
from verifier.format.jsonc import Json
from verifier.format.statement import Log

LOG_FORMAT = "notary-public/1"
FOLD_FORMAT = "notary-fold/1"

LOG_FILE = "log.json"
FOLD_FILE = "fold.json"
BATCHES = "batches"
KEYS = "keys"
HEADER, DELTA, CHECKPOINT = "header.json", "delta.txt", "checkpoint.txt"  # of each batch


class Fold(NamedTuple):
    """The anchors of a log in their order, after the contract's head `prev`."""

    prev: Digest
    links: tuple[Link, ...]


def batch_file(batch: int, name: str) -> str:
    """The path of one of a batch's three files."""
    return f"{BATCHES}/{batch}/{name}"


def key_set_file(digest: Digest) -> str:
    """The path of a key set."""
    return f"{KEYS}/{digest.hex()}.txt"


def read_log(members: jsonc.Members) -> Log:
    """Take the object that names a log. Raises FormatError MEMBER_… or LOG_NAME."""
    log = Log(
        members.integer("chain_id"),
        members.zerox("contract", ADDRESS_LENGTH),
        members.zerox("log_address", ADDRESS_LENGTH),
        check_log_name(members.text("name")),
    )
    members.done()
    return log


def write_log(log: Log) -> Json:
    """The object that names a log."""
    return {
        "chain_id": log.chain_id,
        "contract": "0x" + log.contract.hex(),
        "log_address": "0x" + log.log_address.hex(),
        "name": log.name,
    }


def read_fold(members: jsonc.Members) -> Fold:
    """Take `prev` and `links` (anchor.md §4). Raises FormatError MEMBER_… or LINK_RANGE."""
    prev = members.hex32("prev")
    links = []
    for one in members.objects("links"):
        links.append(Link(one.hex32("root"), one.integer("size"), one.integer("time")))
        one.done()
    members.done()
    return Fold(prev, tuple(links))


def write_fold(prev: Digest, links: Sequence[Link]) -> dict[str, Json]:
    """`prev` and `links` as JSON."""
    return {
        "prev": prev.hex(),
        "links": [{"root": one.root.hex(), "size": one.size, "time": one.time} for one in links],
    }


def parse_log(data: bytes) -> Log:
    """Read log.json. Raises FormatError JSON_…, MEMBER_… or LOG_NAME."""
    members = jsonc.Members(jsonc.decode(data, LOG_FILE), LOG_FILE)
    members.literal("format", LOG_FORMAT)
    log = read_log(members.object("log"))
    members.done()
    return log


def encode_log(log: Log) -> bytes:
    """Write log.json. Raises FormatError LOG_NAME."""
    check_log_name(log.name)
    return jsonc.encode({"format": LOG_FORMAT, "log": write_log(log)})


def parse_fold(data: bytes) -> Fold:
    """Read fold.json. Raises FormatError JSON_…, MEMBER_… or LINK_RANGE."""
    members = jsonc.Members(jsonc.decode(data, FOLD_FILE), FOLD_FILE)
    members.literal("format", FOLD_FORMAT)
    return read_fold(members)


def encode_fold(fold: Fold) -> bytes:
    """Write fold.json."""
    return jsonc.encode({"format": FOLD_FORMAT, **write_fold(fold.prev, fold.links)})
