"""The loop ends when either of its halves does, and says why: half an agent is none."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from notary.agent import deliver
from notary.agent.journal import NAME, Journal
from notary.agent.settings import Folder, Settings
from notary.agent.watch import Watch, status
from notary.errors import CallerError, NothingHappened
from tests.simulators.agency import MATTER


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    state, files = tmp_path / "state", tmp_path / "files"
    state.mkdir()
    files.mkdir()
    (state / "api.key").write_text("nt_x", "utf-8")
    folder = Folder(files, matter=MATTER)
    server = "http://127.0.0.1:9"
    return Watch(
        Settings(state, server, "pbx-1", state / "api.key", (folder,), poll_s=0.01),
        lambda line: None,
    )


def test_a_fault_in_the_sending_half_ends_the_looking_half(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> int:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(deliver.Sender, "send_all", fail)
    with watch.locked(), pytest.raises(ZeroDivisionError, match="a fault of ours"):
        watch.run(threading.Event())


def test_a_service_that_is_away_ends_nothing(watch: Watch, tmp_path: Path) -> None:
    stop = threading.Event()
    timer = threading.Timer(0.5, stop.set)
    timer.start()
    with watch.locked():
        watch.run(stop)
    timer.join()
    told = status(tmp_path / "state")
    assert told["trouble"].startswith("SERVICE_AWAY")
    assert told["looked_at"] is not None


def test_a_folder_that_no_agent_ever_had_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(CallerError) as error:
        status(tmp_path)
    assert error.value.code == "WATCH_UNKNOWN"
    assert list(tmp_path.iterdir()) == []


def test_a_journal_of_another_version_or_that_is_damaged_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal._db.execute("PRAGMA user_version=99")
    journal.close()
    with pytest.raises(CallerError, match="version 99"):
        Journal(tmp_path)
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    with pytest.raises(NothingHappened, match="damaged"):
        Journal(tmp_path)
