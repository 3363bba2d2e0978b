"""The contract's constants are those of the committed artifact, and follow from each other."""

import json
from pathlib import Path

from verifier.format import contract
from verifier.format.keccak import keccak256

ARTIFACT = json.loads(
    (Path(__file__).parents[3] / "contracts" / "artifact" / "Anchors.json").read_text()
)


def test_constants_are_those_of_the_artifact() -> None:
    def raw(name: str) -> bytes:
        return bytes.fromhex(ARTIFACT[name][2:])

    assert raw("runtime_code_hash") == contract.RUNTIME_CODE_HASH == keccak256(raw("runtime_code"))
    assert raw("init_code_hash") == contract.INIT_CODE_HASH == keccak256(raw("init_code"))
    assert raw("deployer") == contract.DEPLOYER
    assert raw("salt") == contract.SALT
    assert raw("address") == contract.ADDRESS


def test_the_address_follows_from_deployer_salt_and_code() -> None:
    # EIP-1014
    message = b"\xff" + contract.DEPLOYER + contract.SALT + contract.INIT_CODE_HASH
    assert keccak256(message)[12:] == contract.ADDRESS


def test_selector_and_topic_follow_from_the_interface() -> None:
    def signature(kind: str, name: str) -> bytes:
        (entry,) = [
            one for one in ARTIFACT["abi"] if (one["type"], one.get("name")) == (kind, name)
        ]
        types = ",".join(argument["type"] for argument in entry["inputs"])
        return f"{name}({types})".encode()

    assert keccak256(signature("function", "anchor"))[:4] == contract.SELECTOR
    assert keccak256(signature("event", "Anchored")) == contract.EVENT_TOPIC
