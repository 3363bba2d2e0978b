"""A sender's signature is checked in a package: it holds, is missing, is hidden, or is of something else."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notary.agent.signing import sender_key
from notary.core.intake import Incoming
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live

FILES = Path("data") / "matter"


def judged(package: Path, *words: str) -> tuple[int, list[Any]]:
    command = [sys.executable, "-m", "notary", "handed-in", str(package), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with Anvil(*scene.CHAIN) as anvil:
        yield scene.make(tmp_path / "home", anvil)


def test_each_record_of_a_package_says_how_its_signature_stands(live: Live, tmp_path: Path) -> None:
    key = sender_key(tmp_path)
    with live.opened() as service:
        matter = service.new_matter(service.agency_id, "A v. B", ())

        def claims(text: str) -> dict[str, Any]:
            sender: dict[str, Any] = {
                "agent": "notary-watch/1",
                "source": "pbx-1",
                "key": key.public,
            }
            said: dict[str, Any] = {
                "text": text,
                "occurred_at": "2026-02-01T09:00:00.000Z",
                "fields": {"sender": sender},
            }
            return key.sign(matter.number, "message", said, [])

        offered = [claims("one"), claims("two"), {**claims("three"), "text": "others"}]
        offered.append({"text": "four", "occurred_at": "2026-02-01T09:00:00.000Z"})
        outcomes = service.acceptor.accept(
            service.agency_id,
            [Incoming(matter.key, "message", one, f"k{n}") for n, one in enumerate(offered)],
        )
        assert len(outcomes) == 4
        scene.work(service)
    package = tmp_path / "package.zip"
    done = live.run(
        "export", matter.number, "--out", str(package), "--withhold", "1:text=personal_data"
    )
    assert done.returncode == 0, done.stdout + done.stderr

    code, found = judged(package)
    assert code == 2
    messages = [one for one in found if one["kind"] == "message"]
    assert [one["standing"] for one in messages] == ["HOLDS", "NOT CHECKED", "BAD", "NOT SIGNED"]
    assert (messages[0]["key"], messages[0]["source"]) == (key.public, "pbx-1")
    assert messages[1]["reason"].startswith("text is withheld")

    extract = tmp_path / "extract.zip"
    assert (
        live.run("export", matter.number, "--out", str(extract), "--position", "0").returncode == 0
    )
    assert judged(extract)[0] == 0
    assert judged(extract, "--key", key.public)[0] == 0
    code, [other] = judged(extract, "--key", "A" * 43)
    assert (code, other["standing"]) == (2, "BAD")
    assert "not the one that you name" in other["reason"]

    with zipfile.ZipFile(extract) as opened:
        opened.extractall(tmp_path / "folder")
    [shown] = (tmp_path / "folder").rglob("disclosures*")
    shown.write_bytes(shown.read_bytes().replace(b'"one"', b'"ONE"'))
    assert [one["standing"] for one in judged(tmp_path / "folder")[1]] == ["BAD"]
