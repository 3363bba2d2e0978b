"""Steps 17.1 to 17.9: events of foreign contracts (docs/spec/verification.md §3, anchor.md §6).

What keeps one event from being asked keeps no other from it: the step is blocked after the last.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from verifier.check.case import Case
from verifier.check.chain_events import EventRecord
from verifier.check.chain_proof import KNOWN_HASH_RULES
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.check.steps.finality import different, disputed
from verifier.format import chain_event, evm
from verifier.format.chain_event import Claims
from verifier.format.errors import FormatError

T = TypeVar("T")


def _each(case: Case, ask: Callable[[EventRecord], T]) -> Iterator[tuple[EventRecord, T]]:
    """Every event with what `ask` gives of it; after the last, Blocked if it was for one."""
    first: Blocked | None = None
    for event in case.events:
        try:
            given = ask(event)
        except Blocked as blocked:
            first = first or blocked
        else:
            yield event, given
    if first is not None:
        raise first


def _header_and_claims(event: EventRecord) -> tuple[evm.Header, Claims]:
    return event.header.need(), event.claims.need()


def step_17_1(case: Case) -> Iterator[Trouble]:
    """Every `proof` of a `chain_event` is disclosed and parses (anchor.md §6)."""
    for event in case.events:
        error = event.proof.error
        if error is not None:
            yield failed(f"EVENT_FORM:{error.code}", f"{event.name}: {error.message}")
        elif event.proof.value is None:
            yield not_checked("EVENT_PROOF_WITHHELD", event.name)


def step_17_2(case: Case) -> Iterator[Trouble]:
    """Beside it stand its claims (format.md §7), disclosed and in their shapes."""
    for event in case.events:
        if event.missing:
            yield failed("EVENT_CLAIMS", f"{event.name} does not claim {', '.join(event.missing)}")
        elif event.withheld:
            yield not_checked("EVENT_CLAIM_WITHHELD", f"{event.name}: {', '.join(event.withheld)}")
        elif event.claims.error is not None:
            error = event.claims.error
            yield failed(f"EVENT_CLAIMS:{error.code}", f"{event.name}: {error.message}")


def step_17_3(case: Case) -> Iterator[Trouble]:
    """The policy lists the proof's chain, and its hash rule is known."""
    for event, proof in _each(case, lambda one: one.proof.need()):
        chain = case.policy.chains.get(proof.chain_id)
        if chain is None:
            yield not_checked("EVENT_CHAIN_NOT_LISTED", f"{event.name}: chain {proof.chain_id}")
        elif chain.hash_rule not in KNOWN_HASH_RULES:
            yield not_checked(
                "HASH_RULE_UNKNOWN",
                f"{event.name}: chain {chain.id} has hash rule {chain.hash_rule!a}",
            )


def step_17_4(case: Case) -> Iterator[Trouble]:
    """Its header is canonical RLP with a known number of fields, and is that of the claim."""
    for event in case.events:
        error = event.header.error
        if error is not None:
            yield failed("EVENT_BLOCK", f"{event.name}: {error}")
    for event, (header, claims) in _each(case, _header_and_claims):
        if (header.number, header.hash) != (claims.number, claims.hash):
            yield failed(
                "EVENT_BLOCK",
                f"{event.name} claims block {claims.number} 0x{claims.hash.hex()}, the header is "
                f"{header.number} 0x{header.hash.hex()}",
            )


def step_17_5(case: Case) -> Iterator[Trouble]:
    """Transaction and receipt are proved in it, of one known type, of the chain, and a success."""
    for event in case.events:
        error = event.log.error
        if error is not None:
            yield failed("EVENT_PROOF", f"{event.name}: {error}")
    for event, _ in _each(case, lambda one: one.header.need()):
        kind = chain_event.unknown_type(event.proof.need())
        if kind is not None:
            yield not_checked("EVENT_TYPE_UNKNOWN", f"{event.name}: {evm.type_said(kind)}")


def step_17_6(case: Case) -> Iterator[Trouble]:
    """Chain id, emitter, topics and data are those of the claims."""
    for event, (log, claims) in _each(case, lambda one: (one.log.need(), one.claims.need())):
        pairs = {
            "chain_id": (event.proof.need().chain_id, claims.chain_id),
            "contract": (log.emitter, claims.contract),
            "topics": (log.topics, claims.topics),
            "log_data": (log.data, claims.log_data),
        }
        differing = [name for name, (proved, claimed) in pairs.items() if proved != claimed]
        if differing:
            yield failed("EVENT_DIFFERS", f"{event.name}: {', '.join(differing)}")


def step_17_7(case: Case) -> Iterator[Trouble]:
    """The first topic is the Keccak-256 of the claim `event`, where there is one."""
    for event, claims in _each(case, lambda one: one.claims.need()):
        if claims.event is None:
            continue
        try:
            chain_event.check_signature(claims.event, claims.topics)
        except FormatError as error:
            yield failed("EVENT_SIGNATURE", f"{event.name}: {error.message}")


def step_17_8(case: Case) -> Iterator[Trouble]:
    """The account proof holds and its code hash is the claim `code_hash`, where there is one."""
    for event, (header, claims) in _each(case, _header_and_claims):
        proof = event.proof.need()
        if claims.code_hash is None:
            continue
        if not proof.account_proof:
            yield not_checked("EVENT_CODE_NOT_PROVED", event.name)
            continue
        try:
            proved = chain_event.check_code(proof, header, claims.contract)
        except FormatError as error:
            yield failed("EVENT_CODE", f"{event.name}: {error}")
            continue
        if proved != claims.code_hash:
            yield failed(
                "EVENT_CODE",
                f"{event.name} claims 0x{claims.code_hash.hex()}, proved is 0x{proved.hex()}",
            )


def step_17_9(case: Case) -> Iterator[Trouble]:
    """Some source gives a hash for the header that counts, and none gives another."""
    for event, header in _each(case, lambda one: one.header.need()):
        standing = case.standing(event.proof.need().chain_id, header.number, header.hash)
        if standing.too_low:
            yield not_checked(
                "EVENT_BLOCK_UNCONFIRMED",
                f"{event.name}: compare with a source of your own: {standing.words()}",
            )
        yield from different(standing)
        yield from disputed(standing)
