"""Attacks on the container: steps 2.1 to 2.8, and evidence that travels in the package.

The exporter is the attacker. He rebuilds manifests, statement and README over what he changed,
except where a sentence says that they are what he changed.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.hostile.attacks.records import attachment_claim
from tests.hostile.case import Case, attack, case, honest
from tests.hostile.export import consistency_proofs, leg, tlog_proof
from tests.hostile.log import map_proof
from tests.hostile.package import (
    BASE_FOLDER,
    CONSISTENCY,
    DISCLOSURES,
    EVM,
    LEAVES,
    MANIFESTS,
    PATHS,
    README,
    SM3,
    STATEMENT,
    TAG_MANIFESTS,
    Package,
    header_path,
    map_path,
    proof_path,
    zip_bytes,
)
from tests.hostile.persons import toml
from tests.hostile.world import CASE, NOBODY
from verifier.format import trees
from verifier.format.digests import b64_encode

LOCAL_NAME = 30  # bytes of a zip's local header before the name
CENTRAL_NAME = 46  # bytes of a central header before the name


def package() -> Package:
    return honest().complete()


def added(path: str, content: bytes = b"more\n") -> Case:
    """The honest package with one file more, sealed."""
    return case(package().put(path, content).sealed())


def removed(path: str) -> Case:
    """The honest package with one file less, restated and sealed."""
    return case(package().drop(path).restated())


# ---------------------------------------------------------------------- 2.1 the zip


@attack(container="2.1 FAIL ZIP_FORM", verdict="INVALID")
def zip_with_a_trailing_byte() -> Case:
    """A byte follows the zip."""
    return case(package().zipped() + b"\0", matter=CASE)


@attack(
    container="2.1 FAIL ZIP_FORM", blocked="3.2 4.1 5.1 6.1 7.1 8.2 9.1 10.1 11.1 13.1 17.1 18.8"
)
def zip_with_a_byte_before_it() -> Case:
    """A byte precedes the zip."""
    return case(b"\0" + package().zipped(), matter=CASE)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_comment() -> Case:
    """The zip ends with a comment of five bytes."""
    content = package().zipped()
    return case(content[:-2] + b"\x05\x00VALID", matter=CASE)


@attack(
    container="2.1 FAIL ZIP_FORM", blocked="3.2 4.1 5.1 6.1 7.1 8.2 9.1 10.1 11.1 13.1 17.1 18.8"
)
def zip_that_is_none() -> Case:
    """The file holds no zip."""
    return case(b"Dear Sir,", matter=CASE)


def headers_changed(
    path: str, at: int, form: str, value: int, *, central_only: bool = False
) -> Case:
    """The honest zip with one field of a file's headers changed, in the central one or in both.

    `at` counts within the local header; the central one has the same fields two bytes later.
    """
    changed = bytearray(package().zipped())
    name = (BASE_FOLDER + path).encode()
    for start, where in (
        (changed.index(name) - LOCAL_NAME, at),
        (changed.rindex(name) - CENTRAL_NAME, at if central_only else at + 2),
    ):
        if not central_only or changed[start : start + 4] == b"PK\x01\x02":
            struct.pack_into(form, changed, start + where, value)
    return case(bytes(changed), matter=CASE)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_an_encrypted_entry() -> Case:
    """Both headers of the README say that it is encrypted: other readers would ask for a password."""
    return headers_changed(README, 6, "<H", 0x0001)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_data_descriptor() -> Case:
    """Both headers of the README say that its size follows it, where a reader must guess the end."""
    return headers_changed(README, 6, "<H", 0x0008)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_deflated_entry() -> Case:
    """Both headers of the README say that it is compressed; what it would unfold to, nobody asks."""
    return headers_changed(README, 8, "<H", 8)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_an_entry_that_claims_to_unfold() -> Case:
    """Both headers of the README give it four gigabytes once it is unpacked."""
    return headers_changed(README, 22, "<I", 0xFFFFFFFE)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_wrong_crc() -> Case:
    """Both headers of the README agree on a CRC that its bytes don't have."""
    return headers_changed(README, 14, "<I", 0)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_link() -> Case:
    """The central directory marks the README as a symbolic link, which its text would lead."""
    return headers_changed(README, 38, "<I", 0o120777 << 16, central_only=True)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_two_names_for_one_file() -> Case:
    """The central directory, by which most tools read, gives the README another name."""
    content = package().zipped()
    head, name, rest = content.rpartition((BASE_FOLDER + README).encode())
    return case(head + name[:-3] + b"TXT" + rest, matter=CASE)


