"""JSON merge patch (RFC 7386): null removes, everything that is no object replaces."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.refusals import bad_request


def merge_patch(document: dict[str, Any], patch: object) -> dict[str, Any]:
    """The document with the patch. Raises ``ApiFailure`` 400 for a patch that is no object."""
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a merge patch is an object")
    return _merged(document, patch)


def _merged(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    whole = dict(document)
    for name, value in patch.items():
        if value is None:
            whole.pop(name, None)
        elif isinstance(value, dict):
            before = whole.get(name)
            whole[name] = _merged(before if isinstance(before, dict) else {}, value)
        else:
            whole[name] = value
    return whole
