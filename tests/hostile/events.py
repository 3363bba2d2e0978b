"""A matter with events of a foreign contract: a chain of its own, a contract, and records of it.

Written from docs/spec/anchor.md §6 and format.md §7. Test of the undamaged case:
tests/hostile/attacks/events.py, `event_of_a_foreign_contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from eth_utils.crypto import keccak

from tests.hostile.case import Case
from tests.hostile.chain import Block, Call, Chain, Sender
from tests.hostile.damage import NO_DAMAGE, Damage
from tests.hostile.export import b64s
from tests.hostile.log import Secrets
from tests.hostile.package import Package
from tests.hostile.persons import Toml
from tests.hostile.world import CASE, GENESIS_TIME, HOUR, STRANGERS_CALL, World
from verifier.format.digests import b64_encode
from verifier.format.times import format_block_time

FOREIGN_ID = 8_453_001
ESCROW, OTHER = b"\xe5" * 20, b"\xee" * 20
CODE = keccak(b"the escrow's code")
SIGNATURE = "Delivered(bytes32,uint256)"
TOPIC = keccak(SIGNATURE.encode())
CONSIGNMENT, ANOTHER = b"\x11" * 32, b"\x22" * 32
DATA = (72).to_bytes(32, "big")

# The transaction at this index logs one thing of another contract, then two of the escrow.
INDEX, LOG_INDEX = 1, 1
ENTRIES = (
    (OTHER, [TOPIC, CONSIGNMENT], DATA),
    (ESCROW, [TOPIC, CONSIGNMENT], DATA),
    (ESCROW, [TOPIC, ANOTHER], DATA),
)

Edit = Callable[[dict[str, Any]], object]


def foreign_chain(
    chain_id: int = FOREIGN_ID, *, tx_type: int = 2, damage: Damage = NO_DAMAGE, **options: Any
) -> Chain:
    """A chain whose block 2 has the escrow's deliveries."""
    contracts = {ESCROW: CODE, OTHER: keccak(b"other code")}
    chain = Chain(chain_id, contracts, GENESIS_TIME - 10 * HOUR, damage, **options)
    chain.mine(chain.tip.timestamp + HOUR)
    sender = Sender.of(Secrets("buyer").take("account"))
    call = Call(sender, ESCROW, b"deliver", tx_type, ENTRIES)
    chain.mine(chain.tip.timestamp + HOUR, [STRANGERS_CALL, call, STRANGERS_CALL])
    return chain


def proof_of(chain: Chain, block: Block, index: int = INDEX, log_index: int = LOG_INDEX) -> Any:
    """docs/spec/anchor.md §6."""
    return {
        "format": "notary-chain-event/1",
        "chain_id": chain.chain_id,
        "header": b64_encode(block.header),
        "index": index,
        "tx": b64_encode(block.transactions[index]),
        "tx_proof": b64s(chain.prove_transaction(block, index)),
        "receipt": b64_encode(block.receipts[index]),
        "receipt_proof": b64s(chain.prove_receipt(block, index)),
        "log_index": log_index,
        "account_proof": b64s(chain.prove_account(block, ESCROW)),
    }


def claims_of(chain: Chain, log_index: int = LOG_INDEX) -> dict[str, Any]:
    """An honest record's claims of one of the escrow's deliveries, its proof among them."""
    block = chain.tip
    emitter, topics, data = ENTRIES[log_index]
    return {
        "chain_id": chain.chain_id,
        "contract": "0x" + emitter.hex(),
        "topics": ["0x" + topic.hex() for topic in topics],
        "log_data": "0x" + data.hex(),
        "block": {"number": block.number, "hash": "0x" + block.hash.hex()},
        "event": SIGNATURE,
        "code_hash": "0x" + CODE.hex(),
        "occurred_at": format_block_time(block.timestamp),
        "proof": proof_of(chain, block, log_index=log_index),
    }


def world_with(*records: Mapping[str, Any]) -> World:
    """A log in which a letter and then these records of events were taken, sealed, anchored."""
    world = World()
    world.wait()
    world.log.add(CASE, "letter", {"subject": "Delivery", "occurred_at": world.now()})
    for claims in records:
        world.log.add(CASE, "chain_event", claims)
    world.log.seal()
    world.log.anchor(before=[STRANGERS_CALL])
    world.wait()
    return world


def judged_by(world: World, package: Package, *chains: Chain) -> Case:
    """A case whose person requires events, lists these chains and has the hash of every block."""
    return Case(package, policy_of(world, *chains), inputs_of(world, *chains))


def policy_of(world: World, *chains: Chain) -> Toml:
    policy = world.policy()
    policy["required"]["complete"].append("events")
    policy["chain"] += [
        {"id": chain.chain_id, "name": "foreign", "class": "public", "hash_rule": "ethereum"}
        for chain in chains
    ]
    return policy


def inputs_of(world: World, *chains: Chain) -> Toml:
    inputs = world.inputs()
    inputs["block"] += [
        {"chain_id": chain.chain_id, "number": block.number, "hash": "0x" + block.hash.hex()}
        for chain in chains
        for block in chain.blocks
    ]
    return inputs


def event_case(
    claims: Edit | None = None,
    proof: Edit | None = None,
    *,
    chain: Chain | None = None,
    withheld: Collection[str] = (),
) -> Case:
    """One event, recorded honestly but for what `claims` and `proof` do to it."""
    foreign = chain or foreign_chain()
    record = claims_of(foreign)
    for edit, document in ((claims, record), (proof, record["proof"])):
        if edit is not None:
            edit(document)
    world = world_with(record)
    kept = {(1, claim): "trade_secret" for claim in withheld}
    return judged_by(world, world.complete(withheld=kept, erased={}), foreign)
