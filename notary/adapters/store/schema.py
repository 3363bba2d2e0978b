"""Every table of the store, by importing each module that declares some.

Owns nothing else. The migrations and the schema test need the whole; nobody else should import
this.
"""

from notary.adapters.store import (
    anchor_tables,
    custody,
    dkim_checks,
    exports,
    import_tables,
    leases,
    notices,
    priority,
    pulse,
    restorations,
    tables,
    timestamps,
)
from notary.adapters.store.database import METADATA

__all__ = [
    "METADATA",
    "anchor_tables",
    "custody",
    "dkim_checks",
    "exports",
    "import_tables",
    "leases",
    "notices",
    "priority",
    "pulse",
    "restorations",
    "tables",
    "timestamps",
]
