"""docs/operations.md names every setting, state, cause and alarm, and no other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from notary.config import Config
from notary.core.intent import Cause, State

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/operations.md"


def named(title: str) -> list[str]:
    """The words in the first column of the table under a title."""
    section = PAGE.read_text("utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[1])]


def test_every_setting_is_explained_once() -> None:
    assert sorted(named("Settings")) == sorted({"format", *(one.name for one in fields(Config))})


def test_every_state_is_explained_once() -> None:
    assert sorted(named("States of an anchor")) == sorted(State)


def test_every_cause_is_explained_once() -> None:
    assert sorted(named("Why HELD")) == sorted(Cause)


def test_every_alarm_is_explained_once() -> None:
    text = (ROOT / "docs/spec/sender.md").read_text("utf-8").split("\n## 7. Alarms\n")[1]
    text = text.split("\n## ")[0]
    told = set(re.findall(r"`([A-Z_]+)`", text))
    assert sorted(named("Alarms")) == sorted(told)


@pytest.mark.parametrize("title", ["Start-up refuses", "Health"])
def test_every_code_of_the_page_is_raised_somewhere(title: str) -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "notary").rglob("*.py"))
    for word in named(title):
        assert f'"{word}"' in code, word