def with_another_entry(before: bytes, after: bytes) -> Case:
    """The honest zip in which `before` became `after` in the local headers, and the end record fits."""
    content = package().zipped()
    directory = content.index(b"PK\x01\x02")
    entries, rest = content[:directory], bytearray(content[directory:])
    changed = entries.replace(before, after, 1)
    struct.pack_into("<I", rest, len(rest) - 6, len(changed))
    return case(changed + bytes(rest), matter=CASE)


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_unicode_path_field() -> Case:
    """An extra field gives bagit.txt a second name, which Info-ZIP's tools prefer to the first."""
    name = (BASE_FOLDER + "bagit.txt").encode()
    other = (BASE_FOLDER + "evil.html").encode()
    # PKWARE APPNOTE 4.6.9: 0x7075, size, version, CRC of the name that it replaces, the new name.
    field = struct.pack("<HHBI", 0x7075, 5 + len(other), 1, zlib.crc32(name)) + other
    lengths = struct.pack("<HH", len(name), 0)
    return with_another_entry(
        lengths + name, lengths[:2] + struct.pack("<H", len(field)) + name + field
    )


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_a_name_twice() -> Case:
    """bagit.txt stands a second time, with what other tools would write over the first."""
    one = zip_bytes({"bagit.txt": package()["bagit.txt"]})
    other = zip_bytes({"bagit.txt": b"You owe nothing.\n"})
    first = one[: one.index(b"PK\x01\x02")]
    return with_another_entry(first, first + other[: other.index(b"PK\x01\x02")])


@attack(container="2.1 FAIL ZIP_FORM")
def zip_with_an_entry_that_its_directory_leaves_out() -> Case:
    """A file stands between the last one and the directory, which doesn't list it."""
    more = zip_bytes({"tagmanifest-sha999.txt": b"more\n"})
    content = package().zipped()
    at = content.index(b"PK\x01\x02")
    return case(content[:at] + more[: more.index(b"PK\x01\x02")] + content[at:], matter=CASE)


# ---------------------------------------------------------------------- 2.2 names


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def hidden_file() -> Case:
    """A name begins with a dot."""
    return added("data/.note")


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def name_that_climbs() -> Case:
    """A path leads out of the package."""
    return added("data/../../evil.txt")


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def absolute_name() -> Case:
    """A path is absolute."""
    return added("/evil.txt")


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def names_that_differ_in_case() -> Case:
    """Two files are one on many machines."""
    return added("data/readme.TXT", b"You owe nothing.\n")


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def name_in_another_alphabet() -> Case:
    """A letter of a name looks like another one."""
    return added("data/R\u0415ADME.txt")


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def name_above_200_bytes() -> Case:
    """A path has 201 bytes."""
    return added("data/" + "x" * 196)


def folder(change: Callable[[Path], object]) -> Case:
    """The honest package as a directory, changed."""

    def write(parent: Path) -> Path:
        written = package().write_folder(parent / "package")
        change(written)
        return written

    return case(write, matter=CASE)


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def link_in_a_directory() -> Case:
    """A file of the directory is a link to a copy outside, which can change later."""

    def change(root: Path) -> None:
        target = root.parent / "outside.txt"
        (root / README).rename(target)
        (root / README).symlink_to(target)

    return folder(change)


