"""Attacks by nodes that are asked, and on what they answer: steps 9.1 to 9.3 and 10.3, level 2.

Nodes listen on loopback and are asked over HTTP. A node that lies must not convict an honest
package, and must not confirm a forged one by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.hostile.attacks.finality import UNCONFIRMED, not_before
from tests.hostile.attacks.legs import FIRST_LEG
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.package import Package
from tests.hostile.persons import Toml
from tests.hostile.world import CHAIN_ID, World
from tests.simulators.nodes import Answer, Node, raw, result

WRONG = b"\xab" * 32
NOTHING = "9.1 NOT CHECKED LEVEL_0"
DISPUTED = "9.3 NOT CHECKED BLOCK_DISPUTED"


def node(
    world: World | None = None,
    *,
    other: int | None = None,
    lacks: frozenset[int] = frozenset(),
    rules: Mapping[str, Answer] | None = None,
) -> Node:
    """A node of the honest chain, which gives another hash for block `other`."""
    hashes = {
        block.number: WRONG if block.number == other else block.hash
        for block in (world or honest()).chain.blocks
        if block.number not in lacks
    }
    return Node(CHAIN_ID, hashes, rules)


def silent() -> Node:
    return node(rules={"eth_chainId": raw(b"")})


def asking(
    *nodes: tuple[str | None, Node],
    own: bool = False,
    quorum: int = 2,
    level: int = 1,
    rpc: bool = True,
    package: Package | None = None,
) -> Case:
    """A person who asks these nodes, and with `own` has hashes of her own as well."""
    policy: Toml = honest().policy()
    policy["limits"] |= {"quorum": quorum, "level": level}
    inputs = honest().inputs()
    if not own:
        del inputs["block"]
    return case(package or honest().complete(), policy=policy, inputs=inputs, nodes=nodes, rpc=rpc)


@attack()
def quorum_of_operators() -> Case:
    """Two operators give every hash: level 2, without a hash of the person's own."""
    return asking(("A", node()), ("B", node()))


@attack()
def quorum_beside_own_hashes_and_silent_nodes() -> Case:
    """A node is silent, another lags; that is no dissent."""
    lagging = node(lacks=frozenset(range(3, 13)))
    return asking(("A", node()), ("B", node()), ("C", silent()), ("D", lagging), own=True)


@attack()
def own_hashes_while_no_node_answers() -> Case:
    """The person's own hashes stand, whoever is silent."""
    return asking(("A", silent()), ("B", silent()), own=True)


@attack(finality=NOTHING, time=UNCONFIRMED)
def endpoints_that_nobody_asked() -> Case:
    """The policy names nodes that would agree; without --rpc they are not asked."""
    return asking(("A", node()), ("B", node()), rpc=False)


@attack(finality=NOTHING, time=UNCONFIRMED)
def one_operator_of_two() -> Case:
    """One operator confirms, the other is silent: one node alone can't make a quorum."""
    return asking(("A", node()), ("B", silent()))


@attack(finality=NOTHING, time=UNCONFIRMED)
def one_operator_at_three_places() -> Case:
    """One operator's three nodes confirm; the other operator lags."""
    lagging = node(lacks=frozenset(range(1, 13)))
    return asking(("A", node()), ("A", node()), ("A", node()), ("B", lagging))


@attack(finality=NOTHING, time=UNCONFIRMED)
def two_operators_where_three_are_asked_for() -> Case:
    """The quorum is three; two confirm."""
    return asking(("A", node()), ("B", node()), ("C", silent()), quorum=3)


@attack(finality=NOTHING, time=UNCONFIRMED)
def nodes_that_the_policy_does_not_name() -> Case:
    """The sender offers nodes of his own, which all agree; they never count."""
    return asking((None, node()), (None, node()), ("A", node()), ("B", silent()))


@attack(finality=NOTHING, time=UNCONFIRMED)
def nodes_of_another_chain() -> Case:
    """The nodes say that they are of chain 1, and have blocks of these numbers and hashes."""
    of_1: dict[str, Answer] = {"eth_chainId": result("0x1")}
    return asking(("A", node(rules=of_1)), ("B", node(rules=of_1)))


