"""Correlation ids: what ties the records, events and log lines of one operation together."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
# 26 characters of five bits hold two more than the 128 of a ULID, so the first is at most 7.
_FORM = re.compile(r"krate-[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new_correlation_id(*, now: datetime) -> str:
    """``krate-`` and a ULID: 48 bits of Unix milliseconds, 80 random ones."""
    number = int(now.timestamp() * 1000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return "krate-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_correlation_id(text: str) -> bool:
    """Whether a text is well formed, so that an id from outside may be taken over."""
    return _FORM.fullmatch(text) is not None
