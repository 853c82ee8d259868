"""Where the record store is. Apart from the rest, so that whoever has no records need not load a database library."""

from __future__ import annotations

from pathlib import Path

from krate_gitops.settings import Settings


def default_file(settings: Settings) -> Path:
    """The SQLite file that is used when no address is given."""
    return settings.home / "records.sqlite"


def has_records(settings: Settings) -> bool:
    """Whether there can be records: a reader need not make an empty store to find nothing in it."""
    return bool(settings.records) or default_file(settings).exists()
