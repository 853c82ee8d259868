"""What a write is known by: the digest of what it changes, and the key by which it is done once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from krate_gitops.digest import json_digest
from krate_gitops.reconcile.writer.request import Change, plain_changes


def change_digest(changes: Sequence[Change]) -> str:
    """Digest of changes, whatever the order of keys; who makes them, and where, has no part in it."""
    return json_digest(_exact(plain_changes(tuple(changes))))


def idempotency_key(*, owner: str, source_uid: str, base_commit: str, change: str) -> str:
    """Key of one effect: the same changes on the same commit of the same source are made once."""
    return json_digest({"org": owner, "source": source_uid, "base": base_commit, "change": change})


def digest_of(value: Any) -> str:
    """Digest of plain data that may hold null and fractions."""
    return json_digest(_exact(value))


def _exact(value: Any) -> Any:
    """Plain data for canonical JSON, which has no fractions, no null in lists and no large integers."""
    if isinstance(value, dict):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_exact(item) for item in value]
    if value is None:
        return {"$null": True}
    if isinstance(value, float):
        return {"$number": "nan" if math.isnan(value) else repr(value)}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return {"$number": str(value)}
    return value
