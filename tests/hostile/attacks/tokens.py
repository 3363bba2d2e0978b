"""Attacks on and by time-stamp tokens: steps 15.1 to 15.7, and where their files stand (2.5).

The person requires the row and pins the honest authority's root, unless an attack says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.hostile.authority import (
    DAY,
    ECDSA_SHA384,
    NULL,
    OF_AUTHORITY,
    OF_SIGNER,
    RSA_PSS,
    RSA_SHA256,
    SHA1,
    SHA384,
    SHA512,
    STAMPS_ALONE,
    UNTIL,
    Authority,
    Damage,
    Parts,
    algorithm,
    attribute,
    certificate,
    curve_key,
    der,
    honest_authority,
    integer,
    key_usage,
    octets,
    oid,
    rsa_key,
    seq,
    tlv,
)
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.package import OF_A_BATCH, Package
from tests.hostile.persons import Toml
from verifier.format.digests import b64_encode

LIMIT_S = 3600  # max_timestamp_gap_s of the person
AFTER = timedelta(seconds=5)  # an honest token is made so long after its anchor

Chains = Sequence[Sequence[bytes]]
Maker = Callable[[bytes, datetime], Chains]  # a checkpoint's text and its anchor's time → tokens


def policy(*authorities: Authority, **members: Any) -> Toml:
    """A policy that requires the row and pins these authorities."""
    document = honest().policy()
    for rows in document["required"].values():
        rows.append("timestamp")
    if authorities:
        document["limits"]["max_timestamp_gap_s"] = LIMIT_S
        document["timestamp_authority"] = [
            {
                "name": f"authority {i}",
                "roots": authority.pem,
                "from": "2026-01-01T00:00:00.000Z",
                "origin": "its web site",
            }
            | members
            for i, authority in enumerate(authorities)
        ]
    return document


def anchored_at(size: int) -> datetime:
    anchor = next(one for one in honest().log.anchors if one.size == size)
    return datetime.fromtimestamp(anchor.block.timestamp, UTC)


def shown(package: Package) -> dict[int, bytes]:
    """The texts of a package's shown checkpoints, by size."""
    notes = [
        content.split(b"\n\n", 1)[1]
        for name, content in package.files.items()
        if OF_A_BATCH.match(name)
    ]
    texts = [note.split(b"\n\n")[0] + b"\n" for note in notes]
    return {int(text.split(b"\n")[1]): text for text in texts}


def path(size: int, chain: int = 0, number: int = 0) -> str:
    return f"data/anchors/tokens/{size:06}-{chain}-{number}.tst"


def stamped(make: Maker, kind: str = "complete") -> Package:
    """A package in which every shown checkpoint has the tokens that are made of it."""
    package: Package = getattr(honest(), kind)()
    for size, text in shown(package).items():
        for chain, tokens in enumerate(make(text, anchored_at(size))):
            for number, token in enumerate(tokens):
                package = package.put(path(size, chain, number), token)
    return package.restated()


def by(authority: Authority, damage: Damage | None = None, **options: Any) -> Maker:
    """One token of that authority, made soon after the anchor."""
    return lambda text, at: [[authority.token(text, at + AFTER, damage, **options)]]


def pss(digest: str = SHA512, mask: str = "1.2.840.113549.1.1.8", salt: int = 64) -> bytes:
    """Parameters of RSASSA-PSS with SHA-512; the mask is MGF1."""
    of_mask = seq(oid(mask), algorithm(SHA512))
    return seq(tlv(0xA0, algorithm(digest)), tlv(0xA1, of_mask), tlv(0xA2, integer(salt)))


def by_pss(damage: Damage) -> Case:
    """Tokens of an RSA key by PSS with SHA-512."""
    authority = Authority.make("PSS", key=rsa_key(), digest=SHA512)
    return with_tokens(by(authority, damage, sign=RSA_PSS), authority)


def by_pss_with_a_salt(length: int) -> Case:
    """The same, every signature made anew with a salt of so many bytes."""
    key = rsa_key()
    assert isinstance(key, rsa.RSAPrivateKey)

    def change(parts: Parts) -> None:
        if "attributes" in parts:
            # What is signed is the attributes as a set.
            signed = b"\x31" + parts["attributes"][1:]
            scheme = padding.PSS(padding.MGF1(hashes.SHA512()), length)
            parts["signature"] = octets(key.sign(signed, scheme, hashes.SHA512()))
            parts["signature_algorithm"] = algorithm(RSA_PSS, pss(salt=length))

    return by_pss(change)


def with_tokens(make: Maker, *pinned: Authority, kind: str = "complete", **members: Any) -> Case:
    return case(stamped(make, kind), policy=policy(*(pinned or (honest_authority(),)), **members))


def damaged(damage: Damage) -> Case:
    """Every token of the honest authority, with one part of it changed."""
    return with_tokens(by(honest_authority(), damage))


def put(name: str, content: bytes | Callable[[bytes], bytes]) -> Damage:
    """Change one part, whenever it comes by."""

    def change(parts: Parts) -> None:
        if name in parts:
            parts[name] = content(parts[name]) if callable(content) else content

    return change


def times_of_tokens() -> list[datetime]:
    """When an honest token is made over each checkpoint that a complete package shows."""
    return [anchored_at(size) + AFTER for size in shown(honest().complete())]


