"""Originals in an S3-compatible store, or in Google's or Azure's; implements the port `ObjectStore`.

The sole importer of obstore. An object up to `PART_BYTES` is one request, sent by a thread while the next
one is sealed; a longer one is a multipart upload, which shows nothing until it is whole. The library repeats
what a server answers with 5xx and what a lost connection cuts off, `RETRIES` times; names are never used
twice, so an upload that applied and whose answer was lost is an orphan like any other. Credentials come from
the environment or the machine's own identity, as the library of the store's maker would find them.
Tests: tests/unit/store/test_object_stores.py, test_remote_objects.py there.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from notary.errors import CallerError, Contradiction, NothingHappened
from notary.ports import Listed

PART_BYTES = (
    8 * 2**20
)  # S3 takes 10,000 parts, so this reaches past the longest file that is taken in
PARTS_AT_ONCE = 2  # of one long object, so that its memory stays at three parts
UPLOADS_AT_ONCE = 8  # small objects on their way; each is a part at most, so 64 MiB
LIST_PAGE = 1_000  # S3 gives no more at once
REQUEST_S = 60  # a part within this is 140 KB/s; slower lines time out and are said so
CONNECT_S = 5
RETRIES = 4  # with pauses of 0.1 s doubled: a restart of a server behind a balancer, not an outage
RETRY_S = 90  # no call is repeated after this
SAID = 300  # characters of a server's word that are passed on

_NAME = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{30})")


class RemoteObjects:
    """Objects under one URL: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://account/container/prefix`.

    `endpoint` and `region` are those of an S3-compatible store; empty, the maker's own. Raises CallerError
    OBJECTS_URL if the library can't make sense of them.
    """

    def __init__(self, url: str, endpoint: str = "", region: str = "") -> None:
        self._url = url.rstrip("/")
        settings = {"endpoint": endpoint, "region": region}
        client: dict[str, Any] = {
            "timeout": timedelta(seconds=REQUEST_S),
            "connect_timeout": timedelta(seconds=CONNECT_S),
            # Only where the operator wrote an address of that kind: nothing falls back to it.
            "allow_http": urlsplit(endpoint).scheme == "http",
        }
        try:
            self._store: Any = from_url(
                self._url,
                client_options=client,  # type: ignore[call-overload]  # a mapping is as good as its own type
                retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
                **{name: value for name, value in settings.items() if value},
            )
        except (BaseError, ValueError) as error:
            raise CallerError("OBJECTS_URL", f"objects = {url!r}: {_said(error)}") from error
        self._pool = ThreadPoolExecutor(UPLOADS_AT_ONCE, "upload")
        self._room = threading.BoundedSemaphore(UPLOADS_AT_ONCE)
        self._lock = threading.Lock()
        self._under_way: dict[bytes, Future[None]] = {}

    @property
    def place(self) -> str:
        """The URL."""
        return self._url

    def write(self, name: bytes, chunks: Iterable[bytes]) -> None:
        """Keep an object: sent when this returns if it is long, else by `make_durable`."""
        source = _Source(chunks)
        first = _up_to_a_part(source)
        if not source.ended:
            self._put(name, chain((first,), source), source)
            return
        self._room.acquire()
        sending = self._pool.submit(self._put, name, first)
        sending.add_done_callback(lambda _: self._room.release())
        with self._lock:
            self._under_way[name] = sending

    def make_durable(self, names: Sequence[bytes]) -> None:
        """Every one of them was taken by the store when this returns."""
        failed: BaseException | None = None
        for sending in self._sent_off(names):
            # All are waited for, so that nothing is on its way when the caller goes on.
            failed = sending.exception() or failed
        if failed is not None:
            raise failed

    def read(self, name: bytes, at: int = 0) -> Iterator[bytes]:
        """The object's bytes from `at` on, each piece by a request of its own, which is repeated alone."""
        size = None
        while size is None or at < size:
            piece = self._piece(name, at)
            yield piece
            at += len(piece)
            if len(piece) < PART_BYTES:
                # Only the last one is shorter; that it is the last, the seal of the content tells.
                return
            size = size or self._head(name)

    def remove(self, names: Iterable[bytes]) -> None:
        """Take objects away; one that is not there is no fault."""
        leaving = list(names)
        for sending in self._sent_off(leaving):
            # What arrives after the removal would stay.
            sending.exception()
        for at in range(0, len(leaving), LIST_PAGE):
            try:
                obstore.delete(self._store, [_path(one) for one in leaving[at : at + LIST_PAGE]])
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise self._unreachable(error) from error

    def listed(self) -> Iterator[Listed]:
        """Every object, ascending by name."""
        try:
            for page in obstore.list(self._store, chunk_size=LIST_PAGE):
                for one in page:
                    found = _NAME.fullmatch(one["path"])
                    # Another name is nobody's, as in a folder.
                    if found is not None:
                        yield Listed(bytes.fromhex(found[2]), one["size"], one["last_modified"])
        except (BaseError, OSError) as error:
            raise self._unreachable(error) from error

    def remove_unfinished(self, older_than: datetime) -> int:
        """Nothing: an upload that was cut off can't be seen here, and the bucket's own rule ends it."""
        del older_than
        return 0

    def _put(self, name: bytes, content: Any, source: _Source | None = None) -> None:
        try:
            obstore.put(
                self._store,
                _path(name),
                content,
                use_multipart=source is not None,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_AT_ONCE,
            )
        except (BaseError, OSError, ValueError) as error:
            if source is not None and source.failed is error:
                raise
            raise NothingHappened(
                "OBJECT_NOT_KEPT", f"{self._url}: {_said(error)}. {_remedy(error)}"
            ) from error

    def _sent_off(self, names: Sequence[bytes]) -> list[Future[None]]:
        with self._lock:
            return [self._under_way.pop(name) for name in names if name in self._under_way]

    def _piece(self, name: bytes, at: int) -> bytes:
        try:
            return bytes(obstore.get_range(self._store, _path(name), start=at, length=PART_BYTES))
        except FileNotFoundError as error:
            raise self._missing(name) from error
        except (BaseError, OSError) as error:
            raise self._unreachable(error) from error

    def _head(self, name: bytes) -> int:
        try:
            return int(obstore.head(self._store, _path(name))["size"])
        except FileNotFoundError as error:
            raise self._missing(name) from error
        except (BaseError, OSError) as error:
            raise self._unreachable(error) from error

    def _missing(self, name: bytes) -> Contradiction:
        return Contradiction(
            "OBJECT_MISSING",
            f"{self._url}/{_path(name)}: a record names this attachment and it is not there. Restore it from "
            "a backup, or from an older version that the bucket keeps.",
        )

    def _unreachable(self, error: Exception) -> NothingHappened:
        return NothingHappened(
            "OBJECTS_UNREADABLE", f"{self._url}: {_said(error)}. {_remedy(error)}"
        )


