"""Owns the two reports: for people and for machines (docs/spec/verification.md §4, §6, §7).

Proved by tests/unit/check/test_report.py.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from textwrap import wrap
from typing import NamedTuple, TypeVar
from unicodedata import east_asian_width

from verifier.check import texts
from verifier.check.blocks import Said, SourceKind, Standing
from verifier.check.case import Case
from verifier.check.chain_events import Place
from verifier.check.judge import Judgement, RowFinding
from verifier.check.policy import CONSORTIUM, PUBLIC
from verifier.check.rows import BLOCKED, Blocked, CannotJudge, Result, Row, Verdict
from verifier.check.verdict import EXIT, required_rows
from verifier.format import chain_event, jsonc, key_sets, numbers
from verifier.format.errors import FormatError
from verifier.format.identity import Identity
from verifier.format.jsonc import Json
from verifier.format.statement import Kind
from verifier.format.times import format_block_time, format_time, parse_time

FORMAT = "notary-verdict/1"
WIDTH = 100  # columns of the text report
MAX_NAMED = 20  # records that one finding names
MAX_LINES = 100  # of a list in the text report; the JSON has them all

_HOUR = 3600  # seconds

T = TypeVar("T")

# The headers that a row rests on; the time row also rests on the not-before blocks.
_ON_AS_OF = frozenset(
    {
        Row.INCLUSION,
        Row.ORDER,
        Row.COMPLETENESS,
        Row.HISTORY,
        Row.ANCHOR,
        Row.FINALITY,
        Row.TIME,
        Row.TIMESTAMP,
        Row.RECEIPTS,
        Row.WITHHELD,
    }
)


class RecordLine(NamedTuple):
    """What a report says of one record. Times are texts; None where there is none."""

    position: int
    kind: str
    recorded_at: str
    not_before: str | None
    anchored_at: str | None
    withheld: tuple[str, ...]
    erased: bool


class _EventTimes(NamedTuple):
    """What the disclosed `occurred_at` of a package's records say, in order of position."""

    moments: tuple[datetime, ...]
    delay: timedelta | None
    after_record: int
    undisclosed: int
    null: int
    without: int
    unreadable: int


