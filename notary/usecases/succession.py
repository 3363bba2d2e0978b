"""Ends a log in favour of another one, and begins one that states which log it continues.

Owns docs/design/0020-one-log-after-another.md: each log says it of the other by itself, in what it seals and
signs. Spec: docs/spec/format.md §7, §10. Test: tests/scenarios/service/test_succession.py.
"""

from __future__ import annotations

from datetime import datetime

from notary.core.intake import Accepted, Incoming
from notary.errors import CallerError, NothingHappened
from notary.ports import Acceptor, Matter, SealedBatch
from notary.usecases.seal import Block, Sealer
from verifier.format import notes
from verifier.format.digests import Digest
from verifier.format.heads import check_log_name
from verifier.format.jsonc import Json
from verifier.format.predecessor import CLAIM, KIND, Predecessor, write

ACTION = "continues"
MAX_TURNS = 5  # another process may seal at the same moment; a worker does so once in a cadence


def read_checkpoint(text: str) -> Predecessor:
    """The checkpoint in a signed note. Whose signature it bears is for the reader of the record to ask.

    Raises FormatError NOTE_… or CHECKPOINT_….
    """
    said = notes.parse_checkpoint_text(notes.parse_note(text).text)
    return Predecessor(check_log_name(said.origin), said.size, Digest(said.root))


def retire(
    sealer: Sealer, log: str, successor: str, now: datetime, block: Block | None
) -> SealedBatch:
    """Seal the last batch, which names the successor.

    Raises CallerError SUCCESSOR_ITSELF, FormatError LOG_NAME, NothingHappened LOG_RETIRED or
    RETIRE_STARVED, or as `Sealer.seal` does.
    """
    if check_log_name(successor) == log:
        raise CallerError(
            "SUCCESSOR_ITSELF", f"{log} can't follow itself: a successor has another name."
        )
    for _ in range(MAX_TURNS):
        try:
            sealed = sealer.seal(now, block, retire_to=successor)
        except NothingHappened as error:
            if error.code != "SEALED_ELSEWHERE":
                raise
            continue
        if sealed.header.successor is not None:
            return sealed
        # A batch that waited for its signature came first.
    raise NothingHappened(
        "RETIRE_STARVED",
        f"records or batches came first {MAX_TURNS} times. Stop intake, then run again.",
    )


def state_continuation(
    acceptor: Acceptor, agency_id: int, matter: Matter, predecessor: Predecessor, actor: str
) -> Accepted:
    """Record that this log continues another one; once, however often it is called.

    Raises CallerError with the code of a refusal.
    """
    claims: dict[str, Json] = {
        "action": ACTION,
        "actor": actor,
        CLAIM: write(predecessor),
        "occurred_at": None,
        "occurred_at_source": {
            "text": None,
            "zone": None,
            "fold": None,
            "note": "stated when this log was made",
        },
    }
    item = Incoming(matter.key, KIND, claims, f"continues/{predecessor.log}", by_service=True)
    (answer,) = acceptor.accept(agency_id, [item])
    if not isinstance(answer, Accepted):
        raise CallerError(answer.code, f"{answer.field}: {answer.reason}")
    return answer
