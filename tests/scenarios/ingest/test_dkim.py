"""A signed message enters offline; the key is asked for later, and what came out is a record beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notary.adapters.dns import DnsKeyRecords, key_records, servers
from notary.adapters.store.dkim_checks import StoredDkimChecks
from notary.errors import CallerError, OutcomeUnknown
from notary.usecases.dkim_checks import FIRST_PAUSE, LEASE, PATIENCE, DkimChecker
from tests.simulators.intake import IntakeWorld, counts, make_intake_world
from tests.simulators.mail import NameServer, ed25519_signer, rsa_signer, zone


@dataclass
class Scene:
    """A store, a name server on this machine, and the checker between them."""

    world: IntakeWorld
    server: NameServer
    told: list[str]

    @property
    def queue(self) -> StoredDkimChecks:
        return StoredDkimChecks(self.world.store.database)

    def checker(self, keys: DnsKeyRecords | None = None) -> DkimChecker:
        reader = self.world.store.reader
        return DkimChecker(
            self.queue,
            self.world.imports,
            lambda agency_id, record_id: reader.open_attachment(agency_id, record_id, 0),
            self.world.store.acceptor,
            keys or DnsKeyRecords((("127.0.0.1", self.server.port),)),
            self.world.store.clock,
            self.told.append,
        )

    def waiting(self) -> tuple[int, str | None]:
        return self.queue.waiting(self.world.agency_id)

    def take(self, content: bytes, name: str = "mail.eml") -> tuple[int, int, int, int, int]:
        path = self.world.file(name, content)
        return counts(self.world.take(path, matter=self.world.matter))

    def derived(self) -> list[Any]:
        return [one for one in self.world.claims() if one["kind"] == "derived"]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr("notary.adapters.dns.TIMEOUT_S", 0.3)
    yield from _scene(tmp_path, None)


def _scene(folder: Path, uri: str | None) -> Iterator[Scene]:
    world = make_intake_world(folder, uri)
    with NameServer(zone(rsa_signer(), ed25519_signer())).running() as server:
        yield Scene(world, server, [])
    world.store.close()


def test_the_result_is_a_record_beside_the_message_with_the_key_as_it_was_seen(
    scene: Scene,
) -> None:
    scene.server.mode = "vouches"
    assert scene.take(ed25519_signer().sign(rsa_signer().sign())) == (1, 0, 0, 0, 0)
    assert scene.server.asked == []
    assert scene.checker().check_next()
    message, found = scene.world.claims()
    assert [one["result"] for one in message["fields"]["dkim"]] == [  # type: ignore[index, call-overload, union-attr]
        "NOT CHECKED: the signer's key stands in the DNS, which an import does not ask"
    ] * 2
    view = scene.world.store.reader.at(scene.world.agency_id, scene.world.matter.key, 0)
    assert found["kind"] == "derived"
    assert found["model"] == {"name": "DKIM", "version": "1"}
    assert found["inputs"] == [{"position": 0, "leaf": view.leaf_hash.hex()}]
    assert found["text"] == "example.com: PASS; example.com: PASS"
    fields: Any = found["fields"]
    for one, signer in zip(fields["dkim"], (ed25519_signer(), rsa_signer()), strict=True):
        assert one["key"] == {
            "name": signer.name,
            "asked_at": found["occurred_at"],
            "resolver": f"127.0.0.1:{scene.server.port}",
            "dnssec": True,
            "records": [signer.record.decode()],
        }
    assert not scene.checker().check_next()
    assert scene.waiting() == (0, None)


def test_the_queue_is_the_same_on_both_databases(store_uri: str | None, tmp_path: Path) -> None:
    for scene in _scene(tmp_path, store_uri):
        scene.take(rsa_signer().sign())
        scene.server.mode = "fails"
        assert not scene.checker().check_next()
        assert scene.waiting()[0] == 1
        assert scene.queue.counts() == {"done": 0, "waiting": 0, "failing": 1}
        scene.server.mode = "honest"
        scene.world.store.clock.advance(2 * FIRST_PAUSE.total_seconds())
        assert scene.checker().check_next()
        assert scene.derived()[0]["text"] == "example.com: PASS"
        assert scene.waiting() == (0, None)
        assert scene.queue.counts() == {"done": 1, "waiting": 0, "failing": 0}


def test_a_message_given_again_is_asked_for_once(scene: Scene) -> None:
    signed = rsa_signer().sign()
    scene.take(signed)
    scene.checker().check_next()
    assert scene.take(signed) == (0, 1, 0, 0, 0)
    assert not scene.checker().check_next()
    assert len(scene.server.asked) == 1
    assert len(scene.derived()) == 1


@pytest.mark.parametrize("mode", ["silent", "fails"])
def test_a_key_that_nobody_gives_is_asked_for_again_and_in_the_end_said_to_be_missing(
    scene: Scene, mode: str
) -> None:
    scene.take(rsa_signer().sign())
    scene.server.mode = mode
    assert not scene.checker().check_next()
    waiting, error = scene.waiting()
    assert waiting == 1
    assert error is not None
    assert error.startswith("DNS_AWAY: no answer for sel._domainkey.example.com")
    asked = len(scene.server.asked)
    assert not scene.checker().check_next()
    assert len(scene.server.asked) == asked
    scene.world.store.clock.advance(2 * FIRST_PAUSE.total_seconds())
    assert not scene.checker().check_next()
    assert len(scene.server.asked) > asked
    scene.world.store.clock.advance(PATIENCE.total_seconds())
    assert scene.checker().check_next()
    [found] = scene.derived()
    result = found["fields"]["dkim"][0]["result"]
    assert result.startswith("NOT CHECKED: in 7 days nobody gave the signer's key")
    assert scene.waiting() == (0, None)


def test_a_key_that_comes_back_passes_later(scene: Scene) -> None:
    scene.take(rsa_signer().sign())
    scene.server.mode = "silent"
    scene.checker().check_next()
    scene.server.mode = "honest"
    scene.world.store.clock.advance(2 * FIRST_PAUSE.total_seconds())
    assert scene.checker().check_next()
    assert scene.derived()[0]["text"] == "example.com: PASS"


def test_a_key_that_is_gone_says_nothing_of_the_message(scene: Scene) -> None:
    scene.take(rsa_signer().sign())
    scene.server.texts.clear()
    assert scene.checker().check_next()
    [one] = scene.derived()[0]["fields"]["dkim"]
    assert one["result"].startswith("NOT CHECKED: no key stands in the DNS")
    assert one["key"]["records"] == []
    assert one["key"]["resolver"] == f"127.0.0.1:{scene.server.port}"


def test_a_message_whose_body_was_altered_needs_no_key(scene: Scene) -> None:
    scene.take(rsa_signer().sign().replace(b"Friday", b"Monday"))
    assert scene.waiting() == (0, None)
    [message] = scene.world.claims()
    assert message["fields"]["dkim"][0]["result"].startswith("FAIL: the body")  # type: ignore[index, call-overload, union-attr]


def test_a_crash_after_the_record_makes_no_second_one(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.take(rsa_signer().sign())

    def crash(*_: object) -> None:
        raise OutcomeUnknown("CRASH", "here")

    with monkeypatch.context() as patch:
        patch.setattr(StoredDkimChecks, "end", crash)
        with pytest.raises(OutcomeUnknown):
            scene.checker().check_next()
    assert len(scene.derived()) == 1
    # The lease is what keeps another worker from asking meanwhile.
    assert not scene.checker().check_next()
    scene.world.store.clock.advance(LEASE.total_seconds())
    assert scene.checker().check_next()
    assert len(scene.derived()) == 1
    assert scene.waiting() == (0, None)


def test_an_entry_whose_message_never_entered_ends_by_itself(scene: Scene) -> None:
    now = scene.world.store.clock.now()
    scene.queue.want(scene.world.agency_id, "mail/00/0", now)
    assert not scene.checker().check_next()
    assert scene.waiting() == (1, "the message has not entered")
    scene.world.store.clock.advance((PATIENCE + timedelta(seconds=1)).total_seconds())
    assert scene.checker().check_next()
    assert scene.waiting() == (0, None)
    assert scene.server.asked == []


def test_the_check_runs_beside_other_work(scene: Scene) -> None:
    scene.take(rsa_signer().sign())
    with scene.checker().at_work():
        pass
    assert scene.derived()[0]["text"] == "example.com: PASS"


def test_the_setting_names_resolvers_or_forbids_asking() -> None:
    assert key_records("off") is None
    assert servers("192.0.2.1, 127.0.0.1:5353,2001:db8::1,[2001:db8::1]:54") == (
        ("192.0.2.1", 53),
        ("127.0.0.1", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::1", 54),
    )
    for wrong in ("dns.example", "127.0.0.1:0", "", "127.0.0.1:99999"):
        with pytest.raises(CallerError, match="dkim_resolver"):
            servers(wrong)
