"""Twenty cases without frauds and with them: nothing is found in the first, everything in the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from notary.cases.collection.files import generate
from notary.cases.collection.make import FULL, Size
from notary.cases.frauds.plant import plant
from tests.simulators.fraud_key import findings_of, unexplained, unnamed

SEEDS = 20
SMALL = Size(debtors=12, days=35, working_day_calls=60, peak_day_calls=200)


@pytest.mark.soak
@pytest.mark.parametrize("size", [SMALL, FULL], ids=["small", "full"])
@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_every_seed_is_clean_without_frauds_and_names_each_with_them(
    tmp_path: Path, seed: int, size: Size
) -> None:
    case = tmp_path / "case"
    generate(case, seed, size)
    assert findings_of(case) == []
    key = plant(case, seed)
    found = findings_of(case)
    assert unnamed(key, found, case) == []
    assert unexplained(key, found, case) == []
