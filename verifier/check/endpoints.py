"""Asks nodes for the hash that they have at a block's number (docs/spec/verification.md §4, level 2).

The only module that opens a connection, and only `--rpc` imports it. A node is believed nothing but
its word: whatever is no hash at that number on that chain is no answer. Proved by
tests/unit/check/test_endpoints.py.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from http.client import HTTPConnection, HTTPSConnection
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple

from verifier.check.blocks import BlockId, BlockSource, Said, SourceKind
from verifier.check.policy import Endpoint, Url
from verifier.format.digests import Digest, shown
from verifier.format.times import format_time

STEP_SECONDS = 10  # to connect, to send or to receive something; a public node takes one at most
ALL_SECONDS = 60  # for everything that is asked; who drips bytes is left alone then
MAX_ANSWER_BYTES = 4 * 2**20  # a block of 40,000 transaction hashes

_QUANTITY = re.compile(r"0x(?:0|[1-9a-f][0-9a-f]{0,15})")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")


class Asked(NamedTuple):
    """A node to ask, for the blocks of one chain; None for whatever chain it says it is of.

    `operator` is who counts towards the quorum; None if the policy does not name the node.
    """

    url: Url
    chain_id: int | None
    operator: str | None

    @property
    def who(self) -> str:
        """Operator and host. The path stays out of reports: many hold a paid key there."""
        return f"{self.operator or 'not in your policy'} ({self.url.place})"


class _NoAnswer(Exception):
    """The node gave no hash; the text says why."""


class _Away(_NoAnswer):
    """The node can't be reached or speaks no HTTP; asking on would take the same time again.

    Nothing is asked over its connection any more.
    """


def chosen(endpoints: Sequence[Endpoint], urls: Sequence[Url | None]) -> list[Asked]:
    """Whom to ask: the policy's endpoints (None), or those at these urls, each once."""
    found: dict[tuple[Url, int | None], Asked] = {}
    for url in urls:
        named = [one for one in endpoints if url is None or one.url == url]
        for one in named:
            found[one.url, one.chain_id] = Asked(one.url, one.chain_id, one.operator)
        if url is not None and not named:
            found[url, None] = Asked(url, None, None)
    return list(found.values())


def ask(
    nodes: Sequence[Asked],
    wanted: Sequence[BlockId],
    now: datetime,
    progress: Callable[[int, int], None],
) -> list[BlockSource]:
    """What each node says of those of `wanted` that are on its chain, all asked at the same time.

    Never raises for anything that a node does. Returns after ALL_SECONDS at the latest.
    """
    blocks = {
        node: [one for one in wanted if node.chain_id in (None, one.chain_id)] for node in nodes
    }
    said = {
        node: {block: _nothing(node, f"within {ALL_SECONDS} s") for block in blocks[node]}
        for node in nodes
    }
    answers: SimpleQueue[tuple[Asked, BlockId, Said]] = SimpleQueue()
    over = Event()
    for node in nodes:
        arguments = (node, blocks[node], f"asked at {format_time(now)}", answers, over)
        # A daemon, so that a node which never ends its answer can't keep the process.
        Thread(target=_ask_all, args=arguments, daemon=True).start()
    until = monotonic() + ALL_SECONDS
    total = sum(len(of_node) for of_node in blocks.values())
    for done in range(1, total + 1):
        try:
            node, block, one = answers.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            break
        said[node][block] = one
        progress(done, total)
    over.set()
    return list(said.values())


def _nothing(node: Asked, detail: str) -> Said:
    return Said(SourceKind.ENDPOINT, node.who, None, 0, node.operator, detail)


