"""Steps 12.1 to 12.5: what the service promised to others (docs/spec/verification.md §3, §10)."""

from collections.abc import Iterator, Sequence

from verifier.check.case import Case
from verifier.check.chain_proof import moment
from verifier.check.policy import Pin
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.format.batches import BatchHeader
from verifier.format.errors import FormatError
from verifier.format.notes import VKey
from verifier.format.receipts import Body, Receipt, check_receipt
from verifier.format.statement import Kind
from verifier.format.times import format_time


def step_12_1(case: Case) -> Iterator[Trouble]:
    """Each receipt of the inputs parses and concerns this log and matter."""
    for one in case.receipts:
        if one.receipt.error is not None:
            error = one.receipt.error
            yield not_checked(f"RECEIPT_FORM:{error.code}", f"{one.name!a}: {error.message}")
        elif not _concerns(case, one.receipt.need().body):
            yield not_checked("RECEIPT_OF_OTHER", f"{one.name!a} is for another log or matter")


def _concerns(case: Case, body: Body) -> bool:
    document = case.evm
    return (body.chain_id, body.contract, body.log_address, body.log, body.matter) == (
        document.chain_id,
        document.contract,
        document.log_address,
        case.log_name,
        case.key,
    )


def _ours(case: Case) -> Iterator[tuple[str, Receipt]]:
    """Name and receipt of those that step 12.1 lets pass."""
    for one in case.receipts:
        if one.receipt.value is not None and _concerns(case, one.receipt.value.body):
            yield ascii(one.name), one.receipt.value


def unbound(name: str, receipt: Receipt, pin: Pin, keys: Sequence[VKey]) -> Trouble | None:
    """Why a receipt binds nobody whom the person trusts; None if it does."""
    received = receipt.body.received_at
    if received < pin.since or (pin.until is not None and received >= pin.until):
        return not_checked("PIN_NOT_IN_FORCE", f"{name} is of {format_time(received)}")
    try:
        check_receipt(receipt, keys)
    except FormatError as error:
        of_key = error.code == "NOTE_KEY_UNKNOWN"
        code = "RECEIPT_KEY_NOT_PINNED" if of_key else "RECEIPT_SIGNATURE"
        return not_checked(code, f"{name}: {error.message}")
    if pin.last_good_head is not None:
        # The thief dates it as he likes, so that its own time says nothing.
        return not_checked("KEYS_COMPROMISED", name)
    return None


def step_12_2(case: Case) -> Iterator[Trouble]:
    """It is of the pin's time, and signed by a receipt key that is pinned or was handed over to."""
    for name, receipt in _ours(case):
        trouble = unbound(name, receipt, case.trust.need_pin(), case.trust.receipt_keys)
        if trouble is not None:
            yield trouble


def promises(case: Case) -> Iterator[tuple[str, Body]]:
    """Name and body of the receipts that step 12.2 lets pass; any other one contradicts nobody."""
    for name, receipt in _ours(case):
        if unbound(name, receipt, case.trust.need_pin(), case.trust.receipt_keys) is None:
            yield name, receipt.body


def step_12_3(case: Case) -> Iterator[Trouble]:
    """Position below the as-of size: the leaf there has that hash, its head is a prefix."""
    held = [(name, body) for name, body in promises(case) if body.position < case.as_of_size]
    for name, body in held:
        there = case.leaf_hashes.get(body.position)
        if there is None and case.kind is Kind.EXTRACT:
            yield not_checked(
                "RECEIPT_NOT_COMPARABLE", f"{name}: the extract has no leaf {body.position}"
            )
        elif there is None:
            raise Blocked(f"leaf {body.position}")
        elif there != body.leaf:
            yield failed("RECEIPT_CONTRADICTED", f"{name}: leaf {body.position} is another one")
    if case.kind is Kind.COMPLETE and held:
        roots = case.roots_at({body.head.size for _, body in held})
        for name, body in held:
            if roots[body.head.size] != body.head.root:
                yield failed(
                    "RECEIPT_CONTRADICTED",
                    f"{name}: the first {body.head.size} records have another root",
                )


def step_12_4(case: Case) -> Iterator[Trouble]:
    """Position not below it: the receipt's deadline is not before the as-of time."""
    as_of = moment(case.header.timestamp)
    for name, body in promises(case):
        if body.position >= case.as_of_size and body.deadline < as_of:
            yield failed(
                "RECEIPT_CONTRADICTED",
                f"{name}: record {body.position} was promised by {format_time(body.deadline)} and "
                f"is not there as of {format_time(as_of)}",
            )


def _headers(case: Case) -> dict[int, BatchHeader]:
    """Every batch header in the package that can be read, by index."""
    found = {
        batch: shown.header.value.header
        for batch, shown in case.evidence.batches.items()
        if shown.header.value is not None
    }
    if case.history_is_full:
        found |= {batch: one.header for batch, one in enumerate(case.history_headers)}
    if not found:
        raise Blocked("any batch")
    return found


def step_12_5(case: Case) -> Iterator[Trouble]:
    """Its deadline is within `max_deadline_s` of the next header after `received_at`."""
    headers = _headers(case)
    for name, body in promises(case):
        later = [batch for batch, one in headers.items() if one.sealed_at > body.received_at]
        batch = min(later, default=max(headers))
        # Whether it is the next one, only a neighbour tells; another one may allow less.
        before = headers.get(batch - 1)
        is_next = bool(later) and (
            batch == 0 or (before is not None and before.sealed_at <= body.received_at)
        )
        limit = headers[batch].max_deadline_s
        if (body.deadline - body.received_at).total_seconds() > limit:
            trouble = failed if is_next else not_checked
            yield trouble(
                "RECEIPT_DEADLINE_LONG",
                f"{name} of {format_time(body.received_at)} promises record {body.position} by "
                f"{format_time(body.deadline)}, the header of batch {batch} allows {limit} s",
            )
