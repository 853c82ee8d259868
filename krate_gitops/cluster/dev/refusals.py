"""The refusals that several parts of the server word alike."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure, Cause
from krate_gitops.cluster.dev.kinds import Kind

NO_SUCH_RESOURCE = "the server could not find the requested resource"


class PlainNotFoundError(Exception):
    """A path that belongs to nothing: answered with text, not with a Status."""


def details(kind: Kind, name: str, *, by_kind: bool = False) -> dict[str, Any]:
    """Which object a refusal is about; ``by_kind`` names it by its kind in place of the plural."""
    found = {"name": name, "group": kind.group, "kind": kind.kind if by_kind else kind.plural}
    return {key: value for key, value in found.items() if value}


def not_found(kind: Kind, name: str) -> ApiFailure:
    """There is no such object."""
    return ApiFailure(404, "NotFound", f'{kind.resource} "{name}" not found', details=details(kind, name))


def no_endpoints(kind: Kind, name: str, *, there: bool) -> ApiFailure:
    """Nothing answers behind a service; here nothing ever does. Not even the service may be ``there``."""
    if not there:
        return not_found(kind, name)
    return ApiFailure(503, "ServiceUnavailable", f'no endpoints available for service "{name}"')


def no_resource() -> ApiFailure:
    """There is no such kind, or no such path below an object."""
    return ApiFailure(404, "NotFound", NO_SUCH_RESOURCE, details={})


def already_exists(kind: Kind, name: str, *, leaving: bool) -> ApiFailure:
    """The name is taken; ``leaving`` by an object that is being deleted."""
    before = "object is being deleted: " if leaving else ""
    message = f'{before}{kind.resource} "{name}" already exists'
    return ApiFailure(409, "AlreadyExists", message, details=details(kind, name))


def modified(kind: Kind, name: str) -> ApiFailure:
    """The writer has not seen the newest version."""
    reason = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, reason)


def conflict(kind: Kind, name: str, reason: str, *, by_kind: bool = False) -> ApiFailure:
    """The object is not as the request supposes."""
    what = kind.qualified if by_kind else kind.resource
    message = f'Operation cannot be fulfilled on {what} "{name}": {reason}'
    return ApiFailure(409, "Conflict", message, details=details(kind, name, by_kind=by_kind))


def bad_request(message: str) -> ApiFailure:
    """The request can't be read."""
    return ApiFailure(400, "BadRequest", message)


def internal(message: str) -> ApiFailure:
    """What a real server calls an internal error, though the request is to blame."""
    return ApiFailure(500, "", message)


def method_not_allowed() -> ApiFailure:
    """The path is there, the method isn't."""
    message = "the server does not allow this method on the requested resource"
    return ApiFailure(405, "MethodNotAllowed", message, details={})


def not_supported(kind: Kind, verb: str) -> ApiFailure:
    """The same, as paths of custom kinds word it."""
    message = f'{verb} is not supported on resources of kind "{kind.resource}"'
    return ApiFailure(405, "MethodNotAllowed", message, details=details(kind, ""))


def invalid_options(kind: str, causes: list[Cause]) -> ApiFailure:
    """Options of a request that are out of range; ``kind`` is ``CreateOptions`` and so on."""
    return invalid(kind, "meta.k8s.io", "", causes)


def invalid(kind: str, group: str, name: str, causes: list[Cause]) -> ApiFailure:
    """An object or options with faults: 422 with all of them. A fault that is given twice is said once."""
    said = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    what = f"{kind}.{group}" if group else kind
    joined = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    found = {key: value for key, value in {"name": name, "group": group, "kind": kind}.items() if value}
    return ApiFailure(422, "Invalid", f'{what} "{name}" is invalid: {joined}', causes=tuple(causes), details=found)
