"""Steps 15.1 to 15.7: what time-stamping authorities say (docs/spec/verification.md §3)."""

from collections.abc import Iterator
from itertools import pairwise

from verifier.check.case import Case
from verifier.check.rows import Trouble, failed, not_checked
from verifier.format import bag
from verifier.format.digests import sha256


def step_15_1(case: Case) -> Iterator[Trouble]:
    """Every token parses."""
    for part in case.evidence.tokens.values():
        if part.error is not None:
            yield failed(f"TOKEN_FORM:{part.error.code}", f"{part.name}: {part.error.message}")


def step_15_2(case: Case) -> Iterator[Trouble]:
    """The imprint is that of the checkpoint's text, of a renewal that of the token before it."""
    for place, part in case.evidence.tokens.items():
        if place.number == 0:
            wanted, of = case.shown_text(place.size).encode("utf-8"), "the checkpoint's text"
        else:
            before = case.token(place._replace(number=place.number - 1))
            wanted, of = before.raw, "the token before it"
        # format.md §15: H over the text, or over the DER of the token that is renewed
        if part.need().imprint != sha256(wanted):
            yield failed("TOKEN_MISMATCH", f"{part.name} is not over {of}")


def step_15_3(case: Case) -> Iterator[Trouble]:
    """Every token is signed by the certificate that it names, as far as that can be judged."""
    for part in case.evidence.tokens.values():
        fault = case.token_chains.signature_fault(part.need())
        if fault is not None and fault.code == "TOKEN_SIGNATURE":
            yield failed("TOKEN_SIGNATURE", f"{part.name}: {fault.message}")


def step_15_4(case: Case) -> Iterator[Trouble]:
    """That certificate is one for time-stamping alone, and valid at the token's time."""
    for part in case.evidence.tokens.values():
        fault = case.token_chains.certificate_fault(part.need())
        if fault is not None:
            yield failed(fault.code, f"{part.name}: {fault.message}")


def step_15_5(case: Case) -> Iterator[Trouble]:
    """Every shown checkpoint has a chain of which each token is pinned."""
    if not case.evidence.tokens:
        return
    for size in case.shown_sizes:
        if case.token_chains.pinned(size):
            continue
        chains = case.token_chains.by_size.get(size, ())
        if not chains:
            yield not_checked("TOKEN_MISSING", f"the checkpoint of size {size}")
        for link in [link for chain in chains for link in chain]:
            if link.why_not is not None:
                where = bag.token_name(link.place)
                yield not_checked(link.why_not.code, f"{where}: {link.why_not.message}")


def step_15_6(case: Case) -> Iterator[Trouble]:
    """No renewal is earlier than what it renews; every checkpoint has a chain renewed in time."""
    if not case.evidence.tokens:
        return
    from verifier.check.token_chains import renewed_late

    for chain in [one for several in case.token_chains.by_size.values() for one in several]:
        for before, after in pairwise(chain):
            if after.token.gen_time < before.token.gen_time:
                when = after.token.gen_time.isoformat()
                yield failed("TOKEN_BACKWARDS", f"{bag.token_name(after.place)} is of {when}")
    for size in case.shown_sizes:
        late = [renewed_late(chain) for chain in case.token_chains.pinned(size)]
        if late and all(late):
            names = ", ".join([bag.token_name(link.place) for link in late if link is not None])
            yield not_checked("TOKEN_RENEWED_LATE", names)


def step_15_7(case: Case) -> Iterator[Trouble]:
    """Of the chains renewed in time, every checkpoint has one that begins near its anchor."""
    if not case.evidence.tokens:
        return
    for size in case.shown_sizes:
        if case.token_chains.near(size):
            continue
        for chain in case.token_chains.in_time(size):
            where, gap = bag.token_name(chain[0].place), case.token_chains.gap(chain)
            yield not_checked("TOKEN_GAP", f"{where} is {gap} away from its anchor")
