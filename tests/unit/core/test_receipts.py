"""The fast receipts are those of verifier.format.receipts, byte for byte."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from notary.core.keyring import NoteSigner
from notary.core.receipts import ReceiptBodies, sign_group, write_receipts
from tests.simulators.store import IDENTITY, START, SeededEntropy
from verifier.format import receipts, trees
from verifier.format.digests import Digest
from verifier.format.heads import Head

SIGNER = NoteSigner(
    receipts.receipts_origin(IDENTITY.name), Ed25519PrivateKey.from_private_bytes(b"r" * 32)
)
DEADLINE = START + timedelta(hours=4)


def bodies_of(count: int) -> list[receipts.Body]:
    entropy = SeededEntropy(f"receipts {count}")
    return [
        receipts.Body(
            IDENTITY.chain_id,
            IDENTITY.contract,
            IDENTITY.log_address,
            IDENTITY.name,
            Digest(entropy.token(32)),
            7 * i,
            Digest(entropy.token(32)),
            Head(7 * i + 1, Digest(entropy.token(32))),
            START,
            DEADLINE,
        )
        for i in range(count)
    ]


def written(bodies: list[receipts.Body]) -> list[str]:
    writer = ReceiptBodies(IDENTITY, START, DEADLINE)
    return [writer.write(one.matter, one.position, one.leaf, one.head.root) for one in bodies]


@pytest.mark.parametrize("count", [*range(1, 34), 63, 64, 65])
def test_receipts_equal_the_definition(count: int) -> None:
    bodies = bodies_of(count)
    texts = written(bodies)
    encoded = [receipts.encode_body(body) for body in bodies]
    assert [text.encode() for text in texts] == encoded
    group = sign_group(texts, IDENTITY.name, SIGNER)
    assert group.note == SIGNER.sign(receipts.group_text(IDENTITY.name, encoded))
    leaves = receipts.group_leaves(encoded)
    wanted = [
        receipts.encode(
            receipts.Receipt(body, index, tuple(trees.inclusion_path(leaves, index)), group.note)
        )
        for index, body in enumerate(bodies)
    ]
    found = write_receipts(dict(enumerate(texts)), group)
    assert [found[index] for index in range(count)] == wanted
    for index, receipt in enumerate(wanted):
        assert write_receipts({index: texts[index]}, group) == {index: receipt}
        receipts.check_receipt(receipts.parse(receipt), [SIGNER.vkey])
