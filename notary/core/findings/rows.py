"""What one record says twice: lengths against ends, clocks against clocks, signatures. Pure.

Spec: docs/spec/findings.md §4. Test: tests/unit/core/test_findings_rows.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from notary.core.findings.finding import (
    CLOCKS,
    FIGURES,
    OTHER,
    SEAL,
    SHIFTED,
    Finding,
    finding,
    said_span,
    said_time,
)
from notary.core.findings.seen import NATIONAL, Place, Seen, moment_of

ROUNDING = 1_000  # ms: starts, ends and lengths are cut to seconds each for itself
CHANNEL = 5_000  # ms between a channel's birth and its record's start; more is another clock
LONGEST = 86_400_000  # ms that a channel lives
QUARTER = 900_000  # ms. Every zone is a multiple of it away from every other
DRIFT = 120_000  # ms by which two machines may be apart and still differ by a zone
SHIFTED_LEAST = 3  # records with one and the same shift are no single edits
HOP_EARLY = 3_600_000  # ms that a server may have a message before it says it was written
HOP_LATE = 5 * 86_400_000  # ms: a mail server tries that long as a rule (RFC 5321 §4.5.4.1)
SIGNED = 300_000  # ms between the carrier's signature and the start that the log gives

_UNREACHED = frozenset({"no answer", "busy", "failed", "congestion", "cancelled", "not answered"})


def figure_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Records whose own lengths and times don't fit together."""
    calls = [one for one in stream if one.kind == "call"]
    stamps = any(one.answered is not None for one in calls)
    agents = _agents_mean_talk(calls)
    odd = _odd_words(calls)
    for one in calls:
        wrong = [*_lengths(one), *_endings(one, stamps=stamps, agents=agents)]
        if not wrong and one.place in odd:
            wrong = [odd[one.place]]
        if wrong:
            yield finding(FIGURES, name, f"{one.place.reference}: {'; '.join(wrong)}", [one])
    for one in stream:
        left = one.facts.get("left")
        if isinstance(left, int) and one.at is not None and left < one.at:
            text = f"{one.place.reference} ends {said_time(left)}, before it begins"
            yield finding(FIGURES, name, text, [one])


def clock_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Records with a second time of the same event that is another one."""
    shifts: dict[tuple[str | None, int], list[Seen]] = defaultdict(list)
    single: list[tuple[Seen, str]] = []
    first: dict[str | None, int] = {}
    for one in stream:
        reference, number = one.place.reference, one.number or 0
        first[reference] = min(number, first.get(reference, number))
    for one in stream:
        later = (one.number or 0) > first[one.place.reference]
        for other, what, early, late in _others(one, later=later):
            if one.at is None or -late <= one.at - other <= early:
                continue
            # The clock showed this time twice: an hour later is the same text.
            if one.doubled and -late <= one.at + 4 * QUARTER - other <= early:
                continue
            beside = one.at - other
            hours = (beside + QUARTER // 2) // QUARTER
            if what == _CHANNEL and hours and abs(beside - hours * QUARTER) <= DRIFT:
                shifts[one.place.file, hours].append(one)
            else:
                text = (
                    f"{one.place.reference} is dated {said_time(one.at)}, {what} {said_time(other)}"
                )
                single.append((one, text))
            break
    for (_, hours), records in shifts.items():
        beside = hours * QUARTER
        if len(records) < SHIFTED_LEAST:
            single += [
                (
                    one,
                    f"{one.place.reference} is dated {said_time(one.at)}, {said_span(beside)} "
                    f"{'after' if beside > 0 else 'before'} the birth of its channel",
                )
                for one in records
            ]
            continue
        text = (
            f"{len(records)} records of one file are dated {said_span(beside)} "
            f"{'after' if beside > 0 else 'before'} the birth of their channels, which the exchange counts "
            "from 1970 in UTC; the file, or the zone that was declared for it, is shifted"
        )
        yield finding(SHIFTED, name, text, records)
    for one, text in single:
        yield finding(CLOCKS, name, text, [one])


def word_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Records that say one thing in two ways: a number that a carrier signed, an offset beside a time."""
    for one in stream:
        signed = one.facts.get("signed_to")
        if isinstance(signed, list) and one.outside is not None and not one.masked:
            digits = "".join(filter(str.isdecimal, one.outside))
            told = ["".join(filter(str.isdecimal, str(tn))) for tn in signed]
            if told and not any(tn[-NATIONAL:] == digits[-NATIONAL:] for tn in told):
                text = f"{one.place.reference} is with {one.outside}; the carrier signed {', '.join(told)}"
                yield finding(OTHER, name, text, [one])
        offset = one.facts.get("written_offset")
        if offset is not None:
            text = (
                f"{one.place.reference or one.facts.get('node')} is written with the offset {offset}, and "
                f"says that its place has {one.zone}"
            )
            yield finding(CLOCKS, name, text, [one])


