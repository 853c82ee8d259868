"""What is asked for, in the words of authorization, and the refusal that names it."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure


class Attributes(msgspec.Struct, frozen=True):
    """One request. A non-empty ``path`` means a request that is not about a resource.

    ``namespace`` of a request about a Namespace object is that namespace itself. ``name`` is empty for lists and
    creates, but for a list or watch whose field selector asks for one ``metadata.name``.
    """

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        """The resource with its subresource, as rules spell it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def quoted(text: str) -> str:
    """``text`` in double quotes, the way the API server writes names into its messages."""
    return msgspec.json.encode(text).decode()


def quoted_list(texts: list[str] | tuple[str, ...]) -> str:
    """Several quoted texts in brackets, with spaces between."""
    return "[" + " ".join(quoted(text) for text in texts) + "]"


def qualified(group: str, resource: str) -> str:
    """A resource with its group, ``widgets.example.com``; the core group is not written."""
    return f"{resource}.{group}" if group else resource


def refusal(username: str, what: Attributes) -> str:
    """Who may not do what, as one clause."""
    user = quoted(username)
    if what.path:
        return f"User {user} cannot {what.verb} path {quoted(what.path)}"
    place = f"in the namespace {quoted(what.namespace)}" if what.namespace else "at the cluster scope"
    resource, group = quoted(what.full_resource), quoted(what.group)
    return f"User {user} cannot {what.verb} resource {resource} in API group {group} {place}"


def forbidden(group: str, resource: str, name: str, why: str) -> ApiFailure:
    """403 about a resource: ``why`` says who may not do what. ``resource`` is without subresource; empty for a path."""
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if group:
        details["group"] = group
    if resource:
        details["kind"] = resource
    subject = f"{qualified(group, resource)} " if resource else ""
    if name:
        subject += f"{quoted(name)} is "
    elif resource:
        subject += "is "
    return ApiFailure(403, "Forbidden", f"{subject}forbidden: {why}", details=details)


def denied(username: str, what: Attributes, why: str = "") -> ApiFailure:
    """403 because ``username`` may not do ``what``; ``why`` adds what went wrong while deciding."""
    message = refusal(username, what)
    if why:
        message = f"{message}: {why}"
    if what.path:
        return forbidden("", "", "", message)
    return forbidden(what.group, what.resource, what.name, message)
