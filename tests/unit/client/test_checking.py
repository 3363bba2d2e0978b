"""An answer counts only if its receipt promises what was sent: each lie is found, and named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from notary.client.checking import acknowledged, receipt_again
from notary.client.records import OriginalFile, Record
from notary.core.intake import Accepted, Incoming, IncomingFile
from notary.errors import CallerError, Contradiction
from tests.simulators.store import StoreWorld, make_world
from verifier.format import receipts

CLAIMS: dict[str, Any] = {"subject": "First notice", "occurred_at": "2026-02-01T09:00:00.000Z"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreWorld]:
    one = make_world(tmp_path_factory.mktemp("store"))
    yield one
    one.close()


class Sent:
    """A record that a real store took in, and its honest answer."""

    def __init__(self, world: StoreWorld, folder: Path, name: str) -> None:
        path = folder / "a.bin"
        path.write_bytes(b"abc")
        self.files = [OriginalFile(path, "a.bin", "text/plain")]
        matter = world.open_matter("A v. B", name)
        self.record = Record(matter.number, "letter", CLAIMS, name)
        item = Incoming(
            matter.key, "letter", CLAIMS, name, (IncomingFile(path, "a.bin", "text/plain"),)
        )
        [done] = world.acceptor.accept(world.agency_id, [item])
        assert isinstance(done, Accepted)
        self.answer: dict[str, Any] = {
            "record_id": "r1",
            "position": done.position,
            "leaf": done.leaf.decode(),
            "disclosures": list(done.disclosures),
            "receipt": done.receipt.decode(),
            "replayed": False,
        }
        self.keys = [world.key_set.receipt.text]

    def refused(self, **changed: Any) -> str:
        with pytest.raises(Contradiction) as error:
            acknowledged({**self.answer, **changed}, self.record, self.files, self.keys)
        assert error.value.code == "RECEIPT_BAD"
        return str(error.value)


@pytest.fixture
def sent(world: StoreWorld, tmp_path: Path) -> Sent:
    return Sent(world, tmp_path, tmp_path.name)


@pytest.fixture
def other(world: StoreWorld, tmp_path: Path) -> Sent:
    return Sent(world, tmp_path, tmp_path.name + " other")


def test_the_honest_answer_is_believed(sent: Sent) -> None:
    done = acknowledged(sent.answer, sent.record, sent.files, sent.keys)
    assert (done.signed, done.position, done.replayed) == (True, 0, False)
    assert not acknowledged(sent.answer, sent.record, sent.files, ()).signed
    again = receipt_again(sent.answer, sent.record.matter, sent.keys)
    assert (again.leaf, again.receipt) == (done.leaf, done.receipt)


def test_the_answer_of_another_record_is_not(sent: Sent, other: Sent) -> None:
    assert "of another matter" in sent.refused(**other.answer)
    assert "another one than it names" in sent.refused(leaf=other.answer["leaf"])
    with pytest.raises(Contradiction, match="of another matter"):
        receipt_again(other.answer, sent.record.matter, sent.keys)


def test_another_position_or_a_missing_member_is_not(sent: Sent) -> None:
    assert "the answer says 1" in sent.refused(position=1)
    assert "no receipt or no position" in sent.refused(receipt=None)
    assert "no receipt or no position" in sent.refused(position="0")


def test_an_altered_receipt_is_not(sent: Sent) -> None:
    receipt = receipts.parse(sent.answer["receipt"].encode())
    later = receipt.body._replace(deadline=datetime(2099, 1, 1, tzinfo=UTC))
    altered = receipts.encode(receipt._replace(body=later)).decode()
    assert "INCLUSION" in sent.refused(receipt=altered)
    assert "JSON" in sent.refused(receipt="{")


def test_content_that_is_another_is_not(sent: Sent, other: Sent) -> None:
    texts = sent.answer["disclosures"]
    assert "other claims than one another" in sent.refused(disclosures=texts[1:])
    assert "other claims than one another" in sent.refused(disclosures=[*texts, texts[0]])
    mixed = [*texts[:-1], other.answer["disclosures"][-1]]
    assert "does not hold the disclosure of subject" in sent.refused(disclosures=mixed)


def test_another_record_than_was_sent_is_not(sent: Sent) -> None:
    def refused(kind: str, claims: dict[str, Any]) -> str:
        record = Record(sent.record.matter, kind, claims, "k")
        with pytest.raises(Contradiction) as error:
            acknowledged(sent.answer, record, sent.files, sent.keys)
        return str(error.value)

    assert "of kind letter, message was sent" in refused("message", CLAIMS)
    assert "subject is another one" in refused("letter", {**CLAIMS, "subject": "Last"})
    assert "subject is another one" in refused("letter", {"occurred_at": CLAIMS["occurred_at"]})
    assert "reference is missing" in refused("letter", {**CLAIMS, "reference": "r"})


def test_another_original_than_was_sent_is_not(sent: Sent, tmp_path: Path) -> None:
    path = tmp_path / "b.bin"
    path.write_bytes(b"abd")
    for files, reason in (
        ([OriginalFile(path, "a.bin", "text/plain")], "original 0 is another"),
        ([OriginalFile(tmp_path / "a.bin", "b.bin", "text/plain")], "original 0 is another"),
        ([], "1 originals, 0 were sent"),
    ):
        with pytest.raises(Contradiction, match=reason):
            acknowledged(sent.answer, sent.record, files, sent.keys)


def test_a_file_that_is_gone_says_which(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=r"gone\.bin: No such file"):
        _ = OriginalFile(tmp_path / "gone.bin", None, "text/plain").facts
