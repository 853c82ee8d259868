"""Ids: ``prefix:local``, their grammar and their prefixes."""

from __future__ import annotations

import re

_PREFIX = r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_SEGMENT = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_STRICT = re.compile(rf"{_PREFIX}:{_SEGMENT}(?::{_SEGMENT})*\Z")
_EXTERNAL = re.compile(rf"{_PREFIX}:[A-Za-z0-9][A-Za-z0-9._/#:-]*\Z")
_RELAXED = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*:[^\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+\Z"
)

MAX_BYTES = 200


def is_id(text: str, *, relaxed: bool = False) -> bool:
    """Whether a text is the id of a record. Relaxed ids (foreign brains) hold anything printable after the colon."""
    if len(text) > MAX_BYTES or not (_RELAXED if relaxed else _STRICT).match(text):
        return False
    return text.isascii() or len(text.encode()) <= MAX_BYTES


def is_external_id(text: str) -> bool:
    """Whether a text may name something outside the brain; ``/`` and ``#`` are allowed there."""
    return len(text) <= MAX_BYTES and _EXTERNAL.match(text) is not None


def prefix_of(identifier: str) -> str:
    """What stands before the first colon."""
    return identifier.partition(":")[0]
