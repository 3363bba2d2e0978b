"""Other people's tools agree with our packages (docs/spec/package.md §5).

Each tool is also shown a damaged package, because a tool that accepts everything agrees with
everything. Nothing here uses verifier.* to check. Programs that are missing skip their tests: they
belong to every Debian, but a person may run the tests elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import zipfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import bagit
import pytest
import rfc8785
import rlp
from dilithium_py.ml_dsa import ML_DSA_44
from eth_utils.crypto import keccak
from trie import HexaryTrie
from trie.exceptions import BadTrieProof

from tests.hostile.log import signed_note
from tests.hostile.package import DISCLOSURES, EVM, Package, readme_template
from tests.hostile.world import ARTIFACT, World
from verifier.format import notes

KINDS = ("complete", "extract", "absent")

# RFC 8410 §4: a SubjectPublicKeyInfo of Ed25519 is this prefix and the 32 bytes of the key.
ED25519_SPKI = bytes.fromhex("302a300506032b6570032100")


@pytest.fixture(scope="module")
def world() -> World:
    return World.told()


@pytest.fixture(params=KINDS)
def package(request: pytest.FixtureRequest, world: World) -> Package:
    made = getattr(world, request.param)()
    assert isinstance(made, Package)
    return made


def run(
    *arguments: str, cwd: Path, content: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    if shutil.which(arguments[0]) is None:
        pytest.skip(f"{arguments[0]} is not installed")
    return subprocess.run(arguments, cwd=cwd, input=content, capture_output=True, check=False)


def readme_command(title: str) -> str:
    """The command that a package's README gives under this title, without the words after it."""
    [line] = [line for line in readme_template().splitlines() if line.strip().startswith(title)]
    command: str = re.split(r" {3,}gives", line.strip().removeprefix(title).strip())[0]
    return command


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def a_payload_file(package: Package) -> str:
    return "data/README.txt" if "data/README.txt" in package.files else min(package.files)


# ---------------------------------------------------------------------- files and bag


@pytest.mark.parametrize("bits", [256, 512])
def test_sha_tools_accept_every_manifest(package: Package, tmp_path: Path, bits: int) -> None:
    folder = package.write_folder(tmp_path)
    for manifest in (f"manifest-sha{bits}.txt", f"tagmanifest-sha{bits}.txt"):
        done = run(f"sha{bits}sum", "--strict", "-c", manifest, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b": OK\n") == package[manifest].count(b"\n")


def test_sha256sum_refuses_a_flipped_byte(package: Package, tmp_path: Path) -> None:
    folder = package.write_folder(tmp_path)
    flip_last_byte(folder / a_payload_file(package))
    assert run("sha256sum", "-c", "manifest-sha256.txt", cwd=folder).returncode == 1


def test_bagit_accepts_the_bag(package: Package, tmp_path: Path) -> None:
    bag = bagit.Bag(str(package.write_folder(tmp_path)))
    assert bag.validate()
    assert sorted(bag.algorithms) == ["sha256", "sha512"]


def test_bagit_refuses_a_flipped_byte(package: Package, tmp_path: Path) -> None:
    folder = package.write_folder(tmp_path)
    flip_last_byte(folder / a_payload_file(package))
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


