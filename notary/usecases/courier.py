"""Brings notices to their receivers, each in its own time: one that hangs holds up neither work nor others.

At least once, with the same id each time: a crash between the answer and the mark sends again. Form and
signature are those of Standard Webhooks (docs/operations.md, "Webhooks"). Tests:
tests/unit/service/test_courier.py, tests/scenarios/service/test_webhooks.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from notary.core.moments import doubled
from notary.errors import NotaryError, NothingHappened
from notary.notice_ports import Notice, NoticeBook, new_message_id
from notary.ports import Clock, Entropy
from notary.usecases.beside import beside
from verifier.format import times

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
PATIENCE = timedelta(days=1)  # then a person has looked, or will by other ways
LOOK_EVERY_S = 1


class Receiver(Protocol):
    """One place that notices go to."""

    @property
    def name(self) -> str:
        """The operator's name for it."""
        ...

    def secret(self) -> bytes:
        """The key of the signature. Raises NothingHappened if it can't be read."""
        ...

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Hand the message over, within a bounded time; returns if the receiver took it.

        Raises NothingHappened if it did not, or if nobody knows.
        """
        ...


@dataclass(frozen=True)
class Message:
    """A signed message: the body, and the headers that sign it."""

    body: bytes
    headers: Mapping[str, str]


def sign(secret: bytes, message_id: str, body: bytes, now: datetime) -> Message:
    """The message under Standard Webhooks 1.0, symmetric signature."""
    stamp = str(int(now.timestamp()))
    # https://www.standardwebhooks.com: HMAC-SHA256 over id . timestamp . body
    signed = f"{message_id}.{stamp}.".encode() + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return Message(
        body,
        {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + base64.b64encode(digest).decode("ascii"),
        },
    )


def body_of(notice: Notice, log: str) -> bytes:
    """What a receiver is told of an event. Nothing of a person is in it."""
    event = notice.event
    said = event.anchored or {
        "code": event.code,
        "cause": event.stand.cause,
        "since": times.format_time(event.stand.since),
        "text": event.stand.text,
    }
    return _body(str(event.change), event.seen_at, log=log, number=event.number, **said)


def send_test(receiver: Receiver, log: str, now: datetime, entropy: Entropy) -> None:
    """Send a message that is of no alarm. Raises NothingHappened unless the receiver took it."""
    message = sign(
        receiver.secret(), new_message_id(entropy), _body("webhook_test", now, log=log), now
    )
    receiver.post(message.body, message.headers)


def _body(kind: str, at: datetime, **data: object) -> bytes:
    document = {"type": kind, "timestamp": times.format_time(at), "data": data}
    return json.dumps(document, ensure_ascii=False).encode()


def pause_after(tries: int) -> timedelta:
    """How long to wait after so many failures."""
    return doubled(FIRST_PAUSE, tries, LONGEST_PAUSE)


class Courier:
    """Delivers what is due, one thread for each receiver."""

    def __init__(
        self,
        notices: NoticeBook,
        receivers: Sequence[Receiver],
        log: str,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._notices = notices
        self._receivers = receivers
        self._log = log
        self._clock = clock
        self._report = report

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Deliver while the block runs. At its end, what is due is tried once more."""
        with beside([partial(self._serve, one) for one in self._receivers], LOOK_EVERY_S):
            yield

    def _serve(self, receiver: Receiver) -> None:
        try:
            # A receiver that did not take one is left alone for a moment.
            while self.deliver(receiver):
                pass
        except NotaryError as error:
            # The store was away. What was delivered and not marked is delivered again.
            self._report(f"webhook {receiver.name}: {error.code}: {error}")

    def deliver(self, receiver: Receiver) -> bool:
        """Try the oldest notice that is due; whether there was one, and the receiver took it."""
        notice = self._notices.due(receiver.name, self._clock.now())
        if notice is None:
            return False
        try:
            now = self._clock.now()
            body = body_of(notice, self._log)
            message = sign(receiver.secret(), notice.event.message_id, body, now)
            receiver.post(message.body, message.headers)
        except NothingHappened as error:
            self._failed(receiver, notice, error)
            return False
        # A crash here sends it again, with the same id.
        self._notices.taken(notice)
        return True

    def _failed(self, receiver: Receiver, notice: Notice, error: NothingHappened) -> None:
        now = self._clock.now()
        self._report(f"webhook {receiver.name}: {error.code}: {error}")
        if now - notice.event.seen_at >= PATIENCE:
            self._notices.give_up(notice)
        else:
            self._notices.put_off(notice, now + pause_after(notice.tries + 1))
