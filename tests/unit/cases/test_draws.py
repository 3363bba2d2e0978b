"""Draws follow from the seed and the name, and from nothing else."""

from __future__ import annotations

import pytest

from notary.cases.draws import Draws


def test_a_draw_is_the_same_again_on_every_machine() -> None:
    assert [Draws(7).below("call 1", 1000), Draws(7).below("call 2", 1000)] == [227, 726]
    assert Draws(7).hexes("uuid").startswith("32c8b2ca1b0c")


def test_another_seed_draws_otherwise() -> None:
    assert Draws(7).hexes("uuid") != Draws(8).hexes("uuid")


def test_a_choice_comes_as_often_as_its_weight_says() -> None:
    draws = Draws(1)
    drawn = [draws.weighed(f"{n}", {"often": 3, "never": 0, "seldom": 1}) for n in range(4_000)]
    assert 2_900 < drawn.count("often") < 3_100
    assert drawn.count("never") == 0


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="want a weight above 0"):
        Draws(1).weighed("what", {"a": 0})
