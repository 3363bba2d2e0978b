"""What becomes of originals when an S3 server, or the line to it, fails: named, and never half of one."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

import pytest

from notary.adapters.objects import remote
from notary.adapters.objects.remote import PART_BYTES, RemoteObjects
from notary.errors import CallerError, NothingHappened
from tests.simulators import s3 as simulator
from tests.simulators.s3 import BUCKET, S3, Call, Proxy

NAME = b"\x01" * 16
KEY = f"p/01/{'01' * 16}"


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with simulator.s3_server() as running:
        yield running


@pytest.fixture
def proxy(server: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name, value in simulator.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    # Otherwise a server that always fails is waited for as long as an operator would want.
    monkeypatch.setattr(remote, "RETRIES", 2)
    server.clear()
    with simulator.proxied(server) as running:
        yield running


@pytest.fixture
def objects(proxy: Proxy) -> RemoteObjects:
    return RemoteObjects(f"s3://{BUCKET}/p", proxy.endpoint, simulator.REGION)


def once(act: str, fault: simulator.Fault) -> simulator.Fault:
    """The first request whose method and path hold `act` meets the fault."""
    met: list[str] = []

    def decide(call: Call) -> None:
        if act in f"{call.method} {call.path}" and not met:
            met.append(act)
            fault(call)
        else:
            call.pass_on()

    return decide


def long_object() -> Iterator[bytes]:
    for number in range(20):
        yield bytes([number]) * 2**20


def keep(objects: RemoteObjects, chunks: Iterable[bytes]) -> None:
    objects.write(NAME, chunks)
    objects.make_durable([NAME])


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "SlowDown")])
def test_one_answer_of_5xx_is_tried_again(
    objects: RemoteObjects, proxy: Proxy, server: S3, status: int, code: str
) -> None:
    proxy.fault = once("PUT", lambda call: call.answer(status, code))
    objects.write(NAME, [b"x"])
    objects.make_durable([NAME])
    assert len(proxy.calls) == 2
    assert server.bytes_of(KEY) == b"x"


@pytest.mark.parametrize("length", ["short", "long"])
def test_a_server_that_always_answers_slow_down_is_nothing_happened(
    objects: RemoteObjects, proxy: Proxy, server: S3, length: str
) -> None:
    proxy.fault = lambda call: call.answer(503, "SlowDown")
    with pytest.raises(NothingHappened, match="Check that the store answers") as caught:
        keep(objects, [b"x"] if length == "short" else long_object())
    assert caught.value.code == "OBJECT_NOT_KEPT"
    assert server.held() == []


def test_a_server_that_is_down_is_nothing_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "RETRIES", 1)
    for name, value in simulator.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with socket.socket() as taken:
        # Bound and not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        objects = RemoteObjects(
            f"s3://{BUCKET}/p", f"http://127.0.0.1:{taken.getsockname()[1]}", simulator.REGION
        )
        objects.write(NAME, [b"x"])
        with pytest.raises(NothingHappened) as caught:
            objects.make_durable([NAME])
        assert caught.value.code == "OBJECT_NOT_KEPT"
        for act in (
            lambda: list(objects.read(NAME)),
            lambda: list(objects.listed()),
            lambda: objects.remove([NAME]),
        ):
            with pytest.raises(NothingHappened) as caught:
                act()
            assert caught.value.code == "OBJECTS_UNREADABLE"


def test_a_line_that_is_cut_in_the_middle_of_a_part_is_tried_again(
    objects: RemoteObjects, proxy: Proxy, server: S3
) -> None:
    def half(call: Call) -> None:
        call._handler.rfile.read(PART_BYTES // 2)
        call.cut()

    proxy.fault = once("partNumber=2", half)
    objects.write(NAME, long_object())
    objects.make_durable([NAME])
    assert server.bytes_of(KEY) == b"".join(long_object())


def test_a_line_that_is_always_cut_leaves_no_object(
    objects: RemoteObjects, proxy: Proxy, server: S3
) -> None:
    def cut(call: Call) -> None:
        if "partNumber=2" in call.path:
            call.cut()
        call.pass_on()

    proxy.fault = cut
    with pytest.raises(NothingHappened) as caught:
        objects.write(NAME, long_object())
    assert caught.value.code == "OBJECT_NOT_KEPT"
    assert server.held() == []
    # The upload that can't be finished is given up, so that nobody pays for its parts.
    assert any(call.startswith("DELETE") and "uploadId" in call for call in proxy.calls)


@pytest.mark.parametrize("length", ["short", "long"])
def test_an_upload_that_applied_and_whose_answer_is_lost_is_whole_or_refused(
    objects: RemoteObjects, proxy: Proxy, server: S3, length: str
) -> None:
    def lost(call: Call) -> None:
        call.apply()
        call.cut()

    content = b"x" if length == "short" else b"".join(long_object())
    # The request that makes the object visible: the only one, or the completion of the upload.
    proxy.fault = once(
        "PUT" if length == "short" else "POST /originals/p/01/" + "01" * 16 + "?uploadId", lost
    )
    # A server that does not know the upload any more refuses to complete it again. What is there then is
    # an orphan: whoever tries again takes another name.
    with suppress(NothingHappened):
        keep(objects, [b"x"] if length == "short" else long_object())
    assert server.bytes_of(KEY) == content
    objects.remove([NAME])
    assert server.held() == []


def test_a_line_that_is_cut_while_reading_is_tried_again(
    objects: RemoteObjects, proxy: Proxy, server: S3
) -> None:
    content = b"".join(long_object())
    server.put(KEY, content)
    proxy.fault = once("GET", lambda call: call.cut())
    assert b"".join(objects.read(NAME)) == content


def test_a_missing_bucket_is_said(proxy: Proxy) -> None:
    objects = RemoteObjects("s3://nobody/p", proxy.endpoint, simulator.REGION)
    objects.write(NAME, [b"x"])
    with pytest.raises(NothingHappened, match="Check that the bucket exists"):
        objects.make_durable([NAME])


def test_wrong_credentials_are_said_and_not_shown(
    objects: RemoteObjects, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.fault = lambda call: call.answer(403, "SignatureDoesNotMatch")
    objects.write(NAME, [b"x"])
    with pytest.raises(NothingHappened, match="credentials in the environment") as caught:
        objects.make_durable([NAME])
    assert "test\n" not in str(caught.value)


MEMORY_CHILD = """
import resource, sys
from notary.adapters.objects.remote import RemoteObjects

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