def test_openssl_gives_the_sm3_digests(package: Package, tmp_path: Path) -> None:
    folder = package.write_folder(tmp_path)
    listed = [line.split("  ") for line in package["data/digests-sm3.txt"].decode().splitlines()]
    paths = [path for _, path in listed]
    assert paths == sorted(p for p in package.files if p.startswith("data/") and "sm3" not in p)
    done = run("openssl", "dgst", "-sm3", "-r", *paths, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == [f"{digest} *{path}" for digest, path in listed]


def test_zipfile_reads_the_zip(package: Package, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.write_zip(tmp_path / "package.zip")) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        read = {name.removeprefix("evidence/"): archive.read(name) for name in archive.namelist()}
    assert read == package.files


def test_rfc8785_writes_every_document_alike(package: Package) -> None:
    documents = [path for path in package.files if path.endswith(".json")]
    assert "data/statement.json" in documents
    for path in documents:
        assert rfc8785.dumps(json.loads(package[path])) == package[path], path


# ---------------------------------------------------------------------- leaves and fields


def test_the_readme_command_for_a_leaf_gives_a_hash_that_the_head_holds(
    world: World, tmp_path: Path
) -> None:
    """A matter of one record: its head's root is its leaf hash, so the command alone tells."""
    package = world.complete("other", as_of=world.log.anchors[0].block)
    folder = package.write_folder(tmp_path)
    command = readme_command("a leaf:")
    done = run("sh", "-c", command, cwd=folder)
    root = b64decode(package.json("data/map/000000.json")["head"].split("\n")[2])
    assert done.stdout.split()[0].decode() == root.hex()


def test_the_readme_command_for_a_field_gives_the_digest_in_the_leaf(
    world: World, tmp_path: Path
) -> None:
    package = world.complete()
    folder = package.write_folder(tmp_path)
    command = readme_command("a field:")
    lines = package[DISCLOSURES].decode().splitlines()
    assert lines
    for number, line in enumerate(lines, 1):
        position, _, text = line.partition(" ")
        done = run("sh", "-c", command.replace("-n 1p", f"-n {number}p"), cwd=folder)
        claims = json.loads(package.leaf(int(position)))["claims"]
        assert done.stdout.decode().strip().rstrip("=") == claims[json.loads(text)[1]]


# ---------------------------------------------------------------------- signatures


def checkpoint_parts(package: Package, name: str) -> list[tuple[bytes, bytes, bytes]]:
    """Text, key id and signature of every checkpoint in the package, of its Ed25519 line, by hand."""
    parts = []
    for path in sorted(package.files):
        if path.endswith(".tlog-proof"):
            _, text, signatures = package[path].decode().split("\n\n")
            # The other line is of the ML-DSA-44 key, which Debian's openssl does not know.
            line, _ = signatures.splitlines()
            assert line.startswith(f"— {name} ")
            raw = b64decode(line.split(" ")[2])
            parts.append(((text + "\n").encode(), raw[:4], raw[4:]))
    return parts


def test_openssl_verifies_every_checkpoint(world: World, package: Package, tmp_path: Path) -> None:
    name, key_id, encoded = world.log.checkpoint_keys[0].vkey.split("+", 2)
    raw_key = b64decode(encoded)
    assert raw_key[0] == 1
    # docs/spec/format.md §11: the key id binds name and key.
    id_input = name.encode() + b"\n" + raw_key
    assert hashlib.sha256(id_input).hexdigest()[:8] == key_id
    (tmp_path / "key.der").write_bytes(ED25519_SPKI + raw_key[1:])
    checkpoints = checkpoint_parts(package, name)
    assert checkpoints
    for text, signer, signature in checkpoints:
        assert signer.hex() == key_id
        assert openssl_verifies(tmp_path, text, signature)
        assert not openssl_verifies(tmp_path, text.replace(b"\n", b"\n1", 1), signature)


def openssl_verifies(folder: Path, text: bytes, signature: bytes) -> bool:
    (folder / "text").write_bytes(text)
    (folder / "signature").write_bytes(signature)
    done = run(
        "openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der",
        "-rawin", "-in", "text", "-sigfile", "signature", cwd=folder,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


# ---------------------------------------------------------------------- chain proofs


def raw(text: str) -> bytes:
    return b64decode(text, validate=True)


def unhex(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def prove(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    """The value that the PyPI package `trie` finds at `key` with these nodes alone."""
    decoded = [rlp.decode(raw(node)) for node in nodes]
    value: bytes = HexaryTrie.get_from_proof(root, key, decoded)
    return value


def test_trie_finds_account_and_slot(package: Package) -> None:
    evm = package.json(EVM)
    header = rlp.decode(raw(evm["as_of"]["header"]))
    account = rlp.decode(
        prove(header[3], keccak(unhex(evm["contract"])), evm["as_of"]["account_proof"])
    )
    assert account[3] == keccak(unhex(ARTIFACT["runtime_code"]))
    slot = keccak(keccak(unhex(evm["log_address"]).rjust(32, b"\0") + bytes(32)))
    head = rlp.decode(prove(account[2], slot, evm["as_of"]["storage_proof"])).rjust(32, b"\0")
    # docs/spec/anchor.md §1 and §2, written out once more.
    running = unhex(evm["fold"]["prev"])
    for link in evm["fold"]["links"]:
        size_time = (link["size"] * 2**64 + link["time"]).to_bytes(32, "big")
        running = keccak(running + unhex(link["root"]) + size_time)
    assert running == head


def test_trie_finds_transaction_and_receipt_of_every_leg(package: Package) -> None:
    evm = package.json(EVM)
    assert evm["legs"]
    for leg in evm["legs"]:
        header = rlp.decode(raw(leg["header"]))
        key = rlp.encode(leg["index"])
        assert prove(header[4], key, leg["tx_proof"]) == raw(leg["tx"])
        assert prove(header[5], key, leg["receipt_proof"]) == raw(leg["receipt"])
        entry = receipt_entry(leg)
        assert entry[0] == unhex(evm["contract"])
        assert entry[1][0] == keccak(b"Anchored(address,bytes32,bytes32,bytes32,uint256)")
        assert entry[1][1][12:] == unhex(evm["log_address"])


def receipt_entry(leg: dict[str, Any]) -> Any:
    status, _, _, entries = rlp.decode(raw(leg["receipt"])[1:])
    assert status == b"\x01"
    return entries[leg["log_index"]]


def test_trie_refuses_a_proof_without_its_last_node(package: Package) -> None:
    as_of = package.json(EVM)["as_of"]
    header = rlp.decode(raw(as_of["header"]))
    key = keccak(unhex(package.json(EVM)["contract"]))
    with pytest.raises(BadTrieProof):
        prove(header[3], key, as_of["account_proof"][:-1])


def test_the_blocks_to_compare_are_hashes_of_the_headers(package: Package) -> None:
    evm, statement = package.json(EVM), package.json("data/statement.json")
    headers = [evm["as_of"]["header"], *(leg["header"] for leg in evm["legs"]), *evm["not_before"]]
    hashes = {"0x" + keccak(raw(header)).hex() for header in headers}
    assert {block["hash"] for block in statement["blocks"]} == hashes


def test_openssl_asks_for_a_time_stamp_over_the_notes_text(world: World, tmp_path: Path) -> None:
    """docs/spec/format.md §11: one message, whatever keys signed the note and however often."""
    log = world.log
    _, signed_by_both = log.checkpoint(6)
    text = signed_by_both.split("\n\n")[0] + "\n"
    signed_by_one = signed_note(text, log.checkpoint_keys[0])
    wanted = hashlib.sha256(text.encode()).hexdigest()
    for number, note in enumerate((signed_by_both, signed_by_one)):
        assert note.count("\n— ") == 2 - number
        stamped = notes.time_stamped_bytes(notes.parse_note(note))
        (tmp_path / "text").write_bytes(stamped)
        asked = run(
            *("openssl", "ts", "-query", "-data", "text", "-sha256", "-no_nonce", "-out", "query"),
            cwd=tmp_path,
        )
        assert asked.returncode == 0, asked.stderr
        shown = run(
            "openssl", "ts", "-query", "-in", "query", "-text", cwd=tmp_path
        ).stdout.decode()
        lines = [line for line in shown.splitlines() if re.match(r"\s+00[01]0 - ", line)]
        digest = "".join(re.sub(r"[ -]", "", line[11:59]) for line in lines)
        assert digest == wanted


def test_a_second_implementation_verifies_the_ml_dsa_signatures_of_a_package(
    package: Package, world: World
) -> None:
    """The message is put together here from docs/spec/format.md §11, the key comes from the key set."""
    name = world.log.name.encode()
    [key_set] = [
        content for path, content in package.files.items() if path.startswith("data/keys/")
    ]
    keys = [b64decode(line.split(b"+", 2)[2]) for line in key_set.splitlines()[1:]]
    [public] = [key[1:] for key in keys if key[0] == 6]
    checked = 0
    for path, content in package.files.items():
        if not path.endswith(".tlog-proof"):
            continue
        text, lines = content.decode().split("\n\n", 1)[1].split("\n\n")
        origin, size, root = text.split("\n")
        [raw] = [
            signature
            for line in lines.splitlines()
            if len(signature := b64decode(line.rsplit(" ", 1)[1])) == 4 + 8 + 2420
        ]
        message = (
            b"subtree/v1\n\x00" + bytes([len(name)]) + name + raw[4:12] + bytes([len(name)])
            + origin.encode() + bytes(8) + int(size).to_bytes(8) + b64decode(root)
        )  # fmt: skip
        assert ML_DSA_44.verify(public, message, raw[12:])
        assert not ML_DSA_44.verify(public, message[:-1] + bytes([message[-1] ^ 1]), raw[12:])
        checked += 1
    assert checked
