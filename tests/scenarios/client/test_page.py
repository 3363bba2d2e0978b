"""The page on the client shows a program that runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.simulators.served import served


def test_the_pages_program_hands_in_what_it_says(tmp_path: Path) -> None:
    [program] = re.findall(
        r"```python\n(.*?)```", Path("docs/client.md").read_text("utf-8"), re.DOTALL
    )
    (tmp_path / "notice.pdf").write_bytes(b"%PDF-1.4 notice")
    with served(tmp_path / "served") as service:
        program = program.replace("https://notary.example", service.url)
        program = program.replace("notary.example/log/receipts+…", service.receipt_key)
        (tmp_path / "api.key").write_text(service.made.token, "utf-8")
        (tmp_path / "run.py").write_text(program + "\nprint(matter)\n", "utf-8")
        done = subprocess.run(
            [sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        *printed, matter = done.stdout.split("\n")[:-1]
        assert printed == ["sms-2 1", "sms-3 2", "sms-4 3"]
        kinds = [one["kind"] for one in service.claims(matter)]
    assert kinds == ["message"] * 4 + ["letter"]
    assert (tmp_path / "sms-1.receipt.json").read_bytes().startswith(b"{")
