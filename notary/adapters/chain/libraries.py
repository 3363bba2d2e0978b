"""Loads web3 and eth_account, and leaves the interpreter as it was.

py_ecc, which eth_account brings, lets the interpreter recurse 100,000 deep from its import on. Then a text of
as many brackets, from a file or a node, no longer ends in a RecursionError: the standard library's reader of
JSON overflows the stack, and the process dies. So whatever needs these libraries takes them from here.
Test: tests/scenarios/anchor/test_chain_libraries.py.
"""

import sys

_limit = sys.getrecursionlimit()

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import HTTPProvider
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint

sys.setrecursionlimit(_limit)

__all__ = ["Account", "HTTPProvider", "LocalAccount", "RPCEndpoint", "Web3Exception"]
