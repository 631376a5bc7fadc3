"""Tables, and what is said of them."""

from __future__ import annotations

import re

from registry.settings import PROJECT_ROOT
from registry.store import tables


def test_the_manual_names_every_table_that_the_chain_does_not_give_again() -> None:
    manual = (PROJECT_ROOT / "docs" / "operations.md").read_text()
    _, backups = manual.split("## Backups")
    mirrored = {
        table.name for table in (tables.cursor, tables.block, tables.entry, tables.quarantine, *tables.PROJECTIONS)
    }
    assert sorted(re.findall(r"`([a-z_]+)`", backups)) == sorted(tables.metadata.tables.keys() - mirrored)
