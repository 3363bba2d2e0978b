"""The key of the log's account in an encrypted keystore file (Web3 Secret Storage, version 3).

coincurve, when installed, signs; eth-keys finds it by itself. Other signers (a KMS, an HSM) are other
adapters of notary.chain_ports.Signer. Test: tests/scenarios/anchor/test_chain_adapter.py.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from notary.adapters.chain.libraries import Account, LocalAccount
from notary.chain_ports import SignedTransaction, TransactionFields
from notary.errors import CallerError

PRIVATE_FILE = 0o600


def create_keystore(path: Path, password: str, *, iterations: int | None = None) -> bytes:
    """Make a new key and store it encrypted. Returns the account's address, 20 bytes.

    `iterations` is scrypt's cost, by default the library's. Refuses to replace a file.
    """
    account: LocalAccount = Account.create()
    content = json.dumps(Account.encrypt(account.key, password, iterations=iterations))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        raise CallerError(
            "KEYSTORE_EXISTS", f"{path} is there already. A log's key is never replaced."
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content + "\n")
        file.flush()
        os.fsync(file.fileno())
    return bytes.fromhex(account.address[2:])


class KeystoreSigner:
    """Signs with the key of a keystore file. The key lies in memory from opening on."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @classmethod
    def open(cls, path: Path, password: str) -> Self:
        """Decrypt the file. Raises CallerError KEYSTORE_UNREADABLE or KEYSTORE_PASSWORD."""
        try:
            content = json.loads(path.read_text("utf-8"))
            key = Account.decrypt(content, password)
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, TypeError, KeyError) as error:
            raise CallerError(
                "KEYSTORE_UNREADABLE", f"{path} is not a keystore file that can be read: {error}"
            ) from error
        except ValueError as error:
            # The library's message says "MAC mismatch" and nothing of the password.
            raise CallerError(
                "KEYSTORE_PASSWORD", f"{path} does not open with this password: {error}"
            ) from error
        return cls(Account.from_key(key))

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return bytes.fromhex(self._account.address[2:])

    def sign(self, fields: TransactionFields) -> SignedTransaction:
        """Sign a transaction of type 2 (EIP-1559) without value and access list."""
        unsigned: dict[str, Any] = {
            "type": 2,
            "chainId": fields.chain_id,
            "nonce": fields.nonce,
            "to": fields.to,
            "value": 0,
            "gas": fields.gas_limit,
            "maxFeePerGas": fields.max_fee,
            "maxPriorityFeePerGas": fields.priority_fee,
            "data": fields.call_data,
            "accessList": [],
        }
        signed = self._account.sign_transaction(unsigned)
        return SignedTransaction(bytes(signed.raw_transaction), bytes(signed.hash))
