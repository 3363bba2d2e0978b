"""Owns the statement of a package (docs/spec/package.md §4).

The verifier rebuilds it, so exporter and verifier make it here, from the same facts.
Proved by tests/unit/format_package/test_statement.py.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, TypeVar

from verifier.format import jsonc, numbers
from verifier.format.digests import Digest, shown
from verifier.format.errors import FormatError
from verifier.format.fold import Link
from verifier.format.heads import check_log_name
from verifier.format.identity import Identity
from verifier.format.jsonc import Json
from verifier.format.members import Members
from verifier.format.numbers import ADDRESS_LENGTH, MatterNumber
from verifier.format.records import Leaf
from verifier.format.times import block_moment, format_time, parse_time

FORMAT = "notary-statement/1"

Word = TypeVar("Word", bound=StrEnum)

# The README prints the version, so it must not be able to hold a line of its own.
_VERSION = re.compile(r"[A-Za-z0-9.+-]{1,64}")


class Kind(StrEnum):
    """What a package answers (package.md, opening table)."""

    COMPLETE = "complete"
    EXTRACT = "extract"
    ABSENT = "absent"


class Reason(StrEnum):
    """Why the exporter withholds a field; his word, which no proof supports."""

    PRIVILEGE = "privilege"
    PERSONAL_DATA = "personal_data"
    TRADE_SECRET = "trade_secret"  # noqa: S105 - a reason, no password
    MEDIATION = "mediation"
    NOT_RELEVANT = "not_relevant"
    OTHER = "other"


class History(StrEnum):
    """How much of the log's history the package shows: the shown batches, or every one."""

    SHOWN = "shown"
    FULL = "full"


class Use(StrEnum):
    """What a block header of the package is used for."""

    AS_OF = "as-of"
    EVENT = "event"
    LEG = "leg"
    NOT_BEFORE = "not-before"


class Withheld(NamedTuple):
    """A claim of a leaf in the package that has no disclosure and is not erased."""

    position: int
    claim: str
    reason: Reason


class Erased(NamedTuple):
    """A leaf whose content is gone; the leaf at `tombstone` says so."""

    position: int
    tombstone: int


class Choices(NamedTuple):
    """What the exporter chooses. Everything else in a statement follows from the evidence."""

    kind: Kind
    matter: MatterNumber
    withheld: tuple[Withheld, ...]
    erased: tuple[Erased, ...]
    history: History
    verifier: Identity


class Log(NamedTuple):
    """A log: the four things that together name it."""

    chain_id: int
    contract: bytes
    log_address: bytes
    name: str


def read_log(members: Members) -> Log:
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
        "contract": _zerox(log.contract),
        "log_address": _zerox(log.log_address),
        "name": log.name,
    }


class Header(NamedTuple):
    """A block by its header. `time` is its block time."""

    number: int
    hash: Digest
    time: int


class AsOf(NamedTuple):
    """The block at which the package answers, and the newest batch that it proves."""

    block: int
    block_hash: Digest
    time: datetime
    batch: int
    last_anchor: datetime


class ShownAnchor(NamedTuple):
    """A shown checkpoint with the time of its earliest link."""

    size: int
    root: Digest
    time: datetime


class Block(NamedTuple):
    """What a person can compare with a source of her own."""

    chain_id: int
    number: int
    hash: Digest
    used_for: Use


class Statement(NamedTuple):
    """data/statement.json: the choices, and what follows from the evidence."""

    choices: Choices
    log: Log
    as_of: AsOf
    records: int
    shown: tuple[int, ...]
    anchors: tuple[ShownAnchor, ...]
    blocks: tuple[Block, ...]


