"""The chain adapter against a node: what it asks, what it makes of failures, what it rebuilds."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from notary.adapters.chain import encoding
from notary.adapters.chain.compared import ComparedChain
from notary.adapters.chain.deployment import INIT_CODE, deploy
from notary.adapters.chain.keystore import KeystoreSigner, create_keystore
from notary.adapters.chain.prover import VerifierProcess
from notary.adapters.chain.rpc import Refused, Rpc
from notary.adapters.chain.web3_chain import Web3Chain
from notary.adapters.system import SystemClock
from notary.chain_ports import ChainAway, ChainContradiction, TransactionFields
from notary.core.intent import State
from notary.core.trie_proofs import items_root
from notary.errors import CallerError, NothingHappened, OutcomeUnknown
from tests.anvil import Anvil
from tests.conftest import StartAnvil
from tests.scenarios.anchor.conftest import MakeWorld
from tests.simulators.chain_faults import another_digit, forging
from tests.simulators.chain_proxy import ChainProxy, Dropped, Forward, Rule, answered
from tests.simulators.chain_world import ETHER, GWEI
from verifier.format import contract as anchors
from verifier.format import evm
from verifier.format.keccak import keccak256

ARTIFACT = Path(__file__).parents[3] / "contracts/artifact/Anchors.json"


class Answers(ThreadingHTTPServer):
    """A server that answers every request with the same bytes."""

    status, content = 200, b""
    requests = 0

    @property
    def url(self) -> str:
        return f"http://user:secret@127.0.0.1:{self.server_address[1]}/key"


@pytest.fixture
def answers() -> Iterator[Answers]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server.requests += 1
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(server.content)))
            self.end_headers()
            self.wfile.write(server.content)

        def log_message(self, *_: object) -> None:
            pass

    server = Answers(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


# Failures.


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b""),
        (502, b"bad gateway"),
        (429, b"{}"),
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"jsonrpc":"2.0","id":1,"result":1,"error":{}}'),
    ],
)
def test_an_unreadable_answer_leaves_the_outcome_open_and_is_asked_for_once(
    answers: Answers, status: int, content: bytes
) -> None:
    answers.status, answers.content = status, content
    with pytest.raises(OutcomeUnknown) as raised:
        Rpc(answers.url).send("eth_sendRawTransaction", "0x00")
    assert answers.requests == 1, "sent again without a look"
    assert "secret" not in str(raised.value)
    assert "/key" not in str(raised.value)
    with pytest.raises(ChainAway):
        Rpc(answers.url).ask("eth_chainId")
    assert answers.requests == 2


def test_where_nobody_listens_nothing_has_happened() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(ChainAway, match="no connection") as raised:
        Rpc(f"http://127.0.0.1:{port}").send("eth_sendRawTransaction", "0x00")
    assert isinstance(raised.value, NothingHappened)


def test_a_node_that_does_not_answer_in_time_leaves_the_outcome_open() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OutcomeUnknown, match="no answer"):
            Rpc(url, timeout_s=0.2).send("eth_sendRawTransaction", "0x00")


def test_a_refusal_is_told_without_control_characters(answers: Answers) -> None:
    error = {"code": -32000, "message": "no\n\x1b[31m" + "x" * 500}
    answers.content = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
    with pytest.raises(Refused, match=r"eth_chainId: -32000 no\?\?\[31mx{190,194}$"):
        Rpc(answers.url).ask("eth_chainId")


def test_a_code_that_is_an_essay_is_cut_too(answers: Answers) -> None:
    error = {"code": "9" * 500, "message": "no"}
    answers.content = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()
    with pytest.raises(Refused, match=r"eth_chainId: 9{20} no$"):
        Rpc(answers.url).ask("eth_chainId")


def test_an_error_that_is_no_object_is_a_refusal_too(answers: Answers) -> None:
    answers.content = b'{"jsonrpc":"2.0","id":1,"error":"busy"}'
    with pytest.raises(Refused, match="eth_chainId: None busy"):
        Rpc(answers.url).ask("eth_chainId")


def test_a_send_that_is_cut_off_is_made_once(anvil: Anvil) -> None:
    def cut(_: list[Any], forward: Forward) -> dict[str, Any]:
        raise Dropped

    with ChainProxy(anvil.url) as proxy, proxy.rule("eth_sendRawTransaction", cut):
        chain = Web3Chain(proxy.url, anchors.ADDRESS, b"\x01" * 20)
        with pytest.raises(OutcomeUnknown):
            chain.send(b"\x02")
        assert proxy.count("eth_sendRawTransaction") == 1


# What is read.


def test_finality_by_depth_is_so_many_blocks_below(start_anvil: StartAnvil) -> None:
    anvil = start_anvil("--no-mining")
    chain = Web3Chain(anvil.url, anchors.ADDRESS, b"\x01" * 20, finality_depth=3)
    assert chain.finalized().number == 0
    for _ in range(5):
        anvil.rpc("evm_mine")
    assert chain.finalized().number == 2
    assert chain.block(6) is None


def test_the_head_of_a_log_that_never_anchored_is_proved_to_be_zero(
    make_world: MakeWorld,
) -> None:
    world = make_world()
    # Nobody has anchored: the contract's storage is empty.
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    assert chain.prove_head().head == bytes(32)
    world.seal()
    world.settle()
    # Others have: the log's place in the storage is shown to be free.
    other = Web3Chain(world.url, anchors.ADDRESS, b"\x01" * 20)
    assert other.prove_head().head == bytes(32)
    assert chain.prove_head().head == world.on_chain()[-1].head


def test_a_count_is_that_of_the_state_in_which_the_head_is_proved(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    assert (chain.prove_count().count, chain.prove_count().head) == (0, bytes(32))
    world.seal()
    world.settle()
    with world.proxy.rule("eth_getTransactionCount", told("0x9")):
        proved = chain.prove_count()
    assert (proved.count, proved.head) == (1, world.on_chain()[-1].head)
    assert proved.header == chain.latest()


def test_a_forged_proof_of_a_count_is_refused(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)

    def forge(proof: dict[str, Any]) -> None:
        # That of the head, which is asked with its slot, stays as it is.
        if int(proof["address"], 16) == int.from_bytes(world.account):
            proof["accountProof"][-1] = another_digit(proof["accountProof"][-1])

    with (
        world.proxy.rule("eth_getProof", forging(forge)),
        pytest.raises(ChainContradiction, match=r"the proof at block .* does not hold"),
    ):
        chain.prove_count()
    # Nor is another account's taken for ours, nor none at all.
    honest = world.anvil.rpc("eth_getProof", "0x" + "11" * 20, [], "latest")["accountProof"]

    def swap(proof: dict[str, Any]) -> None:
        if int(proof["address"], 16) == int.from_bytes(world.account):
            proof["accountProof"] = honest

    with (
        world.proxy.rule("eth_getProof", forging(swap)),
        pytest.raises(ChainContradiction, match=r"the proof at block .* does not hold"),
    ):
        chain.prove_count()


def test_a_proof_of_a_block_that_is_replaced_meanwhile_is_asked_for_again(
    make_world: MakeWorld,
) -> None:
    world = make_world(proxied=True)
    world.mine(3)
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)

    def replaced(_: list[Any], forward: Forward) -> dict[str, Any]:
        world.anvil.rpc("anvil_reorg", 1, [])
        world.fund(1)
        return forward()

    with world.proxy.rule("eth_getProof", replaced), pytest.raises(ChainAway, match="replaced"):
        chain.prove_head()


def test_a_receipt_without_a_block_is_no_inclusion(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    world.mine()
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    tx_hash = world.youngest().attempts[0].hash
    assert chain.inclusion(tx_hash) is not None
    for method, result in (
        ("eth_getTransactionReceipt", None),
        ("eth_getTransactionReceipt", {"blockHash": None}),
        ("eth_getBlockByHash", None),
        ("eth_getBlockByNumber", None),
    ):
        with world.proxy.rule(method, told(result)):
            assert chain.inclusion(tx_hash) is None, method


def told(result: Any) -> Rule:
    return lambda _, forward: answered(result)


def test_an_honest_block_in_the_place_of_another_is_not_taken(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    world.mine()
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    other = world.anvil.rpc("eth_getBlockByNumber", "0x1", True)
    with world.proxy.rule("eth_getBlockByNumber", told(other)):
        with pytest.raises(ChainContradiction, match="asked for block 2, got block 1"):
            chain.block(2)
        with pytest.raises(ChainContradiction, match="asked for block 0, got block 1"):
            chain.identity()
    tx_hash = world.youngest().attempts[0].hash
    with (
        world.proxy.rule("eth_getBlockByHash", told(other)),
        pytest.raises(ChainContradiction, match="asked for block 0x"),
    ):
        chain.inclusion(tx_hash)


def test_what_a_node_has_not_is_waited_for(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    world.mine()
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    with world.proxy.rule("eth_getBlockByNumber", told(None)):
        with pytest.raises(ChainAway, match="no finalized block yet"):
            chain.finalized()
        with pytest.raises(ChainContradiction, match="has no block 0"):
            chain.identity()
    assert chain.attempt(b"\x01" * 32) is None
    tx_hash = world.youngest().attempts[0].hash
    with (
        world.proxy.rule("eth_getBlockReceipts", told(None)),
        world.proxy.rule("eth_getTransactionReceipt", receipt_once()),
        pytest.raises(ChainAway, match="a receipt is gone again"),
    ):
        chain.inclusion(tx_hash)


def receipt_once() -> Rule:
    """The chain's answer the first time, none afterwards."""
    asked: list[int] = []

    def rule(_: list[Any], forward: Forward) -> dict[str, Any]:
        asked.append(1)
        return forward() if len(asked) == 1 else answered(None)

    return rule


