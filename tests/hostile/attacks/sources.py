"""Attacks on the logs of sources: steps 18.1 to 18.8. Whoever edits entries is the tree's builder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.hostile import sources
from tests.hostile.case import Case, attack, case
from tests.hostile.log import Matter
from tests.hostile.package import Package
from tests.hostile.sources import (
    Edit,
    Entry,
    Source,
    files,
    judged,
    nothing,
    packed,
    paths,
    source_case,
    told,
    told_of_another,
)
from tests.hostile.world import CASE
from verifier.format import jsonc, numbers
from verifier.format.digests import b64url_encode, sha256

ANOTHER = b64url_encode(sha256(b"another"))  # the digest of no record


@attack()
def source_with_missing_and_late_numbers() -> Case:
    """Nothing is damaged: gaps are findings, and no fault of the package."""
    return source_case()


@attack()
def extract_with_its_source() -> Case:
    """An extract shows the source of its one record."""
    world, source = told()
    matter = world.log.matters[CASE]
    first = Matter(matter.name, matter.number, matter.records[:1])
    made = files(world, source, sources.shown_of(source.entries, first))
    return judged(world, packed(world, made, "extract"))


# ---------------------------------------------------------------------- 2.5 the files


@attack(container="2.5 FAIL FILE_MISSING", blocked="18.3")
def source_without_its_entries() -> Case:
    """The proof travels alone."""
    world, source = told()
    made = files(world, source)
    return judged(world, packed(world, {paths(source)[0]: made[paths(source)[0]]}))


@attack(container="2.5 FAIL FILE_UNKNOWN")
def absent_package_with_a_source() -> Case:
    """A matter of which nothing is shown, beside an exchange that counts."""
    world, source = told_of_another()
    made = {**world.absent().files, **files(world, source)}
    return case(Package(made).restated(), world)


# ---------------------------------------------------------------------- a source that no record names


def _named(
    edit: Edit = nothing, *, shown: Iterable[int] | None = None, since: int | None = None
) -> Case:
    world, source = told_of_another(edit)
    return judged(world, packed(world, files(world, source, shown, since=since)), required=True)


@attack()
def source_that_no_record_names() -> Case:
    """Another exchange's log, true as it is: whoever ordered the package named it."""
    return _named()


@attack()
def source_that_no_record_names_from_a_day_on() -> Case:
    """The same, whole from the second day on."""
    return _named(since=2)


@attack()
def source_that_no_record_names_from_the_beginning() -> Case:
    """The same, whole."""
    return _named(since=0)


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def source_that_no_record_names_with_a_day_more() -> Case:
    """A day is shown that nothing in the package asks for."""
    return _named(shown=[0, 2, 3, 4, 5])


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def day_left_out_of_a_source_shown_whole() -> Case:
    """The proof says that all is shown from the second day on, and the call of that day is not."""
    return _named(shown=[0, 2, 4, 5], since=2)


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def source_shown_whole_from_amid_a_day() -> Case:
    """It begins behind the first call of a day, whose closing then can't be counted again."""
    return _named(shown=[0, 3, 4, 5], since=3)


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def source_shown_whole_from_behind_its_end() -> Case:
    """It begins where the log has ended."""
    return _named(shown=[0, 5], since=6)


@attack(sources="18.1 FAIL SOURCE_FORM:MEMBER_TYPE")
def source_shown_whole_from_no_index() -> Case:
    """The proof says true where an index belongs."""
    return source_case(document=lambda members: members.update(since=True))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def gap_hidden_in_a_source_shown_whole() -> Case:
    """The day's closing and the next forget the numbers that are missing."""
    return _named(lambda entries: [entries[i].update(missing=[]) for i in (4, 5)], since=2)


@attack()
def gap_hidden_in_a_source_not_shown_whole() -> Case:
    """The same, where the last closing alone is shown: that is the service's word, and no more is said."""
    return _named(lambda entries: [entries[i].update(missing=[]) for i in (4, 5)])


# ---------------------------------------------------------------------- 18.1 the form


@attack(sources="18.1 FAIL SOURCE_FORM:MEMBER_UNKNOWN")
def proof_with_a_member_more() -> Case:
    """The proof speaks of a size of its own."""
    return source_case(document=lambda one: one.update(size=14))


@attack(sources="18.1 FAIL SOURCE_FORM:MEMBER_UNKNOWN")
def entry_with_a_member_more() -> Case:
    """A record's entry names its matter."""
    return source_case(lambda entries: entries[2].update(matter="other"))


@attack(sources="18.1 FAIL SOURCE_FORM")
def entries_in_another_order() -> Case:
    """Two lines are swapped."""
    return source_case(lines=lambda found: [found[1], found[0], *found[2:]])


@attack(sources="18.1 FAIL SOURCE_FORM")
def entry_that_stands_twice() -> Case:
    """One line is there twice."""
    return source_case(lines=lambda found: [found[0], *found])


