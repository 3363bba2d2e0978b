"""The certificate of an erasure: what the service states, with the signed receipt of each tombstone.

Spec: docs/spec/erasure.md §7. Test: tests/unit/store/test_erase.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from notary.core.erasures import Standing, State
from notary.core.log_identity import LogIdentity
from notary.errors import CallerError
from notary.ports import Matter
from notary.usecases.erasure_plan import Planned
from notary.usecases.holds import values_of
from notary.usecases.read import RecordReader
from verifier.format import jsonc
from verifier.format.digests import Digest
from verifier.format.jsonc import Json
from verifier.format.statement import write_log
from verifier.format.times import format_time

FORMAT = "notary-erasure-certificate/1"
# erasure.md §7, to the letter.
WORDS = (
    "We state that we destroyed the key and the stored content of the records below in our store, and that "
    "each erasure is recorded in the log. We do not state that no copy exists: packages handed out before, "
    "the submitter's own files, and backups made before until they are replaced or their key is destroyed, "
    "are not reached by it."
)


def issue(
    identity: LogIdentity,
    reader: RecordReader,
    matter: Matter,
    erased: Sequence[Planned],
    known: Mapping[Digest, Standing],
    now: datetime,
) -> bytes:
    """The certificate's bytes. Raises CallerError NOT_ERASED for a record that is not."""
    entries: list[Json] = []
    for one in erased:
        if one.has_content or one.tombstone is None:
            raise CallerError(
                "NOT_ERASED", f"record {one.target.position} of {matter.number} is not erased."
            )
        stone = reader.at(matter.agency_id, matter.key, one.tombstone)
        disclosures = reader.content(matter.agency_id, stone.record_id).disclosures
        said = values_of(disclosures)
        standing = known.get(one.target.leaf)
        done = standing is not None and standing.state is State.DESTROYED
        entries.append(
            {
                "position": one.target.position,
                "kind": one.kind,
                "recorded_at": format_time(one.recorded_at),
                "leaf": one.target.leaf.hex(),
                "reason": said["reason"],
                "authority": said["authority"],
                "destroyed_at": format_time(standing.at) if standing is not None and done else None,
                "tombstone": {
                    "position": stone.position,
                    "leaf": stone.leaf.decode(),
                    "disclosures": list(disclosures.values()),
                    "receipt": stone.receipt.decode(),
                },
            }
        )
    return jsonc.encode(
        {
            "format": FORMAT,
            "log": write_log(identity.log),
            "matter": matter.number,
            "issued_at": format_time(now),
            "words": WORDS,
            "records": entries,
        }
    )
