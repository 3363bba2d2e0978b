"""The chain account of a log in its key folder: keystore file, and the password that opens it.

Imports no chain library before the account is made or first signs: most commands need neither.
Tests: tests/scenarios/anchor/test_chain_adapter.py, tests/scenarios/service/test_service.py.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from notary.chain_ports import SignedTransaction, Signer, TransactionFields
from notary.errors import CallerError

KEYSTORE = "chain-account.json"
PASSWORD = "chain-account.password"  # noqa: S105 - a file's name
PASSWORD_VARIABLE = "NOTARY_CHAIN_PASSWORD"  # noqa: S105 - a variable's name


def create(folder: Path) -> bytes:
    """Make a new account in the key folder; its address, 20 bytes. Refuses to replace one."""
    from notary.adapters.chain.keystore import create_keystore

    return create_keystore(folder / KEYSTORE, _new_password(folder))


def _new_password(folder: Path) -> str:
    """The chain account's password: the operator's by the environment, else a random one in a file."""
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    password = secrets.token_urlsafe(32)
    descriptor = os.open(folder / PASSWORD, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(password)
        file.flush()
        os.fsync(file.fileno())
    return password


class DeferredSigner:
    """The log account's key, decrypted at the first signature: nothing else needs it."""

    def __init__(self, address: bytes, folder: Path) -> None:
        self._address = address
        self._folder = folder
        self._signer: Signer | None = None

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return self._address

    def sign(self, fields: TransactionFields) -> SignedTransaction:
        """Sign; opens the keystore first. Raises CallerError if it is not this log's."""
        if self._signer is None:
            self._signer = self._open()
        return self._signer.sign(fields)

    def _open(self) -> Signer:
        from notary.adapters.chain.keystore import KeystoreSigner

        password = os.environ.get(PASSWORD_VARIABLE)
        path = self._folder / PASSWORD
        if not password:
            try:
                password = path.read_text("ascii")
            except OSError as error:
                raise CallerError(
                    "KEYSTORE_PASSWORD",
                    f"{path} can't be read and {PASSWORD_VARIABLE} is not set: {error.strerror}.",
                ) from error
        signer = KeystoreSigner.open(self._folder / KEYSTORE, password)
        if signer.address != self._address:
            raise CallerError(
                "SIGNER_OF_OTHER_LOG",
                f"{self._folder / KEYSTORE} is of account 0x{signer.address.hex()}, the log's account "
                f"is 0x{self._address.hex()}.",
            )
        return signer
