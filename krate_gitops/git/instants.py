"""Points in time as requests and results write them: RFC 3339 in, whole UTC seconds out."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from krate_gitops.errors import UsageError

FUTURE_TOLERANCE_SECONDS = 60
_INSTANT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt](?P<clock>[0-9]{2}:[0-9]{2}):(?P<second>[0-9]{2})(?:\.[0-9]+)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})",
)
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


def parse_instant(text: str, *, now: datetime) -> int:
    """Seconds since 1970 of an RFC 3339 time with offset, fractions cut off.

    Raises ``UsageError(MEMORY_REF_TIME_INVALID)`` for everything else: dates, times without offset, relative words,
    leap seconds, and what is later than ``now`` and a minute.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise _invalid(text, _what_is_missing(text))
    if match["second"] == "60":
        raise _invalid(text, "leap seconds can't be looked up; use second 59 or the next minute")
    try:
        local = datetime.strptime(f"{match['day']} {match['clock']}:{match['second']}", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        raise _invalid(text, "there is no such day or time") from None
    seconds = int((local.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    instant = seconds - _offset_seconds(text, match["offset"])
    if instant > int(now.timestamp()) + FUTURE_TOLERANCE_SECONDS:
        raise _invalid(text, "it lies in the future")
    return instant


def format_instant(seconds: int) -> str:
    """``YYYY-MM-DDTHH:MM:SSZ``; later than the year 9999 is written as its last second. Not for times before 1970."""
    return datetime.fromtimestamp(min(seconds, _LAST_SECOND), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _offset_seconds(text: str, offset: str) -> int:
    if offset in "Zz":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    if hours > 23 or minutes > 59:
        raise _invalid(text, f"there is no offset {offset}")
    return (-1 if offset[0] == "-" else 1) * (hours * 3600 + minutes * 60)


def _what_is_missing(text: str) -> str:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return "a date has no time of day"
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?", text):
        return "it has no offset"
    return "it is no RFC 3339 time"


def _invalid(text: str, why: str) -> UsageError:
    return UsageError(
        "MEMORY_REF_TIME_INVALID",
        f"{text[:80]!r} can't be used as a time: {why}",
        hint="write an absolute time with offset that has passed, such as 2026-05-31T17:00:00Z",
    )
