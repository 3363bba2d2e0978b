"""Opens a matter: draws its number and registers it.

Spec: docs/spec/format.md §4. Test: tests/unit/store/test_matters.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from notary.core.log_identity import LogIdentity
from notary.ports import Entropy, Matter, MatterRegister
from verifier.format import numbers


def open_matter(
    register: MatterRegister,
    identity: LogIdentity,
    entropy: Entropy,
    agency_id: int,
    title: str,
    accounts: Sequence[str] = (),
) -> Matter:
    """A new matter under a new number of this log. Raises CallerError as MatterRegister.add."""
    number = numbers.make(entropy.token(numbers.RANDOM_LENGTH), identity.tag)
    return register.add(agency_id, number.text, title, accounts)