def written(moment: datetime) -> str:
    """As a policy has it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


# ---------------------------------------------------------------------- harmless


@attack()
def tokens_of_every_shown_checkpoint() -> Case:
    """An honest authority dated each of them."""
    return with_tokens(by(honest_authority()))


@attack()
def tokens_in_an_extract() -> Case:
    """The same in an extract."""
    return with_tokens(by(honest_authority()), kind="extract")


@attack()
def token_in_an_absent_package() -> Case:
    """The same where nothing is under the number."""
    return with_tokens(by(honest_authority()), kind="absent")


@attack()
def tokens_of_two_authorities_one_of_them_pinned() -> Case:
    """What the person does not know harms nothing beside what she knows."""

    def make(text: bytes, at: datetime) -> Chains:
        return [[Authority.make("Other").token(text, at)], [honest_authority().token(text, at)]]

    return with_tokens(make)


@attack()
def tokens_renewed_in_time() -> Case:
    """Another pinned authority dated each token before its certificate ended."""
    newer = Authority.make("Newer", until=UNTIL + 3000 * DAY)

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token(text, at)
        return [[token, newer.token(token, UNTIL)]]

    return with_tokens(make, honest_authority(), newer)


@attack()
def certificates_in_any_order() -> Case:
    """An authority puts its certificates as they come, and one that nobody needs."""
    true = honest_authority()
    certificates = [der(true.between), der(Authority.make("Other").root), der(true.signer)]
    backwards = sorted(certificates, reverse=True)
    return damaged(put("certificates", b"".join(backwards)))


@attack()
def token_with_all_that_may_be_there() -> Case:
    """Nonce, the authority's name, an extension that is not critical, an attribute nobody knows."""
    name = tlv(0xA0, tlv(0xA4, honest_authority().signer.subject.public_bytes()))
    extension = tlv(0xA1, seq(oid("1.2.3.4"), octets(b"x")))

    def change(parts: Parts) -> None:
        put("rest", b"\x01\x01\xff" + integer(2**63) + name + extension)(parts)
        put("more", attribute("1.2.3.4.5", integer(1)))(parts)
        put("unsigned", tlv(0xA1, attribute("1.2.3.4.6", integer(1))))(parts)

    return damaged(change)


@attack()
def tokens_by_rsa() -> Case:
    """An RSA key of 2048 bits, PKCS #1 v1.5."""
    authority = Authority.make("RSA", key=rsa_key())
    return with_tokens(by(authority), authority)


@attack()
def tokens_by_rsa_pss() -> Case:
    """An RSA key of 2048 bits, PSS with SHA-512."""
    authority = Authority.make("PSS", key=rsa_key(), digest=SHA512)
    return with_tokens(by(authority, sign=RSA_PSS), authority)


@attack()
def tokens_by_rsa_named_with_its_hash() -> Case:
    """The signature algorithm says SHA-256 as well."""
    authority = Authority.make("RSA", key=rsa_key())
    return with_tokens(by(authority, sign=RSA_SHA256), authority)


@attack()
def tokens_by_rsa_pss_without_a_salt() -> Case:
    """PSS with the shortest salt."""
    return by_pss_with_a_salt(0)


@attack()
def tokens_by_the_larger_curve() -> Case:
    """P-384 with SHA-384."""
    authority = Authority.make("P-384", key=curve_key(9, ec.SECP384R1), digest=SHA384)
    return with_tokens(by(authority), authority)


@attack()
def certificate_named_the_old_way() -> Case:
    """The signed attribute of RFC 2634, with SHA-1."""
    named = octets(honest_authority().named("sha1"))
    return damaged(put("ess", attribute("1.2.840.113549.1.9.16.2.12", seq(seq(seq(named))))))


@attack()
def certificate_named_before_the_one_above_it() -> Case:
    """The signed attribute also names the authority between; the first one is the signer's."""
    names = [honest_authority().named(), bytes(32)]
    listed = seq(*(seq(octets(name)) for name in names))
    return damaged(put("ess", attribute("1.2.840.113549.1.9.16.2.47", seq(listed))))


@attack()
def certificate_named_the_old_way_before_the_one_above_it() -> Case:
    """The attribute of RFC 2634 also names the authority between; the first one is the signer's."""
    names = [honest_authority().named("sha1"), bytes(20)]
    listed = seq(*(seq(octets(name)) for name in names))
    return damaged(put("ess", attribute("1.2.840.113549.1.9.16.2.12", seq(listed))))


@attack()
def token_with_eight_certificates() -> Case:
    """As many as there may be."""
    return damaged(put("certificates", lambda was: was + 6 * der(honest_authority().between)))


@attack()
def certificate_that_says_it_is_no_authority_s() -> Case:
    """Its constraints are there and say so, as those of many authorities do."""
    constraints = (x509.BasicConstraints(ca=False, path_length=None), True)
    return under("U", extensions=[*OF_SIGNER, constraints])


@attack()
def key_for_commitments_alone() -> Case:
    """The signer's key usage is contentCommitment without digitalSignature."""
    usage = (key_usage(content_commitment=True), True)
    return under("Q", extensions=[STAMPS_ALONE, usage])


@attack()
def authority_between_without_a_key_usage() -> Case:
    """The certificate between says that it is an authority's, and nothing of its key's use."""
    return below("X", extensions=OF_AUTHORITY[:1])


@attack()
def authority_between_for_time_stamping() -> Case:
    """The authority between may certify for time-stamping alone."""
    stamps = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return below("R", extensions=[*OF_AUTHORITY, (stamps, False)])


@attack()
def first_token_of_the_moment_from_which_the_authority_counts() -> Case:
    """The policy's `from` is the time of the earliest token."""
    return with_tokens(by(honest_authority()), **{"from": written(min(times_of_tokens()))})


@attack()
def tokens_before_the_authority_ceases_to_count() -> Case:
    """The policy's `until` is a second after the latest token."""
    return with_tokens(
        by(honest_authority()), until=written(max(times_of_tokens()) + timedelta(seconds=1))
    )


@attack()
def renewal_of_the_same_moment() -> Case:
    """A token and its renewal say the same time."""

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token(text, at)
        return [[token, honest_authority().token(token, at)]]

    return with_tokens(make)


@attack()
def authority_between_is_pinned() -> Case:
    """The person pins the authority below the root: a narrower trust."""
    document = policy(honest_authority())
    narrow = Authority(
        honest_authority().between,
        honest_authority().between,
        honest_authority().signer,
        curve_key(1),
    )
    document["timestamp_authority"][0]["roots"] = narrow.pem
    return case(stamped(by(honest_authority())), policy=document)


@attack()
def gap_of_the_limit() -> Case:
    """The token is just so late as the policy allows."""
    late = timedelta(seconds=LIMIT_S)
    return with_tokens(lambda text, at: [[honest_authority().token(text, at + late)]])


@attack(timestamp=" NOT APPLICABLE NO_TOKEN")
def row_required_of_a_package_without_tokens() -> Case:
    """Leaving all tokens out is no way around a policy that wants them."""
    return case(honest().complete(), policy=policy(honest_authority()))


