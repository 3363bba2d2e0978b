"""Owns what both reports say of a judgement (docs/spec/verification.md §4, §6).

How they say it is in `report_text` for people and in `report_json` for machines. Proved by
tests/unit/check/test_report.py.
"""

from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from verifier.check import row_texts, source_report, texts
from verifier.check.blocks import Standing
from verifier.check.chain_events import Place
from verifier.check.event_times import EventTimes, event_times
from verifier.check.judge import Judgement, RowFinding
from verifier.check.rows import BLOCKED, Blocked, Result, Row, or_none
from verifier.check.steps.receipts import promises
from verifier.check.used_blocks import not_before_blocks, used_blocks
from verifier.check.verdict import EXIT
from verifier.format import chain_event, key_sets, predecessor
from verifier.format.errors import FormatError
from verifier.format.identity import Identity
from verifier.format.statement import Kind, is_tombstone
from verifier.format.times import format_block_time, format_time, parse_time

MAX_NAMED = 20  # records that one finding names

_HOUR = 3600  # seconds

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
        Row.SOURCES,
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


class ErasureLine(NamedTuple):
    """What a report says of one erasure: of the record, then of its tombstone. None: not shown."""

    position: int
    kind: str
    recorded_at: str
    tombstone: int
    anchored_at: str | None
    reason: str | None
    authority: str | None


