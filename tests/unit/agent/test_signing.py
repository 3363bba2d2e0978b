"""The sender's signature binds all that was handed in, and tools of others can check it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from notary.agent.signing import KEY_NAME, check, sender_key
from notary.errors import CallerError, Contradiction
from tests.simulators.agency import MATTER

FILE: dict[str, Any] = {
    "filename": "a.pdf",
    "media_type": "application/pdf",
    "size": 3,
    "sha256": "0" * 64,
}
ATTACHED = {**FILE, "name": "1" * 32, "sha512": "0" * 128, "sm3": "0" * 64}


def signed(folder: Path) -> dict[str, Any]:
    """The claims of a record as a package discloses them."""
    key = sender_key(folder)
    sender = {"agent": "notary-watch/1", "source": "pbx-1", "key": key.public, "clock": None}
    claims: dict[str, Any] = {"text": "Grüße", "fields": {"n": 1, "sender": sender}}
    return {**key.sign(MATTER, "message", claims, [FILE]), "attachment-0": ATTACHED}


def test_what_was_signed_holds_and_names_key_and_source(tmp_path: Path) -> None:
    claims = signed(tmp_path)
    found = check(MATTER, "message", claims)
    assert (found.key, found.source) == (sender_key(tmp_path).public, "pbx-1")


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Gruss"},
        {"reference": "added"},
        {"attachment-0": {**ATTACHED, "sha256": "1" * 64}},
        {"attachment-0": {**ATTACHED, "filename": "b.pdf"}},
        {"attachment-1": ATTACHED},
    ],
)
def test_any_other_content_does_not(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(Contradiction) as error:
        check(MATTER, "message", {**signed(tmp_path), **change})
    assert error.value.code == "SIGNATURE_BAD"


def test_another_kind_matter_or_a_missing_claim_does_not(tmp_path: Path) -> None:
    claims = signed(tmp_path)
    for matter, kind, some in (
        (MATTER, "call", claims),
        (MATTER[:-1] + "q", "message", claims),
        (MATTER, "message", {name: v for name, v in claims.items() if name != "text"}),
        (MATTER, "message", {name: v for name, v in claims.items() if name != "attachment-0"}),
    ):
        with pytest.raises(Contradiction):
            check(matter, kind, some)


def test_a_record_of_nobody_is_said_to_be_unsigned(tmp_path: Path) -> None:
    unsigned: list[dict[str, Any]] = [{"text": "x"}, {"fields": {}}, {"fields": {"sender": {}}}]
    for claims in unsigned:
        with pytest.raises(CallerError) as error:
            check(MATTER, "message", claims)
        assert error.value.code == "NOT_SIGNED"
    bad = signed(tmp_path)
    bad["fields"]["sender"]["signature"] = "AA"
    with pytest.raises(Contradiction):
        check(MATTER, "message", bad)


def test_the_key_is_made_once_and_a_damaged_one_is_not_replaced(tmp_path: Path) -> None:
    first = sender_key(tmp_path).public
    assert sender_key(tmp_path).public == first
    path = tmp_path / KEY_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CallerError, match="Restore it"):
        sender_key(tmp_path)


def test_the_specifications_recipe_checks_it_with_tools_of_others(tmp_path: Path) -> None:
    text = Path("docs/spec/handed-in.md").read_text("utf-8")
    program, command = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    (tmp_path / "check.py").write_text(program, "utf-8")
    lines = [
        f"{at} {json.dumps(['A' * 22, name, value], ensure_ascii=False)}\n"
        for at in (3, 4)
        for name, value in signed(tmp_path).items()
    ]
    (tmp_path / "disclosures.jsonl").write_text("".join(lines), "utf-8")
    run = [sys.executable, "check.py", "disclosures.jsonl", "message", "4", MATTER]
    subprocess.run(run, cwd=tmp_path, check=True)
    done = subprocess.run(
        command.split(), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully")
    (tmp_path / "signed").write_bytes((tmp_path / "signed").read_bytes() + b" ")
    assert subprocess.run(
        command.split(), cwd=tmp_path, capture_output=True, check=False
    ).returncode
