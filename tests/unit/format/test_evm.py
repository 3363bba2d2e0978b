"""Header, account, slot and leg, on blocks made by hand; one damage at a time."""

from typing import Any

import pytest

from tests.reference import evm_chain
from tests.reference.evm_chain import CHAIN_ID, LOG_ADDRESS, Block
from tests.reference.patricia import Trie
from tests.reference.refusal import refused
from verifier.format import contract, evm, rlp
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.fold import Link, fold
from verifier.format.keccak import keccak256

HEAD = Digest(b"\xab" * 32)


def check(block: Block, **changes: Any) -> evm.CheckedLeg:
    arguments: dict[str, Any] = {
        "prev": block.prev,
        "link": block.link,
        "chain_id": CHAIN_ID,
        "contract": contract.ADDRESS,
        "log_address": LOG_ADDRESS,
    }
    leg = changes.pop("leg", None) or block.leg()
    return evm.check_leg(leg, **(arguments | changes))


@pytest.mark.parametrize("count", [15, 16, 17, 20, 21, 23])
def test_a_header_of_each_fork_is_read_at_the_same_positions(count: int) -> None:
    raw = rlp.encode(evm_chain.header_fields(state=HEAD, count=count, height=12, time=99))
    header = evm.parse_header(raw)
    assert (header.hash, header.number, header.timestamp) == (keccak256(raw), 12, 99)
    assert (header.state_root, header.transactions_root, header.receipts_root) == (HEAD, ZERO, ZERO)


@pytest.mark.parametrize("count", [14, 18, 19, 22, 24])
def test_a_header_with_another_number_of_fields_is_refused(count: int) -> None:
    with refused("HEADER_FIELDS"):
        evm.parse_header(rlp.encode(evm_chain.header_fields(count=count)))


@pytest.mark.parametrize(
    ("position", "value", "code"),
    [
        (3, b"\x01" * 31, "HEADER_FORM"),
        (4, b"\x01" * 33, "HEADER_FORM"),
        (5, b"", "HEADER_FORM"),
        (0, [], "HEADER_FORM"),
        (20, [b"a"], "HEADER_FORM"),
        (8, b"\x00\x01", "RLP_NOT_CANONICAL"),
        (8, b"\x01" * 9, "RLP_RANGE"),
        (11, b"\x01" * 9, "RLP_RANGE"),
    ],
)
def test_a_header_field_in_any_other_form_is_refused(
    position: int, value: rlp.Item, code: str
) -> None:
    fields = evm_chain.header_fields()
    fields[position] = value
    with refused(code):
        evm.parse_header(rlp.encode(fields))


def test_a_header_with_a_byte_after_it_is_refused() -> None:
    with refused("RLP_TRAILING"):
        evm.parse_header(rlp.encode(evm_chain.header_fields()) + b"\0")
    with refused("RLP_TYPE"):
        evm.parse_header(b"\x80")


@pytest.mark.parametrize(
    "head", [HEAD, Digest(b"\x00" + b"\xab" * 31), Digest(bytes(31) + b"\x01")], ids=len
)
def test_the_slot_holds_the_head_also_with_leading_zero_bytes(head: Digest) -> None:
    state = evm_chain.as_of(head)
    header = evm.parse_header(state.header)
    account = evm.check_account(header.state_root, contract.ADDRESS, state.account_proof)
    assert evm.check_code_hash(account) is account
    assert evm.check_slot(account.storage_root, LOG_ADDRESS, state.storage_proof) == head


def test_another_contract_another_log_and_other_code_are_refused() -> None:
    state = evm_chain.as_of(HEAD)
    root = evm.parse_header(state.header).state_root
    account = evm.check_account(root, contract.ADDRESS, state.account_proof)
    with pytest.raises(FormatError, match="MPT_"):
        evm.check_account(root, b"\x01" * 20, state.account_proof)
    with pytest.raises(FormatError, match="MPT_"):
        evm.check_slot(account.storage_root, b"\x01" * 20, state.storage_proof)
    forged = evm_chain.as_of(HEAD, code_hash=b"\x01" * 32)
    header = evm.parse_header(forged.header)
    other = evm.check_account(header.state_root, contract.ADDRESS, forged.account_proof)
    with refused("CODE_HASH"):
        evm.check_code_hash(other)


