"""Arguments of a call: what models guess is met with the right name, what they may not name is refused."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.memory.reference import ForeignReferenceError
from krate_gitops.organization import namespace_of
from krate_gitops.printable import printable
from krate_gitops.server.mcp.boundary import check_organization, is_pin, pin_violation
from krate_gitops.server.mcp.pin import Pin

_COMMITS = frozenset(
    (
        *("ref", "requestedref", "revision", "rev", "branch", "tag", "current"),
        *("commit", "commitid", "sha", "resolvedcommit"),
        *("at", "time", "asof", "requestedat", "refat", "requestedrefat"),
        *("snapshot", "snapshotref", "snapshottag", "snapshotname"),
    )
)
"""Ways to ask for a commit, without case and underscores. Every tool reads the pinned one."""
_ORGANIZATIONS = frozenset(("org", "organization", "organizationref", "orgref", "namespace", "tenant"))
"""Ways to name an organisation. It comes with the server, never with a call."""

_GUESSES: Mapping[str, str] = {
    "q": "text",
    "search": "text",
    "searchquery": "text",
    "pagesize": "limit",
    "maxresults": "limit",
    "top": "limit",
    "topk": "limit",
    "depth": "edgeDepth",
    "dir": "paths",
    "folder": "paths",
    "glob": "paths",
    "file": "path",
    "filename": "path",
    "recordid": "id",
    "context": "contextLines",
    "type": "kinds",
    "kind": "kinds",
    "target": "against",
    "to": "against",
}
"""What models write for an argument, in no way similar to its name."""


def parsed(kind: type[msgspec.Struct], aliases: Mapping[str, str], given: Mapping[str, Any], pin: Pin) -> Any:
    """The arguments as a struct of ``kind``; an argument that is null counts as left out.

    Raises ``UsageError(INVALID_REQUEST)``, ``DeniedError``: CROSS_ORG_REF_DENIED, MEMORY_PIN_VIOLATION.
    """
    check_organization(dict(given), pin.organization)
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    known: dict[str, Any] = {}
    for name, value in given.items():
        right = aliases.get(name, name)
        if value is None or (right not in names and _is_settled(name, value, pin)):
            continue
        if right not in names:
            raise _unknown(name, names)
        if known.setdefault(right, value) != value:
            raise _invalid(f"{printable(name)} and {right} are one argument and differ", f"give {right} alone")
    try:
        return msgspec.convert(known, kind, strict=False)
    except msgspec.ValidationError as error:
        message = printable(str(error)).replace("`$.", "`")
        raise _invalid(message, "correct the argument; the schema says what it takes") from None


def _is_settled(name: str, value: Any, pin: Pin) -> bool:
    """Whether an argument that no tool has says what holds in any case; refuses one that says something else."""
    plain = _plain(name)
    if plain in _ORGANIZATIONS:
        if value not in (pin.organization, namespace_of(pin.organization)):
            raise ForeignReferenceError("namespace")
        return True
    if plain in _COMMITS:
        if not is_pin(value, pin):
            raise pin_violation()
        return True
    return False


def _unknown(name: str, names: list[str]) -> UsageError:
    guess = _GUESSES.get(_plain(name))
    by_plain = {_plain(known): known for known in names}
    near = [guess] if guess in names else [by_plain[key] for key in difflib.get_close_matches(_plain(name), by_plain)]
    hint = f"did you mean {near[0]}?" if near else f"arguments: {', '.join(names)}"
    return _invalid(f"there is no argument {printable(name)[:80]!r}", hint)


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _invalid(message: str, hint: str) -> UsageError:
    return UsageError("INVALID_REQUEST", message, hint=hint)