def build_statement(
    choices: Choices,
    *,
    log: Log,
    links: Sequence[Link],
    as_of: Header,
    legs: Iterable[Header],
    not_before: Iterable[tuple[int, int, Digest]],
    events: Iterable[tuple[int, int, Digest]],
    checkpoints: Iterable[tuple[int, Digest]],
    records: int,
    shown: Iterable[int],
) -> Statement:
    """Build the statement of a package.

    `links` are the fold links, oldest first; `as_of` and `legs` the headers in `evm.json`;
    `not_before` chain id, number and hash as the shown batch headers state them; `events` those of
    the disclosed proofs of foreign events; `checkpoints` size and root of every shown checkpoint;
    `records` the size of the as-of head, 0 when absent; `shown` the positions in the package.
    Raises FormatError STATEMENT_LINKS if there is no link or a checkpoint is none of them,
    BLOCK_TIME_RANGE for a time beyond the year 9999.
    """
    if not links:
        raise FormatError("STATEMENT_LINKS", "a statement needs at least one fold link")
    times: dict[tuple[int, Digest], int] = {}
    for link in links:
        # The earliest link of a checkpoint dates it.
        times.setdefault((link.size, link.root), link.time)
    anchors = []
    for size, root in sorted(set(checkpoints)):
        if (size, root) not in times:
            raise FormatError("STATEMENT_LINKS", f"no link has size {size} and this root")
        anchors.append(ShownAnchor(size, root, block_moment(times[size, root])))
    blocks = {Block(log.chain_id, as_of.number, as_of.hash, Use.AS_OF)}
    blocks |= {Block(log.chain_id, leg.number, leg.hash, Use.LEG) for leg in legs}
    blocks |= {Block(chain, number, hash_, Use.NOT_BEFORE) for chain, number, hash_ in not_before}
    blocks |= {Block(chain, number, hash_, Use.EVENT) for chain, number, hash_ in events}
    last = links[-1]
    return Statement(
        choices=choices,
        log=log,
        as_of=AsOf(
            block=as_of.number,
            block_hash=as_of.hash,
            time=block_moment(as_of.time),
            batch=last.size - 1,
            last_anchor=block_moment(last.time),
        ),
        records=records,
        shown=tuple(sorted(shown)),
        anchors=tuple(anchors),
        # package.md §4: ascending by number, then use; the rest of the key makes the order one.
        blocks=tuple(sorted(blocks, key=lambda b: (b.number, b.used_for, b.chain_id, b.hash))),
    )


def encode(statement: Statement) -> bytes:
    """Write data/statement.json. Raises FormatError as `jsonc.encode` does."""
    choices, log, as_of = statement.choices, statement.log, statement.as_of
    withheld: list[Json] = [
        {"position": one.position, "claim": one.claim, "reason": one.reason.value}
        for one in choices.withheld
    ]
    erased: list[Json] = [
        {"position": one.position, "tombstone": one.tombstone} for one in choices.erased
    ]
    anchors: list[Json] = [
        {"size": one.size, "root": one.root.hex(), "time": format_time(one.time)}
        for one in statement.anchors
    ]
    blocks: list[Json] = [
        {
            "chain_id": one.chain_id,
            "number": one.number,
            "hash": _zerox(one.hash),
            "used_for": one.used_for.value,
        }
        for one in statement.blocks
    ]
    return jsonc.encode(
        {
            "format": FORMAT,
            "kind": choices.kind.value,
            "matter": choices.matter.text,
            "withheld": withheld,
            "erased": erased,
            "history": choices.history.value,
            "verifier": {
                "version": choices.verifier.version,
                "sha256": choices.verifier.sha256.hex(),
            },
            "log": write_log(log),
            "as_of": {
                "block": as_of.block,
                "block_hash": _zerox(as_of.block_hash),
                "time": format_time(as_of.time),
                "batch": as_of.batch,
                "last_anchor": format_time(as_of.last_anchor),
            },
            "records": statement.records,
            "shown": list(statement.shown),
            "anchors": anchors,
            "blocks": blocks,
        }
    )


