"""Steps 5.1 to 5.6: the signatures of the log (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case
from verifier.check.evidence import HandOver, SignedCheckpoint
from verifier.check.rows import Trouble, failed, not_checked
from verifier.format import bag, notes
from verifier.format.digests import Digest, shown
from verifier.format.errors import FormatError
from verifier.format.notes import Note, VKey


def step_5_1(case: Case) -> Iterator[Trouble]:
    """Every checkpoint is a well-formed note whose origin is the pinned log's name."""
    for batch in case.evidence.batches.values():
        part = batch.checkpoint
        if part.error is not None:
            yield failed(f"CHECKPOINT_FORM:{part.error.code}", f"{part.name}: {part.error.message}")
    name = case.trust.need_pin().name
    for batch in case.evidence.batches.values():
        origin = batch.checkpoint.need().origin
        if origin != name:
            yield failed(
                "CHECKPOINT_ORIGIN", f"{batch.checkpoint.name}: want {name}, got {shown(origin)}"
            )


def step_5_2(case: Case) -> Iterator[Trouble]:
    """Every key set has the digest of its name and one form, and those that headers name are there."""
    for digest, part in case.evidence.key_sets.items():
        if part.error is not None:
            yield failed(f"KEY_SET_FORM:{part.error.code}", f"{part.name}: {part.error.message}")
            continue
        found = part.need()
        if found.digest.hex() != digest:
            yield failed("KEY_SET_FORM", f"{part.name} has the digest {found.digest.hex()}")
        elif found.key_set.log != case.trust.need_pin().name:
            yield failed("KEY_SET_FORM", f"{part.name} is of log {shown(found.key_set.log)}")
    for digest, name in sorted(case.trust.named_key_sets.items()):
        if digest not in case.evidence.key_sets:
            yield failed("KEY_SET_MISSING", f"{bag.key_set_name(digest)}, which {name} names")


def step_5_3(case: Case) -> Iterator[Trouble]:
    """Every hand-over holds: in the log, signed by every key in force, and following the last one."""
    named: Digest | None = None
    for one in case.evidence.hand_overs.values():
        for part in (one.header, one.tlog_proof):
            if part.error is not None:
                yield failed(
                    f"HANDOVER_INVALID:{part.error.code}", f"{part.name}: {part.error.message}"
                )
        yield from _hand_over(case, one, named)
        named = one.header.need().header.next_keys


def _hand_over(case: Case, one: HandOver, named: Digest | None) -> Iterator[Trouble]:
    header, name = one.header.need().header, one.header.name
    proof, checkpoint = one.tlog_proof.need(), one.checkpoint.need()
    log = case.trust.need_pin().name
    if (header.batch, header.log) != (one.batch, log):
        yield failed(
            "HANDOVER_INVALID", f"{name} names batch {header.batch} of {shown(header.log)}"
        )
    if header.next_keys == header.keys:
        yield failed("HANDOVER_INVALID", f"{name} hands its keys over to themselves")
    if header.successor is not None:
        yield failed("HANDOVER_INVALID", f"{name} ends the log and hands its keys over")
    if named not in (None, header.keys):
        yield failed("HANDOVER_INVALID", f"{name} has other keys than were handed over before")
    wanted = (log, one.batch + 1, one.batch)
    if (checkpoint.origin, checkpoint.size, proof.index) != wanted:
        yield failed(
            "HANDOVER_INVALID",
            f"{one.tlog_proof.name} is of index {proof.index} under size {checkpoint.size} of "
            f"{shown(checkpoint.origin)}",
        )
    try:
        case.trust.signers(one)
    except FormatError as error:
        where = f"{one.tlog_proof.name}: {error}"
        if error.code == "KEY_TYPE_UNKNOWN":
            yield not_checked("KEY_TYPE_UNKNOWN", where)
        else:
            yield failed("HANDOVER_INVALID", where)


def step_5_4(case: Case) -> Iterator[Trouble]:
    """It bears a signature of a trusted key, and every signature by a trusted key is good."""
    case.trust.need_pin()
    for batch in case.evidence.batches:
        try:
            notes.verify(case.checkpoint(batch).note, case.trust.keys(batch))
        except FormatError as error:
            where = f"checkpoint of batch {batch}: {error.message}"
            if error.code == "NOTE_KEY_UNKNOWN":
                yield not_checked("CHECKPOINT_KEY_NOT_PINNED", where)
            else:
                yield failed("CHECKPOINT_SIGNATURE", where)


def step_5_5(case: Case) -> Iterator[Trouble]:
    """Every trusted key that signed is in the header's key set, and every key of that set signed."""
    for batch in case.evidence.batches:
        note = case.checkpoint(batch).note
        lines = {(one.name, one.key_id) for one in note.signatures}
        in_force = case.trust.key_set(case.batch_header(batch).header.keys).checkpoint
        # Whether the signatures of trusted keys are good, and whether there is one, is step 5.4's.
        signed = [key for key in case.trust.keys(batch) if (key.name, key.key_id) in lines]
        for key in signed:
            if key not in in_force:
                yield failed(
                    "KEY_NOT_IN_FORCE", f"batch {batch}: {shown(key.text)} is not in its key set"
                )
        for key in in_force:
            if key not in signed:
                yield from _signed_by(note, batch, key)


def _signed_by(note: Note, batch: int, key: VKey) -> Iterator[Trouble]:
    try:
        notes.verify_each(note, [key])
    except FormatError as error:
        where = f"batch {batch}, key {shown(key.text)}: {error.message}"
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
        if origin != case.trust.need_pin().name:
            yield not_checked("OTHER_CHECKPOINT_FORM", f"{name}: it is of {shown(origin)}")
            continue
        fault = _signature_fault(case, part.need())
        if fault is not None:
            yield not_checked("OTHER_CHECKPOINT_NOT_SIGNED", f"{name}: {fault.message}")


def signed_by_the_log(case: Case) -> Iterator[tuple[str, SignedCheckpoint]]:
    """Name and content of the checkpoints of others that step 5.6 lets pass."""
    for part in case.other_checkpoints:
        other = part.value
        if other is None or other.origin != case.trust.need_pin().name:
            continue
        if _signature_fault(case, other) is None:
            yield ascii(part.name), other


def _signature_fault(case: Case, other: SignedCheckpoint) -> FormatError | None:
    try:
        notes.verify(other.note, case.trust.keys(other.size - 1))
    except FormatError as error:
        return error
    return None
