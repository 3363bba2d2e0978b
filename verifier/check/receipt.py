"""Says whether the promise of one receipt was kept (docs/spec/verification.md §10).

A receipt binds the service, so this command must be able to say that it failed, and never say so of
one that did not. Proved by tests/hostile/test_receipt_command.py.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from verifier.check import row_texts, texts
from verifier.check.blocks import BlockId, BlockSource, Standing
from verifier.check.case import Case
from verifier.check.chain_proof import ProofCase, moment
from verifier.check.evidence import attempt, read_receipts
from verifier.check.inputs import GivenFile, Inputs
from verifier.check.judge import judge_case, troubles_of
from verifier.check.policy import Pin, Policy
from verifier.check.reading import Bag, BagUnreadable, read_bag
from verifier.check.rows import BLOCKED, Blocked, CannotJudge, Result, Row, or_none
from verifier.check.steps import STEPS
from verifier.check.steps.receipts import unbound
from verifier.check.toml import read_file
from verifier.check.verdict import FLOOR
from verifier.format import evm_document, jsonc
from verifier.format.evm_document import EvmDocument
from verifier.format.fold import Link
from verifier.format.jsonc import Json
from verifier.format.notes import VKey
from verifier.format.receipts import Body, Receipt
from verifier.format.statement import Log
from verifier.format.times import format_time

FORMAT = "notary-receipt-check/1"

EXIT_KEPT = 0
EXIT_BROKEN = 2
EXIT_UNDECIDED = 3

# A service whose clock is ahead dates a receipt after the anchor that holds its record. Who sets a
# clock by the network is off by less than a second; a quarter of an hour is noticed by anybody.
CLOCK_SKEW = timedelta(seconds=900)

# What a chain proof and its block must pass before anything rests on it.
_STEPS = ("4.1", "4.3", "4.4", "4.5", "4.6", "4.7", "4.8", "4.11", "9.1", "9.2", "9.3", "9.4")

Ask = Callable[[Sequence[BlockId]], Sequence[BlockSource]]


class Answer(NamedTuple):
    """Exit code, code and what in particular; `code` is None where the promise was kept."""

    exit: int
    code: str | None
    detail: str = ""


class ReceiptCheck(NamedTuple):
    """The answer, with the promise and the as-of block as far as they were read."""

    answer: Answer
    body: Body | None
    as_of: Standing | None
    as_of_time: datetime | None

    @property
    def exit(self) -> int:
        """The process's exit code."""
        return self.answer.exit

    def json(self) -> bytes:
        """One canonical JSON object."""
        en, zh = self._sentences()
        return jsonc.encode_text(
            {
                "format": FORMAT,
                "exit": self.exit,
                "promise": {EXIT_KEPT: "kept", EXIT_BROKEN: "broken"}.get(self.exit, "undecided"),
                "code": self.answer.code,
                "en": en,
                "zh": zh,
                "receipt": None if self.body is None else _body_json(self.body),
                "as_of": None if self.as_of is None else self._as_of_json(self.as_of),
            },
            jsonc.MAX_DEPTH,
        ).encode("utf-8")

    def _sentences(self) -> tuple[str, str]:
        if self.answer.code is None:
            return row_texts.filled(row_texts.RECEIPT_KEPT, time=self.answer.detail)
        return texts.sentences(self.answer.code, self.answer.detail)

    def _as_of_json(self, as_of: Standing) -> dict[str, Json]:
        time = None if self.as_of_time is None else format_time(self.as_of_time)
        return as_of.json() | {"time": time}

    def text(self) -> str:
        """For people."""
        en, zh = self._sentences()
        if self.answer.code is None:
            lines = [f"PROMISE: kept: {en}", f"  {zh}"]
        else:
            word = {EXIT_BROKEN: "broken", EXIT_UNDECIDED: "undecided"}[self.exit]
            text = texts.text_of(self.answer.code)
            lines = [f"PROMISE: {word}: {self.answer.code}: {en}", f"  {text.do_en}"]
            lines += [f"  {zh}", f"  {text.do_zh}"]
        body, as_of = self.body, self.as_of
        if body is not None:
            lines.append(
                f"  receipt: record {body.position} of matter key {body.matter.hex()} in log {body.log} "
                f"on chain {body.chain_id}, received {format_time(body.received_at)}, promised by "
                f"{format_time(body.deadline)} (by the service's clock)"
            )
        if as_of is not None:
            time = "" if self.as_of_time is None else f" of {format_time(self.as_of_time)}"
            lines.append(f"  as of block{time} (by the chain's clock), level {as_of.level}:")
            lines.append(f"    {as_of.words()}")
        return "\n".join(lines) + "\n"


