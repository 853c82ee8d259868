"""How much of a source is read, and how much of it is kept."""

from __future__ import annotations

import msgspec

_MIB = 1 << 20


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one collection; sizes in bytes.

    ``journal_bytes`` is the most for one file of a journal or a transcript, ``file_bytes`` for any other; together with
    ``files`` and ``total_bytes`` they say what is read at all. The rest bounds what is held: a journal is read event by
    event, so its own size costs time and no memory.
    """

    files: int = 10_000
    total_bytes: int = 64 * _MIB
    file_bytes: int = 4 * _MIB
    journal_bytes: int = 4 * _MIB
    event_bytes: int = 4 * _MIB
    kept_events: int = 10_000
    tasks: int = 1_000
    artifacts: int = 2_000
    notes: int = 100


STANDARD = Limits()
LARGE = Limits(files=1_000_000, total_bytes=8 << 30, journal_bytes=8 << 30)
"""For runs with very long journals. Whoever imports has to ask for it."""
