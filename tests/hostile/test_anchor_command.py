"""`verifier anchor` sees in evm.json alone every attack on the chain proof (verification.md §8)."""

from __future__ import annotations

import pytest

from tests.hostile.attacks import ALL
from tests.hostile.case import honest
from tests.hostile.package import EVM, Package
from verifier.check.anchor_check import AnchorCheck, Wanted, check_anchor

# §8 runs these steps; 4.2, 4.3 and 4.9 are about a policy or about files beside evm.json.
STEPS_OF_THE_COMMAND = {"4.1", "4.4", "4.5", "4.6", "4.7", "4.8", "4.10", "4.11"}

ON_THE_PROOF = {
    name: attack
    for name, attack in ALL.items()
    if "anchor" in attack.rows and attack.rows["anchor"].step in STEPS_OF_THE_COMMAND
}


def checked(package: Package) -> AnchorCheck:
    """Check evm.json as somebody who wants the very log that it names."""
    return check_anchor(
        package[EVM],
        Wanted(honest().chain.chain_id, honest().contract, honest().log.address),
    )


@pytest.mark.parametrize("kind", ["complete", "extract", "absent"])
def test_an_honest_proof_holds(kind: str) -> None:
    found = checked(getattr(honest(), kind)())
    tip = honest().chain.tip
    assert (found.exit, found.block_number, found.block_hash) == (0, tip.number, tip.hash)


@pytest.mark.parametrize("name", ON_THE_PROOF)
def test_a_damaged_proof_does_not_hold(name: str) -> None:
    attack = ON_THE_PROOF[name]
    package = attack.make().package
    assert isinstance(package, Package)
    found = checked(package)
    assert found.exit == 2
    wanted = attack.rows["anchor"]
    assert (wanted.step, wanted.code) in {(one.step, one.trouble.code) for one in found.found}


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(1, honest().contract, honest().log.address),
        Wanted(honest().chain.chain_id, b"\x11" * 20, honest().log.address),
        Wanted(honest().chain.chain_id, honest().contract, b"\x11" * 20),
    ],
    ids=["chain", "contract", "account"],
)
def test_a_proof_of_another_log_does_not_hold(wanted: Wanted) -> None:
    found = check_anchor(honest().complete()[EVM], wanted)
    assert (found.exit, [one.trouble.code for one in found.found]) == (2, ["LOG_NOT_PINNED"])
