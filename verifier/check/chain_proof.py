"""Owns what the steps of a chain proof work on: the proof, and the person before whom it lies.

A package's case has one; `verifier anchor` and `verifier receipt` have nothing else. Nothing here
judges; what is missing raises Blocked, as in `case`. Proved by tests/unit/check/test_anchor_check.py
and the tests of the steps.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from verifier.check import block_lists
from verifier.check.blocks import BlockId, BlockSource, Standing, weigh
from verifier.check.evidence import Part, attempt
from verifier.check.inputs import Inputs
from verifier.check.policy import Chain, Policy
from verifier.check.rows import Blocked
from verifier.format import fold
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.evm import (
    HASH_RULE,
    Account,
    Header,
    check_account,
    check_never_anchored,
    check_slot,
    parse_header,
)
from verifier.format.evm_document import EvmDocument
from verifier.format.times import block_moment

KNOWN_HASH_RULES = frozenset({HASH_RULE})


def moment(seconds: int) -> datetime:
    """The moment of a block time. Raises Blocked if no four-digit year names it."""
    try:
        return block_moment(seconds)
    except FormatError as error:
        raise Blocked(f"a time that can be written: {error.message}") from error


class ChainProof:
    """One chain proof and what follows from it; also what `verifier anchor` works on."""

    def __init__(self, document: Part[EvmDocument]) -> None:
        self.document = document

    @property
    def evm(self) -> EvmDocument:
        """The chain proof as it parsed."""
        return self.document.need()

    @cached_property
    def _header_part(self) -> Part[Header]:
        raw = self.evm.as_of.header
        return attempt("as-of header", lambda: parse_header(raw))

    @property
    def header_part(self) -> Part[Header]:
        """The as-of header, or why it is none."""
        return self._header_part

    @property
    def header(self) -> Header:
        """The as-of header."""
        return self.header_part.need()

    @cached_property
    def account(self) -> Part[Account]:
        """The contract's account under the as-of header's state root."""
        document, root = self.evm, self.header.state_root
        return attempt(
            "account proof",
            lambda: check_account(root, document.contract, document.as_of.account_proof),
        )

    @cached_property
    def slot(self) -> Part[Digest]:
        """The log's head under the account's storage root; zero where it never anchored."""
        document, root = self.evm, self.account.need().storage_root
        prove = check_slot if document.links else check_never_anchored
        return attempt(
            "slot proof",
            lambda: prove(root, document.log_address, document.as_of.storage_proof),
        )

    @cached_property
    def contract_heads(self) -> list[Digest]:
        """The contract's head before the first link, and after each."""
        return [self.evm.prev, *fold.open_links(self.evm.prev, self.evm.links)]

    @cached_property
    def leg_headers(self) -> list[Part[Header]]:
        """The header of each leg."""
        return [
            attempt(f"header of leg {i}", lambda raw=leg.header: parse_header(raw))  # type: ignore[misc]
            for i, leg in enumerate(self.evm.legs)
        ]

    @property
    def links_that_need_a_leg(self) -> set[int]:
        """The first and the last link that are used: of a chain proof alone, its ends."""
        return {0, len(self.evm.links) - 1}


class ProofCase(ChainProof):
    """A chain proof before the person who checks it."""

    def __init__(self, document: Part[EvmDocument], policy: Policy, inputs: Inputs) -> None:
        super().__init__(document)
        self.policy = policy
        self.inputs = inputs
        # What sources say that are asked only once it is known of which blocks; written by the
        # driver.
        self.answers: Sequence[BlockSource] = ()

    @property
    def chain(self) -> Chain | None:
        """The chain as the policy describes it, if it does."""
        return self.policy.chains.get(self.evm.chain_id)

    @property
    def hash_rule_known(self) -> bool:
        """Whether this verifier can hash the chain's headers."""
        # A chain that the policy does not list has no rule that could be unknown; step 4.2 says
        # that nothing of it is pinned.
        return self.chain is None or self.chain.hash_rule in KNOWN_HASH_RULES

    def _check_hash_rule(self) -> None:
        if not self.hash_rule_known:
            assert self.chain is not None
            raise Blocked(f"the hash rule {self.chain.hash_rule!a}")

    @property
    def header_part(self) -> Part[Header]:
        """The as-of header, read by the chain's hash rule. Blocked if that is not known."""
        self._check_hash_rule()
        return super().header_part

    @cached_property
    def signed_lists(self) -> list[Part[BlockSource]]:
        """What signed lists of the inputs say that the policy lets count."""

        def read(data: bytes) -> BlockSource:
            return block_lists.check_signed(block_lists.parse_signed(data), self.policy.block_lists)

        return [
            attempt(ascii(f.name)[1:-1], lambda d=f.data: read(d))  # type: ignore[misc]
            for f in self.inputs.signed_lists
        ]

    @cached_property
    def _sources(self) -> list[BlockSource]:
        lists = [part.value for part in self.signed_lists if part.value is not None]
        return [self.inputs.blocks, *lists, *self.answers]

    def standing(self, chain_id: int, number: int, hash_: bytes) -> Standing:
        """What the person's sources make of a header, of whatever chain and for whatever use."""
        limits, block = self.policy.limits, BlockId(chain_id, number)
        return weigh(self._sources, block, hash_, limits.quorum, limits.level)

    @property
    def as_of_standing(self) -> Standing:
        """What the person's sources make of the as-of header."""
        return self.standing(self.evm.chain_id, self.header.number, self.header.hash)