def test_a_log_that_never_anchored_is_shown_by_the_nodes_that_lead_elsewhere() -> None:
    state = evm_chain.as_of(HEAD)
    root = evm.parse_header(state.header).state_root
    storage = evm.check_account(root, contract.ADDRESS, state.account_proof).storage_root
    with refused("SLOT_PRESENT"):
        evm.check_never_anchored(storage, LOG_ADDRESS, state.storage_proof)
    # Whose path leaves the one that is proved, and is so shown to lead nowhere.
    addresses = [bytes([i]) * 20 for i in range(256)]
    nobody = next(one for one in addresses if is_absent(storage, one, state.storage_proof))
    assert evm.check_never_anchored(storage, nobody, state.storage_proof) == ZERO
    for nodes in ((), state.storage_proof[1:], (*state.storage_proof, state.storage_proof[-1])):
        with pytest.raises(FormatError, match="MPT_"):
            evm.check_never_anchored(storage, nobody, nodes)


def is_absent(storage: Digest, address: bytes, nodes: tuple[bytes, ...]) -> bool:
    try:
        evm.check_slot(storage, address, nodes)
    except FormatError as error:
        return error.code == "MPT_ABSENT"
    return False


def test_an_empty_storage_has_no_nodes_to_show() -> None:
    empty = Digest.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
    assert evm.check_never_anchored(empty, LOG_ADDRESS, ()) == ZERO
    with refused("MPT_NODE_MISSING"):
        evm.check_never_anchored(ZERO, LOG_ADDRESS, ())


def test_addresses_have_20_bytes() -> None:
    for address in (bytes(19), bytes(21), bytes(32)):
        with refused("ADDRESS_LENGTH"):
            evm.check_account(ZERO, address, ())
        with refused("ADDRESS_LENGTH"):
            evm.check_slot(ZERO, address, ())


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (rlp.encode([b""] * 3), "ACCOUNT_FORM"),
        (rlp.encode([b"", b"", ZERO, ZERO, b""]), "ACCOUNT_FORM"),
        (rlp.encode([b"", b"", ZERO[:31], ZERO]), "ACCOUNT_FORM"),
        (rlp.encode([b"", b"", ZERO, b""]), "ACCOUNT_FORM"),
        (rlp.encode([b"", b"", ZERO, [b""] * 32]), "ACCOUNT_FORM"),
        (rlp.encode([b"\x00", b"", ZERO, ZERO]), "RLP_NOT_CANONICAL"),
        (rlp.encode([b"\x01" * 9, b"", ZERO, ZERO]), "RLP_RANGE"),
        (rlp.encode([b"", b"\x01" * 33, ZERO, ZERO]), "RLP_RANGE"),
        (rlp.encode(b"account"), "RLP_TYPE"),
    ],
)
def test_an_account_in_any_other_form_is_refused(value: bytes, code: str) -> None:
    key = keccak256(contract.ADDRESS)
    trie = Trie({key: value})
    with refused(code):
        evm.check_account(trie.root, contract.ADDRESS, trie.prove(key))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (rlp.encode(b""), "SLOT_FORM"),
        (rlp.encode(b"\x00" + b"\x01" * 31), "SLOT_FORM"),
        (rlp.encode(b"\x01" * 33), "SLOT_FORM"),
        (rlp.encode([b"\x01"]), "SLOT_FORM"),
        (b"\x81\x01", "RLP_NOT_CANONICAL"),
        (b"\x01\x01", "RLP_TRAILING"),
    ],
)
def test_a_slot_in_any_other_form_is_refused(value: bytes, code: str) -> None:
    key = keccak256(evm.head_slot(LOG_ADDRESS))
    trie = Trie({key: value})
    with refused(code):
        evm.check_slot(trie.root, LOG_ADDRESS, trie.prove(key))


def test_the_slot_is_that_of_the_first_mapping() -> None:
    assert evm.head_slot(LOG_ADDRESS) == keccak256(bytes(12) + LOG_ADDRESS + bytes(32))


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("index", [0, 1, 3])
def test_a_leg_of_each_type_holds(kind: int, index: int) -> None:
    block = Block(kind=kind, index=index)
    checked = check(block)
    assert checked.head == fold(block.prev, block.link)
    assert checked.header.timestamp == block.link.time


def test_a_leg_in_a_block_with_hundreds_of_transactions_holds() -> None:
    for index in (127, 128, 200):
        check(Block(index=index, others=200))


