"""An on-call diary of two years: enough everyday notes that the brain has several shards.

Every day is a function of its date, so that the demo's commits have the same ids everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256

FIRST_DAY = date(2024, 1, 1)
LAST_DAY = date(2026, 3, 4)

_ON_CALL = ("Dana", "Ravi", "Imani")
_EVENTS = (
    "Nothing until the evening, then a false alarm of the new probe.",
    "A rate provider was {} minutes late and caught up by itself.",
    "Disk of the second follower at {} percent; old logs removed.",
    "The certificate of the checkout pages was renewed, {} days before its end.",
    "A shop asked why its payout came a day late: a bank holiday.",
    "A deployment of the payments API was taken back after {} minutes; a field had been renamed too early.",
    "The checkout pages were slow for {} minutes during a sale.",
    "The refund queue reached {} in the morning and was empty by noon.",
    "The build was red for {} minutes because of a package mirror.",
    "A node was drained and replaced; nobody noticed.",
    "The card network announced maintenance for the night, {} minutes of it.",
    "Backups of the read model were restored on a copy, in {} minutes.",
)


def diary() -> dict[str, bytes]:
    """One note for each day, by path."""
    return {f"notes/on-call/{day.year}/{day.isoformat()}.md": _note(day).encode() for day in _days()}


def _days() -> Iterator[date]:
    for number in range((LAST_DAY - FIRST_DAY).days + 1):
        yield FIRST_DAY + timedelta(days=number)


def _note(day: date) -> str:
    chance = sha256(day.isoformat().encode()).digest()
    person = _ON_CALL[day.toordinal() // 7 % len(_ON_CALL)]
    events = [_EVENTS[chance[at] % len(_EVENTS)].format(chance[at + 8] % 90 + 2) for at in range(1 + chance[31] % 3)]
    lines = "".join(f"- {event}\n" for event in dict.fromkeys(events))
    return f"# On call, {day.day} {day:%B} {day.year}\n\n{person}.\n\n{lines}"
