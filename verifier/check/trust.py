"""Owns whom the person trusts of those who sign for a package's log: pinned keys, and those handed over to.

Spec: docs/spec/verification.md §1, format.md §10. Proved by tests/hostile/attacks/keys.py.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

from verifier.check.chain_proof import ProofCase
from verifier.check.evidence import Evidence, HandOver, HeaderFile, Part
from verifier.check.policy import Pin
from verifier.check.rows import Blocked
from verifier.format import key_sets, trees
from verifier.format.digests import Digest
from verifier.format.errors import FormatError
from verifier.format.key_sets import KeySet
from verifier.format.notes import VKey
from verifier.format.statement import Log


class Trust:
    """The keys of one case. As in a case, a property whose material is missing raises Blocked."""

    def __init__(self, proof: ProofCase, evidence: Evidence, log_name: Callable[[], str]) -> None:
        self._proof = proof
        self._evidence = evidence
        self._log_name = log_name

    @cached_property
    def pin(self) -> Pin | None:
        """The policy's pin of this log, if there is one."""
        of = self._proof.evm
        return self._proof.policy.pin_of(
            Log(of.chain_id, of.contract, of.log_address, self._log_name())
        )

    def need_pin(self) -> Pin:
        """The pin. Raises Blocked if the log is not pinned."""
        if self.pin is None:
            raise Blocked("a pin of this log in the policy")
        return self.pin

    @property
    def key_naming_headers(self) -> list[Part[HeaderFile]]:
        """Those of hand-overs, then those of shown batches."""
        handed_over = [one.header for one in self._evidence.hand_overs.values()]
        return handed_over + [one.header for one in self._evidence.batches.values()]

    @cached_property
    def named_key_sets(self) -> Mapping[str, str]:
        """Hex digests of the key sets that these headers name, and the file that names each."""
        found: dict[str, str] = {}
        for part in self.key_naming_headers:
            if part.value is not None:
                found.setdefault(part.value.header.keys.hex(), part.name)
        # Of a hand-over the next set as well: its keys are handed over to.
        for one in self._evidence.hand_overs.values():
            if one.header.value is not None:
                found.setdefault(one.header.value.header.next_keys.hex(), one.header.name)
        return found

    def key_set(self, digest: Digest) -> KeySet:
        """The key set of a digest. Blocked if the package has none that is it."""
        part = self._evidence.key_sets.get(digest.hex())
        if part is None or part.value is None or part.value.digest != digest:
            raise Blocked(f"the key set {digest.hex()}")
        return part.value.key_set

    @cached_property
    def hand_overs(self) -> Mapping[int, KeySet]:
        """The key sets to which keys were handed over that the person trusts, by batch.

        The batch is the first that the set signs. A hand-over counts if its own set signed it and
        one of that set's keys is trusted; whether all else of it holds, step 5.3 says.
        """
        found: dict[int, KeySet] = {}
        for batch, one in self._evidence.hand_overs.items():
            trusted = {key.text for key in self._trusted(found)}
            try:
                in_force = self.signers(one)
                if trusted.isdisjoint(key.text for key in in_force.checkpoint):
                    continue
                found[batch + 1] = self.key_set(one.header.need().header.next_keys)
            except (Blocked, FormatError):
                continue
        return found

    def signers(self, one: HandOver) -> KeySet:
        """The key set of a hand-over's header, each key of which signed that it is in the log.

        Else anybody could write a header that hands over to himself beside a checkpoint of the log.
        Raises FormatError.
        """
        header, checkpoint = one.header.need(), one.checkpoint.need()
        key_set = self.key_set(header.header.keys)
        path = one.tlog_proof.need().path
        trees.check_inclusion(header.hash, one.batch, checkpoint.size, path, checkpoint.root)
        key_sets.check_checkpoint(checkpoint.note, key_set)
        return key_set

    def _trusted(self, hand_overs: Mapping[int, KeySet]) -> tuple[VKey, ...]:
        keys = {key.text: key for key in self.need_pin().vkeys}
        for key_set in hand_overs.values():
            keys.update({key.text: key for key in key_set.checkpoint if key.known})
        return tuple(keys.values())

    def keys(self, batch: int) -> tuple[VKey, ...]:
        """The checkpoint keys that the person trusts for `batch`: pinned, or handed over to."""
        before = {at: keys for at, keys in self.hand_overs.items() if at <= batch}
        return self._trusted(before)

    @property
    def receipt_keys(self) -> tuple[VKey, ...]:
        """The receipt keys that the person trusts: pinned, or handed over to."""
        keys = {key.text: key for key in self.need_pin().receipt_vkeys}
        keys.update({one.receipt.text: one.receipt for one in self.hand_overs.values()})
        return tuple(keys.values())
