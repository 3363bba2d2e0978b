"""Steps 2.1 to 2.8: the package as a container (docs/spec/verification.md §3)."""

from bisect import bisect_left
from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.evidence import FIXED_FILES, HISTORY_FILES
from verifier.check.rows import Trouble, failed
from verifier.format import bag, readme, statement
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.statement import Header, Kind, Log


def step_2_1(case: Case) -> Iterator[Trouble]:
    """A zip has the one byte form of package.md §2; limits are kept."""
    for sentence in case.bag.form_faults:
        yield failed("ZIP_FORM", sentence)


def step_2_2(case: Case) -> Iterator[Trouble]:
    """Every path is allowed, no two differ only in case, no links or special files."""
    for sentence in case.bag.forbidden:
        yield failed("NAME_FORBIDDEN", sentence)


def step_2_3(case: Case) -> Iterator[Trouble]:
    """`bagit.txt` is the bytes given."""
    if not case.bag.holds(bag.BAGIT, bag.BAGIT_BYTES):
        there = "has other bytes" if bag.BAGIT in case.bag.files else "is not there"
        yield failed("BAG_DECLARATION", f"it {there}")


def step_2_4(case: Case) -> Iterator[Trouble]:
    """Both manifests and both tag manifests equal what is rebuilt from the files."""
    files = case.bag.files
    wanted = bag.payload_manifests(files) | bag.tag_manifests(files)
    for name, data in wanted.items():
        if name not in case.bag:
            yield failed("MANIFEST_DIFFERS", f"{name} is missing")
        elif files[name].size != len(data):
            yield failed(
                "MANIFEST_DIFFERS", f"{name} has {files[name].size} bytes, wanted {len(data)}"
            )
        elif not case.bag.holds(name, data):
            yield failed("MANIFEST_DIFFERS", f"{name} {_first_difference(case, name, data)}")


def _first_difference(case: Case, name: str, wanted: bytes) -> str:
    got = case.bag.read(name).split(b"\n")
    lines = enumerate(wanted.split(b"\n"))
    number, line = next((i, line) for i, line in lines if i >= len(got) or got[i] != line)
    return f"differs in line {number + 1}, wanted {line.decode('latin-1')!a}"


def step_2_5(case: Case) -> Iterator[Trouble]:
    """The statement parses; its kind is known; the set of files is that of package.md §1."""
    evidence = case.evidence
    if (error := evidence.statement.error) is not None:
        yield failed(f"STATEMENT_FORM:{error.code}", error.message)
    for name in sorted(FIXED_FILES):
        if name not in case.bag:
            yield failed("FILE_MISSING", f"{name} is missing")
    for name in evidence.unknown:
        yield failed("FILE_UNKNOWN", f"{name!a} has no place in a package")
    for sentence in case.bag.empty_folders:
        yield failed("FILE_UNKNOWN", sentence)
    kind = case.kind
    yield from _matter_files(case, kind)
    for name in HISTORY_FILES:
        if case.history_is_full and name not in case.bag:
            yield failed("FILE_MISSING", f"{name} is missing, while the history is stated as full")
        elif name in case.bag and not case.history_is_full:
            yield failed("FILE_UNKNOWN", f"{name}: the history is stated as shown")
    yield from _batch_files(case, kind)
    yield from _key_files(case)
    yield from _token_files(case)
    # Last, because it is blocked by a disclosure that can't be read.
    yield from _attachment_files(case, kind)
    yield from _source_files(case, kind)


def _matter_files(case: Case, kind: Kind) -> Iterator[Trouble]:
    if kind is Kind.ABSENT:
        for name in (bag.LEAVES, bag.DISCLOSURES):
            if name in case.bag:
                yield failed("FILE_UNKNOWN", f"{name}: an absent package has no leaf")
    elif bag.LEAVES not in case.bag:
        yield failed("FILE_MISSING", f"{bag.LEAVES} is missing")
    if kind is Kind.EXTRACT and bag.PATHS not in case.bag:
        yield failed("FILE_MISSING", f"{bag.PATHS} is missing")
    if kind is not Kind.EXTRACT and bag.PATHS in case.bag:
        yield failed("FILE_UNKNOWN", f"{bag.PATHS}: only an extract has it")