@attack()
def quorum_that_the_policy_asks_for() -> Case:
    """The policy asks for level 2, and two operators make it."""
    return asking(("A", node()), ("B", node()), level=2)


@attack(finality="9.1 NOT CHECKED LEVEL_BELOW_POLICY", time=UNCONFIRMED)
def own_hashes_where_the_policy_asks_for_a_quorum() -> Case:
    """The person has every hash; her policy wants operators to agree, and nobody was asked."""
    return asking(("A", node()), ("B", node()), own=True, level=2, rpc=False)


@attack(finality="9.1 NOT CHECKED LEVEL_BELOW_POLICY", time=UNCONFIRMED)
def one_operator_beside_own_hashes_where_the_policy_asks_for_a_quorum() -> Case:
    """One operator agrees with the person's own hashes; her own word is none of an operator."""
    return asking(("A", node()), ("B", silent()), own=True, level=2)


@attack(finality=DISPUTED)
def one_node_gives_another_as_of_block() -> Case:
    """Two operators confirm, the third gives another hash: disputed, and no conviction."""
    return asking(("A", node()), ("B", node()), ("C", node(other=12)))


@attack(finality=DISPUTED)
def second_node_of_an_operator_gives_another_as_of_block() -> Case:
    """An operator's two nodes contradict each other."""
    return asking(("A", node()), ("A", node(other=12)), ("B", node()))


@attack(finality=DISPUTED)
def node_of_nobody_gives_another_as_of_block() -> Case:
    """A node that the policy does not name can't confirm; what it disputes is not passed over."""
    return asking(("A", node()), ("B", node()), (None, node(other=12)))


@attack(finality=DISPUTED)
def every_node_gives_another_as_of_block_than_the_person() -> Case:
    """The person's own hash is the header's, every node gives another: her sources disagree."""
    return asking(("A", node(other=12)), ("B", node(other=12)), own=True)


@attack(finality=DISPUTED)
def node_gives_another_block_of_a_leg() -> Case:
    """A leg's block needs no confirmation, and another hash for it is not passed over."""
    number = honest().log.anchors[FIRST_LEG].block.number
    return asking(("A", node()), ("B", node()), ("C", node(other=number)))


@attack(time="10.3 NOT CHECKED BLOCK_DISPUTED")
def node_gives_another_block_before_a_sealing() -> Case:
    """A node gives another hash for a block after which a batch was sealed."""
    return asking(("A", node()), ("B", node()), ("C", node(other=not_before())))


@attack(time=UNCONFIRMED)
def nodes_lack_a_block_before_a_sealing() -> Case:
    """The as-of block is of level 2, a block before a sealing of level 0: the row takes the lowest."""
    missing = frozenset({not_before()})
    return asking(("A", node()), ("B", node(lacks=missing)))


@attack(finality=DISPUTED, time="10.3 NOT CHECKED BLOCK_DISPUTED", verdict="INDETERMINATE")
def forged_history_and_honest_nodes() -> Case:
    """The service builds a chain of its own; honest nodes give other hashes for all of it."""
    forged = World.told(extra_data=b"private")
    return asking(("A", node()), ("B", node()), package=forged.complete())


@attack(finality=DISPUTED, time="10.3 NOT CHECKED BLOCK_DISPUTED", verdict="INDETERMINATE")
def forged_history_and_one_bought_node() -> Case:
    """One operator serves the forged chain, the others the honest one."""
    forged = World.told(extra_data=b"private")
    nodes = ("A", node(forged)), ("B", node()), ("C", node())
    return asking(*nodes, package=forged.complete())


@attack(finality="9.2 FAIL BLOCK_HASH_DIFFERENT")
def own_hash_against_a_quorum() -> Case:
    """The person answers for her own hash, whatever nodes say."""
    made = asking(("A", node()), ("B", node()), own=True)
    assert isinstance(made.inputs, dict)
    made.inputs["block"][-1]["hash"] = "0x" + WRONG.hex()
    return made


@attack(error="1.1 POLICY_QUORUM")
def quorum_that_can_not_be_reached() -> Case:
    """Two endpoints of one operator, and a quorum of two."""
    return asking(("A", node()), ("A", node()))
