"""Of several key encryption keys the store's own wraps, and any at hand unwraps."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from notary.core import envelope
from notary.core.keks import StoreKek
from notary.errors import CallerError
from tests.simulators.keks import log_secret

OLD, NEW = b"o" * 32, b"n" * 32
NONCE, CONTEXT = bytes(12), b"context"


def under(key: bytes) -> bytes:
    return envelope.kek_cipher(key).encrypt(NONCE, b"secret", CONTEXT)


@pytest.mark.parametrize("order", [[OLD, NEW], [NEW, OLD]])
def test_the_key_that_opens_the_stores_secret_wraps(order: list[bytes]) -> None:
    for key in order:
        kek = StoreKek(lambda: order, log_secret(key))
        assert kek.encrypt(NONCE, b"secret", CONTEXT) == under(key)
        assert [kek.decrypt(NONCE, under(one), CONTEXT) for one in order] == [b"secret"] * 2


def test_a_row_under_a_key_that_came_later_is_read_and_the_old_one_wraps_on() -> None:
    folder = [OLD]
    kek = StoreKek(lambda: folder, log_secret(OLD))
    folder[:] = [NEW, OLD]
    assert kek.decrypt(NONCE, under(NEW), CONTEXT) == b"secret"
    assert kek.encrypt(NONCE, b"secret", CONTEXT) == under(OLD)
    kek.settle(log_secret(NEW, b"1" * 12))
    assert kek.encrypt(NONCE, b"secret", CONTEXT) == under(NEW)


def test_the_old_key_that_is_gone_from_the_folder_still_reads() -> None:
    folder = [OLD]
    kek = StoreKek(lambda: folder, log_secret(OLD))
    folder[:] = [NEW]
    assert kek.decrypt(NONCE, under(NEW), CONTEXT) == b"secret"
    assert kek.decrypt(NONCE, under(OLD), CONTEXT) == b"secret"


def test_a_key_that_opens_nothing_is_refused() -> None:
    with pytest.raises(CallerError) as caught:
        StoreKek(lambda: [OLD], log_secret(NEW))
    assert caught.value.code == "KEYS_OF_OTHER_STORE"
    with pytest.raises(InvalidTag):
        StoreKek(lambda: [OLD], log_secret(OLD)).decrypt(NONCE, under(NEW), CONTEXT)
