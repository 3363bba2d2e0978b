"""Owns what the steps ask of records of foreign events (docs/spec/verification.md §3, 17.1 to 17.9).

Like `case`, it judges nothing: a part that can't be read keeps its error for the step that owns it.
Proved by tests/unit/check/test_chain_events.py and tests/hostile/attacks/events.py.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

from verifier.check.evidence import Part, attempt
from verifier.format import chain_event, evm
from verifier.format.chain_event import ChainEvent, Claims
from verifier.format.digests import Digest
from verifier.format.jsonc import Json
from verifier.format.records import Disclosure, Leaf


class Place(NamedTuple):
    """Where a log stands: chain, block, transaction, log within the receipt."""

    chain_id: int
    block: Digest
    index: int  # type: ignore[assignment]  # not the method of tuples
    log_index: int


class EventRecord:
    """A record of kind `chain_event` with the claim `proof`, and what is disclosed of it."""

    def __init__(self, leaf: Leaf, disclosed: Mapping[str, Disclosure], *, rules: set[int]) -> None:
        self.position = leaf.position
        self.name = f"record {leaf.position}"
        self.missing = [name for name in chain_event.REQUIRED if name not in leaf.claims]
        wanted = (*chain_event.REQUIRED, *chain_event.OPTIONAL)
        self.withheld = [n for n in wanted if n in leaf.claims and n not in disclosed]
        self._values = {name: disclosed[name].value for name in wanted if name in disclosed}
        self._proof = disclosed.get(chain_event.PROOF)
        # The chains whose headers this verifier can hash, by the person's policy.
        self._rules = rules

    @property
    def shown_proof(self) -> Json:
        """The disclosed value of the proof, whatever it is; None where there is none."""
        return None if self._proof is None else self._proof.value

    @cached_property
    def proof(self) -> Part[ChainEvent]:
        """The proof as it stands."""
        name, given = f"the proof of {self.name}", self._proof
        return Part(name) if given is None else attempt(name, lambda: chain_event.read(given.value))

    @property
    def place(self) -> Place:
        """Where the log stands."""
        proof = self.proof.need()
        return Place(proof.chain_id, self.header.need().hash, proof.index, proof.log_index)

    @cached_property
    def claims(self) -> Part[Claims]:
        """What the record claims; without value if a claim that must be there is not disclosed."""
        name = f"the claims of {self.name}"
        if self.missing or self.withheld:
            return Part(name)
        return attempt(name, lambda: chain_event.read_claims(self._values))

    @cached_property
    def header(self) -> Part[evm.Header]:
        """The header in the proof, where the policy gives its chain a hash rule that is known."""
        name, proof = f"the header of {self.name}", self.proof.value
        if proof is None or proof.chain_id not in self._rules:
            return Part(name)
        return attempt(name, lambda: evm.parse_header(proof.header))

    @cached_property
    def log(self) -> Part[evm.Log]:
        """The log to which the proof leads."""
        name, proof, header = f"the log of {self.name}", self.proof.value, self.header.value
        if proof is None or header is None or chain_event.unknown_type(proof) is not None:
            return Part(name)
        return attempt(name, lambda: chain_event.check_log(proof, header))
