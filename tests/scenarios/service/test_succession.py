"""One log after another, by command on a real chain: each says it of the other in what it seals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notary import compose, config, demo
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.simulators.commands import run_command

NEXT = "next.notary.example/log"


def notary(home: Path, *words: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    done = run_command(*words, "--home", str(home), timeout_s=scene.COMMAND_SECONDS)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


def judged(home: Path, anvil: Anvil, number: str, folder: Path) -> dict[str, Any]:
    """Anchor, export, and let a person judge who knows every block that the package names."""
    folder.mkdir()
    with compose.opened(config.load(home)) as service:
        scene.work(service)
        demo.write_policy(service, folder)
    shown = notary(home, "export", number, "-o", str(folder / "package.zip"), "--json")
    blocks = json.loads(shown.stdout)["blocks"]
    lines = ['format = "notary-inputs/1"', f'matter = "{number}"']
    lines += ['earliest_as_of = "2026-01-01T00:00:00.000Z"']
    for block in blocks:
        found = anvil.rpc("eth_getBlockByNumber", hex(block["number"]), False)
        lines += ["[[block]]", f"chain_id = {block['chain_id']}", f"number = {block['number']}"]
        lines += [f'hash = "{found["hash"]}"']
    (folder / "inputs.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return scene.judge(folder, folder / "package.zip")[1]


@pytest.mark.slow
def test_a_log_ends_and_another_one_continues_it(tmp_path: Path) -> None:
    with Anvil(*scene.CHAIN) as anvil:
        old = scene.make(tmp_path / "old", anvil)
        with old.opened() as service:
            matter = service.new_matter(1, "Seller v. Buyer", ("A-1",))
        letters = scene.letters(tmp_path / "in", "A-1", 0, 3)
        words = ("ingest", str(letters), "--map", str(letters.with_name("letters.map.toml")))
        notary(old.home, *words)
        new = tmp_path / "new"
        init = [
            *("init", "--log", NEXT, "--agency", "Next", "--rpc", anvil.url),
            *("--succeeds", str(old.home)),
        ]
        assert "NOT_RETIRED" in notary(new, *init, exit_code=2).stderr
        assert not new.exists()

        retire = ("retire", "--successor", NEXT, "--log")
        assert "LOG_OF_OTHER_HOME" in notary(old.home, *retire, "x.y", exit_code=2).stderr
        planned = notary(old.home, *retire, scene.LOG, "--dry-run", "--json")
        assert json.loads(planned.stdout) == {"dry_run": True, "successor": NEXT, "unsealed": 3}
        done = json.loads(notary(old.home, *retire, scene.LOG, "--json").stdout)
        assert done == {"log": scene.LOG, "successor": NEXT, "last_batch": 0}
        assert "LOG_RETIRED" in notary(old.home, *retire, scene.LOG, exit_code=75).stderr
        more = scene.letters(tmp_path / "more", "A-1", 10, 1)
        words = ("ingest", str(more), "--map", str(more.with_name("letters.map.toml")))
        assert f"LOG_RETIRED: this log is retired, and nothing enters it any more; {NEXT}" in (
            notary(old.home, *words, exit_code=75).stderr
        )

        report = judged(old.home, anvil, matter.number, tmp_path / "old-package")
        assert f", retired: {NEXT} follows it" in notary(old.home, "status").stdout
        rows = {row["row"]: row for row in report["rows"]}
        assert (rows["completeness"]["result"], rows["completeness"]["code"]) == (
            "NOT CHECKED",
            "LOG_RETIRED",
        )
        assert f"{NEXT} follows it" in rows["completeness"]["en"]
        assert not [row for row in rows.values() if row["result"] == "FAIL"]

        other = (*init[:2], "third.notary.example/log", *init[3:])
        assert "SUCCESSOR_OTHER" in notary(new, *other, exit_code=2).stderr
        said = notary(new, *init).stdout
        assert f"continues {scene.LOG} from size 1, root " in said
        number = said.split("of matter ")[1].split(":")[0]
        # The same command again, as after a crash, states nothing twice.
        assert number in notary(new, *init).stdout
        demo.fund(anvil.url, config.load(new).config.log_address)
        report = judged(new, anvil, number, tmp_path / "new-package")
        assert report["verdict"] == "VALID", report["rows"]
        (stated,) = [one["en"] for one in report["findings"] if one["code"] == "LOG_CONTINUES"]
        root = said.split("root ")[1].split("\n")[0]
        assert stated.endswith(f": record 0: {scene.LOG} from size 1, root {root}")
        assert [record["kind"] for record in report["records"]] == ["custody"]

        packages = [str(tmp_path / f"{name}-package" / "package.zip") for name in ("new", "old")]
        command = [sys.executable, "-I", "-m", "verifier.check", "compare", *packages]
        both = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert both.returncode == 4
        told = " ".join(both.stdout.split())
        assert f"{scene.LOG} names {NEXT} as its successor" in told
        assert f"continues {scene.LOG} from size 1, root {root}, which is a checkpoint in" in told

        # A checkpoint in a file serves as well; what is none does not.
        with old.opened() as service:
            note = tmp_path / "checkpoint.txt"
            note.write_text(service.newest_checkpoint(), "utf-8")
        third = (*init[:-1], str(note))
        assert (
            f"continues {scene.LOG} from size 1, root {root}"
            in notary(tmp_path / "third", *third).stdout
        )
        note.write_text("nothing", "utf-8")
        assert "PREDECESSOR_FILE" in notary(tmp_path / "fourth", *third, exit_code=2).stderr
