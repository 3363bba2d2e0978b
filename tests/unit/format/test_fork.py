"""Fork proofs (docs/spec/format.md §14): verifier/format/fork.py.

Each kind is built from a log that told two stories, and stands. Then one thing is changed, as somebody
would who frames a log that told one story only; the exact reason refuses it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.reference import evm_chain
from tests.reference.refusal import refused
from tests.reference.toy_log import LOG, NAME, Signer, ToyLog, key_of, told
from tests.reference.unknown_members import with_a_member_more
from verifier.format import contract, fork, matter_map, notes, trees
from verifier.format.digests import ZERO, Digest
from verifier.format.errors import FormatError
from verifier.format.evm_document import AsOf
from verifier.format.fold import Fold, Link, open_links
from verifier.format.fork import (
    Checkpoints,
    Fork,
    Headers,
    Heads,
    Links,
    SignedHead,
    SignedHeader,
    Told,
    Tree,
)
from verifier.format.statement import Log

NOW, NEXT = Signer(b"now"), Signer(b"next")
ONE = told([{"a": 2, "b": 1}, {"a": 1}, {"b": 1}, {"a": 2}])
# The same log tells another story from batch 2 on.
OTHER = told([{"b": 2}, {"a": 3}], told([{"a": 2, "b": 1}, {"a": 1}]), teller="other ")


def proof(told: Told, *signers: Signer, log: Log = LOG) -> Fork:
    texts = sorted({signer.text for signer in signers or (NOW,)})
    return Fork(log, () if isinstance(told, Links) else tuple(texts), told)


def lost(matter: str = "a") -> ToyLog:
    """A second story in which the matter is gone from batch 2 on."""
    log = told([{"a": 2, "b": 1}, {"a": 1}])
    del log.records[key_of(matter)]
    log.batches[-1].values = {
        k: v for k, v in log.batches[-1].values.items() if k != key_of(matter)
    }
    return told([{"b": 1}], log)


def shrunk(records: int) -> ToyLog:
    """A second story in which the matter has fewer records from batch 2 on, or as many others."""
    log = told([{"a": 2, "b": 1}, {"a": 1}])
    log.records[key_of("a")] = ()
    log.add("a", *[f"new {i}" for i in range(records)])
    log.seal()
    return log


def chain(*links: Link, prev: Digest = ZERO) -> Links:
    head = [prev, *open_links(prev, links)][-1]
    state = evm_chain.as_of(head)
    return Links(Fold(prev, links), AsOf(state.header, state.account_proof, state.storage_proof))


ON_CHAIN = Log(evm_chain.CHAIN_ID, contract.ADDRESS, evm_chain.LOG_ADDRESS, NAME)
FIRST, SECOND = Link(ZERO, 3, 100), Link(Digest(b"\x01" * 32), 2, 200)

PROOFS: dict[str, Fork] = {
    "checkpoints": proof(Checkpoints(ONE.checkpoint(4), OTHER.checkpoint(4))),
    "headers": proof(Headers(ONE.header(2, 3), OTHER.header(2))),
    "tree": proof(Tree(ONE.checkpoint(3), OTHER.checkpoint(4), tuple(OTHER.leaf_hashes()))),
    "tree of one size": proof(
        Tree(ONE.checkpoint(4), OTHER.checkpoint(4), tuple(OTHER.leaf_hashes()))
    ),
    "heads, absent": proof(Heads(ONE.head(1, "a"), lost().head(2, "a"), key_of("a"), ())),
    "heads, smaller": proof(Heads(ONE.head(1, "a"), shrunk(2).head(2, "a"), key_of("a"), ())),
    "heads, equal": proof(Heads(ONE.head(1, "a"), shrunk(3).head(2, "a"), key_of("a"), ())),
    "heads, no prefix": proof(
        Heads(ONE.head(1, "a"), shrunk(4).head(2, "a"), key_of("a"), shrunk(4).records[key_of("a")])
    ),
    "links, smaller": proof(chain(FIRST, SECOND), log=ON_CHAIN),
    "links, equal": proof(chain(FIRST, SECOND._replace(size=3)), log=ON_CHAIN),
}


def changed(name: str, **members: Any) -> Fork:
    """A proof that stands, with other members of what is told."""
    stands = PROOFS[name]
    return stands._replace(told=stands.told._replace(**members))


# ---------------------------------------------------------------------- what stands


@pytest.mark.parametrize("name", PROOFS)
def test_a_log_that_told_two_stories_is_convicted(name: str) -> None:
    stands = PROOFS[name]
    data = fork.encode(stands)
    assert fork.parse(data) == stands
    assert json.loads(data)["kind"] == name.partition(",")[0].partition(" ")[0]
    proved = fork.check(fork.parse(data))
    if stands.kind == "links":
        assert proved.block is not None
        assert (proved.notes, proved.key_sets) == ((), ())
    else:
        assert [keys.log for keys in proved.key_sets] == [NAME]
        assert len(proved.notes) == 2
    assert proved.sentence


@pytest.mark.parametrize("name", [name for name in PROOFS if PROOFS[name].kind != "heads"])
def test_the_order_of_the_statements_is_free_where_they_are_alike(name: str) -> None:
    stands = PROOFS[name]
    if isinstance(stands.told, Checkpoints | Headers):
        fork.check(changed(name, first=stands.told.second, second=stands.told.first))


def test_two_key_sets_of_one_log_may_sign() -> None:
    """The keys before a hand-over and those after it can contradict each other as well."""
    second = NEXT.note(4, OTHER.root(4))
    fork.check(proof(Checkpoints(ONE.checkpoint(4), second), NOW, NEXT))


# ---------------------------------------------------------------------- one story is no fork


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (Checkpoints(ONE.checkpoint(4), ONE.checkpoint(4)), "FORK_SAME"),
        (Checkpoints(ONE.checkpoint(3), ONE.checkpoint(4)), "FORK_SIZES"),
        (Headers(ONE.header(2, 3), ONE.header(2, 4)), "FORK_SAME"),
        (Headers(ONE.header(2), ONE.header(2)), "FORK_SAME"),
        (Headers(ONE.header(1), ONE.header(2)), "FORK_INDEX"),
        (Tree(ONE.checkpoint(3), ONE.checkpoint(4), tuple(ONE.leaf_hashes())), "FORK_NONE"),
        (Tree(ONE.checkpoint(4), ONE.checkpoint(4), tuple(ONE.leaf_hashes())), "FORK_NONE"),
        (Tree(ONE.checkpoint(4), ONE.checkpoint(3), tuple(ONE.leaf_hashes(3))), "FORK_SIZES"),
        (Heads(ONE.head(0, "a"), ONE.head(1, "a"), key_of("a"), ONE.records[key_of("a")][:3]),
         "FORK_NONE"),
        (Heads(ONE.head(1, "a"), ONE.head(2, "a"), key_of("a"), ONE.records[key_of("a")][:3]),
         "FORK_NONE"),
        (Heads(ONE.head(1, "a"), ONE.head(2, "a"), key_of("a"), ()), "FORK_LEAVES"),
        (Heads(ONE.head(1, "a"), ONE.head(0, "a"), key_of("a"), ()), "FORK_ORDER"),
        (Heads(ONE.head(1, "a", 2), ONE.head(1, "a", 4), key_of("a"), ()), "FORK_ORDER"),
        (Heads(ONE.head(0, "nobody"), ONE.head(1, "nobody"), key_of("nobody"), ()), "FORK_NONE"),
    ],
)  # fmt: skip
def test_what_one_story_says_is_no_fork(told: Told, code: str) -> None:
    with refused(code):
        fork.check(proof(told))


def test_a_matter_that_begins_later_is_no_fork() -> None:
    log = told([{"b": 1}, {"a": 1}])
    with refused("FORK_NONE"):
        fork.check(proof(Heads(log.head(0, "a"), log.head(1, "a"), key_of("a"), ())))


@pytest.mark.parametrize(
    "links",
    [
        (),
        (FIRST,),
        (FIRST, FIRST._replace(time=300)),
        (FIRST, Link(ZERO, 4, 200), Link(Digest(b"\x02" * 32), 5, 300)),
    ],
)
def test_anchors_that_grow_are_no_fork(links: tuple[Link, ...]) -> None:
    with refused("FORK_NONE"):
        prev = ZERO if links else Digest(b"\x05" * 32)
        fork.check(proof(chain(*links, prev=prev), log=ON_CHAIN))


# ---------------------------------------------------------------------- framing


@pytest.mark.parametrize("size", [3, 4])
def test_leaves_of_another_tree_frame_nobody(size: int) -> None:
    """Leaves that give neither root, or not the second: anybody can invent those."""
    for leaves in ((), (ZERO,) * size, tuple(ONE.leaf_hashes(size))):
        with refused("FORK_LEAVES"):
            fork.check(changed("tree", leaves=leaves))
    with refused("FORK_LEAVES"):
        fork.check(changed("heads, no prefix", leaves=(ZERO,) * 4))


def test_inner_nodes_instead_of_leaves_frame_nobody() -> None:
    """Two nodes give the root of the four leaves under them, and their beginning no root at all."""
    one, two, three, four = ONE.leaf_hashes()
    nodes = (trees.node_hash(one, two), trees.node_hash(three, four))
    assert trees.root(nodes) == ONE.root(4)
    for size in (1, 2):
        with refused("FORK_LEAVES"):
            fork.check(proof(Tree(ONE.checkpoint(size), ONE.checkpoint(4), nodes)))
    log = told([{"a": 2}, {"a": 2}])
    records = log.records[key_of("a")]
    nodes = (trees.node_hash(*records[:2]), trees.node_hash(*records[2:]))
    with refused("FORK_LEAVES"):
        fork.check(proof(Heads(log.head(0, "a"), log.head(1, "a"), key_of("a"), nodes)))


@pytest.mark.parametrize("name", ["heads, absent", "heads, smaller", "heads, equal"])
def test_leaves_where_none_are_needed_are_refused(name: str) -> None:
    with refused("FORK_LEAVES"):
        fork.check(changed(name, leaves=(ZERO,)))


def test_a_header_that_is_not_in_the_log_frames_nobody() -> None:
    second = OTHER.header(2)._replace(header=ONE.header(2).header.replace("3600", "3601"))
    with refused("INCLUSION_ROOT"):
        fork.check(changed("headers", second=second))


def test_a_proof_at_another_index_frames_nobody() -> None:
    """The header of batch 3 with its proof, said to be at index 2."""
    second = ONE.header(3)
    moved = second._replace(proof=second.proof.replace("index 3", "index 2"))
    with refused("INCLUSION_ROOT"):
        fork.check(changed("headers", second=moved))


def test_a_map_proof_of_another_key_frames_nobody() -> None:
    """Nobody is absent; said of the matter that is there, the proof does not lead to the root."""
    absent = ONE.head(2, "nobody")
    with pytest.raises(FormatError):
        fork.check(proof(Heads(ONE.head(1, "a"), absent, key_of("a"), ())))
    with refused("FORK_NONE"):
        # Said of nobody, the first statement has to be about nobody as well.
        fork.check(proof(Heads(ONE.head(1, "nobody"), absent, key_of("nobody"), ())))
    with pytest.raises(FormatError):
        fork.check(changed("heads, absent", matter=key_of("b")))


def test_a_map_proof_of_another_batch_frames_nobody() -> None:
    """The map of batch 0, where the matter is smaller, under the header of batch 2."""
    old = matter_map.encode(ONE.map_proof(0, key_of("a"))._replace(batch=2)).decode()
    with refused("MAP_ROOT"):
        fork.check(changed("heads, smaller", second=SignedHead(*ONE.header(2), old)))
    named = matter_map.encode(ONE.map_proof(1, key_of("a"))).decode()
    with refused("FORK_HEADER"):
        fork.check(changed("heads, smaller", second=SignedHead(*ONE.header(2), named)))


def test_a_header_that_names_another_batch_is_no_head_of_it() -> None:
    """A log that seals such a header lies; which batch the map is of, nobody can say."""
    log = told([{"a": 2}, {"a": 1}])
    log.records[key_of("a")] = ()
    log.add("a", "new")
    log.seal(batch=7)
    with refused("FORK_HEADER"):
        fork.check(changed("heads, smaller", second=log.head(2, "a")))


def test_a_header_that_names_another_log_is_no_head_of_it() -> None:
    log = told([{"a": 2}, {"a": 1}])
    log.records[key_of("a")] = ()
    log.add("a", "new")
    log.seal(log="another.example/log")
    with refused("FORK_HEADER"):
        fork.check(changed("heads, smaller", second=log.head(2, "a")))


def test_a_text_that_the_key_did_not_sign_frames_nobody() -> None:
    """The signature of one checkpoint under the text of another."""
    body = notes.checkpoint_text(NAME, 4, ZERO)
    forged = body + "\n" + ONE.checkpoint(4).split("\n\n")[1]
    with refused("FORK_NOT_SIGNED"):
        fork.check(changed("checkpoints", second=forged))
    with refused("NOTE_SIGNATURES"):
        fork.check(changed("checkpoints", second=body + "\n"))


@pytest.mark.parametrize("name", [name for name in PROOFS if PROOFS[name].kind != "links"])
def test_keys_of_a_stranger_frame_nobody(name: str) -> None:
    """The file names other keys than those that signed."""
    with refused("FORK_NOT_SIGNED"):
        fork.check(PROOFS[name]._replace(keys=(Signer(b"stranger").text,)))
    with refused("FORK_NOT_SIGNED"):
        fork.check(PROOFS[name]._replace(keys=()))


def test_one_statement_by_a_stranger_frames_nobody() -> None:
    """The second story is a stranger's; under the log's keys alone it is not signed."""
    stranger = Signer(b"stranger").note(4, ZERO)
    with refused("FORK_NOT_SIGNED"):
        fork.check(changed("checkpoints", second=stranger))


def test_a_key_set_that_signed_nothing_is_refused() -> None:
    """Else a name could be put into a file that its keys have nothing to do with."""
    texts = tuple(sorted([NOW.text, NEXT.text]))
    with refused("FORK_KEYS"):
        fork.check(PROOFS["checkpoints"]._replace(keys=texts))
    with refused("FORK_KEYS"):
        fork.check(PROOFS["links, equal"]._replace(keys=(NOW.text,)))


def test_a_checkpoint_of_another_log_frames_nobody() -> None:
    """The same key, asked to sign for a log of another name."""
    other = NOW.note(4, ZERO, "other.example/log")
    with refused("FORK_ORIGIN"):
        fork.check(changed("checkpoints", second=other))


def test_groups_of_receipts_frame_nobody() -> None:
    """Two groups of one size with two roots are every day's work: they are no checkpoints."""
    first, second = (NOW.receipt_note(3, bytes([i]) * 32) for i in (1, 2))
    with refused("FORK_ORIGIN"):
        fork.check(proof(Checkpoints(first, second)))
    with refused("FORK_KEYS"):
        receipts = Log(*LOG[:3], f"{NAME}/receipts")
        fork.check(proof(Checkpoints(first, second), log=receipts))


