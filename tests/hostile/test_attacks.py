"""Every attack of the catalogue leads to its exact rows, steps, codes and verdict.

One damage each, with every layer above it rebuilt; tests/hostile/attacks holds them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.attacks import ALL
from tests.hostile.verify import differences, verify


@pytest.mark.parametrize("name", ALL)
def test_attack(name: str, tmp_path: Path) -> None:
    attack = ALL[name]
    outcome = verify(attack.make(), tmp_path)
    assert differences(attack, outcome) == [], attack.make.__doc__
