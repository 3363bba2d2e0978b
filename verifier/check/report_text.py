"""Owns the report for people (docs/spec/verification.md §6).

Proved by tests/unit/check/test_report.py.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from textwrap import wrap
from unicodedata import east_asian_width

from verifier.check import row_texts, texts
from verifier.check.blocks import SourceKind
from verifier.check.judge import RowFinding
from verifier.check.policy import CONSORTIUM, PUBLIC
from verifier.check.report import ErasureLine, RecordLine, Report
from verifier.check.rows import CannotJudge, Verdict, or_none
from verifier.format import numbers
from verifier.format.times import format_block_time

WIDTH = 100  # columns
MAX_CLAIMED = 200  # characters of what a tombstone claims: erasure.md §2
MAX_LINES = 100  # of a list; the JSON has them all


def write(report: Report) -> str:
    """The report for people: the verdict, the rows, then what to compare and to know."""
    lines = [_first_line(report), ""]
    lines += _about(report)
    lines += ["", *_rows_in_english(report)]
    lines += ["", *_compare(report)]
    lines += _records(report)
    lines += _withheld(report)
    lines += ["", "FINDINGS (outside the verdict)"]
    for code, detail in report.findings():
        lines += _hang(f"  {code}: ", texts.sentences(code, detail)[0])
    lines += ["", *_rows_in_chinese(report)]
    return "\n".join(lines) + "\n"


def _first_line(report: Report) -> str:
    """The line that no reader misses: verdict, and what kind of chain it stands on."""
    line = f"VERDICT: {report.judgement.verdict.value}"
    chain = or_none(lambda: report.case.chain)
    if chain is None:
        return line
    if chain.chain_class == PUBLIC:
        return f'{line} — public chain "{chain.name}"'
    word = "consortium chain" if chain.chain_class == CONSORTIUM else "test chain"
    return f'{line} — {word} "{chain.name}": time and order as stated by its operator'


def _about(report: Report) -> list[str]:
    case, kind = report.case, report.judgement.kind
    matter = or_none(lambda: case.statement.choices.matter)
    number = "unknown" if matter is None else numbers.display(matter)
    lines = [f"package:  {kind.value if kind else 'of unknown kind'}, matter number {number}"]
    log = or_none(lambda: case.log_name)
    pin = or_none(lambda: case.trust.pin)
    if log is not None:
        trust = f"pinned by your policy ({pin.origin})" if pin else "not pinned by your policy"
        lines.append(f"log:      {log}, {trust}")
    header = or_none(lambda: case.header)
    if header is not None:
        when = or_none(lambda: format_block_time(header.timestamp))
        lines.append(f"as of:    chain {case.evm.chain_id} block {header.number}, {when}")
    lines.append(f"policy:   sha256:{case.policy.sha256}")
    lines.append(f"verifier: {report.identity.version}, sha256:{report.identity.sha256.hex()}")
    return lines


def _rows_in_english(report: Report) -> Iterator[str]:
    required = report.judgement.required if report.judgement.kind else frozenset()
    yield "ROW            RESULT           WHAT IT MEANS   (* required by floor or policy)"
    for row, finding in report.judgement.rows.items():
        mark = "*" if row in required else " "
        head = f"{row.value:<13}{mark} {finding.result.value:<16} "
        yield from _hang(head, _in_line(report, report.sentences(finding)[0], finding))


def _in_line(report: Report, sentence: str, finding: RowFinding) -> str:
    levels = [block.level for block in report.rests_on(finding.row)]
    said = [f"step {finding.step}, {finding.code}"] if finding.step is not None else []
    said += [f"level {min(levels)}"] if levels else []
    return f"{sentence} [{'; '.join(said)}]" if said else sentence


def _rows_in_chinese(report: Report) -> Iterator[str]:
    yield f"结论：{row_texts.VERDICT_ZH[report.judgement.verdict.value]}"
    for row, finding in report.judgement.rows.items():
        head = f"{row_texts.ROW_ZH[row]}　{row_texts.RESULT_ZH[finding.result.value]}　"
        yield from _hang(head, _in_line(report, report.sentences(finding)[1], finding))


def _compare(report: Report) -> Iterator[str]:
    yield "BLOCKS TO COMPARE with a source of your own (level 0: none confirms this hash)"
    for standing, use in report.blocks_to_compare():
        block = standing.block
        yield (
            f"  level {standing.level}  chain {block.chain_id} block {block.number} "
            f"0x{standing.hash.hex()} {use}"
        )
        if any(one.kind is not SourceKind.OWN for one in standing.said):
            for one in standing.said:
                yield f"           {one.who}: {standing.answer(one)}"


def _records(report: Report) -> Iterator[str]:
    """The records, neighbours that say the same of themselves on one line."""
    lines = []
    for alike, group in groupby(report.records(), key=_said_of):
        kind, not_before, anchored_at, state = alike
        positions = [one.position for one in group]
        first, last = positions[0], positions[-1]
        where = str(first) if first == last else f"{first} to {last}"
        lines.append(
            f"  {where:<16} {len(positions):>5} × {kind:<12} {not_before:<24}  "
            f"{anchored_at:<24}  {state}"
        )
    if lines:
        yield ""
        yield "RECORDS by position: kind, sealed after, anchored at (the record, not the event)"
        yield from _at_most(lines)


def _withheld(report: Report) -> Iterator[str]:
    choices = or_none(lambda: report.case.statement.choices)
    if choices is None or not (choices.withheld or choices.erased):
        return
    yield ""
    yield "WITHHELD OR ERASED, as the exporter says"
    lines = [
        f"  record {one.position}, {one.claim!a}: withheld, {one.reason.value}"
        for one in choices.withheld
    ]
    lines += [f"  {_erased(one)}" for one in report.erasures()]
    yield from _at_most(lines)


def _erased(one: ErasureLine) -> str:
    # What the service claims is quoted, so that it can't pass for words of this report.
    reason, authority = [
        "not shown" if said is None else repr(said[:MAX_CLAIMED])
        for said in (one.reason, one.authority)
    ]
    return (
        f"record {one.position}, {one.kind} of {one.recorded_at}: erased, as record {one.tombstone} "
        f"says, anchored {one.anchored_at or '-'}; reason {reason}, authority as claimed: {authority}"
    )


def write_error(error: CannotJudge) -> str:
    """The report for people where nothing could be judged."""
    text = texts.text_of(error.code)
    en, zh = texts.sentences(error.code, error.detail)
    lines = [
        f"VERDICT: {Verdict.ERROR.value}",
        "",
        f"{error.code}: {en}",
        text.do_en,
        "",
        f"结论：{row_texts.VERDICT_ZH['ERROR']}。{zh}",
        text.do_zh,
    ]
    return "\n".join(lines) + "\n"


def _said_of(one: RecordLine) -> tuple[str, str, str, str]:
    state = "erased" if one.erased else f"{len(one.withheld)} fields withheld"
    return one.kind, one.not_before or "-", one.anchored_at or "-", state


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _hang(head: str, sentence: str) -> list[str]:
    """Wrap a sentence behind its head. Chinese has no spaces to wrap at; its lines stay whole."""
    if _columns(sentence) > len(sentence):
        return [head + sentence]
    indent = " " * len(head)
    lines = wrap(sentence, WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    return [head + lines[0], *[indent + line for line in lines[1:]]]


def _at_most(lines: Iterable[str]) -> list[str]:
    kept = list(lines)
    if len(kept) <= MAX_LINES:
        return kept
    return [*kept[:MAX_LINES], f"  … and {len(kept) - MAX_LINES} more; --json lists them all"]