@attack(container="2.2 FAIL NAME_FORBIDDEN", blocked="3.8")
def linked_folder_in_a_directory() -> Case:
    """A folder of the directory is a link."""

    def change(root: Path) -> None:
        target = root.parent / "outside"
        (root / "data/attachments").rename(target)
        (root / "data/attachments").symlink_to(target, target_is_directory=True)

    return folder(change)


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def link_beside_the_files() -> Case:
    """The directory holds a link that no file of a package has the name of."""
    return folder(lambda root: (root / "data/more").symlink_to(root / README))


@attack(container="2.2 FAIL NAME_FORBIDDEN")
def pipe_in_a_directory() -> Case:
    """A file of the directory is a pipe, at which a reader would wait for ever."""

    def change(root: Path) -> None:
        (root / README).unlink()
        os.mkfifo(root / README)

    return folder(change)


# ---------------------------------------------------------------------- 2.3 and 2.4


@attack(container="2.3 FAIL BAG_DECLARATION")
def bag_of_another_version() -> Case:
    """bagit.txt declares version 0.97; the tag manifests agree."""
    return case(
        package().put("bagit.txt", package()["bagit.txt"].replace(b"1.0", b"0.97")).sealed()
    )


@attack(container="2.3 FAIL BAG_DECLARATION")
def bag_with_carriage_returns() -> Case:
    """bagit.txt ends its lines with CR LF."""
    content = package()["bagit.txt"].replace(b"\n", b"\r\n")
    return case(package().put("bagit.txt", content).sealed())


@attack(container="2.3 FAIL BAG_DECLARATION")
def bag_without_declaration() -> Case:
    """bagit.txt is missing."""
    return case(package().drop("bagit.txt").sealed())


def manifest(change: Callable[[bytes], bytes], name: str = MANIFESTS[0]) -> Case:
    """The honest package with another manifest; the tag manifests are made anew over it."""
    return case(package().put(name, change(package()[name])).tagged())


def reversed_lines(content: bytes) -> bytes:
    return b"".join(sorted(content.splitlines(keepends=True), reverse=True))


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def unsorted_manifest() -> Case:
    """The lines of a manifest are in another order."""
    return manifest(reversed_lines)


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def manifest_with_upper_case_digests() -> Case:
    """The digests of a manifest are in upper case, which BagIt allows."""
    return manifest(lambda content: content[:64].upper() + content[64:])


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def manifest_without_a_line() -> Case:
    """A manifest lacks a line, so that file could be exchanged unnoticed."""
    return manifest(lambda content: content.split(b"\n", 1)[1], name=MANIFESTS[1])


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def manifest_with_a_line_twice() -> Case:
    """A manifest has a line twice."""
    return manifest(lambda content: content.split(b"\n", 1)[0] + b"\n" + content)


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def manifest_without_last_line_feed() -> Case:
    """A manifest's last line isn't ended."""
    return manifest(lambda content: content[:-1])


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def tag_manifest_with_another_digest() -> Case:
    """A tag manifest states another digest."""
    content = package()[TAG_MANIFESTS[0]]
    return case(package().put(TAG_MANIFESTS[0], b"0" * 64 + content[64:]))


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def payload_changed_under_old_manifests() -> Case:
    """The SM3 list is another one; the manifests are the old ones."""
    return case(package().put(SM3, b"\n"))


@attack(container="2.4 FAIL MANIFEST_DIFFERS")
def missing_manifest() -> Case:
    """A manifest is missing, and the tag manifests don't know it."""
    return case(package().drop(MANIFESTS[1]).tagged())


# ---------------------------------------------------------------------- 2.5 the set of files


@attack(container="2.5 FAIL FILE_UNKNOWN")
def fetch_file() -> Case:
    """fetch.txt would let a bag's reader load files from elsewhere."""
    return added("fetch.txt", b"https://evil.example/x 10 data/statement.json\n")


