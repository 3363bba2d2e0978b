"""Steps 5.1 to 5.6: the signatures of the log (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.evidence import SignedCheckpoint
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.format import notes
from verifier.format.digests import shown
from verifier.format.errors import FormatError
from verifier.format.notes import VKey


def step_5_1(case: Case) -> Iterator[Trouble]:
    """Every checkpoint is a well-formed note whose origin is the pinned log's name."""
    for batch in case.evidence.batches.values():
        part = batch.checkpoint
        if part.error is not None:
            yield failed(f"CHECKPOINT_FORM:{part.error.code}", f"{part.name}: {part.error.message}")
    name = case.need_pin().name
    for batch in case.evidence.batches.values():
        origin = batch.checkpoint.need().origin
        if origin != name:
            yield failed(
                "CHECKPOINT_ORIGIN", f"{batch.checkpoint.name}: want {name}, got {shown(origin)}"
            )


def _signers(case: Case, batch: int, keys: tuple[VKey, ...]) -> tuple[VKey, ...]:
    return notes.verify(case.checkpoint(batch).note, keys).keys


def step_5_2(case: Case) -> Iterator[Trouble]:
    """It bears a signature of a pinned key, and every signature by a pinned key is good."""
    pin = case.need_pin()
    if not case.evidence.batches:
        raise Blocked("any checkpoint")
    for batch in case.evidence.batches:
        try:
            _signers(case, batch, pin.vkeys)
        except FormatError as error:
            where = f"checkpoint of batch {batch}: {error.message}"
            if error.code == "NOTE_KEY_UNKNOWN":
                yield not_checked("CHECKPOINT_KEY_NOT_PINNED", where)
            else:
                yield failed("CHECKPOINT_SIGNATURE", where)


def step_5_3(case: Case) -> Iterator[Trouble]:
    """A pinned key that signed is in force by the batch header, and every key in force signed."""
    pinned = {key.text: (key.name, key.key_id) for key in case.need_pin().vkeys}
    for batch in case.evidence.batches:
        note = case.checkpoint(batch).note
        in_force = case.batch_header(batch).header.vkeys("checkpoint")
        signers = {(one.name, one.key_id) for one in note.signatures}
        # Whether the signatures of pinned keys are good, and whether there is one, is step 5.2's.
        signed = [text for text, key in pinned.items() if key in signers]
        if signed and not any(text in in_force for text in signed):
            yield failed(
                "KEY_NOT_IN_FORCE", f"batch {batch}: no pinned key that signed is in its header"
            )
        for text in in_force:
            if text not in signed:
                yield from _signed_by(case, batch, text)


def _signed_by(case: Case, batch: int, text: str) -> Iterator[Trouble]:
    try:
        _signers(case, batch, (notes.parse_vkey(text),))
    except FormatError as error:
        where = f"batch {batch}, key {shown(text)}: {error.message}"
        if error.code == "KEY_TYPE_UNKNOWN":
            yield not_checked("KEY_TYPE_UNKNOWN", where)
        else:
            yield failed("CHECKPOINT_SIGNATURE_MISSING", where)


def step_5_6(case: Case) -> Iterator[Trouble]:
    """Each checkpoint of the inputs is one of this log, signed well by a trusted key."""
    for part in case.other_checkpoints:
        name = ascii(part.name)
        if part.error is not None:
            yield not_checked(
                f"OTHER_CHECKPOINT_FORM:{part.error.code}", f"{name}: {part.error.message}"
            )
            continue
        origin = part.need().origin
        if origin != case.need_pin().name:
            yield not_checked("OTHER_CHECKPOINT_FORM", f"{name}: it is of {shown(origin)}")
            continue
        fault = _signature_fault(case, part.need())
        if fault is not None:
            yield not_checked("OTHER_CHECKPOINT_NOT_SIGNED", f"{name}: {fault.message}")


def signed_by_the_log(case: Case) -> Iterator[tuple[str, SignedCheckpoint]]:
    """Name and content of the checkpoints of others that step 5.6 lets pass."""
    for part in case.other_checkpoints:
        other = part.value
        if other is None or other.origin != case.need_pin().name:
            continue
        if _signature_fault(case, other) is None:
            yield ascii(part.name), other


def _signature_fault(case: Case, other: SignedCheckpoint) -> FormatError | None:
    try:
        notes.verify(other.note, case.need_pin().vkeys)
    except FormatError as error:
        return error
    return None