class Report:
    """A judgement in words. Each part asks the case, and says nothing where the case is blocked."""

    def __init__(self, judgement: Judgement, identity: Identity) -> None:
        self.judgement = judgement
        self.case = judgement.case
        self.identity = identity

    @property
    def exit(self) -> int:
        """The process's exit code."""
        return EXIT[self.judgement.verdict]

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
            return "FULL_HISTORY" if self.case.history_is_full else "SHOWN_HEADS_ONLY"
        return finding.code

    def _passed(self, row: Row) -> tuple[str, str]:
        case, kind = self.case, self.judgement.kind
        if row is Row.COMPLETENESS:
            return self._complete()
        if row is Row.ORDER:
            return self._order()
        if row is Row.TIMESTAMP:
            return self._dated()
        if row is Row.HISTORY:
            sentences = row_texts.FULL_HISTORY if case.history_is_full else row_texts.HISTORY
            return row_texts.filled(
                sentences[(kind or Kind.COMPLETE).value],
                block=case.header.number,
                batch=case.as_of_batch,
                n=case.as_of_size,
            )
        if row is Row.EVENTS:
            return self._events()
        if row is Row.SOURCES:
            return source_report.passed(case)
        if row is Row.INCLUSION and kind is Kind.ABSENT:
            return row_texts.ABSENT_INCLUSION
        if row is Row.FINALITY:
            return row_texts.given_by(case.as_of_standing.agreeing)
        choices = case.statement.choices
        return row_texts.filled(
            row_texts.PASS[row],
            receipts=len(case.inputs.receipts),
            fields=len(choices.withheld),
            erased=len(choices.erased),
        )

    def _complete(self) -> tuple[str, str]:
        case = self.case
        choices = case.statement.choices
        seconds = case.as_of_batch_header.header.max_deadline_s
        return row_texts.filled(
            row_texts.ABSENT if self.judgement.kind is Kind.ABSENT else row_texts.COMPLETE,
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
        case = self.case
        found = [case.token_chains.dated(size) for size in case.shown_sizes]
        dated = [one for one in found if one is not None]
        if len(dated) != len(found):
            raise Blocked("a token of each shown checkpoint")
        second = timedelta(seconds=1)
        return row_texts.filled(
            row_texts.TIMESTAMP,
            names=", ".join(sorted({name for one in dated for name in one.authorities})),
            # Rounded up: "at most" holds to the second.
            gap=_duration(-(-max(one.gap for one in dated) // second) * second),
            until=format_time(min(one.until for one in dated)),
        )

    def _order(self) -> tuple[str, str]:
        times = self.event_times
        earlier, latest = 0, None
        for moment in times.moments:
            if latest is not None and moment < latest:
                earlier += 1
            else:
                latest = moment
        delay = "unknown" if times.delay is None else _duration(times.delay)
        said = row_texts.filled(row_texts.ORDER, earlier=earlier, delay=delay)
        if not (times.undisclosed or times.null or times.without or times.unreadable):
            return said
        more = row_texts.filled(
            row_texts.ORDER_UNKNOWN,
            undisclosed=times.undisclosed,
            null=times.null,
            without=times.without,
            unreadable=times.unreadable,
        )
        return said[0] + more[0], said[1] + more[1]

    def _events(self) -> tuple[str, str]:
        # Two records may show one event, which happened once.
        events = {one.place: one for one in self.case.events}
        chains = {self.case.policy.chains[one.proof.need().chain_id] for one in events.values()}
        return row_texts.filled(
            row_texts.EVENTS,
            n=len(events),
            chains=", ".join([f'"{one.name}" ({one.chain_class})' for one in sorted(chains)]),
            code=sum(one.claims.need().code_hash is not None for one in events.values()),
        )

    @cached_property
    def event_times(self) -> EventTimes:
        """When the events took place, as the records say."""
        return event_times(self.case)

    def rests_on(self, row: Row) -> list[Standing]:
        """The headers that a row rests on, the as-of block first."""
        case = self.case
        if row is Row.EVENTS:
            blocks = or_none(lambda: case.event_blocks) or []
            return [case.standing(*block) for block in sorted(set(blocks))]
        if row not in _ON_AS_OF or self.judgement.rows[row].result is Result.NOT_APPLICABLE:
            return []
        as_of = or_none(lambda: case.as_of_standing)
        found = [] if as_of is None else [as_of]
        if row is Row.TIME:
            found += [case.standing(*block) for block in not_before_blocks(case)]
        return found

    def blocks_to_compare(self) -> list[tuple[Standing, str]]:
        """Every header in the package with its use, by number."""
        case = self.case
        return [
            (case.standing(one.chain_id, one.number, one.hash), one.use)
            for one in used_blocks(case)
        ]

    def records(self) -> Iterator[RecordLine]:
        """Every record of the package that can be read, by position."""
        case = self.case
        choices = or_none(lambda: case.statement.choices)
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

    def erasures(self) -> Iterator[ErasureLine]:
        """Every record that is listed as erased and can be read, by position, with its tombstone."""
        case = self.case
        choices = or_none(lambda: case.statement.choices)
        leaves = or_none(lambda: case.evidence.leaves) or {}
        for one in () if choices is None else choices.erased:
            if one.position not in leaves:
                continue
            leaf = leaves[one.position].leaf
            told = (or_none(lambda: case.disclosed) or {}).get(one.tombstone, {})
            reason, authority = [
                said.value if said is not None and isinstance(said.value, str) else None
                for said in (told.get("reason"), told.get("authority"))
            ]
            yield ErasureLine(
                one.position,
                leaf.kind,
                format_time(leaf.recorded_at),
                one.tombstone,
                self._bracket(one.tombstone)[1] if one.tombstone in leaves else None,
                reason,
                authority,
            )

    def _erased_and_shown(self) -> Iterator[tuple[str, str]]:
        """Records whose content is shown although a tombstone of the package names them."""
        case = self.case
        leaves = or_none(lambda: case.evidence.leaves) or {}
        disclosed = or_none(lambda: case.disclosed) or {}
        shown = []
        for position, line in leaves.items():
            target = disclosed.get(position, {}).get("target")
            if line.leaf.kind != "erasure" or target is None or not isinstance(target.value, dict):
                continue
            named = target.value.get("position")
            if (
                isinstance(named, int)
                and named in leaves
                and disclosed.get(named)
                and is_tombstone(
                    line.leaf, target.value, position=named, leaf_hash=leaves[named].hash
                )
            ):
                shown.append(f"record {named}, erased as record {position} says")
        if shown:
            yield "ERASED_AND_SHOWN", ", ".join(shown[:MAX_NAMED])

    def _bracket(self, position: int) -> tuple[str | None, str | None]:
        """Sealed after the first time, anchored at the second (§4, time of a record)."""
        case = self.case
        rows = self.judgement.rows
        # A time that the evidence does not support is not printed, not even with a warning.
        dated_by = (Row.ANCHOR, Row.HISTORY, Row.INCLUSION, Row.FINALITY)
        if any(rows[row].result is Result.FAIL for row in dated_by):
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
        case = self.case
        found = []
        if not case.sm3:
            found.append(("SM3_NOT_CHECKED", ""))
        choices = or_none(lambda: case.statement.choices)
        if choices is not None and choices.verifier != self.identity:
            named = choices.verifier
            found.append(
                ("VERIFIER_DIFFERS", f"version {named.version}, digest sha256:{named.sha256.hex()}")
            )
        observed = or_none(lambda: case.evm.observed)
        if observed:
            found.append(("OBSERVED", f"{len(observed)} answers, level 0"))
        if case.evidence.leaf_lines.value is not None:
            found.append(("STATED_BY_SERVICE", ""))
        found += self._late_promises()
        late = or_none(lambda: self.event_times.after_record)
        if late:
            found.append(("EVENT_AFTER_RECORD", f"{late} records"))
        found += self._events_said()
        if self.judgement.rows[Row.SOURCES].result is not Result.FAIL:
            found += or_none(lambda: list(source_report.findings(case))) or []
        found += self._predecessors()
        found += self._erased_and_shown()
        handed = self.hand_overs()
        if handed:
            said = ", ".join([f"batch {batch} to {keys}" for batch, keys in handed])
            found.append(("KEYS_HANDED_OVER", said))
        return found

    def _late_promises(self) -> Iterator[tuple[str, str]]:
        """Records that are there, and shown under no anchor by the deadline of their receipt."""
        case = self.case
        leaves = or_none(lambda: case.leaf_hashes) or {}
        for name, body in or_none(lambda: list(promises(case))) or ():
            if body.position not in leaves:
                continue
            anchored_at = self._bracket(body.position)[1]
            if anchored_at is not None and parse_time(anchored_at) > body.deadline:
                yield (
                    "RECEIPT_ANCHORED_LATER",
                    f"{name}: record {body.position}, promised by {format_time(body.deadline)}, is "
                    f"shown under an anchor of {anchored_at}",
                )

    def _predecessors(self) -> Iterator[tuple[str, str]]:
        """What the log states of logs that it continues (format.md §7)."""
        case, rows = self.case, self.judgement.rows
        # What the log does not hold, it does not state.
        if any(rows[row].result is Result.FAIL for row in (Row.INTEGRITY, Row.INCLUSION)):
            return
        leaves = or_none(lambda: case.evidence.leaves) or {}
        for position, disclosed in (or_none(lambda: case.disclosed) or {}).items():
            told = disclosed.get(predecessor.CLAIM)
            if (
                told is not None
                and position in leaves
                and leaves[position].leaf.kind == predecessor.KIND
            ):
                said = or_none(lambda value=told.value: predecessor.read(value))  # type: ignore[misc]
                yield "LOG_CONTINUES", f"record {position}: {said or 'not readable'}"

    def _events_said(self) -> Iterator[tuple[str, str]]:
        """What a reader should know of foreign events, which no step judges."""
        case = self.case
        seen: dict[Place, str] = {}
        for event in or_none(lambda: case.events) or ():
            place, header = or_none(lambda event=event: event.place), event.header.value  # type: ignore[misc]
            if place is None or header is None:
                continue
            if place in seen:
                yield "EVENT_TWICE", f"{seen[place]} and {event.name}"
            seen.setdefault(place, event.name)
            stated = case.disclosed[event.position].get("occurred_at")
            block_time = or_none(lambda at=header.timestamp: format_block_time(at))  # type: ignore[misc]
            if stated is not None and stated.value != block_time:
                yield "EVENT_TIME_DIFFERS", f"{event.name}: the block has {block_time}"
        without = [
            str(position)
            for position, line in (or_none(lambda: case.evidence.leaves) or {}).items()
            if line.leaf.kind == chain_event.KIND and chain_event.PROOF not in line.leaf.claims
        ]
        if without:
            yield "EVENT_WITHOUT_PROOF", f"records {', '.join(without[:MAX_NAMED])}"

    def hand_overs(self) -> list[tuple[int, str]]:
        """Where trusted keys handed over: the first batch with the new keys, their hex digest."""
        hand_overs = or_none(lambda: self.case.trust.hand_overs) or {}
        return [(batch, key_sets.digest(keys).hex()) for batch, keys in hand_overs.items()]


def _duration(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