@attack(container="2.5 FAIL FILE_UNKNOWN")
def unknown_manifest() -> Case:
    """A manifest by an algorithm that nobody should trust any more."""
    return added("manifest-md5.txt", b"0" * 32 + b"  data/README.txt\n")


@attack(container="2.5 FAIL FILE_UNKNOWN")
def bag_info() -> Case:
    """bag-info.txt is common in bags and has no place here."""
    return added("bag-info.txt", b"Contact-Name: Nobody\n")


@attack(container="2.5 FAIL FILE_UNKNOWN")
def policy_in_the_package() -> Case:
    """The package brings a policy that trusts its maker."""
    return added("data/policy.toml", toml(honest().policy()).encode())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def block_list_in_the_package() -> Case:
    """The package brings inputs that confirm its blocks."""
    return added("inputs.toml", toml(honest().inputs()).encode())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def verdict_in_the_package() -> Case:
    """The package brings its own verdict."""
    return added("data/verdict.json", b'{"verdict":"VALID"}')


@attack(container="2.5 FAIL FILE_UNKNOWN", finality="9.1 NOT CHECKED LEVEL_0")
def block_list_for_a_person_who_has_none() -> Case:
    """The block list in the package confirms nothing for a person who has none of her own."""
    inputs = honest().inputs()
    inputs["block"].pop()
    content = toml(honest().inputs()).encode()
    return case(package().put("data/inputs.toml", content).sealed(), inputs=inputs)


@attack(container="2.5 FAIL FILE_UNKNOWN")
def attachment_without_disclosure() -> Case:
    """A file lies among the attachments that no disclosure names."""
    return added("data/attachments/" + "0" * 32, b"an original of nobody")


