"""Proves verifier/check/anchor_check.py: one chain proof alone (docs/spec/verification.md §8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hostile.case import honest
from tests.hostile.package import EVM
from verifier.check.anchor_check import AnchorCheck, Wanted, check_anchor
from verifier.format import jsonc


def wanted(**members: Any) -> Wanted:
    log = honest().log
    values: dict[str, Any] = {
        "chain_id": 31337,
        "contract": log.contract,
        "log_address": log.address,
    }
    return Wanted(**(values | members))


def document() -> dict[str, Any]:
    found: dict[str, Any] = honest().complete().json(EVM)
    return found


def checked(value: dict[str, Any], log: Wanted | None = None) -> AnchorCheck:
    return check_anchor(jsonc.encode(value), log or wanted())


def found(check: AnchorCheck) -> list[tuple[str, str]]:
    return [(one.step, one.trouble.code) for one in check.found]


def test_an_honest_proof_holds_and_names_its_block() -> None:
    check = checked(document())
    assert (check.exit, check.found) == (0, ())
    assert (check.block_number, check.block_hash) == (12, honest().chain.tip.hash)
    assert f"0x{honest().chain.tip.hash.hex()}" in check.text()
    # It says nothing that a verdict would.
    assert "VERDICT" not in check.text()
    assert "VALID" not in check.text()
    assert json.loads(check.json()) == {
        "format": "notary-anchor-check/1",
        "holds": True,
        "links": len(document()["fold"]["links"]),
        "block": 12,
        "block_hash": f"0x{honest().chain.tip.hash.hex()}",
        "failures": [],
    }


@pytest.mark.parametrize(
    "other", [{"chain_id": 1}, {"contract": bytes(20)}, {"log_address": bytes(20)}]
)
def test_a_proof_of_another_log_does_not_hold(other: dict[str, Any]) -> None:
    check = checked(document(), wanted(**other))
    assert (check.exit, found(check)) == (2, [("4.2", "LOG_NOT_PINNED")])


def test_each_damage_is_named_by_its_step() -> None:
    proof = document()
    proof["fold"]["links"][0]["time"] -= 1
    assert ("4.8", "FOLD_MISMATCH") in found(checked(proof))

    proof = document()
    proof["as_of"]["account_proof"].pop()
    assert found(checked(proof))[0] == ("4.5", "ACCOUNT_PROOF")

    proof = document()
    proof["as_of"]["storage_proof"].pop()
    assert found(checked(proof))[0] == ("4.7", "SLOT_PROOF")

    proof = document()
    proof["legs"][0]["log_index"] += 1
    assert found(checked(proof)) == [("4.10", "LEG_INVALID")]


@pytest.mark.parametrize("place", [0, -1])
def test_the_first_and_the_last_link_have_a_leg(place: int) -> None:
    proof = document()
    del proof["legs"][place]
    assert found(checked(proof)) == [("4.10", "LEG_MISSING")]


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_proof_do_not_hold(data: bytes) -> None:
    check = check_anchor(data, wanted())
    assert check.exit == 2
    assert check.found[0].step == "4.1"
    assert (check.block_number, check.block_hash) == (None, None)
    assert "does not hold" in check.text()
    assert json.loads(check.json())["holds"] is False


def test_a_header_that_is_none_has_no_block() -> None:
    proof = document()
    proof["as_of"]["header"] = "wA=="
    check = checked(proof)
    assert found(check)[0] == ("4.4", "HEADER_FORM:HEADER_FIELDS")
    assert check.block_hash is None
