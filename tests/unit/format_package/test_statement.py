"""Proves verifier/format/statement.py: statement and README (docs/spec/package.md §4, §5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest

from verifier.format import jsonc, numbers, readme, statement
from verifier.format.digests import Digest, sha256
from verifier.format.errors import FormatError
from verifier.format.fold import Link
from verifier.format.identity import Identity
from verifier.format.jsonc import Json
from verifier.format.records import Leaf
from verifier.format.statement import (
    Block,
    Choices,
    Erased,
    Header,
    History,
    Kind,
    Log,
    Reason,
    Statement,
    Use,
    Withheld,
    build_statement,
    claims_to_withhold,
    is_tombstone,
)

SPECIFICATION = Path(__file__).parents[3] / "docs" / "spec" / "package.md"

NUMBER = numbers.make(bytes(range(16)), b"tag!")
LOG = Log(31337, b"\xc0" * 20, b"\xac" * 20, "notary.example/log")
LINKS = (
    Link(sha256(b"one"), 3, 1_000),
    Link(sha256(b"two"), 5, 2_000),
    Link(sha256(b"two"), 5, 3_000),
)
LOG_MEMBERS: dict[str, Json] = {
    "chain_id": 31337,
    "contract": "0x" + "c0" * 20,
    "log_address": "0x" + "ac" * 20,
    "name": "notary.example/log",
}
CHOICES = Choices(
    Kind.COMPLETE,
    NUMBER,
    (Withheld(0, "amount", Reason.TRADE_SECRET), Withheld(0, "text", Reason.PRIVILEGE)),
    (Erased(1, 2),),
    History.SHOWN,
    Identity("0.1.0", sha256(b"source")),
)


def built(choices: Choices = CHOICES) -> Statement:
    return build_statement(
        choices,
        log=LOG,
        links=LINKS,
        as_of=Header(12, sha256(b"as of"), 4_000),
        legs=[Header(12, sha256(b"leg"), 3_000), Header(7, sha256(b"leg 7"), 1_000)] * 2,
        events=(),
        not_before=[(31337, 7, sha256(b"before")), (31337, 7, sha256(b"before"))],
        checkpoints=[(5, sha256(b"two")), (3, sha256(b"one")), (5, sha256(b"two"))],
        records=3,
        shown=[2, 0, 1],
    )


def test_what_is_written_is_read_again() -> None:
    assert statement.parse(statement.encode(built())) == built()


def test_a_statement_has_the_members_of_the_specification() -> None:
    table = SPECIFICATION.read_text("utf-8").split("## 4. Statement")[1].split("## 5.")[0]
    members = re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)
    document = jsonc.decode(statement.encode(built()), "statement")
    assert isinstance(document, dict)
    assert sorted(document) == sorted(members)


def test_positions_stand_in_their_order() -> None:
    assert built().shown == (0, 1, 2)


def test_an_anchor_has_the_time_of_its_earliest_link() -> None:
    anchors = built().anchors
    assert [(one.size, one.time.timestamp()) for one in anchors] == [(3, 1_000), (5, 2_000)]
    assert built().as_of.last_anchor == datetime(1970, 1, 1, 0, 50, tzinfo=UTC)
    assert built().as_of.batch == 4


def test_blocks_stand_once_each_by_number_then_use() -> None:
    assert [(one.number, one.used_for) for one in built().blocks] == [
        (7, Use.LEG),
        (7, Use.NOT_BEFORE),
        (12, Use.AS_OF),
        (12, Use.LEG),
    ]


def test_blocks_stand_by_number_whatever_their_chain() -> None:
    made = build_statement(
        CHOICES,
        log=LOG,
        links=LINKS,
        as_of=Header(7, sha256(b"as of"), 4_000),
        legs=(),
        events=(),
        not_before=[(1, 12, sha256(b"a")), (99_999, 5, sha256(b"b")), (1, 7, sha256(b"c"))],
        checkpoints=(),
        records=0,
        shown=(),
    )
    assert [(one.number, one.used_for, one.chain_id) for one in made.blocks] == [
        (5, Use.NOT_BEFORE, 99_999),
        (7, Use.AS_OF, LOG.chain_id),
        (7, Use.NOT_BEFORE, 1),
        (12, Use.NOT_BEFORE, 1),
    ]


def test_blocks_of_two_chains_stand_in_one_order() -> None:
    blocks = [(2, 7, sha256(b"a")), (1, 7, sha256(b"b")), (1, 7, sha256(b"c"))]
    seen = set()
    for order in permutations(blocks):
        made = build_statement(
            CHOICES,
            log=LOG,
            links=LINKS,
            as_of=Header(1, sha256(b""), 4_000),
            legs=(),
            events=(),
            not_before=order,
            checkpoints=(),
            records=0,
            shown=(),
        )
        seen.add(statement.encode(made))
    assert len(seen) == 1


def test_a_checkpoint_that_was_never_anchored_has_no_statement() -> None:
    for links, checkpoints in (
        (LINKS, [(4, sha256(b"one"))]),
        ((), [(3, sha256(b"one"))]),
        ((), []),
    ):
        with pytest.raises(FormatError) as caught:
            build_statement(
                CHOICES,
                log=LOG,
                links=links,
                as_of=Header(1, sha256(b""), 4_000),
                legs=(),
                events=(),
                not_before=(),
                checkpoints=checkpoints,
                records=0,
                shown=(),
            )
        assert caught.value.code == "STATEMENT_LINKS"


def document(**members: Json) -> bytes:
    value = jsonc.decode(statement.encode(built()), "statement")
    assert isinstance(value, dict)
    return jsonc.encode(value | members)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"kind": "all"}, "STATEMENT_KIND"),
        ({"kind": True}, "MEMBER_TYPE"),
        ({"format": "notary-statement/2"}, "MEMBER_FORM"),
        ({"matter": NUMBER.text.upper()}, "STATEMENT_MATTER"),
        ({"matter": numbers.display(NUMBER)}, "STATEMENT_MATTER"),
        ({"matter": NUMBER.text[:-1] + "q"}, "NUMBER_CHARACTER"),
        ({"withheld": [{"position": 0, "claim": "text", "reason": "shy"}]}, "STATEMENT_REASON"),
        (
            {"withheld": [{"position": 0, "claim": c, "reason": "other"} for c in ("b", "a")]},
            "STATEMENT_ORDER",
        ),
        (
            {"withheld": [{"position": 0, "claim": "a", "reason": "other"}] * 2},
            "STATEMENT_ORDER",
        ),
        ({"erased": [{"position": 1, "tombstone": t} for t in (2, 3)]}, "STATEMENT_ORDER"),
        ({"history": "whole"}, "STATEMENT_HISTORY"),
        ({"erased": [{"position": True, "tombstone": 2}]}, "MEMBER_TYPE"),
        ({"verifier": {"version": "1\nVERDICT: VALID", "sha256": "00" * 32}}, "STATEMENT_VERSION"),
        ({"verifier": {"version": "", "sha256": "00" * 32}}, "STATEMENT_VERSION"),
        ({"shown": [0, True]}, "MEMBER_TYPE"),
        (
            {"blocks": [{"chain_id": 1, "number": 1, "hash": "0x" + "00" * 32, "used_for": "x"}]},
            "STATEMENT_USE",
        ),
        ({"note": "trust me"}, "MEMBER_UNKNOWN"),
        ({"log": LOG_MEMBERS | {"contract": "0x" + "c0" * 19}}, "MEMBER_FORM"),
        ({"log": LOG_MEMBERS | {"log_address": "0x" + "ac" * 21}}, "MEMBER_FORM"),
    ],
)
def test_a_statement_outside_the_form_is_refused(members: dict[str, Json], code: str) -> None:
    with pytest.raises(FormatError) as caught:
        statement.parse(document(**members))
    assert caught.value.code == code


# ---------------------------------------------------------------------- README


def test_the_template_is_the_specification_s() -> None:
    fenced = re.search(
        r"^```readme\n(.*?)^```$", SPECIFICATION.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert fenced is not None
    assert fenced.group(1) == readme.TEMPLATE


def test_the_readme_is_filled_from_the_statement() -> None:
    text = readme.encode(built()).decode("utf-8")
    lines = text.split("\n")
    assert lines[1] == "kind: complete"
    assert lines[2] == f"matter number: {NUMBER.text}"
    assert lines[4] == (
        "as of block 12 (1970-01-01T01:06:40.000Z), batch 4, last anchor 1970-01-01T00:50:00.000Z"
    )
    assert lines[5] == "records in the matter as of that block: 3; in this package: 3"
    assert lines[6] == "fields withheld: 2; records erased: 1; history: shown"
    at = lines.index("BLOCKS TO COMPARE")
    assert lines[at + 1] == f"chain 31337 block 7 0x{sha256(b'leg 7').hex()} leg"
    assert lines[at + 5] == ""
    assert text.endswith("the record, not the event.\n")
    assert not text.endswith("\n\n")
    assert "{" not in text


def test_every_member_that_the_readme_prints_changes_it() -> None:
    one = built()
    others = [
        one._replace(choices=CHOICES._replace(kind=Kind.EXTRACT)),
        one._replace(choices=CHOICES._replace(withheld=())),
        one._replace(choices=CHOICES._replace(erased=())),
        one._replace(choices=CHOICES._replace(history=History.FULL)),
        one._replace(log=LOG._replace(name="notary.example/two")),
        one._replace(log=LOG._replace(chain_id=1)),
        one._replace(as_of=one.as_of._replace(block=13)),
        one._replace(records=4),
        one._replace(shown=(0,)),
        one._replace(blocks=(Block(1, 1, Digest(bytes(32)), Use.LEG),)),
    ]
    assert len({readme.encode(each) for each in [one, *others]}) == len(others) + 1


# ---------------------------------------------------------------------- withheld and erased


def leaf(position: int, kind: str, *claims: str) -> Leaf:
    digests = {name: sha256(name.encode()) for name in claims}
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Leaf(NUMBER.key, position, kind, moment, bytes(16), digests)


def test_what_is_neither_shown_nor_erased_is_to_be_listed() -> None:
    leaves = {
        4: leaf(4, "letter", "text", "amount"),
        0: leaf(0, "letter", "text", "amount"),
        2: leaf(2, "letter", "text"),
    }
    assert claims_to_withhold(leaves, {0: {"text"}, 2: set()}, {2}) == [
        (0, "amount"),
        (4, "amount"),
        (4, "text"),
    ]


def test_a_tombstone_names_the_leaf_that_is_gone() -> None:
    gone = sha256(b"leaf")
    stone = leaf(5, "erasure", "target")
    target: Json = {"position": 1, "leaf": gone.hex()}
    assert is_tombstone(stone, target, position=1, leaf_hash=gone)
    refused: list[tuple[Leaf, Json]] = [
        (leaf(5, "withdrawal", "target"), target),
        (leaf(1, "erasure", "target"), target),
        (leaf(0, "erasure", "target"), target),
        (stone, {"position": True, "leaf": gone.hex()}),
        (stone, {"position": 2, "leaf": gone.hex()}),
        (stone, {"position": 1, "leaf": gone.hex().upper()}),
        (stone, {"position": 1, "leaf": sha256(b"other").hex()}),
        (stone, {"position": 1, "leaf": gone.hex(), "more": 0}),
        (stone, {"position": 1}),
        (stone, None),
        (stone, [1, gone.hex()]),
    ]
    for tombstone, value in refused:
        assert not is_tombstone(tombstone, value, position=1, leaf_hash=gone), value
