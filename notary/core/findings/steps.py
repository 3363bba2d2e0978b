"""The steps of a delivery: their order, those that are missing, and acts of steps that are not there. Pure.

Spec: docs/spec/findings.md §7. Test: tests/unit/core/test_findings_steps.py.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from notary.core.findings.finding import (
    CLOCKS,
    ORDER,
    REFERENCE,
    Finding,
    finding,
    said_time,
)
from notary.core.findings.order import against
from notary.core.findings.seen import Seen

TRACKS_LEAST = 3  # consignments show which steps there are, and in which order
PAIRS_LEAST = 10
PAIRS_PERCENT = 90  # of the steps come after the one before, else they have no order
ACT_EARLY = 86_400_000  # ms: acts are often dated by the day

_Track = Mapping[str, Seen]


def step_findings(records: Sequence[Seen]) -> Iterator[Finding]:
    """What the milestones and acts of each matter say against each other."""
    matters: dict[str | None, list[Seen]] = defaultdict(list)
    for one in records:
        if one.kind in ("milestone", "act") and one.place.matter is not None:
            matters[one.place.matter].append(one)
    for same in matters.values():
        nodes = {
            node: one
            for one in same
            if one.kind == "milestone"
            and one.facts.get("status") == "actual"
            and isinstance(node := one.facts.get("node"), str)
        }
        acts: dict[str, list[Seen]] = defaultdict(list)
        for one in same:
            if one.kind == "act":
                acts[str(one.facts.get("milestone"))].append(one)
        yield from _order(_tracks(nodes))
        yield from _gaps(_tracks(nodes), acts)
        yield from _acts([one for one in same if one.kind == "act"], nodes)


def _tracks(nodes: Mapping[str, Seen]) -> list[_Track]:
    """The steps of each consignment, by step: `3.07` is the seventh of the third."""
    tracks: dict[str, dict[str, Seen]] = defaultdict(dict)
    for node, one in nodes.items():
        consignment, dot, step = node.rpartition(".")
        if dot:
            tracks[consignment][step] = one
    return [dict(sorted(track.items())) for _, track in sorted(tracks.items())]


def _order(tracks: Sequence[_Track]) -> Iterator[Finding]:
    dated = [[one for one in track.values() if one.at is not None] for track in tracks]
    pairs = [(a, b) for track in dated for a, b in pairwise(track)]
    right = sum((a.at or 0) <= (b.at or 0) for a, b in pairs)
    if len(pairs) < PAIRS_LEAST or right * 100 < PAIRS_PERCENT * len(pairs):
        return
    for track in dated:
        for one in against([record.at or 0 for record in track], 0, least=3, most=50):
            record = track[one.place]
            beside = [track[index] for index in (one.before, one.after) if index is not None]
            near = ", ".join(f"{x.facts.get('node')} at {said_time(x.at)}" for x in beside)
            text = (
                f"step {record.facts.get('node')} is dated {said_time(record.at)}, against the order of the "
                f"steps: {near}"
            )
            yield finding(ORDER, record.stream, text, [record, *beside])


def _gaps(tracks: Sequence[_Track], acts: Mapping[str, Sequence[Seen]]) -> Iterator[Finding]:
    """Steps, and acts of steps, that only one consignment lacks."""
    parts = [
        {
            *track,
            *(
                f"{step} ({_act(one)})"
                for step, at in track.items()
                for one in acts.get(_node(at), ())
            ),
        }
        for track in tracks
    ]
    counts = Counter(part for one in parts for part in one)
    for track, own in zip(tracks, parts, strict=True):
        consignment, last = _node(next(iter(track.values()))).rpartition(".")[0], max(track)
        for part, count in counts.items():
            step = part.partition(" ")[0]
            if part in own or step > last or count < max(TRACKS_LEAST - 1, len(tracks) - 1):
                continue
            near = track.get(step) or next(one for name, one in track.items() if name > step)
            what = "step" if part == step else "act of step"
            text = f"there is no {what} {consignment}.{part}, as all other consignments have"
            yield finding(REFERENCE, near.stream, text, [near])


def _node(one: Seen) -> str:
    return str(one.facts.get("node"))


def _act(one: Seen) -> str:
    return f"{one.facts.get('act')}, {one.facts.get('role')}"


def _acts(acts: Sequence[Seen], nodes: Mapping[str, Seen]) -> Iterator[Finding]:
    of_steps = [one for one in acts if str(one.facts.get("milestone")) in nodes]
    if len(of_steps) < TRACKS_LEAST:
        return
    for one in acts:
        name = str(one.facts.get("milestone"))
        step = nodes.get(name)
        if step is None:
            if "." in name:
                text = f"{one.place.reference} is an act of step {name}, which is not there"
                yield finding(REFERENCE, one.stream, text, [one])
        elif one.at is not None and step.at is not None and one.at < step.at - ACT_EARLY:
            text = (
                f"{one.place.reference} is dated {said_time(one.at)}, before step {name} of "
                f"{said_time(step.at)}"
            )
            yield finding(CLOCKS, one.stream, text, [one, step])