class _Source:
    """Chunks one after the other; remembers whether they ended, and by what they failed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.ended = False
        self.failed: BaseException | None = None

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._chunks)
        except StopIteration:
            self.ended = True
            raise
        except BaseException as error:
            self.failed = error
            raise


def _up_to_a_part(source: _Source) -> bytes:
    """The first bytes, a part or a little more; all of them if the source ends before."""
    first = bytearray()
    for chunk in source:
        first += chunk
        if len(first) >= PART_BYTES:
            break
    return bytes(first)


def _path(name: bytes) -> str:
    text = name.hex()
    # As in a folder, so that one can be copied to the other by any tool.
    return f"{text[:2]}/{text}"


def _said(error: Exception) -> str:
    """What the library says, without the server's document and the many lines for its own makers."""
    said = str(error).strip().split("\n", 1)[0].split("<?xml", 1)[0]
    return said[:SAID].rstrip(".: ") or type(error).__name__


def _remedy(error: Exception) -> str:
    if isinstance(
        error, obstore.exceptions.PermissionDeniedError | obstore.exceptions.UnauthenticatedError
    ):
        return "Check the credentials in the environment and the bucket's policy, then try again."
    # A listing does not say so by its kind.
    if isinstance(error, FileNotFoundError) or "<Code>NoSuchBucket" in str(error):
        return "Check that the bucket exists, then try again."
    return "Check that the store answers, then try again."