def test_half_of_the_keys_frame_nobody() -> None:
    """A key set has two checkpoint keys, and one of them never signed."""
    two = Signer(b"now", extra=6)
    assert two.vkey == NOW.vkey
    with refused("FORK_NOT_SIGNED"):
        fork.check(PROOFS["checkpoints"]._replace(keys=(two.text,)))


def test_a_key_of_an_unknown_type_is_neither_good_nor_bad() -> None:
    unknown = Signer(b"now", extra=5)
    with refused("KEY_TYPE_UNKNOWN"):
        fork.check(PROOFS["checkpoints"]._replace(keys=(unknown.text,)))
    with refused("FORK_SAME"):
        # Where nothing is contradicted, nobody's keys matter.
        same = changed("checkpoints", second=ONE.checkpoint(4))
        fork.check(same._replace(keys=(unknown.text,)))


def test_a_key_set_that_signed_nothing_does_not_hide_an_unknown_type() -> None:
    """Whichever of the two stands first, what nobody can tell is not called unsigned."""
    unknown = Signer(b"now", extra=5).text
    orders = set()
    for seed in (b"a", b"b", b"c", b"d", b"e"):
        keys = tuple(sorted((unknown, Signer(seed).text)))
        orders.add(keys.index(unknown))
        with refused("KEY_TYPE_UNKNOWN"):
            fork.check(PROOFS["checkpoints"]._replace(keys=keys))
    assert orders == {0, 1}


