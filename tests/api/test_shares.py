"""An agency may have half; the others keep the other half."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from api.shares import Shares
from notary.errors import NothingHappened


def test_an_agency_that_floods_is_told_so_and_leaves_the_others_their_half() -> None:
    shares = Shares("bytes", 10)
    with ExitStack() as held:
        held.enter_context(shares.taken(1, 5))
        with pytest.raises(NothingHappened) as caught:
            held.enter_context(shares.taken(1, 1))
        assert caught.value.code == "SHARE_USED"
        held.enter_context(shares.taken(2, 3))
        held.enter_context(shares.taken(3, 2))
        with pytest.raises(NothingHappened) as caught:
            held.enter_context(shares.taken(3, 1))
        assert caught.value.code == "BUSY"
    with shares.taken(1, 5), shares.taken(3, 5):
        pass


def test_what_was_held_is_given_back_whatever_happens() -> None:
    shares = Shares("bytes", 4)
    for _ in range(3):
        with pytest.raises(ValueError, match="whatever"), shares.taken(1, 2):
            raise ValueError("whatever")
