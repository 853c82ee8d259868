"""Paths and operations of kinds, as documents show them. Clients look here for what a server can do."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.openapi.names import META, operation_group, ref, schema_name

Operation = dict[str, Any]

_JSON, _YAML, _PROTOBUF = "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"
_CODES = {"200": "OK", "201": "Created", "202": "Accepted"}
_PATCHES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
_STRATEGIC = "application/strategic-merge-patch+json"

_METHODS = {"get": "get", "put": "update", "patch": "patch", "delete": "delete", "post": "create"}
_WORDS = {
    "get": ("read the specified {kind}", "read"),
    "put": ("replace the specified {kind}", "replace"),
    "delete": ("delete a {kind}", "delete"),
    "patch": ("partially update the specified {kind}", "patch"),
    "post": ("create a {kind}", "create"),
    "list": ("list objects of kind {kind}", "list"),
    "deletecollection": ("delete collection of {kind}", "deleteCollection"),
}


def _query(name: str, description: str, type_: str = "string") -> dict[str, Any]:
    schema = {"type": type_, "uniqueItems": True}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "description": description,
        "required": True,
        "schema": {"type": "string", "uniqueItems": True},
    }


_PRETTY = _query("pretty", "Ignored: answers are compact.")
_DRY_RUN = _query("dryRun", "All: the request is checked and nothing is stored.")
_MANAGER = _query("fieldManager", "The name of whoever makes the change.")
_VALIDATION = _query("fieldValidation", "What to do about unknown and repeated fields: Ignore, Warn or Strict.")
_FORCE = _query("force", "Takes fields from others that an apply conflicts with.", "boolean")
_SELECTION = [
    _query("labelSelector", "Which labels objects must have."),
    _query("fieldSelector", "Which values fields of objects must have."),
    _query("limit", "How many objects to answer at most.", "integer"),
    _query("continue", "A token to go on with a list."),
    _query("resourceVersion", "The version from which, or at which, to look."),
    _query("resourceVersionMatch", "How the version is meant: Exact or NotOlderThan."),
    _query("sendInitialEvents", "Whether a watch begins with what is there.", "boolean"),
    _query("allowWatchBookmarks", "Whether a watch may have bookmarks.", "boolean"),
    _query("timeoutSeconds", "When a watch ends.", "integer"),
    _query("watch", "Whether to watch.", "boolean"),
]
_DELETION = [
    _DRY_RUN,
    _query("gracePeriodSeconds", "Seconds before the object goes.", "integer"),
    _query("orphanDependents", "Not used any more.", "boolean"),
    _query("propagationPolicy", "What happens to objects that belong to this one."),
]
_OWN = {
    "put": [_DRY_RUN, _MANAGER, _VALIDATION],
    "post": [_DRY_RUN, _MANAGER, _VALIDATION],
    "patch": [_DRY_RUN, _MANAGER, _VALIDATION, _FORCE],
    "delete": _DELETION,
    "deletecollection": [*_DELETION, *_SELECTION],
    "list": _SELECTION,
}


def kind_paths(kind: Kind, tag: str) -> dict[str, Any]:
    """Every path of a kind with its operations."""
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
    base = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    place = [_path("namespace", "The namespace of the object.")] if kind.namespaced else []
    named = [*place, _path("name", f"The name of the {kind.kind}.")]
    found: dict[str, Any] = {}
    collection = {
        method: _operation(kind, method, tag)
        for method, verb in (("list", "list"), ("post", "create"), ("deletecollection", "deletecollection"))
        if verb in kind.verbs
    }
    found[base] = {_method(each): operation for each, operation in collection.items()}
    found[base]["parameters"] = [*place, _PRETTY]
    if kind.is_stored:
        methods = [each for each in ("get", "put", "delete", "patch") if _METHODS[each] in kind.verbs]
        found[f"{base}/{{name}}"] = {
            **{method: _operation(kind, method, tag) for method in methods},
            "parameters": [*named, _PRETTY],
        }
    for below in kind.subresources:
        methods = [each for each, verb in _METHODS.items() if verb in below.verbs]
        found[f"{base}/{{name}}/{below.name}"] = {
            **{method: _operation(kind, method, tag, below.name) for method in methods},
            "parameters": [*named, _PRETTY],
        }
    if kind.namespaced and "list" in kind.verbs:
        listing = _operation(kind, "list", tag, everywhere=True)
        listing.pop("parameters", None)
        found[f"{root}/{kind.plural}"] = {"get": listing, "parameters": [*_SELECTION, _PRETTY]}
    return found


def _method(operation: str) -> str:
    return {"list": "get", "deletecollection": "delete"}.get(operation, operation)


def _operation(kind: Kind, method: str, tag: str, subresource: str = "", *, everywhere: bool = False) -> Operation:
    description, word = _WORDS[method]
    scope = "Namespaced" if kind.namespaced and not everywhere else ""
    name = f"{word}{operation_group(kind.group, kind.version)}{scope}{kind.kind}{subresource.capitalize()}"
    if everywhere:
        name += "ForAllNamespaces"
    found: Operation = {
        "tags": [tag],
        "description": description.format(kind=kind.kind),
        "operationId": name,
    }
    parameters = _OWN.get(method, [])
    if parameters or (kind.custom and method == "get"):
        found["parameters"] = parameters or [_query("resourceVersion", "The version to be seen at least.")]
    body = _request_body(kind, method)
    if body:
        found["requestBody"] = body
    found["responses"] = _responses(kind, method)
    found["x-kubernetes-action"] = {"post": "post", "put": "put"}.get(method, method)
    found["x-kubernetes-group-version-kind"] = {"group": kind.group, "version": kind.version, "kind": kind.kind}
    return found


def _own_schema(kind: Kind, name: str) -> dict[str, str]:
    return ref(schema_name(kind.group, kind.version, name, custom=kind.custom))


def _request_body(kind: Kind, method: str) -> dict[str, Any] | None:
    if method == "patch":
        patches = _PATCHES if kind.custom else (*_PATCHES, _STRATEGIC)
        return {"content": {each: {"schema": ref(f"{META}.Patch")} for each in patches}, "required": True}
    types = [_JSON, _YAML] if kind.custom else ["*/*"]
    if method in ("put", "post"):
        schema = _own_schema(kind, kind.kind)
        return {"content": {each: {"schema": schema} for each in types}, "required": True}
    if method in ("delete", "deletecollection"):
        return {"content": {each: {"schema": ref(f"{META}.DeleteOptions")} for each in types}}
    return None


def _responses(kind: Kind, method: str) -> dict[str, Any]:
    codes = {
        "put": ("200", "201"),
        "post": ("200", "201", "202"),
        "delete": ("200", "202"),
        "patch": ("200",) if kind.custom else ("200", "201"),
    }.get(method, ("200",))
    if method in ("delete", "deletecollection"):
        schema = ref(f"{META}.Status")
    else:
        schema = _own_schema(kind, kind.list_kind if method == "list" else kind.kind)
    types = (_JSON, _YAML) if kind.custom else (_JSON, _PROTOBUF, _YAML)
    content = {each: {"schema": schema} for each in types}
    found: dict[str, Any] = {code: {"description": _CODES[code], "content": content} for code in codes}
    return {**found, "401": {"description": "Unauthorized"}}
