"""What an export reads of every batch at once."""

from __future__ import annotations

import pytest

from notary.errors import CallerError, Contradiction
from tests.simulators.store import StoreWorld
from verifier.format import batches, matter_map
from verifier.format.digests import Digest


def sealed(world: StoreWorld) -> tuple[Digest, Digest, Digest]:
    """Six batches over two matters, one of which appears in the third; and a key without records."""
    one, two, empty = (world.open_matter(title) for title in ("one", "two", "empty"))
    for batch in range(6):
        if batch in (0, 3):
            world.take(one, f"one {batch}")
        if batch in (2, 3, 5):
            world.take(two, f"two {batch}")
        world.sealer.seal(world.clock.now(), None)
    return Digest(one.key), Digest(two.key), Digest(empty.key)


def test_the_proofs_of_all_batches_are_those_of_each(world: StoreWorld) -> None:
    for key in sealed(world):
        for size in (1, 4, 6):
            each = [world.evidence.map_proof(key, batch) for batch in range(size)]
            assert list(world.evidence.map_proofs(key, size)) == each


def test_every_proof_holds_under_the_header_of_its_batch(world: StoreWorld) -> None:
    one, two, empty = sealed(world)
    headers = [batches.parse_header(data) for data in world.evidence.headers(6)]
    assert [header.batch for header in headers] == list(range(6))
    for key, first in ((one, 0), (two, 2), (empty, 6)):
        for header, proof in zip(headers, world.evidence.map_proofs(key, 6), strict=True):
            answer = matter_map.check(proof, key, header.map_root)
            assert answer.present == (header.batch >= first)


def test_a_batch_that_is_not_sealed_has_no_history(world: StoreWorld) -> None:
    one, _, _ = sealed(world)
    with pytest.raises(CallerError, match="batch 6 is not sealed"):
        list(world.evidence.map_proofs(one, 7))
    with pytest.raises(CallerError, match="batch 6 is not sealed"):
        world.evidence.headers(7)


def test_a_page_that_is_gone_is_a_contradiction(world: StoreWorld) -> None:
    one, _, _ = sealed(world)
    with world.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM heads WHERE batch = 3")
    with pytest.raises(Contradiction, match="does not give the map's value"):
        list(world.evidence.map_proofs(one, 6))
