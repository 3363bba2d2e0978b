"""Whether an offered row says what a record says, by whatever file it came, and which answer it gets.

Spec: docs/spec/column-map.md §6. Test: tests/scenarios/ingest/test_promises.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from notary.core.intake import Accepted, Incoming, IncomingFile, Outcome, Refused
from notary.importers.rows import ImportedRow
from notary.usecases.import_store import ImportStore, StoredClaims
from verifier.format import asides
from verifier.format.digests import b64url_decode
from verifier.format.jsonc import Json, encode
from verifier.format.records import parse_disclosure

# What says only by which file a row came (column-map.md §6).
# And that it waited, which its next offer does not know.
_WHENCE = frozenset({"import", "raw", asides.CLAIM})

Answer: TypeAlias = Outcome | StoredClaims  # StoredClaims: a record says the same already


def answers(
    store: ImportStore, agency_id: int, items: Mapping[str, Incoming], outcomes: Sequence[Outcome]
) -> dict[str, Answer]:
    """The answers by key, from the acceptor's outcomes."""
    answers: dict[str, Answer] = dict(zip(items, outcomes, strict=True))
    doubtful = [
        key
        for key, answer in answers.items()
        if isinstance(answer, Refused) and (answer.conflict or answer.code == "ERASED")
    ]
    if doubtful:
        # By another file, or before the corrected record was known, the same row looks different.
        stored = store.stored(agency_id, doubtful)
        for key in doubtful:
            refused = answers[key]
            assert isinstance(refused, Refused)
            answers[key] = _same_as_stored(items[key], refused, stored.get(key))
    return answers


def _same_as_stored(item: Incoming, outcome: Refused, stored: StoredClaims | None) -> Answer:
    """The record under the item's key, if it says the same; the refusal if it does not."""
    if stored is None or stored.matter_key != item.matter_key or stored.kind != item.kind:
        return outcome
    if stored.claims is None:
        # Erased: there is nothing left to compare with, and nothing is written again.
        return stored
    attachments = {
        name: value for name, value in stored.claims.items() if name.startswith("attachment-")
    }
    claims = dict(item.claims)
    theirs = {name: value for name, value in stored.claims.items() if name not in attachments}
    # Whether the corrected record was known when this one came says nothing about this one.
    for side in (claims, theirs):
        side.pop("corrects", None)
    if not same_claims(theirs, claims) or len(attachments) != len(item.files):
        return outcome
    for index, file in enumerate(item.files):
        assert isinstance(file, IncomingFile)
        if not _same_file(attachments.get(f"attachment-{index}"), file):
            return outcome
    return stored


def same_row(one: ImportedRow, other: ImportedRow) -> bool:
    """Whether two rows of one identity in a file say the same."""
    return (
        one.kind == other.kind
        and [file.path for file in one.files] == [file.path for file in other.files]
        and same_claims(one.claims, other.claims)
    )


def same_claims(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two rows say the same, by whatever file they came."""
    return encode({n: v for n, v in one.items() if n not in _WHENCE}) == encode(
        {n: v for n, v in other.items() if n not in _WHENCE}
    )


def _same_file(claim: Json, file: IncomingFile) -> bool:
    if not isinstance(claim, dict):
        return False
    digest = hashlib.sha256()
    try:
        with file.path.open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    except OSError:
        return False
    return (
        claim.get("sha256") == digest.hexdigest()
        and claim.get("filename") == file.filename
        and claim.get("media_type") == file.media_type
    )


def raw_bytes(claim: Json) -> bytes | None:
    """The bytes of a `raw` claim."""
    if not isinstance(claim, dict):
        return None
    text = claim.get("text")
    if isinstance(text, str):
        return text.encode("utf-8")
    coded = claim.get("bytes")
    return b64url_decode(coded) if isinstance(coded, str) else None


def raw_of(outcome: Accepted) -> bytes | None:
    """The bytes of the `raw` claim of a record that was there before."""
    for text in reversed(outcome.disclosures):
        disclosure = parse_disclosure(text)
        if disclosure.name == "raw":
            return raw_bytes(disclosure.value)
    return None