@pytest.mark.parametrize(
    ("log", "code"),
    [
        (ON_CHAIN._replace(contract=b"\x09" * 20), "MPT_"),
        (ON_CHAIN._replace(log_address=b"\x09" * 20), "MPT_"),
    ],
)
def test_anchors_of_another_account_frame_nobody(log: Log, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        fork.check(PROOFS["links, smaller"]._replace(log=log))
    assert caught.value.code.startswith(code)


def test_anchors_that_do_not_lead_to_the_slot_frame_nobody() -> None:
    stands = PROOFS["links, smaller"].told
    assert isinstance(stands, Links)
    prev, links = stands.fold
    for fold in (
        Fold(prev, links[::-1]),
        Fold(prev, (*links, Link(ZERO, 1, 300))),
        Fold(prev, (Link(ZERO, 9, 100), links[1])),
        Fold(Digest(b"\x01" * 32), links),
        Fold(prev, ()),
    ):
        with refused("FORK_FOLD"):
            fork.check(changed("links, smaller", fold=fold))


def test_another_contract_s_account_frames_nobody() -> None:
    """A contract with other code may keep what it likes in that slot."""
    stands = PROOFS["links, smaller"].told
    assert isinstance(stands, Links)
    head = open_links(*stands.fold)[-1]
    state = evm_chain.as_of(head, code_hash=Digest(b"\x01" * 32))
    as_of = AsOf(state.header, state.account_proof, state.storage_proof)
    with refused("CODE_HASH"):
        fork.check(changed("links, smaller", as_of=as_of))


# ---------------------------------------------------------------------- the form


def edited(name: str, **members: Any) -> bytes:
    document = json.loads(fork.encode(PROOFS[name]))
    for member, value in members.items():
        if value is None:
            del document[member]
        else:
            document[member] = value
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("name", "members", "code"),
    [
        ("checkpoints", {"format": "notary-fork/2"}, "MEMBER_FORM"),
        ("checkpoints", {"kind": "rumour"}, "FORK_KIND"),
        ("checkpoints", {"kind": "tree"}, "MEMBER_MISSING"),
        ("checkpoints", {"kind": "headers"}, "MEMBER_TYPE"),
        ("checkpoints", {"leaves": []}, "MEMBER_UNKNOWN"),
        ("checkpoints", {"first": None}, "MEMBER_MISSING"),
        ("checkpoints", {"note": "x"}, "MEMBER_UNKNOWN"),
        ("checkpoints", {"keys": [NOW.text, NOW.text]}, "FORK_KEYS"),
        ("checkpoints", {"keys": ["b", "a"]}, "FORK_KEYS"),
        ("checkpoints", {"keys": [str(i) for i in range(9)]}, "MEMBER_FORM"),
        ("checkpoints", {"keys": [1]}, "MEMBER_TYPE"),
        ("checkpoints", {"log": {}}, "MEMBER_MISSING"),
        ("tree", {"leaves": ["00"]}, "MEMBER_FORM"),
        ("heads, absent", {"matter": "00"}, "MEMBER_FORM"),
        ("headers", {"first": {"header": "", "map": "", "proof": ""}}, "MEMBER_UNKNOWN"),
        ("links, equal", {"chain": {}}, "MEMBER_MISSING"),
    ],
)
def test_a_file_outside_the_form_is_refused(name: str, members: dict[str, Any], code: str) -> None:
    with refused(code):
        fork.parse(edited(name, **members))