@pytest.mark.parametrize("kind", range(5))
def test_a_transaction_on_another_chain_is_refused(kind: int) -> None:
    block = Block(kind=kind)
    block.tx_fields = evm_chain.transaction(
        kind, evm_chain.call_data(block.prev, block.link), chain_id=1
    )
    with refused("LEG_TX_CHAIN"):
        check(block)


@pytest.mark.parametrize("v", [27, 28])
def test_a_legacy_transaction_that_names_no_chain_is_refused(v: int) -> None:
    block = Block(kind=0)
    block.tx_fields[6] = bytes([v])
    with refused("LEG_TX_CHAIN"):
        check(block)


def test_both_signs_of_a_legacy_transaction_name_its_chain() -> None:
    block = Block(kind=0)
    block.tx_fields[6] = evm_chain.number(36 + 2 * CHAIN_ID)
    check(block)


@pytest.mark.parametrize("kind", range(5))
def test_a_transaction_to_another_contract_is_refused(kind: int) -> None:
    block = Block(kind=kind)
    for to in (b"\x01" * 20, b""):
        data = evm_chain.call_data(block.prev, block.link)
        block.tx_fields = evm_chain.transaction(kind, data, to=to)
        with refused("LEG_TX_TO"):
            check(block)


@pytest.mark.parametrize("kind", range(5))
def test_a_transaction_with_another_number_of_fields_is_refused(kind: int) -> None:
    for change in (lambda fields: fields[:-1], lambda fields: [*fields, b""]):
        block = Block(kind=kind)
        block.tx_fields = change(block.tx_fields)
        with refused("TX_FIELDS"):
            check(block)


@pytest.mark.parametrize("kind", range(5))
def test_call_data_of_another_link_are_refused(kind: int) -> None:
    block = Block(kind=kind)
    right = evm_chain.call_data(block.prev, block.link)
    for data in (
        b"\x00" + right[1:],
        right[:4] + b"\x01" + right[5:],
        right[:36] + b"\x01" + right[37:],
        right[:-1] + b"\x04",
        right + b"\x00",
        right[:-1],
        b"",
    ):
        block.tx_fields = evm_chain.transaction(kind, data)
        with refused("LEG_TX_DATA"):
            check(block)


@pytest.mark.parametrize("kind", [5, 0x7E, 0x7F])
def test_a_type_that_is_not_known_is_refused(kind: int) -> None:
    block = Block(kind=2)
    block.kind = kind
    with refused("TX_TYPE"):
        check(block)


def test_an_empty_transaction_and_type_zero_are_refused() -> None:
    for tx in (b"", b"\x00\xc0", b"\x80"):
        with refused("TX_TYPE"):
            evm._typed(tx, "TX_TYPE", "transaction")


def test_an_empty_list_is_a_legacy_transaction_without_fields() -> None:
    assert evm._typed(b"\xc0", "TX_TYPE", "transaction") == (0, [])


def test_a_receipt_of_another_type_is_refused() -> None:
    for kind in (0, 1, 3):
        with refused("RECEIPT_TYPE"):
            check(Block(kind=2, receipt_kind=kind))
    with refused("RECEIPT_TYPE"):
        check(Block(kind=2, receipt_kind=0x7E))


@pytest.mark.parametrize("status", [b"", b"\x02", b"\x11" * 32])
def test_a_failed_receipt_is_refused(status: bytes) -> None:
    block = Block()
    block.receipt_fields = evm_chain.receipt([evm_chain.OTHER_LOG, block.log], status)
    with refused("LEG_STATUS"):
        check(block)


def test_a_receipt_with_another_number_of_fields_is_refused() -> None:
    block = Block()
    fields = evm_chain.receipt([evm_chain.OTHER_LOG, block.log])
    for damaged in (fields[:-1], [*fields, b""]):
        block.receipt_fields = damaged
        with refused("RECEIPT_FIELDS"):
            check(block)


def test_a_log_index_off_by_one_is_refused() -> None:
    with refused("LEG_EMITTER"):
        check(Block(log_index=0))
    for index in (2, -1):
        with refused("LOG_INDEX"):
            check(Block(log_index=index))


def test_logs_that_are_no_list_are_refused() -> None:
    block = Block()
    block.receipt_fields = evm_chain.receipt([])
    block.receipt_fields[3] = b"logs"
    with refused("LOG_INDEX"):
        check(block)


