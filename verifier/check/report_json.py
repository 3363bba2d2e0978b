"""Owns the report for machines (docs/spec/verification.md §7).

Proved by tests/unit/check/test_report.py.
"""

from verifier.check import texts
from verifier.check.report import Report
from verifier.check.rows import CannotJudge, Verdict, or_none
from verifier.check.verdict import EXIT
from verifier.format import jsonc
from verifier.format.jsonc import Json
from verifier.format.times import format_time

FORMAT = "notary-verdict/1"


def write(report: Report) -> bytes:
    """The report for machines: one canonical JSON object (§7)."""
    judgement, case = report.judgement, report.case
    chain = or_none(lambda: case.chain)
    rows: list[Json] = []
    for row, finding in judgement.rows.items():
        en, zh = report.sentences(finding)
        rows.append(
            {
                "row": row.value,
                "result": finding.result.value,
                "step": finding.step,
                "code": report.code(finding),
                "en": en,
                "zh": zh,
                "rests_on": [one.json() for one in report.rests_on(row)],
                "failures": [
                    {
                        "step": one.step,
                        "code": one.trouble.code,
                        "en": texts.sentences(one.trouble.code, one.trouble.detail)[0],
                    }
                    for one in finding.found
                ],
            }
        )
    records: list[Json] = [
        {
            "position": one.position,
            "kind": one.kind,
            "recorded_at": one.recorded_at,
            "not_before": one.not_before,
            "anchored_at": one.anchored_at,
            "withheld": list(one.withheld),
            "erased": one.erased,
        }
        for one in report.records()
    ]
    findings: list[Json] = []
    for code, detail in report.findings():
        en, zh = texts.sentences(code, detail)
        findings.append({"code": code, "en": en, "zh": zh})
    matter = or_none(lambda: case.statement.choices.matter)
    # No document of the format, so without its limit of size; a lone surrogate can't come in,
    # since whatever is hostile is quoted in ASCII.
    return _json_bytes(
        {
            "format": FORMAT,
            "verdict": judgement.verdict.value,
            "exit": report.exit,
            "kind": None if judgement.kind is None else judgement.kind.value,
            "matter": None if matter is None else matter.text,
            "policy": {
                "sha256": case.policy.sha256,
                "pins": [
                    {"name": pin.name, "origin": pin.origin}
                    for pin in (*case.policy.pins, *case.policy.authorities)
                ],
            },
            "verifier": {
                "version": report.identity.version,
                "sha256": report.identity.sha256.hex(),
            },
            "chain": None
            if chain is None
            else {"id": chain.id, "name": chain.name, "class": chain.chain_class},
            "rows": rows,
            "records": records,
            "erasures": [one._asdict() for one in report.erasures()],
            "handovers": [{"batch": batch, "keys": keys} for batch, keys in report.hand_overs()],
            "findings": findings,
            "blocks_to_compare": [
                block.json() | {"used_for": use} for block, use in report.blocks_to_compare()
            ],
            "tokens": _tokens(report),
        }
    )


def _tokens(report: Report) -> list[Json]:
    """Every token, if all can be read: where it stands, its time, whose word it is."""
    if not report.case.evidence.token_places:
        return []
    by_size = or_none(lambda: report.case.token_chains.by_size) or {}
    return [
        {
            "size": link.place.size,
            "chain": link.place.chain,
            "number": link.place.number,
            "time": format_time(link.token.gen_time),
            "authority": None if link.pinned is None else link.pinned.authority.name,
        }
        for chains in by_size.values()
        for chain in chains
        for link in chain
    ]


def write_error(error: CannotJudge) -> bytes:
    """The report for machines where nothing could be judged."""
    en, zh = texts.sentences(error.code, error.detail)
    return _json_bytes(
        {
            "verdict": Verdict.ERROR.value,
            "exit": EXIT[Verdict.ERROR],
            "code": error.code,
            "en": en,
            "zh": zh,
        }
    )


def _json_bytes(value: Json) -> bytes:
    return jsonc.encode_text(value, jsonc.MAX_DEPTH).encode("utf-8", "backslashreplace")
