"""Packages by the client, from the service as it runs: whole or not there, however the line fails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from notary import compose
from notary.client import Client, Export, Withheld
from notary.creation import Created
from notary.errors import CallerError, ConflictError, Contradiction, NothingHappened
from notary.ports import Progress
from notary.usecases.export_jobs import Ordered
from notary.usecases.export_order import ExportOrder, ExportResult
from tests.simulators.served import Proxy, Served, served
from verifier.format import numbers

SIZE = 3_000_000
PACKAGE = random.Random(7).randbytes(SIZE)
ANSWER_HEAD = 500  # bytes before the package's, and fewer
KEY = "made before"


class Packer:
    """Any bytes will do: what is in a package is not asked here."""

    def export(
        self, agency_id: int, order: ExportOrder, out: BinaryIO, progress: Progress | None = None
    ) -> ExportResult:
        out.write(PACKAGE)
        return ExportResult("complete", 1, 1, 0, 7, 1_790_000_000, ())


def make_package(made: Created) -> None:
    """An export that is done. The chain is out of reach, so the service by itself can make none."""
    with compose.opened(made.home) as service:
        number = service.new_matter(1, "Seller v. Büyer", ("C-2026-17",)).number
        service.export_jobs._exporter = Packer()
        service.export_jobs.order(1, KEY, Ordered(ExportOrder(numbers.parse(number)), None))
        assert service.export_jobs.run_one()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served"), make_package) as one:
        yield one


@pytest.fixture
def client(service: Served) -> Client:
    return Client(service.url, service.made.token)


@pytest.fixture
def done(client: Client) -> Export:
    return next(one for one in client.exports.all() if one.state == "done")


@pytest.fixture
def proxy(service: Served) -> Iterator[Proxy]:
    with Proxy(service.port).running() as one:
        yield one


def through(proxy: Proxy, service: Served, patience_s: float = 60.0) -> Client:
    return Client(proxy.url, service.made.token, patience_s=patience_s, pause=lambda seconds: None)


def given(client: Client, done: Export) -> int:
    """How many times the package was given out, by the matter's log."""
    return len(client.custody(done.matter))


def test_a_matter_is_found_by_what_people_know_of_it(client: Client, done: Export) -> None:
    display = client.matter(done.matter).display
    for text in ("büyer", "c-2026", done.matter[5:15].upper(), display[:20]):
        assert [one.number for one in client.find_matters(text)] == [done.matter], text
    assert client.find_matters("nobody") == []