# ---------------------------------------------------------------------- 15.1 form


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def token_that_is_none() -> Case:
    """A letter in the token's place."""
    return with_tokens(lambda text, at: [[b"Dear Sir,"]])


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def empty_token() -> Case:
    """The file is empty."""
    return with_tokens(lambda text, at: [[b""]])


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def byte_after_the_token() -> Case:
    """A byte more: two readers could see two tokens."""
    return with_tokens(lambda text, at: [[honest_authority().token(text, at) + b"\x00"]])


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def token_without_its_last_byte() -> Case:
    """A byte less."""
    return with_tokens(lambda text, at: [[honest_authority().token(text, at)[:-1]]])


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def token_of_indefinite_length() -> Case:
    """BER's other way to write the outermost length."""

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token(text, at)
        head = 2 + (token[1] & 0x7F)
        return [[b"\x30\x80" + token[head:] + b"\x00\x00"]]

    return with_tokens(make)


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def time_with_an_offset() -> Case:
    """genTime is not in UTC."""
    return damaged(put("time", tlv(0x18, b"20261001120000+0100")))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIZE")
def token_larger_than_any() -> Case:
    """More than 64 KiB."""
    return damaged(put("unsigned", tlv(0xA1, attribute("1.2.3", octets(bytes(2**16))))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_CONTENT")
def envelope_of_another_type() -> Case:
    """The outermost type is not signed data."""
    return damaged(put("content_type", oid("1.2.840.113549.1.7.3")))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_CONTENT")
def signed_data_that_is_no_time() -> Case:
    """The authority's key signed plain data of the same bytes: any signer could be asked for that."""
    return damaged(put("inner_type", oid("1.2.840.113549.1.7.1")))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_CONTENT")
def signed_data_of_another_version() -> Case:
    """SignedData of version 1."""
    return damaged(put("data_version", integer(1)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_CONTENT")
def time_of_another_version() -> Case:
    """TSTInfo of version 2."""
    return damaged(put("version", integer(2)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_CONTENT")
def critical_extension_in_the_token() -> Case:
    """The authority says something that must be understood."""
    extension = seq(oid("1.2.3.4"), b"\x01\x01\xff", octets(b"x"))
    return damaged(put("rest", tlv(0xA1, extension)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_CONTENT")
def critical_extension_behind_another() -> Case:
    """The first extension may be passed over, the second may not."""
    first = seq(oid("1.2.3.3"), octets(b"x"))
    second = seq(oid("1.2.3.4"), b"\x01\x01\xff", octets(b"x"))
    return damaged(put("rest", tlv(0xA1, first, second)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_IMPRINT_ALGORITHM")
def imprint_of_sha_1() -> Case:
    """A hash for which two messages can be found."""
    return damaged(put("imprint", seq(algorithm(SHA1), octets(bytes(20)))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_IMPRINT_ALGORITHM")
def imprint_of_sha_512() -> Case:
    """A good hash, but not the one of the format."""
    return damaged(put("imprint", seq(algorithm(SHA512), octets(bytes(64)))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_IMPRINT_ALGORITHM")
def imprint_under_the_name_of_another_hash() -> Case:
    """The digest is that of SHA-256, and SHA3-256, of as many bytes, is named."""
    named = algorithm("2.16.840.1.101.3.4.2.8")
    return damaged(put("imprint", lambda was: seq(named, octets(was[-32:]))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_DER")
def certificate_of_a_version_that_there_is_not() -> Case:
    """The certificates say that they are of version 6."""
    third, sixth = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"
    return damaged(put("certificates", lambda was: was.replace(third, sixth)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_IMPRINT_ALGORITHM")
def imprint_of_half_a_digest() -> Case:
    """SHA-256 is named, and 16 bytes follow."""
    return damaged(
        put("imprint", lambda was: seq(algorithm("2.16.840.1.101.3.4.2.1"), octets(was[-16:])))
    )


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def token_without_certificates() -> Case:
    """The person would have to find them herself."""
    return damaged(put("certificates", b""))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def token_without_its_signer_s_certificate() -> Case:
    """Only the authority between is there."""
    return damaged(put("certificates", der(honest_authority().between)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def token_with_nine_certificates() -> Case:
    """Enough of them make the search for a path long."""
    return damaged(put("certificates", lambda was: was + 7 * der(honest_authority().between)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def signer_of_another_issuer() -> Case:
    """The serial number is right, the issuer is another one."""
    other = Authority.make("Other").signer.issuer.public_bytes()
    return damaged(put("sid", seq(other, integer(7))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def signer_of_another_serial_number() -> Case:
    """The issuer is right, the serial number is that of no certificate in the token."""
    return damaged(put("sid", seq(honest_authority().signer.issuer.public_bytes(), integer(8))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def token_with_two_signers() -> Case:
    """Which of them is it that says the time?"""
    found: Parts = {}

    def change(parts: Parts) -> None:
        if "sid" in parts:
            names = list(parts)[list(parts).index("signer_version") :]
            found["signer"] = seq(*(parts[name] for name in names if name != "more_signers"))
            # Behind the first one in the order of a set.
            parts["more_signers"] = found["signer"][:-1] + b"\xff"

    return damaged(change)


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def digest_algorithm_that_is_not_listed() -> Case:
    """The list in front names another hash than the signer's."""
    return damaged(put("digest_algorithms", algorithm(SHA512, NULL)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_SIGNER")
def signer_of_another_version() -> Case:
    """SignerInfo of version 3, which goes with key identifiers."""
    return damaged(put("signer_version", integer(3)))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def no_attribute_names_the_certificate() -> Case:
    """Another certificate with the same key could take its place."""
    return damaged(put("ess", b""))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def attribute_that_names_no_certificate() -> Case:
    """The attribute is there, its list is empty."""
    return damaged(put("ess", attribute("1.2.840.113549.1.9.16.2.47", seq(seq()))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def attribute_that_stands_twice() -> Case:
    """Two message digests: one for each reader."""
    other = attribute("1.2.840.113549.1.9.4", octets(bytes(32)))
    return damaged(put("more", other))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def attribute_of_two_values() -> Case:
    """One attribute with two message digests."""
    two = attribute("1.2.840.113549.1.9.4", octets(bytes(32)), octets(b"\x01" * 32))
    return damaged(put("digest", two))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def token_without_a_digest() -> Case:
    """The signature covers nothing of the content."""
    return damaged(put("digest", b""))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def attributes_of_another_content() -> Case:
    """What was signed was signed as plain data."""
    return damaged(put("type", attribute("1.2.840.113549.1.9.3", oid("1.2.840.113549.1.7.1"))))


@attack(timestamp="15.1 FAIL TOKEN_FORM:TOKEN_ATTRIBUTES")
def token_without_signed_attributes() -> Case:
    """The signature is over the content itself."""
    return damaged(put("attributes", b""))


# ---------------------------------------------------------------------- 15.2 of what


@attack(timestamp="15.2 FAIL TOKEN_MISMATCH")
def token_of_another_checkpoint() -> Case:
    """A true token of the log's newest checkpoint stands beside each of them."""
    newest = honest().log.anchors[-1].note.split("\n\n")[0].encode() + b"\n"

    return with_tokens(lambda text, at: [[honest_authority().token(newest, at)]])


@attack(timestamp="15.2 FAIL TOKEN_MISMATCH")
def token_of_the_whole_note() -> Case:
    """The signature lines are in the imprint: a note signed anew would have no token."""

    def make(text: bytes, at: datetime) -> Chains:
        size = int(text.split(b"\n")[1])
        note = next(one.note for one in honest().log.anchors if one.size == size)
        return [[honest_authority().token(note.encode(), at)]]

    return with_tokens(make)


@attack(timestamp="15.2 FAIL TOKEN_MISMATCH")
def token_of_the_text_without_its_end() -> Case:
    """The last LF is missing in the imprint."""
    return with_tokens(lambda text, at: [[honest_authority().token(text[:-1], at)]])


@attack(timestamp="15.2 FAIL TOKEN_MISMATCH")
def renewal_of_the_text() -> Case:
    """The second token is over the checkpoint again: it shows nothing of the first one."""

    def make(text: bytes, at: datetime) -> Chains:
        return [[honest_authority().token(text, at), honest_authority().token(text, at + DAY)]]

    return with_tokens(make)


@attack(timestamp="15.2 FAIL TOKEN_MISMATCH")
def renewal_of_a_token_that_is_not_there() -> Case:
    """The renewal is a true one, of another token over the same checkpoint."""

    def make(text: bytes, at: datetime) -> Chains:
        other = honest_authority().token(text, at + DAY)
        return [[honest_authority().token(text, at), honest_authority().token(other, at + 2 * DAY)]]

    return with_tokens(make)


# ---------------------------------------------------------------------- 15.3 signature


def last_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def signature_with_another_bit() -> Case:
    """One bit of each signature is another."""
    return damaged(put("signature", last_bit))


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def signature_of_rsa_with_another_bit() -> Case:
    """The same of an RSA signature."""
    authority = Authority.make("RSA", key=rsa_key())
    return with_tokens(by(authority, put("signature", last_bit)), authority)


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def signature_of_pss_with_another_bit() -> Case:
    """The same of an RSA signature by PSS."""
    return by_pss(put("signature", last_bit))


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def time_changed_after_signing() -> Case:
    """A minute is put in front: the signed digest is of the other time."""

    def make(text: bytes, at: datetime) -> Chains:
        kept: Parts = {}
        honest_authority().token(text, at - timedelta(minutes=1), kept.update)
        return [[honest_authority().token(text, at, put("content", kept["content"]))]]

    return with_tokens(make)


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def attribute_added_after_signing() -> Case:
    """The signed attributes are not those that were signed."""

    def change(parts: Parts) -> None:
        if "attributes" in parts:
            was = parts["attributes"]
            head = 2 + (was[1] & 0x7F if was[1] & 0x80 else 0)
            parts["attributes"] = tlv(0xA0, attribute("1.2", NULL), was[head:])

    return damaged(change)


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def certificate_that_the_signer_did_not_name() -> Case:
    """The signed attribute names another certificate than the one beside the signature."""
    other = attribute(
        "1.2.840.113549.1.9.16.2.47", seq(seq(seq(octets(Authority.make("Other").named()))))
    )
    return damaged(put("ess", other))


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def one_of_two_names_is_another() -> Case:
    """The new attribute names the certificate, the old one another."""
    old = attribute("1.2.840.113549.1.9.16.2.12", seq(seq(seq(octets(bytes(20))))))
    return damaged(put("more", old))


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def token_by_a_stranger_under_the_authority_s_certificate() -> Case:
    """Anybody can put the authority's certificates beside a signature of his own."""
    true = honest_authority()
    thief = Authority(true.root, true.between, true.signer, curve_key(99))
    return with_tokens(by(thief))


@attack(timestamp="15.3 FAIL TOKEN_SIGNATURE")
def bad_signature_beside_a_good_chain() -> Case:
    """A token that nobody signed is no smaller matter for a good one beside it."""

    def make(text: bytes, at: datetime) -> Chains:
        good = honest_authority().token(text, at)
        return [[good], [honest_authority().token(text, at, put("signature", last_bit))]]

    return with_tokens(make)


# ---------------------------------------------------------------------- 15.4 certificate


def under(name: str, **signer: Any) -> Case:
    """Tokens of an authority whose signer's certificate is another."""
    authority = Authority.make(name, **signer)
    return with_tokens(by(authority), authority)


TWO_USES = x509.ExtendedKeyUsage(
    [ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
)


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def certificate_without_a_purpose() -> Case:
    """Any certificate under the root would do."""
    return under("A", extensions=[])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def certificate_for_mail() -> Case:
    """A certificate under the same root, for another purpose."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    return under("B", extensions=[(usage, True)])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def certificate_for_mail_as_well() -> Case:
    """Whoever signs mail with that key signs what others gave him."""
    return under("C", extensions=[(TWO_USES, True)])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def purpose_that_is_not_critical() -> Case:
    """The purpose may be passed over by others."""
    return under("D", extensions=[(STAMPS_ALONE[0], False)])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def token_signed_by_an_authority_for_certificates() -> Case:
    """The signer's certificate may make others."""
    ca = (x509.BasicConstraints(ca=True, path_length=0), True)
    return under("E", extensions=[STAMPS_ALONE, ca])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def key_that_opens_letters() -> Case:
    """The signer's key is for encryption as well."""
    usage = (key_usage(digital_signature=True, key_encipherment=True), True)
    return under("F", extensions=[STAMPS_ALONE, usage])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def key_that_may_not_sign() -> Case:
    """The signer's key is for nothing that is known."""
    return under("G", extensions=[STAMPS_ALONE, (key_usage(key_agreement=True), True)])


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def key_that_is_for_nothing() -> Case:
    """The signer's key usage is there and names nothing."""
    return under("W", extensions=[STAMPS_ALONE, (key_usage(), True)])


def with_an_extension_twice(one: x509.Certificate) -> x509.Certificate:
    """The certificate with its extended key usage called key usage, of which it then has two."""
    return x509.load_der_x509_certificate(der(one).replace(oid("2.5.29.37"), oid("2.5.29.15")))


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def certificate_with_an_extension_twice() -> Case:
    """Two key usages: one for each reader."""
    true = honest_authority()
    signer = with_an_extension_twice(true.signer)
    return with_tokens(by(Authority(true.root, true.between, signer, true.key)))


def with_a_name(value: bytes) -> x509.UnrecognizedExtension:
    """An alternative name whose content is whatever it is told."""
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), value)


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def certificate_with_an_extension_that_is_none() -> Case:
    """The alternative name of the signer is no list of names."""
    return under("S", extensions=[*OF_SIGNER, (with_a_name(b"\x05\x00"), False)])


OF_X400 = seq(tlv(0xA3, b"\x05\x00"))  # a form of names that the library does not read


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE")
def certificate_with_a_name_of_another_form() -> Case:
    """The signer's name is that of a mailbox of the eighties."""
    return under("T", extensions=[*OF_SIGNER, (with_a_name(OF_X400), False)])


OF_THE_STORY = datetime(2026, 10, 1, tzinfo=UTC)  # begins here and ends on the same day


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE_TIME")
def certificate_that_had_ended() -> Case:
    """Somebody got the key after its certificate's end and goes on."""
    return under("H", until=OF_THE_STORY)


@attack(timestamp="15.4 FAIL TOKEN_CERTIFICATE_TIME")
def certificate_that_had_not_begun() -> Case:
    """A token from before the certificate."""
    return under("I", since=OF_THE_STORY + DAY)


# ---------------------------------------------------------------------- 15.5 whose word


@attack(timestamp="15.5 NOT CHECKED TOKEN_MISSING")
def token_of_one_checkpoint_alone() -> Case:
    """The newest checkpoint has a token, the others have none."""

    def make(text: bytes, at: datetime) -> Chains:
        newest = honest().log.anchors[-1].size
        return [[honest_authority().token(text, at)]] if int(text.split(b"\n")[1]) == newest else []

    return with_tokens(make)


@attack(timestamp="15.5 NOT CHECKED TOKEN_MISSING")
def token_of_the_oldest_checkpoint_alone() -> Case:
    """The oldest shown checkpoint has a token, the others have none."""
    oldest = min(shown(honest().complete()))

    def make(text: bytes, at: datetime) -> Chains:
        return [[honest_authority().token(text, at)]] if int(text.split(b"\n")[1]) == oldest else []

    return with_tokens(make)


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def tokens_of_an_unknown_authority() -> Case:
    """The sender has an authority of his own."""
    return with_tokens(by(Authority.make("Other")))


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def unknown_authority_that_brings_its_root() -> Case:
    """The root is in the token: nothing there makes a root."""
    other = Authority.make("Other")
    return with_tokens(by(other, put("certificates", lambda was: was + der(other.root))))


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def unknown_authority_of_the_same_names() -> Case:
    """Every name is that of the pinned authority, the keys are others."""
    seed = 40
    root = certificate(
        "Example Root", curve_key(seed), ("Example Root", curve_key(seed)), extensions=OF_AUTHORITY
    )
    between = certificate(
        "Example CA",
        curve_key(seed + 1),
        ("Example Root", curve_key(seed)),
        extensions=OF_AUTHORITY,
    )
    signer = certificate(
        "Example TSA", curve_key(seed + 2), ("Example CA", curve_key(seed + 1)),
        extensions=[STAMPS_ALONE], serial=7,
    )  # fmt: skip
    return with_tokens(by(Authority(root, between, signer, curve_key(seed + 2))))


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def tokens_where_the_policy_names_nobody() -> Case:
    """The person requires the row and trusts no authority."""
    return case(stamped(by(honest_authority())), policy=policy())


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def path_with_a_gap() -> Case:
    """The authority between is not in the token."""
    return damaged(put("certificates", der(honest_authority().signer)))


def below(name: str, **between: Any) -> Case:
    """Tokens of an authority whose certificate between is another."""
    authority = Authority.make(name, between=between)
    return with_tokens(by(authority), authority)


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def authority_between_that_had_ended() -> Case:
    """The certificate between was not valid at the token's time."""
    return below("J", until=OF_THE_STORY)


def under_so_many(count: int) -> Case:
    """Tokens of an authority with a chain of others between it and the root."""
    keys = [curve_key(200 + i) for i in range(count + 2)]
    names = ["Example Root", *[f"CA {i}" for i in range(count)], "TSA"]
    made = [
        certificate(
            names[i + 1],
            keys[i + 1],
            (names[i], keys[i]),
            extensions=OF_SIGNER if i == count else OF_AUTHORITY,
            serial=7 if i == count else 1,
        )
        for i in range(count + 1)
    ]
    root = certificate(names[0], keys[0], (names[0], keys[0]), until=UNTIL, extensions=OF_AUTHORITY)
    authority = Authority(root, made[0], made[-1], keys[-1])
    certificates = b"".join(sorted(map(der, made)))
    return with_tokens(by(authority, put("certificates", certificates)), authority)


@attack()
def four_authorities_between() -> Case:
    """The longest path that there may be."""
    return under_so_many(4)


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def five_authorities_between() -> Case:
    """One more."""
    return under_so_many(5)


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def authority_between_that_is_none() -> Case:
    """The certificate between may not make others: the holder of a mail certificate did."""
    return below("K", extensions=[(x509.BasicConstraints(ca=False, path_length=None), True)])


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def authority_between_without_constraints() -> Case:
    """The certificate between does not say that it is an authority's."""
    return below("L", extensions=[])


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def authority_between_for_web_servers() -> Case:
    """The authority between may certify web servers alone."""
    servers = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    return below("M", extensions=[*OF_AUTHORITY, (servers, False)])


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def authority_between_whose_key_may_not_certify() -> Case:
    """Its key usage is signing of documents."""
    constraints = (x509.BasicConstraints(ca=True, path_length=None), True)
    return below("N", extensions=[constraints, (key_usage(digital_signature=True), True)])


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def authority_between_with_a_critical_extension() -> Case:
    """It is bound by something that the verifier does not know."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    return below("O", extensions=[*OF_AUTHORITY, (unknown, True)])


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def token_before_the_authority_counts() -> Case:
    """The policy trusts the authority from later on."""
    return with_tokens(by(honest_authority()), **{"from": "2026-10-02T00:00:00.000Z"})


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def token_after_the_authority_counts() -> Case:
    """The authority lost its key, and the policy says when."""
    return with_tokens(by(honest_authority()), until="2026-10-01T00:00:00.000Z")


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def last_token_of_the_moment_at_which_the_authority_no_longer_counts() -> Case:
    """The policy's `until` is the time of the latest token."""
    return with_tokens(by(honest_authority()), until=written(max(times_of_tokens())))


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def token_under_another_policy() -> Case:
    """The authority also stamps under a policy that the person did not accept."""
    return with_tokens(by(honest_authority()), policies=["1.2.3.4.2", "1.2.3.4.10"])


@attack()
def token_under_one_of_the_policies() -> Case:
    """The policy of the tokens is among those that count."""
    return with_tokens(by(honest_authority()), policies=["1.2.3.4.2", "1.2.3.4.1"])


@attack(timestamp="15.5 NOT CHECKED TOKEN_NOT_PINNED")
def renewal_by_an_unknown_authority() -> Case:
    """A chain counts as far as every link of it does."""

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token(text, at)
        return [[token, Authority.make("Other").token(token, at + DAY)]]

    return with_tokens(make)


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def tokens_signed_over_sha_1() -> Case:
    """A signature over a hash for which two messages can be found."""
    authority = Authority.make("SHA-1", key=rsa_key(), digest=SHA1)
    return with_tokens(by(authority), authority)


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def tokens_by_a_short_key() -> Case:
    """An RSA key of a bit less than 2048."""
    authority = Authority.make("short", key=rsa_key(2047))
    return with_tokens(by(authority), authority)


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def tokens_by_another_curve() -> Case:
    """A curve that is not of the format."""
    authority = Authority.make("secp256k1", key=curve_key(9, ec.SECP256K1))
    return with_tokens(by(authority), authority)


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def signature_algorithm_of_another_hash() -> Case:
    """The signature's hash and the digest algorithm are two."""
    return with_tokens(by(honest_authority(), sign=ECDSA_SHA384))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def rsa_key_under_the_name_of_a_curve() -> Case:
    """The key is RSA, the signature is called ECDSA."""
    authority = Authority.make("RSA", key=rsa_key())
    return with_tokens(by(authority, sign=ECDSA_SHA384), authority)


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def pss_of_two_hashes() -> Case:
    """The mask of the signature is made with SHA-1."""
    authority = Authority.make("PSS", key=rsa_key(), digest=SHA512)
    mask = seq(oid("1.2.840.113549.1.1.8"), algorithm(SHA1))
    parameters = seq(tlv(0xA0, algorithm(SHA512)), tlv(0xA1, mask), tlv(0xA2, integer(64)))
    damage = put("signature_algorithm", algorithm(RSA_PSS, parameters))
    return with_tokens(by(authority, damage, sign=RSA_PSS), authority)


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def pss_of_another_hash() -> Case:
    """The signature's own hash is said to be another than that of its mask."""
    return by_pss(put("signature_algorithm", algorithm(RSA_PSS, pss(digest=SHA384))))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def pss_of_another_mask() -> Case:
    """The mask is made by a function that nobody knows."""
    return by_pss(put("signature_algorithm", algorithm(RSA_PSS, pss(mask="1.2.3.4"))))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def pss_parameters_under_another_name() -> Case:
    """The parameters are those of PSS, the algorithm is unknown."""
    return by_pss(put("signature_algorithm", algorithm("1.2.3.4", pss())))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def pss_of_a_salt_longer_than_the_hash() -> Case:
    """The signature is good; the salt has a byte more than the format lets it have."""
    return by_pss_with_a_salt(65)


def with_key(change: Callable[[bytes], bytes]) -> Case:
    """Tokens of a signer in whose certificate the key's bytes are others."""
    true = honest_authority()
    signer = x509.load_der_x509_certificate(change(der(true.signer)))
    return with_tokens(by(Authority(true.root, true.between, signer, true.key)))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def key_of_a_kind_that_the_format_does_not_have() -> Case:
    """The certificate's key is one of Ed25519."""
    other: Any = Ed25519PrivateKey.from_private_bytes(bytes(32))
    true, between = honest_authority(), Authority.make("V")
    signer = certificate("V TSA", other, ("V CA", between.key), extensions=OF_SIGNER, serial=7)
    return with_tokens(by(Authority(true.root, true.between, signer, true.key)))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def key_of_an_unknown_curve() -> Case:
    """The certificate's key lies on a curve that no library has."""
    return with_key(
        lambda was: was.replace(oid("1.2.840.10045.3.1.7"), oid("1.2.840.10045.3.1.126"))
    )


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def key_that_is_no_point() -> Case:
    """The certificate's key is no point of its curve."""
    start = b"\x03\x42\x00\x04"
    return with_key(lambda was: was.replace(was[was.index(start) :][:68], start + 64 * b"\xff"))


@attack(timestamp="15.5 NOT CHECKED TOKEN_ALGORITHM")
def certificate_named_by_an_unknown_hash() -> Case:
    """The signed attribute names the certificate by MD5."""
    named = seq(algorithm("1.2.840.113549.2.5"), octets(honest_authority().named("md5")))
    return damaged(put("ess", attribute("1.2.840.113549.1.9.16.2.47", seq(seq(named)))))


# ---------------------------------------------------------------------- 15.6 renewals


@attack(timestamp="15.6 FAIL TOKEN_BACKWARDS")
def renewal_before_the_token() -> Case:
    """What covers a token is older than it."""

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token(text, at)
        return [[token, honest_authority().token(token, at - timedelta(seconds=1))]]

    return with_tokens(make)


def renewed_a_second_late(text: bytes, at: datetime) -> Sequence[bytes]:
    token = honest_authority().token(text, at)
    newer = Authority.make("Newer", until=UNTIL + 3000 * DAY)
    return [token, newer.token(token, UNTIL + timedelta(seconds=1))]


@attack(timestamp="15.6 NOT CHECKED TOKEN_RENEWED_LATE")
def renewal_after_the_certificate_had_ended() -> Case:
    """By then somebody else may have had the key."""
    pinned = (honest_authority(), Authority.make("Newer", until=UNTIL + 3000 * DAY))
    return with_tokens(lambda text, at: [renewed_a_second_late(text, at)], *pinned)


@attack(timestamp="15.6 NOT CHECKED TOKEN_RENEWED_LATE")
def renewal_after_an_authority_between_had_ended() -> Case:
    """The signer's certificate lasts longer than the one above it."""
    short = Authority.make("P", between={"until": OF_THE_STORY + 10 * DAY})

    def make(text: bytes, at: datetime) -> Chains:
        token = short.token(text, at)
        return [[token, honest_authority().token(token, at + 20 * DAY)]]

    return with_tokens(make, short, honest_authority())


@attack()
def late_renewal_beside_a_chain_in_time() -> Case:
    """One chain per checkpoint is enough."""
    pinned = (honest_authority(), Authority.make("Newer", until=UNTIL + 3000 * DAY))

    def make(text: bytes, at: datetime) -> Chains:
        return [renewed_a_second_late(text, at), [honest_authority().token(text, at)]]

    return with_tokens(make, *pinned)


# ---------------------------------------------------------------------- 15.7 distance


@attack(timestamp="15.7 NOT CHECKED TOKEN_GAP")
def token_long_after_its_anchor() -> Case:
    """A second later than the policy allows: it says less, and contradicts nothing."""
    late = timedelta(seconds=LIMIT_S + 1)
    return with_tokens(lambda text, at: [[honest_authority().token(text, at + late)]])


@attack()
def tokens_as_far_away_as_the_policy_allows() -> Case:
    """To the second, before and after."""
    limit = timedelta(seconds=LIMIT_S)

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token
        return [[token(text, at + (limit if b"\n6\n" in text else -limit))]]

    return with_tokens(make)


@attack(timestamp="15.7 NOT CHECKED TOKEN_GAP")
def token_long_before_its_anchor() -> Case:
    """A second earlier than the policy allows: it may be that the anchor waited so long."""
    early = timedelta(seconds=LIMIT_S + 1)
    return with_tokens(lambda text, at: [[honest_authority().token(text, at - early)]])


@attack()
def distant_token_beside_a_near_one() -> Case:
    """One authority was away for ten days; what it says then does not undo what the other said."""

    def make(text: bytes, at: datetime) -> Chains:
        token = honest_authority().token
        return [[token(text, at)], [token(text, at + 10 * DAY)]]

    return with_tokens(make)


@attack(timestamp="15.7 NOT CHECKED TOKEN_GAP")
def distant_token_of_one_checkpoint_among_near_ones() -> Case:
    """Each checkpoint wants a chain of its own that is near."""

    def make(text: bytes, at: datetime) -> Chains:
        late = 10 * DAY if b"\n6\n" in text else timedelta()
        return [[honest_authority().token(text, at + late)]]

    return with_tokens(make)


@attack(timestamp="15.7 NOT CHECKED TOKEN_GAP")
def distant_token_beside_a_near_one_that_was_renewed_late() -> Case:
    """One chain is near and the other in time; neither is both."""
    pinned = (honest_authority(), Authority.make("Newer", until=UNTIL + 3000 * DAY))

    def make(text: bytes, at: datetime) -> Chains:
        far = honest_authority().token(text, at + 10 * DAY)
        return [renewed_a_second_late(text, at), [far]]

    return with_tokens(make, *pinned)


@attack()
def distant_token_of_a_stranger_beside_a_near_one() -> Case:
    """Anybody can put a token of his own beside; what it says of the time convicts nobody."""

    def make(text: bytes, at: datetime) -> Chains:
        far = Authority.make("Other").token(text, at + 10 * DAY)
        return [[honest_authority().token(text, at)], [far]]

    return with_tokens(make)


@attack()
def distant_token_of_a_stranger_that_the_authority_renewed() -> Case:
    """The same, where the pinned authority renewed what the stranger had made."""

    def make(text: bytes, at: datetime) -> Chains:
        far = Authority.make("Other").token(text, at + 10 * DAY)
        renewed = honest_authority().token(far, at + 11 * DAY)
        return [[honest_authority().token(text, at)], [far, renewed]]

    return with_tokens(make)


# ---------------------------------------------------------------------- 2.5 files


def honest_tokens() -> Package:
    return stamped(by(honest_authority()))


def moved(change: Callable[[str], str]) -> Case:
    """One token under another name."""
    package = honest_tokens()
    name = path(honest().log.anchors[-1].size)
    return case(package.move(name, change(name)).restated(), policy=policy(honest_authority()))


@attack(container="2.5 FAIL FILE_UNKNOWN", blocked="15.2")
def token_of_a_checkpoint_that_is_not_shown() -> Case:
    """Size 4 was anchored, and nothing is shown by it."""
    text = honest().log.checkpoint(4)[1].split("\n\n")[0].encode() + b"\n"
    token = honest_authority().token(text, anchored_at(4))
    package = honest_tokens().put(path(4), token).restated()
    return case(package, policy=policy(honest_authority()))


@attack(container="2.5 FAIL FILE_MISSING")
def second_chain_without_a_first() -> Case:
    """Somebody took a chain out."""
    return moved(lambda name: name.replace("-0-0", "-1-0"))


@attack(container="2.5 FAIL FILE_MISSING", blocked="15.2")
def renewal_without_its_token() -> Case:
    """Somebody took the first token out, and kept the renewal."""
    return moved(lambda name: name.replace("-0-0", "-0-1"))


@attack(container="2.5 FAIL FILE_UNKNOWN", timestamp="15.5 NOT CHECKED TOKEN_MISSING")
def token_under_a_number_of_two_digits_with_a_zero() -> Case:
    """One place has one name."""
    return moved(lambda name: name.replace("-0-0", "-0-00"))


@attack(container="2.5 FAIL FILE_UNKNOWN", timestamp="15.5 NOT CHECKED TOKEN_MISSING")
def token_of_an_eleventh_chain() -> Case:
    """Chains are counted from 0 to 9."""
    return moved(lambda name: name.replace("-0-0", "-10-0"))


@attack(container="2.5 FAIL FILE_UNKNOWN", timestamp="15.5 NOT CHECKED TOKEN_MISSING")
def token_as_a_response() -> Case:
    """A whole response of the authority, under its usual ending."""
    return moved(lambda name: name.replace(".tst", ".tsr"))


# ---------------------------------------------------------------------- 1.1 policy


def with_policy(change: Callable[[Toml], object]) -> Case:
    document = policy(honest_authority())
    change(document)
    return case(honest_tokens(), policy=document)


def authority_of(document: Toml) -> Toml:
    found: Toml = document["timestamp_authority"][0]
    return found


@attack(error="1.1 POLICY_KEY")
def authority_without_a_root() -> Case:
    """An authority that nothing leads to."""
    return with_policy(lambda document: authority_of(document).update(roots=""))


@attack(error="1.1 POLICY_KEY")
def signer_pinned_as_a_root() -> Case:
    """The person pasted the signer's certificate: its end would be nobody's."""
    true = honest_authority()
    pem = Authority(true.signer, true.between, true.signer, true.key).pem
    return with_policy(lambda document: authority_of(document).update(roots=pem))


@attack(error="1.1 POLICY_KEY")
def certificate_that_says_it_is_no_authority_s_pinned_as_a_root() -> Case:
    """The same of a signer's certificate with constraints."""
    constraints = (x509.BasicConstraints(ca=False, path_length=None), True)
    made = Authority.make("Y", extensions=[*OF_SIGNER, constraints])
    pem = Authority(made.signer, made.between, made.signer, made.key).pem
    return with_policy(lambda document: authority_of(document).update(roots=pem))


@attack(error="1.1 POLICY_KEY")
def root_with_an_extension_twice() -> Case:
    """A certificate that no two readers read alike."""
    root = with_an_extension_twice(
        certificate(
            "Root", curve_key(5), ("Root", curve_key(5)), extensions=[*OF_AUTHORITY, STAMPS_ALONE]
        )
    )
    pem = Authority(root, root, root, curve_key(5)).pem
    return with_policy(lambda document: authority_of(document).update(roots=pem))


def root_with(value: bytes) -> Case:
    """A pinned root with an alternative name of that content."""
    root = certificate(
        "Root",
        curve_key(5),
        ("Root", curve_key(5)),
        extensions=[*OF_AUTHORITY, (with_a_name(value), False)],
    )
    pem = Authority(root, root, root, curve_key(5)).pem
    return with_policy(lambda document: authority_of(document).update(roots=pem))


@attack(error="1.1 POLICY_KEY")
def root_with_an_extension_that_is_none() -> Case:
    """Its alternative name is no list of names."""
    return root_with(b"\x05\x00")


@attack(error="1.1 POLICY_KEY")
def root_with_a_name_of_another_form() -> Case:
    """Its name is in a form that the library does not read."""
    return root_with(OF_X400)


@attack(error="1.1 POLICY_KEY")
def root_that_stands_twice() -> Case:
    """The same certificate was pasted twice."""
    return with_policy(
        lambda document: authority_of(document).update(roots=2 * honest_authority().pem)
    )


@attack(error="1.1 POLICY_TWICE")
def authority_that_stands_twice() -> Case:
    """Two authorities of one name."""
    return with_policy(
        lambda document: document["timestamp_authority"].append(authority_of(document))
    )


@attack(error="1.1 POLICY_MEMBER_MISSING")
def authority_without_a_limit() -> Case:
    """An authority is pinned, and the policy does not say how far from the chain its word may be."""
    return with_policy(lambda document: document["limits"].pop("max_timestamp_gap_s"))


@attack(error="1.1 POLICY_MEMBER_UNKNOWN")
def limit_without_an_authority() -> Case:
    """A limit for the words of nobody: the person forgot to say whose."""
    return with_policy(lambda document: document.pop("timestamp_authority"))


@attack(error="1.1 POLICY_MEMBER_UNKNOWN")
def authority_with_a_member_that_nobody_knows() -> Case:
    """The person wrote `policy` in place of `policies`, and means a narrower trust."""
    return with_policy(lambda document: authority_of(document).update(policy=["1.2.3.4.2"]))


@attack(error="1.1 POLICY_VALUE")
def authority_that_ends_before_it_begins() -> Case:
    """The two dates were swapped."""
    return with_policy(
        lambda document: authority_of(document).update(until="2025-01-01T00:00:00.000Z")
    )


@attack(error="1.1 POLICY_VALUE")
def policy_of_an_authority_that_is_no_number() -> Case:
    """A name in place of an object identifier."""
    return with_policy(lambda document: authority_of(document).update(policies=["the usual one"]))


@attack(error="1.1 POLICY_KEY")
def root_of_a_version_that_nobody_knows() -> Case:
    """The person's file of a root says that the certificate is of version 4."""
    authority = honest_authority()
    document = policy(authority)
    content = x509.load_pem_x509_certificate(authority.pem.encode()).public_bytes(Encoding.DER)
    changed = content.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020103"), 1)
    body = b64_encode(changed)
    pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    document["timestamp_authority"][0]["roots"] = pem
    return case(stamped(by(authority)), policy=document)
