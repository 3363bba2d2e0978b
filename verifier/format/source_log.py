"""Owns the log of a source: its entries and what a package shows of it (docs/spec/format.md §16,
package.md §6).

How the numbers are counted is in `source_count`. Proved by tests/unit/format/test_source_log.py.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from verifier.format import jsonc, trees
from verifier.format.digests import DIGEST_LENGTH, Digest, b64url_decode, b64url_encode, sha256
from verifier.format.errors import FormatError
from verifier.format.heads import parse_decimal
from verifier.format.jsonc import Json
from verifier.format.kinds import KINDS
from verifier.format.members import Members
from verifier.format.numbers import SourceNumber, parse_source
from verifier.format.source_count import Range, check_ranges
from verifier.format.times import format_time, parse_time

FORMAT = "notary-source/1"
MAX_ENTRY_BYTES = 2**20  # a closing lists missing numbers; everything else is short
MAX_TEXTS = 100  # settings or outages of one profile: a person writes and reads them
MAX_HASHES = 2**20  # of the entries that a package does not show

SOURCE, SERVICE = "source", "service"  # who numbers

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Profile(NamedTuple):
    """What a source is, as its agency states it. The first members never change."""

    name: str
    numbering: str
    first: int
    zone: str
    continues: SourceNumber | None
    host: str | None = None
    software: str | None = None
    version: str | None = None
    clock: str | None = None
    offset_ms: int | None = None
    hides: tuple[str, ...] = ()
    outages: tuple[str, ...] = ()
    late_s: int | None = None
    silent_s: int | None = None

    @property
    def lasting(self) -> tuple[object, ...]:
        """What every later profile of the source keeps."""
        return self[:5]


class ProfileEntry(NamedTuple):
    """From here on the source is this."""

    at: datetime
    profile: Profile


class RecordEntry(NamedTuple):
    """A record has this number."""

    kind: str
    number: int
    record: Digest
    aside: int | None = None  # index of the entry that set the number aside


class AsideEntry(NamedTuple):
    """A row has this number, and waits."""

    kind: str
    number: int
    row: Digest


class GapEntry(NamedTuple):
    """Why numbers are missing, as the agency states it."""

    at: datetime
    first: int
    last: int
    reason: str


class Closing(NamedTuple):
    """A day has ended."""

    at: datetime
    day: date
    ends: datetime
    profile: int
    first: int | None
    last: int | None
    counts: Mapping[str, int]
    next: int
    missing: tuple[Range, ...]
    late: int
    back: int
    conflicts: int
    aside: int = 0


Entry = ProfileEntry | RecordEntry | AsideEntry | GapEntry | Closing


class SourceProof(NamedTuple):
    """`data/sources/KEY.json` of a package. `map` is the text of a map proof.

    From index `since` on all entries are shown; None where only those are that the package needs.
    """

    source: SourceNumber
    map: str
    hashes: tuple[Digest, ...]
    since: int | None = None


def record_digest(leaf: bytes) -> Digest:
    """What an entry says of a record's leaf."""
    # format.md §16: H("notary/source-record/v1\n" ‖ leaf bytes)
    return sha256(b"notary/source-record/v1\n" + leaf)


def encode_record(entry: RecordEntry) -> bytes:
    """Write a record's entry. There are many of them and of asides: their bytes are written as they are."""
    aside = "" if entry.aside is None else f'"aside":{entry.aside},'
    return (
        f'{{{aside}"entry":"record","kind":"{entry.kind}","number":{entry.number},'
        f'"record":"{b64url_encode(entry.record)}"}}'
    ).encode("ascii")


def encode_aside(entry: AsideEntry) -> bytes:
    """Write the entry of a row that waits."""
    return (
        f'{{"entry":"aside","kind":"{entry.kind}","number":{entry.number},'
        f'"row":"{b64url_encode(entry.row)}"}}'
    ).encode("ascii")