def _body_json(body: Body) -> dict[str, Json]:
    return {
        "log": body.log,
        "chain_id": body.chain_id,
        "matter": body.matter.hex(),
        "position": body.position,
        "leaf": body.leaf.hex(),
        "received_at": format_time(body.received_at),
        "deadline": format_time(body.deadline),
    }


def read_proof(path: Path) -> Bag | bytes:
    """Read a package, or the bytes of a chain proof, which alone begins as a JSON object does.

    Raises CannotJudge EVM_… or PACKAGE_UNREADABLE.
    """
    # Whatever can't be opened here, reading it as a package will say why.
    with suppress(OSError, ValueError), path.open("rb") as stream:
        if stream.read(1) == b"{":
            return read_file(path, jsonc.MAX_DOCUMENT_BYTES, "EVM")
    try:
        return read_bag(path)
    except BagUnreadable as error:
        raise CannotJudge("PACKAGE_UNREADABLE", str(error)) from error


def check_receipt(
    given: GivenFile,
    policy: Policy,
    inputs: Inputs,
    proof: Bag | bytes | None,
    ask: Ask | None = None,
) -> ReceiptCheck:
    """Check a receipt against a package, the bytes of a chain proof, or nothing but the policy.

    Raises CannotJudge POLICY_KIND for a package of a kind that the policy does not list, and
    PACKAGE_UNREADABLE for one that changes meanwhile.
    """
    try:
        return _check(given, policy, inputs, proof, ask)
    except BagUnreadable as error:
        raise CannotJudge("PACKAGE_UNREADABLE", str(error)) from error


def _check(
    given: GivenFile,
    policy: Policy,
    inputs: Inputs,
    proof: Bag | bytes | None,
    ask: Ask | None,
) -> ReceiptCheck:
    [part] = read_receipts((given,))
    receipt, error = part.receipt.value, part.receipt.error
    if receipt is None:
        assert error is not None
        answer = Answer(EXIT_UNDECIDED, f"RECEIPT_FORM:{error.code}", error.message)
        return ReceiptCheck(answer, None, None, None)
    body = receipt.body
    case = _case(given, policy, inputs, proof)
    if ask is not None and case is not None and case.document.value is not None:
        header = or_none(lambda: case.header)
        if header is not None:
            case.answers = ask([BlockId(case.evm.chain_id, header.number)])
    try:
        answer = _unbound(receipt, policy, case) or _judged(body, case)
    except Blocked as blocked:
        answer = Answer(EXIT_UNDECIDED, BLOCKED, blocked.missing)
    as_of = None if case is None else or_none(lambda: case.as_of_standing)
    time = None if case is None else or_none(lambda: moment(case.header.timestamp))
    return ReceiptCheck(answer, body, as_of, time)


def _case(
    given: GivenFile, policy: Policy, inputs: Inputs, proof: Bag | bytes | None
) -> ProofCase | None:
    if proof is None:
        return None
    if isinstance(proof, bytes):
        document = attempt("evm.json", lambda: evm_document.parse(proof, may_lack_links=True))
        return ProofCase(document, policy, inputs)
    return Case(proof, policy, inputs._replace(receipts=(given,)))


def _unbound(receipt: Receipt, policy: Policy, case: ProofCase | None) -> Answer | None:
    """Why the receipt binds nobody whom the person trusts; None if it does."""
    body = receipt.body
    pin = policy.pin_of(Log(body.chain_id, body.contract, body.log_address, body.log))
    if pin is None:
        where = f"chain {body.chain_id}, contract 0x{body.contract.hex()}"
        detail = f"log {body.log} on {where}, account 0x{body.log_address.hex()}"
        return Answer(EXIT_UNDECIDED, "LOG_NOT_PINNED", detail)
    trouble = unbound("the receipt", receipt, pin, _keys(pin, case))
    if trouble is not None:
        return Answer(EXIT_UNDECIDED, trouble.code, trouble.detail)
    return None


def _keys(pin: Pin, case: ProofCase | None) -> tuple[VKey, ...]:
    """The pinned receipt keys, with those that a package of this log hands over to."""
    if isinstance(case, Case) and or_none(lambda: case.trust.pin) == pin:
        return case.trust.receipt_keys
    return pin.receipt_vkeys


def _judged(body: Body, case: ProofCase | None) -> Answer:
    """What the proof shows of a promise that binds."""
    if case is None:
        return Answer(EXIT_UNDECIDED, "RECEIPT_PROOF_MISSING")
    if _of_other_log(case, body):
        return Answer(EXIT_UNDECIDED, "RECEIPT_PROOF_OF_OTHER", f"the receipt is of {body.log}")
    for number in _STEPS:
        for trouble in troubles_of(STEPS[number], case):
            return Answer(EXIT_UNDECIDED, trouble.code, trouble.detail)
    anchors = _Anchors(case.evm, body, moment(case.header.timestamp))
    package = _package(case, body)
    if isinstance(package, _Package):
        return package.answer(anchors) or anchors.answer()
    answer = anchors.answer()
    if package is not None and answer.code == "RECEIPT_INCLUSION_MISSING":
        return Answer(EXIT_UNDECIDED, "RECEIPT_PACKAGE_FAULTY", package)
    return answer


