"""What a path and a method mean: which kind, which object, and which verb the authorizer is asked about."""

from __future__ import annotations

import msgspec

from krate_gitops.cluster.dev.http.request import Query

_VERBS = {"POST": "create", "GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")


class Target(msgspec.Struct, frozen=True):
    """What a request is about. ``resource`` is empty for paths that are no resources."""

    path: str
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    namespace: str = ""
    """As the authorizer sees it: a namespace lies in itself."""
    in_namespace: bool = False
    """Whether the path goes through a namespace."""
    extra: bool = False
    """Whether the path goes on behind a subresource."""
    old_watch: bool = False

    @property
    def is_resource(self) -> bool:
        """Whether the path is that of a resource."""
        return bool(self.resource)


def parse(method: str, path: str, query: Query) -> Target:
    """Takes a path apart."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return Target(path, method.lower())
    verb = _VERBS.get(method, "")
    old_watch = rest[0] == "watch" and len(rest) > 1
    if old_watch:
        rest, verb = rest[1:], "watch"
    namespace, in_namespace = "", False
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and not (rest[2] in _NAMESPACE_SUBRESOURCES and len(rest) == 3):
            rest, in_namespace = rest[2:], True
    resource, name, subresource = (*rest, "", "")[:3] if len(rest) < 3 else rest[:3]
    if not name:
        verb = _of_collection(verb, query)
        if verb in ("list", "watch", "deletecollection"):
            name = _selected_name(query)
    return Target(
        path, verb, group, version, resource, subresource, name, namespace, in_namespace, len(rest) > 3, old_watch
    )


def _of_collection(verb: str, query: Query) -> str:
    if verb == "get":
        return "watch" if query.flag("watch") else "list"
    return {"delete": "deletecollection"}.get(verb, verb)


def _selected_name(query: Query) -> str:
    """The one name that a field selector allows: such a list is a question about that object."""
    names = {
        value.strip()
        for term in query.get("fieldSelector").split(",")
        for field, equals, value in [term.replace("==", "=").partition("=")]
        if equals and field.strip() == "metadata.name"
    }
    return names.pop() if len(names) == 1 else ""
