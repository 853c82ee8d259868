"""Where things are kept, and what the caller allows."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration handed down explicitly; nothing below reads the environment."""

    home: Path
    """Mirrors, the index store and, by default, the record store live here; only the records can't be made again."""
    records: str = ""
    """URL of the record store; empty for the SQLite file in ``home``. May hold a password: never shown."""
    organization: str = "local"
    jobs: int = 0
    """Worker processes for builds; 0 means one for each processor."""
    deadline_seconds: float = 120.0
    """Longest wait for one conversation with a remote."""
    allow_file_protocol: bool = False
    """Whether a ``file://`` URL may be mirrored (local paths are read in place and need no permission)."""


def default_home() -> Path:
    """The platform's user data directory for this program."""
    from platformdirs import user_data_path

    return user_data_path("krate-gitops", appauthor=False)
