"""Holds what is known of the contract `Anchors` (docs/spec/anchor.md §1).

Equal to contracts/artifact/Anchors.json; proved by tests/unit/format/test_contract.py, which
also derives each constant from the ones before.
"""

from verifier.format.digests import Digest

# The first four bytes of K over the text "anchor(bytes32,bytes32,uint64)".
SELECTOR = bytes.fromhex("15954b2c")
# K over the text "Anchored(address,bytes32,bytes32,bytes32,uint256)".
EVENT_TOPIC = Digest(
    bytes.fromhex("16728c82845f587bb8c8fc406e6ed580e3895b5a1d215c1b1582d3f26fa8b025")
)
# `head` is the contract's first variable: mapping(address => bytes32).
HEAD_SLOT = 0

# K of the code at the address: it tells the contract on chains where anyone may set code.
RUNTIME_CODE_HASH = Digest(
    bytes.fromhex("4d8be84289b8dc95926a03103c8102f3d5edb4829540b8c05bd8c0a995d27b2e")
)

# EIP-1014: the address follows from these three.
DEPLOYER = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
SALT = bytes(32)
INIT_CODE_HASH = Digest(
    bytes.fromhex("5f8e8e9d60abb05fad89879a8e810ab24bd55169c8611e4f7d2fb0c9926f2313")
)
# K(0xff ‖ deployer ‖ salt ‖ K(init code))[12:32]
ADDRESS = bytes.fromhex("c6602ba3cb6a503a42a280860da6b332b6b6548c")
