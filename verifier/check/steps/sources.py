"""Steps 18.1 to 18.10: the logs of the sources of records (docs/spec/verification.md §3)."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from verifier.check.case import Case
from verifier.check.rows import Trouble, failed, not_checked
from verifier.check.source_logs import SourceLog, came_at
from verifier.format import asides, matter_map, source_log
from verifier.format.errors import FormatError

# Zones are ahead of UTC by at most so much: nowhere does a day begin earlier.
EARLIEST_DAY = timedelta(hours=14)


def step_18_1(case: Case) -> Iterator[Trouble]:
    """Every proof and entry of a source parses, and its number has the files' key and the log's tag."""
    for part in case.evidence.sources:
        for error in (part.proof.error, part.entries.error):
            if error is not None:
                yield failed(f"SOURCE_FORM:{error.code}", f"{part.proof.name}: {error.message}")
        lines = part.entries.value
        for fault in () if lines is None else lines.faults:
            yield failed(f"SOURCE_FORM:{fault.code}", fault.message)
        found = () if lines is None else lines.found
        if any(before.place >= after.place for before, after in pairwise(found)):
            yield failed("SOURCE_FORM", f"{part.entries.name}: indexes do not ascend")
        proof = part.proof.value
        if proof is None:
            continue
        if proof.source.key != part.key:
            yield failed("SOURCE_FORM", f"{part.proof.name} is of {proof.source}")
        if proof.source.log_tag != case.log_tag:
            yield failed("SOURCE_OF_OTHER_LOG", f"{part.proof.name} is of {proof.source}")


def step_18_2(case: Case) -> Iterator[Trouble]:
    """Its map proof is an inclusion in the as-of batch, and its head has the one form."""
    for one in case.sources.values():
        root = case.as_of_batch_header.header.map_root
        try:
            if one.map_proof.batch != case.as_of_batch:
                yield failed("SOURCE_MAP_PROOF", f"{one.name} is of batch {one.map_proof.batch}")
            matter_map.check(one.map_proof, one.key, root)
            one.parse_head()
        except FormatError as error:
            yield failed(f"SOURCE_MAP_PROOF:{error.code}", f"{one.name}: {error.message}")


def step_18_3(case: Case) -> Iterator[Trouble]:
    """The entries shown and the hashes give that head's root."""
    for one in case.sources.values():
        shown = {index: line.hash for index, line in one.entries.items()}
        hashes = one.parts.proof.need().hashes
        try:
            root = source_log.shown_root(one.head.size, shown, hashes)
        except FormatError as error:
            yield failed(f"SOURCE_NOT_INCLUDED:{error.code}", f"{one.name}: {error.message}")
            continue
        if root != one.head.root:
            yield failed(
                "SOURCE_NOT_INCLUDED", f"{one.name}: {root.hex()}, want {one.head.root.hex()}"
            )


def step_18_4(case: Case) -> Iterator[Trouble]:
    """Every leaf that names the source has its entry, which names an aside where the leaf says so."""
    for one in case.sources.values():
        for line in case.numbered.get(one.key, ()):
            found = one.entry_of(line.leaf.number, line.record)
            if found is None or found[1].kind != line.leaf.kind:
                yield failed(
                    "SOURCE_RECORD_DIFFERS",
                    f"record {line.leaf.position} has number {line.leaf.number}, and {one.name} has "
                    "no such entry",
                )
            elif (found[1].aside is None) == (asides.CLAIM in line.leaf.claims):
                with_, without = (
                    ("entry", "leaf") if found[1].aside is not None else ("leaf", "entry")
                )
                yield failed(
                    "SOURCE_ASIDE_CLAIM",
                    f"record {line.leaf.position}: the {with_} says that its row waited, the {without} "
                    "does not",
                )


def step_18_5(case: Case) -> Iterator[Trouble]:
    """The shown entries are those of package.md §6."""
    for one in case.sources.values():
        shown = source_log.join_ranges((index, index) for index in one.entries)
        since = one.since
        if since not in (None, 0) and since not in one.closings:
            yield failed("SOURCE_ENTRIES", f"{one.name}: entry {since} is no closing that is shown")
            continue
        profiles = {index: closing.profile for index, closing in one.closings.items()}
        wanted = source_log.shown_ranges(one.head.size, _indexes(case, one), profiles, since)
        if shown != wanted:
            yield failed("SOURCE_ENTRIES", f"{one.name} shows {_said(shown)}, want {_said(wanted)}")


