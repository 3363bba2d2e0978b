"""The client against the service as it runs: each call, what is repeated, and what is never believed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from notary.client import Acknowledged, Client, OriginalFile, Record, Refusal
from notary.errors import CallerError, ConflictError, Contradiction, NothingHappened, OutcomeUnknown
from tests.simulators.served import Proxy, Served, served

AT = "2026-11-26T10:00:00.000Z"
PAUSES: list[float] = []


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as one:
        yield one


@pytest.fixture
def client(service: Served) -> Client:
    return Client(service.url, service.made.token, receipt_keys=[service.receipt_key])


@pytest.fixture
def matter(client: Client) -> str:
    return client.new_matter("A v. B").number


@pytest.fixture
def proxy(service: Served) -> Iterator[Proxy]:
    with Proxy(service.port).running() as one:
        yield one


def through(proxy: Proxy, service: Served, patience_s: float = 60.0) -> Client:
    PAUSES.clear()
    return Client(proxy.url, service.made.token, patience_s=patience_s, pause=PAUSES.append)


def message(matter: str, number: int, text: str = "Please call.") -> Record:
    claims = {"channel": "sms", "text": f"{text} {number}", "occurred_at": AT}
    return Record(matter, "message", dict(claims), f"{matter}-{number}")


def test_a_record_is_acknowledged_with_a_receipt_that_was_checked(
    client: Client, matter: str
) -> None:
    first = client.submit(message(matter, 1))
    assert (first.position, first.replayed, first.signed) == (0, False, True)
    again = client.submit(message(matter, 1))
    assert (again.receipt, again.replayed) == (first.receipt, True)
    assert client.receipt(first.record_id, matter).leaf == first.leaf
    assert client.matter(matter).records == 1
    assert matter in [one.number for one in client.matters()]
    assert client.health().status != "ok"  # nobody seals


def test_other_content_under_a_known_key_is_a_conflict(client: Client, matter: str) -> None:
    client.submit(message(matter, 1))
    with pytest.raises(ConflictError):
        client.submit(message(matter, 1, "Other"))


def test_faults_are_told_by_the_services_own_codes(
    client: Client, matter: str, service: Served
) -> None:
    with pytest.raises(CallerError) as unknown:
        client.matter("nm1" + "q" * 40)
    assert unknown.value.code.startswith("NUMBER") or unknown.value.code == "MATTER_UNKNOWN"
    with pytest.raises(CallerError) as claim:
        client.submit(Record(matter, "message", {"nothing": 1}, "k"))
    assert claim.value.code == "CLAIM_UNKNOWN"
    with pytest.raises(CallerError) as key:
        Client(service.url, "nt_" + "x" * 43).matters()
    assert key.value.code == "TOKEN_WANTED"


def test_originals_go_in_with_their_record_and_are_compared(
    client: Client, matter: str, tmp_path: Path, service: Served
) -> None:
    content = bytes(range(256)) * 9_000
    path = tmp_path / "notice.pdf"
    path.write_bytes(content)
    files = [OriginalFile(path, "notice.pdf", "application/pdf")]
    record = Record(matter, "letter", {"subject": "First", "occurred_at": AT}, f"{matter}-l1")
    first = client.submit_with_files(record, files)
    again = client.submit_with_files(record, files)
    assert (again.receipt, again.replayed) == (first.receipt, True)
    [stored] = service.claims(matter)
    assert stored["attachment-0"]["size"] == len(content)
    assert stored["attachment-0"]["sha256"] == files[0].facts[1]
    path.write_bytes(b"x" + content[1:])
    with pytest.raises(CallerError, match="SHA-256") as changed:
        client.submit_with_files(
            Record(matter, "letter", {"subject": "Second", "occurred_at": AT}, f"{matter}-l2"),
            files,
        )
    assert changed.value.code == "FILE_DIGEST"
    path.unlink()
    with pytest.raises(CallerError, match="No such file"):
        client.submit_with_files(record, [OriginalFile(path, None, "application/pdf")])


def test_a_stream_gives_each_record_its_outcome_in_order(client: Client, matter: str) -> None:
    records = [message(matter, number) for number in range(3_000)]
    records[7] = Record(matter, "message", {"nothing": 1}, "bad")
    records[9] = message(matter, 8)
    outcomes = list(client.submit_many(iter(records)))
    assert [record for record, _ in outcomes] == records
    [refused] = [one for _, one in outcomes if isinstance(one, Refusal)]
    assert (refused.status, refused.code) == (422, "CLAIM_UNKNOWN")
    done = [one for _, one in outcomes if isinstance(one, Acknowledged)]
    assert sum(one.replayed for one in done) == 1
    assert client.matter(matter).records == 2_998
    assert all(one.signed for one in done)


def test_a_fault_of_the_source_comes_through_after_what_was_sent(
    client: Client, matter: str
) -> None:
    def source() -> Iterator[Record]:
        yield message(matter, 1)
        yield message(matter, 2)
        raise OSError("the disk is gone")

    outcomes = client.submit_many(source())
    assert isinstance(next(outcomes)[1], Acknowledged)
    assert isinstance(next(outcomes)[1], Acknowledged)
    with pytest.raises(OSError, match="the disk is gone"):
        next(outcomes)
    assert client.matter(matter).records == 2


def test_an_empty_stream_is_one(client: Client) -> None:
    assert list(client.submit_many([])) == []


@pytest.mark.parametrize("cut", [1, 200, 3_000, 50_000])
def test_a_stream_that_is_cut_off_goes_on_and_nothing_enters_twice(
    proxy: Proxy, service: Served, client: Client, matter: str, cut: int
) -> None:
    records = [message(matter, number) for number in range(200)]
    proxy.faults = [cut, "refuse", cut]
    outcomes = list(through(proxy, service).submit_many(records))
    assert [record for record, _ in outcomes] == records
    assert all(isinstance(one, Acknowledged) for _, one in outcomes)
    assert client.matter(matter).records == 200
    assert proxy.connections == 4


def test_a_lost_answer_is_asked_for_again(
    proxy: Proxy, service: Served, client: Client, matter: str, tmp_path: Path
) -> None:
    proxy.faults = [0, 20, "refuse"]
    assert through(proxy, service).submit(message(matter, 1)).replayed
    path = tmp_path / "a.bin"
    path.write_bytes(b"a" * 300_000)
    proxy.faults = [0, "refuse"]
    file = OriginalFile(path, None, "application/octet-stream")
    record = Record(matter, "document", {"occurred_at": AT}, f"{matter}-d1")
    assert through(proxy, service).submit_with_files(record, [file]).replayed
    assert client.matter(matter).records == 2


def test_a_busy_service_is_left_alone_for_as_long_as_it_says(
    proxy: Proxy, service: Served, matter: str
) -> None:
    proxy.faults = ["busy", "busy"]
    through(proxy, service).submit(message(matter, 1))
    assert len(PAUSES) == 2
    assert all(7 <= pause <= 7 * 1.25 for pause in PAUSES)
    proxy.faults = ["busy"] * 20
    with pytest.raises(NothingHappened, match="wait a while") as busy:
        through(proxy, service, patience_s=20).submit(message(matter, 2))
    assert busy.value.code == "BUSY"
    assert len(PAUSES) == 2


def test_what_can_not_be_repeated_is_said_to_be_unknown(
    proxy: Proxy, service: Served, client: Client
) -> None:
    before = len(client.matters())
    proxy.faults = [0]
    with pytest.raises(OutcomeUnknown, match="Look whether it was done"):
        through(proxy, service).new_matter("Once")
    assert len(client.matters()) == before + 1
    assert PAUSES == []


def test_an_answer_of_another_server_is_none(proxy: Proxy, service: Served, matter: str) -> None:
    proxy.faults = ["garble"]
    with pytest.raises(OutcomeUnknown, match="no JSON"):
        through(proxy, service).submit(message(matter, 1))


def test_an_answer_without_its_members_is_none(proxy: Proxy, service: Served, matter: str) -> None:
    for fault in ("empty", "list"):
        proxy.faults = [fault] * 2
        with pytest.raises(OutcomeUnknown, match="has not the members"):
            through(proxy, service).matter(matter)
        with pytest.raises((OutcomeUnknown, Contradiction)):
            through(proxy, service).submit(message(matter, 1))


def test_a_receipt_by_another_key_is_not_believed(service: Served, matter: str) -> None:
    other = service.receipt_key
    flipped = other[:-2] + ("A" if other[-2] != "A" else "B") + other[-1]
    with pytest.raises(Contradiction, match="does not promise") as bad:
        Client(service.url, service.made.token, receipt_keys=[flipped]).submit(message(matter, 1))
    assert bad.value.code == "RECEIPT_BAD"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://a", "URL"),
        ("a", "URL"),
        ("https://u:p@a", "URL"),
        ("http://notary.example", "URL_PLAIN"),
    ],
)
def test_an_address_that_is_none_or_not_encrypted_is_refused(url: str, code: str) -> None:
    with pytest.raises(CallerError) as error:
        Client(url, "key")
    assert error.value.code == code


def test_a_key_with_a_line_end_is_refused() -> None:
    with pytest.raises(CallerError, match="line end"):
        Client("https://a", "key\r\nHost: b")


def test_the_clocks_are_compared_by_the_services_date(client: Client) -> None:
    offset = client.clock_offset()
    assert abs(offset.ahead) <= offset.within * 2


def test_the_client_needs_nothing_of_the_service() -> None:
    program = (
        "import sys\n"
        "class Only:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        top = name.split('.')[0]\n"
        "        ours = name in ('notary', 'notary.errors') or name.startswith('notary.client')\n"
        "        theirs = ('cryptography', 'cffi', '_cffi_backend', 'sha3', 'verifier')\n"
        "        if not (ours or top in sys.stdlib_module_names or top in theirs):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Only())\n"
        "import notary.client\n"
        "print({n for n in sys.modules} & {'sqlalchemy', 'web3', 'fastapi', 'typer', 'notary.compose'})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
