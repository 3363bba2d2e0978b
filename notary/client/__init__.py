"""A typed client of the service's HTTP interface, for programs that hand in or fetch (docs/client.md).

It stands on the standard library, `verifier.format` and `cryptography`: nothing of the service is loaded, and
a test runs it where nothing else can be imported. Its errors are those of `notary.errors`, classed by what to
do next. Tests: tests/scenarios/client/test_client.py.
"""

from notary.client.checking import Acknowledged, Refusal
from notary.client.client import Client, ServedMatter
from notary.client.exports import Export, Package, Withheld
from notary.client.records import OriginalFile, Record

__all__ = [
    "Acknowledged",
    "Client",
    "Export",
    "OriginalFile",
    "Package",
    "Record",
    "Refusal",
    "ServedMatter",
    "Withheld",
]
