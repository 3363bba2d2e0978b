"""Steps 3.1 to 3.8: leaves, disclosures, attachments (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.rows import Trouble, failed
from verifier.format import bag, records
from verifier.format.errors import FormatError


def step_3_1(case: Case) -> Iterator[Trouble]:
    """Every leaf parses."""
    for part in case.evidence.leaves.values():
        if part.error is not None:
            yield failed(f"LEAF_FORM:{part.error.code}", f"{part.name}: {part.error.message}")


def step_3_2(case: Case) -> Iterator[Trouble]:
    """Leaf N names position N and the key of the statement's matter number."""
    key = case.key
    for position, part in case.evidence.leaves.items():
        leaf = part.need().leaf
        if leaf.position != position:
            yield failed("LEAF_MISPLACED", f"{part.name} names position {leaf.position}")
        if leaf.matter != key:
            yield failed("LEAF_MISPLACED", f"{part.name} names another matter")


def step_3_3(case: Case) -> Iterator[Trouble]:
    """Kind and claim names are registered."""
    for part in case.evidence.leaves.values():
        try:
            records.check_claims(part.need().leaf)
        except FormatError as error:
            yield failed("CLAIM_UNKNOWN", f"{part.name}: {error.message}")


def step_3_4(case: Case) -> Iterator[Trouble]:
    """Digests within a leaf are pairwise different."""
    for part in case.evidence.leaves.values():
        try:
            records.check_digests(part.need().leaf)
        except FormatError as error:
            yield failed("CLAIM_DIGEST_TWICE", f"{part.name}: {error.message}")


def step_3_5(case: Case) -> Iterator[Trouble]:
    """Every disclosure line parses."""
    for part in case.evidence.disclosures.values():
        if part.error is not None:
            yield failed(f"DISCLOSURE_FORM:{part.error.code}", f"{part.name}: {part.error.message}")


def step_3_6(case: Case) -> Iterator[Trouble]:
    """Its name is a claim of that leaf, its digest the one at that name; lines ascend, none twice.

    A line is judged against the leaf of its file's number alone.
    """
    for position, part in case.evidence.disclosures.items():
        claims = case.leaf(position).leaf.claims
        previous = ""
        for disclosure in part.need():
            name = disclosure.name
            where = f"{part.name}, {name!a}"
            if name not in claims:
                yield failed("DISCLOSURE_MISMATCH", f"{where}: the leaf has no such claim")
            elif disclosure.digest != claims[name]:
                yield failed("DISCLOSURE_MISMATCH", f"{where}: the leaf holds another digest")
            if name <= previous:
                yield failed("DISCLOSURE_MISMATCH", f"{where}: stands twice or out of order")
            previous = name


def step_3_7(case: Case) -> Iterator[Trouble]:
    """No salt occurs twice in the package."""
    seen: dict[bytes, str] = {}
    for part in case.evidence.disclosures.values():
        for disclosure in part.need():
            where = f"{part.name}, {disclosure.name!a}"
            other = seen.setdefault(disclosure.salt, where)
            if other is not where:
                yield failed("SALT_REUSED", f"{where} has the salt of {other}")


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
    for disclosures in case.evidence.disclosures.values():
        disclosures.need()
    for attachment in case.evidence.attachments:
        if attachment.value is not None:
            case.need_file(bag.attachment_name(attachment.value.name))
