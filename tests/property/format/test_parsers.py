"""Every parser, over arbitrary bytes and over damaged documents.

It raises FormatError and nothing else; and what it accepts, its writer writes again, so that a
document and its bytes are one thing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import evm_chain
from verifier.format import (
    batches,
    chain_event,
    contract,
    digests,
    evm,
    evm_document,
    fold,
    heads,
    jsonc,
    key_sets,
    lines,
    matter_map,
    mpt,
    notes,
    numbers,
    paths,
    receipts,
    records,
    rlp,
    statement,
    times,
    tlogproof,
)
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.frontier import Frontier
from verifier.format.identity import Identity
from verifier.format.keccak import keccak256
from verifier.format.signatures import ML_DSA_44

LOG = "notary.example/log"
KEY = Digest(b"\x11" * 32)
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(32))
VKEY = notes.make_vkey(LOG, SIGNER.public_key().public_bytes_raw())
NOTE = notes.sign(notes.checkpoint_text(LOG, 1, ZERO), LOG, SIGNER)
COSIGNER = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
COSIGNER_VKEY = notes.make_vkey(LOG, COSIGNER.public_key().public_bytes_raw(), ML_DSA_44)
COSIGNED = notes.cosign(NOTE, LOG, COSIGNER, 1)
RECEIPT_SIGNER = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
KEY_SET = key_sets.make(
    [VKEY, COSIGNER_VKEY],
    notes.make_vkey(f"{LOG}/receipts", RECEIPT_SIGNER.public_key().public_bytes_raw()),
)
AT = datetime(2026, 1, 1, tzinfo=UTC)
LEAF, DISCLOSURES = records.make_leaf(
    matter=KEY, position=0, kind="call", recorded_at=AT, secret=bytes(32), blind=bytes(16),
    claims={"text": "a", "occurred_at": None},
)  # fmt: skip
HEAD = heads.head_text(LOG, KEY, 1, ZERO)
HEADER = batches.BatchHeader(
    LOG, 0, AT, ZERO, ZERO, 60, ZERO, KEY, None,
    batches.NotBefore(1, 1, ZERO),
)  # fmt: skip
BODY = receipts.Body(1, bytes(20), bytes(20), LOG, KEY, 0, ZERO, heads.Head(1, ZERO), AT, AT)
LEG = evm_chain.Block().leg()
STATE = evm_chain.as_of(ZERO[:31] + b"\x01")
EVM = evm_document.EvmDocument(
    1, bytes(20), bytes(20), ZERO, (fold.Link(ZERO, 1, 1),),
    evm_document.AsOf(STATE.header, STATE.account_proof, STATE.storage_proof), (LEG,), (), ("a",),
)  # fmt: skip
PATHS = paths.Paths((paths.InclusionPath(3, (KEY,)),), (paths.PrefixPath(3, 4, (ZERO, KEY)),))
STATEMENT = statement.build_statement(
    statement.Choices(
        statement.Kind.COMPLETE,
        numbers.MatterNumber(b"\x01" * 21),
        (statement.Withheld(0, "text", statement.Reason.PRIVILEGE),),
        (statement.Erased(1, 2),),
        statement.History.SHOWN,
        Identity("0.1.0", KEY),
    ),
    log=statement.Log(1, bytes(20), bytes(20), LOG),
    links=EVM.links,
    as_of=statement.Header(2, KEY, 2),
    legs=[statement.Header(1, KEY, 1)],
    events=(),
    not_before=[(1, 1, ZERO)],
    checkpoints=[(1, ZERO)],
    records=3,
    shown=[0, 1, 2],
)  # fmt: skip


EVENT = chain_event.ChainEvent(
    1, LEG.header, LEG.index, LEG.tx, LEG.tx_proof, LEG.receipt, LEG.receipt_proof, 0, (b"node",)
)


@dataclass(frozen=True)
class Form:
    """A parser over bytes, its writer, and a document that stands."""

    parse: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None
    document: bytes


def texts(parse: Callable[[str], Any]) -> Callable[[bytes], Any]:
    """Let a parser of text see what bytes give, lone surrogates among it."""
    return lambda data: parse(data.decode("utf-8", "surrogateescape"))


FORMS = {
    "leaf": Form(records.parse_leaf, None, LEAF),
    "disclosure": Form(
        texts(records.parse_disclosure),
        lambda one: records.make_disclosure(one.salt, one.name, one.value).encode(),
        DISCLOSURES[0].encode(),
    ),
    "map proof": Form(
        matter_map.parse,
        matter_map.encode,
        matter_map.encode(
            matter_map.MapProof(0, matter_map.Kind.INCLUSION, (KEY,), HEAD, bytes(16))
        ),
    ),
    "batch header": Form(
        batches.parse_header, batches.encode_header, batches.encode_header(HEADER)
    ),
    "delta": Form(
        batches.parse_delta,
        lambda one: batches.encode_delta(one.log, one.batch, one.changes),
        batches.encode_delta(LOG, 0, [batches.Change(ZERO, None, KEY)]),
    ),
    "head": Form(
        texts(lambda text: heads.parse_head(text, LOG, KEY)),
        lambda one: heads.head_text(LOG, KEY, one.size, one.root).encode(),
        HEAD.encode(),
    ),
    "note": Form(notes.parse_note, lambda one: one.whole.encode(), NOTE.encode()),
    "cosigned note": Form(notes.parse_note, lambda one: one.whole.encode(), COSIGNED.encode()),
    "key set": Form(key_sets.parse, key_sets.encode, key_sets.encode(KEY_SET)),
    "note text": Form(texts(notes.parse_note), lambda one: one.whole.encode(), NOTE.encode()),
    "checkpoint": Form(
        texts(notes.parse_checkpoint_text),
        lambda one: notes.checkpoint_text(one.origin, one.size, one.root).encode(),
        notes.checkpoint_text(LOG, 1, ZERO).encode(),
    ),
    "vkey": Form(texts(notes.parse_vkey), lambda one: one.text.encode(), VKEY.text.encode()),
    "vkey of ML-DSA-44": Form(
        texts(notes.parse_vkey), lambda one: one.text.encode(), COSIGNER_VKEY.text.encode()
    ),
    "tlog-proof": Form(
        tlogproof.parse,
        tlogproof.encode,
        tlogproof.encode(tlogproof.TlogProof(0, (KEY,), notes.parse_note(NOTE))),
    ),
    "receipt": Form(
        receipts.parse, receipts.encode, receipts.encode(receipts.Receipt(BODY, 0, (KEY,), NOTE))
    ),
    "paths": Form(paths.parse_paths, paths.encode_paths, paths.encode_paths(PATHS)),
    "consistency": Form(
        paths.parse_consistency, paths.encode_consistency, paths.encode_consistency(PATHS.prefix)
    ),
    "statement": Form(statement.parse, statement.encode, statement.encode(STATEMENT)),
    "lines": Form(
        lambda data: list(lines.read_lines(data, "lines")), lines.write_lines, b"one\n\nthree\n"
    ),
    "evm.json": Form(evm_document.parse, evm_document.encode, evm_document.encode(EVM)),
    "chain event": Form(
        lambda data: chain_event.read(jsonc.decode(data, "event")),
        lambda one: jsonc.encode(chain_event.write(one)),
        jsonc.encode(chain_event.write(EVENT)),
    ),
    "number": Form(texts(numbers.parse), None, numbers.MatterNumber(b"\x01" * 21).text.encode()),
    "time": Form(
        texts(times.parse_time),
        lambda one: times.format_time(one).encode(),
        b"2026-01-01T00:00:00.000Z",
    ),
    "hex": Form(texts(digests.hex_decode), lambda raw: raw.hex().encode(), b"00ff"),
    "b64url": Form(
        texts(digests.b64url_decode), lambda raw: digests.b64url_encode(raw).encode(), b"AP8"
    ),
    "b64": Form(texts(digests.b64_decode), lambda raw: digests.b64_encode(raw).encode(), b"AP8="),
    "rlp": Form(rlp.decode, rlp.encode, LEG.receipt[1:]),
    "header": Form(evm.parse_header, lambda one: one.raw, LEG.header),
    "link": Form(fold.Link.from_bytes, fold.Link.to_bytes, fold.Link(ZERO, 1, 1).to_bytes()),
    "frontier": Form(Frontier.from_bytes, Frontier.to_bytes, Frontier().to_bytes()),
}


@st.composite
def damaged(draw: st.DrawFn, document: bytes) -> bytes:
    """A document with up to three slices replaced by others of it or by anything."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(document)))
        stop = draw(st.integers(start, min(len(document), start + 8)))
        if draw(st.booleans()) and document:
            origin = draw(st.integers(0, len(document)))
            filling = document[origin : origin + draw(st.integers(0, 40))]
        else:
            filling = draw(st.binary(max_size=4) | st.sampled_from([b"0", b'"', b"\n", b",", b"-"]))
        document = document[:start] + filling + document[stop:]
    return document