@attack(sources="18.1 FAIL SOURCE_FORM:DECIMAL_FORM")
def entry_without_its_index() -> Case:
    """A line is cut off before its entry."""
    return source_case(lines=lambda found: [*found[:-1], b"x " + found[-1].split(b" ", 1)[1]])


@attack(sources="18.1 FAIL SOURCE_FORM")
def number_of_another_source() -> Case:
    """The proof says another source number than that of the key."""

    def other(members: dict[str, Any]) -> None:
        tag = numbers.parse_source(members["source"]).log_tag
        members["source"] = numbers.make_source(b"\x07" * 16, tag).text

    return source_case(document=other)


@attack(sources="18.1 FAIL SOURCE_OF_OTHER_LOG")
def source_made_for_another_log() -> Case:
    """The source's number ends with the tag of another log; all else is as it should be."""
    world, source = told(tag=b"\x01\x02\x03\x04")
    return judged(world, packed(world, files(world, source)))


# ---------------------------------------------------------------------- 18.2 the map


@attack(sources="18.2 FAIL SOURCE_MAP_PROOF:MAP_ROOT")
def older_head_under_the_newest_batch() -> Case:
    """The log as it was a batch before, said to be of the as-of batch."""
    world, source = told()
    made = files(world, source, batch=0)
    name = paths(source)[0]
    members = json.loads(made[name])
    proof = {**json.loads(members["map"]), "batch": 1}
    made[name] = jsonc.encode({**members, "map": jsonc.encode(proof).decode()})
    return judged(world, packed(world, made))


@attack(sources="18.2 FAIL SOURCE_MAP_PROOF")
def older_batch() -> Case:
    """A true proof of the batch before: what came since is hidden, here another matter's call."""
    world, source = told(last="other")
    return judged(world, packed(world, files(world, source, batch=0)))


@attack(sources="18.2 FAIL SOURCE_MAP_PROOF:MAP_ROOT")
def head_of_another_source() -> Case:
    """The proof of another source's head."""
    world, source = told(other=True)
    made = files(world, source)
    other = Source(world.log, sources.OTHER_PBX)
    text = json.loads(files(world, other, [0])[paths(other)[0]])["map"]
    name = paths(source)[0]
    made[name] = jsonc.encode({**json.loads(made[name]), "map": text})
    return judged(world, packed(world, made))


@attack(sources="18.2 FAIL SOURCE_MAP_PROOF:JSON_SYNTAX")
def empty_map_proof() -> Case:
    """The text of the map proof is empty."""
    return source_case(document=lambda one: one.update(map=""))


# ---------------------------------------------------------------------- 18.3 the root


@attack(sources="18.3 FAIL SOURCE_NOT_INCLUDED")
def entry_exchanged_after_sealing() -> Case:
    """Another matter's entry gets another digest, after its head was sealed."""

    def exchange(found: list[bytes]) -> list[bytes]:
        index, entry = found[2].split(b" ", 1)
        document = {**json.loads(entry), "record": ANOTHER}
        return [*found[:2], index + b" " + jsonc.encode(document) + b"\n", *found[3:]]

    return source_case(lines=exchange)


@attack(sources="18.3 FAIL SOURCE_NOT_INCLUDED:SOURCE_HASHES")
def hash_left_out() -> Case:
    """Less stands for the hidden entries than there is."""
    return source_case(document=lambda one: one["hashes"].pop())


@attack(sources="18.3 FAIL SOURCE_NOT_INCLUDED:SOURCE_HASHES")
def hash_too_many() -> Case:
    """A hash more than the shape asks for."""
    return source_case(document=lambda one: one["hashes"].append("00" * 32))


@attack(sources="18.3 FAIL SOURCE_NOT_INCLUDED")
def hash_of_another_day() -> Case:
    """The hash of the hidden day is another one."""
    return source_case(document=lambda one: one["hashes"].__setitem__(0, "11" * 32))


# ---------------------------------------------------------------------- 18.4 the records


@attack(sources="18.4 FAIL SOURCE_RECORD_DIFFERS")
def entry_of_another_kind() -> Case:
    """The entry says that the case's first call is a message, and its closing counts it so."""

    def edit(entries: list[Entry]) -> None:
        entries[1]["kind"] = "message"
        entries[3]["counts"] = {"call": 1, "message": 1}

    return source_case(edit)


@attack(sources="18.4 FAIL SOURCE_RECORD_DIFFERS")
def number_moved() -> Case:
    """The call that the record numbers 5 stands under 4 in the source's log."""

    def edit(entries: list[Entry]) -> None:
        entries[5]["number"] = 4
        entries[7].update(last=4, next=5, missing=[])
        entries[9].update(missing=[[5, 5]])
        entries[12].update(missing=[[5, 5]])

    return source_case(edit, shown=lambda _: [0, 1, 2, 3, 10, 12, 13])


@attack(sources="18.4 FAIL SOURCE_RECORD_DIFFERS")
def record_left_out() -> Case:
    """The source's log has another record under the number of the case's call."""
    return source_case(
        lambda entries: entries[5].update(record=ANOTHER),
        shown=lambda _: [0, 1, 2, 3, 10, 12, 13],
    )


