"""A second source of time, from a real authority: asked beside the chain, believed only when it verifies.

The authority is openssl's. What it does wrong is done by the server in front of it.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notary import demo
from notary.adapters.store import audit
from notary.adapters.store.timestamps import StoredTokens
from notary.adapters.timestamp_http import HttpAuthority
from notary.core.stamping import FIRST_PAUSE, LONGEST_PAUSE, pause_after
from notary.errors import CallerError, Contradiction
from notary.usecases.export_order import ExportOrder
from notary.usecases.stamp import PinnedAuthority
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators.authority import (
    AuthorityServer,
    OpensslAuthority,
    openssl_verifies,
    put_intent,
    stamper,
)
from tests.simulators.store import SetClock, StoreWorld, make_world
from verifier.format import notes, numbers, timestamp_token
from verifier.format.digests import sha256

SIZES = (1, 2)
DAY = timedelta(days=1)


@dataclass
class Scene:
    """A store with two anchored checkpoints, and one authority."""

    world: StoreWorld
    server: AuthorityServer
    pinned: PinnedAuthority
    book: StoredTokens
    told: list[str]

    @property
    def clock(self) -> SetClock:
        return self.world.clock

    def pass_(self, **settings: timedelta) -> None:
        """One pass of the stamper, as its thread makes it."""
        one = stamper(self.world, [self.pinned], self.book, self.told, **settings)
        one.look()
        one.ask_all(self.pinned)

    def text(self, size: int) -> bytes:
        return notes.parse_note(self.world.batch_log.checkpoint(size)).text.encode()

    def tokens(self, size: int) -> list[bytes]:
        return [one.token for chain in self.book.chains(size) for one in chain]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Scene]:
    world = make_world(tmp_path / "store", now=datetime.now(UTC))
    for _ in SIZES:
        world.seal()
    for size in SIZES:
        put_intent(world.database, size, world.clock.now())
    authority = OpensslAuthority(tmp_path / "authority")
    with AuthorityServer(authority).running() as server:
        pinned = PinnedAuthority(HttpAuthority("Example", server.url, 1.0), (authority.root,))
        yield Scene(world, server, pinned, StoredTokens(world.database), [])
    world.close()


def test_each_anchored_checkpoint_gets_a_token_that_openssl_verifies(
    stage: Scene, tmp_path: Path
) -> None:
    stage.pass_()
    for size in SIZES:
        [token] = stage.tokens(size)
        pem = stage.server.authority.pem
        assert openssl_verifies(tmp_path, stage.text(size), token, pem, None)
        assert not openssl_verifies(tmp_path, stage.text(3 - size), token, pem, None)
    assert stage.server.asked == 2
    stage.pass_()
    assert stage.server.asked == 2


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("cuts the token", "TIMESTAMP_BAD: TOKEN_SIGNATURE"),
        ("says garbage", "TIMESTAMP_GARBLED"),
        ("says too much", "TIMESTAMP_AWAY"),
        ("fails", "TIMESTAMP_REFUSED: it answered 500"),
        ("redirects", "TIMESTAMP_REFUSED: it answered 307"),
        ("rejects", "TIMESTAMP_REFUSED: it answered with PKI status 2"),
        ("drips", "TIMESTAMP_AWAY"),
        ("hangs", "TIMESTAMP_AWAY"),
    ],
)
def test_a_bad_answer_is_kept_out_and_named_and_a_good_one_later_kept(
    stage: Scene, mode: str, code: str
) -> None:
    stage.server.mode = mode
    started = time.monotonic()
    stage.pass_()
    assert time.monotonic() - started < 5
    # The other one is not tried: it would fail the same way.
    assert stage.server.asked == 1
    assert [stage.tokens(size) for size in SIZES] == [[], []]
    [said] = stage.told
    assert said.startswith(f"timestamps of Example: {code}")
    [waiting] = stage.book.owing()
    assert (waiting.waiting, waiting.given_up) == (2, 0)
    assert waiting.last_error is not None
    assert waiting.last_error.startswith(code)

    stage.server.mode = "honest"
    stage.clock.advance(FIRST_PAUSE.total_seconds())
    stage.pass_()
    assert [len(stage.tokens(size)) for size in SIZES] == [1, 1]
    assert stage.book.owing() == []


def test_a_token_of_another_query_is_kept_out(stage: Scene) -> None:
    stage.pass_()
    stage.world.seal()
    put_intent(stage.world.database, 3, stage.clock.now())
    stage.server.mode = "replays"
    stage.pass_()
    assert stage.tokens(3) == []
    assert "TOKEN_NONCE" in stage.told[-1]


def test_an_authority_that_is_not_there_is_away(stage: Scene) -> None:
    gone = HttpAuthority("Example", "http://127.0.0.1:9/tsr", 1.0)
    stage.pinned = PinnedAuthority(gone, stage.pinned.roots)
    stage.pass_()
    assert stage.told[0].startswith("timestamps of Example: TIMESTAMP_AWAY")


def test_an_authority_under_another_root_is_kept_out(stage: Scene, tmp_path: Path) -> None:
    other = OpensslAuthority(tmp_path / "other", "Other")
    stage.pinned = PinnedAuthority(stage.pinned.authority, (other.root,))
    stage.pass_()
    assert "TIMESTAMP_BAD: TOKEN_PATH" in stage.told[0]
    assert stage.tokens(1) == []


def test_a_certificate_that_has_ended_is_kept_out(stage: Scene) -> None:
    stage.server.authority.certify(datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1))
    stage.pass_()
    assert "TIMESTAMP_BAD: TOKEN_CERTIFICATE_TIME" in stage.told[0]


def test_an_authority_with_another_clock_is_kept_out(stage: Scene) -> None:
    stage.pass_()
    stage.world.seal()
    stage.clock.advance(2 * DAY.total_seconds())
    put_intent(stage.world.database, 3, stage.clock.now())
    stage.pass_()
    assert "TIMESTAMP_BAD: its time is" in stage.told[-1]
    assert stage.tokens(3) == []


def test_pauses_grow_to_an_hour_and_differ_by_chance() -> None:
    assert [pause_after(tries, 1) for tries in (1, 2, 3)] == [
        FIRST_PAUSE,
        2 * FIRST_PAUSE,
        4 * FIRST_PAUSE,
    ]
    assert pause_after(1, 0) == FIRST_PAUSE / 2
    assert pause_after(1_000_000, 1) == LONGEST_PAUSE


def test_what_is_not_to_be_had_for_a_day_is_given_up_and_counted(stage: Scene) -> None:
    stage.server.mode = "fails"
    stage.pass_()
    stage.clock.advance(DAY.total_seconds())
    stage.pass_()
    [waiting] = stage.book.owing()
    assert (waiting.waiting, waiting.given_up) == (0, 2)
    asked = stage.server.asked
    stage.server.mode = "honest"
    stage.pass_()
    assert stage.server.asked == asked


def test_tokens_are_renewed_before_their_certificate_ends(stage: Scene, tmp_path: Path) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    stage.server.authority.certify(ends)
    stage.pass_(renew_before=timedelta(hours=1))
    assert [len(stage.tokens(size)) for size in SIZES] == [1, 1]
    # The authority has its next key by then.
    stage.server.authority.certify(ends + 365 * DAY)
    stage.pass_(renew_before=timedelta(hours=3))
    for size in SIZES:
        first, renewal = stage.tokens(size)
        assert timestamp_token.parse(renewal).imprint == sha256(first)
        assert openssl_verifies(tmp_path, first, renewal, stage.server.authority.pem, None)
    stage.pass_(renew_before=timedelta(hours=3))
    assert stage.server.asked == 4


def test_a_renewal_that_would_come_too_late_is_given_up(stage: Scene) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=2)
    stage.server.authority.certify(ends)
    stage.pass_(renew_before=timedelta(0))
    stage.clock.advance(150)
    stage.pass_(renew_before=timedelta(minutes=3))
    assert [len(stage.tokens(size)) for size in SIZES] == [1, 1]
    [waiting] = stage.book.owing()
    assert (waiting.waiting, waiting.given_up) == (0, 2)


def test_an_authority_that_hangs_holds_up_neither_the_caller_nor_another_one(
    stage: Scene, tmp_path: Path
) -> None:
    stage.server.mode = "hangs"
    other = OpensslAuthority(tmp_path / "other", "Other")
    with AuthorityServer(other).running() as second:
        pinned = PinnedAuthority(HttpAuthority("Other", second.url), (other.root,))
        one = stamper(stage.world, [stage.pinned, pinned], stage.book, stage.told)
        started = time.monotonic()
        with one.at_work():
            assert time.monotonic() - started < 0.5
            while second.asked < 2 and time.monotonic() - started < 10:
                time.sleep(0.05)
        assert second.asked == 2
    assert [len(stage.tokens(size)) for size in SIZES] == [1, 1]


def test_a_process_killed_between_answer_and_storing_asks_again(
    stage: Scene, tmp_path: Path
) -> None:
    stamper(stage.world, [stage.pinned], stage.book).look()
    pem = stage.server.authority.folder / "root.pem"
    arguments = [str(stage.world.folder), stage.server.url, str(pem)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulators.stamp_process", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, "answered\n"), done.stderr
    assert stage.server.asked == 1
    assert stage.tokens(1) == []
    stage.pass_()
    assert [len(stage.tokens(size)) for size in SIZES] == [1, 1]
    assert stage.server.asked == 3


def audited(stage: Scene) -> None:
    with closing(sqlite3.connect(stage.world.database.path)) as connection:
        audit.check_rows(connection, stage.world.identity, lambda done, total: None)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE timestamp_tokens SET size = 3 - size + 10 * (number + 1)", "has not its form"),
        ("UPDATE timestamp_tokens SET token = substr(token, 1, 100) WHERE size = 1", "TOKEN_DER"),
        (
            "UPDATE timestamp_tokens SET token = (SELECT token FROM timestamp_tokens WHERE size = 1)"
            " WHERE size = 2",
            "token 0 of Example over size 2 is of something else",
        ),
    ],
)
def test_the_audit_of_a_backup_reads_every_token(stage: Scene, damage: str, named: str) -> None:
    stage.pass_(renew_before=timedelta(days=9000))
    assert [len(stage.tokens(size)) for size in SIZES] == [1, 1]
    stage.pass_(renew_before=timedelta(days=9000))
    assert [len(stage.tokens(size)) for size in SIZES] == [2, 2]
    audited(stage)
    with closing(sqlite3.connect(stage.world.database.path)) as connection:
        connection.execute(damage)
        connection.commit()
    with pytest.raises(Contradiction, match=named):
        audited(stage)


# ---------------------------------------------------------------------- the whole service

# Of a certificate after its token: longer than the token's way, not than a test.
LASTS = timedelta(seconds=10)


@dataclass(frozen=True)
class Stamped:
    """A service that worked with an authority whose certificate ends soon."""

    live: Live
    authority: OpensslAuthority
    number: str


@pytest.fixture(scope="module")
def stamped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stamped]:
    folder = tmp_path_factory.mktemp("stamped")
    authority = OpensslAuthority(folder / "authority")
    with Anvil(*scene.CHAIN) as anvil, AuthorityServer(authority).running() as server:
        live = scene.make(folder / "home", anvil, {"renew_before_s": 0})
        configure(live, server.url, authority.pem)
        with live.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
        source = scene.letters(folder / "in", "A-1", 0, 5)
        column_map = str(source.parent / "letters.map.toml")
        assert live.run("ingest", str(source), "--map", column_map).returncode == 0
        authority.lasts = LASTS
        done = live.run("work", "--until-idle")
        assert done.returncode == 0, done.stderr
        yield Stamped(live, authority, number)


def configure(live: Live, url: str, pem: str) -> None:
    path = live.home / "notary.toml"
    table = f"""
