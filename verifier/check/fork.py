"""Checks a fork proof for a person who says whom she means (docs/spec/verification.md §9).

A file can prove that the holders of some keys told two stories; whose keys they are, and which
block is on the chain, only the person's own files say. Proved by tests/unit/check/test_fork.py and
tests/hostile/test_forks.py.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from verifier.check import texts
from verifier.check.blocks import BlockId, BlockSource
from verifier.check.chain_proof import KNOWN_HASH_RULES, ProofCase
from verifier.check.evidence import Part
from verifier.check.inputs import Inputs
from verifier.check.judge import troubles_of
from verifier.check.policy import Pin, Policy
from verifier.check.steps import STEPS
from verifier.format import fork, jsonc, notes
from verifier.format.digests import sha256
from verifier.format.errors import FormatError
from verifier.format.fork import Fork, ProvedFork
from verifier.format.jsonc import Json
from verifier.format.notes import Note
from verifier.format.statement import write_log

FORMAT = "notary-fork-check/1"
MAX_BYTES = 16 * 2**20  # format.md §2: a document of the format

EXIT_PROVED = 0
EXIT_NOT_PROVED = 2
EXIT_NOT_CONFIRMED = 3


class ForkCheck(NamedTuple):
    """What was found; `code` is None where the fork is proved."""

    exit: int
    code: str | None
    detail: str
    fork: Fork | None = None
    proof: ProvedFork | None = None

    def json(self) -> bytes:
        """One canonical JSON object."""
        proof = self.proof
        return jsonc.encode(
            {
                "format": FORMAT,
                "exit": self.exit,
                "proved": self.exit == EXIT_PROVED,
                "code": self.code,
                "detail": self.detail,
                "log": None if self.fork is None else write_log(self.fork.log),
                "kind": None if self.fork is None else self.fork.kind,
                "sentence": None if proof is None else proof.sentence,
                "signers": _signers(proof),
                "block": _block(proof),
            }
        )

    def text(self) -> str:
        """For people."""
        lines = []
        if self.code is None:
            lines.append("FORK: proved: this log told two stories that can't both be true")
        else:
            text = texts.text_of(self.code)
            words = {EXIT_NOT_PROVED: "not proved", EXIT_NOT_CONFIRMED: "not confirmed"}[self.exit]
            en, zh = texts.sentences(self.code, self.detail)
            lines += [f"FORK: {words}: {self.code}: {en}", f"  {text.do_en}", f"  {zh}"]
        if self.fork is not None:
            log = self.fork.log
            lines.append(
                f"  log {log.name} on chain {log.chain_id}, contract 0x{log.contract.hex()}, "
                f"account 0x{log.log_address.hex()}"
            )
        if self.proof is not None:
            lines.append(f"  {self.proof.fork.kind}: {self.proof.sentence}")
            for keys in self.proof.key_sets:
                lines += [f"  signed by {key.text}" for key in keys.checkpoint]
            if self.proof.block is not None:
                block = self.proof.block
                lines.append(f"  under block {block.number} 0x{block.hash.hex()}")
        return "\n".join(lines) + "\n"


def _signers(proof: ProvedFork | None) -> list[Json]:
    if proof is None:
        return []
    return [
        {
            "digest": sha256(jsonc.as_bytes(text)).hex(),
            "vkeys": [key.text for key in keys.checkpoint],
        }
        for text, keys in zip(proof.fork.keys, proof.key_sets, strict=True)
    ]


def _block(proof: ProvedFork | None) -> Json:
    if proof is None or proof.block is None:
        return None
    return {
        "chain_id": proof.fork.log.chain_id,
        "number": proof.block.number,
        "hash": "0x" + proof.block.hash.hex(),
    }


def check_fork(
    data: bytes,
    policy: Policy | None,
    inputs: Inputs,
    ask: Callable[[Sequence[BlockId]], Sequence[BlockSource]] | None = None,
) -> ForkCheck:
    """Check the bytes of a fork proof against what the person trusts; `ask` asks nodes of its block."""
    found: Fork | None = None
    try:
        found = fork.parse(data)
        proof = fork.check(found)
    except FormatError as error:
        if error.code == "KEY_TYPE_UNKNOWN":
            code, exit_ = "FORK_KEY_TYPE_UNKNOWN", EXIT_NOT_CONFIRMED
        else:
            code, exit_ = f"FORK_NOT_PROVED:{error.code}", EXIT_NOT_PROVED
        return ForkCheck(exit_, code, error.message, found)

    def not_confirmed(code: str, detail: str) -> ForkCheck:
        return ForkCheck(EXIT_NOT_CONFIRMED, code, detail, found, proof)

    pin = None if policy is None else policy.pin_of(found.log)
    if policy is None or pin is None:
        why = "no policy is given" if policy is None else "the policy does not pin this log"
        return not_confirmed("FORK_NOT_PINNED", why)
    for which, note in zip(("first", "second"), proof.notes, strict=False):
        missing = _types_without_pinned_signer(note, pin)
        if missing:
            return not_confirmed(
                "FORK_NOT_PINNED",
                f"no pinned key of type {missing[0]:#04x} signed the {which} checkpoint",
            )
    if pin.last_good_head is not None:
        return not_confirmed("FORK_LOG_COMPROMISED", f"log {pin.name}")
    if proof.block is not None:
        rule = policy.chains[pin.chain_id].hash_rule
        if rule not in KNOWN_HASH_RULES:
            return not_confirmed("FORK_BLOCK_NOT_CONFIRMED", f"hash rule {rule!a} is unknown")
        # Sources count as they do for a package, whose as-of block is this one.
        case = ProofCase(Part("the fork proof"), policy, inputs)
        block = BlockId(pin.chain_id, proof.block.number)
        if ask is not None:
            case.answers = ask([block])
        standing = case.standing(*block, proof.block.hash)
        if standing.own_differs is not None:
            return ForkCheck(
                EXIT_NOT_PROVED, "FORK_BLOCK_DIFFERENT", standing.words(), found, proof
            )
        for trouble in troubles_of(STEPS["9.4"], case):
            return not_confirmed("FORK_BLOCK_NOT_CONFIRMED", f"{trouble.code}: {trouble.detail}")
        if standing.disputed or standing.too_low:
            return not_confirmed("FORK_BLOCK_NOT_CONFIRMED", standing.words())
    return ForkCheck(EXIT_PROVED, None, "", found, proof)


def _types_without_pinned_signer(note: Note, pin: Pin) -> list[int]:
    """The signature types of the pin of which no pinned key signed the note.

    Every type counts: whoever breaks one of two schemes must not be able to frame the log.
    """
    missing = []
    for kind in sorted({key.kind for key in pin.vkeys}):
        try:
            notes.verify(note, [key for key in pin.vkeys if key.kind == kind])
        except FormatError:
            missing.append(kind)
    return missing