def encode(entry: Entry) -> bytes:
    """Write an entry. Raises FormatError JSON_… or SOURCE_ENTRY_SIZE."""
    if isinstance(entry, RecordEntry):
        return encode_record(entry)
    if isinstance(entry, AsideEntry):
        return encode_aside(entry)
    data = jsonc.encode(_members_of(entry))
    if len(data) > MAX_ENTRY_BYTES:
        raise FormatError("SOURCE_ENTRY_SIZE", f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    return data


def _members_of(entry: ProfileEntry | GapEntry | Closing) -> dict[str, Json]:
    at = format_time(entry.at)
    if isinstance(entry, ProfileEntry):
        return {"entry": "profile", "at": at, "profile": profile_members(entry.profile)}
    if isinstance(entry, GapEntry):
        return {
            "entry": "gap",
            "at": at,
            "first": entry.first,
            "last": entry.last,
            "reason": entry.reason,
        }
    members = entry._asdict()
    if not entry.aside:
        del members["aside"]
    return {
        "entry": "closing",
        **members,
        "at": at,
        "day": entry.day.isoformat(),
        "ends": format_time(entry.ends),
        "counts": dict(entry.counts),
        "missing": [list(one) for one in entry.missing],
    }


def profile_members(profile: Profile) -> dict[str, Json]:
    """A profile as JSON."""
    continues = None if profile.continues is None else profile.continues.text
    return {
        **profile._asdict(),
        "continues": continues,
        "hides": list(profile.hides),
        "outages": list(profile.outages),
    }


def parse(data: bytes) -> Entry:
    """Read an entry.

    Raises FormatError SOURCE_ENTRY_SIZE, JSON_…, MEMBER_…, NUMBER_…, TIME_FORM, B64URL_FORM,
    KIND_UNKNOWN, SOURCE_MISSING or SOURCE_ENTRY_FORM.
    """
    if len(data) > MAX_ENTRY_BYTES:
        raise FormatError("SOURCE_ENTRY_SIZE", f"an entry has at most {MAX_ENTRY_BYTES} bytes")
    members = Members(jsonc.decode(data, "entry"), "entry")
    what = members.text("entry")
    entry: Entry
    if what == "record":
        entry = RecordEntry(
            _kind(members.text("kind")),
            members.integer("number"),
            _digest(members, "record"),
            members.integer("aside") if "aside" in members else None,
        )
    elif what == "aside":
        entry = AsideEntry(
            _kind(members.text("kind")), members.integer("number"), _digest(members, "row")
        )
    elif what == "profile":
        entry = ProfileEntry(
            parse_time(members.text("at")), parse_profile(members.object("profile"))
        )
    elif what == "gap":
        at, first = parse_time(members.text("at")), members.integer("first")
        entry = GapEntry(at, first, members.integer("last", first), members.text("reason"))
    elif what == "closing":
        entry = _parse_closing(members)
    else:
        raise FormatError("SOURCE_ENTRY_FORM", f"unknown entry {what!a}")
    members.done()
    return entry


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise FormatError("KIND_UNKNOWN", f"unknown kind {kind!a:.80}")
    return kind


def _digest(members: Members, name: str) -> Digest:
    raw = b64url_decode(members.text(name))
    if len(raw) != DIGEST_LENGTH:
        raise FormatError("DIGEST_LENGTH", f"a digest has {DIGEST_LENGTH} bytes, got {len(raw)}")
    return Digest(raw)


def parse_profile(members: Members) -> Profile:
    """Read the object `profile`, whole. Raises FormatError MEMBER_…, NUMBER_… or SOURCE_ENTRY_FORM."""

    def text_or_null(name: str) -> str | None:
        return None if members.null(name) else members.text(name)

    def integer_or_null(name: str, lo: int = 0) -> int | None:
        return None if members.null(name) else members.integer(name, lo)

    name, numbering = members.text("name"), members.text("numbering")
    if numbering not in (SOURCE, SERVICE):
        raise FormatError("SOURCE_ENTRY_FORM", f"numbering is source or service: {numbering!a:.80}")
    continues = text_or_null("continues")
    profile = Profile(
        name,
        numbering,
        members.integer("first"),
        members.text("zone"),
        None if continues is None else parse_source(continues),
        text_or_null("host"),
        text_or_null("software"),
        text_or_null("version"),
        text_or_null("clock"),
        integer_or_null("offset_ms", -jsonc.MAX_INTEGER),
        tuple(members.texts("hides", MAX_TEXTS)),
        tuple(members.texts("outages", MAX_TEXTS)),
        integer_or_null("late_s"),
        integer_or_null("silent_s"),
    )
    members.done()
    return profile


def _parse_closing(members: Members) -> Closing:
    at, day = parse_time(members.text("at")), parse_day(members.text("day"))
    ends, profile = parse_time(members.text("ends")), members.integer("profile")
    first = None if members.null("first") else members.integer("first")
    last = None if members.null("last") else members.integer("last")
    counts = _counts(members.object("counts"))
    if (first is None) != (last is None) or (first is None) != (not counts):
        raise FormatError("SOURCE_ENTRY_FORM", "first, last and counts are of one day")
    next_ = members.integer("next")
    missing = tuple([_range(item) for item in members.array("missing")])
    check_ranges(missing, 0, next_)
    return Closing(
        at,
        day,
        ends,
        profile,
        first,
        last,
        counts,
        next_,
        missing,
        members.integer("late"),
        members.integer("back"),
        members.integer("conflicts"),
        members.integer("aside", 1) if "aside" in members else 0,
    )


def parse_day(text: str) -> date:
    """Read a day. Raises FormatError SOURCE_ENTRY_FORM."""
    if not _DAY.fullmatch(text):
        raise FormatError("SOURCE_ENTRY_FORM", f"want a day like 2026-11-26: {text!a:.80}")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FormatError("SOURCE_ENTRY_FORM", f"there is no day {text}") from error


def _counts(members: Members) -> dict[str, int]:
    counts = {kind: members.integer(kind, 1) for kind in sorted(KINDS) if kind in members}
    members.done()
    return counts


def _range(item: Json) -> Range:
    if isinstance(item, list) and len(item) == 2:
        first, last = item
        if type(first) is int and type(last) is int:
            return first, last
    raise FormatError("SOURCE_MISSING", "want pairs of integers in missing")


def parse_line(line: bytes) -> tuple[int, bytes]:
    """Index and entry of a line of `data/sources/KEY.txt`. Raises FormatError DECIMAL_FORM."""
    index, _, entry = line.partition(b" ")
    return parse_decimal(index.decode("ascii", "replace"), "index of the entry"), entry


def parse_proof(data: bytes) -> SourceProof:
    """Read `data/sources/KEY.json`. Raises FormatError JSON_…, MEMBER_…, NUMBER_… or BECH32_…."""
    members = Members(jsonc.decode(data, "source proof"), "source proof")
    members.literal("format", FORMAT)
    proof = SourceProof(
        parse_source(members.text("source")),
        members.text("map"),
        members.hashes("hashes", MAX_HASHES),
        members.integer("since") if "since" in members else None,
    )
    members.done()
    return proof


def encode_proof(proof: SourceProof) -> bytes:
    """Write `data/sources/KEY.json`."""
    return jsonc.encode(
        {
            "format": FORMAT,
            "source": proof.source.text,
            "map": proof.map,
            "hashes": [one.hex() for one in proof.hashes],
            **({} if proof.since is None else {"since": proof.since}),
        }
    )


def shown_ranges(
    size: int, wanted: Iterable[int], closings: Mapping[int, int], since: int | None = None
) -> list[Range]:
    """The indexes that a package shows of a log of `size` entries (package.md §6), as ranges.

    `wanted` are those of the package's records, and of the asides that these name; `closings` gives the
    index of the profile entry that each closing names, by its own index; with `since`, below `size`, all is
    shown from there on. The ranges ascend and are not adjacent.
    """
    ends = sorted(closings)
    # Never a list of all: a hostile head can name any size.
    found = {(0, 0), (ends[-1] if ends else 0, size - 1)}
    if since is not None:
        found.add((since, size - 1))
    for index in wanted:
        at = bisect_left(ends, index)
        # Without a closing before, a day begins with the log.
        first = ends[at - 1] if at else 0
        found.add((first, ends[at] if at < len(ends) else size - 1))
    days = join_ranges(found)
    firsts = [first for first, _ in days]
    for one, profile in closings.items():
        first, last = days[bisect_right(firsts, one) - 1]
        if first <= one <= last:
            found.add((profile, profile))
    return join_ranges(found)


def join_ranges(ranges: Iterable[Range]) -> list[Range]:
    """The same indexes as ascending ranges that are not adjacent."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def hidden_hashes(hashes: Sequence[bytes], shown: Sequence[int]) -> list[Digest]:
    """The roots that stand for the entries that are not shown, in the order of package.md §6."""
    found: list[Digest] = []

    def walk(first: int, end: int) -> None:
        if not _any_within(shown, first, end):
            found.append(trees.root(hashes[first:end]))
        elif end - first > 1:
            middle = first + _split(end - first)
            walk(first, middle)
            walk(middle, end)

    walk(0, len(hashes))
    return found


def shown_root(size: int, shown: Mapping[int, Digest], hashes: Sequence[Digest]) -> Digest:
    """The root of a log of which the leaf hashes `shown` and the rest's `hashes` are given.

    Raises FormatError SOURCE_HASHES where they are not as many as the shape asks for.
    """
    indexes = sorted(shown)
    if not indexes or indexes[-1] >= size:
        raise FormatError("SOURCE_HASHES", f"entries of 0 to {size - 1} are shown, at least one")
    rest: Iterator[Digest] = iter(hashes)

    def walk(first: int, end: int) -> Digest:
        if not _any_within(indexes, first, end):
            found = next(rest, None)
            if found is None:
                raise FormatError("SOURCE_HASHES", "there are too few hashes")
            return found
        if end - first == 1:
            return shown[first]
        middle = first + _split(end - first)
        left = walk(first, middle)
        return trees.node_hash(left, walk(middle, end))

    root = walk(0, size)
    if next(rest, None) is not None:
        raise FormatError("SOURCE_HASHES", "there are too many hashes")
    return root


def _any_within(ascending: Sequence[int], first: int, end: int) -> bool:
    at = bisect_left(ascending, first)
    return at < len(ascending) and ascending[at] < end


def _split(count: int) -> int:
    # format.md §1: the largest power of two smaller than the count
    return 1 << (count - 1).bit_length() - 1
