"""Owns the policy file: whom and what the verifying person trusts (docs/spec/verification.md §1).

Step 1.1. Nothing of it is ever read from a package. Proved by tests/unit/check/test_policy.py.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from verifier.check.blocks import OWN_LEVEL, QUORUM_LEVEL
from verifier.check.rows import Row
from verifier.check.toml import Table, read_document
from verifier.format.digests import Digest, shown
from verifier.format.errors import FormatError
from verifier.format.heads import check_log_name
from verifier.format.notes import VKey, parse_vkey
from verifier.format.numbers import ADDRESS_LENGTH
from verifier.format.receipts import receipts_origin
from verifier.format.signatures import ED25519
from verifier.format.statement import Kind, Log

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

FORMAT = "notary-policy/1"
CODE = "POLICY"

PUBLIC, CONSORTIUM, TEST = "public", "consortium", "test"
SHOWN, FULL = "shown", "full"

MIN_QUORUM = 2  # one operator's word would be a level above the person's own

_MAX_ITEMS = 1_000  # rows, keys: more is a mistake
_OBJECT_IDENTIFIER = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")


class Limits(NamedTuple):
    """Durations in seconds; `history` is what the person wants to be shown.

    `max_timestamp_gap_s` is there just when the policy names a time-stamping authority. `quorum`
    operators of endpoints together make level 2; None where the policy has no endpoint. `level` is
    the lowest at which a header counts.
    """

    max_silence_s: int
    history: str
    dispute_since: datetime | None
    max_timestamp_gap_s: int | None
    quorum: int | None
    level: int


class Chain(NamedTuple):
    """A chain as the person knows it. `hash_rule` may be one that this verifier does not know."""

    id: int
    name: str
    chain_class: str
    hash_rule: str


class Pin(NamedTuple):
    """A log that the person trusts, for anchors in [since, until)."""

    chain_id: int
    contract: bytes
    log_address: bytes
    name: str
    vkeys: tuple[VKey, ...]
    receipt_vkeys: tuple[VKey, ...]
    since: datetime
    until: datetime | None
    last_good_head: Digest | None
    origin: str

    @property
    def log(self) -> Log:
        """The log, as the format names it."""
        return Log(self.chain_id, self.contract, self.log_address, self.name)


class Url(NamedTuple):
    """Where a node answers: https, or http on this machine."""

    is_https: bool
    host: str
    port: int
    path: str

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return f"{self.host}:{self.port}"


class Endpoint(NamedTuple):
    """A node of one chain that the person may ask, and who runs it."""

    operator: str
    chain_id: int
    url: Url


class BlockList(NamedTuple):
    """Whose signed lists of block hashes the person believes, for one chain."""

    name: str
    vkey: VKey
    chain_id: int
    origin: str


class Authority(NamedTuple):
    """A time-stamping authority whose tokens of [since, until) the person trusts.

    `policies` are object identifiers of those of its policies that count; None: all do.
    """

    name: str
    roots: "tuple[Certificate, ...]"
    policies: frozenset[str] | None
    since: datetime
    until: datetime | None
    origin: str


class Policy(NamedTuple):
    """A policy file. `required` holds, per accepted kind, the rows beyond the floor."""

    sha256: str
    required: Mapping[Kind, frozenset[Row]]
    limits: Limits
    chains: Mapping[int, Chain]
    pins: tuple[Pin, ...]
    block_lists: tuple[BlockList, ...]
    authorities: tuple[Authority, ...]
    endpoints: tuple[Endpoint, ...]

    def pin_of(self, log: Log) -> Pin | None:
        """The pin of a log, if there is one."""
        return next((pin for pin in self.pins if pin.log == log), None)


def read_policy(path: Path) -> Policy:
    """Read a policy file. Raises CannotJudge POLICY_…."""
    document = read_document(path, CODE)
    top = document.table
    top.word("format", (FORMAT,))
    required = _required(top.table("required"))
    named = top.tables("timestamp_authority")
    limits = _limits(top.table("limits"), with_authorities=bool(named))
    chains: dict[int, Chain] = {}
    for table in top.tables("chain"):
        chain = _chain(table)
        if chain.id in chains:
            raise table.error("TWICE", f"chain {chain.id} stands twice")
        chains[chain.id] = chain
    pins: dict[Log, Pin] = {}
    for table in top.tables("log"):
        pin = _pin(table)
        _check_chain(table, pin.chain_id, chains)
        if pin.log in pins:
            raise table.error("TWICE", f"log {pin.name} stands twice")
        pins[pin.log] = pin
    block_lists: dict[tuple[str, int], BlockList] = {}
    for table in top.tables("block_list"):
        block_list = _block_list(table)
        _check_chain(table, block_list.chain_id, chains)
        if (block_list.vkey.text, block_list.chain_id) in block_lists:
            raise table.error("TWICE", f"list {block_list.name} stands twice for one chain")
        block_lists[block_list.vkey.text, block_list.chain_id] = block_list
    authorities: dict[str, Authority] = {}
    for table in named:
        authority = _authority(table)
        if authority.name in authorities:
            raise table.error("TWICE", f"authority {authority.name} stands twice")
        authorities[authority.name] = authority
    endpoints = [_endpoint(table, chains) for table in top.tables("endpoint")]
    _check_endpoints(top, endpoints, limits.quorum)
    if limits.level == QUORUM_LEVEL and not endpoints:
        raise top.error("QUORUM", "'level' in [limits] is 2, and no [[endpoint]] could make it")
    top.done()
    return Policy(
        sha256(document.data).hexdigest(),
        required,
        limits,
        chains,
        tuple(pins.values()),
        tuple(block_lists.values()),
        tuple(authorities.values()),
        tuple(endpoints),
    )


def _check_chain(table: Table, chain_id: int, chains: Mapping[int, Chain]) -> None:
    if chain_id not in chains:
        raise table.error("CHAIN", f"its chain {chain_id} is not listed under [[chain]]")


def _required(table: Table) -> dict[Kind, frozenset[Row]]:
    required: dict[Kind, frozenset[Row]] = {}
    for kind in Kind:
        if kind.value not in table:
            continue
        rows: set[Row] = set()
        for text in table.texts(kind.value, _MAX_ITEMS):
            if text not in list(Row):
                raise table.error("VALUE", f"{kind.value!r} names {shown(text)}, which is no row")
            if text in rows:
                raise table.error("TWICE", f"{kind.value!r} names {text} twice")
            rows.add(Row(text))
        required[kind] = frozenset(rows)
    table.done()
    return required


def _limits(table: Table, *, with_authorities: bool) -> Limits:
    limits = Limits(
        max_silence_s=table.integer("max_silence_s"),
        history=table.word("history", (SHOWN, FULL)),
        dispute_since=table.time("dispute_since") if "dispute_since" in table else None,
        max_timestamp_gap_s=table.integer("max_timestamp_gap_s") if with_authorities else None,
        quorum=table.integer("quorum") if "quorum" in table else None,
        level=table.integer("level") if "level" in table else OWN_LEVEL,
    )
    if not OWN_LEVEL <= limits.level <= QUORUM_LEVEL:
        raise table.error("VALUE", f"'level' is {OWN_LEVEL} or {QUORUM_LEVEL}, got {limits.level}")
    if limits.quorum is not None and limits.quorum < MIN_QUORUM:
        raise table.error("VALUE", f"'quorum' is {MIN_QUORUM} or more, got {limits.quorum}")
    table.done()
    return limits


def _chain(table: Table) -> Chain:
    chain = Chain(
        id=table.integer("id"),
        name=table.text("name"),
        chain_class=table.word("class", (PUBLIC, CONSORTIUM, TEST)),
        hash_rule=table.text("hash_rule"),
    )
    table.done()
    return chain


def _pin(table: Table) -> Pin:
    name = table.read("name", check_log_name)
    pin = Pin(
        chain_id=table.integer("chain_id"),
        contract=table.zerox("contract", ADDRESS_LENGTH),
        log_address=table.zerox("log_address", ADDRESS_LENGTH),
        name=name,
        vkeys=_vkeys(table, "vkeys", name),
        receipt_vkeys=(
            _vkeys(table, "receipt_vkeys", receipts_origin(name))
            if "receipt_vkeys" in table
            else ()
        ),
        since=table.time("from"),
        until=table.time("until") if "until" in table else None,
        last_good_head=(
            Digest(table.hexbytes("last_good_head", 32)) if "last_good_head" in table else None
        ),
        origin=table.text("origin"),
    )
    if not pin.vkeys:
        raise table.error("VALUE", "'vkeys' has at least one key")
    _check_period(table, pin.since, pin.until)
    table.done()
    return pin


# No user and no password, which would be sent, and no fragment, which would not.
_URL = re.compile(
    r"(https?)://([a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?(/[!\"$-~]*)?"
)
_PORTS = {"https": 443, "http": 80}
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]")


def parse_url(text: str) -> Url:
    """Read where a node answers. Raises FormatError URL_FORM."""
    match = _URL.fullmatch(text)
    if match is None or int(match[3] or 1) > 65535:
        raise FormatError(
            "URL_FORM", f"want https://host/path in lower case and without user, got {shown(text)}"
        )
    scheme, host, port, path = match.groups()
    if scheme == "http" and not _LOOPBACK.fullmatch(host):
        raise FormatError(
            "URL_FORM", f"want https, or http on this machine alone, got {shown(text)}"
        )
    return Url(scheme == "https", host, int(port or _PORTS[scheme]), path or "/")


def _endpoint(table: Table, chains: Mapping[int, Chain]) -> Endpoint:
    endpoint = Endpoint(
        table.text("operator"), table.integer("chain_id"), table.read("url", parse_url)
    )
    _check_chain(table, endpoint.chain_id, chains)
    table.done()
    return endpoint


def _check_endpoints(top: Table, endpoints: Sequence[Endpoint], quorum: int | None) -> None:
    """Refuse endpoints that could never make a quorum, or that would make one by themselves."""
    operators: dict[int, set[str]] = {}
    urls: set[Url] = set()
    runs: dict[tuple[str, int], str] = {}
    for one in endpoints:
        operators.setdefault(one.chain_id, set()).add(one.operator)
        if one.url in urls:
            raise top.error("TWICE", f"[[endpoint]]: a url at {one.url.place} stands twice")
        urls.add(one.url)
        # One machine under two names would be a quorum of one.
        other = runs.setdefault((one.url.host, one.url.port), one.operator)
        if other != one.operator:
            raise top.error(
                "QUORUM", f"[[endpoint]]: {one.url.place} has two operators; one machine has one"
            )
    for chain_id, of_chain in operators.items():
        if quorum is None or len(of_chain) < quorum:
            raise top.error(
                "QUORUM",
                f"[[endpoint]]: chain {chain_id} has {len(of_chain)} operators, "
                f"'quorum' in [limits] is {'missing' if quorum is None else quorum}",
            )


def _block_list(table: Table) -> BlockList:
    name = table.text("name")
    vkey = table.read("vkey", parse_vkey, "KEY")
    if vkey.name != name:
        raise table.error("KEY", f"'vkey': want a key of {shown(name)}, got {shown(vkey.name)}")
    if vkey.kind != ED25519:
        # A signature of type 0x06 is over a checkpoint, which a list of blocks is not.
        raise table.error("KEY", f"'vkey': want an Ed25519 key, got type {vkey.kind:#04x}")
    block_list = BlockList(name, vkey, table.integer("chain_id"), table.text("origin"))
    table.done()
    return block_list


def _authority(table: Table) -> Authority:
    # Imported here: most policies name no authority, and certificates take long to load.
    from verifier.format.timestamp_authority import read_roots

    authority = Authority(
        name=table.text("name"),
        roots=table.read("roots", read_roots, "KEY"),
        policies=(frozenset(table.texts("policies", _MAX_ITEMS)) if "policies" in table else None),
        since=table.time("from"),
        until=table.time("until") if "until" in table else None,
        origin=table.text("origin"),
    )
    _check_period(table, authority.since, authority.until)
    for policy in authority.policies or ():
        if not _OBJECT_IDENTIFIER.fullmatch(policy):
            raise table.error(
                "VALUE", f"'policies' has numbers joined by dots, got {shown(policy)}"
            )
    table.done()
    return authority


def _check_period(table: Table, since: datetime, until: datetime | None) -> None:
    if until is not None and until <= since:
        raise table.error("VALUE", "'until' is not after 'from'")


def _vkeys(table: Table, member: str, name: str) -> tuple[VKey, ...]:
    keys: dict[tuple[str, bytes], VKey] = {}
    for text in table.texts(member, _MAX_ITEMS):
        key = table.parsed(member, text, parse_vkey, "KEY")
        if key.name != name:
            raise table.error("KEY", f"{member!r}: want a key of {name}, got {shown(key.name)}")
        if (key.name, key.key_id) in keys:
            raise table.error("TWICE", f"{member!r}: key id {key.key_id.hex()} stands twice")
        keys[key.name, key.key_id] = key
    return tuple(keys.values())