# ---------------------------------------------------------------------- 18.5 what is shown


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def day_cut_before_its_end() -> Case:
    """The late call and the closing of the third day are not shown."""
    return source_case(shown=lambda found: [i for i in found if i not in (6, 7)])


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def closing_before_left_out() -> Case:
    """What was missing before the third day is not shown."""
    return source_case(shown=lambda found: [i for i in found if i != 4])


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def profile_left_out() -> Case:
    """The profile that the last closing names is not shown."""
    return source_case(shown=lambda found: [i for i in found if i != 10])


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def last_day_left_out() -> Case:
    """The closing before the open day is not shown."""
    return source_case(shown=lambda found: [i for i in found if i not in (10, 12)])


@attack(sources="18.5 FAIL SOURCE_ENTRIES")
def other_days_shown() -> Case:
    """Days of other matters are shown as well, which nobody needs to see."""
    return source_case(shown=lambda _: range(14))


# ---------------------------------------------------------------------- 18.6 profiles and numbers


@attack(sources="18.6 FAIL SOURCE_PROFILE")
def numbering_changed_later() -> Case:
    """The later profile says that the service numbers."""
    return source_case(lambda entries: entries[10]["profile"].update(numbering="service"))


@attack(sources="18.6 FAIL SOURCE_PROFILE")
def log_that_begins_without_a_profile() -> Case:
    """Entry 0 is a statement of gaps."""

    def edit(entries: list[Entry]) -> None:
        entries[0] = {
            "entry": "gap", "at": "2026-10-01T00:00:00.000Z", "first": 3, "last": 4, "reason": "x",
        }  # fmt: skip
        for one in entries:
            if one["entry"] == "closing" and one["profile"] == 0:
                one["profile"] = 10

    return source_case(edit)


@attack(sources="18.6 FAIL SOURCE_PROFILE")
def closing_that_names_a_record_as_its_profile() -> Case:
    """The first closing names entry 1."""
    return source_case(lambda entries: entries[3].update(profile=1))


@attack(sources="18.6 FAIL SOURCE_NUMBER_TWICE")
def two_records_under_one_number() -> Case:
    """In the open day the number of another matter's call comes again."""
    return source_case(tail=lambda entries: entries.append({**entries[13], "record": ANOTHER}))


@attack(sources="18.6 FAIL SOURCE_NUMBER_DIFFERS")
def number_that_a_closing_says_had_come() -> Case:
    """In the open day a call gets the number of a day that is not shown."""
    again = {"record": ANOTHER, "number": 6}
    return source_case(tail=lambda entries: entries.append({**entries[13], **again}))


@attack(sources="18.6 FAIL SOURCE_NUMBER_DIFFERS")
def number_below_the_first() -> Case:
    """Number 0 of a source that begins with 1."""
    low = {"record": ANOTHER, "number": 0}
    return source_case(tail=lambda entries: entries.append({**entries[13], **low}))


# ---------------------------------------------------------------------- 18.7 closings


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def closing_with_other_counts() -> Case:
    """The first day is said to have had one call."""
    return source_case(lambda entries: entries[3].update(counts={"call": 1}))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def gap_hidden() -> Case:
    """No closing says that 4 is missing."""

    def edit(entries: list[Entry]) -> None:
        for at in (7, 9, 12):
            entries[at]["missing"] = []

    return source_case(edit)


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def gap_that_opens_again() -> Case:
    """The last closing calls missing what had come by the third day."""
    return source_case(lambda entries: entries[12].update(missing=[[2, 4]]))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def day_skipped() -> Case:
    """After the first day comes the third."""

    def edit(entries: list[Entry]) -> None:
        for at in (4, 7, 9, 12):
            entries[at]["day"] = f"2026-10-{int(entries[at]['day'][-2:]) + 1:02}"

    return source_case(edit)


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def day_closed_twice() -> Case:
    """The empty day is the first one again."""
    return source_case(lambda entries: entries[4].update(day=entries[3]["day"]))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def days_without_closings() -> Case:
    """The last closing is of a month later, and too few entries lie between."""
    return source_case(lambda entries: entries[12].update(day="2026-11-20"))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def day_that_ends_before_the_one_before() -> Case:
    """The second day ends before the first."""
    return source_case(lambda entries: entries[4].update(ends="2026-09-30T22:00:00.000Z"))


@attack(sources="18.7 FAIL SOURCE_CLOSING_DIFFERS")
def count_that_sinks() -> Case:
    """The last closing has seen fewer numbers than the third day's."""
    return source_case(lambda entries: entries[12].update(next=5, missing=[], first=4, last=4))


# ---------------------------------------------------------------------- 18.8 not shown


@attack(sources="18.8 NOT CHECKED SOURCES_NOT_SHOWN")
def sources_left_out() -> Case:
    """The exporter shows nothing of the source."""
    world, _ = told()
    return judged(world, packed(world, {}), required=True)
