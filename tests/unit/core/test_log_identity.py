"""A log is named by four things, each of its form."""

import pytest

from notary.core.log_identity import LogIdentity
from verifier.format import numbers
from verifier.format.errors import FormatError


def test_the_tag_is_the_one_in_matter_numbers() -> None:
    identity = LogIdentity(1, b"\x11" * 20, b"\x22" * 20, "notary.example/log")
    assert identity.tag == numbers.log_tag(1, b"\x11" * 20, b"\x22" * 20)
    assert str(identity).startswith("notary.example/log on chain 1, contract 0x1111")


@pytest.mark.parametrize(
    ("chain_id", "contract", "name", "code"),
    [
        (1, b"\x11" * 20, "No Name", "LOG_NAME"),
        (1, b"\x11" * 19, "notary.example/log", "LOG_TAG_FORM"),
        (-1, b"\x11" * 20, "notary.example/log", "LOG_TAG_FORM"),
    ],
)
def test_a_malformed_identity_is_refused(
    chain_id: int, contract: bytes, name: str, code: str
) -> None:
    with pytest.raises(FormatError, match=code):
        LogIdentity(chain_id, contract, b"\x22" * 20, name)
