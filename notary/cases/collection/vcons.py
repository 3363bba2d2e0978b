"""Owns the recorded conversations with debtors, each a vCon (draft-ietf-vcon-vcon-core, syntax 0.4.0).

The recording begins when the line is taken and stands in the vCon with its digest. A call that the agency
places carries the token by which a carrier signs it (PASSporT, RFC 8225 and 8588); here its signature is
noise, since nobody has a key. The account is the vCon's subject.
Test: tests/scenarios/ingest/test_collection_case.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from notary.cases.collection.model import Call
from notary.cases.collection.switch import COMPANY, Switch, uuid
from notary.cases.collection.visits import recording
from notary.cases.draws import Draws

_STORED = timedelta(seconds=40)  # from the end of a conversation until its recording is stored
_SIGNED = timedelta(seconds=1)  # from the start of a call until its carrier signs it


def text(vcon: Mapping[str, Any]) -> bytes:
    """A vCon as its file holds it."""
    return (json.dumps(vcon, ensure_ascii=False, indent=1) + "\n").encode()


def _vcon(calls: Sequence[Call], draws: Draws) -> bytes:
    [call] = calls
    assert call.answered_at is not None
    name = f"{call.reference}.wav"
    sound = recording(draws, name)
    caller: dict[str, Any] = {"tel": call.caller}
    callee: dict[str, Any] = {"tel": call.callee}
    agency, person = (caller, callee) if call.outbound else (callee, caller)
    agency |= {"name": COMPANY, "role": "agent"}
    person |= {"role": "customer"}
    if call.outbound:
        caller["stir"] = _passport(call, draws)
    return text(
        {
            "vcon": "0.4.0",
            "uuid": uuid(draws, f"vcon/{call.number}"),
            "created_at": (call.ended_at + _STORED).isoformat(),
            "subject": call.account,
            "parties": [caller, callee],
            "dialog": [
                {
                    "type": "recording",
                    "start": call.answered_at.isoformat(),
                    "duration": call.talk_s,
                    "parties": [0, 1],
                    "originator": 0,
                    "mediatype": "audio/wav",
                    "filename": name,
                    "encoding": "base64url",
                    "body": _coded(sound),
                    "content_hash": f"sha512-{_coded(hashlib.sha512(sound).digest())}",
                }
            ],
            "analysis": [],
            "attachments": [],
        }
    )


def _passport(call: Call, draws: Draws) -> str:
    head = {
        "alg": "ES256",
        "ppt": "shaken",
        "typ": "passport",
        "x5u": "https://certs.example.com/shaken.cer",
    }
    claims = {
        "attest": "A",
        "dest": {"tn": [call.callee.removeprefix("+")]},
        "iat": int((call.at + _SIGNED).timestamp()),
        "orig": {"tn": call.caller.removeprefix("+")},
        "origid": uuid(draws, f"passport/{call.number}"),
    }
    signature = bytes.fromhex(
        draws.hexes(f"passport/{call.number}/r") + draws.hexes(f"passport/{call.number}/s")
    )
    parts = [json.dumps(part, separators=(",", ":")).encode() for part in (head, claims)]
    return ".".join(_coded(part) for part in (*parts, signature))


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


VCON = Switch(
    "vcon",
    lambda call: f"{call.reference}.vcon.json",
    _vcon,
    lambda end: None,
    holds=lambda call: call.conversation and call.matter is not None,
)
