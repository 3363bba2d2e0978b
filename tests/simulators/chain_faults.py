"""Owns the faults of a chain: what a node or the way to it can do wrong, and crashes around each effect.

The node is a real one. A fault is a rule of the proxy before it, so what applied on the chain and what the
sender was told are both known. What anvil and the proxy can't do has not been met: an empty pool, blocks
that are replaced and a base fee that rises come by anvil's own calls.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from tests.simulators.chain_proxy import Dropped, Forward, Raw, Rule, answered, refused
from tests.simulators.places import Places

T = TypeVar("T")

# What changes something: a row, the chain, or what is known outside.
STORE_WRITES = frozenset(
    {
        "pin",
        "keep_recent_block",
        "seal",
        "advance",
        "add_as_of",
        "release_as_of",
        "drop_as_of",
        "keep_alarms",
        "keep_balance",
        "keep_endpoints",
        "keep_said",
        "orphan_as_ofs",
    }
)
CHAIN_EFFECTS = frozenset({"send"})
SIGNER_EFFECTS = frozenset({"sign"})
PROVER_EFFECTS = frozenset({"check"})

# These come at every step and don't depend on what the step does: the first few stand for all.
REPEATED = ("keep_recent_block", "keep_alarms", "keep_balance")
OF_REPEATED = 2


class _Wrapped:
    def __init__(self, target: object, effects: frozenset[str], point: Places) -> None:
        self._target = target
        self._effects = effects
        self._point = point

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        return self._surrounded(name, found) if name in self._effects else found

    def _surrounded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            detail = f"{name} {type(args[1]).__name__}" if name == "advance" else name
            with self._point.around(detail):
                return method(*args, **kwargs)

        return call


def crashing(target: T, effects: frozenset[str], point: Places) -> T:
    """`target`, whose effects pass by the crash point before and after they apply."""
    return cast("T", _Wrapped(target, effects, point))


# What the sender asks of a node.
METHODS = (
    "eth_chainId",
    "eth_estimateGas",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getBlockReceipts",
    "eth_getCode",
    "eth_getLogs",
    "eth_getProof",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_maxPriorityFeePerGas",
    "eth_sendRawTransaction",
)
PATIENCE_S = 0.3  # of a sender in a test with silent nodes; a call takes a few milliseconds
SILENCE_S = 2 * PATIENCE_S


# On the way: each of these can befall any call. "Applied" ones reach the node first.


def refused_before(_: list[Any], forward: Forward) -> Raw:
    """The node is there and does not take the call."""
    return Raw(502, b"bad gateway")


def acknowledgement_lost(_: list[Any], forward: Forward) -> Raw:
    """Applied; the gateway says otherwise."""
    forward()
    return Raw(502, b"bad gateway")


def closed_before(_: list[Any], forward: Forward) -> Raw:
    """The connection ends, and nothing reached the node."""
    raise Dropped


def closed_after(_: list[Any], forward: Forward) -> Raw:
    """Applied; the connection ends."""
    forward()
    raise Dropped


def silent(seconds: float) -> tuple[Rule, Rule]:
    """No answer in so long: nothing reached the node, and applied."""

    def silent_before(_: list[Any], forward: Forward) -> Raw:
        time.sleep(seconds)
        raise Dropped

    def silent_after(_: list[Any], forward: Forward) -> Raw:
        forward()
        time.sleep(seconds)
        raise Dropped

    return silent_before, silent_after


def garbage(_: list[Any], forward: Forward) -> Raw:
    """Applied; a page for people instead of an answer."""
    forward()
    return Raw(200, b"<html>\xff\x00</html>")


def truncated(_: list[Any], forward: Forward) -> Raw:
    """Applied; the answer ends in the middle."""
    content = json.dumps(forward()).encode()
    return Raw(200, content[: len(content) // 2])


def wrong_id(_: list[Any], forward: Forward) -> dict[str, Any]:
    """Applied; the answer to another call."""
    return forward() | {"id": 987_654_321}


def empty_result(_: list[Any], forward: Forward) -> dict[str, Any]:
    """Applied; nothing is said about it."""
    forward()
    return answered(None)


def error_after(_: list[Any], forward: Forward) -> dict[str, Any]:
    """Applied; the node says that it was refused."""
    forward()
    return refused("nonce too low")


def transport(silence_s: float) -> tuple[Rule, ...]:
    """All of them, with silences of that length."""
    return (
        refused_before,
        acknowledgement_lost,
        closed_before,
        closed_after,
        *silent(silence_s),
        garbage,
        truncated,
        wrong_id,
        empty_result,
        error_after,
    )


TRANSPORT = transport(SILENCE_S)


# By the node: what it says is whole, and not so.


def forging(change: Callable[[Any], None]) -> Rule:
    """Answers what the chain says, changed."""

    def rule(_: list[Any], forward: Forward) -> dict[str, Any]:
        answer = copy.deepcopy(forward())
        if answer.get("result"):
            change(answer["result"])
        return answer

    return rule


def another_digit(text: str) -> str:
    """The text with another last digit."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def _forge_time(block: dict[str, Any]) -> None:
    block["timestamp"] = another_digit(block["timestamp"])


def _forge_status(receipts: list[dict[str, Any]]) -> None:
    receipts[0]["status"] = another_digit(receipts[0]["status"])


def _forge_proof(proof: dict[str, Any]) -> None:
    proof["accountProof"][-1] = another_digit(proof["accountProof"][-1])


def _lagging_count(_: list[Any], forward: Forward) -> dict[str, Any]:
    count = int(forward()["result"], 16)
    return answered(hex(max(0, count - 1)))


def _advanced_count(_: list[Any], forward: Forward) -> dict[str, Any]:
    return answered(hex(int(forward()["result"], 16) + 1))


@dataclass
class StaleBlocks:
    """Shows the block that was the latest when it was first asked."""

    kept: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, params: list[Any], forward: Forward) -> dict[str, Any]:
        if params[0] != "latest":
            return forward()
        return self.kept.setdefault(json.dumps(params), forward())


def lies() -> dict[str, dict[str, Rule]]:
    """What a node can say that is not so: rules by method, by the lie's name."""
    return {
        "lagging nonce": {"eth_getTransactionCount": _lagging_count},
        "nonce ahead": {"eth_getTransactionCount": _advanced_count},
        "stale blocks": {"eth_getBlockByNumber": StaleBlocks()},
        "forged receipt": {"eth_getBlockReceipts": forging(_forge_status)},
        "forged header": {
            "eth_getBlockByHash": forging(_forge_time),
            "eth_getBlockByNumber": forging(_forge_time),
        },
        "forged proof": {"eth_getProof": forging(_forge_proof)},
        "changed chain id": {"eth_chainId": lambda *_: answered("0x1")},
        "receipts denied": {"eth_getTransactionReceipt": lambda *_: answered(None)},
    }


@dataclass
class Once:
    """Lets a rule strike the first call, and the chain answer all others."""

    rule: Rule
    strikes: int = 0

    def __call__(self, params: list[Any], forward: Forward) -> dict[str, Any] | Raw:
        self.strikes += 1
        return self.rule(params, forward) if self.strikes == 1 else forward()
