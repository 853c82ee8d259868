"""RFC 3339 timestamps with an offset, normalised to UTC seconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
_NORMAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z", re.ASCII)


def normalise_timestamp(text: str) -> str | None:
    """``YYYY-MM-DDTHH:MM:SSZ``, or None when the text is not a timestamp with an offset."""
    if not _RFC3339.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        if _NORMAL.match(text):
            return text
        return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError):
        return None


def epoch_seconds(normal: str) -> int:
    """Seconds since 1970 of a normalised timestamp."""
    return int(datetime.fromisoformat(normal).timestamp())


def is_date(text: str) -> bool:
    """Whether a text is a calendar date, ``YYYY-MM-DD``."""
    if not _DATE.match(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
