"""Originals in an S3-compatible store: taken in, exported, backed up, lost and found missing, and moved."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from notary import config, demo
from notary.config import Home
from notary.usecases.export_order import ExportOrder
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.simulators import s3 as simulator
from tests.simulators.commands import run_command
from tests.simulators.s3 import BUCKET, S3
from verifier.format import numbers

FILES = 30
WORD = b"Reminder"


@pytest.fixture(scope="module", autouse=True)
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in simulator.CREDENTIALS.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with simulator.s3_server() as running:
        yield running


@pytest.fixture(scope="module")
def live(
    server: S3, _credentials: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A service with thirty originals in S3, anchored and proved. Tests don't add to it."""
    folder = tmp_path_factory.mktemp("live")
    with Anvil(*scene.CHAIN) as anvil:
        place = (f"s3://{BUCKET}/one", server.endpoint, simulator.REGION)
        made = scene.make(folder / "home", anvil, objects=place)
        with made.opened() as service:
            number = service.new_matter(1, "Case", ("A-1",)).number
            files = folder / "files"
            files.mkdir()
            for at in range(FILES):
                (files / f"{at}.txt").write_bytes((WORD + b" %d\n" % at) * 1000)
            report = service.ingest(1, (files,), matter=number)
            assert sum(file.accepted for file in report.files) == FILES
            scene.work(service)
        yield made


def at_home(live: Live, folder: Path, objects: str | None = None) -> Live:
    """A copy of the home; with `objects` its originals lie elsewhere."""
    shutil.copytree(live.home, folder)
    path = folder / config.CONFIG_NAME
    if objects is not None:
        lines = path.read_text("utf-8").splitlines(keepends=True)
        if not objects:
            lines = [line for line in lines if not line.startswith("objects_")]
        text = "".join(lines).replace(f'"s3://{BUCKET}/one"', f'"{objects}"')
        path.write_text(text, "utf-8")
    made = replace(live.made, home=Home(folder, config.read(path)))
    return Live(made, live.anvil)


def names(server: S3, prefix: str) -> list[str]:
    return [key for key in server.held() if key.startswith(f"{prefix}/")]


@pytest.mark.slow
def test_what_lies_in_the_store_is_sealed_under_names_that_tell_nothing(
    live: Live, server: S3
) -> None:
    held = names(server, "one")
    assert len(held) == FILES
    for key in held:
        assert key.rpartition("/")[2].isalnum()
        assert WORD not in server.bytes_of(key)
    assert not (live.home / "data" / "objects").exists()
    shown = live.run("status", "--json")
    assert json.loads(shown.stdout)["originals"] == f"s3://{BUCKET}/one"


@pytest.mark.slow
def test_an_export_takes_its_originals_from_there(live: Live, tmp_path: Path) -> None:
    out = tmp_path / "package.zip"
    with live.opened() as service:
        [matter] = service.register.all(1)
        order = ExportOrder(numbers.parse(matter.number))
        result = service.export(1, order, out, lambda done, total: None)
        demo.write_policy(service, tmp_path)
    demo.write_inputs(tmp_path, matter.number, live.anvil.url, [result])
    code, report = scene.judge(tmp_path, out)
    assert (code, report["verdict"]) == (0, "VALID")
    assert WORD + b" 17\n" in out.read_bytes()


