"""JSON patch (RFC 6902), with the habits of the real server.

``replace`` of a member that isn't there adds it, ``add`` without a value adds null, and every failure is one and the
same answer. The libraries that keep to the letter of the RFC refuse the first two, so there is none in use here.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.refusals import bad_request
from krate_gitops.cluster.equality import is_same

MAX_OPERATIONS = 10_000
MAX_COPIED = 3 * 2**20
"""How many bytes of JSON a patch may copy: copies of copies would grow beyond all bounds."""
_INDEX = re.compile(r"-?\d{1,8}\Z", re.ASCII)
_MISSING: Any = object()


class _Failed(Exception):
    """An operation that can't be carried out."""


def json_patch(document: dict[str, Any], operations: object) -> dict[str, Any]:
    """The document after all operations. Raises ``ApiFailure`` 400 for what is no list of them, 422 for a failure."""
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    if len(operations) > MAX_OPERATIONS:
        message = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise ApiFailure(413, "RequestEntityTooLarge", message)
    whole: Any = _copied(document)
    copied = 0
    try:
        for one in operations:
            if one.get("op") == "copy":
                copied += len(msgspec.json.encode(_found(whole, _steps(one.get("from")))))
                if copied > MAX_COPIED:
                    raise _Failed
            whole = _apply(whole, one)
    except _Failed:
        message = "the server rejected our request due to an error in our request"
        raise ApiFailure(422, "Invalid", message, details={}) from None
    if not isinstance(whole, dict):
        raise bad_request("the patched document is no object")
    return whole


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _apply(document: Any, one: dict[str, Any]) -> Any:
    steps = _steps(one.get("path"))
    match one.get("op"):
        case "add":
            return _put(document, steps, one.get("value"), insert=True)
        case "replace":
            return _put(document, steps, one.get("value"), insert=False)
        case "remove":
            return _without(document, steps)
        case "copy":
            return _put(document, steps, _copied(_found(document, _steps(one.get("from")))), insert=True)
        case "move":
            origin = _steps(one.get("from"))
            value = _found(document, origin)
            return _put(_without(document, origin), steps, value, insert=True)
        case "test":
            found = _at(document, steps)
            if not is_same(None if found is _MISSING else found, one.get("value")):
                raise _Failed
            return document
        case _:
            raise _Failed


def _steps(path: object) -> list[str]:
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise _Failed
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _at(document: Any, steps: list[str]) -> Any:
    """The value at a path, or nothing; a missing value compares equal to none but a missing parent fails."""
    for step in steps:
        document = _child(document, step)
    return document


def _found(document: Any, steps: list[str]) -> Any:
    value = _at(document, steps)
    if value is _MISSING:
        raise _Failed
    return value


def _child(document: Any, step: str) -> Any:
    if isinstance(document, dict):
        return document.get(step, _MISSING)
    if isinstance(document, list):
        index = _index(step, len(document))
        return document[index] if index < len(document) else _MISSING
    raise _Failed


def _put(document: Any, steps: list[str], value: Any, *, insert: bool) -> Any:
    if not steps:
        return value
    parent = _found(document, steps[:-1])
    last = steps[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        index = len(parent) if last == "-" and insert else _index(last, len(parent))
        if insert and index <= len(parent):
            parent.insert(index, value)
        elif not insert and index < len(parent):
            parent[index] = value
        else:
            raise _Failed
    else:
        raise _Failed
    return document


def _without(document: Any, steps: list[str]) -> Any:
    if not steps:
        raise _Failed
    parent = _found(document, steps[:-1])
    last = steps[-1]
    if isinstance(parent, dict) and last in parent:
        del parent[last]
    elif isinstance(parent, list) and _index(last, len(parent)) < len(parent):
        del parent[_index(last, len(parent))]
    else:
        raise _Failed
    return document


def _index(step: str, size: int) -> int:
    if not _INDEX.match(step):
        raise _Failed
    index = int(step)
    if index < 0:
        index += size
    if index < 0:
        raise _Failed
    return index
