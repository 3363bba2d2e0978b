"""openssl and rfc3161-client read every token of the catalogue, and agree with the verifier, but where said.

openssl is told the time by -attime, since it would judge certificates by today.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
import rfc3161_client
from cryptography import x509

from tests.hostile.attacks import ALL
from tests.hostile.attacks.tokens import path, shown
from tests.hostile.authority import integer, seq
from tests.hostile.package import Package
from verifier.format import timestamp_authority, timestamp_token
from verifier.format.errors import FormatError

# Where openssl 3.0 is milder: what it takes, and the format refuses.
MILDER = {
    "token_of_indefinite_length": "it reads BER",
    "time_with_an_offset": "likewise",
    "byte_after_the_token": "it stops at the end of the first structure",
    "token_larger_than_any": "it has no limits",
    "token_with_nine_certificates": "likewise",
    "signed_data_of_another_version": "it does not look at these versions",
    "signer_of_another_version": "likewise",
    "attributes_of_another_content": "it does not look at this attribute",
    "critical_extension_in_the_token": "it does not look at extensions",
    "critical_extension_behind_another": "likewise",
    "token_signed_by_an_authority_for_certificates": "it asks for the purpose alone",
    "authority_between_for_web_servers": "it asks the signer alone for the purpose",
    "token_under_another_policy": "whose policies count is told by other options",
    "token_before_the_authority_counts": "it knows no times of trust",
    "token_after_the_authority_counts": "likewise",
    "tokens_signed_over_sha_1": "it has SHA-1",
    "certificate_named_by_an_unknown_hash": "it has MD5",
    "signature_algorithm_of_another_hash": "it takes the digest algorithm",
    "rsa_key_under_the_name_of_a_curve": "it takes the key's own algorithm",
    "tokens_by_another_curve": "it has more curves",
    "five_authorities_between": "it takes longer paths",
    "tokens_by_a_short_key": "it takes shorter keys",
    "certificate_with_a_name_of_another_form": "it reads no names",
}
# Where it is stricter.
STRICTER = {
    "tokens_by_rsa_pss": "its PKCS #7 code has no PSS",
    "tokens_by_rsa_pss_without_a_salt": "likewise",
    "authority_between_is_pinned": "it wants a self-signed root without -partial_chain",
    "certificate_named_before_the_one_above_it": "it wants every certificate that is named",
    "certificate_named_the_old_way_before_the_one_above_it": "likewise",
}
# The same of rfc3161-client 1.0.9. What names the signer's certificate it does not look at.
CLIENT_MILDER = {
    "token_larger_than_any": "it has no limit",
    "signed_data_of_another_version": "it does not look at versions",
    "time_of_another_version": "likewise",
    "signer_of_another_version": "likewise",
    "critical_extension_in_the_token": "it does not look at extensions",
    "critical_extension_behind_another": "likewise",
    "attributes_of_another_content": "it does not look at this attribute",
    "no_attribute_names_the_certificate": "likewise",
    "attribute_that_names_no_certificate": "likewise",
    "certificate_that_the_signer_did_not_name": "likewise",
    "one_of_two_names_is_another": "likewise",
    "certificate_named_by_an_unknown_hash": "likewise",
    "token_signed_by_an_authority_for_certificates": "it asks for the purpose alone",
    "authority_between_for_web_servers": "it asks the signer alone for the purpose",
    "tokens_signed_over_sha_1": "it has SHA-1",
    "signature_algorithm_of_another_hash": "it takes the digest algorithm",
    "tokens_by_another_curve": "it has more curves",
    "five_authorities_between": "it takes longer paths",
    "tokens_by_a_short_key": "it takes shorter keys",
}
CLIENT_STRICTER = {
    "certificates_in_any_order": "it wants sets in the order of DER",
    "token_with_eight_certificates": "likewise",
    "tokens_by_rsa_pss": "its PKCS #7 code has no PSS",
    "tokens_by_rsa_pss_without_a_salt": "likewise",
    "authority_between_is_pinned": "it wants a self-signed root",
}


# No token in its place, or nobody pinned.
NOTHING_TO_COMPARE = {
    "row_required_of_a_package_without_tokens",
    "tokens_where_the_policy_names_nobody",
    "second_chain_without_a_first",
    "renewal_without_its_token",
    "token_under_a_number_of_two_digits_with_a_zero",
    "token_of_an_eleventh_chain",
    "token_as_a_response",
    "token_of_the_oldest_checkpoint_alone",
}


def first_token(package: Package) -> tuple[bytes, bytes] | None:
    """The text of the newest shown checkpoint, and the first token over it."""
    texts = shown(package)
    token = package.files.get(path(max(texts)))
    return None if token is None else (texts[max(texts)], token)


def ours(text: bytes, token: bytes, roots: str) -> str | None:
    """What the verifier has against a token; None if it accepts it."""
    try:
        read = timestamp_token.parse(token)
        if read.imprint != sha256(text).digest():
            return "TOKEN_MISMATCH"
        timestamp_authority.check_signature(read)
        timestamp_authority.check_purpose(read.signer)
        timestamp_authority.check_valid_at(read.signer, read.gen_time)
        timestamp_authority.path(read, timestamp_authority.read_roots(roots))
    except FormatError as error:
        return error.code
    return None


def openssl_takes(text: bytes, token: bytes, roots: str, at: int, folder: Path) -> bool:
    (folder / "text").write_bytes(text)
    (folder / "token").write_bytes(token)
    (folder / "roots").write_text(roots, "ascii")
    done = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", "token", "-data", "text",
         "-CAfile", "roots", "-attime", str(at)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Verification: OK" in done.stdout or "Verification: FAILED" in done.stderr + done.stdout
    return done.returncode == 0


def client_takes(text: bytes, token: bytes, roots: str) -> bool:
    granted = seq(seq(integer(0)), token)
    pinned = x509.load_pem_x509_certificates(roots.encode())
    try:
        response = rfc3161_client.decode_timestamp_response(granted)
        return rfc3161_client.VerifierBuilder(roots=pinned).build().verify_message(response, text)
    except (ValueError, rfc3161_client.VerificationError, x509.UnsupportedGeneralNameType):
        # The last one is a fault of the client: a name of an unknown form ends whoever calls it.
        return False


def compared() -> list[str]:
    found = []
    for name, attack in ALL.items():
        if name.startswith("tokens.") and attack.error is None:
            found.append(name.removeprefix("tokens."))
    return found


@dataclass(frozen=True)
class Question:
    """A token, what it should be over, and whom the person pins."""

    text: bytes
    token: bytes
    roots: str


def question(name: str) -> Question | None:
    """The first token of an attack; None if there is no token in its place, or nobody is pinned."""
    case = ALL[f"tokens.{name}"].make()
    assert isinstance(case.package, Package)
    assert isinstance(case.policy, dict)
    found, pinned = first_token(case.package), case.policy.get("timestamp_authority")
    if found is None or not pinned:
        assert name in NOTHING_TO_COMPARE
        return None
    return Question(*found, "".join(one["roots"] for one in pinned))


@pytest.mark.parametrize("name", compared())
def test_openssl_says_the_same(name: str, tmp_path: Path) -> None:
    asked = question(name)
    if asked is None:
        return
    try:
        moment = int(timestamp_token.parse(asked.token).gen_time.timestamp())
    except FormatError:
        moment = 1_790_856_000  # within the story, for what can't be read
    taken = openssl_takes(asked.text, asked.token, asked.roots, moment, tmp_path)
    same(name, asked, taken, MILDER, STRICTER)


@pytest.mark.parametrize("name", compared())
def test_rfc3161_client_says_the_same(name: str) -> None:
    asked = question(name)
    if asked is None:
        return
    taken = client_takes(asked.text, asked.token, asked.roots)
    same(name, asked, taken, CLIENT_MILDER, CLIENT_STRICTER)


def same(
    name: str,
    asked: Question,
    taken: bool,
    milder: Mapping[str, str],
    stricter: Mapping[str, str],
) -> None:
    against = ours(asked.text, asked.token, asked.roots)
    if name in milder:
        assert taken
    elif name in stricter:
        assert against is None
        assert not taken
    else:
        assert taken == (against is None), against


def test_the_comparison_is_no_list_of_exceptions() -> None:
    assert len(compared()) > 80
    lists = (MILDER, STRICTER, CLIENT_MILDER, CLIENT_STRICTER, NOTHING_TO_COMPARE)
    assert {name for one in lists for name in one} <= set(compared())


def test_the_pinned_certificate_of_the_tests_is_a_root() -> None:
    case = ALL["tokens.tokens_of_every_shown_checkpoint"].make()
    assert isinstance(case.policy, dict)
    [root] = x509.load_pem_x509_certificates(
        case.policy["timestamp_authority"][0]["roots"].encode()
    )
    assert root.subject == root.issuer