@pytest.mark.parametrize("name", PROOFS)
def test_an_unknown_member_is_refused_wherever_it_is(name: str) -> None:
    for data in with_a_member_more(fork.encode(PROOFS[name])):
        with refused("MEMBER_UNKNOWN"):
            fork.parse(data)


def test_a_fork_that_is_not_canonical_is_refused() -> None:
    with refused("JSON_NOT_CANONICAL"):
        fork.parse(fork.encode(PROOFS["tree"]).replace(b":", b": ", 1))


def test_a_fork_outside_the_form_is_not_written() -> None:
    with refused("FORK_KEYS"):
        fork.encode(PROOFS["tree"]._replace(keys=("b", "a")))


def test_a_header_that_can_not_be_read_is_refused_for_its_place_alone() -> None:
    """What stands at one index twice is a fork, also where it is no header."""
    first, second = told([{"a": 1}]), told([{"a": 1}])
    first.batches[0].header, second.batches[0].header = b"one", b"two"
    fork.check(proof(Headers(first.header(0), second.header(0))))
    with refused("JSON_SYNTAX"):
        heads = Heads(
            SignedHead(*first.header(0), ""), SignedHead(*second.header(0), ""), key_of("a"), ()
        )
        fork.check(proof(heads))
    assert SignedHeader(*first.header(0)) == first.header(0)