def test_a_package_comes_as_a_file_once(
    client: Client, done: Export, tmp_path: Path, proxy: Proxy, service: Served
) -> None:
    before = given(client, done)
    told: list[tuple[int, int]] = []
    target = tmp_path / "package.zip"
    client.exports.download(done, target, lambda at, of: told.append((at, of)))
    assert target.read_bytes() == PACKAGE
    assert target.stat().st_mode & 0o777 == 0o600
    assert told[-1] == (SIZE, SIZE)
    assert told == sorted(told)
    # It is there: nothing is asked for.
    through(proxy, service).exports.download(done, target)
    assert proxy.connections == 0
    assert given(client, done) == before + 1
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_that_is_cut_off_goes_on_where_it_stopped(
    client: Client, done: Export, tmp_path: Path, proxy: Proxy, service: Served
) -> None:
    before = given(client, done)
    proxy.faults = [20, ANSWER_HEAD + 1_000_000, "refuse", "busy", ANSWER_HEAD + 1_500_000]
    through(proxy, service).exports.download(done, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == PACKAGE
    assert proxy.connections == 6
    # Two answers broke off within the package and one within its head; each was an answer.
    assert given(client, done) == before + 4


def test_a_later_call_goes_on_with_what_an_earlier_one_left(
    client: Client, done: Export, tmp_path: Path, proxy: Proxy, service: Served
) -> None:
    target = tmp_path / "a.zip"
    proxy.faults = [ANSWER_HEAD + 2_500_000]
    with pytest.raises(NothingHappened, match="cut off on the way"):
        through(proxy, service, patience_s=0).exports.download(done, target)
    [part] = tmp_path.iterdir()
    assert part.name.startswith(".a.zip.")
    assert part.stat().st_mode & 0o777 == 0o600
    assert 2_000_000 < part.stat().st_size < SIZE
    # What is missing comes through before the line breaks again: the whole would not.
    proxy.faults = [1_000_000]
    through(proxy, service, patience_s=0).exports.download(done, target)
    assert target.read_bytes() == PACKAGE
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("left", [b"other bytes", PACKAGE + b"more", b"x" * SIZE])
def test_bytes_that_are_not_the_packages_are_never_taken_for_it(
    client: Client, done: Export, tmp_path: Path, left: bytes
) -> None:
    assert done.package is not None
    target = tmp_path / "a.zip"
    (tmp_path / f".a.zip.{done.package.sha256[:16]}.part").write_bytes(left)
    if len(left) > SIZE:
        # None of this package: begun anew.
        client.exports.download(done, target)
    else:
        with pytest.raises(Contradiction, match="Nothing was kept") as bad:
            client.exports.download(done, target)
        assert bad.value.code == "PACKAGE_BAD"
        assert list(tmp_path.iterdir()) == []
        client.exports.download(done, target)
    assert target.read_bytes() == PACKAGE


def test_a_service_that_gives_other_bytes_than_it_named_is_not_believed(
    client: Client, done: Export, tmp_path: Path
) -> None:
    assert done.package is not None
    lie = replace(done, package=replace(done.package, sha256="0" * 64))
    # What is left of it does not fit the ETag, so the whole comes.
    (tmp_path / f".a.zip.{'0' * 16}.part").write_bytes(PACKAGE[:9])
    with pytest.raises(Contradiction) as bad:
        client.exports.download(lie, tmp_path / "a.zip")
    assert bad.value.code == "PACKAGE_BAD"
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_left_alone(client: Client, done: Export, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"mine")
    with pytest.raises(CallerError, match="another file") as there:
        client.exports.download(done, tmp_path / "a.zip")
    assert there.value.code == "FILE_EXISTS"
    assert (tmp_path / "a.zip").read_bytes() == b"mine"
    with pytest.raises(CallerError) as nowhere:
        client.exports.download(done, tmp_path / "nowhere" / "a.zip")
    assert nowhere.value.code == "FILE_UNWRITABLE"


def test_an_export_is_ordered_followed_and_cancelled(client: Client, done: Export) -> None:
    kept = [Withheld(0, "trade_secret", "amount"), Withheld(1, "privilege")]
    made = client.exports.order(done.matter, "k-1", positions=[0, 1], withhold=kept)
    assert (made.kind, made.matter, made.package) == ("extract", done.matter, None)
    assert (
        client.exports.order(done.matter, "k-1", positions=[0, 1], withhold=kept).name == made.name
    )
    with pytest.raises(ConflictError):
        client.exports.order(done.matter, "k-1", full_history=True)
    with pytest.raises(NothingHappened, match="wait again") as slow:
        client.exports.wait(made, within_s=0)
    assert slow.value.code == "EXPORT_SLOW"
    with pytest.raises(CallerError) as early:
        client.exports.download(made, Path("a.zip"))
    assert early.value.code == "EXPORT_UNFINISHED"
    client.exports.cancel(made)
    client.exports.cancel(made)
    with pytest.raises(CallerError) as gone:
        client.exports.get(made.name)
    assert gone.value.code == "EXPORT_UNKNOWN"
    with pytest.raises(CallerError) as unknown:
        client.exports.order(done.matter, "k-2", withhold=[Withheld(0, "whim")])
    assert unknown.value.code == "REQUEST_INVALID"


def test_a_package_that_is_gone_meanwhile_leaves_nothing_behind(
    client: Client, done: Export, tmp_path: Path
) -> None:
    assert done.package is not None
    (tmp_path / f".a.zip.{done.package.sha256[:16]}.part").write_bytes(PACKAGE[:9])
    with pytest.raises(CallerError) as gone:
        client.exports.download(replace(done, name="09" * 16), tmp_path / "a.zip")
    assert gone.value.code == "EXPORT_UNKNOWN"
    assert list(tmp_path.iterdir()) == []


def test_what_ended_an_export_is_raised_as_the_service_would_have_said_it(
    client: Client, done: Export
) -> None:
    failed = {
        "export": done.name,
        "matter": done.matter,
        "kind": "complete",
        "state": "failed",
        "progress": {"done": 0, "of": 0},
        "package": None,
        "error": {"status": 422, "code": "WITHHOLD_UNKNOWN", "detail": "no record 9"},
        "expires_at": None,
    }
    with pytest.MonkeyPatch.context() as patch:
        from notary.client import exports

        found = exports._export(failed)
        patch.setattr(client.exports, "get", lambda name: found)
        with pytest.raises(CallerError, match="no record 9") as told:
            client.exports.wait(replace(found, state="running"))
    assert told.value.code == "WITHHOLD_UNKNOWN"


def test_status_and_sources_are_read(client: Client) -> None:
    assert client.status()["matters"] >= 1
    assert client.sources() == []
