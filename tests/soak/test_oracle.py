"""The oracle of the soak: it excuses what the specification leaves open, and nothing beside it."""

from __future__ import annotations

import pytest

from tests.hostile.package import (
    EVM,
    LEAVES,
    SM3,
    STATEMENT,
    header_of,
    proof_path,
)
from tests.hostile.small import small
from tests.soak.oracle import differences

HONEST = small("complete")
REASON = [{"position": 0, "claim": "text", "reason": "other"}]
IDENTITY = {"version": "9", "sha256": "00" * 32}
FOREIGN_LINE = "\u2014 stranger.example AAAAAAAA\n".encode()


def test_what_the_exporter_chooses_is_no_difference() -> None:
    chosen = HONEST.chosen(withheld=REASON, verifier=IDENTITY)
    observed = HONEST.json(EVM) | {"observed": ["an endpoint said so"]}
    assert differences(chosen.put_json(EVM, observed).restated(), HONEST) == []


def test_a_disclosure_that_is_left_out_and_listed_is_no_difference() -> None:
    attachment, _, title = HONEST.disclosures(0)
    withheld = [{"position": 0, "claim": "occurred_at", "reason": "other"}, *REASON]
    hidden = HONEST.put_disclosures(0, [attachment, title])
    assert differences(hidden.chosen(withheld=withheld).restated(), HONEST) == []
    assert differences(hidden.restated(), HONEST) != []


def test_a_leg_in_a_block_that_the_person_does_not_know_is_no_difference() -> None:
    evm = HONEST.json(EVM)
    number = header_of(evm["legs"][0]["header"]).number
    evm["legs"][0]["log_index"] = 1
    changed = HONEST.put_json(EVM, evm).restated()
    assert EVM in differences(changed, HONEST)
    assert EVM in differences(changed, HONEST, listed={number})
    assert differences(changed, HONEST, listed={number + 1}) == []


def test_a_foreign_signature_line_is_no_difference() -> None:
    proof = HONEST[proof_path(0)]
    assert differences(HONEST.put(proof_path(0), proof + FOREIGN_LINE).restated(), HONEST) == []
    assert differences(HONEST.put(proof_path(0), proof + b"x\n").sealed(), HONEST) != []


def test_the_sm3_list_is_a_difference_only_on_request() -> None:
    other = HONEST.put(SM3, b"other\n").manifested()
    assert differences(other, HONEST) == []
    assert SM3 in differences(other, HONEST, sm3=True)


@pytest.mark.parametrize("path", sorted(set(HONEST.files) - {SM3}))
def test_any_other_byte_is_a_difference(path: str) -> None:
    assert path in differences(HONEST.put(path, HONEST[path] + b" "), HONEST) or path == EVM


def test_a_leaf_that_is_missing_is_a_difference() -> None:
    assert LEAVES in differences(HONEST.drop_leaf(0).manifested(), HONEST)


def test_a_second_spelling_of_the_statement_is_a_difference() -> None:
    spaced = HONEST[STATEMENT].replace(b",", b", ")
    assert STATEMENT in differences(HONEST.put(STATEMENT, spaced).sealed(), HONEST)