@pytest.mark.parametrize("name", FORMS)
def test_the_sample_stands(name: str) -> None:
    form = FORMS[name]
    read = form.parse(form.document)
    if form.write:
        assert form.write(read) == form.document


@pytest.mark.parametrize("name", FORMS)
@given(data=st.data())
def test_damaged_documents_raise_only_our_error_or_come_back(
    name: str, data: st.DataObject
) -> None:
    form = FORMS[name]
    document = data.draw(damaged(form.document) | st.binary(max_size=80))
    try:
        read = form.parse(document)
    except FormatError:
        return
    if form.write:
        assert form.write(read) == document


@given(data=st.data())
def test_damaged_proofs_of_the_chain_raise_only_our_error(data: st.DataObject) -> None:
    nodes = list(STATE.account_proof)
    at = data.draw(st.integers(0, len(nodes) - 1))
    nodes[at] = data.draw(damaged(nodes[at]))
    # Under its own hash, the damaged node is read in full.
    root = keccak256(nodes[at])
    with pytest.raises(FormatError):
        mpt.prove(root, data.draw(st.binary(max_size=2)), nodes[at:] + nodes[:1] + [b""])


@given(data=st.data())
def test_damaged_legs_raise_only_our_error(data: st.DataObject) -> None:
    block = evm_chain.Block(others=0, index=0)
    part = data.draw(st.sampled_from(["tx_fields", "log", "receipt_fields"]))
    if part == "receipt_fields":
        block.receipt_fields = evm_chain.receipt([block.log])
    fields = getattr(block, part)
    at = data.draw(st.integers(0, len(fields) - 1))
    fields[at] = data.draw(st.binary(max_size=40) | st.lists(st.binary(max_size=3), max_size=3))
    try:
        evm.check_leg(
            block.leg(),
            prev=block.prev,
            link=block.link,
            chain_id=evm_chain.CHAIN_ID,
            contract=contract.ADDRESS,
            log_address=evm_chain.LOG_ADDRESS,
        )
    except FormatError:
        return
