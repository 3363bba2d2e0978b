"""Proves verifier/check/endpoints.py: what nodes say, and that nothing they do is more than that.

Every node here is asked over a real socket; the real one is anvil.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.anvil import Anvil
from tests.simulators.chain_proxy import ChainProxy, Raw, answered, refused
from tests.simulators.nodes import Answer, Node, raw, result
from verifier.check import endpoints
from verifier.check.blocks import BlockId, Said
from verifier.check.endpoints import MAX_ANSWER_BYTES, Asked, announcement, ask, chosen
from verifier.check.policy import Endpoint, parse_url

ROOT = Path(__file__).parents[3]
CHAIN = 31337
HASH = b"\xab" * 32
BLOCK = BlockId(CHAIN, 12)
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)

Start = Callable[..., Node]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as nodes:

        def node(chain_id: int = CHAIN, **rules: Answer) -> Node:
            return nodes.enter_context(Node(chain_id, {12: HASH, 13: HASH}, rules))

        yield node


def asked(url: str, chain_id: int | None = CHAIN, operator: str | None = "Operator A") -> Asked:
    return Asked(parse_url(url), chain_id, operator)


def silent(done: int, total: int) -> None:
    pass


def answers(*nodes: Asked, wanted: tuple[BlockId, ...] = (BLOCK,)) -> list[Any]:
    return list(ask(nodes, wanted, NOW, silent))


def word(node: Asked, block: BlockId = BLOCK) -> Said:
    said: Said = answers(node, wanted=(block,))[0][block]
    return said


def why_not(node: Asked) -> str:
    """Why the node gives no answer."""
    said = word(node)
    assert said.hash is None
    assert said.level == 0
    return said.detail


# ---------------------------------------------------------------------- answers


def test_a_hash_is_the_node_s_word_and_no_level(start: Start) -> None:
    node = start()
    said = word(asked(node.url))
    assert (said.hash, said.level, said.operator) == (HASH, 0, "Operator A")
    assert said.detail == "asked at 2026-11-02T12:00:00.000Z"
    assert said.who == f"Operator A ({node.place})"


def test_a_node_is_asked_its_chain_and_one_number_at_a_time_and_nothing_else(start: Start) -> None:
    node = start()
    wanted = (BLOCK, BlockId(CHAIN, 0), BlockId(CHAIN, 2**53 - 1), BlockId(1, 12))
    said = answers(asked(f"{node.url}/v2/key?x=1"), wanted=wanted)[0]
    # Of another chain's block it is not asked, and so says nothing.
    assert list(said) == list(wanted[:3])
    assert [(one["method"], one["params"]) for one in node.calls] == [
        ("eth_chainId", []),
        ("eth_getBlockByNumber", ["0xc", False]),
        ("eth_getBlockByNumber", ["0x0", False]),
        ("eth_getBlockByNumber", ["0x1fffffffffffff", False]),
    ]
    assert set(node.paths) == {"/v2/key?x=1"}


def test_a_path_is_in_no_report(start: Start) -> None:
    node = asked(f"{start().url}/v2/secret")
    said = word(node)
    assert "secret" not in f"{said} {list(announcement([node], [BLOCK]))}"


def test_a_real_node_gives_the_hash_of_its_block(anvil: Anvil) -> None:
    anvil.rpc("anvil_mine", "0x5")
    block = BlockId(CHAIN, 3)
    said = word(asked(anvil.url), block)
    assert said.hash is not None
    assert "0x" + said.hash.hex() == anvil.rpc("eth_getBlockByNumber", "0x3", False)["hash"]
    assert word(asked(anvil.url), BlockId(CHAIN, 6)).detail == "it has no such block yet"


def test_nodes_are_asked_at_the_same_time(start: Start) -> None:
    def slow(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        time.sleep(1)
        result(hex(CHAIN))(handler, call)

    nodes = [asked(start(eth_chainId=slow).url) for _ in range(5)]
    began = time.monotonic()
    assert all(one[BLOCK].hash == HASH for one in answers(*nodes))
    assert time.monotonic() - began < 4


def test_progress_counts_every_answer(start: Start) -> None:
    seen = []
    nodes = [asked(start().url), asked(start().url)]
    ask(nodes, [BLOCK, BlockId(CHAIN, 13)], NOW, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


# ---------------------------------------------------------------------- no answers


NO_CHAIN_ID = [
    (result("0x1"), "it is a node of chain 1"),
    (result("1"), "what it answered is no chain id"),
    (result("0x07a69"), "what it answered is no chain id"),
    (result(31337), "what it answered is no chain id"),
    (result(None), "what it answered is no chain id"),
    (result("0x" + "f" * 17), "what it answered is no chain id"),
]


@pytest.mark.parametrize(("rule", "why"), NO_CHAIN_ID)
def test_a_node_of_another_chain_gives_no_answer(rule: Answer, why: str, start: Start) -> None:
    node = start(eth_chainId=rule)
    assert why_not(asked(node.url)) == why
    assert len(node.calls) == 1


def block(**members: object) -> Answer:
    return result({"number": "0xc", "hash": "0x" + HASH.hex()} | members)


NO_BLOCK = [
    (result(None), "it has no such block yet"),
    (result([]), "what it answered is no block"),
    (result("0x" + HASH.hex()), "what it answered is no block"),
    (result({}), "what it answered is no block number"),
    (block(number="0xd"), "it answered with another block number"),
    (block(number=12), "what it answered is no block number"),
    (block(hash=None), "what it answered has no block hash"),
    (block(hash=HASH.hex()), "what it answered has no block hash"),
    (block(hash="0x" + HASH.hex() + "00"), "what it answered has no block hash"),
    (block(hash="0x" + HASH.hex()[2:]), "what it answered has no block hash"),
    (block(hash="0x" + HASH.hex() + "\n"), "what it answered has no block hash"),
    (raw(b"{}"), "no JSON-RPC"),
    (raw(b"[]"), "no JSON-RPC"),
    (raw(b"5"), "no JSON-RPC"),
    (raw(b'["result"]'), "no JSON-RPC"),
    (raw(b'"result"'), "no JSON-RPC"),
    (raw(b""), "what it answered is no JSON"),
    (raw(b"<html>\xff"), "what it answered is no JSON"),
    (raw(b"[" * 1_000_000), "what it answered is no JSON"),
    (raw(b"9" * 1_000_000), "what it answered is no JSON"),
    (raw(b'{"error": {"message": "\\u001b[2J"}}'), "it refused: \"{'message': '\\\\x1b[2J'}\""),
    (raw(b"{}", 301), "HTTP status 301"),
    (raw(b"{}", 500), "HTTP status 500"),
    (raw(b"{}", 201), "HTTP status 201"),
    (raw(b"1" * (MAX_ANSWER_BYTES + 1)), f"its answer has more than {MAX_ANSWER_BYTES} bytes"),
]


@pytest.mark.parametrize(("rule", "why"), NO_BLOCK)
def test_what_is_no_hash_at_that_number_is_no_answer(rule: Answer, why: str, start: Start) -> None:
    assert why_not(asked(start(eth_getBlockByNumber=rule).url)) == why


def test_the_limits_are_those_of_the_specification(start: Start) -> None:
    text = (ROOT / "docs/spec/verification.md").read_text("utf-8")
    assert (
        "more than 4 MiB, what is no JSON or has no hash, more than 10 seconds for a\nstep" in text
    )
    assert "or 60 for everything" in text
    limits = (MAX_ANSWER_BYTES, endpoints.STEP_SECONDS, endpoints.ALL_SECONDS)
    assert limits == (4_194_304, 10, 60)
    content = json.dumps({"result": {"number": "0xc", "hash": "0x" + HASH.hex()}}).encode()
    whole = raw(content.ljust(MAX_ANSWER_BYTES))
    assert word(asked(start(eth_getBlockByNumber=whole).url)).hash == HASH


def test_one_block_without_an_answer_leaves_the_others(start: Start) -> None:
    said = answers(asked(start().url), wanted=(BlockId(CHAIN, 99), BLOCK))[0]
    assert [one.hash for one in said.values()] == [None, HASH]


def test_a_redirection_is_not_followed(start: Start) -> None:
    other = start()

    def elsewhere(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        handler.send_response(307)
        handler.send_header("Location", other.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    assert why_not(asked(start(eth_chainId=elsewhere).url)) == "HTTP status 307"
    assert other.calls == []


def test_a_gigabyte_is_not_read(start: Start) -> None:
    sent = []

    def huge(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2**30))
        handler.end_headers()
        for _ in range(2**10):
            handler.wfile.write(b" " * 2**20)
            sent.append(2**20)

    why = why_not(asked(start(eth_getBlockByNumber=huge).url))
    assert why == f"its answer has more than {MAX_ANSWER_BYTES} bytes"
    assert sum(sent) < 2**26


def test_a_silent_node_costs_one_step_and_not_one_for_each_block(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "STEP_SECONDS", 1)
    wait = threading.Event()
    node = start(eth_getBlockByNumber=lambda handler, call: wait.wait(20) and None)
    honest = start()
    wanted = tuple(BlockId(CHAIN, number) for number in (12, 13, 14, 15, 16))
    began = time.monotonic()
    said, other = answers(asked(node.url), asked(honest.url), wanted=wanted)
    assert time.monotonic() - began < 4
    wait.set()
    assert {one.detail for one in said.values()} == {"'timed out'"}
    assert other[BLOCK].hash == HASH


def dripping(over: threading.Event) -> Answer:
    """An answer that goes on, byte by byte, until the test is over."""

    def drip(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        while not over.wait(0.05):
            handler.wfile.write(b" ")

    return drip


def test_a_process_ends_though_a_node_does_not(start: Start) -> None:
    over = threading.Event()
    node = start(eth_getBlockByNumber=dripping(over))
    program = (
        "from datetime import UTC, datetime\n"
        "from verifier.check import endpoints as e\n"
        "from verifier.check.blocks import BlockId\n"
        "from verifier.check.policy import parse_url\n"
        "e.ALL_SECONDS = 1\n"
        f"node = e.Asked(parse_url({node.url!r}), {CHAIN}, 'A')\n"
        f"e.ask([node], [BlockId({CHAIN}, 12)], datetime.now(UTC), lambda done, total: None)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30, cwd=ROOT)
    over.set()


def test_who_drips_bytes_is_left_alone_at_the_end(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "ALL_SECONDS", 1)
    over = threading.Event()
    drip = dripping(over)
    node, honest = start(eth_getBlockByNumber=drip), start()
    began = time.monotonic()
    said, other = answers(asked(node.url), asked(honest.url))
    assert time.monotonic() - began < 10
    assert (said[BLOCK].hash, said[BLOCK].detail) == (None, "within 1 s")
    assert other[BLOCK].hash == HASH
    # Nor does anything go wrong where nobody else is asked.
    assert why_not(asked(node.url)) == "within 1 s"
    over.set()


def test_who_takes_too_long_is_asked_nothing_more(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "ALL_SECONDS", 0.5)

    def slow(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        time.sleep(0.2)
        result(None)(handler, call)

    node = start(eth_getBlockByNumber=slow)
    answers(asked(node.url), wanted=tuple(BlockId(CHAIN, number) for number in range(9)))
    time.sleep(0.5)
    asked_by_then = len(node.calls)
    time.sleep(0.5)
    assert len(node.calls) == asked_by_then < 9


@pytest.mark.parametrize(
    ("greeting", "why"),
    [
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP: BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\n", "what it answered is no JSON"),
        (b"", "'Remote end closed connection without response'"),
    ],
)
def test_what_speaks_no_http_is_no_answer(greeting: bytes, why: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                asked_for = b""
                # Closed with something unread, it would be a reset in place of an end.
                while b"}" not in asked_for:
                    asked_for += connection.recv(10_000)
                connection.sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        assert why_not(asked(f"http://127.0.0.1:{server.getsockname()[1]}")) == why
        thread.join()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="the machine has no IPv6")
def test_a_node_may_have_an_address_of_ipv6() -> None:
    with Node(CHAIN, {12: HASH}, host="::1") as node:
        assert word(asked(node.url)).hash == HASH
    assert node.url.startswith("http://[::1]:")


def test_nobody_at_that_port_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert why_not(asked(f"http://127.0.0.1:{port}")) == "'Connection refused'"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_counts_only_if_somebody_vouches_for_it(
    trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    with Node(CHAIN, {12: HASH}) as node:
        node._server.socket = context.wrap_socket(node._server.socket, server_side=True)
        said = word(asked(f"https://localhost:{node.place.split(':')[1]}"))
    assert (said.hash == HASH) is trusted
    assert ("CERTIFICATE_VERIFY_FAILED" in said.detail) is not trusted
    assert bool(node.calls) is trusted


# ---------------------------------------------------------------------- a real node behind faults


def test_a_real_node_behind_a_proxy_that_lies_lags_or_breaks(anvil: Anvil) -> None:
    anvil.rpc("anvil_mine", "0x14")
    true = anvil.rpc("eth_getBlockByNumber", "0xc", False)["hash"]

    def lie(params: list[Any], forward: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        answer = forward()
        answer["result"]["hash"] = "0x" + "ef" * 32
        return answer

    def tried(method: str, rule: Any) -> Said:
        with ChainProxy(anvil.url) as proxy, proxy.rule(method, rule):
            return word(asked(proxy.url))

    lied = tried("eth_getBlockByNumber", lie)
    assert lied.hash == b"\xef" * 32 != bytes.fromhex(true[2:])
    lag = tried("eth_getBlockByNumber", lambda params, forward: answered(None))
    assert (lag.hash, lag.detail) == (None, "it has no such block yet")
    broken = tried("eth_getBlockByNumber", lambda params, forward: Raw(502, b"bad gateway"))
    assert (broken.hash, broken.detail) == (None, "HTTP status 502")
    refusal = tried("eth_getBlockByNumber", lambda params, forward: refused("rate limited"))
    assert "rate limited" in refusal.detail
    other = tried("eth_chainId", lambda params, forward: answered("0x1"))
    assert (other.hash, other.detail) == (None, "it is a node of chain 1")


# ---------------------------------------------------------------------- whom to ask


A = Endpoint("A", CHAIN, parse_url("https://a.example"))
B = Endpoint("B", 1, parse_url("https://b.example/key"))


def test_without_a_url_the_policy_s_endpoints_are_asked() -> None:
    assert chosen([A, B], [None]) == [Asked(A.url, CHAIN, "A"), Asked(B.url, 1, "B")]
    assert chosen([], [None]) == []


def test_a_url_restricts_and_one_of_nobody_s_never_counts() -> None:
    stranger = parse_url("https://c.example")
    assert chosen([A, B], [parse_url("https://a.example/")]) == [Asked(A.url, CHAIN, "A")]
    assert chosen([A, B], [stranger, stranger, A.url]) == [
        Asked(stranger, None, None),
        Asked(A.url, CHAIN, "A"),
    ]
    assert Asked(stranger, None, None).who == "not in your policy (c.example:443)"
    # The path is part of the url: another key is another account, and nobody's.
    assert chosen([B], [parse_url("https://b.example/other")])[0].operator is None


def test_the_announcement_says_whom_and_how_many() -> None:
    nodes = [Asked(A.url, CHAIN, "A"), Asked(B.url, 1, "B")]
    assert list(announcement(nodes, [BLOCK, BlockId(CHAIN, 13)])) == [
        "asks A (a.example:443) for the hashes of 2 blocks, by number alone\n"
    ]


def test_a_node_of_nobody_is_asked_for_the_blocks_of_its_chain(start: Start) -> None:
    node = start()
    wanted = (BLOCK, BlockId(1, 12))
    said = answers(asked(node.url, None, None), wanted=wanted)[0]
    assert said[BLOCK].hash == HASH
    assert (said[BLOCK].operator, said[BLOCK].level) == (None, 0)
    assert said[BlockId(1, 12)].detail == f"it is a node of chain {CHAIN}"


def test_answers_may_come_in_pieces(start: Start) -> None:
    content = json.dumps({"result": {"number": "0xc", "hash": "0x" + HASH.hex().upper()}}).encode()

    def chunks(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for byte in content:
            handler.wfile.write(b"1\r\n" + bytes([byte]) + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    assert word(asked(start(eth_getBlockByNumber=chunks).url)).hash == HASH


def test_a_connection_that_is_closed_between_two_calls_is_opened_anew(start: Start) -> None:
    def close(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        result(hex(CHAIN))(handler, call)
        # Without a word, as a server does whose patience is over.
        handler.close_connection = True

    node = start(eth_chainId=close)
    assert word(asked(node.url)).hash == HASH
    assert [one["method"] for one in node.calls] == ["eth_chainId", "eth_getBlockByNumber"]


def test_an_answer_that_is_cut_off_is_none(start: Start) -> None:
    def cut(handler: BaseHTTPRequestHandler, call: dict[str, Any]) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"result": {"number": "0xc"')
        handler.close_connection = True

    assert why_not(asked(start(eth_getBlockByNumber=cut).url)) == "what it answered is no JSON"
