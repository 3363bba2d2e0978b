"""A store's key encryption key without a store."""

from __future__ import annotations

from notary.core import envelope
from notary.core.keks import StoreKek


def log_secret(key: bytes, nonce: bytes = bytes(envelope.NONCE_LENGTH)) -> bytes:
    """The log's lookup secret as a store has it that wraps with this key."""
    context = envelope.wrap_context(envelope.LOG_LOOKUP, 0, b"")
    return envelope.wrap(envelope.kek_cipher(key), bytes(envelope.SECRET_LENGTH), nonce, context)


def store_kek(key: bytes) -> StoreKek:
    """The keys of a service whose folder holds one."""
    return StoreKek(lambda: [key], log_secret(key))