@attack(container="2.5 FAIL FILE_UNKNOWN")
def attachment_of_a_withheld_field() -> Case:
    """A field is withheld, its file is there all the same."""
    kept = {(0, "text"): "privilege", (3, "attachment-0"): "privilege"}
    withheld = honest().complete(withheld=kept)
    [path] = [path for path in package().files if path.startswith("data/attachments/")]
    return case(withheld.put(path, package()[path]).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def paths_in_a_complete_package() -> Case:
    """A complete package has inclusion paths, which only extracts have."""
    return added("data/matter/paths.json", honest().extract()["data/matter/paths.json"])


@attack(container="2.5 FAIL FILE_MISSING", inclusion="6.5 NOT CHECKED BLOCKED", blocked="7.3 11.1")
def paths_missing_in_an_extract() -> Case:
    """An extract comes without any path from its leaves to the head."""
    return case(honest().extract().drop(PATHS).sealed())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def leaf_in_an_absent_package() -> Case:
    """A package that says "nothing" holds a leaf."""
    return case(honest().absent().put(LEAVES, package()[LEAVES]).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def disclosures_in_an_absent_package() -> Case:
    """A package that says "nothing" holds disclosures."""
    return case(honest().absent().put(DISCLOSURES, package()[DISCLOSURES]).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def leaf_in_a_file_of_its_own() -> Case:
    """A leaf stands a second time, in a file of its own."""
    return added("data/matter/leaves/000000.json", package().leaf(0))


@attack(container="2.5 FAIL FILE_UNKNOWN")
def disclosures_in_a_second_file() -> Case:
    """Disclosures stand a second time, where a person might look first."""
    return added("data/matter/disclosures.txt", package()[DISCLOSURES])


@attack(
    container="2.5 FAIL FILE_MISSING",
    completeness="8.5 FAIL RECORDS_MISSING",
    blocked="6.5 7.3 11.1 17.1 18.8",
)
def leaves_missing() -> Case:
    """The file of leaves is not there, nor that of disclosures."""
    made = package().chosen(withheld=[], erased=[]).drop(LEAVES, DISCLOSURES)
    [attachment] = [path for path in made.files if path.startswith("data/attachments/")]
    return case(made.drop(attachment).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def batch_that_no_anchor_ends_with() -> Case:
    """The package shows batch 1, which is the last one of no anchor."""
    world = honest()
    shown = package()
    anchor, batch = world.log.anchors[1], world.log.batches[1]
    more = (
        shown.put(header_path(1), batch.header)
        .put(proof_path(1), tlog_proof(anchor, 1))
        .put_json(map_path(1), map_proof(batch, world.log.number(CASE).key, batch.matters[CASE]))
    )
    assert batch.not_before is not None
    evm = more.json(EVM)
    evm["not_before"].insert(0, b64_encode(batch.not_before.header))
    return case(more.put_json(EVM, evm).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def batch_after_which_nothing_was_new() -> Case:
    """A complete package shows an anchored batch that brought the matter nothing."""
    return batch_shown_too(package(), 3)


@attack(container="2.5 FAIL FILE_UNKNOWN")
def batch_that_dates_no_record() -> Case:
    """An extract of the first record shows the batch by which later ones are dated."""
    return batch_shown_too(honest().extract((0,)), 4)


def batch_shown_too(made: Package, index: int) -> Case:
    """The package with one batch more, consistent in all else."""
    world = honest()
    anchor = next(a for a in world.log.anchors if a.size == index + 1)
    batch = world.log.batches[index]
    proof = map_proof(batch, world.log.number(CASE).key, batch.matters[CASE])
    more = (
        made.put(header_path(index), batch.header)
        .put(proof_path(index), tlog_proof(anchor, index))
        .put_json(map_path(index), proof)
    )
    shown = sorted(
        int(path.removeprefix("data/map/").removesuffix(".json"))
        for path in more.files
        if path.startswith("data/map/")
    )
    hashes = [trees.leaf_hash(header) for header in world.log.headers_under(6)]
    proofs = consistency_proofs(hashes, [shown_index + 1 for shown_index in shown])
    more = more.put_json(CONSISTENCY, more.json(CONSISTENCY) | {"proofs": proofs})
    headers = [
        b64_encode(block.header)
        for block in world.chain.blocks
        if block in [world.log.batches[shown_index].not_before for shown_index in shown]
    ]
    return case(more.put_json(EVM, more.json(EVM) | {"not_before": headers}).restated())


@attack(container="2.5 FAIL FILE_UNKNOWN")
def empty_folder_in_a_directory() -> Case:
    """The directory holds an empty folder, which a zip can't."""
    return folder(lambda root: (root / "data/tokens").mkdir())


@attack(container="2.5 FAIL FILE_MISSING")
def missing_sm3_list() -> Case:
    """The SM3 list is missing, and the manifests don't know it."""
    return case(package().drop(SM3).manifested())


@attack(container="2.5 FAIL FILE_MISSING", blocked="3.8")
def missing_attachment() -> Case:
    """An attachment is disclosed and not there."""
    [path] = [path for path in package().files if path.startswith("data/attachments/")]
    return removed(path)


@attack(container="2.5 FAIL FILE_MISSING")
def missing_readme() -> Case:
    """The README is missing."""
    return case(package().drop(README).sealed(), matter=CASE)


@attack(container="2.5 FAIL FILE_MISSING", blocked="6.3 7.3 11.1")
def missing_map_proof() -> Case:
    """A shown batch has no map proof."""
    return removed(map_path(2))


@attack(container="2.5 FAIL FILE_MISSING", blocked="7.2")
def missing_consistency_file() -> Case:
    """The consistency file is missing."""
    return removed(CONSISTENCY)


@attack(container="2.5 FAIL FILE_MISSING", blocked="4.2 5.1 6.1 7.3 11.1")
def extract_without_the_newest_batch() -> Case:
    """An extract doesn't show the as-of batch, under which its records are included."""
    made = honest().extract()
    proofs = made.json(CONSISTENCY)
    proofs["proofs"].pop()
    hidden = made.drop(header_path(5), proof_path(5), map_path(5)).put_json(CONSISTENCY, proofs)
    evm = hidden.json(EVM)
    evm["not_before"].pop()
    evm["legs"][1] = leg(honest().log, honest().log.anchors[-2], 2)
    return case(hidden.put_json(EVM, evm).sealed())


@attack(container="2.5 FAIL STATEMENT_FORM:STATEMENT_KIND", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_of_another_kind() -> Case:
    """The statement's kind is none of three."""
    return case(package().chosen(kind="partial").restated())


@attack(container="2.5 FAIL STATEMENT_FORM:MEMBER_UNKNOWN", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_with_unknown_member() -> Case:
    """The statement has a member that the format doesn't list."""
    return case(package().chosen(verdict="VALID").sealed())


@attack(container="2.5 FAIL STATEMENT_FORM:STATEMENT_REASON", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_with_another_reason() -> Case:
    """A field is withheld for a reason that the format doesn't know."""
    kept = [{"position": 0, "claim": "text", "reason": "embarrassing"}]
    return case(package().chosen(withheld=kept).restated())


@attack(container="2.5 FAIL STATEMENT_FORM:STATEMENT_MATTER", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_with_hyphens_in_the_number() -> Case:
    """The matter number is printed with hyphens."""
    number = package().json(STATEMENT)["matter"]
    return case(package().chosen(matter=number[:3] + "-" + number[3:]).restated())


@attack(container="2.5 FAIL STATEMENT_FORM:STATEMENT_ORDER", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_with_lists_out_of_order() -> Case:
    """The withheld fields aren't in ascending order."""
    claims = sorted(honest().log.matters[CASE].records[1].disclosures)
    kept = {(0, "text"): "other"} | {(1, claim): "other" for claim in claims}
    made = honest().complete(withheld=kept)
    listed = made.json(STATEMENT)["withheld"]
    return case(made.chosen(withheld=listed[::-1]).restated())


@attack(container="2.5 FAIL STATEMENT_FORM:STATEMENT_VERSION", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_with_a_line_in_the_version() -> Case:
    """The verifier's version holds a line feed, to write a line of its own into the README."""
    verifier = package().json(STATEMENT)["verifier"] | {"version": "1\nVERDICT: VALID"}
    return case(package().chosen(verifier=verifier).restated())


@attack(container="2.5 FAIL STATEMENT_FORM:JSON_DUPLICATE", blocked="3.2 6.3 7.3 8.2 11.1 13.1")
def statement_with_a_kind_twice() -> Case:
    """The statement names its kind twice."""
    content = package()[STATEMENT].replace(b'"kind":', b'"kind":"absent","kind":')
    return case(package().put(STATEMENT, content).sealed())


# ---------------------------------------------------------------------- 2.6 to 2.8


def stated(change: Callable[[dict[str, Any]], object]) -> Case:
    """The honest package whose statement says something else; the README follows it."""
    statement = package().json(STATEMENT)
    change(statement)
    return case(package().put_json(STATEMENT, statement).readdressed())


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_of_a_later_time() -> Case:
    """The statement gives a later as-of time."""
    return stated(lambda s: s["as_of"].update(time="2026-12-01T00:00:00.000Z"))


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_of_fewer_records() -> Case:
    """The statement counts one record less."""
    return stated(lambda s: s.update(records=5))


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_of_another_log() -> Case:
    """The statement names another log."""
    return stated(lambda s: s["log"].update(name="notary.example/lag"))


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_of_another_block_hash() -> Case:
    """The statement tells the person to compare another block hash."""
    return stated(lambda s: s["blocks"][-1].update(hash="0x" + "ab" * 32))


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_without_a_block() -> Case:
    """The statement doesn't name the as-of block among those to compare."""
    return stated(lambda s: s["blocks"].pop())


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_of_an_earlier_anchor() -> Case:
    """The statement gives an earlier time for the first anchor."""
    return stated(lambda s: s["anchors"][0].update(time="2026-01-01T00:00:00.000Z"))


@attack(container="2.6 FAIL STATEMENT_DIFFERS")
def statement_of_positions_that_are_not_there() -> Case:
    """The statement lists a position that isn't in the package."""
    return stated(lambda s: s["shown"].append(6))


@attack(container="2.7 FAIL README_DIFFERS")
def readme_with_a_promise() -> Case:
    """The README says more than follows."""
    return case(package().put(README, package()[README] + b"This evidence is valid.\n").sealed())


@attack(container="2.7 FAIL README_DIFFERS")
def readme_with_another_block_hash() -> Case:
    """The README tells the person to compare another block hash."""
    block_hash = package().json(STATEMENT)["as_of"]["block_hash"].encode()
    changed = package()[README].replace(block_hash, b"0x" + b"ab" * 32)
    return case(package().put(README, changed).sealed())


@attack(container="2.7 FAIL README_DIFFERS")
def readme_with_another_command() -> Case:
    """The README sends the person to a verifier of the exporter's."""
    changed = package()[README].replace(
        b"Get yours from where you trust it", b"Get yours from evil.example"
    )
    return case(package().put(README, changed).sealed())


def with_other_sm3() -> Package:
    """The SM3 list is another one; the manifests agree with it."""
    return package().put(SM3, package()[SM3].replace(b"0", b"1", 1)).manifested()


@attack(container="2.8 FAIL SM3_DIFFERS")
def wrong_sm3_list_asked_for() -> Case:
    """The SM3 list is wrong, and the person asks for it."""
    return case(with_other_sm3(), sm3=True)


@attack()
def right_sm3_list_asked_for() -> Case:
    """List and disclosure state the SM3 that the files have."""
    return case(package(), sm3=True)


@attack(container="2.8 FAIL SM3_DIFFERS")
def wrong_sm3_of_an_attachment_asked_for() -> Case:
    """The list is right, and the disclosure of an attachment states another SM3."""
    wrong = attachment_claim(sm3="00" * 32)
    return replace(wrong, sm3=True)


@attack(container="2.5 FAIL FILE_MISSING", blocked="3.8")
def sm3_of_a_missing_attachment_asked_for() -> Case:
    """There is no file of which the SM3 could be taken."""
    made = package()
    [stored] = [path for path in made.files if path.startswith("data/attachments/")]
    return case(made.drop(stored).restated(), sm3=True)


@attack(integrity="3.8 FAIL ATTACHMENT_MISMATCH", container="2.5 NOT CHECKED BLOCKED")
def sm3_of_an_attachment_that_can_not_be_read_asked_for() -> Case:
    """The disclosure says no SM3 that could be compared, since its size is a text."""
    return replace(attachment_claim(size="4"), sm3=True)


@attack()
def wrong_sm3_of_an_attachment_not_asked_for() -> Case:
    """SHA-256 and SHA-512 are compared in any case; SM3 only if the person asks for it."""
    return attachment_claim(sm3="00" * 32)


@attack()
def wrong_sm3_list_not_asked_for() -> Case:
    """The SM3 list is a sidecar that no verdict covers unless the person asks for it."""
    return case(with_other_sm3())


# ---------------------------------------------------------------------- exchanged packages


@attack(container="2.5 FAIL FILE_UNKNOWN")
def absent_package_with_an_earlier_batch() -> Case:
    """An absent package shows, beside the as-of batch, one in which there was nothing either."""
    world, shown = honest(), honest().extract((0,))
    earlier = world.absent(as_of=world.log.anchors[1].block)
    package = world.absent().put(map_path(2), earlier[map_path(2)])
    for path in (header_path(2), proof_path(2), CONSISTENCY, EVM):
        package = package.put(path, shown[path])
    return case(package.restated(), matter=NOBODY)


@attack(container="2.5 FAIL FILE_UNKNOWN", completeness="8.5 FAIL MATTER_PRESENT")
def complete_package_called_absent() -> Case:
    """The exporter calls a complete package absent."""
    return case(package().chosen(kind="absent", withheld=[], erased=[]).restated(), matter=CASE)
