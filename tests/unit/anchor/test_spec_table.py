"""docs/spec/sender.md and the code state the same machine."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from notary.core import intent as machine
from notary.core.intent import (
    EFFECTS,
    EVENT_NAMES,
    LIVE,
    TRANSITIONS,
    Cause,
    Effect,
    Intent,
    State,
)
from tests.unit.anchor.intents import INTENTS, events_for

SPEC = Path(__file__).parents[3] / "docs/spec/sender.md"
SEAL = "—"


def section(number: int) -> str:
    return SPEC.read_text("utf-8").split("\n## ")[number].partition("\n")[2]


def rows(number: int) -> list[list[str]]:
    """The cells of the table of a section, without head and rule."""
    lines = [line for line in section(number).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_transition_of_the_spec_is_one_of_the_code_and_none_is_missing() -> None:
    told: dict[tuple[str, str], str | None] = {}
    for state, event, following, _, effect in rows(3):
        if state == SEAL:
            assert (words(event), words(following), words(effect)) == (
                ["seal"],
                [State.SEALED],
                [EFFECTS[State.SEALED]],
            )
            continue
        (before,), (name,) = words(state), words(event)
        assert (before, name) not in told, "a row stands twice"
        if name == "resume":
            told[before, name] = None
            continue
        (after,), (wanted,) = words(following), words(effect)
        assert EFFECTS[State(after)] == wanted
        told[before, name] = after
    coded = {
        (str(state), EVENT_NAMES[event]): following
        for (state, event), following in TRANSITIONS.items()
    }
    assert told == coded


def test_each_transition_writes_exactly_what_the_spec_names() -> None:
    told = {(words(row[0])[0], words(row[1])[0]): set(words(row[3])) for row in rows(3)[1:]}
    seen: dict[tuple[str, str], set[str]] = {}
    for intent in INTENTS:
        for event in events_for(intent):
            after = machine.apply(intent, event)
            changed = {
                member.name
                for member in fields(Intent)
                if getattr(intent, member.name) != getattr(after, member.name)
            } - {"state", "version"}
            key = (str(intent.state), EVENT_NAMES[type(event)])
            assert changed <= told[key], key
            seen.setdefault(key, set()).update(changed)
    assert seen == told


def test_states_effects_and_live_ones_are_the_specs() -> None:
    table = {words(row[0])[0]: words(row[2])[0] for row in rows(2)}
    assert table == {str(state): str(effect) for state, effect in EFFECTS.items()}
    assert set(table) == set(State)
    assert set(table.values()) == set(Effect)
    (sentence,) = re.findall(r"An intent is \*live\* in ([A-Z_, and]+)\.", SPEC.read_text("utf-8"))
    assert set(re.split(r", | and ", sentence)) == {str(state) for state in LIVE}


def test_every_event_and_every_cause_has_its_row() -> None:
    assert {words(row[0])[0] for row in rows(4)} == set(EVENT_NAMES.values()) | {"seal"}
    assert {word for row in rows(5) for word in words(row[0])} == set(Cause)