name, length = bytes(16), 120
objects = RemoteObjects(*sys.argv[1:])
objects.write(bytes(15) + b"x", [bytes(2**20)])
objects.make_durable([bytes(15) + b"x"])
before = peak()
objects.write(name, (bytes(2**20) for _ in range(length)))
written = peak() - before
assert sum(len(piece) for piece in objects.read(name)) == length * 2**20
print(written, peak() - before)
"""


def test_memory_stays_flat_however_long_an_object_is(proxy: Proxy, server: S3) -> None:
    """In a process of its own, since the server of this one keeps everything in memory."""
    place = (f"s3://{BUCKET}/p", server.endpoint, simulator.REGION)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_CHILD, *place],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    written, read = map(int, done.stdout.split())
    # A part that is filled, two on their way, and what is copied between them.
    assert written < 8 * PART_BYTES
    assert read < 8 * PART_BYTES


def test_many_small_objects_go_at_the_same_time(objects: RemoteObjects, server: S3) -> None:
    names = [bytes([number]) * 16 for number in range(40)]
    for name in names:
        objects.write(name, [name])
    objects.make_durable(names)
    assert len(server.held()) == len(names)
    assert not objects._under_way


def test_a_url_that_means_nothing_is_the_callers() -> None:
    with pytest.raises(CallerError, match="objects = 'x9://y'"):
        RemoteObjects("x9://y")