@pytest.mark.slow
def test_an_original_that_is_gone_or_cut_is_found_by_the_audit(
    live: Live, server: S3, tmp_path: Path
) -> None:
    gone, cut, *_ = names(server, "one")
    kept = {key: server.bytes_of(key) for key in (gone, cut)}
    # A copy, since what an audit found is remembered in the home.
    home = at_home(live, tmp_path / "home")
    try:
        server.delete(gone)
        server.put(cut, kept[cut][:-1])
        done = home.run("audit", "--json")
        assert done.returncode == 70, done.stdout
        [drift] = json.loads(done.stdout)["drift"]
        assert drift["subject"] == "the originals"
        assert f"of {FILES} originals 2 are not as their records want them" in drift["text"]
        assert f"{gone.rpartition('/')[2]} is not there" in drift["text"]
        refused = home.run("backup", str(tmp_path / "backup"))
        assert "error OBJECT_MISSING" in refused.stderr
    finally:
        for key, content in kept.items():
            server.put(key, content)
    again = home.run("audit", "--json")
    assert json.loads(again.stdout)["standing"] == []
    # One that can't be asked is no drift.
    away = at_home(live, tmp_path / "away", "s3://nobody/one")
    done = away.run("audit", "--json")
    assert done.returncode == 1, done.stdout
    [unchecked] = json.loads(done.stdout)["not_checkable"]
    assert "Check that the bucket exists" in unchecked["text"]


@pytest.mark.slow
def test_a_backup_holds_the_originals_and_brings_back_those_that_are_gone(
    live: Live, server: S3, tmp_path: Path
) -> None:
    backup, keys = tmp_path / "backup", tmp_path / "keys"
    made = live.run("backup", str(backup), "--keys", str(keys), "--json")
    assert json.loads(made.stdout)["copied"] == FILES
    assert json.loads(live.run("backup", str(backup), "--json").stdout)["copied"] == 0
    assert live.run("backup", str(backup), "--verify").returncode == 0
    gone = names(server, "one")[3]
    content = server.bytes_of(gone)
    server.delete(gone)
    done = scene.run_elsewhere(
        live, "restore", str(backup), "--home", str(tmp_path / "new"), "--keys", str(keys)
    )
    assert done.returncode == 0, done.stderr
    assert server.bytes_of(gone) == content
    assert len(names(server, "one")) == FILES


@pytest.mark.slow
def test_originals_move_to_another_place_and_back(live: Live, server: S3, tmp_path: Path) -> None:
    home = at_home(live, tmp_path / "home")
    plan = home.run("objects", "copy", "--to", "folder", "--dry-run", "--json")
    assert json.loads(plan.stdout)["copied"] == FILES
    assert not home.made.home.objects.exists()
    assert home.run("objects", "copy", "--to", "folder").returncode == 0
    # From the folder into another prefix, killed in between.
    folder = at_home(home, tmp_path / "moved", "")
    words = ("objects", "copy", "--to", f"s3://{BUCKET}/two", "--json")
    store = ("--endpoint", server.endpoint, "--region", simulator.REGION)
    process = subprocess.Popen(
        folder.command(*words, *store), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while len(names(server, "two")) < 3 and time.monotonic() < deadline:
        time.sleep(0.002)
    process.kill()
    process.wait()
    before = len(names(server, "two"))
    assert 3 <= before < FILES, "the copy was over before it could be killed"
    done = folder.run(*words, *store)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["there"] == before
    for key in names(server, "one"):
        assert server.bytes_of(key.replace("one/", "two/", 1)) == server.bytes_of(key)
    with at_home(live, tmp_path / "last", f"s3://{BUCKET}/two").opened() as last:
        [matter] = last.register.all(1)
        row = last.shelf.rows(1, matter)[0]
        with last.reader.open_attachment(1, row["record_id"], 0) as stream:
            assert stream.read().startswith(WORD)


@pytest.mark.slow
def test_a_store_that_refuses_is_found_out_before_anything_is_made(
    server: S3, tmp_path: Path
) -> None:
    words = ("--log", scene.LOG, "--agency", "A", "--rpc", "http://127.0.0.1:1", "--chain-id", "1")
    place = ("--objects", "s3://nobody/x", "--objects-endpoint", server.endpoint)
    done = run_command(
        *("init", *words, *place, "--objects-region", "eu-central-1"),
        *("--home", str(tmp_path / "home")),
        timeout_s=60,
    )
    assert done.returncode == 75
    assert "error OBJECT_NOT_KEPT" in done.stderr
    assert not (tmp_path / "home").exists()
