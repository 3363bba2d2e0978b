"""Steps 3.1 to 3.8: leaves, disclosures, attachments (docs/spec/verification.md §3)."""

from collections.abc import Iterator
from typing import TypeVar

from verifier.check.case import Case
from verifier.check.evidence import DisclosureLine, LeafLine, Lines, Part
from verifier.check.rows import Trouble, failed
from verifier.format import bag, records
from verifier.format.errors import FormatError

T = TypeVar("T")


def unread(part: Part[Lines[T]], code: str) -> Iterator[Trouble]:
    """What of a file of lines can't be read."""
    faults = () if part.value is None else part.value.faults
    for error in faults if part.error is None else (part.error,):
        yield failed(f"{code}:{error.code}", error.message)


def _leaves(case: Case) -> Iterator[LeafLine]:
    """The leaves that can be read, in the order of the lines; then Blocked, if others can't."""
    if bag.LEAVES in case.bag:
        read = case.evidence.leaf_lines.need()
        yield from read.found
        read.need()


def step_3_1(case: Case) -> Iterator[Trouble]:
    """Every leaf parses."""
    yield from unread(case.evidence.leaf_lines, "LEAF_FORM")


def step_3_2(case: Case) -> Iterator[Trouble]:
    """Leaves ascend by position, none twice, and name the key of the statement's matter number."""
    key = case.key
    previous = -1
    for line in _leaves(case):
        position = line.leaf.position
        if position <= previous:
            yield failed("LEAF_MISPLACED", f"{line.name}: position {position} after {previous}")
        if line.leaf.matter != key:
            yield failed("LEAF_MISPLACED", f"{line.name} names another matter")
        previous = position


def step_3_3(case: Case) -> Iterator[Trouble]:
    """Kind and claim names are registered."""
    for line in _leaves(case):
        try:
            records.check_claims(line.leaf)
        except FormatError as error:
            yield failed("CLAIM_UNKNOWN", f"{line.name}: {error.message}")


def step_3_4(case: Case) -> Iterator[Trouble]:
    """Digests within a leaf are pairwise different."""
    for line in _leaves(case):
        try:
            records.check_digests(line.leaf)
        except FormatError as error:
            yield failed("CLAIM_DIGEST_TWICE", f"{line.name}: {error.message}")


def step_3_5(case: Case) -> Iterator[Trouble]:
    """Every disclosure line parses."""
    yield from unread(case.evidence.disclosure_lines, "DISCLOSURE_FORM")


def step_3_6(case: Case) -> Iterator[Trouble]:
    """It is of a leaf of the package and a claim of it, with its digest; lines ascend, none twice.

    A line is judged against the leaf at its position alone.
    """
    previous = (-1, "")
    for line in case.evidence.disclosures:
        name = line.disclosure.name
        leaf = case.evidence.leaves.get(line.position)
        if leaf is None:
            yield failed("DISCLOSURE_MISMATCH", f"{line.name}: no leaf {line.position} is here")
        elif name not in leaf.leaf.claims:
            yield failed("DISCLOSURE_MISMATCH", f"{line.name}: the leaf has no such claim")
        elif line.disclosure.digest != leaf.leaf.claims[name]:
            yield failed("DISCLOSURE_MISMATCH", f"{line.name}: the leaf holds another digest")
        # Names that are claims are ASCII, so the order of code points is the canonical one.
        if (line.position, name) <= previous:
            yield failed("DISCLOSURE_MISMATCH", f"{line.name}: stands twice or out of order")
        previous = (line.position, name)


def step_3_7(case: Case) -> Iterator[Trouble]:
    """No salt occurs twice in the package."""
    seen: dict[bytes, DisclosureLine] = {}
    for line in case.evidence.disclosures:
        other = seen.setdefault(line.disclosure.salt, line)
        if other is not line:
            yield failed("SALT_REUSED", f"{line.name} has the salt of {other.name}")


def step_3_8(case: Case) -> Iterator[Trouble]:
    """Every attachment has size and digests of its disclosure; no two disclosures name one file."""
    named: dict[str, str] = {}
    for part in case.evidence.attachments:
        if part.error is not None:
            yield failed("ATTACHMENT_MISMATCH", f"{part.name}: {part.error.message}")
            continue
        disclosed = part.need()
        other = named.setdefault(disclosed.name, part.name)
        if other != part.name:
            yield failed("ATTACHMENT_MISMATCH", f"{part.name} names the file of {other}")
        file = case.bag.files.get(bag.attachment_name(disclosed.name))
        if file is None:
            # Step 2.5 says that it is missing; here it can't be compared.
            continue
        if (file.size, file.sha256, file.sha512) != (
            disclosed.size,
            disclosed.sha256,
            disclosed.sha512,
        ):
            yield failed("ATTACHMENT_MISMATCH", f"{part.name}: the file is another one")
    _ = case.evidence.disclosures
    for attachment in case.evidence.attachments:
        if attachment.value is not None:
            case.need_file(bag.attachment_name(attachment.value.name))
