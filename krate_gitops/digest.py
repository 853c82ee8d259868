"""Canonical JSON and the digests made from it.

Canonical JSON is a subset of RFC 8785: UTF-8, keys sorted by code point, no white space, integers only, members that
are null removed. The same value gives the same bytes on every machine and in every release.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from krate_gitops.errors import KrateError

_MAX_INTEGER = 2**53 - 1

Json = Any

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def sha256_digest(data: bytes | memoryview) -> str:
    """``sha256:`` and 64 hex digits of the bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def canonical_json(value: Json, *, fractions: bool = False) -> bytes:
    """The canonical bytes of a value.

    ``fractions`` admits numbers that are not integers, as configuration has them: in their shortest decimal form that
    reads back the same. Raises ``KrateError(DIGEST_INPUT_INVALID)`` for other floats, integers beyond 2^53-1, null
    inside a list, lone surrogates and keys that are not text.
    """
    text = _encode(_checked(value, fractions))
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _invalid("a lone surrogate in a string") from error


def json_digest(value: Json, *, fractions: bool = False) -> str:
    """Digest of the canonical JSON of a value. ``fractions`` and errors as in ``canonical_json``."""
    return sha256_digest(canonical_json(value, fractions=fractions))


def _checked(value: Json, fractions: bool) -> Json:
    # Plain types first, by identity: nearly everything is one, and telling a mapping by its protocol costs more than
    # all the rest.
    kind = type(value)
    if kind is str or kind is bool:
        return value
    if kind is dict or isinstance(value, Mapping):
        checked = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise _invalid("an object key that is not text")
            if item is not None:
                checked[key] = _checked(item, fractions)
        return checked
    if isinstance(value, (list, tuple)):
        return [_checked(item, fractions) for item in value]
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise _invalid(f"integer {value} is beyond 2^53-1")
        return value
    if isinstance(value, str):
        return value
    if fractions and isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) <= _MAX_INTEGER else value
    raise _invalid("null inside a list" if value is None else f"a {kind.__name__}")


def _invalid(what: str) -> KrateError:
    return KrateError(
        "DIGEST_INPUT_INVALID", f"canonical JSON cannot hold {what}", hint="use integers of a smaller unit, or text"
    )