def _batch_files(case: Case, kind: Kind) -> Iterator[Trouble]:
    for batch in case.evidence.batch_numbers:
        names = bag.batch_names(batch)
        for name in (names.map_proof, names.header, names.tlog_proof):
            if name not in case.bag:
                yield failed("FILE_MISSING", f"{name} is missing")
    sizes = {link.size for link in case.evm.links}
    as_of = case.as_of_batch
    # Whether it is shown at all is asked by step 8.4, which is not judged in an extract.
    as_of_is_shown = as_of in case.evidence.batch_numbers
    for batch in case.evidence.batch_numbers:
        name = bag.batch_names(batch).header
        if kind is Kind.ABSENT and as_of_is_shown and batch != as_of:
            yield failed("FILE_UNKNOWN", f"{name}: an absent package shows the as-of batch alone")
        elif batch + 1 not in sizes:
            yield failed("FILE_UNKNOWN", f"{name}: batch {batch} is not the last one of an anchor")
    if kind is Kind.EXTRACT and not as_of_is_shown:
        yield failed("FILE_MISSING", f"{bag.batch_names(as_of).header} is missing")
    yield from _batches_that_date_nothing(case, kind)


def _key_files(case: Case) -> Iterator[Trouble]:
    """Key sets that nobody names, and hand-overs that are half there or after the as-of batch.

    Whether a key set is missing is asked by step 5.2.
    """
    for batch in case.evidence.hand_over_numbers:
        names = bag.hand_over_names(batch)
        for name in names:
            if name not in case.bag:
                yield failed("FILE_MISSING", f"{name} is missing")
        if batch >= case.as_of_batch:
            yield failed("FILE_UNKNOWN", f"{names.header}: a hand-over after the as-of batch")
    named = case.trust.named_key_sets
    unnamed = [one for one in case.evidence.key_set_digests if one not in named]
    if unnamed:
        # A header that can't be read could be what names it.
        for header in case.trust.key_naming_headers:
            header.need()
    for digest in unnamed:
        yield failed("FILE_UNKNOWN", f"{bag.key_set_name(digest)}: no header names it")


def _token_files(case: Case) -> Iterator[Trouble]:
    """Tokens of what is not shown, and gaps before chains and in them."""
    places = set(case.evidence.token_places)
    for place in case.evidence.token_places:
        before = place._replace(number=place.number - 1)
        if place.number == 0:
            before = place._replace(chain=place.chain - 1)
        if min(before) >= 0 and before not in places:
            yield failed("FILE_MISSING", f"{bag.token_name(before)} is missing")
    for place in case.evidence.token_places:
        if place.size not in case.shown_sizes:
            yield failed(
                "FILE_UNKNOWN", f"{bag.token_name(place)}: no checkpoint of that size is shown"
            )


def _source_files(case: Case, kind: Kind) -> Iterator[Trouble]:
    """Sources that are half there, or in an absent package."""
    for key in case.evidence.source_keys:
        names = bag.source_names(key)
        for name in names:
            if name not in case.bag:
                yield failed("FILE_MISSING", f"{name} is missing")
        if kind is Kind.ABSENT:
            yield failed("FILE_UNKNOWN", f"{names.proof}: an absent package shows no source")


def _batches_that_date_nothing(case: Case, kind: Kind) -> Iterator[Trouble]:
    """A batch beside the as-of batch is shown only to date a record: a complete package's by its
    new head, an extract's by one of its records."""
    positions = list(case.evidence.leaves)
    before = 0
    for batch in case.evidence.batches:
        part = case.head_parts.get(batch)
        if part is None or part.value is None:
            # Without heads nobody knows; steps 6.3 and 6.4 say what is wrong.
            return
        size = part.value.size
        # The records at positions before to size − 1 are those that this batch dates.
        dated = bisect_left(positions, size) - bisect_left(positions, before)
        is_new = dated > 0 if kind is Kind.EXTRACT else size != before
        if batch != case.as_of_batch and not is_new and size >= before:
            yield failed(
                "FILE_UNKNOWN",
                f"{bag.batch_names(batch).header}: batch {batch} dates no record of the package",
            )
        before = size


