"""PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.fields import apply
from krate_gitops.cluster.dev.http.bodies import UnreadableError, content_type, read_json, read_yaml
from krate_gitops.cluster.dev.http.options import WriteOptions, write_options
from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.patches import json_patch, merge_patch, strategic_merge
from krate_gitops.cluster.dev.refusals import bad_request, conflict, not_found
from krate_gitops.cluster.dev.verbs import metadata
from krate_gitops.cluster.dev.verbs.call import Call, Result
from krate_gitops.cluster.dev.verbs.create import store_new
from krate_gitops.cluster.dev.verbs.intake import check_place, object_from_patch
from krate_gitops.cluster.dev.verbs.namespaces import check_creation
from krate_gitops.cluster.dev.verbs.update import change, shown, store_changed

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def patch(call: Call) -> Result:
    """Answers a PATCH. Raises ``ApiFailure``."""
    type_ = content_type(call.request.headers.get("content-type") or "none")
    check_type(call.kind, type_)
    options = write_options(call.request, "PatchOptions", apply=type_ == APPLY_PATCH)
    if type_ == APPLY_PATCH:
        return _apply(call, options)
    entry = call.entry()
    if entry is None:
        raise not_found(call.kind, call.name)
    patched, repeated = _patched(call, shown(call, entry), type_)
    value = object_from_patch(call, options, patched, repeated)
    check_place(call, value, named=True)
    return change(call, value, entry, options)


def check_type(kind: Kind, type_: str) -> None:
    """Raises ``ApiFailure`` 415 for a patch type that the kind doesn't take."""
    if kind.custom:
        known = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
        if type_ not in known:
            said = (
                f"the body of the request was in an unknown format - accepted media types include: {', '.join(known)}"
            )
            raise ApiFailure(415, "UnsupportedMediaType", said)
    elif type_ not in (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH):
        raise ApiFailure(415, "UnsupportedMediaType", "415: Unsupported Media Type", details={})


def _patched(call: Call, old: Object, type_: str) -> tuple[Object, list[str]]:
    """The object with the patch, and the fields that the patch names twice."""
    try:
        body, repeated = read_json(call.request.body)
    except UnreadableError as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if type_ == JSON_PATCH:
        return json_patch(old, body), []
    if type_ == STRATEGIC_PATCH:
        return strategic_merge(old, body, call.kind.rules.schema), repeated
    return merge_patch(old, body), repeated


def _apply(call: Call, options: WriteOptions) -> Result:
    kind = call.kind
    body = _applied(call)
    entry = call.entry()
    arguments: dict[str, Any] = {
        "manager": options.manager,
        "schema": kind.rules.schema,
        "force": options.force,
        "subresource": call.subresource,
        "now": metadata.now(),
        "empty": kind.rules.empty,
    }
    if entry is None:
        if call.subresource:
            raise not_found(kind, call.name)
        call.cluster.authorize_create(call)
        check_creation(call, call.name)
        _check_uid(call, body)
        body["metadata"].pop("resourceVersion", None)
        value = apply(None, _within(call, _said(body)), **arguments)
        return store_new(call, _completed(call, value), options)
    old = shown(call, entry)
    value = apply(old, _within(call, _said(body)), **arguments)
    if value == old and "resourceVersion" not in body["metadata"]:
        return Result(old)
    if "resourceVersion" in body["metadata"]:
        value["metadata"]["resourceVersion"] = body["metadata"]["resourceVersion"]
    value = kind.rules.reset(_completed(call, value), old, call.subresource)
    return store_changed(call, value, entry, options)


def _check_uid(call: Call, body: Object) -> None:
    """Raises ``ApiFailure`` 409 where a certain object is meant, and there is none."""
    uid = body["metadata"].get("uid")
    if uid:
        why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        raise conflict(call.kind, call.name, why)


def _completed(call: Call, value: Object) -> Object:
    """An applied object in the form that the server keeps, with defaults that nobody owns."""
    if call.kind.namespaced:
        value["metadata"]["namespace"] = call.namespace
    decoded, _ = call.kind.rules.decode(value, applied=True)
    return call.kind.rules.default(decoded)


def _within(call: Call, body: Object) -> Object:
    """What of an applied object its path may write."""
    if call.subresource == "status":
        found = {key: item for key, item in body.items() if key in ("apiVersion", "kind", "metadata", "status")}
        if call.kind.custom:
            kept = ("name", "namespace", "uid", "resourceVersion")
            found["metadata"] = {key: item for key, item in body["metadata"].items() if key in kept}
        return found
    if call.kind.subresource("status"):
        return {key: item for key, item in body.items() if key != "status"}
    return body


def _applied(call: Call) -> Object:
    """The body of an apply. Raises ``ApiFailure`` 400."""
    try:
        body, _ = read_yaml(call.request.body)
    except UnreadableError as error:
        raise bad_request(f"error decoding YAML: {error}") from error
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise bad_request("error decoding YAML: the document is no object")
    _check_kind(call.kind, body)
    if body.get("metadata") is not None and not isinstance(body["metadata"], dict):
        raise bad_request("error decoding YAML: metadata is no object")
    body["metadata"] = body.get("metadata") or {}
    if body["metadata"].get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    body["metadata"].pop("managedFields", None)
    if isinstance(body["metadata"].get("name") or "", str):
        # A name of another type is refused with all other wrong types.
        check_place(call, body, named=True)
    return body


def _said(body: Object) -> Object:
    """The body without the namespace that its path has said already: nobody owns it, and messages don't show it."""
    metadata = {name: item for name, item in body["metadata"].items() if name != "namespace"}
    return {**body, "metadata": metadata}


def _check_kind(kind: Kind, body: Object) -> None:
    said_kind, said_version = body.get("kind") or "", body.get("apiVersion") or ""
    if said_kind == kind.kind and said_version == kind.api_version:
        return
    version = str(said_version)
    if "/" not in version:
        version = f"/{version}"
    raise bad_request(f"invalid object type: {version}, Kind={said_kind}")
