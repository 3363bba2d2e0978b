"""Alarms reach their receivers from a real worker, whatever the receivers do and wherever it is killed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from notary import demo
from notary.config import CONFIG_NAME
from tests.anvil import Anvil
from tests.scenarios.service import live as scene
from tests.scenarios.service.live import Live
from tests.scenarios.service.test_priority import until_anchored, worker

KEY = b"0123456789abcdef0123456789abcdef"
PATIENCE_S = 60


class Inbox:
    """A real HTTP server that checks each signature and does with the request what it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.answer: Callable[[], int] = lambda: 204
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.take(dict(self.headers), body)
                self.send_response(inbox.answer())
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def take(self, headers: dict[str, str], body: bytes) -> None:
        message_id, stamp = headers["webhook-id"], headers["webhook-timestamp"]
        signed = f"{message_id}.{stamp}.".encode() + body
        digest = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
        assert abs(time.time() - int(stamp)) < PATIENCE_S
        self.got.append((message_id, json.loads(body)))

    def until(self, wanted: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not wanted():
            assert time.monotonic() < end, self.got
            time.sleep(0.05)

    def told(self) -> list[tuple[str, str, str | None]]:
        """Change, alarm and cause of each message, each id once, in the order of the events."""
        found = {
            message_id: body["data"] | {"type": body["type"]}
            for message_id, body in self.got
            if body["type"] != "batch_anchored"
        }
        events = sorted(found.values(), key=lambda one: int(one["number"]))
        return [(one["type"], one["code"], one["cause"]) for one in events]

    def anchored(self) -> list[dict[str, Any]]:
        """The anchors that were told, each message once."""
        bodies = dict(self.got).values()
        return [one["data"] for one in bodies if one["type"] == "batch_anchored"]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def made(folder: Path) -> Iterator[tuple[Live, Inbox]]:
    """A service with one anchored batch and one webhook, which leads to the inbox."""
    inbox = Inbox()
    try:
        with Anvil(*scene.CHAIN) as anvil:
            live = scene.make(folder / "home", anvil, {"priority_every_s": 1})
            secret = live.home / "keys" / "ops.secret"
            secret.write_text("whsec_" + base64.b64encode(KEY).decode(), "ascii")
            secret.chmod(0o600)
            with (live.home / CONFIG_NAME).open("a", encoding="utf-8") as file:
                file.write(
                    f'[[webhook]]\nname = "ops"\nurl = "{inbox.url}"\nsecret = "keys/ops.secret"\n'
                )
            with live.opened() as service:
                service.new_matter(1, "Case", ("A-1",))
                scene.work(service)
            yield live, inbox
    finally:
        inbox.close()


def letters(live: Live, folder: Path, first: int) -> None:
    source = scene.letters(folder / str(first), "A-1", first, 2)
    with live.opened() as service:
        service.ingest(1, (source,), column_map=source.parent / "letters.map.toml")
        service.anchor_now()


def drain(live: Live) -> None:
    live.anvil.rpc("anvil_setBalance", live.made.home.config.log_address, "0x1")


@pytest.mark.slow
def test_an_alarm_is_told_when_it_comes_and_when_it_goes(tmp_path: Path) -> None:
    with made(tmp_path) as (live, inbox), worker(live):
        drain(live)
        letters(live, tmp_path, 0)
        inbox.until(lambda: ("alarm_raised", "HELD", "FUNDS") in inbox.told())
        assert "Send it money" in inbox.got[-1][1]["data"]["text"]
        assert inbox.got[-1][1]["data"]["log"] == scene.LOG
        said = live.run("status").stdout
        assert "FUNDS" in said
        assert "webhook   ops: 0 notices wait, 0 given up" in said
        demo.fund(live.anvil.url, live.made.home.config.log_address)
        inbox.until(lambda: ("alarm_resolved", "HELD", "FUNDS") in inbox.told())
        held = [one for one in inbox.told() if one[1] == "HELD"]
        # A busy machine's node may be away for a moment; what was held was held once.
        assert [change for change, _, _ in held] == ["alarm_raised", "alarm_resolved"]


@pytest.mark.slow
def test_a_receiver_that_hangs_holds_up_neither_sealing_nor_anchoring(tmp_path: Path) -> None:
    with made(tmp_path) as (live, inbox):
        over = threading.Event()

        def hang() -> int:
            over.wait(PATIENCE_S)
            return 500

        inbox.answer = hang
        drain(live)
        with worker(live):
            letters(live, tmp_path, 0)
            inbox.until(lambda: bool(inbox.got))
            demo.fund(live.anvil.url, live.made.home.config.log_address)
            # The receiver still hangs.
            until_anchored(live, [1, 2])
            time.sleep(1.5)
            letters(live, tmp_path, 10)
            until_anchored(live, [1, 2, 3])
            over.set()


@pytest.mark.slow
def test_what_was_sent_and_not_marked_is_sent_again_with_the_same_id(tmp_path: Path) -> None:
    with made(tmp_path) as (live, inbox):
        over = threading.Event()

        def slow() -> int:
            over.wait(PATIENCE_S)
            return 204

        inbox.answer = slow
        drain(live)
        with worker(live):
            letters(live, tmp_path, 0)
            inbox.until(lambda: bool(inbox.got))
        # Killed between the send and the mark: the receiver has it, the store doesn't know.
        over.set()
        inbox.answer = lambda: 204
        with worker(live):
            inbox.until(lambda: len(inbox.got) == 2)
            first, again = inbox.got
            assert first == again
            time.sleep(2)
        assert len(inbox.got) == 2


@pytest.mark.slow
def test_webhook_test_says_who_took_it_and_who_did_not(tmp_path: Path) -> None:
    with made(tmp_path) as (live, inbox):
        done = live.run("webhook", "test")
        assert (done.returncode, done.stdout) == (0, "ops: took it\n"), done.stderr
        assert inbox.got[0][1]["type"] == "webhook_test"
        inbox.answer = lambda: 302
        done = live.run("webhook", "test", "ops", "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout) == {"ops": "WEBHOOK_REFUSED: it answered 302"}
        done = live.run("webhook", "test", "other")
        assert done.returncode == 2
        assert "error WEBHOOK_UNKNOWN" in done.stderr


def verified_by_a_stranger(headers: dict[str, str], body: bytes, folder: Path) -> bool:
    """As docs/operations.md shows it, by openssl and the standard tools alone."""
    page = Path("docs/operations.md").read_text("utf-8")
    [script] = [one for one in page.split("```") if "openssl dgst -sha256 -mac" in one]
    (folder / "body").write_bytes(body)
    (folder / "ops.secret").write_text("whsec_" + base64.b64encode(KEY).decode() + "\n", "ascii")
    said = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "ID": headers["webhook-id"],
            "STAMP": headers["webhook-timestamp"],
        },
        check=True,
        capture_output=True,
        text=True,
    )
    return said.stdout.strip() == headers["webhook-signature"]


