"""The hostile tests' world: a chain, a log on it, a story, and the people who verify.

This is the reference builder, a second implementation of the producing side: from docs/spec alone,
without the service, without a node. `World.told()` tells one story; `complete()`, `extract()` and
`absent()` export it. A test damages one value on the way (tests/hostile/damage.py) or a finished
package (tests/hostile/package.py), and everything above it follows.

Test of the undamaged world: tests/hostile/test_world.py.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.hostile.chain import CHAIN_POINTS, Block, Call, Chain, Sender
from tests.hostile.damage import Change, Damage
from tests.hostile.export import Erased, Export, Withheld
from tests.hostile.log import LOG_POINTS, Log, Secrets
from tests.hostile.package import Package
from tests.hostile.persons import Toml
from verifier.format.jsonc import Json
from verifier.format.times import format_block_time

ARTIFACT = json.loads(
    (Path(__file__).parents[2] / "contracts" / "artifact" / "Anchors.json").read_text("utf-8")
)
CONTRACT = bytes.fromhex(ARTIFACT["address"][2:])
CODE_HASH = bytes.fromhex(ARTIFACT["runtime_code_hash"][2:])

CHAIN_ID = 31337
LOG_NAME = "notary.example/log"
GENESIS_TIME = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp())
HOUR = 3600  # seconds

CASE = "case"
NOBODY = "nobody"  # a number that was given out and never used

# After sealing which batch which sizes are anchored. Batch 1 is sealed without an anchor of its
# own; batch 3 does not touch the case, and batch 5 changes nothing.
ANCHORED: Mapping[int, tuple[int, ...]] = {0: (1,), 2: (3,), 3: (4,), 4: (5,), 5: (6,)}
BATCHES = 6

# Another transaction precedes each anchor in its block, so that its index isn't zero.
STRANGERS_CALL = Call(Sender.of(Secrets("stranger").take("account")), b"\x09" * 20)

# What the exporter of the story keeps back: one field, and a record that was erased.
WITHHELD: Withheld = {(0, "text"): "privilege"}
ERASED: Erased = {2: 5}


def money(minor: int) -> dict[str, Json]:
    return {"minor": minor, "currency": "EUR"}


class World:
    """One chain and one log on it."""

    def __init__(
        self,
        *,
        seed: str = "world",
        chain_id: int = CHAIN_ID,
        log_name: str = LOG_NAME,
        contract: bytes = CONTRACT,
        code_hash: bytes = CODE_HASH,
        other_contracts: Mapping[bytes, bytes] | None = None,
        header_size: int = 21,
        extra_data: bytes = b"simulated",
        neighbours: bool = True,
        damage: Mapping[str, Change] | None = None,
    ) -> None:
        unknown = set(damage or {}) - CHAIN_POINTS - LOG_POINTS
        if unknown:
            raise ValueError(f"{sorted(unknown)} is no point of the world")
        self.damage = Damage(**(damage or {}))
        self.chain = Chain(
            chain_id,
            {contract: code_hash, **(other_contracts or {})},
            GENESIS_TIME,
            self.damage,
            header_size,
            extra_data,
            neighbours,
        )
        self.log = Log(self.chain, contract, log_name, Secrets(seed), self.damage)
        self.contract = contract

    def wait(self, seconds: int = HOUR) -> Block:
        """Let time pass and a block be made at its end."""
        return self.chain.mine(self.chain.tip.timestamp + seconds)

    # ------------------------------------------------------------------ the story

    @classmethod
    def told(cls, **options: Any) -> World:
        """A world in which the whole story has happened; options of both are taken."""
        of_the_story = (
            "anchored", "batches", "headers", "tx_type", "last_wait_s", "hand_overs"
        )  # fmt: skip
        story = {name: options.pop(name) for name in of_the_story if name in options}
        return cls(**options).tell(**story)

    def tell(
        self,
        *,
        anchored: Mapping[int, tuple[int, ...]] = ANCHORED,
        batches: int = BATCHES,
        headers: Mapping[int, Mapping[str, Json]] | None = None,
        tx_type: int = 2,
        last_wait_s: int = HOUR,
        hand_overs: Collection[int] = (),
    ) -> World:
        """Let the story happen.

        The batches `hand_overs` are sealed with the next key set.

        `anchored` says which sizes are anchored after which batch, `headers` which header members
        differ in which batch.
        """
        chapters = (
            self._chapter_0,
            self._chapter_1,
            self._chapter_2,
            self._chapter_3,
            self._chapter_4,
        )
        for index in range(batches):
            self.wait()
            if index < len(chapters):
                chapters[index]()
            if index in hand_overs:
                self.log.hand_over()
            self.log.seal((headers or {}).get(index))
            for size in anchored.get(index, ()):
                self.log.anchor(size, tx_type=tx_type, before=[STRANGERS_CALL])
        self.wait(last_wait_s)
        self.damage.require_fired()
        return self

    def _chapter_0(self) -> None:
        self.log.add("other", "letter", {"subject": "Invoice 7", "occurred_at": self.now()})

    def _chapter_1(self) -> None:
        letter: dict[str, Json] = {
            "stage": "first",
            "amount": money(125_000),
            "due_date": "2026-09-15",
            "addressee": "Acme GmbH",
            "text": "We ask you to pay the sum of 1,250.00 EUR.",
            "occurred_at": self.now(-HOUR),
        }
        self.log.add(CASE, "letter", letter)
        payment: dict[str, Json] = {
            "amount": money(25_000),
            "payer": "Acme GmbH",
            "occurred_at": self.now(-60),
        }
        self.log.add(CASE, "payment", payment)

    def _chapter_2(self) -> None:
        call: dict[str, Json] = {
            "direction": "out",
            "duration_s": 95,
            "occurred_at": None,
            "occurred_at_source": {
                "text": "10/1 14:05",
                "zone": None,
                "fold": None,
                "note": "the year is missing in the source",
            },
        }
        self.log.add(CASE, "call", call)
        self.log.add("other", "payment", {"amount": money(9_900), "occurred_at": self.now()})
        self.log.add("third", "letter", {"subject": "催款函", "occurred_at": self.now()})

    def _chapter_3(self) -> None:
        self.log.add("third", "call", {"direction": "in", "occurred_at": self.now(-5)})

    def _chapter_4(self) -> None:
        visit: dict[str, Json] = {
            "started_at": self.now(-1800),
            "ended_at": self.now(-900),
            "place": "Hamburg",
        }
        photo = ("door.jpg", b"\xff\xd8 not really a picture \xff\xd9")
        self.log.add(CASE, "visit", {**visit, "occurred_at": self.now(-1800)}, [photo])
        message: dict[str, Json] = {"channel": "sms", "direction": "in", "sender": "+49 40 1234567"}
        self.log.add(CASE, "message", {**message, "occurred_at": self.now(-7200)})
        erased = self.log.matters[CASE].records[2]
        erasure: dict[str, Json] = {
            "target": {"position": 2, "leaf": erased.leaf_hash.hex()},
            "reason": "retention period over",
            "authority": "privacy officer",
            "occurred_at": self.now(),
        }
        self.log.add(CASE, "erasure", erasure)

    def now(self, offset_s: int = 0) -> str:
        return format_block_time(self.chain.tip.timestamp + offset_s)

    # ------------------------------------------------------------------ packages

    def complete(
        self,
        matter: str = CASE,
        *,
        log: Log | None = None,
        as_of: Block | None = None,
        withheld: Withheld = WITHHELD,
        erased: Erased = ERASED,
        full_history: bool = False,
    ) -> Package:
        if matter != CASE:
            withheld, erased = {}, {}
        return self.export(
            "complete",
            matter,
            log,
            as_of,
            withheld=withheld,
            erased=erased,
            full_history=full_history,
        )

    def extract(
        self,
        positions: Iterable[int] = (0, 3),
        matter: str = CASE,
        *,
        log: Log | None = None,
        as_of: Block | None = None,
        withheld: Withheld = WITHHELD,
        erased: Erased | None = None,
        full_history: bool = False,
    ) -> Package:
        chosen = tuple(positions)
        if matter != CASE:
            withheld = {}
        kept = {at: reason for at, reason in withheld.items() if at[0] in chosen}
        return self.export(
            "extract",
            matter,
            log,
            as_of,
            positions=chosen,
            withheld=kept,
            erased=erased or {},
            full_history=full_history,
        )

    def absent(
        self,
        matter: str = NOBODY,
        *,
        log: Log | None = None,
        as_of: Block | None = None,
        full_history: bool = False,
    ) -> Package:
        return self.export("absent", matter, log, as_of, full_history=full_history)

    def export(
        self, kind: str, matter: str, log: Log | None, as_of: Block | None, **choices: Any
    ) -> Package:
        source = log or self.log
        return Export(source, source.number(matter), kind, as_of=as_of, **choices).package()

    # ------------------------------------------------------------------ the verifying person

    def policy(self) -> Toml:
        """A policy that requires every row that can pass, and pins the log."""
        return {
            "format": "notary-policy/1",
            "required": {
                "complete": ["order", "completeness", "history", "time", "withheld"],
                "extract": ["order", "history", "time", "withheld"],
                "absent": ["history"],
            },
            "limits": {"max_silence_s": 90_000, "history": "shown"},
            "chain": [
                {
                    "id": self.chain.chain_id,
                    "name": "demo chain",
                    "class": "test",
                    "hash_rule": "ethereum",
                }
            ],
            "log": [self.pin()],
        }

    def pin(self, log: Log | None = None) -> Toml:
        pinned = log or self.log
        return {
            "chain_id": pinned.chain.chain_id,
            "contract": "0x" + pinned.contract.hex(),
            "log_address": "0x" + pinned.address.hex(),
            "name": pinned.name,
            "vkeys": [key.vkey for key in pinned.checkpoint_keys],
            "receipt_vkeys": [pinned.receipt_key.vkey],
            "from": "2026-01-01T00:00:00.000Z",
            "origin": "contract, annex 3",
        }

    def inputs(self, matter: str | None = CASE) -> Toml:
        """Inputs that name the matter, an as-of date and every block of the honest chain."""
        document: Toml = {"format": "notary-inputs/1"}
        if matter is not None:
            document["matter"] = self.log.number(matter).text
        document["earliest_as_of"] = "2026-10-01T00:00:00.000Z"
        document["block"] = [
            {
                "chain_id": self.chain.chain_id,
                "number": block.number,
                "hash": "0x" + block.hash.hex(),
                "origin": "my own node",
            }
            for block in self.chain.blocks
        ]
        return document