[[timestamp]]
name = "Example"
url = "{url}"
roots = '''
{pem}'''
"""
    path.write_text(path.read_text("utf-8") + table, "utf-8")


def reopened(live: Live, home: Path) -> Live:
    from notary import config
    from notary.creation import Created

    made = live.made
    found = Created(config.load(home), made.checkpoint_vkeys, made.receipt_vkey, made.token)
    return Live(found, live.anvil)


def exported(live: Live, stamped: Stamped, folder: Path) -> Path:
    """The package, and a policy that pins the authority and requires the row."""
    out = folder / "package.zip"
    now = reopened(live, live.home)
    with now.opened() as service:
        order = ExportOrder(numbers.parse(stamped.number))
        result = service.export(1, order, out, lambda done, total: None)
        demo.write_policy(service, folder)
    demo.write_inputs(folder, stamped.number, live.anvil.url, [result])
    path = folder / "policy.toml"
    policy = path.read_text("utf-8").replace(
        "max_silence_s = 90000", "max_silence_s = 90000\nmax_timestamp_gap_s = 3600"
    )
    policy = policy.replace('complete = ["order", ', 'complete = ["timestamp", "order", ')
    policy += f"""
[[timestamp_authority]]
name = "Example TSA"
roots = '''
{stamped.authority.pem}'''
from = "2020-01-01T00:00:00.000Z"
origin = "made for this test"
"""
    path.write_text(policy, "utf-8")
    return out


def files_of(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name.removeprefix("evidence/"): archive.read(name) for name in archive.namelist()}


@pytest.mark.slow
def test_a_package_carries_the_tokens_and_is_valid_for_who_requires_them(
    stamped: Stamped, tmp_path: Path
) -> None:
    package = exported(stamped.live, stamped, tmp_path)
    files = {n: c for n, c in files_of(package).items() if n.startswith("data/anchors/tokens/")}
    assert list(files) == ["data/anchors/tokens/000001-0-0.tst"]
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (0, "VALID")
    [row] = [row for row in report["rows"] if row["row"] == "timestamp"]
    assert row["result"] == "PASS"
    assert "(Example TSA)" in row["en"]
    ends = timestamp_token.parse(files["data/anchors/tokens/000001-0-0.tst"]).signer
    assert ends.not_valid_after_utc.strftime("last until %Y-%m-%dT%H:%M:%S.000Z") in row["en"]
    [token] = report["tokens"]
    assert (token["size"], token["authority"]) == (1, "Example TSA")


@pytest.mark.slow
def test_after_the_certificate_s_end_the_verdict_is_the_same_and_openssl_agrees(
    stamped: Stamped, tmp_path: Path
) -> None:
    package = exported(stamped.live, stamped, tmp_path)
    files = files_of(package)
    token = files["data/anchors/tokens/000001-0-0.tst"]
    text = files["data/batches/000000.tlog-proof"].split(b"\n\n")[1] + b"\n"
    read = timestamp_token.parse(token)
    ends, at = read.signer.not_valid_after_utc, int(read.gen_time.timestamp())
    while datetime.now(UTC) <= ends + timedelta(seconds=1):
        time.sleep(0.5)
    code, report = scene.judge(tmp_path, package)
    assert (code, report["verdict"]) == (0, "VALID")
    pem = stamped.authority.pem
    assert openssl_verifies(tmp_path, text, token, pem, at)
    assert not openssl_verifies(tmp_path, text, token, pem, None)
    assert not openssl_verifies(tmp_path, text, token, pem, int(ends.timestamp()) + 1)


@pytest.mark.slow
def test_the_commands_of_the_readme_check_a_token(stamped: Stamped, tmp_path: Path) -> None:
    for name, content in files_of(exported(stamped.live, stamped, tmp_path)).items():
        path = tmp_path / "evidence" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "evidence" / "roots.pem").write_text(stamped.authority.pem, "ascii")
    page = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    [block] = [one for one in page.split("```") if "openssl ts -verify" in one]
    at = timestamp_token.parse(
        (tmp_path / "evidence/data/anchors/tokens/000001-0-0.tst").read_bytes()
    ).gen_time
    commands = block.replace("000003", "000001").replace("000002", "000000")
    done = subprocess.run(
        ["sh", "-ec", commands.replace("TIME", str(int(at.timestamp())))],
        cwd=tmp_path / "evidence",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "Verification: OK"), done.stderr


@pytest.mark.slow
def test_a_backup_holds_the_tokens(stamped: Stamped, tmp_path: Path) -> None:
    live, backup = stamped.live, tmp_path / "backup"
    assert live.run("backup", str(backup), "--keys", str(tmp_path / "keys")).returncode == 0
    command = [sys.executable, "-m", "notary", "restore", str(backup), "--home"]
    done = subprocess.run(
        [*command, str(tmp_path / "home"), "--keys", str(tmp_path / "keys")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    restored = reopened(live, tmp_path / "home")
    with restored.opened() as service, live.opened() as service_before:
        assert service.token_book.chains(1) == service_before.token_book.chains(1) != []
        assert [one.name for one in service.home.config.timestamp] == ["Example"]


@pytest.mark.slow
def test_status_says_how_the_authorities_stand(stamped: Stamped) -> None:
    with reopened(stamped.live, stamped.live.home).opened() as service:
        [told] = service.status()["timestamps"]
    assert (told["authority"], told["waiting"], told["error"]) == ("Example", 0, None)
    assert "stamps    Example: 0 wait, " in stamped.live.run("status").stdout


@pytest.mark.slow
def test_roots_that_are_none_are_named(stamped: Stamped, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = stamped.live.home / "notary.toml"
    text = path.read_text("utf-8").replace(stamped.authority.pem, "none\n")
    text = text.replace('keys = "keys"', f'keys = "{stamped.live.home / "keys"}"')
    (home / "notary.toml").write_text(text, "utf-8")
    (home / "data").symlink_to(stamped.live.home / "data")
    with (
        reopened(stamped.live, home).opened() as service,
        pytest.raises(CallerError, match="roots of authority Example"),
    ):
        service.stamper(lambda line: None)
