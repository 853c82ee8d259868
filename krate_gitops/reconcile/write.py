"""Applying one object, for real or for a trial, and what each answer of the server means for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import (
    ApiError,
    AuthError,
    ConflictError,
    FieldConflictError,
    ForbiddenError,
    ImmutableError,
    InvalidError,
    NotServedError,
    ReplacedError,
    TooLargeError,
    TransientError,
)
from krate_gitops.cluster.fields import CLIENT_SIDE_MANAGERS, FIELD_MANAGER, changed_fields, folded
from krate_gitops.reconcile.ownership import stamped, uid_of
from krate_gitops.reconcile.plan import Op, Step, planned_digest
from krate_gitops.reconcile.source import Source

_SERVER_OWNED = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "selfLink")
_NEVER_WAS = "1"
"""A version that no living object has: applying with it makes an object, but takes over none that came meanwhile."""


class Failure(msgspec.Struct, frozen=True):
    """An object that the server doesn't take, and why; ``error`` is of the client."""

    step: Step
    code: str
    message: str
    error: ApiError


async def try_out(api: Api, step: Step, source: Source) -> Failure | None:
    """A dry run of a step. Settles whether it changes anything, or holds it; gives what stops the pass.

    Raises what can't be laid on the object: ``TransientError``, ``AuthError``.
    """
    try:
        result = await _apply(api, step, source, dry_run=True)
    except ApiError as error:
        return settle(step, error)
    step.predicted = result
    if step.live is not None and _bare(result) == _bare(step.live) and not step.fold:
        step.op, step.changed_fields, step.codes, step.reason = Op.UNCHANGED, (), (), ""
        step.is_drift = False
    elif step.live is not None:
        step.changed_fields = tuple(_differences(step.live, result)) or step.changed_fields
    return None


async def write(api: Api, step: Step, source: Source) -> tuple[dict[str, Any] | None, Failure | None]:
    """Applies a step. Gives the object as it is then, or None with a failure; None and None where it is held now.

    What was planned must still be true: an object that changed in the planned fields since then is held. Raises
    ``TransientError`` and ``AuthError``.
    """
    try:
        return await _apply(api, step, source), None
    except (ConflictError, ReplacedError) as error:
        return await _again(api, step, source, error)
    except ApiError as error:
        return None, settle(step, error)


async def _again(api: Api, step: Step, source: Source, error: ApiError) -> tuple[dict[str, Any] | None, Failure | None]:
    """After a version conflict: once more where only other fields changed, else the object is held."""
    live = await api.get(step.served, step.id.name, step.id.namespace)
    same_object = live is not None and step.live is not None and uid_of(live) == uid_of(step.live)
    if not same_object or live is None or planned_digest(step.desired, live) != step.before:
        step.hold("KR721", "it was changed, made or deleted by somebody since it was planned")
        return None, None
    step.live = live
    try:
        return await _apply(api, step, source), None
    except ConflictError:
        step.hold("KR721", "somebody keeps changing it")
        return None, None
    except ApiError as again:
        return None, settle(step, again)


async def _apply(api: Api, step: Step, source: Source, *, dry_run: bool = False) -> dict[str, Any]:
    body = stamped(step.wanted, source)
    metadata = body["metadata"]
    if step.live is None:
        body["metadata"] = metadata if dry_run else {**metadata, "resourceVersion": _NEVER_WAS}
    else:
        live_metadata = step.live.get("metadata") or {}
        if step.fold and not dry_run and (entries := folded(step.live)) is not None:
            live_metadata = await _fold(api, step, entries)
        version = live_metadata.get("resourceVersion")
        body["metadata"] = {**metadata, "uid": uid_of(step.live), "resourceVersion": version}
    try:
        return (await api.apply(step.served, body, manager=FIELD_MANAGER, dry_run=dry_run)).object
    except FieldConflictError as error:
        if not may_force(step, error):
            raise
        return (await api.apply(step.served, body, manager=FIELD_MANAGER, force=True, dry_run=dry_run)).object


async def _fold(api: Api, step: Step, entries: list[dict[str, Any]]) -> Mapping[str, Any]:
    """Takes over the fields that people's own tools left, so that the apply after it removes what Git doesn't say."""
    version = ((step.live or {}).get("metadata") or {}).get("resourceVersion")
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
    ]
    result = await api.json_patch(step.served, step.id.name, step.id.namespace, patch, manager=FIELD_MANAGER)
    return result.get("metadata") or {}


def may_force(step: Step, error: FieldConflictError) -> bool:
    """Whether a conflict may be taken over: from people's own tools always, since Git is where they are to say it;
    from others only below ``spec``, and where the source says so or the object is being adopted.
    """
    may_take_spec = step.force or step.fold
    is_ours = [
        one.manager.startswith(CLIENT_SIDE_MANAGERS) or (may_take_spec and one.field.lstrip(".").startswith("spec"))
        for one in error.conflicts
    ]
    return bool(is_ours) and all(is_ours)


def settle(step: Step, error: ApiError) -> Failure | None:
    """Holds the object for what a person must decide; gives a failure for what makes the whole plan unfit."""
    if isinstance(error, FieldConflictError):
        who = "; ".join(f"{one.field} of {one.manager}" for one in error.conflicts[:10])
        step.hold("KR721", f"other managers own fields of it: {who}")
    elif isinstance(error, ForbiddenError):
        step.hold("KR724", error.message)
    elif isinstance(error, NotServedError):
        step.hold("KR723", "the cluster doesn't serve its kind (any more)")
    elif isinstance(error, ImmutableError):
        fields = ", ".join(cause.field for cause in error.causes if cause.field) or "a field"
        step.hold("KR727", f"{fields} can't be changed; to have it anew is a person's decision")
    elif isinstance(error, (InvalidError, TooLargeError)):
        return Failure(step, "KR725", error.message, error)
    elif isinstance(error, ConflictError):
        step.hold("KR721", "it was changed, made or deleted by somebody since it was read")
    elif isinstance(error, (AuthError, TransientError)):
        raise error
    else:
        return Failure(step, "KR725", error.message, error)
    return None


def _bare(value: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what the server writes by itself."""
    metadata = {name: item for name, item in (value.get("metadata") or {}).items() if name not in _SERVER_OWNED}
    return {**{name: item for name, item in value.items() if name != "status"}, "metadata": metadata}


def _differences(live: Mapping[str, Any], result: Mapping[str, Any]) -> list[str]:
    """Dotted paths in which a dry run differs from what is there."""
    forward = changed_fields(_bare(result), {**_bare(live)})
    backward = changed_fields(_bare(live), {**_bare(result)})
    return sorted({*forward, *backward})
