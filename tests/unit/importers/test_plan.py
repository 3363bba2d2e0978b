"""From cells to a record, as the map says."""

from __future__ import annotations

import json

import pytest

from notary.importers.map_file import parse_map
from notary.importers.ndjson import NdjsonRows
from notary.importers.rows import ImportedRow, Reject
from tests.unit.importers.test_tabular import SOURCE, read

MESSAGES = parse_map(
    b"""
id = "messages"
version = 1
format = "ndjson"
kind = "message"
[account]
column = "case"
required = false
[identity]
columns = ["id"]
[occurred_at]
columns = ["day", "time"]
format = "%Y-%m-%d %H:%M"
zone = "America/New_York"
[rename]
"from.address" = ["sender"]
[claims.sender]
type = "text"
column = "from.address"
[claims.recipients]
type = "list"
column = "to"
[claims.parties]
type = "parties"
of = [{ role = "debtor", column = "debtor" }, { role = "agency", column = "agent" }]
[claims.direction]
type = "text"
column = "way"
values = { O = "outbound" }
[claims.channel]
type = "constant"
value = "sms"
""",
    "messages.map.toml",
)


def message(**members: object) -> ImportedRow | Reject:
    line = json.dumps({"id": 1, "day": "2026-02-03", "time": "10:00", **members}).encode()
    [item] = NdjsonRows([line], MESSAGES, SOURCE, None)
    return item


def claims(**members: object) -> dict[str, object]:
    item = message(**members)
    assert isinstance(item, ImportedRow), item
    return {
        name: value
        for name, value in item.claims.items()
        if name not in ("raw", "import", "occurred_at_source", "occurred_at", "channel")
    }


def test_members_are_found_by_path_and_by_other_names() -> None:
    assert claims(**{"from": {"address": "a@example.com"}}) == {"sender": "a@example.com"}
    assert claims(sender="b@example.com") == {"sender": "b@example.com"}
    both = message(sender="b", **{"from": {"address": "a"}})
    assert isinstance(both, Reject)
    assert both.code == "ROW_COLUMNS"


def test_empty_and_null_members_claim_nothing() -> None:
    assert claims(sender=None, to="", way=None, debtor=" ", agent="") == {}


def test_lists_and_parties() -> None:
    assert claims(to="a@example.com; b@example.com;") == {
        "recipients": ["a@example.com", "b@example.com"]
    }
    assert claims(to=["a@example.com"]) == {"recipients": ["a@example.com"]}
    assert claims(agent="Anna", debtor="Ben") == {
        "parties": [{"role": "debtor", "name": "Ben"}, {"role": "agency", "name": "Anna"}]
    }
    assert claims(agent="Anna") == {"parties": [{"role": "agency", "name": "Anna"}]}


def test_values_are_translated_and_others_refused() -> None:
    assert claims(way="O") == {"direction": "outbound"}
    item = message(way="X")
    assert isinstance(item, Reject)
    assert (item.code, item.field) == ("ROW_VALUE", "way")
    assert "'X' is not among" in item.reason
    assert item.sentence() == (
        "row 1, way: 'X' is not among the map's values. "
        "Remedy: mend the cell, or add 'X' to the map's values."
    )


def test_columns_of_a_time_are_joined() -> None:
    item = message()
    assert isinstance(item, ImportedRow)
    assert item.claims["occurred_at"] == "2026-02-03T15:00:00.000Z"
    item = message(day=None, time=None)
    assert isinstance(item, ImportedRow)
    assert item.claims["occurred_at"] is None


def test_identity_columns_must_be_filled_and_are_all_that_counts() -> None:
    one, two = message(way="O"), message(sender="x")
    assert isinstance(one, ImportedRow)
    assert isinstance(two, ImportedRow)
    assert one.identity == two.identity
    assert not one.counted
    item = message(id=None)
    assert isinstance(item, Reject)
    assert (item.code, item.field) == ("ROW_MISSING", "id")


def test_lists_of_parts_that_join_alike_are_told_apart() -> None:
    assert SOURCE.identify(["ab", "c"]) != SOURCE.identify(["a", "bc"])
    assert SOURCE.identify(["1:2", ""]) != SOURCE.identify(["1", "2"])


def test_a_column_that_stands_twice_refuses_the_file() -> None:
    [item] = read(b"a,b,a\n1,2,3\n")
    assert isinstance(item, Reject)
    assert item.whole
    assert "stands twice" in item.reason


@pytest.mark.parametrize("cell", ["x" * 201, "1\x002"])
def test_an_account_is_a_number_or_a_code(cell: str) -> None:
    item = message(case=cell)
    assert isinstance(item, Reject)
    assert item.code in ("ROW_ACCOUNT", "ROW_CONTROL")