def _ask_all(
    node: Asked,
    blocks: Sequence[BlockId],
    detail: str,
    answers: "SimpleQueue[tuple[Asked, BlockId, Said]]",
    over: Event,
) -> None:
    """Ask one node for its chain, then for one block after the other; stop once it fails."""
    failure = ""
    connection = _connection(node.url)
    try:
        chain_id = _chain_id(connection, node)
    except _NoAnswer as error:
        chain_id, failure = None, str(error)
    for block in blocks:
        if over.is_set():
            break
        one = _nothing(node, failure)
        if not failure and block.chain_id != chain_id:
            one = _nothing(node, f"it is a node of chain {chain_id}")
        elif not failure:
            try:
                hash_ = _block_hash(connection, node, block)
                one = Said(SourceKind.ENDPOINT, node.who, hash_, 0, node.operator, detail)
            except _NoAnswer as error:
                one = _nothing(node, str(error))
                failure = str(error) if isinstance(error, _Away) else ""
        answers.put((node, block, one))
    connection.close()


def _connection(url: Url) -> HTTPConnection:
    kind = HTTPSConnection if url.is_https else HTTPConnection
    # The library takes an IPv6 address without the brackets that a url has.
    return kind(url.host.strip("[]"), url.port, timeout=STEP_SECONDS)


def _chain_id(connection: HTTPConnection, node: Asked) -> int:
    return _quantity(_call(connection, node, "eth_chainId"), "chain id")


def _block_hash(connection: HTTPConnection, node: Asked, block: BlockId) -> Digest:
    found = _call(connection, node, "eth_getBlockByNumber", hex(block.number), False)
    if found is None:
        raise _NoAnswer("it has no such block yet")
    if not isinstance(found, dict):
        raise _NoAnswer("what it answered is no block")
    if _quantity(found.get("number"), "block number") != block.number:
        raise _NoAnswer("it answered with another block number")
    hash_ = found.get("hash")
    if not isinstance(hash_, str) or not _HASH.fullmatch(hash_):
        raise _NoAnswer("what it answered has no block hash")
    return Digest(bytes.fromhex(hash_[2:]))


def _quantity(value: object, what: str) -> int:
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise _NoAnswer(f"what it answered is no {what}")
    return int(value, 16)


def _call(connection: HTTPConnection, node: Asked, method: str, *params: object) -> Any:
    """The result of one JSON-RPC call. Raises _NoAnswer."""
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    body, was_open = json.dumps(call).encode("ascii"), connection.sock is not None
    try:
        try:
            data = _post(connection, node.url.path, body)
        except ConnectionError:
            # A node may close a connection that it kept open; to ask twice changes nothing there.
            if not was_open:
                raise
            connection.close()
            data = _post(connection, node.url.path, body)
    except _NoAnswer:
        raise
    except OSError as error:
        raise _Away(shown(error.strerror or str(error) or type(error).__name__)) from error
    except Exception as error:
        # Whatever else goes wrong on the way, HTTPException and bad host names among it, is no
        # answer either; its text would be the node's own.
        raise _Away(f"no HTTP: {type(error).__name__}") from error
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _NoAnswer("what it answered is no JSON") from error
    if not isinstance(answer, dict) or "result" not in answer:
        refusal = answer.get("error") if isinstance(answer, dict) else None
        raise _NoAnswer(f"it refused: {shown(str(refusal))}" if refusal else "no JSON-RPC")
    return answer["result"]


def _post(connection: HTTPConnection, path: str, body: bytes) -> bytes:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    connection.request("POST", path, body, headers)
    with connection.getresponse() as response:
        # A redirection is not followed: whom to ask is the person's to say.
        if response.status != 200:
            raise _Away(f"HTTP status {response.status}")
        data = response.read(MAX_ANSWER_BYTES + 1)
    if len(data) > MAX_ANSWER_BYTES:
        raise _Away(f"its answer has more than {MAX_ANSWER_BYTES} bytes")
    return data


def announcement(nodes: Sequence[Asked], wanted: Sequence[BlockId]) -> Iterator[str]:
    """What is about to be sent, and to whom, a line each."""
    for node in nodes:
        count = sum(1 for one in wanted if node.chain_id in (None, one.chain_id))
        if count:
            yield f"asks {node.who} for the hashes of {count} blocks, by number alone\n"
