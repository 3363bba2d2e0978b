"""No step of the verifier is idle: without it, an attack of the catalogue comes out otherwise.

The steps are enumerated from the verifier itself, so a new step without an attack that needs it
fails here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from tests.hostile.attacks import ALL
from tests.hostile.case import Attack
from tests.hostile.verify import Outcome, verify
from verifier.check.steps import STEPS

# Steps whose attacks change a row and no verdict when the step is gone. 11.1 repeats for its row
# what 6.5 and 7.3 found, 8.9 what 4.12 found. Without 4.3 or 17.3 nothing is read of a header whose
# hash rule is unknown.
ECHOES = frozenset({"4.3", "8.9", "11.1", "17.3"})


def attacks_on(step: str) -> list[Attack]:
    return [attack for attack in ALL.values() if step in attack.steps]


def outcome_without(
    step: str, attack: Attack, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    with monkeypatch.context() as patch:
        patch.delitem(STEPS, step)
        return verify(attack.make(), folder)


@cache
def numbers() -> tuple[str, ...]:
    return tuple(sorted(STEPS, key=lambda number: [int(part) for part in number.split(".")]))


@pytest.mark.parametrize("step", numbers())
def test_without_the_step_an_attack_comes_out_otherwise(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i, attack in enumerate(attacks_on(step)):
        folder = tmp_path / str(i)
        folder.mkdir()
        with_it = verify(attack.make(), folder)
        without = outcome_without(step, attack, folder, monkeypatch)
        if without != with_it:
            return
    pytest.fail(f"no attack of the catalogue needs step {step}")


@pytest.mark.parametrize("step", [number for number in numbers() if number not in ECHOES])
def test_without_the_step_an_attack_gets_through(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stronger: the verdict itself becomes milder, so nothing else catches that attack."""
    order = ["VALID", "INDETERMINATE", "INVALID"]
    tried = []
    for i, attack in enumerate(attacks_on(step)):
        folder = tmp_path / str(i)
        folder.mkdir()
        without = outcome_without(step, attack, folder, monkeypatch)
        if order.index(without.verdict) < order.index(attack.verdict):
            return
        tried.append(f"{attack.name}: {without.verdict}")
    pytest.fail(f"nothing gets through without step {step}: {tried}")


@pytest.mark.parametrize("step", ["1.1", "1.2", "2.1"])
def test_what_can_not_be_judged_is_an_error(step: str) -> None:
    """Reading the person's files and opening the package aren't steps that could be taken out."""
    assert [attack for attack in attacks_on(step) if attack.error is not None]
