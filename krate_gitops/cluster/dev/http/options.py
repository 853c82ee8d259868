"""Options of requests, from their parameters and the bodies of deletions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from krate_gitops.cluster.dev.failure import Cause
from krate_gitops.cluster.dev.http.request import Query, Request
from krate_gitops.cluster.dev.refusals import bad_request, invalid_options
from krate_gitops.cluster.dev.schemas.faults import go_quote

LONGEST_MANAGER = 128

_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_POLICIES = ("Foreground", "Background", "Orphan")


class WriteOptions(msgspec.Struct, frozen=True):
    """How to write. ``validation`` is what to do about unknown and repeated fields."""

    dry_run: bool
    manager: str
    validation: str = "Warn"
    force: bool = False


class DeleteOptions(msgspec.Struct, frozen=True):
    """How to delete. ``policy`` is empty where nothing was said."""

    dry_run: bool = False
    policy: str = ""
    uid: str = ""
    version: str = ""


class ListOptions(msgspec.Struct, frozen=True):
    """What to list or watch."""

    labels: str
    fields: str
    version: str
    match: str
    limit: int
    token: str
    timeout: int
    bookmarks: bool
    initial_events: bool | None


def write_options(request: Request, kind: str, *, apply: bool = False) -> WriteOptions:
    """Options of a POST, PUT or PATCH; ``kind`` is ``CreateOptions`` and so on. Raises ``ApiFailure`` 422."""
    query = request.query
    causes: list[Cause] = []
    manager = query.get("fieldManager")
    if kind == "PatchOptions":
        causes += _patch_faults(query, manager, apply)
    causes += _manager_faults(manager)
    causes += dry_run_faults(query.getlist("dryRun"))
    validation = query.get("fieldValidation")
    if validation not in _VALIDATIONS:
        causes.append(_unsupported("fieldValidation", go_quote(validation), _VALIDATIONS))
    if causes:
        raise invalid_options(kind, causes)
    return WriteOptions(
        dry_run="dryRun" in query,
        manager=manager or agent_name(request.headers.get("user-agent")),
        validation=validation or "Warn",
        force=query.flag("force"),
    )


def _patch_faults(query: Query, manager: str, apply: bool) -> list[Cause]:
    if apply:
        said = "Required value: is required for apply patch"
        return [] if manager else [Cause("FieldValueRequired", said, "fieldManager")]
    if "force" in query:
        return [Cause("FieldValueForbidden", "Forbidden: may not be specified for non-apply patch", "force")]
    return []


def agent_name(agent: str | None) -> str:
    """Who writes, where no manager is named: the program of the User-Agent."""
    name = (agent or "").split("/", 1)[0]
    return "".join(character for character in name if character.isprintable())[:LONGEST_MANAGER] or "unknown"


def _manager_faults(manager: str) -> list[Cause]:
    if len(manager.encode()) > LONGEST_MANAGER:
        said = f"Too long: may not be more than {LONGEST_MANAGER} bytes"
        return [Cause("FieldValueTooLong", said, "fieldManager")]
    for position, character in enumerate(manager):
        if not character.isprintable():
            at = len(manager[:position].encode())
            said = f"invalid character U+{ord(character):04X} (at position {at})"
            return [Cause("FieldValueInvalid", f"Invalid value: {go_quote(manager)}: {said}", "fieldManager")]
    return []


def dry_run_faults(values: Sequence[Any]) -> list[Cause]:
    """What is wrong with the values of dryRun."""
    if all(value == "All" for value in values):
        return []
    shown = msgspec.json.encode(list(values)).decode().replace('","', '","')
    return [_unsupported("dryRun", shown, ("All",))]


def _unsupported(field: str, shown: str, allowed: Sequence[str]) -> Cause:
    listed = ", ".join(f'"{each}"' for each in allowed)
    return Cause("FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {listed}", field)


def number(query: Query, name: str) -> int:
    """A whole number; 0 where none is given. Raises ``ApiFailure`` 400."""
    text = query.get(name)
    try:
        return int(text) if text else 0
    except ValueError:
        raise bad_request(f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax") from None


def list_options(query: Query, *, watch: bool) -> ListOptions:
    """Options of a list or a watch. Raises ``ApiFailure`` 400 or 422."""
    options = ListOptions(
        labels=query.get("labelSelector"),
        fields=query.get("fieldSelector"),
        version=query.get("resourceVersion"),
        match=query.get("resourceVersionMatch"),
        limit=max(0, number(query, "limit")),
        token=query.get("continue"),
        timeout=max(0, number(query, "timeoutSeconds")),
        bookmarks=query.flag("allowWatchBookmarks"),
        initial_events=query.flag("sendInitialEvents") if "sendInitialEvents" in query else None,
    )
    causes = _watch_faults(options) if watch else _list_faults(options)
    if causes:
        raise invalid_options("ListOptions", causes)
    return options


def _match_forbidden(why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", "resourceVersionMatch")


def _watch_faults(options: ListOptions) -> list[Cause]:
    causes: list[Cause] = []
    if options.initial_events is not None and options.match != "NotOlderThan":
        causes.append(_match_forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"))
    if options.match:
        if options.initial_events is None:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            causes.append(_match_forbidden(why))
        if options.match != "NotOlderThan":
            causes.append(_unsupported("resourceVersionMatch", go_quote(options.match), ("NotOlderThan",)))
        if options.token:
            causes.append(_match_forbidden("resourceVersionMatch is forbidden when continue is provided"))
    return causes


def _list_faults(options: ListOptions) -> list[Cause]:
    causes: list[Cause] = []
    if options.initial_events is not None:
        why = "Forbidden: sendInitialEvents is forbidden for list"
        causes.append(Cause("FieldValueForbidden", why, "sendInitialEvents"))
    if options.match:
        if not options.version:
            causes.append(_match_forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if options.token:
            causes.append(_match_forbidden("resourceVersionMatch is forbidden when continue is provided"))
        allowed = ("Exact", "NotOlderThan", "")
        if options.match not in allowed:
            causes.append(_unsupported("resourceVersionMatch", go_quote(options.match), allowed))
        if options.match == "Exact" and options.version == "0":
            causes.append(_match_forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    return causes


def delete_options(query: Query, body: dict[str, Any] | None) -> DeleteOptions:
    """Options of a deletion: those of the body where there is one, else those of the query.

    Raises ``ApiFailure`` 400 or 422.
    """
    given = _from_query(query) if body is None else body
    preconditions = given.get("preconditions") or {}
    dry_run, policy, orphan = given.get("dryRun") or [], given.get("propagationPolicy"), given.get("orphanDependents")
    if not isinstance(preconditions, dict) or not isinstance(dry_run, list):
        raise bad_request("json: cannot unmarshal into Go struct field DeleteOptions")
    causes: list[Cause] = []
    if policy is not None and orphan is not None:
        why = "orphanDependents and deletionPropagation cannot be both set"
        causes.append(Cause("FieldValueInvalid", f"Invalid value: {go_quote(str(policy))}: {why}", "propagationPolicy"))
    if policy is not None and policy not in _POLICIES:
        causes.append(_unsupported("propagationPolicy", go_quote(str(policy)), (*_POLICIES, "nil")))
    causes += dry_run_faults(dry_run)
    if causes:
        raise invalid_options("DeleteOptions", causes)
    chosen = policy or ("" if orphan is None else "Orphan" if orphan else "Background")
    return DeleteOptions(
        dry_run=bool(dry_run),
        policy=chosen,
        uid=str(preconditions.get("uid") or ""),
        version=str(preconditions.get("resourceVersion") or ""),
    )


def _from_query(query: Query) -> dict[str, Any]:
    given: dict[str, Any] = {"dryRun": query.getlist("dryRun")}
    number(query, "gracePeriodSeconds")
    if "propagationPolicy" in query:
        given["propagationPolicy"] = query.get("propagationPolicy")
    if "orphanDependents" in query:
        given["orphanDependents"] = query.flag("orphanDependents")
    return given