TOPICS = [contract.EVENT_TOPIC, LOG_ADDRESS.rjust(32, b"\0"), fold(ZERO, Block().link)]
DATA = bytes(32) + Block().link.root + Block().link.size_time


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ([b"\x01" * 20, TOPICS, DATA], "LEG_EMITTER"),
        ([contract.ADDRESS, TOPICS], "LOG_FORM"),
        ([contract.ADDRESS, TOPICS, DATA, b""], "LOG_FORM"),
        ([contract.ADDRESS, b"topics", DATA], "LOG_FORM"),
        ([contract.ADDRESS, [], DATA], "LEG_EVENT"),
        ([contract.ADDRESS, TOPICS[:2], DATA], "LEG_EVENT"),
        ([contract.ADDRESS, [*TOPICS, ZERO], DATA], "LEG_EVENT"),
        ([contract.ADDRESS, [ZERO, *TOPICS[1:]], DATA], "LEG_EVENT"),
        ([contract.ADDRESS, [TOPICS[0], b"\x01" * 32, TOPICS[2]], DATA], "LEG_LOG_ADDRESS"),
        ([contract.ADDRESS, [*TOPICS[:2], ZERO], DATA], "LEG_HEAD"),
        ([contract.ADDRESS, TOPICS, b"\x01" + DATA[1:]], "LEG_LOG_DATA"),
        ([contract.ADDRESS, TOPICS, DATA[:40] + b"\x01" + DATA[41:]], "LEG_LOG_DATA"),
        ([contract.ADDRESS, TOPICS, DATA[:-1] + b"\x01"], "LEG_LOG_DATA"),
        ([contract.ADDRESS, TOPICS, DATA + b"\x00"], "LEG_LOG_DATA"),
    ],
)
def test_any_other_log_is_refused(log: list[rlp.Item], code: str) -> None:
    block = Block()
    block.log = log
    with refused(code):
        check(block)


def test_a_log_that_is_no_list_is_refused() -> None:
    block = Block()
    block.receipt_fields = evm_chain.receipt([evm_chain.OTHER_LOG, b"log"])
    with refused("LOG_FORM"):
        check(block)


def test_a_link_of_another_time_is_refused() -> None:
    with refused("LEG_TIME"):
        check(Block(time=evm_chain.TIME + 1))


def test_a_leg_does_not_pass_for_another_link_log_contract_or_predecessor() -> None:
    block = Block()
    with refused("LEG_TX_DATA"):
        check(block, prev=HEAD)
    with refused("LEG_TX_DATA"):
        check(block, link=Link(block.link.root, 4, block.link.time))
    with refused("LEG_TX_TO"):
        check(block, contract=b"\x01" * 20)
    with refused("LEG_LOG_ADDRESS"):
        check(block, log_address=b"\x01" * 20)
    with refused("LEG_TX_CHAIN"):
        check(block, chain_id=1)


def test_transaction_and_receipt_are_those_of_the_proofs() -> None:
    block = Block()
    leg = block.leg()
    with refused("LEG_TX_VALUE"):
        check(block, leg=leg._replace(tx=leg.tx + b"\0"))
    with refused("LEG_RECEIPT_VALUE"):
        check(block, leg=leg._replace(receipt=leg.receipt + b"\0"))


def test_another_index_another_header_and_extra_nodes_are_refused() -> None:
    block = Block()
    leg = block.leg()
    with pytest.raises(FormatError, match=r"MPT_|LEG_TX_VALUE"):
        check(block, leg=leg._replace(index=2))
    other = rlp.encode(evm_chain.header_fields())
    with refused("MPT_NODE_HASH"):
        check(block, leg=leg._replace(header=other))
    with refused("MPT_NODE_EXTRA"):
        check(block, leg=leg._replace(tx_proof=(*leg.tx_proof, leg.tx_proof[-1])))
    with refused("MPT_NODE_EXTRA"):
        check(block, leg=leg._replace(receipt_proof=(*leg.receipt_proof, leg.receipt_proof[-1])))


def test_the_proofs_of_transaction_and_receipt_do_not_stand_for_each_other() -> None:
    block = Block()
    leg = block.leg()
    swapped = leg._replace(tx_proof=leg.receipt_proof, receipt_proof=leg.tx_proof)
    with refused("MPT_NODE_HASH"):
        check(block, leg=swapped)
