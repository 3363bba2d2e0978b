"""One log on an EVM chain through any number of endpoints, whose words are compared.

Implements notary.chain_ports.Chain by docs/spec/sender.md §10: who is asked, how answers become one, who is
left out. Each endpoint's own words were judged before, by `web3_chain`. With one endpoint nothing is compared
and what it says, or how it fails, is passed on. Test: tests/scenarios/anchor/test_endpoints.py.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from notary.adapters.chain.endpoint import SETTLE, Endpoint
from notary.adapters.chain.rpc import TIMEOUT_S
from notary.adapters.chain.web3_chain import Web3Chain
from notary.chain_ports import (
    ChainAway,
    ChainContradiction,
    ChainIdentity,
    Condition,
    Confirmed,
    CountProof,
    EndpointState,
    Fees,
    HeadProof,
    Inclusion,
    SeenAnchor,
    Simulation,
    Unsettled,
)
from notary.core.intent import Attempt
from notary.core.moments import has_passed
from notary.errors import NotaryError, OutcomeUnknown
from notary.ports import Clock
from verifier.format.digests import Digest
from verifier.format.evm import Header

T = TypeVar("T")
P = TypeVar("P", HeadProof, CountProof)

LAG_BLOCKS = 10  # two minutes of mainnet; nodes that are well differ by one or two
GRACE_S = 5.0  # for the others, once a majority has answered
CALL_REQUESTS = 3  # a call makes some requests; it may take so many times the limit of one
FORGET_SPLITS = timedelta(hours=1)
PROOF = "the block to prove it in"  # a question that does not change with the block
# Errors by which the way to a node or its server fails. Others are answers of the node.
TRANSPORT = frozenset({"ENDPOINT_AWAY", "ENDPOINT_SILENT", "ENDPOINT_GARBLED"})


@dataclass(frozen=True)
class Heard(Generic[T]):
    """What one endpoint answered."""

    endpoint: Endpoint
    value: T


@dataclass(frozen=True)
class Failed:
    """How one endpoint failed to answer."""

    endpoint: Endpoint
    error: NotaryError


class ComparedChain:
    """The log of `log_address` in `contract`, seen through the endpoints at `urls`, which differ by host."""

    def __init__(
        self,
        urls: Sequence[str],
        contract: bytes,
        log_address: bytes,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self._clock = clock
        chains = [Web3Chain(url, contract, log_address, timeout_s=timeout_s) for url in urls]
        self._members = [Endpoint(chain, clock.now()) for chain in chains]
        self._limit_s = CALL_REQUESTS * timeout_s
        self._grace_s = grace_s
        # More than half of those configured: so many must agree on what is final.
        self._needed = len(self._members) // 2 + 1
        self._final = -1
        self._splits: dict[str, datetime] = {}
        # One question at a time: an endpoint answers one after another.
        self._lock = threading.Lock()

    def endpoints(self) -> tuple[EndpointState, ...]:
        """Every endpoint as it was last met."""
        return tuple([member.state for member in self._members])

    def identity(self) -> ChainIdentity:
        """What the majority is. One of another chain is left out."""
        return self._same("chain", lambda chain: chain.identity(), _identity_text)

    def code_hash(self, address: bytes) -> Digest:
        """The hash of the code at an address."""
        return self._same("code", lambda chain: chain.code_hash(address), lambda code: code.hex())

    def latest(self) -> Header:
        """The newest block that a majority has reached."""
        heard = self._ask(lambda chain: chain.latest())
        return _reached([one.value for one in heard], lambda header: header.number)

    def finalized(self) -> Header:
        """The newest block that is final for a majority of those configured."""
        asked = self._judges()
        heard, failed = self._gather(asked, lambda chain: (chain.latest(), chain.finalized()))
        for one in failed:
            # Who refuses even this is of no use, whatever it calls itself.
            if one.endpoint.condition in (Condition.OK, Condition.LAGGING):
                one.endpoint.leave_out(Condition.AWAY, self._clock.now(), str(one.error))
        if len(self._members) == 1:
            header = self._some(heard, failed)[0].value[1]
        else:
            self._judge_lag([(one.endpoint, one.value[0].number) for one in heard])
            if len(heard) < self._needed:
                raise self._too_few(len(heard), failed)
            finals = sorted([one.value[1].number for one in heard], reverse=True)
            header = self.final_block(finals[self._needed - 1]).header
        self._final = header.number
        return header

    def block(self, number: int) -> Header | None:
        """The block that the majority has at that number."""
        heard = self._ask(lambda chain: chain.block(number))
        found = self._vote(f"block {number}", heard, _hash_of, _block_text)
        self._note_differences(number, found, heard, final=number <= self._final)
        return found

    def final_block(self, number: int) -> Confirmed:
        """The block that a majority of those configured has at a number that is final."""
        asked = self._judges()
        heard, failed = self._gather(asked, lambda chain: chain.block(number))
        said = self._said(number, heard, failed)
        if len(self._members) == 1:
            heard = self._some(heard, failed)
        largest = max(_grouped(heard, _hash_of), key=len, default=[])
        if len(largest) >= self._needed:
            found = largest[0].value
            if found is None:
                # Who lags has none there either. Only another block in its place shows that it is gone.
                raise ChainContradiction(
                    "FINAL_BLOCK_DENIED",
                    f"block {number} was final, and endpoints have none there: {'; '.join(said)}",
                )
            self._note_differences(number, found, heard, final=True)
            for one in largest:
                if one.endpoint.condition is Condition.LYING:
                    one.endpoint.recover(self._clock.now())
            return Confirmed(found, said)
        if len({_hash_of(one.value) for one in heard if one.value is not None}) > 1:
            raise _contradiction(f"block {number}, which is final", heard, _block_text)
        raise self._too_few(len(largest), failed)

    def transaction_count(self) -> int:
        """The highest count that a majority reaches."""
        return _reached(self._values(lambda chain: chain.transaction_count()))

    def balance(self) -> int:
        """The highest balance that a majority reaches."""
        return _reached(self._values(lambda chain: chain.balance()))

    def fees(self) -> Fees:
        """Each fee as a majority reaches it."""
        asked = self._values(lambda chain: chain.fees())
        return Fees(
            _reached([one.base_fee for one in asked]), _reached([one.priority_fee for one in asked])
        )

    def simulate(self, call_data: bytes) -> Simulation:
        """The gas that suffices for a majority, if half of them could run it."""
        asked = self._values(lambda chain: chain.simulate(call_data))
        gas = sorted([one.gas for one in asked if one.gas is not None])
        if 2 * len(gas) >= len(asked):
            return Simulation(gas[len(gas) // 2], "")
        return next(one for one in asked if one.gas is None)

    def send(self, raw: bytes) -> None:
        """Hand the bytes to every endpoint that is not away, each once."""
        heard, failed = self._gather(self._reachable(), lambda chain: chain.send(raw))
        if heard:
            return
        if len(failed) == 1:
            raise failed[0].error
        text = "; ".join(str(one.error) for one in failed)
        if all(isinstance(one.error, ChainAway) for one in failed):
            raise ChainAway("ENDPOINT_AWAY", text)
        raise OutcomeUnknown("SEND_UNCLEAR", text)

    def knows(self, tx_hash: bytes) -> bool:
        """Whether any endpoint has the transaction."""
        return any(self._values(lambda chain: chain.knows(tx_hash)))

    def inclusion(self, tx_hash: bytes) -> Inclusion | None:
        """Where the majority has the transaction."""
        heard = self._ask(lambda chain: chain.inclusion(tx_hash))
        found = self._vote(
            f"transaction 0x{tx_hash.hex()}",
            heard,
            lambda one: None if one is None else one.header.hash,
            lambda one: _block_text(None if one is None else one.header),
        )
        for one in heard:
            header = None if one.value is None else one.value.header
            if header is not None and (found is None or header.hash != found.header.hash):
                # Is it ahead, or is this block none of the chain's? Comparing it tells, in time.
                with suppress(Unsettled):
                    self.block(header.number)
        return found

    def find_anchor(self, prev: Digest, root: Digest, size: int, since: int) -> bytes | None:
        """The transaction named for this anchor; of several, the first that is included."""
        return self._hint(lambda chain: chain.find_anchor(prev, root, size, since), lambda tx: tx)

    def anchor_after(self, prev: Digest, since: int) -> SeenAnchor | None:
        """The anchor named on top of that head; of several, the first that is included."""
        return self._hint(lambda chain: chain.anchor_after(prev, since), lambda one: one.tx_hash)

    def signed_by_log(self, tx: bytes) -> bool:
        """Whether the signature in the raw transaction is that of the log's account."""
        return self._members[0].chain.signed_by_log(tx)

    def attempt(self, tx_hash: bytes) -> Attempt | None:
        """A transaction that any endpoint knows: its bytes have that hash."""
        known = self._values(lambda chain: chain.attempt(tx_hash))
        return next((one for one in known if one is not None), None)

    def prove_head(self) -> HeadProof:
        """The head that the majority has, proved in the highest block that the majority has too."""
        return self._proved(
            "head",
            lambda chain: chain.prove_head(),
            lambda one: one.head,
            lambda one: f"0x{one.head.hex()}",
        )

    def prove_count(self) -> CountProof:
        """Count and head that the majority has, proved in the highest block that the majority has too."""
        return self._proved(
            "count",
            lambda chain: chain.prove_count(),
            lambda one: (one.count, one.head),
            lambda one: f"{one.count} with head 0x{one.head.hex()}",
        )

    # Whom to ask.

    def _voters(self) -> list[Endpoint]:
        self._probe()
        well = [member for member in self._members if member.condition is Condition.OK]
        return well or self._members

    def _reachable(self) -> list[Endpoint]:
        """Those that are not away; with nobody left, all."""
        there = [one for one in self._members if one.condition is not Condition.AWAY]
        return there or self._members

    def _judges(self) -> list[Endpoint]:
        """Those whose word on what is final counts, also of those who may return by it."""
        self._probe()
        now = self._clock.now()
        there = [
            one
            for one in self._members
            if one.condition in (Condition.OK, Condition.LAGGING)
            or (one.condition is Condition.LYING and not one.resting(now))
        ]
        return there or self._members

    def _probe(self) -> None:
        # Where nobody is OK all are asked anyway, and a probe would stand in the way.
        if any(member.condition is Condition.OK for member in self._members):
            for member in self._members:
                member.probe(self._clock.now())

    # Asking.

    def _gather(
        self, asked: Sequence[Endpoint], call: Callable[[Web3Chain], T]
    ) -> tuple[list[Heard[T]], list[Failed]]:
        """Ask all at once. Nothing waits longer than the limit, nor for those that a majority outran."""
        with self._lock:
            futures = [(member, member.start(call)) for member in asked]
            self._wait([future for _, future in futures if future is not None])
            heard: list[Heard[T]] = []
            failed: list[Failed] = []
            for member, future in futures:
                error: BaseException | None
                if future is None or not future.done():
                    error = OutcomeUnknown(
                        "ENDPOINT_SILENT", f"{member.host}: has not answered in time"
                    )
                else:
                    error = future.exception()
                if error is None and future is not None:
                    heard.append(Heard(member, future.result()))
                elif isinstance(error, NotaryError):
                    failed.append(Failed(member, error))
                elif error is not None:
                    raise error
            self._judge(heard, failed)
        return heard, failed

    def _wait(self, waiting: Sequence[Future[Any]]) -> None:
        left, end, majority = set(waiting), time.monotonic() + self._limit_s, len(waiting) // 2 + 1
        outrun = False
        while left:
            _, left = wait(left, max(0, end - time.monotonic()), FIRST_COMPLETED)
            now = time.monotonic()
            if now >= end:
                return
            if not outrun and len(waiting) - len(left) >= majority:
                outrun, end = True, min(end, now + self._grace_s)

    def _judge(self, heard: Sequence[Heard[Any]], failed: Sequence[Failed]) -> None:
        now = self._clock.now()
        for one in heard:
            if one.endpoint.condition is Condition.AWAY or len(self._members) == 1:
                one.endpoint.recover(now)
        for other in failed:
            if isinstance(other.error, ChainContradiction):
                other.endpoint.leave_out(Condition.LYING, now, str(other.error))
            elif other.error.code in TRANSPORT:
                other.endpoint.leave_out(Condition.AWAY, now, str(other.error))

    def _ask(self, call: Callable[[Web3Chain], T]) -> list[Heard[T]]:
        """At least one answer. Raises ChainAway or ChainContradiction if there is none."""
        return self._some(*self._gather(self._voters(), call))

    def _values(self, call: Callable[[Web3Chain], T]) -> list[T]:
        return [one.value for one in self._ask(call)]

    def _some(self, heard: list[Heard[T]], failed: Sequence[Failed]) -> list[Heard[T]]:
        if heard:
            return heard
        errors = [one.error for one in failed]
        if len(errors) == 1 and isinstance(errors[0], ChainAway | ChainContradiction):
            raise errors[0]
        text = "; ".join(str(error) for error in errors)
        if any(isinstance(error, ChainContradiction) for error in errors):
            raise ChainContradiction("ENDPOINTS_CONTRADICT", text)
        raise ChainAway(errors[0].code, text)

    # Making one of many.

    def _same(self, what: str, call: Callable[[Web3Chain], T], say: Callable[[T], str]) -> T:
        """What doesn't change from block to block: the majority's, at once."""
        heard = self._ask(call)
        groups = _grouped(heard, lambda value: value)
        largest = max(groups, key=len)
        if 2 * len(largest) <= len(heard):
            raise _contradiction(f"the {what}", heard, say)
        for one in heard:
            if one.value != largest[0].value:
                text = f"{one.endpoint.host} has the {what} as {say(one.value)}, the others as "
                one.endpoint.leave_out(
                    Condition.LYING, self._clock.now(), text + say(largest[0].value)
                )
        return largest[0].value

    def _vote(
        self,
        question: str,
        heard: Sequence[Heard[T]],
        key: Callable[[T], Hashable],
        say: Callable[[T], str],
    ) -> T:
        """The majority's answer. Raises Unsettled without one, and ChainContradiction if that lasts."""
        largest = max(_grouped(heard, key), key=len)
        if 2 * len(largest) > len(heard):
            self._splits.pop(question, None)
            return largest[0].value
        raise self._split(question, heard, say)

    def _proved(
        self,
        question: str,
        call: Callable[[Web3Chain], P],
        key: Callable[[P], Hashable],
        say: Callable[[P], str],
    ) -> P:
        """What the majority has proved, by the proof in the highest block that the majority has too."""
        heard = self._ask(call)
        agreed = self._vote(question, heard, key, say)
        proofs = {one.value.header.hash: one.value for one in heard}
        if len(proofs) == 1:
            return agreed
        for proof in sorted(proofs.values(), key=lambda one: one.header.number, reverse=True):
            # Also for those that will not do: who has a block of its own is found by comparing it.
            with suppress(Unsettled):
                found = self.block(proof.header.number)
                if (
                    key(proof) == key(agreed)
                    and found is not None
                    and found.hash == proof.header.hash
                ):
                    self._splits.pop(PROOF, None)
                    return proof
        raise self._split(PROOF, heard, lambda one: _block_text(one.header))

    def _split(
        self, question: str, heard: Sequence[Heard[T]], say: Callable[[T], str]
    ) -> ChainAway | ChainContradiction:
        """What to raise where no majority is: the chain moves, or somebody keeps to what is not so."""
        now = self._clock.now()
        self._splits = {
            asked: since
            for asked, since in self._splits.items()
            if not has_passed(FORGET_SPLITS, since, now)
        }
        if has_passed(SETTLE, self._splits.setdefault(question, now), now):
            return _contradiction(question, heard, say)
        return Unsettled("ENDPOINTS_DIFFER", _told(question, heard, say))

    def _note_differences(
        self,
        number: int,
        found: Header | None,
        heard: Sequence[Heard[Header | None]],
        *,
        final: bool,
    ) -> None:
        if found is None:
            return
        for one in heard:
            if one.value is None:
                continue
            if one.value.hash == found.hash:
                one.endpoint.agree(number)
                continue
            one.endpoint.differ(
                number,
                self._clock.now(),
                final=final,
                text=f"{one.endpoint.host} has block {number} as {_block_text(one.value)}, the others as "
                f"{_block_text(found)}",
            )

    def _judge_lag(self, reached: Sequence[tuple[Endpoint, int]]) -> None:
        """Compare newest blocks: how far is each below what half of them have reached?"""
        if not reached:
            return
        numbers = sorted([number for _, number in reached])
        now = self._clock.now()
        for endpoint, number in reached:
            behind = numbers[len(numbers) // 2] - number
            if behind > LAG_BLOCKS and endpoint.condition is not Condition.LYING:
                endpoint.lag(behind, now)
            elif endpoint.condition is Condition.LAGGING:
                endpoint.recover(now)

    def _hint(
        self, call: Callable[[Web3Chain], T | None], tx_hash: Callable[[T], bytes]
    ) -> T | None:
        hints = {tx_hash(one): one for one in self._values(call) if one is not None}
        if len(hints) <= 1:
            return next(iter(hints.values()), None)
        for found, hint in hints.items():
            if self.inclusion(found) is not None:
                return hint
        return None

    def _said(
        self, number: int, heard: Sequence[Heard[Header | None]], failed: Sequence[Failed]
    ) -> tuple[str, ...]:
        """What each endpoint says of a block, in the order of the configuration."""
        words = {one.endpoint.host: f"block {number} is {_block_text(one.value)}" for one in heard}
        words |= {
            one.endpoint.host: f"block {number} does not rebuild"
            if isinstance(one.error, ChainContradiction)
            else "no answer"
            for one in failed
        }
        for member in self._members:
            if member.condition is Condition.LYING:
                reason = member.state.text.removeprefix(f"{member.host}: ")
                words.setdefault(member.host, f"left out: {reason}")
        return tuple([f"{one.host}: {words.get(one.host, 'no answer')}" for one in self._members])

    def _too_few(self, agree: int, failed: Sequence[Failed]) -> Unsettled:
        said = [f"{agree} of {len(self._members)} endpoints agree on what is final"]
        said += [f"{self._needed} must", *[str(one.error) for one in failed]]
        return Unsettled("TOO_FEW_AGREE", "; ".join(said))


def _reached(values: Sequence[T], key: Callable[[T], int] = lambda value: value) -> T:  # type: ignore[assignment,return-value]
    """The highest of the values that a majority of them reaches; of two the lower."""
    return sorted(values, key=key)[(len(values) - 1) // 2]


def _grouped(heard: Sequence[Heard[T]], key: Callable[[T], Hashable]) -> list[list[Heard[T]]]:
    groups: dict[Hashable, list[Heard[T]]] = {}
    for one in heard:
        groups.setdefault(key(one.value), []).append(one)
    return list(groups.values())


def _told(question: str, heard: Sequence[Heard[T]], say: Callable[[T], str]) -> str:
    words = "; ".join(f"{one.endpoint.host} says {say(one.value)}" for one in heard)
    return f"endpoints differ about {question}: {words}"


def _contradiction(
    question: str, heard: Sequence[Heard[T]], say: Callable[[T], str]
) -> ChainContradiction:
    return ChainContradiction("ENDPOINTS_DISAGREE", _told(question, heard, say))


def _hash_of(header: Header | None) -> bytes | None:
    return None if header is None else header.hash


def _block_text(header: Header | None) -> str:
    return "none" if header is None else f"0x{header.hash.hex()}"


def _identity_text(one: ChainIdentity) -> str:
    return (
        f"{one.chain_id}, genesis 0x{one.genesis_hash.hex()}, contract code 0x{one.code_hash.hex()}"
    )