def _of_other_log(case: ProofCase, body: Body) -> bool:
    document = case.document.value
    if document is None:
        return False  # step 4.1 says so
    of_proof = (document.chain_id, document.contract, document.log_address)
    if of_proof != (body.chain_id, body.contract, body.log_address):
        return True
    return isinstance(case, Case) and or_none(lambda: case.log_name) not in (None, body.log)


class _Anchors(NamedTuple):
    """The anchors of a chain proof beside one promise. `as_of` is the as-of block's time."""

    document: EvmDocument
    body: Body
    as_of: datetime

    @property
    def in_time(self) -> int | None:
        """The index of the last link that is not after the deadline, if one is known."""
        # Link times never run backwards (step 4.11).
        count = sum(1 for link in self.document.links if self.time(link) <= self.body.deadline)
        return count - 1 if count else None

    def time(self, link: Link) -> datetime:
        return moment(link.time)

    def answer(self) -> Answer:
        """What they show by themselves."""
        deadline = format_time(self.body.deadline)
        if self.as_of <= self.body.deadline:
            return Answer(EXIT_UNDECIDED, "RECEIPT_NOT_DUE", f"promised by {deadline}")
        if self.in_time is None and self.document.prev != bytes(32):
            first = format_time(self.time(self.document.links[0]))
            return Answer(EXIT_UNDECIDED, "RECEIPT_LINKS_SHORT", f"they begin at {first}")
        if self.in_time is None:
            return Answer(EXIT_BROKEN, "RECEIPT_NO_ANCHOR", "the log never anchored until then")
        link = self.document.links[self.in_time]
        last = self.time(link)
        if self.body.received_at - last > CLOCK_SKEW:
            detail = f"the last anchor until then is of {format_time(last)}"
            return Answer(EXIT_BROKEN, "RECEIPT_NO_ANCHOR", detail)
        detail = f"the last anchor in time is of {format_time(last)}, size {link.size}"
        return Answer(EXIT_UNDECIDED, "RECEIPT_INCLUSION_MISSING", detail)


class _Package(NamedTuple):
    """A package of the receipt's matter whose rows pass."""

    case: Case
    body: Body

    def answer(self, anchors: _Anchors) -> Answer | None:
        """What it shows of the record; None if nothing beyond the anchors."""
        case, body = self.case, self.body
        for number in ("12.3", "12.4"):
            for trouble in case.found[number]:
                if trouble.result is Result.FAIL:
                    return Answer(EXIT_BROKEN, trouble.code, trouble.detail)
        dated = None
        if not case.found["12.3"]:
            found = case.anchored_by(body.position)
            dated = None if found is None else anchors.time(case.evm.links[found[1]])
        if dated is not None and dated <= body.deadline:
            return Answer(EXIT_KEPT, None, format_time(dated))
        if anchors.in_time is None:
            return None
        link = case.evm.links[anchors.in_time]
        held = self._held(link)
        in_time = format_time(anchors.time(link))
        if dated is not None and held is True:
            return Answer(EXIT_KEPT, None, in_time)
        if held is False and anchors.as_of > body.deadline:
            detail = f"the anchor of {in_time} does not hold it, and it is the last one in time"
            return Answer(EXIT_BROKEN, "RECEIPT_LATE", detail)
        if dated is not None and anchors.answer().exit == EXIT_UNDECIDED:
            return Answer(EXIT_UNDECIDED, "RECEIPT_LATE_NOT_SHOWN", format_time(dated))
        return None

    def _held(self, link: Link) -> bool | None:
        """Whether the matter's head under a link has the position; None if it is not shown."""
        case, batch = self.case, link.size - 1
        if case.history_is_full:
            # That the link is of these batches, step 7.9 says.
            head = case.history_heads[batch]
        elif batch in case.evidence.batches:
            head = case.head(batch) if batch in case.head_parts else None
        else:
            return None
        return head is not None and head.size > self.body.position


def _package(case: ProofCase, body: Body) -> _Package | str | None:
    """The package if it is of the receipt's matter; if it does not pass, why, in words."""
    if not isinstance(case, Case) or or_none(lambda: case.key) != body.matter:
        return None
    judgement = judge_case(case)
    assert judgement.kind is not None
    # Completeness says what the person asked for, which is not the matter here.
    for row in (FLOOR[judgement.kind] | {Row.HISTORY}) - {Row.COMPLETENESS}:
        finding = judgement.rows[row]
        if finding.result is not Result.PASS:
            return f"{row.value} is {finding.result.value}, {finding.code}"
    return _Package(case, body)
