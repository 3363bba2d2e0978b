"""The registry is the table of the specification."""

import re
from pathlib import Path

import pytest

from tests.reference.refusal import refused
from verifier.format import kinds

SPEC = (Path(__file__).parents[3] / "docs" / "spec" / "format.md").read_text()
SECTION = SPEC.split("## 7. ")[1].split("## 8. ")[0]


def test_kinds_and_their_claims_are_those_of_the_specification() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", SECTION, re.MULTILINE)
    table = {kind: frozenset(re.findall(r"`(\w+)`", names)) for kind, names in rows}
    assert table == dict(kinds.KINDS)
    common = SECTION.split("Common:")[1].split("`attachment-N`")[0]
    assert frozenset(re.findall(r"`(\w+)`", common)) == kinds.COMMON


def test_a_kind_has_its_own_names_the_common_ones_and_attachments() -> None:
    for name in ("caller", "occurred_at", "attachment-0", "attachment-9999"):
        kinds.check_claim("call", name)


@pytest.mark.parametrize(
    "name",
    ["amount", "", "Caller", "attachment-", "attachment-00", "attachment-10000", "attachment--1",
     "attachment-٣", "attachment-1\n", "xattachment-1"],
)  # fmt: skip
def test_a_name_of_another_kind_is_refused(name: str) -> None:
    with refused("CLAIM_UNKNOWN"):
        kinds.check_claim("call", name)


def test_an_unknown_kind_is_refused() -> None:
    with refused("KIND_UNKNOWN"):
        kinds.check_claim("letters", "text")


def test_attachments_are_told_from_other_claims() -> None:
    assert kinds.is_attachment("attachment-3")
    assert not kinds.is_attachment("attachment-03")


def test_the_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        kinds.KINDS["new"] = frozenset()  # type: ignore[index]
