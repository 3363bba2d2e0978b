"""Steps 12.1 to 12.4: what the service promised to others (docs/spec/verification.md §3)."""

from collections.abc import Iterator

from verifier.check.case import Case, moment
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.format.errors import FormatError
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


def _signature_fault(case: Case, receipt: Receipt) -> FormatError | None:
    try:
        check_receipt(receipt, case.trusted_receipt_keys)
    except FormatError as error:
        return error
    return None


def step_12_2(case: Case) -> Iterator[Trouble]:
    """It is signed by a receipt key that is pinned or was handed over to."""
    for name, receipt in _ours(case):
        error = _signature_fault(case, receipt)
        if error is not None and error.code == "NOTE_KEY_UNKNOWN":
            yield not_checked("RECEIPT_KEY_NOT_PINNED", f"{name}: {error.message}")
        elif error is not None:
            yield not_checked("RECEIPT_SIGNATURE", f"{name}: {error.message}")


def _promises(case: Case) -> Iterator[tuple[str, Body]]:
    """Name and body of the receipts that a trusted key signed; an unsigned one contradicts none."""
    for name, receipt in _ours(case):
        if _signature_fault(case, receipt) is None:
            yield name, receipt.body


def step_12_3(case: Case) -> Iterator[Trouble]:
    """Position below the as-of size: the leaf there has that hash, its head is a prefix."""
    held = [(name, body) for name, body in _promises(case) if body.position < case.as_of_size]
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
    for name, body in _promises(case):
        if body.position >= case.as_of_size and body.deadline < as_of:
            yield failed(
                "RECEIPT_CONTRADICTED",
                f"{name}: record {body.position} was promised by {format_time(body.deadline)} and "
                f"is not there as of {format_time(as_of)}",
            )
