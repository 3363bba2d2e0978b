"""Steps 4.1 to 4.12: the chain proof (docs/spec/verification.md §3, anchor.md).

Those that need no package work on a `ChainProof`, so that `verifier anchor` runs the same.
"""

from collections.abc import Iterator
from itertools import pairwise

from verifier.check.case import Case
from verifier.check.chain_proof import KNOWN_HASH_RULES, ChainProof, ProofCase, moment
from verifier.check.rows import Blocked, Trouble, failed, not_checked
from verifier.format import evm
from verifier.format.errors import FormatError
from verifier.format.times import format_time


def step_4_1(proof: ChainProof) -> Iterator[Trouble]:
    """`evm.json` parses."""
    error = proof.document.error
    if error is not None:
        yield failed(f"EVM_FORM:{error.code}", error.message)
    proof.document.need()


def step_4_2(case: Case) -> Iterator[Trouble]:
    """The log is pinned, and every shown anchor and the last one lie in [from, until)."""
    document = case.evm
    if case.trust.pin is None:
        yield not_checked(
            "LOG_NOT_PINNED",
            f"the policy does not pin log {case.log_name} on chain {document.chain_id}, "
            f"contract 0x{document.contract.hex()}, account 0x{document.log_address.hex()}",
        )
        return
    pin = case.trust.pin
    # The last anchor makes the log look alive (step 8.7), also where it repeats a checkpoint.
    for index in sorted({*case.shown_links, len(document.links) - 1}):
        anchored = moment(document.links[index].time)
        if anchored < pin.since or (pin.until is not None and anchored >= pin.until):
            yield not_checked(
                "PIN_NOT_IN_FORCE",
                f"the anchor of {format_time(anchored)} is outside the time of the pin",
            )


def step_4_3(case: ProofCase) -> Iterator[Trouble]:
    """The chain's hash rule is known."""
    if case.chain is None:
        raise Blocked(f"chain {case.evm.chain_id} in the policy")
    if case.chain.hash_rule not in KNOWN_HASH_RULES:
        yield not_checked(
            "HASH_RULE_UNKNOWN",
            f"chain {case.chain.id} has hash rule {case.chain.hash_rule!a}; "
            f"this verifier knows {', '.join(sorted(KNOWN_HASH_RULES))}",
        )


def step_4_4(proof: ChainProof) -> Iterator[Trouble]:
    """The as-of header is canonical RLP with a known number of fields."""
    error = proof.header_part.error
    if error is not None:
        yield failed(f"HEADER_FORM:{error.code}", error.message)


def step_4_5(proof: ChainProof) -> Iterator[Trouble]:
    """The account proof holds under its state root."""
    error = proof.account.error
    if error is not None:
        yield failed("ACCOUNT_PROOF", str(error))


def step_4_6(proof: ChainProof) -> Iterator[Trouble]:
    """The account's code hash is the contract's."""
    try:
        evm.check_code_hash(proof.account.need())
    except FormatError as error:
        yield failed("CODE_HASH", error.message)


def step_4_7(proof: ChainProof) -> Iterator[Trouble]:
    """The slot proof holds, at the key recomputed from the log address."""
    error = proof.slot.error
    if error is not None:
        yield failed("SLOT_PROOF", str(error))


def step_4_8(proof: ChainProof) -> Iterator[Trouble]:
    """The fold links lead to the slot's value."""
    head = proof.contract_heads[-1]
    slot = proof.slot.need()
    if head != slot:
        yield failed(
            "FOLD_MISMATCH", f"the links lead to {head.hex()}, the slot holds {slot.hex()}"
        )


def step_4_9(case: Case) -> Iterator[Trouble]:
    """Every shown checkpoint is a link, same size and root; the first link is the first shown."""
    links = case.first_link
    for batch in case.evidence.batches:
        checkpoint = case.checkpoint(batch)
        if (checkpoint.size, checkpoint.root) not in links:
            yield failed(
                "CHECKPOINT_NOT_ANCHORED",
                f"no link has size {checkpoint.size} and root {checkpoint.root.hex()}, "
                f"which the checkpoint of batch {batch} has",
            )
    first = min(case.links_that_need_a_leg)
    if first > 0:
        yield failed("LINK_UNUSED", f"the first link that is shown is link {first}")


def step_4_10(proof: ChainProof) -> Iterator[Trouble]:
    """Every leg holds (anchor.md §5) and the first and the last shown anchor have one."""
    document = proof.evm
    for leg in document.legs:
        try:
            evm.check_leg(
                leg,
                prev=proof.contract_heads[leg.link],
                link=document.links[leg.link],
                chain_id=document.chain_id,
                contract=document.contract,
                log_address=document.log_address,
            )
        except FormatError as error:
            yield failed("LEG_INVALID", f"leg of link {leg.link}: {error}")
            continue
        found, as_of = evm.parse_header(leg.header), proof.header
        if found.number > as_of.number or (found.number == as_of.number and found.raw != as_of.raw):
            yield failed(
                "LEG_INVALID",
                f"leg of link {leg.link}: its block {found.number} 0x{found.hash.hex()} is not at or "
                f"before the as-of block {as_of.number} 0x{as_of.hash.hex()}",
            )
    with_leg = {_checkpoint(proof, leg.link) for leg in document.legs}
    for index in sorted(proof.links_that_need_a_leg):
        # A checkpoint that was anchored twice is shown by any of its links.
        if _checkpoint(proof, index) not in with_leg:
            yield failed("LEG_MISSING", f"link {index} has no leg")


def _checkpoint(proof: ChainProof, index: int) -> tuple[int, bytes]:
    link = proof.evm.links[index]
    return link.size, link.root


def step_4_11(proof: ChainProof) -> Iterator[Trouble]:
    """The last link is not after the as-of header, and no link is before its predecessor."""
    links = proof.evm.links
    for index, (before, after) in enumerate(pairwise(links), 1):
        if after.time < before.time:
            yield failed("TIME_BACKWARDS", f"link {index} is before link {index - 1}")
    timestamp = proof.header.timestamp
    if links and links[-1].time > timestamp:
        yield failed(
            "TIME_BACKWARDS", f"the last link has time {links[-1].time}, the block {timestamp}"
        )


def step_4_12(case: Case) -> Iterator[Trouble]:
    """No anchor of the package is after `last_good_head`."""
    yield from untrusted_anchors(case)


def untrusted_anchors(case: Case) -> Iterator[Trouble]:
    """Trouble if the policy does not trust the log up to the last anchor any more."""
    good = case.trust.need_pin().last_good_head
    # Any other place among the heads, or none, leaves anchors that are not trusted any more.
    if good is not None and case.contract_heads[-1] != good:
        yield not_checked(
            "LOG_COMPROMISED", f"the policy trusts the log up to head {good.hex()}, not to the last"
        )
