"""Owns the record of a whole file, its attachment: of a message, or of a file that no importer knows.

Test: tests/unit/importers/test_parts.py.
"""

from __future__ import annotations

from notary.core.intake import IncomingFile
from notary.importers.file_header import header_says
from notary.importers.mail import IMPORTER as MAIL
from notary.importers.mail import is_mail, mail_claims
from notary.importers.media import media_type
from notary.importers.original import Original
from notary.importers.rows import IMPORTER_VERSION, BadRow, ImportedRow, Reject, Source
from notary.importers.values import CONTROL
from verifier.format.jsonc import Json

IMPORTER = "document"
MESSAGE = "message/rfc822"


def document_source(original: Original, key: bytes) -> Source:
    """By whom a document is read: a message by its own importer."""
    importer = MAIL if is_mail(original.head()) else IMPORTER
    return Source(importer, IMPORTER_VERSION, original.sha256.hex(), key)


def document_row(original: Original, source: Source, matter_key: bytes) -> ImportedRow | Reject:
    """The record of a document in a matter. The file's own times are no evidence and are not taken."""
    name = original.path.name
    try:
        name.encode("utf-8")
        found = CONTROL.search(name)
        if found is not None:
            raise BadRow(
                "ROW_CONTROL",
                "filename",
                f"the control character U+{ord(found[0]):04X} in the file's name",
                "rename the file",
            )
    except UnicodeEncodeError:
        return BadRow(
            "ROW_ENCODING", "filename", "the file's name is not UTF-8", "rename the file"
        ).reject(1, 0, original.size, None)
    except BadRow as bad:
        return bad.reject(1, 0, original.size, None)
    mail = source.importer == MAIL
    claims = mail_claims(original) if mail else _document_claims(original, name)
    return ImportedRow(
        1,
        None,
        None,
        "message" if mail else "document",
        {**claims, "import": source.import_claim(1, 0, original.size)},
        source.identify((matter_key.hex(), name, original.sha256.hex())),
        False,
        0,
        original.size,
        b"",
        (IncomingFile(original.path, name, MESSAGE if mail else media_type(original.path)),),
    )


def _document_claims(original: Original, name: str) -> dict[str, Json]:
    says = header_says(original)
    # A header is a word of whoever wrote the file: it says no time of the record.
    return {
        **({} if says is None else {"fields": {"header_says": says}}),
        "filename": name,
        "occurred_at": None,
        "occurred_at_source": {
            "text": None,
            "zone": None,
            "fold": None,
            "note": "a file says no time of its own",
        },
    }
