"""One endpoint of a chain: asks once, and says by its error what a failure means.

Nothing here retries. web3's provider would by default send a raw transaction up to five times;
that is switched off. An endpoint's address may hold a key, so messages name its host alone.
Test: tests/scenarios/anchor/test_chain_adapter.py, against a proxy that breaks.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from notary.adapters.chain.libraries import HTTPProvider, RPCEndpoint, Web3Exception
from notary.chain_ports import ChainAway
from notary.errors import OutcomeUnknown

TEXT_LIMIT = 200  # characters of a node's error
CODE_LIMIT = 20  # of its code, which should be a small number
TIMEOUT_S = 20  # all receipts of a full block come in one answer of some megabytes


class Refused(Exception):
    """The node answered the call with an error. `code` is JSON-RPC's."""

    def __init__(self, method: str, code: object, message: object) -> None:
        said = f"{foreign_text(str(code), CODE_LIMIT)} {foreign_text(str(message))}"
        super().__init__(f"{method}: {said}")
        self.method = method
        self.code = code


class Rpc:
    """JSON-RPC over HTTP, one request for one call."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout_s},
            # The sender alone decides what is sent again, after it has looked.
            exception_retry_configuration=None,
        )
        self.host = urlsplit(url).netloc.rpartition("@")[2]

    def send(self, method: str, *params: Any) -> Any:
        """The result of a call that may have an effect.

        Raises ChainAway if no connection could be made, Refused if the node answered with an
        error, OutcomeUnknown if the request may have arrived and no answer can be read.
        """
        try:
            answer = self._provider.make_request(RPCEndpoint(method), list(params))
        except requests.exceptions.ConnectionError as error:
            if _never_connected(error):
                raise ChainAway(
                    "ENDPOINT_AWAY",
                    f"{self.host}: no connection for {method}. Start the node or mend its address.",
                ) from error
            raise self._silent(method, error) from error
        # What the provider's reader raises for an answer that is not JSON, or has too many brackets.
        except (requests.RequestException, Web3Exception, ValueError, RecursionError) as error:
            raise self._silent(method, error) from error
        reply: Any = answer  # whatever a node may send
        if not isinstance(reply, dict) or ("result" in reply) == ("error" in reply):
            raise OutcomeUnknown(
                "ENDPOINT_GARBLED", f"{self.host}: the answer to {method} has no result or error"
            )
        if "error" in reply:
            refusal = reply["error"]
            found = refusal if isinstance(refusal, dict) else {"message": refusal}
            raise Refused(method, found.get("code"), found.get("message"))
        return reply["result"]

    def ask(self, method: str, *params: Any) -> Any:
        """The result of a call without effect. Raises ChainAway or Refused."""
        try:
            return self.send(method, *params)
        except OutcomeUnknown as error:
            raise ChainAway(error.code, str(error)) from error

    def _silent(self, method: str, error: Exception) -> OutcomeUnknown:
        # The text of a foreign error may hold the whole address; its type says enough.
        return OutcomeUnknown(
            "ENDPOINT_SILENT", f"{self.host}: no answer to {method} ({type(error).__name__})"
        )


def foreign_text(text: str, limit: int = TEXT_LIMIT) -> str:
    """What a node wrote, fit for a log, an alarm, and a package: no control characters and no essay."""
    return "".join(c if " " <= c <= "~" else "?" for c in text[:limit])


def _never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """Whether not even a connection came about, so that the node can't have read anything."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", cause), NewConnectionError)
