"""Which log this is: four things together (docs/spec/format.md §3).

Test: tests/unit/core/test_log_identity.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from verifier.format.heads import check_log_name
from verifier.format.numbers import log_tag
from verifier.format.statement import Log


@dataclass(frozen=True)
class LogIdentity:
    """Chain id, contract and log address (20 bytes each) and log name.

    Raises FormatError LOG_NAME or LOG_TAG_FORM.
    """

    chain_id: int
    contract: bytes
    log_address: bytes
    name: str

    def __post_init__(self) -> None:
        check_log_name(self.name)
        log_tag(self.chain_id, self.contract, self.log_address)

    @property
    def tag(self) -> bytes:
        """The four bytes by which a matter number names its log."""
        return log_tag(self.chain_id, self.contract, self.log_address)

    @property
    def log(self) -> Log:
        """The same four as the format names a log."""
        return Log(self.chain_id, self.contract, self.log_address, self.name)

    def __str__(self) -> str:
        return (
            f"{self.name} on chain {self.chain_id}, contract 0x{self.contract.hex()}, "
            f"account 0x{self.log_address.hex()}"
        )