def step_18_6(case: Case) -> Iterator[Trouble]:
    """Profiles keep what they must keep; each number comes once, where closings say."""
    for one in case.sources.values():
        if 0 not in one.profiles:
            yield failed("SOURCE_PROFILE", f"{one.name}: entry 0 is no profile")
            continue
        lasting = one.first_profile.lasting
        for index, profile in one.profiles.items():
            if profile.lasting != lasting:
                yield failed("SOURCE_PROFILE", f"{one.name}: entry {index} is of another source")
        for index, closing in one.closings.items():
            if closing.profile > index or closing.profile not in one.profiles:
                yield failed("SOURCE_PROFILE", f"{one.name}: entry {index} names no profile")
        if one.sets_aside_in_vain:
            yield failed(
                "SOURCE_PROFILE", f"{one.name}: the service numbers, and sets numbers aside"
            )
        for fault in one.wrong_asides():
            yield failed("SOURCE_ASIDE_DIFFERS", f"{one.name}: {fault}")
        for number in one.numbers_twice():
            yield failed("SOURCE_NUMBER_TWICE", f"{one.name}: number {number}")
        for fault in one.misnumbered():
            yield failed("SOURCE_NUMBER_DIFFERS", f"{one.name}: {fault}")


def step_18_7(case: Case) -> Iterator[Trouble]:
    """Closings follow from their days, and from the closings before."""
    for one in case.sources.values():
        for fault in (*one.faults_of_days(), *one.faults_between()):
            yield failed("SOURCE_CLOSING_DIFFERS", f"{one.name}: {fault}")


def step_18_8(case: Case) -> Iterator[Trouble]:
    """Every source that a leaf names is shown."""
    case.evidence.leaf_lines.need()
    for key, lines in case.numbered.items():
        if key not in case.sources:
            yield not_checked("SOURCES_NOT_SHOWN", f"{len(lines)} records of source {key.hex()}")


def step_18_9(case: Case) -> Iterator[Trouble]:
    """Every leaf whose entry names an aside opens it with its row and its salt."""
    erased = {one.position for one in case.statement.choices.erased}
    for one in case.sources.values():
        for line in case.numbered.get(one.key, ()):
            leaf = line.leaf
            found = one.entry_of(leaf.number, line.record)
            aside = None if found is None else one.aside_of(*found)
            if found is None or aside is None or asides.CLAIM not in leaf.claims:
                # Other steps say so.
                continue
            row = asides.row_claim(leaf.claims)
            shown = case.disclosed.get(leaf.position, {})
            if row in leaf.claims and not shown.keys() >= {asides.CLAIM, row}:
                where = f"record {leaf.position}"
                if leaf.position in erased:
                    yield not_checked("SOURCE_ASIDE_ERASED", where)
                else:
                    yield not_checked("SOURCE_ASIDE_WITHHELD", where)
                continue
            try:
                salt = asides.salt_of(case.value(leaf.position, asides.CLAIM))
                content = asides.row_bytes(row, case.value(leaf.position, row))
                opens = asides.row_digest(one.key, found[1].number, salt, content) == aside.row
            except (FormatError, KeyError) as error:
                yield failed("SOURCE_ASIDE_NOT_OPENED", f"record {leaf.position}: {error}")
                continue
            if not opens:
                yield failed(
                    "SOURCE_ASIDE_NOT_OPENED",
                    f"record {leaf.position} is not what entry {found[1].aside} of {one.name} set aside",
                )


def step_18_10(case: Case) -> Iterator[Trouble]:
    """Every source that the person asks for is of this log and shown, with all of its days."""
    for asked in case.inputs.sources:
        if asked.number.log_tag != case.log_tag:
            yield failed("SOURCE_ASKED_OF_OTHER_LOG", asked.number.text)
            continue
        one = case.sources.get(asked.number.key)
        if one is None:
            yield not_checked("SOURCE_ASKED_NOT_SHOWN", asked.number.text)
        elif asked.days is not None:
            first, last = asked.days
            begun = one.begun_at
            begins = datetime.combine(first, time(), UTC) - EARLIEST_DAY
            closed = max((closing.day for closing in one.closings.values()), default=None)
            if begun > begins:
                yield not_checked("SOURCE_DAYS_NOT_COVERED", f"{asked.number.text} began {begun}")
            if closed is None or closed < last:
                said = "no day is closed" if closed is None else f"the last day closed is {closed}"
                yield not_checked("SOURCE_DAYS_NOT_COVERED", f"{asked.number.text}: {said}")
            before = None if one.since is None else one.closings.get(one.since)
            if one.since != 0 and (before is None or before.day >= first):
                yield not_checked("SOURCE_DAYS_NOT_SHOWN", f"{asked.number.text} from {first}")


def _indexes(case: Case, one: SourceLog) -> list[int]:
    """Where the numbers of the package's leaves and their entries stand in the log."""
    found: list[int] = []
    for line in case.numbered.get(one.key, ()):
        entry = one.entry_of(line.leaf.number, line.record)
        if entry is not None:
            found.append(entry[0])
            if came_at(*entry) < entry[0]:
                found.append(came_at(*entry))
    return found


def _said(ranges: list[tuple[int, int]]) -> str:
    named = [f"{first} to {last}" for first, last in ranges[:5]]
    return ", ".join(named) + (" …" if len(ranges) > 5 else "")