def _attachment_files(case: Case, kind: Kind) -> Iterator[Trouble]:
    disclosed = set()
    for part in case.evidence.attachments:
        if part.value is not None:
            disclosed.add(bag.attachment_name(part.value.name))
    present = set(case.evidence.attachment_files)
    if kind is not Kind.ABSENT:
        for name in sorted(disclosed - present):
            yield failed("FILE_MISSING", f"{name} is missing, while its disclosure is present")
    unclaimed = sorted(present - disclosed)
    if unclaimed:
        # What can't be read could be what claims the file.
        _ = case.evidence.disclosures
        for attachment in case.evidence.attachments:
            attachment.need()
    for name in unclaimed:
        yield failed("FILE_UNKNOWN", f"{name!a}: no disclosure names it")


def step_2_6(case: Case) -> Iterator[Trouble]:
    """The statement rebuilt from the evidence equals the file."""
    stated = case.statement
    document, header = case.evm, case.header
    legs = [part.need() for part in case.leg_headers]
    batches = case.evidence.batches
    named = [shown.header.need().header.not_before for shown in batches.values()]
    try:
        rebuilt = statement.build_statement(
            stated.choices,
            log=Log(document.chain_id, document.contract, document.log_address, case.log_name),
            links=document.links,
            as_of=Header(header.number, header.hash, header.timestamp),
            legs=[Header(leg.number, leg.hash, leg.timestamp) for leg in legs],
            not_before=[(one.chain_id, one.number, one.hash) for one in named if one is not None],
            events=case.event_blocks,
            checkpoints=[_checkpoint(case, batch) for batch in batches],
            records=case.as_of_size,
            shown=case.evidence.leaves,
        )
        wanted = statement.encode(rebuilt)
    except FormatError as error:
        yield failed("STATEMENT_DIFFERS", f"no statement follows from the evidence: {error}")
        return
    if not case.bag.holds(bag.STATEMENT, wanted):
        yield failed("STATEMENT_DIFFERS", f"it differs in {_members_that_differ(stated, rebuilt)}")


def _checkpoint(case: Case, batch: int) -> tuple[int, Digest]:
    # Blocked, if the checkpoint is none of the links: step 4.9 says so.
    case.link_of(batch)
    checkpoint = case.checkpoint(batch)
    return checkpoint.size, checkpoint.root


def _members_that_differ(stated: statement.Statement, rebuilt: statement.Statement) -> str:
    members = ("log", "as_of", "records", "shown", "anchors", "blocks")
    names = [name for name in members if getattr(stated, name) != getattr(rebuilt, name)]
    return ", ".join(names) or "its bytes"


def step_2_7(case: Case) -> Iterator[Trouble]:
    """The README rebuilt from the statement equals the file."""
    wanted = readme.encode(case.statement)
    case.need_file(bag.README)
    if not case.bag.holds(bag.README, wanted):
        yield failed("README_DIFFERS", f"{bag.README} is not the one that follows")


def step_2_8(case: Case) -> Iterator[Trouble]:
    """With `--sm3`: the sidecar, and the SM3 of every attachment's disclosure, are the files'."""
    if not case.sm3:
        return
    case.need_file(bag.SM3)
    if not case.bag.holds(bag.SM3, bag.sm3_sidecar(case.bag.files)):
        yield failed("SM3_DIFFERS", f"{bag.SM3} is not what is rebuilt from the files")
    for part in case.evidence.attachments:
        attachment = part.value
        if attachment is None:
            continue
        file = case.bag.files.get(bag.attachment_name(attachment.name))
        if file is not None and file.sm3 != attachment.sm3:
            yield failed("SM3_DIFFERS", f"{part.name}: the disclosed SM3 is not the file's")
