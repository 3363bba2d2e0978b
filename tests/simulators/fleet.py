"""Owns several processes of one service under load, and the killing of them at random.

Each is a real `notary serve` or `notary work`, killed by SIGKILL and started again. Clients offer records
by HTTP to whichever answers, and repeat each until it is acknowledged, as docs/http.md tells them.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.scenarios.service.live import Live
from tests.simulators.ports import free_port

START_S = 90  # a busy machine
ANSWER_S = 30
PAUSE_S = 0.2  # before a client tries again
BOUNDARY = "b0undary"
WITH_FILE_EVERY = 5  # every so many records come with an original

# The times of operators, shortened: a paused or distant worker would be waited for. Here every death is seen
# at once, by the files that the processes keep locked.
PROGRAM = """
import sys
from notary.usecases import lease
lease.LOOK_S = 0.2
from notary.cli import main
sys.argv[0] = "notary"
main()
"""


@dataclass
class Member:
    """One process: how it is started, and as what it runs now."""

    name: str
    words: tuple[str, ...]
    port: int | None
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0


@dataclass
class Fleet:
    """Two that answer and two that work, on one home."""

    live: Live
    folder: Path
    members: dict[str, Member] = field(default_factory=dict)
    receipts: dict[str, bytes] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self, name: str) -> None:
        """Start a member, or start it again."""
        member = self.members[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            member.process = subprocess.Popen(
                [sys.executable, "-u", "-c", PROGRAM, *member.words, "--home", str(self.live.home)],
                stdout=log,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        """kill -9."""
        member = self.members[name]
        assert member.process is not None
        assert member.process.poll() is None, f"{name} ended by itself:\n{self.said(name)}"
        member.process.kill()
        member.process.wait()
        member.kills += 1

    def said(self, name: str) -> str:
        """What a member has said."""
        return (self.folder / f"{name}.log").read_text("utf-8")

    def at_work(self) -> str:
        """The worker that holds the lease."""
        deadline = time.monotonic() + START_S
        holder = None
        while time.monotonic() < deadline:
            with self.live.opened() as service:
                holder = service.status()["workers"]["at_work"]
            for name, member in self.members.items():
                if (
                    holder
                    and member.process is not None
                    and str(member.process.pid) == holder.split(":")[1]
                ):
                    return name
            time.sleep(PAUSE_S)
        raise AssertionError(f"no worker holds the lease; {holder}")

    def wait_for_records(self, more: int) -> None:
        """Until so many more records are acknowledged."""
        wanted = len(self.receipts) + more
        deadline = time.monotonic() + START_S
        while len(self.receipts) < wanted:
            assert time.monotonic() < deadline, f"{len(self.receipts)} of {wanted} records"
            time.sleep(0.05)

    @contextmanager
    def load(self, clients: int, matters: list[str], token: str, seed: int) -> Iterator[None]:
        """Offer records while the block runs; each that was begun is acknowledged at its end."""
        self._stop.clear()
        threads = [
            threading.Thread(target=self._offer, args=(number, matters, token, seed))
            for number in range(clients)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _offer(self, client: int, matters: list[str], token: str, seed: int) -> None:
        chance = random.Random(f"{seed} {client}")
        ports = [member.port for member in self.members.values() if member.port is not None]
        number = 0
        while not self._stop.is_set():
            key = f"{seed}-{client}-{number}"
            item: dict[str, object] = {
                "matter": chance.choice(matters),
                "kind": "message",
                "claims": {"text": f"Reminder {key}"},
                "idempotency_key": key,
            }
            self._until_acknowledged(item, number % WITH_FILE_EVERY == 0, ports, token, chance)
            number += 1

    def _until_acknowledged(
        self,
        item: dict[str, object],
        with_file: bool,
        ports: list[int],
        token: str,
        chance: random.Random,
    ) -> None:
        deadline = None
        while True:
            if self._stop.is_set() and deadline is None:
                # While processes are killed, a busy machine may keep all of them from answering.
                deadline = time.monotonic() + START_S
            try:
                status, answer = _post(chance.choice(ports), item, with_file, token)
            except (OSError, http.client.HTTPException):
                # Killed before, during or after: nobody knows. The same key tells.
                status, answer = 0, b""
            if status in (200, 201):
                key = str(item["idempotency_key"])
                self.receipts[key] = json.loads(answer)["receipt"].encode()
                return
            if status not in (0, 429, 503):
                self.refused.append(f"{status} {answer.decode()}")
                return
            if deadline is not None and time.monotonic() > deadline:
                self.refused.append(f"{item['idempotency_key']} was never acknowledged")
                return
            time.sleep(PAUSE_S)

    def end(self) -> None:
        """Kill whatever runs."""
        for member in self.members.values():
            if member.process is not None and member.process.poll() is None:
                member.process.send_signal(signal.SIGTERM)
        for member in self.members.values():
            if member.process is not None:
                try:
                    member.process.wait(START_S)
                except subprocess.TimeoutExpired:
                    member.process.kill()
                    member.process.wait()


@contextmanager
def fleet(live: Live, folder: Path) -> Iterator[Fleet]:
    """The processes, all of them running; ended with the block."""
    folder.mkdir()
    made = Fleet(live, folder)
    for number in range(2):
        port = free_port()
        made.members[f"serve-{number}"] = Member(
            f"serve-{number}", ("serve", "--port", str(port)), port
        )
        made.members[f"work-{number}"] = Member(f"work-{number}", ("work",), None)
    try:
        for name in made.members:
            made.start(name)
        yield made
    finally:
        made.end()


def _post(port: int, item: dict[str, object], with_file: bool, token: str) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    path, body = "/v1/records", json.dumps(item).encode()
    if with_file:
        path = "/v1/records/with-files"
        headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        said = {**item, "files": [{"filename": "notice.txt", "media_type": "text/plain"}]}
        text = str(item["idempotency_key"]).encode() * 1000
        body = b"".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode()
            + content
            + b"\r\n"
            for name, content in (("record", json.dumps(said).encode()), ("file", text))
        )
        body += f"--{BOUNDARY}--\r\n".encode()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        line.request("POST", path, body, headers)
        answer = line.getresponse()
        return answer.status, answer.read()
    finally:
        line.close()