@pytest.mark.slow
def test_each_anchor_is_told_with_what_leads_to_its_block_and_whoever_has_the_secret_checks_it(
    tmp_path: Path,
) -> None:
    with made(tmp_path) as (live, inbox):
        heard: list[tuple[dict[str, str], bytes]] = []
        take = inbox.take

        def hear(headers: dict[str, str], body: bytes) -> None:
            heard.append((headers, body))
            take(headers, body)

        inbox.take = hear  # type: ignore[method-assign]
        # The first was proved by a worker that had no webhook yet.
        with worker(live):
            letters(live, tmp_path, 0)
            inbox.until(lambda: len(inbox.anchored()) == 1)
        [one] = inbox.anchored()
        assert (one["anchor"], one["first_batch"], one["last_batch"], one["size"]) == (1, 1, 1, 2)
        block = live.anvil.rpc("eth_getBlockByNumber", hex(one["block"]), False)
        assert block["hash"] == one["block_hash"]
        assert one["tx"] in block["transactions"]
        # Killed and started again, it tells no anchor a second time.
        with worker(live):
            letters(live, tmp_path, 10)
            inbox.until(lambda: len(inbox.anchored()) == 2)
        assert [one["anchor"] for one in inbox.anchored()] == [1, 2]
        headers, body = heard[0]
        assert verified_by_a_stranger(headers, body, tmp_path)
        assert not verified_by_a_stranger(headers, body + b" ", tmp_path)
