"""When two JSON values are the same to an API server."""

from __future__ import annotations

from typing import Any


def is_same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if left is right:
        return True
    if left != right:
        return False
    if isinstance(left, dict):
        return all(is_same(item, right[name]) for name, item in left.items())
    if isinstance(left, list):
        return all(map(is_same, left, right))
    return isinstance(left, bool) == isinstance(right, bool)