def test_a_header_with_a_root_of_another_length_is_refused(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    block = world.anvil.rpc("eth_getBlockByNumber", "latest", False)
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    with (
        world.proxy.rule("eth_getBlockByNumber", told(block | {"stateRoot": "0x12"})),
        pytest.raises(ChainContradiction, match="the state root has 32 bytes"),
    ):
        chain.latest()
    with (
        world.proxy.rule("eth_getBlockByNumber", told({**block, "mixHash": None})),
        pytest.raises(ChainContradiction, match="has no mixHash"),
    ):
        chain.latest()


def test_a_transaction_under_the_hash_of_another_is_not_adopted(make_world: MakeWorld) -> None:
    world = make_world(proxied=True)
    world.seal()
    world.step()
    other = world.anvil.rpc(
        "eth_getTransactionByHash", "0x" + world.youngest().attempts[0].hash.hex()
    )
    chain = Web3Chain(world.url, anchors.ADDRESS, world.account)
    with (
        world.proxy.rule("eth_getTransactionByHash", told(other)),
        pytest.raises(ChainContradiction, match="has another hash"),
    ):
        chain.attempt(b"\x01" * 32)


def signed_types(chain_id: int) -> list[dict[str, Any]]:
    """A transaction of each type that is known, but for nonce and signature."""
    fees = {"maxFeePerGas": 10 * GWEI, "maxPriorityFeePerGas": GWEI}
    access = [{"address": "0x" + "22" * 20, "storageKeys": ["0x" + "33" * 32]}]
    to = {"to": "0x" + "11" * 20, "value": 5, "gas": 100_000, "chainId": chain_id, "data": "0x01"}
    delegate = Account.from_key(b"\x09" * 32)
    authorization = delegate.sign_authorization(
        {"chainId": chain_id, "address": "0x" + "44" * 20, "nonce": 0}
    )
    return [
        {**to, "gasPrice": 10 * GWEI},
        {**to, "gasPrice": 10 * GWEI, "type": 1, "accessList": access},
        {**to, **fees, "type": 2, "accessList": access},
        {**to, **fees, "type": 4, "accessList": [], "authorizationList": [authorization]},
        # A contract is created: there is no receiver.
        {**fees, "type": 2, "data": "0x00", "value": 0, "gas": 100_000, "chainId": chain_id},
    ]


def test_a_block_with_every_type_of_transaction_rebuilds(start_anvil: StartAnvil) -> None:
    anvil = start_anvil("--no-mining")
    account = Account.from_key(b"\x07" * 32)
    anvil.rpc("anvil_setBalance", account.address, hex(ETHER))
    hashes = []
    for nonce, fields in enumerate(signed_types(31337)):
        raw = account.sign_transaction({**fields, "nonce": nonce}).raw_transaction
        hashes.append(anvil.rpc("eth_sendRawTransaction", "0x" + raw.hex()))
    anvil.rpc("evm_mine")
    block = anvil.rpc("eth_getBlockByNumber", "latest", True)
    assert len(block["transactions"]) == len(hashes)
    header = evm.parse_header(encoding.header(block))
    assert "0x" + header.hash.hex() == block["hash"]
    raw_transactions = [encoding.transaction(tx) for tx in block["transactions"]]
    assert ["0x" + keccak256(raw or b"").hex() for raw in raw_transactions] == hashes
    assert items_root([raw or b"" for raw in raw_transactions]) == header.transactions_root
    receipts = [encoding.receipt(one) for one in anvil.rpc("eth_getBlockReceipts", "latest")]
    assert items_root(receipts) == header.receipts_root
    chain = Web3Chain(anvil.url, anchors.ADDRESS, bytes.fromhex(account.address[2:]))
    for index, tx_hash in enumerate(hashes):
        inclusion = chain.inclusion(bytes.fromhex(tx_hash[2:]))
        assert inclusion is not None
        assert (inclusion.leg.index, inclusion.leg.log_index) == (index, -1)
        receipt = anvil.rpc("eth_getTransactionReceipt", tx_hash)
        paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        assert inclusion.cost == paid > 0
        attempt = chain.attempt(bytes.fromhex(tx_hash[2:]))
        assert attempt is not None
        assert attempt.max_fee == 10 * GWEI


def test_a_blob_transaction_rebuilds() -> None:
    # By a library, as no pool takes one without its blobs, whose commitments take a minute.
    fields = {
        "type": 3,
        "chainId": 31337,
        "nonce": 0,
        "to": "0x" + "11" * 20,
        "value": 0,
        "gas": 100_000,
        "maxFeePerGas": 10 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "maxFeePerBlobGas": GWEI,
        "data": "0x",
        "blobVersionedHashes": ["0x01" + "22" * 31],
    }
    signed = Account.from_key(b"\x07" * 32).sign_transaction(fields)
    as_a_node_tells = {
        **{name: hex(value) if isinstance(value, int) else value for name, value in fields.items()},
        "input": "0x",
        "accessList": [],
        "yParity": hex(signed.v),
        "r": hex(signed.r),
        "s": hex(signed.s),
    }
    assert encoding.transaction(as_a_node_tells) == bytes(signed.raw_transaction)


def test_a_type_that_is_not_known_is_not_guessed() -> None:
    assert encoding.transaction({"type": "0x7e"}) is None


@pytest.mark.parametrize("text", ["", "0x", "0xg", "0x-1", "0x1_0", "1", " 0x1", None, 1, b"0x1"])
def test_a_number_has_one_form(text: object) -> None:
    with pytest.raises(ChainContradiction, match="the node's nonce is"):
        encoding.number(text, "nonce")


# The key.


def test_a_keystore_keeps_the_key_from_everyone_without_the_password(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    address = create_keystore(path, "right", iterations=2)
    assert path.stat().st_mode & 0o777 == 0o600
    signer = KeystoreSigner.open(path, "right")
    assert signer.address == address
    with pytest.raises(CallerError, match="does not open with this password") as raised:
        KeystoreSigner.open(path, "wrong")
    assert raised.value.code == "KEYSTORE_PASSWORD"
    with pytest.raises(CallerError, match="is there already"):
        create_keystore(path, "right", iterations=2)
    assert KeystoreSigner.open(path, "right").address == address


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 3}', "\x00"])
def test_a_file_that_is_no_keystore_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    with pytest.raises(CallerError):
        KeystoreSigner.open(path, "x")
    with pytest.raises(CallerError, match="can be read"):
        KeystoreSigner.open(tmp_path / "missing.json", "x")


def test_what_is_signed_is_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    address = create_keystore(path, "x", iterations=2)
    signer = KeystoreSigner.open(path, "x")
    fields = TransactionFields(31337, 7, anchors.ADDRESS, 90_000, 11, 3, b"\x01\x02")
    signed = signer.sign(fields)
    assert keccak256(signed.raw) == signed.hash
    assert bytes.fromhex(Account.recover_transaction(signed.raw)[2:]) == address
    assert signer.sign(fields) == signed, "RFC 6979: the same fields give the same bytes"


# The contract.


def test_the_init_code_is_the_artifacts() -> None:
    artifact = json.loads(ARTIFACT.read_text())
    assert "0x" + INIT_CODE.hex() == artifact["init_code"]
    assert keccak256(INIT_CODE) == anchors.INIT_CODE_HASH


def test_deploying_twice_deploys_once(anvil: Anvil, tmp_path: Path) -> None:
    address = create_keystore(tmp_path / "key.json", "x", iterations=2)
    signer = KeystoreSigner.open(tmp_path / "key.json", "x")
    anvil.rpc("anvil_setBalance", "0x" + address.hex(), hex(ETHER))
    chain = ComparedChain([anvil.url], anchors.ADDRESS, address, SystemClock())
    first = deploy(chain, signer, max_fee_cap=100 * GWEI)
    assert (first.address, first.deployed_now) == (anchors.ADDRESS, True)
    assert chain.code_hash(anchors.ADDRESS) == anchors.RUNTIME_CODE_HASH
    assert not deploy(chain, signer, max_fee_cap=100 * GWEI).deployed_now
    assert chain.transaction_count() == 1


def test_deploying_says_what_is_in_the_way(start_anvil: StartAnvil, tmp_path: Path) -> None:
    anvil = start_anvil("--no-mining")
    address = create_keystore(tmp_path / "key.json", "x", iterations=2)
    signer = KeystoreSigner.open(tmp_path / "key.json", "x")
    chain = ComparedChain([anvil.url], anchors.ADDRESS, address, SystemClock())
    with pytest.raises(CallerError, match=f"0x{address.hex()} has 0 of .* Send it some"):
        deploy(chain, signer, max_fee_cap=100 * GWEI)
    with pytest.raises(CallerError, match="Wait or raise it"):
        deploy(chain, signer, max_fee_cap=1)
    anvil.rpc("anvil_setBalance", "0x" + address.hex(), hex(ETHER))
    with pytest.raises(OutcomeUnknown, match="Try again later"):
        deploy(chain, signer, max_fee_cap=100 * GWEI, wait_s=0)
    anvil.rpc("evm_mine")
    assert not deploy(chain, signer, max_fee_cap=100 * GWEI).deployed_now
    anvil.rpc("anvil_setCode", "0x" + anchors.DEPLOYER.hex(), "0x")
    anvil.rpc("anvil_setCode", "0x" + anchors.ADDRESS.hex(), "0x")
    with pytest.raises(CallerError, match="no CREATE2 deployer"):
        deploy(chain, signer, max_fee_cap=100 * GWEI)


# The verifier.


def test_the_stand_alone_verifier_proves_an_anchor(make_world: MakeWorld) -> None:
    world = make_world(prover=VerifierProcess())
    world.seal(2)
    world.settle()
    world.seal()
    world.settle()
    assert [one.state for one in world.intents()] == [State.PROVED] * 2


def test_an_anchor_is_proved_by_a_head_that_another_one_followed_to(make_world: MakeWorld) -> None:
    """No proof of the head between the two was left: its block was replaced, or endpoints were away."""
    world = make_world("--no-mining", "--slots-in-an-epoch", "32", prover=VerifierProcess())
    for _ in range(2):
        world.seal()
        world.run_to(State.MINED)
    for pending in world.book.pending_as_ofs():
        if pending.as_of.anchors == 1:
            world.book.drop_as_of(pending.id)
    world.mine(100)
    world.settle()
    assert [one.state for one in world.intents()] == [State.PROVED] * 2


def test_the_stand_alone_verifier_refuses_another_log_and_no_proof() -> None:
    prover = VerifierProcess()
    answer = prover.check(b"{}", 1, b"\x01" * 20, b"\x02" * 20)
    assert answer.exit_code != 0
    assert "MEMBER" in answer.text or "JSON" in answer.text


def test_a_verifier_that_can_not_be_run_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingHappened, match="could not be run"):
        VerifierProcess([str(tmp_path / "missing")]).check(b"{}", 1, b"", b"")


def test_an_anchor_is_not_proved_while_the_verifier_can_not_be_run(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = make_world(prover=VerifierProcess([str(tmp_path / "missing")]))
    world.seal()
    world.run_to(State.FINAL)
    world.step()
    assert world.youngest().state is State.FINAL
    assert "could not be run" in world.book.alarms()["FINAL_NOT_PROVED"].text