def seal_findings(name: str, stream: Sequence[Seen]) -> Iterator[Finding]:
    """Messages whose DKIM signature fails."""
    for one in stream:
        signatures = one.facts.get("dkim")
        for signature in signatures if isinstance(signatures, list) else []:
            result = signature.get("result") if isinstance(signature, dict) else None
            if isinstance(result, str) and result.startswith("FAIL"):
                assert isinstance(signature, dict)
                domain = signature.get("domain")
                yield finding(
                    SEAL,
                    name,
                    f"{one.place.reference}: the signature of {domain} says {result}",
                    [one],
                )


_CHANNEL = "its channel began"


def _others(one: Seen, *, later: bool) -> Iterator[tuple[int, str, int, int]]:
    """Other times of the event: each with words, and by how much the record may be after and before it."""
    began = one.facts.get("began")
    if isinstance(began, int):
        # Later records of a channel, as after a transfer, begin at any time after it; none before it.
        yield began, _CHANNEL, LONGEST if later else CHANNEL, CHANNEL
    stamped = one.facts.get("stamped")
    if isinstance(stamped, int):
        yield stamped, "the carrier signed the call at", SIGNED, SIGNED
    hops = one.facts.get("received")
    if isinstance(hops, list) and hops:
        # The last one listed is the first server that got the message.
        first = hops[-1]
        at = moment_of(first.get("at")) if isinstance(first, dict) else None
        if at is not None:
            yield at, "the first server got it at", HOP_EARLY, HOP_LATE


def _lengths(one: Seen) -> Iterator[str]:
    ended, duration, talk = one.ended, one.duration, one.talk
    # A service that bills by the second counts none of a call that nobody took.
    uncounted = duration == 0 and one.disposition in _UNREACHED
    if ended is not None and one.at is not None and duration is not None and not one.doubled:
        told = ended - one.at
        if abs(told - duration * 1000) > ROUNDING and not uncounted:
            yield f"it lasts {duration} s, but {said_span(told)} lie between its start and its end"
    if ended is not None and one.answered is not None and talk is not None:
        told = ended - one.answered
        if abs(told - talk * 1000) > ROUNDING:
            yield f"{talk} s were talked, but {said_span(told)} lie between its answer and its end"
    if duration is not None and talk is not None and talk > duration:
        yield f"{talk} s were talked in a call of {duration} s"
    ring = one.facts.get("ring_s")
    if talk is None or duration is None or not isinstance(ring, str) or not ring.isdecimal():
        return
    if int(ring) + talk != duration:
        yield f"{ring} s of ringing and {talk} s of talk are not {duration} s"


def _endings(one: Seen, *, stamps: bool, agents: bool) -> Iterator[str]:
    if one.disposition in _UNREACHED:
        if one.talk:
            yield f"it is called {one.disposition}, but {one.talk} s were talked"
        elif one.answered is not None:
            yield f"it is called {one.disposition}, but has a time at which it was answered"
        if agents and one.facts.get("agent"):
            yield f"it is called {one.disposition}, but an agent held it"
    elif one.disposition == "answered":
        if stamps and one.answered is None and not one.doubled and one.talk == 0:
            yield "it is called answered, but has no time at which it was"
        if agents and not one.facts.get("agent"):
            yield "it is called answered, but no agent held it"


def _odd_words(calls: Sequence[Seen]) -> dict[Place, str]:
    """Calls whose ending goes with seconds, or with none, in all others that end with the same word."""
    words: dict[str, dict[bool, list[Seen]]] = defaultdict(lambda: {True: [], False: []})
    for one in calls:
        word = one.facts.get("cause") or one.disposition
        seconds = one.duration if one.talk is None else one.talk
        if isinstance(word, str):
            words[word][bool(seconds)].append(one)
    found = {}
    for word, ways in words.items():
        few, many = sorted(ways.values(), key=len)
        if few and len(few) * _WORD_TIMES <= len(many):
            text = f"it ended with {word}, with which {len(many)} others have "
            text += "no seconds" if many is ways[False] else "some seconds"
            found.update({one.place: text for one in few})
    return found


_WORD_TIMES = 40  # as often a word means that somebody spoke as not, at least, for it to mean so


def _agents_mean_talk(calls: Sequence[Seen]) -> bool:
    """Whether the source names an agent for answered calls and for no others, as a rule."""
    pairs = Counter((one.disposition == "answered", bool(one.facts.get("agent"))) for one in calls)
    right = pairs[True, True] + pairs[False, False]
    return pairs[True, True] > 0 and right * 100 >= _AGENTS_PERCENT * sum(pairs.values())


_AGENTS_PERCENT = 95
