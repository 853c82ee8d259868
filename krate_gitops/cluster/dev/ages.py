"""How long ago something was, in the short form of tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def age(time: Any) -> str:
    """How long ago a time (RFC 3339) is: ``5s``, ``3m``, ``2d4h``; words in angle brackets for what is no time."""
    if not time:
        return "<unknown>"
    try:
        then = datetime.fromisoformat(str(time).replace("Z", "+00:00"))
        return short_duration(int((datetime.now(UTC) - then).total_seconds()))
    except (ValueError, TypeError, OverflowError):
        return "<invalid>"


def short_duration(seconds: int) -> str:
    """A duration in at most two units."""
    if seconds < -1:
        return "<invalid>"
    seconds = max(0, seconds)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y"