def parse(data: bytes) -> Statement:
    """Read data/statement.json. Whether it is true is not asked here.

    Raises FormatError JSON_…, MEMBER_…, NUMBER_…, LOG_NAME, TIME_FORM, STATEMENT_KIND,
    STATEMENT_MATTER (not the printed form), STATEMENT_REASON, STATEMENT_ORDER,
    STATEMENT_HISTORY, STATEMENT_VERSION or STATEMENT_USE.
    """
    members = Members(jsonc.decode(data, "statement"), "statement")
    members.literal("format", FORMAT)
    choices = _choices(members)
    log = read_log(members.object("log"))
    as_of_members = members.object("as_of")
    as_of = AsOf(
        block=as_of_members.integer("block"),
        block_hash=Digest(as_of_members.zerox("block_hash", 32)),
        time=parse_time(as_of_members.text("time")),
        batch=as_of_members.integer("batch"),
        last_anchor=parse_time(as_of_members.text("last_anchor")),
    )
    as_of_members.done()
    records = members.integer("records")
    positions = members.array("shown")
    if not all(type(one) is int for one in positions):
        raise FormatError("MEMBER_TYPE", "statement: 'shown' is an array of integers")
    anchors = []
    for one in members.objects("anchors"):
        moment = parse_time(one.text("time"))
        anchors.append(ShownAnchor(one.integer("size"), one.hex32("root"), moment))
        one.done()
    blocks = []
    for one in members.objects("blocks"):
        blocks.append(
            Block(
                chain_id=one.integer("chain_id"),
                number=one.integer("number"),
                hash=Digest(one.zerox("hash", 32)),
                used_for=_word(Use, one.text("used_for"), "STATEMENT_USE"),
            )
        )
        one.done()
    members.done()
    return Statement(
        choices=choices,
        log=log,
        as_of=as_of,
        records=records,
        shown=tuple(one for one in positions if type(one) is int),
        anchors=tuple(anchors),
        blocks=tuple(blocks),
    )


def _choices(members: Members) -> Choices:
    kind = _word(Kind, members.text("kind"), "STATEMENT_KIND")
    text = members.text("matter")
    matter = numbers.parse(text)
    if matter.text != text:
        raise FormatError("STATEMENT_MATTER", f"want {matter.text}, got {shown(text)}")
    withheld = []
    for one in members.objects("withheld"):
        reason = _word(Reason, one.text("reason"), "STATEMENT_REASON")
        withheld.append(Withheld(one.integer("position"), one.text("claim"), reason))
        one.done()
    erased = []
    for one in members.objects("erased"):
        erased.append(Erased(one.integer("position"), one.integer("tombstone")))
        one.done()
    _check_order("withheld", [(one.position, one.claim) for one in withheld])
    _check_order("erased", [(one.position, "") for one in erased])
    history = _word(History, members.text("history"), "STATEMENT_HISTORY")
    verifier_members = members.object("verifier")
    version = verifier_members.text("version")
    if not _VERSION.fullmatch(version):
        raise FormatError("STATEMENT_VERSION", f"{shown(version)} is no version of a verifier")
    identity = Identity(version, verifier_members.hex32("sha256"))
    verifier_members.done()
    return Choices(kind, matter, tuple(withheld), tuple(erased), history, identity)


def _check_order(name: str, keys: Sequence[tuple[int, str]]) -> None:
    for before, after in pairwise(keys):
        if before >= after:
            raise FormatError(
                "STATEMENT_ORDER", f"statement: {name!r} is not ascending at position {after[0]}"
            )


def _word(words: type[Word], text: str, code: str) -> Word:
    try:
        return words(text)
    except ValueError as error:
        known = ", ".join(words)
        raise FormatError(code, f"statement: want one of {known}, got {shown(text)}") from error


def _zerox(raw: bytes) -> str:
    return "0x" + raw.hex()


def claims_to_withhold(
    leaves: Mapping[int, Leaf],
    disclosed: Mapping[int, Collection[str]],
    erased: Collection[int],
) -> list[tuple[int, str]]:
    """Position and claim of everything that must be listed as withheld, in the list's order.

    `leaves` are those in the package by position, `disclosed` the claim names that have a
    disclosure, `erased` the positions that are listed as erased.
    """
    return [
        (position, claim)
        for position in sorted(leaves)
        if position not in erased
        for claim in sorted(leaves[position].claims)
        if claim not in disclosed.get(position, ())
    ]


def is_tombstone(tombstone: Leaf, target: Json, *, position: int, leaf_hash: Digest) -> bool:
    """Whether `tombstone` with the disclosed claim `target` records the erasure of that leaf.

    It is of kind `erasure`, stands after the leaf, and names its position and hash.
    """
    return (
        tombstone.kind == "erasure"
        and tombstone.position > position
        # True equals 1 in Python; a boolean is no position.
        and isinstance(target, dict)
        and type(target.get("position")) is int
        and target == {"position": position, "leaf": leaf_hash.hex()}
    )
