"""Checks one chain proof without a package (docs/spec/verification.md §8).

It gives no verdict and no level: it says that the proof holds under a block hash which it prints,
and nothing of whether that block is on any chain. Proved by tests/unit/check/test_anchor_check.py.
"""

from typing import NamedTuple

from verifier.check.chain_proof import ChainProof
from verifier.check.evidence import attempt
from verifier.check.judge import Found, troubles_of
from verifier.check.rows import failed
from verifier.check.steps import ANCHOR_STEPS, STEPS
from verifier.format import evm_document, jsonc
from verifier.format.jsonc import Json

EXIT_HOLDS = 0
EXIT_DOES_NOT_HOLD = 2

FORMAT = "notary-anchor-check/1"


class Wanted(NamedTuple):
    """Which log the proof must be of."""

    chain_id: int
    contract: bytes
    log_address: bytes


class AnchorCheck(NamedTuple):
    """What was found; nothing if the proof holds. The block is None if it could not be read."""

    found: tuple[Found, ...]
    block_number: int | None
    block_hash: bytes | None
    links: int

    @property
    def exit(self) -> int:
        """The process's exit code."""
        return EXIT_DOES_NOT_HOLD if self.found else EXIT_HOLDS

    def json(self) -> bytes:
        """One canonical JSON object."""
        found: list[Json] = [
            {"step": one.step, "code": one.trouble.code, "en": one.trouble.detail}
            for one in self.found
        ]
        return jsonc.encode(
            {
                "format": FORMAT,
                "holds": not self.found,
                "links": self.links,
                "block": self.block_number,
                "block_hash": None if self.block_hash is None else "0x" + self.block_hash.hex(),
                "failures": found,
            }
        )

    def text(self) -> str:
        """For people."""
        if self.found:
            lines = ["ANCHOR: the chain proof does not hold"]
            lines += [
                f"  {one.step} {one.trouble.code}: {one.trouble.detail}" for one in self.found
            ]
        else:
            assert self.block_hash is not None
            lines = [
                f"ANCHOR: the chain proof holds for {self.links} links under block "
                f"{self.block_number} 0x{self.block_hash.hex()}; "
                "whether that block is on the chain was not checked"
            ]
        return "\n".join(lines) + "\n"


def check_anchor(data: bytes, wanted: Wanted) -> AnchorCheck:
    """Run the steps of §8 over the bytes of `evm.json`."""
    proof = ChainProof(attempt("evm.json", lambda: evm_document.parse(data)))
    found: list[Found] = []
    document = proof.document.value
    if document is not None:
        got = Wanted(document.chain_id, document.contract, document.log_address)
        if got != wanted:
            found.append(
                Found(
                    "4.2",
                    failed(
                        "LOG_NOT_PINNED",
                        f"the proof is of chain {got.chain_id}, contract 0x{got.contract.hex()}, "
                        f"account 0x{got.log_address.hex()}",
                    ),
                )
            )
    for number in ANCHOR_STEPS:
        found += [Found(number, trouble) for trouble in troubles_of(STEPS[number], proof)]
    header = None if document is None else proof.header_part.value
    return AnchorCheck(
        tuple(found),
        None if header is None else header.number,
        None if header is None else header.hash,
        0 if document is None else len(document.links),
    )
