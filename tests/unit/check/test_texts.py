"""Proves verifier/check/texts.py and row_texts.py: every code has words, and the words claim nothing more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from verifier.check import row_texts, texts
from verifier.check.rows import Result, Row, Verdict
from verifier.check.texts import TEXTS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "spec" / "verification.md").read_text("utf-8")

# Families that the specification names by their beginning alone.
FAMILIES = ("POLICY_", "INPUTS_")
# Words in backticks that are no codes.
NO_CODES = {"PACKAGE", "FILE", "EVM_JSON"}


def codes_of_the_specification() -> set[str]:
    found = set(re.findall(r"`([A-Z][A-Z0-9]*_?[A-Z0-9_]+)`", PAGE))
    # BLOCKED stands in the text without backticks.
    return (found - NO_CODES) | {"BLOCKED"}


def sentences() -> list[str]:
    found = [s for text in TEXTS.values() for s in (text.en, text.zh, text.do_en, text.do_zh)]
    found += [s for pair in (*row_texts.PASS.values(), *row_texts.WHO.values()) for s in pair]
    for name in (
        "FINALITY",
        "ABSENT_INCLUSION",
        "RECEIPT_KEPT",
        "COMPLETE",
        "ABSENT",
        "ORDER",
        "ORDER_UNKNOWN",
        "EVENTS",
        "SOURCES",
        "TIMESTAMP",
    ):
        found += getattr(row_texts, name)
    for pair in (*row_texts.HISTORY.values(), *row_texts.FULL_HISTORY.values()):
        found += pair
    return found


def test_every_code_of_the_specification_has_words_and_no_other() -> None:
    specified = codes_of_the_specification()
    assert len(specified) > 80
    known = {code for code in TEXTS if not code.startswith(FAMILIES)}
    named = {"POLICY_KIND", "POLICY_QUORUM"}
    assert specified - named == known
    assert named <= set(TEXTS)


def test_every_code_in_the_source_has_words() -> None:
    found = set()
    for file in (ROOT / "verifier" / "check").rglob("*.py"):
        source = file.read_text("utf-8")
        found |= set(re.findall(r'(?:failed|not_checked)\(\s*f?"([A-Z0-9_]+)', source))
        if file.name in ("policy.py", "inputs.py", "toml.py"):
            kinds = re.findall(r'\.error\(\s*"([A-Z_]+)"', source)
            families = {"policy.py": ["POLICY"], "inputs.py": ["INPUTS"]}.get(
                file.name, ["POLICY", "INPUTS"]
            )
            found |= {f"{family}_{kind}" for family in families for kind in kinds}
    assert len(found) > 70
    assert found <= set(TEXTS)


@pytest.mark.parametrize("word", ["admissible", "independent", "可采", "独立", "guarantee", "保证"])
def test_no_sentence_claims_what_no_verifier_can(word: str) -> None:
    for sentence in sentences():
        assert word not in sentence.lower(), sentence


def test_both_languages_are_there_and_are_themselves() -> None:
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for code, text in TEXTS.items():
        for sentence in (text.en, text.do_en):
            assert sentence, code
            assert not chinese.search(sentence), code
        for sentence in (text.zh, text.do_zh):
            assert chinese.search(sentence), code


def test_both_languages_have_the_same_places() -> None:
    pairs = [
        *row_texts.PASS.values(),
        *row_texts.WHO.values(),
        row_texts.FINALITY,
        row_texts.RECEIPT_KEPT,
        row_texts.COMPLETE,
        row_texts.ABSENT,
        row_texts.ORDER,
        row_texts.ORDER_UNKNOWN,
        row_texts.EVENTS,
        row_texts.TIMESTAMP,
    ]
    pairs += [*row_texts.HISTORY.values(), *row_texts.FULL_HISTORY.values()]
    for en, zh in pairs:
        assert sorted(re.findall(r"\{\w+\}", en)) == sorted(re.findall(r"\{\w+\}", zh))


def words_of_the_specification(beginning: str) -> str:
    """The sentence of §6 that begins so, in one line."""
    section = PAGE.split("## 6. Words")[1].split("## 7.")[0]
    sentence = next(s for s in re.findall(r"`([^`]+)`", section) if s.startswith(beginning))
    return " ".join(sentence.split())


@pytest.mark.parametrize(
    ("words", "beginning", "places"),
    [
        (
            row_texts.COMPLETE,
            "all <n> records",
            {
                "n": "n",
                "block": "b",
                "time": "time",
                "number": "number",
                "log": "log",
                "hours": "d",
                "withheld": "w",
                "erased": "e",
            },
        ),
        (
            row_texts.ABSENT,
            "nothing under number",
            {"number": "number", "log": "log", "block": "b", "time": "time", "hours": "d"},
        ),
        (
            row_texts.TIMESTAMP,
            "every shown checkpoint bears",
            {"names": "names", "gap": "t", "until": "u"},
        ),
        (row_texts.ORDER, "positions have not changed", {"earlier": "k", "delay": "t"}),
        (row_texts.FINALITY, "the as-of block has", {"who": "who"}),
        (row_texts.EVENTS, "<n> contract events", {"n": "n", "chains": "chains", "code": "c"}),
        (row_texts.HISTORY["complete"], "at block <b>", {"block": "b", "n": "n"}),
        (row_texts.FULL_HISTORY["complete"], "in every batch from 0", {"batch": "b", "n": "n"}),
        (row_texts.FULL_HISTORY["absent"], "in no batch", {"batch": "b"}),
    ],
)
def test_the_words_are_the_specification_s(
    words: tuple[str, str], beginning: str, places: dict[str, str]
) -> None:
    marked = {name: f"<{letter}>" for name, letter in places.items()}
    assert row_texts.filled(words, **marked)[0] == words_of_the_specification(beginning)


def test_every_row_result_and_verdict_has_a_chinese_word() -> None:
    assert set(row_texts.ROW_ZH) == set(Row)
    assert set(row_texts.RESULT_ZH) == {result.value for result in Result}
    assert set(row_texts.VERDICT_ZH) == {verdict.value for verdict in Verdict}


def test_every_row_that_can_pass_has_words_for_it() -> None:
    own = {Row.FINALITY, Row.COMPLETENESS, Row.ORDER, Row.HISTORY, Row.EVENTS, Row.TIMESTAMP}
    own |= {Row.SOURCES}
    never = {Row.SIGNATURES}
    assert set(row_texts.PASS) == set(Row) - own - never


def test_a_format_error_s_code_after_the_colon_keeps_the_sentence() -> None:
    assert texts.text_of("LEAF_FORM:JSON_SYNTAX") is TEXTS["LEAF_FORM"]
    en, zh = texts.sentences("LEAF_FORM:JSON_SYNTAX", "leaf 3: no JSON")
    assert en == "a record can't be read: leaf 3: no JSON"
    assert zh == "有记录无法读取：leaf 3: no JSON"