class Report:
    """A judgement in words."""

    def __init__(self, judgement: Judgement, identity: Identity) -> None:
        self._judgement = judgement
        self._case = judgement.case
        self._identity = identity

    # Parts. Each asks the case, and says nothing where the case is blocked.

    @property
    def exit(self) -> int:
        """The process's exit code."""
        return EXIT[self._judgement.verdict]

    def first_line(self) -> str:
        """The line that no reader misses: verdict, and what kind of chain it stands on."""
        line = f"VERDICT: {self._judgement.verdict.value}"
        chain = _or_none(lambda: self._case.chain)
        if chain is None:
            return line
        if chain.chain_class == PUBLIC:
            return f'{line} — public chain "{chain.name}"'
        word = "consortium chain" if chain.chain_class == CONSORTIUM else "test chain"
        return f'{line} — {word} "{chain.name}": time and order as stated by its operator'

    def sentences(self, finding: RowFinding) -> tuple[str, str]:
        """A row's sentence in English and Chinese."""
        if finding.result is not Result.PASS:
            return texts.sentences(finding.code or BLOCKED, finding.detail)
        try:
            return self._passed(finding.row)
        except Blocked as blocked:
            # Only where a row passed without the steps that would have needed this.
            return texts.sentences(BLOCKED, blocked.missing)

    def code(self, finding: RowFinding) -> str | None:
        """A row's code; a passing row has none but history."""
        if finding.result is Result.PASS and finding.row is Row.HISTORY:
            return "FULL_HISTORY" if self._case.history_is_full else "SHOWN_HEADS_ONLY"
        return finding.code

    def _passed(self, row: Row) -> tuple[str, str]:
        case, kind = self._case, self._judgement.kind
        if row is Row.COMPLETENESS:
            return self._complete()
        if row is Row.ORDER:
            return self._order()
        if row is Row.TIMESTAMP:
            return self._dated()
        if row is Row.HISTORY:
            sentences = texts.FULL_HISTORY if case.history_is_full else texts.HISTORY
            return texts.filled(
                sentences[(kind or Kind.COMPLETE).value],
                block=case.header.number,
                batch=case.as_of_batch,
                n=case.as_of_size,
            )
        if row is Row.EVENTS:
            return self._events()
        if row is Row.INCLUSION and kind is Kind.ABSENT:
            return texts.ABSENT_INCLUSION
        if row is Row.FINALITY:
            return texts.given_by(self._as_of().agreeing)
        choices = case.statement.choices
        return texts.filled(
            texts.PASS[row],
            receipts=len(case.inputs.receipts),
            fields=len(choices.withheld),
            erased=len(choices.erased),
        )

    def _complete(self) -> tuple[str, str]:
        case = self._case
        choices = case.statement.choices
        seconds = case.as_of_batch_header.header.max_deadline_s
        return texts.filled(
            texts.ABSENT if self._judgement.kind is Kind.ABSENT else texts.COMPLETE,
            n=case.as_of_size,
            block=case.header.number,
            time=format_block_time(case.header.timestamp),
            number=choices.matter.text,
            log=case.log_name,
            # Rounded up: a promise of less than an hour is one of an hour.
            hours=-(-seconds // _HOUR),
            withheld=len({one.position for one in choices.withheld}),
            erased=len(choices.erased),
        )

    def _dated(self) -> tuple[str, str]:
        case = self._case
        found = [case.token_chains.dated(size) for size in case.shown_sizes]
        dated = [one for one in found if one is not None]
        if len(dated) != len(found):
            raise Blocked("a token of each shown checkpoint")
        return texts.filled(
            texts.TIMESTAMP,
            names=", ".join(sorted({name for one in dated for name in one.authorities})),
            gap=_duration(max(one.gap for one in dated)),
            until=format_time(min(one.until for one in dated)),
        )

    def _order(self) -> tuple[str, str]:
        times = self._event_times
        earlier, latest = 0, None
        for moment in times.moments:
            if latest is not None and moment < latest:
                earlier += 1
            else:
                latest = moment
        delay = "unknown" if times.delay is None else _duration(times.delay)
        said = texts.filled(texts.ORDER, earlier=earlier, delay=delay)
        if not (times.undisclosed or times.null or times.without or times.unreadable):
            return said
        more = texts.filled(
            texts.ORDER_UNKNOWN,
            undisclosed=times.undisclosed,
            null=times.null,
            without=times.without,
            unreadable=times.unreadable,
        )
        return said[0] + more[0], said[1] + more[1]

    def _events(self) -> tuple[str, str]:
        # Two records may show one event, which happened once.
        events = {one.place: one for one in self._case.events}
        chains = {self._case.policy.chains[one.proof.need().chain_id] for one in events.values()}
        return texts.filled(
            texts.EVENTS,
            n=len(events),
            chains=", ".join([f'"{one.name}" ({one.chain_class})' for one in sorted(chains)]),
            code=sum(one.claims.need().code_hash is not None for one in events.values()),
        )

    @cached_property
    def _event_times(self) -> _EventTimes:
        return _event_times(self._case)

    def _as_of(self) -> Standing:
        header = self._case.header
        return self._case.standing(self._case.evm.chain_id, header.number, header.hash)

    def rests_on(self, row: Row) -> list[Standing]:
        """The headers that a row rests on, the as-of block first."""
        case = self._case
        if row is Row.EVENTS:
            blocks = _or_none(lambda: case.event_blocks) or []
            return [case.standing(*block) for block in sorted(set(blocks))]
        if row not in _ON_AS_OF or self._judgement.rows[row].result is Result.NOT_APPLICABLE:
            return []
        as_of = _or_none(self._as_of)
        found = [] if as_of is None else [as_of]
        if row is Row.TIME:
            found += [case.standing(*block) for block in case.not_before_blocks]
        return found

    def blocks_to_compare(self) -> list[tuple[Standing, str]]:
        """Every header in the package with its use, by number."""
        case = self._case
        return [
            (case.standing(one.chain_id, one.number, one.hash), one.use) for one in case.used_blocks
        ]

    def records(self) -> Iterator[RecordLine]:
        """Every record of the package that can be read, by position."""
        case = self._case
        choices = _or_none(lambda: case.statement.choices)
        withheld: dict[int, list[str]] = {}
        for one in () if choices is None else choices.withheld:
            withheld.setdefault(one.position, []).append(one.claim)
        erased = set() if choices is None else {one.position for one in choices.erased}
        read = case.evidence.leaf_lines.value
        for line in () if read is None else read.found:
            leaf, position = line.leaf, line.leaf.position
            not_before, anchored_at = self._bracket(position)
            yield RecordLine(
                position,
                leaf.kind,
                format_time(leaf.recorded_at),
                not_before,
                anchored_at,
                tuple(withheld.get(position, ())),
                position in erased,
            )

    def _bracket(self, position: int) -> tuple[str | None, str | None]:
        """Sealed after the first time, anchored at the second (§4, time of a record)."""
        case = self._case
        rows = self._judgement.rows
        # A time that the evidence does not support is not printed, not even with a warning.
        if any(rows[row].result is Result.FAIL for row in (Row.ANCHOR, Row.HISTORY, Row.INCLUSION)):
            return None, None
        try:
            dated = case.anchored_by(position)
            if dated is None:
                return None, None
            batch, link = dated
            anchored_at = format_block_time(case.evm.links[link].time)
        except (Blocked, FormatError):
            return None, None
        if rows[Row.TIME].result is Result.FAIL:
            return None, anchored_at
        try:
            block = case.batch_header(batch).header.not_before
            for part in case.not_before_headers:
                if block and part.value and part.value.hash == block.hash:
                    return format_block_time(part.value.timestamp), anchored_at
        except (Blocked, FormatError):
            pass
        return None, anchored_at

    def findings(self) -> list[tuple[str, str]]:
        """Code and detail of what a reader should know beside the verdict."""
        case = self._case
        found = []
        if not case.sm3:
            found.append(("SM3_NOT_CHECKED", ""))
        choices = _or_none(lambda: case.statement.choices)
        if choices is not None and choices.verifier != self._identity:
            named = choices.verifier
            found.append(
                ("VERIFIER_DIFFERS", f"version {named.version}, digest sha256:{named.sha256.hex()}")
            )
        observed = _or_none(lambda: case.evm.observed)
        if observed:
            found.append(("OBSERVED", f"{len(observed)} answers, level 0"))
        if case.evidence.leaf_lines.value is not None:
            found.append(("STATED_BY_SERVICE", ""))
        late = _or_none(lambda: self._event_times.after_record)
        if late:
            found.append(("EVENT_AFTER_RECORD", f"{late} records"))
        found += self._events_said()
        handed = self.hand_overs()
        if handed:
            said = ", ".join([f"batch {batch} to {keys}" for batch, keys in handed])
            found.append(("KEYS_HANDED_OVER", said))
        return found

    def _events_said(self) -> Iterator[tuple[str, str]]:
        """What a reader should know of foreign events, which no step judges."""
        case = self._case
        seen: dict[Place, str] = {}
        for event in _or_none(lambda: case.events) or ():
            place, header = _or_none(lambda event=event: event.place), event.header.value  # type: ignore[misc]
            if place is None or header is None:
                continue
            if place in seen:
                yield "EVENT_TWICE", f"{seen[place]} and {event.name}"
            seen.setdefault(place, event.name)
            stated = case.disclosed[event.position].get("occurred_at")
            block_time = _or_none(lambda at=header.timestamp: format_block_time(at))  # type: ignore[misc]
            if stated is not None and stated.value != block_time:
                yield "EVENT_TIME_DIFFERS", f"{event.name}: the block has {block_time}"
        without = [
            str(position)
            for position, line in (_or_none(lambda: case.evidence.leaves) or {}).items()
            if line.leaf.kind == chain_event.KIND and chain_event.PROOF not in line.leaf.claims
        ]
        if without:
            yield "EVENT_WITHOUT_PROOF", f"records {', '.join(without[:MAX_NAMED])}"

    def hand_overs(self) -> list[tuple[int, str]]:
        """Where trusted keys handed over: the first batch with the new keys, their hex digest."""
        hand_overs = _or_none(lambda: self._case.trusted_hand_overs) or {}
        return [(batch, key_sets.digest(keys).hex()) for batch, keys in hand_overs.items()]

    # Whole reports.

    def json(self) -> bytes:
        """The report for machines: one canonical JSON object (§7)."""
        judgement, case = self._judgement, self._case
        chain = _or_none(lambda: case.chain)
        rows: list[Json] = []
        for row, finding in judgement.rows.items():
            en, zh = self.sentences(finding)
            rows.append(
                {
                    "row": row.value,
                    "result": finding.result.value,
                    "step": finding.step,
                    "code": self.code(finding),
                    "en": en,
                    "zh": zh,
                    "rests_on": [_block_json(one) for one in self.rests_on(row)],
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
            for one in self.records()
        ]
        findings: list[Json] = []
        for code, detail in self.findings():
            en, zh = texts.sentences(code, detail)
            findings.append({"code": code, "en": en, "zh": zh})
        matter = _or_none(lambda: case.statement.choices.matter)
        # No document of the format, so without its limit of size; a lone surrogate can't come in,
        # since whatever is hostile is quoted in ASCII.
        return _json_bytes(
            {
                "format": FORMAT,
                "verdict": judgement.verdict.value,
                "exit": self.exit,
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
                    "version": self._identity.version,
                    "sha256": self._identity.sha256.hex(),
                },
                "chain": None
                if chain is None
                else {"id": chain.id, "name": chain.name, "class": chain.chain_class},
                "rows": rows,
                "records": records,
                "handovers": [{"batch": batch, "keys": keys} for batch, keys in self.hand_overs()],
                "findings": findings,
                "blocks_to_compare": [
                    _block_json(block) | {"used_for": use}
                    for block, use in self.blocks_to_compare()
                ],
                "tokens": self._tokens(),
            }
        )

    def _tokens(self) -> list[Json]:
        """Every token, if all can be read: where it stands, its time, whose word it is."""
        if not self._case.evidence.token_places:
            return []
        by_size = _or_none(lambda: self._case.token_chains.by_size) or {}
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

    def text(self) -> str:
        """The report for people: the verdict, the rows, then what to compare and to know."""
        lines = [self.first_line(), ""]
        lines += self._about()
        lines += ["", *self._rows_in_english()]
        lines += ["", *self._compare()]
        lines += self._records()
        lines += self._withheld()
        lines += ["", "FINDINGS (outside the verdict)"]
        for code, detail in self.findings():
            lines += _hang(f"  {code}: ", texts.sentences(code, detail)[0])
        lines += ["", *self._rows_in_chinese()]
        return "\n".join(lines) + "\n"

    def _about(self) -> list[str]:
        case, kind = self._case, self._judgement.kind
        matter = _or_none(lambda: case.statement.choices.matter)
        number = "unknown" if matter is None else numbers.display(matter)
        lines = [f"package:  {kind.value if kind else 'of unknown kind'}, matter number {number}"]
        log = _or_none(lambda: case.log_name)
        pin = _or_none(lambda: case.pin)
        if log is not None:
            trust = f"pinned by your policy ({pin.origin})" if pin else "not pinned by your policy"
            lines.append(f"log:      {log}, {trust}")
        header = _or_none(lambda: case.header)
        if header is not None:
            when = _or_none(lambda: format_block_time(header.timestamp))
            lines.append(f"as of:    chain {case.evm.chain_id} block {header.number}, {when}")
        lines.append(f"policy:   sha256:{case.policy.sha256}")
        lines.append(f"verifier: {self._identity.version}, sha256:{self._identity.sha256.hex()}")
        return lines

    def _required(self) -> frozenset[Row]:
        kind = self._judgement.kind
        if kind is None:
            return frozenset()
        return required_rows(kind, self._case.policy.required[kind])

    def _rows_in_english(self) -> Iterator[str]:
        required = self._required()
        yield "ROW            RESULT           WHAT IT MEANS   (* required by floor or policy)"
        for row, finding in self._judgement.rows.items():
            mark = "*" if row in required else " "
            head = f"{row.value:<13}{mark} {finding.result.value:<16} "
            yield from _hang(head, self._in_line(self.sentences(finding)[0], finding))

    def _in_line(self, sentence: str, finding: RowFinding) -> str:
        levels = [block.level for block in self.rests_on(finding.row)]
        said = [f"step {finding.step}, {finding.code}"] if finding.step is not None else []
        said += [f"level {min(levels)}"] if levels else []
        return f"{sentence} [{'; '.join(said)}]" if said else sentence

    def _rows_in_chinese(self) -> Iterator[str]:
        yield f"结论：{texts.VERDICT_ZH[self._judgement.verdict.value]}"
        for row, finding in self._judgement.rows.items():
            head = f"{texts.ROW_ZH[row]}　{texts.RESULT_ZH[finding.result.value]}　"
            yield from _hang(head, self._in_line(self.sentences(finding)[1], finding))

    def _compare(self) -> Iterator[str]:
        yield "BLOCKS TO COMPARE with a source of your own (level 0: none confirms this hash)"
        for standing, use in self.blocks_to_compare():
            block = standing.block
            yield (
                f"  level {standing.level}  chain {block.chain_id} block {block.number} "
                f"0x{standing.hash.hex()} {use}"
            )
            if any(one.kind is not SourceKind.OWN for one in standing.said):
                for one in standing.said:
                    yield f"           {one.who}: {standing.answer(one)}"

    def _records(self) -> Iterator[str]:
        """The records, neighbours that say the same of themselves on one line."""
        lines = []
        for alike, group in groupby(self.records(), key=_said_of):
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

    def _withheld(self) -> Iterator[str]:
        choices = _or_none(lambda: self._case.statement.choices)
        if choices is None or not (choices.withheld or choices.erased):
            return
        yield ""
        yield "WITHHELD OR ERASED, as the exporter says"
        lines = [
            f"  record {one.position}, {one.claim!a}: withheld, {one.reason.value}"
            for one in choices.withheld
        ]
        lines += [
            f"  record {one.position}: erased; record {one.tombstone} says so"
            for one in choices.erased
        ]
        yield from _at_most(lines)


def _said_of(one: RecordLine) -> tuple[str, str, str, str]:
    state = "erased" if one.erased else f"{len(one.withheld)} fields withheld"
    return one.kind, one.not_before or "-", one.anchored_at or "-", state


def _event_times(case: Case) -> _EventTimes:
    moments = []
    delay = None
    after_record = undisclosed = null = without = unreadable = 0
    for position, line in case.evidence.leaves.items():
        leaf = line.leaf
        disclosure = case.disclosed.get(position, {}).get("occurred_at")
        if "occurred_at" not in leaf.claims:
            without += 1
        elif disclosure is None:
            undisclosed += 1
        elif disclosure.value is None:
            null += 1
        else:
            try:
                moment = parse_time(disclosure.value if isinstance(disclosure.value, str) else "")
            except FormatError:
                unreadable += 1
                continue
            moments.append(moment)
            passed = leaf.recorded_at - moment
            after_record += passed < timedelta()
            delay = passed if delay is None else max(delay, passed)
    if delay is not None:
        delay = max(delay, timedelta())
    return _EventTimes(tuple(moments), delay, after_record, undisclosed, null, without, unreadable)


def _duration(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"


def _or_none(ask: Callable[[], T]) -> T | None:
    """What `ask` gives, or None where its material is missing or can't be read."""
    try:
        return ask()
    except (Blocked, FormatError):
        return None


def _json_bytes(value: Json) -> bytes:
    return jsonc.encode_text(value, jsonc.MAX_DEPTH).encode("utf-8", "backslashreplace")


def _block_json(standing: Standing) -> dict[str, Json]:
    return {
        "chain_id": standing.block.chain_id,
        "number": standing.block.number,
        "hash": "0x" + standing.hash.hex(),
        "level": standing.level,
        "sources": [_source_json(one) for one in standing.said],
    }


def _source_json(said: Said) -> dict[str, Json]:
    return {
        "kind": said.kind.value,
        "who": said.who,
        "hash": None if said.hash is None else "0x" + said.hash.hex(),
        "detail": said.detail,
    }


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


def error_json(error: CannotJudge) -> bytes:
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


def error_text(error: CannotJudge) -> str:
    """The report for people where nothing could be judged."""
    text = texts.text_of(error.code)
    en, zh = texts.sentences(error.code, error.detail)
    lines = [
        f"VERDICT: {Verdict.ERROR.value}",
        "",
        f"{error.code}: {en}",
        text.do_en,
        "",
        f"结论：{texts.VERDICT_ZH['ERROR']}。{zh}",
        text.do_zh,
    ]
    return "\n".join(lines) + "\n"
