"""Proves what people and machines read of a judgement (docs/spec/verification.md §4, §6, §7)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import persons
from tests.hostile.attacks import ALL
from tests.hostile.attacks.finality import block_list, pinned
from tests.hostile.attacks.records import elements
from tests.hostile.attacks.tokens import policy, stamped
from tests.hostile.authority import DAY, UNTIL, Authority, honest_authority
from tests.hostile.case import honest
from tests.hostile.log import Key
from tests.hostile.package import Package
from tests.hostile.world import CASE, NOBODY, World
from verifier.check import report as reports
from verifier.check import report_json, report_text
from verifier.check.event_times import event_times
from verifier.check.inputs import read_inputs
from verifier.check.judge import check
from verifier.check.policy import read_policy
from verifier.check.report import Report
from verifier.check.rows import CannotJudge, Row
from verifier.format import jsonc
from verifier.format.digests import b64url_encode, sha256
from verifier.format.identity import Identity, source_digest

PAGE = (Path(__file__).parents[3] / "docs" / "spec" / "verification.md").read_text("utf-8")


def report(
    folder: Path,
    package: Package | None = None,
    *,
    world: World | None = None,
    policy: dict[str, Any] | None = None,
    inputs: dict[str, Any] | None = None,
    sm3: bool = False,
    identity: Identity | None = None,
) -> Report:
    told = world or honest()
    path = (package or told.complete()).write_zip(folder / "package.zip")
    judgement = check(
        path,
        read_policy(persons.write(policy or told.policy(), folder / "policy.toml")),
        read_inputs(persons.write(inputs or told.inputs(), folder / "inputs.toml")),
        sm3=sm3,
    )
    return Report(judgement, identity or source_digest())


def row(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["rows"] if one["row"] == name)
    return found


def as_json(one: Report) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(report_json.write(one))
    return document


# ---------------------------------------------------------------------- the first line


@pytest.mark.parametrize(
    ("chain_class", "line"),
    [
        ("public", 'VERDICT: VALID — public chain "demo chain"'),
        (
            "consortium",
            'VERDICT: VALID — consortium chain "demo chain": '
            "time and order as stated by its operator",
        ),
        (
            "test",
            'VERDICT: VALID — test chain "demo chain": time and order as stated by its operator',
        ),
    ],
)
def test_the_first_line_names_the_chain(chain_class: str, line: str, tmp_path: Path) -> None:
    policy = honest().policy()
    policy["chain"][0]["class"] = chain_class
    assert report_text.write(report(tmp_path, policy=policy)).split("\n")[0] == line


def test_the_first_line_of_an_unknown_chain_says_the_verdict_alone(tmp_path: Path) -> None:
    policy = honest().policy()
    policy["chain"], policy["log"] = [], []
    assert (
        report_text.write(report(tmp_path, policy=policy)).split("\n")[0]
        == "VERDICT: INDETERMINATE"
    )


@pytest.mark.parametrize("chain_class", ["consortium", "test"])
def test_a_report_on_a_chain_that_is_not_public_claims_nothing_of_it(
    chain_class: str, tmp_path: Path
) -> None:
    policy = honest().policy()
    policy["chain"][0]["class"] = chain_class
    one = report(tmp_path, policy=policy)
    for text in (report_text.write(one), report_json.write(one).decode("utf-8")):
        assert not re.search("independent|admissible", text, re.IGNORECASE)


# ---------------------------------------------------------------------- sentences


def test_the_sentence_of_completeness_counts(tmp_path: Path) -> None:
    document = as_json(report(tmp_path))
    number = honest().log.number(CASE).text
    assert row(document, "completeness")["en"] == (
        f"all 6 records anchored by block 12 (2026-10-01T07:01:00.000Z) for number {number} in log "
        "notary.example/log; records received in the preceding 24 hours may be pending; "
        "1 withheld, 1 erased. A second number is not excluded."
    )


def test_the_sentence_of_absence_names_the_block(tmp_path: Path) -> None:
    inputs = honest().inputs(NOBODY)
    document = as_json(report(tmp_path, honest().absent(), inputs=inputs))
    number = honest().log.number(NOBODY).text
    assert row(document, "completeness")["en"] == (
        f"nothing under number {number} in log notary.example/log as of block 12 "
        "(2026-10-01T07:01:00.000Z); records received in the preceding 24 hours may be pending. "
        "A second number is not excluded."
    )
    assert row(document, "history")["en"].startswith("at block 12 the register held none")


def test_hours_are_rounded_up(tmp_path: Path) -> None:
    for seconds, hours in ((3600, 1), (3601, 2), (0, 0)):
        world = World.told(headers={5: {"max_deadline_s": seconds}})
        sentence = row(as_json(report(tmp_path, world=world)), "completeness")["en"]
        assert f"preceding {hours} hours" in sentence


def test_the_sentence_of_order_counts_what_it_can_not_see(tmp_path: Path) -> None:
    document = as_json(report(tmp_path))
    # The message of position 4 happened before the visit of position 3; the erased call is the
    # one whose time is not shown.
    assert row(document, "order")["en"].endswith(
        "1 records have an earlier occurred_at than one before them; "
        "longest delay from event to record 2 h. "
        "occurred_at: 1 undisclosed, 0 null, 0 without, 0 not readable."
    )
    shown = honest().complete(erased={}, withheld={(0, "occurred_at"): "other"})
    sentence = row(as_json(report(tmp_path, shown)), "order")["en"]
    assert "1 undisclosed, 1 null, 0 without" in sentence


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        # Two hours before the record, a minute after it; what can't be read comes first.
        ((12, -7200, 60, None, ...), (2, timedelta(hours=2), 1, 0, 1, 1, 1)),
        ((60,), (1, timedelta(), 1, 0, 0, 0, 0)),
    ],
)
def test_each_time_of_an_event_counts_as_what_it_is(
    stated: tuple[Any, ...], told: tuple[Any, ...], tmp_path: Path
) -> None:
    world = World()
    world.wait()
    for one in stated:
        said = world.now(one) if isinstance(one, int) and one != 12 else one
        claims = {} if one is ... else {"occurred_at": said}
        world.log.add(CASE, "letter", {"subject": "Delivery", **claims})
    world.log.seal()
    world.log.anchor()
    world.wait()
    package = world.complete(withheld={}, erased={})
    moments, *counts = event_times(report(tmp_path, package, world=world).judgement.case)
    assert (len(moments), *counts) == told


def test_an_extract_does_not_say_that_it_is_all(tmp_path: Path) -> None:
    document = as_json(report(tmp_path, honest().extract((0, 3))))
    assert row(document, "history")["en"] == (
        "at block 12 the register held 6 records, these among them; earlier removal is not excluded."
    )
    assert row(document, "completeness")["code"] == "EXTRACT"


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (
            "complete",
            "in every batch from 0 to 5 the register held a prefix of these 6: since the first "
            "batch none was removed, replaced or moved.",
        ),
        (
            "extract",
            "in every batch from 0 to 5 the register held a prefix of the 6, these among them: "
            "since the first batch none was removed, replaced or moved.",
        ),
        (
            "absent",
            "in no batch from 0 to 5 did the register hold anything under this number.",
        ),
    ],
)
def test_a_full_history_says_what_it_excludes(kind: str, sentence: str, tmp_path: Path) -> None:
    inputs = honest().inputs(NOBODY if kind == "absent" else CASE)
    package = getattr(honest(), kind)(full_history=True)
    said = row(as_json(report(tmp_path, package, inputs=inputs)), "history")
    assert (said["result"], said["code"], said["en"]) == ("PASS", "FULL_HISTORY", sentence)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(), "0 s"),
        (timedelta(seconds=59, milliseconds=999), "59 s"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=400, minutes=1, seconds=1), "400 d 1 min 1 s"),
    ],
)
def test_a_delay_reads_as_people_say_it(span: timedelta, text: str) -> None:
    assert reports._duration(span) == text


def test_without_a_source_the_block_to_compare_is_printed(tmp_path: Path) -> None:
    inputs = honest().inputs()
    del inputs["block"]
    one = report(tmp_path, inputs=inputs)
    finality = row(as_json(one), "finality")
    tip = honest().chain.tip
    assert (finality["result"], finality["code"], finality["step"]) == (
        "NOT CHECKED",
        "LEVEL_0",
        "9.1",
    )
    for language in ("en", "zh"):
        assert f"chain 31337 block 12 0x{tip.hash.hex()}" in finality[language]
    assert f"level 0  chain 31337 block 12 0x{tip.hash.hex()} as-of" in report_text.write(one)


def test_tokens_are_said_with_whose_word_they_are_and_until_when(tmp_path: Path) -> None:
    case = ALL["tokens.tokens_renewed_in_time"].make()
    assert isinstance(case.package, Package)
    assert isinstance(case.policy, dict)
    one = report(tmp_path, case.package, policy=case.policy)
    document = as_json(one)
    said = row(document, "timestamp")
    assert (said["result"], said["step"], said["code"]) == ("PASS", None, None)
    assert said["en"] == (
        "every shown checkpoint bears a token of an authority that your policy pins (authority 0, "
        "authority 1), of a time at most 0 s away from its anchor; without a further renewal the "
        "certificates under these tokens last until 2035-03-20T00:00:00.000Z."
    )
    assert "authority 0, authority 1" in said["zh"]
    assert [one["number"] for one in said["rests_on"]] == [honest().chain.tip.number]
    tokens_text = PAGE.split("`tokens` (array of ")[1].split(":")[0]
    assert set(document["tokens"][0]) == set(re.findall(r"`([a-z_]+)`", tokens_text))
    assert [(one["size"], one["number"], one["authority"]) for one in document["tokens"]][:2] == [
        (3, 0, "authority 0"),
        (3, 1, "authority 1"),
    ]
    assert {"name": "authority 0", "origin": "its web site"} in document["policy"]["pins"]


def test_tokens_last_as_long_as_the_best_chain_that_was_renewed_in_time(tmp_path: Path) -> None:
    late = ALL["tokens.late_renewal_beside_a_chain_in_time"].make()
    assert isinstance(late.package, Package)
    assert isinstance(late.policy, dict)
    said = row(as_json(report(tmp_path, late.package, policy=late.policy)), "timestamp")["en"]
    assert "last until 2027-01-01T00:00:00.000Z" in said

    short, long = Authority.make("Short"), Authority.make("Long", until=UNTIL + 10 * DAY)
    package = stamped(lambda text, at: [[one.token(text, at)] for one in (short, long, short)])
    one = report(tmp_path, package, policy=policy(short, long))
    assert "last until 2027-01-11T00:00:00.000Z" in row(as_json(one), "timestamp")["en"]


def test_the_distance_of_tokens_is_rounded_up(tmp_path: Path) -> None:
    authority = honest_authority()
    package = stamped(
        lambda text, at: [[authority.token(text, at + timedelta(milliseconds=59_001))]]
    )
    one = report(tmp_path, package, policy=policy(authority))
    assert "a time at most 1 min away from its anchor" in row(as_json(one), "timestamp")["en"]


def test_no_certificate_reader_is_loaded_for_a_package_without_tokens(tmp_path: Path) -> None:
    report(tmp_path)
    files = ["package.zip", "--policy", "policy.toml", "--inputs", "inputs.toml"]
    code = (
        "import sys; from verifier.check.cli import main; main(sys.argv[1:]); "
        "print('cryptography.x509' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", *files],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("VERDICT: VALID ")
    assert done.stdout.endswith("False\n")


# ---------------------------------------------------------------------- machines


def test_the_json_report_has_the_members_of_the_specification(tmp_path: Path) -> None:
    document = as_json(report(tmp_path))
    section = PAGE.split("## 7. JSON report")[1].split("Findings stand")[0]
    # Members of members stand in brackets behind the member that holds them.
    top = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", section)
    assert set(document) == set(re.findall(r"`([a-z_]+)`", top))
    rows_text = section.split("`rows` (array of ")[1].split("), `records`")[0]
    for one in document["rows"]:
        assert set(one) <= set(re.findall(r"`([a-z_]+)`", rows_text))
        assert {"row", "result", "step", "code", "en", "zh", "rests_on", "failures"} == set(one)
    records_text = section.split("`records` (array of ")[1].split(")")[0]
    assert set(document["records"][0]) == set(re.findall(r"`([a-z_]+)`", records_text))
    blocks_text = section.split("`blocks_to_compare` (array of ")[1].split(")")[0]
    assert set(document["blocks_to_compare"][0]) == set(re.findall(r"`([a-z_]+)`", blocks_text))


def test_the_json_report_says_what_it_rests_on(tmp_path: Path) -> None:
    document = as_json(report(tmp_path))
    assert document["format"] == "notary-verdict/1"
    assert (document["verdict"], document["exit"], document["kind"]) == ("VALID", 0, "complete")
    assert document["chain"] == {"id": 31337, "name": "demo chain", "class": "test"}
    assert document["policy"]["pins"] == [
        {"name": "notary.example/log", "origin": "contract, annex 3"}
    ]
    assert document["policy"]["sha256"] == sha256((tmp_path / "policy.toml").read_bytes()).hex()
    assert [one["row"] for one in document["rows"]] == [one.value for one in Row]
    tip = honest().chain.tip
    hash_ = "0x" + tip.hash.hex()
    own = {"kind": "own", "who": "you (my own node)", "hash": hash_, "detail": ""}
    as_of = {"chain_id": 31337, "number": 12, "hash": hash_, "level": 1, "sources": [own]}
    assert row(document, "finality")["rests_on"] == [as_of]
    assert row(document, "container")["rests_on"] == []
    assert row(document, "timestamp")["rests_on"] == []
    assert [one["number"] for one in row(document, "time")["rests_on"]] == [12, 4, 8, 10]


def test_blocks_to_compare_are_those_of_the_statement(tmp_path: Path) -> None:
    package = honest().complete()
    stated = package.json("data/statement.json")["blocks"]
    listed = as_json(report(tmp_path, package))["blocks_to_compare"]
    known = ("level", "sources")
    assert [{k: v for k, v in one.items() if k not in known} for one in listed] == stated
    assert {one["level"] for one in listed} == {1}


def test_who_said_what_of_a_block_is_printed(tmp_path: Path) -> None:
    """Also where nothing is wrong: a person sees what a level rests on."""
    (tmp_path / "list.txt").write_bytes(block_list(other=12))
    inputs = honest().inputs() | {"blocks": ["list.txt"]}
    one = report(tmp_path, policy=pinned(), inputs=inputs)
    tip, wrong = honest().chain.tip, "0x" + "ab" * 32
    said = (
        f"chain 31337 block 12 0x{tip.hash.hex()}; you (my own node): the same; "
        f"the list blocks.example: {wrong}"
    )
    finality = row(as_json(one), "finality")
    assert finality["code"] == "BLOCK_DISPUTED"
    assert finality["en"].endswith(said)
    assert f"           the list blocks.example: {wrong}\n" in report_text.write(one)
    sources = finality["rests_on"][0]["sources"]
    assert [(s["kind"], s["hash"] == wrong) for s in sources] == [("own", False), ("list", True)]
    assert finality["rests_on"][0]["level"] == 0


def test_finality_says_on_whose_word_it_rests(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(block_list())
    inputs = honest().inputs() | {"blocks": ["list.txt"]}
    for own, said in (
        (True, "that you supplied, and that the list blocks.example gives"),
        (False, "that the list blocks.example gives"),
    ):
        if not own:
            del inputs["block"]
        finality = row(as_json(report(tmp_path, policy=pinned(), inputs=inputs)), "finality")
        assert (finality["result"], finality["en"]) == (
            "PASS",
            f"the as-of block has the hash {said}",
        )


def test_records_carry_the_bracket_of_their_anchor(tmp_path: Path) -> None:
    records = as_json(report(tmp_path))["records"]
    assert [one["position"] for one in records] == list(range(6))
    assert records[0] == {
        "position": 0,
        "kind": "letter",
        "recorded_at": "2026-10-01T02:00:12.000Z",
        "not_before": "2026-10-01T03:00:12.000Z",
        "anchored_at": "2026-10-01T03:00:24.000Z",
        "withheld": ["text"],
        "erased": False,
    }
    assert records[2]["erased"] is True
    assert as_json(report(tmp_path))["erasures"] == [
        {
            "position": 2,
            "kind": "call",
            "recorded_at": "2026-10-01T03:00:12.000Z",
            "tombstone": 5,
            "anchored_at": "2026-10-01T05:00:48.000Z",
            "reason": "retention period over",
            "authority": "privacy officer",
        }
    ]
    # What came after the first anchor has the time of the next one that shows it.
    assert records[3]["anchored_at"] == "2026-10-01T05:00:48.000Z"


def test_a_time_that_the_evidence_does_not_support_is_not_printed(tmp_path: Path) -> None:
    package = honest().complete()
    evm = package.json("data/anchors/evm.json")
    evm["fold"]["links"][0]["time"] -= 1
    one = report(tmp_path, package.put_json("data/anchors/evm.json", evm).restated())
    document = as_json(one)
    assert row(document, "anchor")["code"] == "FOLD_MISMATCH"
    assert {record["anchored_at"] for record in document["records"]} == {None}
    assert "2026-10-01T03:00:23.000Z" not in report_text.write(one)


def test_of_a_block_that_is_another_one_no_time_is_printed(tmp_path: Path) -> None:
    inputs = honest().inputs()
    as_of = honest().chain.tip.number
    inputs["block"] = [
        one | ({"hash": "0x" + "77" * 32} if one["number"] == as_of else {})
        for one in inputs["block"]
    ]
    document = as_json(report(tmp_path, inputs=inputs))
    assert row(document, "finality")["code"] == "BLOCK_HASH_DIFFERENT"
    assert {record["anchored_at"] for record in document["records"]} == {None}


def test_all_failures_are_listed(tmp_path: Path) -> None:
    package = honest().complete().put("bagit.txt", b"BagIt-Version: 0.97\n")
    failures = row(as_json(report(tmp_path, package)), "container")["failures"]
    assert [(one["step"], one["code"]) for one in failures] == [
        ("2.3", "BAG_DECLARATION"),
        ("2.4", "MANIFEST_DIFFERS"),
        ("2.4", "MANIFEST_DIFFERS"),
    ]
    assert all(set(one) == {"step", "code", "en"} for one in failures)


# ---------------------------------------------------------------------- findings


def codes(one: Report) -> list[str]:
    return [finding["code"] for finding in as_json(one)["findings"]]


def test_findings_stand_outside_the_verdict(tmp_path: Path) -> None:
    assert codes(report(tmp_path)) == [
        "SM3_NOT_CHECKED",
        "VERIFIER_DIFFERS",
        "STATED_BY_SERVICE",
    ]
    same = Identity("0.1.0", sha256(b""))
    package = honest().complete()
    named = {"version": same.version, "sha256": same.sha256.hex()}
    package = package.chosen(verifier=named).readdressed()
    assert codes(report(tmp_path, package, sm3=True, identity=same)) == ["STATED_BY_SERVICE"]


def test_a_record_whose_anchor_is_after_its_receipt_s_deadline_is_named(tmp_path: Path) -> None:
    """Record 3 is dated by the anchor of 05:00:48; a millisecond decides."""
    inputs = honest().inputs() | {"receipts": ["receipt.json"]}
    stranger = Key("notary.example/log/receipts", b"\x09" * 32)
    for deadline, key, said in (
        ("2026-10-01T05:00:48.000Z", None, False),
        ("2026-10-01T05:00:47.999Z", None, True),
        ("2026-10-01T05:00:47.999Z", stranger, False),
    ):
        early = "2026-10-01T00:00:00.000Z"
        given = honest().log.receipt(CASE, 3, received_at=early, deadline=deadline, key=key)
        (tmp_path / "receipt.json").write_bytes(given)
        one = report(tmp_path, inputs=inputs)
        assert ("RECEIPT_ANCHORED_LATER" in codes(one)) is said
        assert as_json(one)["verdict"] == "VALID"


def test_answers_that_travel_in_the_package_are_named_as_not_used(tmp_path: Path) -> None:
    package = honest().complete()
    evm = package.json("data/anchors/evm.json") | {"observed": ["node A says it is final"]}
    one = report(tmp_path, package.put_json("data/anchors/evm.json", evm).restated())
    assert as_json(one)["verdict"] == "VALID"
    assert "OBSERVED" in codes(one)
    assert "node A" not in report_text.write(one)


# ---------------------------------------------------------------------- people


def test_the_text_report_is_read_from_the_top(tmp_path: Path) -> None:
    text = report_text.write(report(tmp_path))
    lines = text.split("\n")
    assert lines[0].startswith("VERDICT: ")
    order = ["ROW ", "BLOCKS TO COMPARE", "RECORDS", "WITHHELD OR ERASED", "FINDINGS", "结论："]
    places = [next(i for i, line in enumerate(lines) if line.startswith(one)) for one in order]
    assert places == sorted(places)
    table = lines[places[0] + 1 : places[1]]
    named = [line.split()[0] for line in table if line[:1].strip()]
    assert named == [one.value for one in Row]
    assert (
        "record 2, call of 2026-10-01T03:00:12.000Z: erased, as record 5 says, anchored "
        "2026-10-01T05:00:48.000Z; reason 'retention period over', authority as claimed: "
        "'privacy officer'" in text
    )
    assert "pinned by your policy (contract, annex 3)" in text
    assert max(len(line) for line in table) <= report_text.WIDTH


def test_a_failing_row_names_step_and_code(tmp_path: Path) -> None:
    package = honest().complete().drop("data/README.txt").sealed()
    text = " ".join(report_text.write(report(tmp_path, package)).split())
    assert "[step 2.5, FILE_MISSING]" in text


def test_hostile_words_stay_quoted(tmp_path: Path) -> None:
    package = honest().complete().put("data/\u202eVERDICT: VALID\n\x1b[2J", b"")
    one = report(tmp_path, package.sealed())
    assert report_text.write(one).startswith("VERDICT: INVALID")
    for character in ("\u202e", "\x1b"):
        assert character not in report_text.write(one)
        assert character not in report_json.write(one).decode("utf-8")
    assert "\nVERDICT: VALID" not in report_text.write(one)


def test_a_long_list_ends_in_the_text_and_is_whole_in_the_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_text, "MAX_LINES", 4)
    one = report(tmp_path)
    assert "  … and 2 more; --json lists them all" in report_text.write(one)
    assert len(as_json(one)["records"]) == 6


# ---------------------------------------------------------------------- ERROR


def test_an_error_says_code_cause_and_remedy() -> None:
    error = CannotJudge("POLICY_KIND", "the package is of kind extract")
    document = json.loads(report_json.write_error(error))
    assert set(document) == {"verdict", "exit", "code", "en", "zh"}
    assert (document["verdict"], document["exit"], document["code"]) == ("ERROR", 4, "POLICY_KIND")
    lines = report_text.write_error(error).split("\n")
    assert lines[0] == "VERDICT: ERROR"
    assert lines[2].endswith("of package: the package is of kind extract")
    assert "Correct your policy file" in lines[3]


def test_neighbours_that_say_the_same_share_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ["letter", "letter", "call", "letter"]
    records = [
        reports.RecordLine(position, kind, "", "before", "anchored", (), erased=False)
        for position, kind in enumerate(kinds)
    ]
    monkeypatch.setattr(Report, "records", lambda self: iter(records))
    text = report_text.write(report(tmp_path))
    lines = text[text.index("RECORDS by position") : text.index("WITHHELD")].splitlines()[1:]
    assert [line.split()[:5] for line in lines if line] == [
        ["0", "to", "1", "2", "×"],
        ["2", "1", "×", "call", "before"],
        ["3", "1", "×", "letter", "before"],
    ]


# ---------------------------------------------------------------------- erasures


def test_what_a_tombstone_does_not_show_is_not_made_up(tmp_path: Path) -> None:
    kept = {(5, "reason"): "other", (5, "authority"): "other"}
    package = honest().complete(withheld=kept)
    [one] = as_json(report(tmp_path, package))["erasures"]
    assert (one["reason"], one["authority"], one["tombstone"]) == (None, None, 5)
    text = report_text.write(report(tmp_path, package))
    assert "reason not shown, authority as claimed: not shown" in text


def test_a_claimed_authority_can_not_pass_for_words_of_the_report(tmp_path: Path) -> None:
    def at(text: str, **where: Any) -> str:
        if where["name"] != "authority":
            return text
        salt, name, _ = elements(text)
        return b64url_encode(jsonc.encode([salt, name, "court\nVERDICT: VALID \u202e" + "x" * 500]))

    world = World.told(damage={"disclosure": at})
    text = report_text.write(report(tmp_path, world.complete(), world=world))
    assert "'court\\nVERDICT: VALID \\u202e" in text
    assert "\u202e" not in text
    assert [line for line in text.splitlines() if line.startswith("VERDICT")] == text.splitlines()[
        :1
    ]
    assert "x" * 201 not in text


def test_a_record_that_is_shown_beside_its_tombstone_is_a_finding(tmp_path: Path) -> None:
    shown = honest().complete(erased={})
    found = {one["code"]: one["en"] for one in as_json(report(tmp_path, shown))["findings"]}
    assert "record 2, erased as record 5 says" in found["ERASED_AND_SHOWN"]
    quiet = as_json(report(tmp_path, honest().complete()))["findings"]
    assert "ERASED_AND_SHOWN" not in {one["code"] for one in quiet}
