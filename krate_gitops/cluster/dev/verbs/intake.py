"""From the body of a write to an object whose types are right and whose unknown fields are gone."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.failure import ApiFailure, Cause
from krate_gitops.cluster.dev.http.bodies import UnreadableError, input_format, read
from krate_gitops.cluster.dev.http.options import WriteOptions
from krate_gitops.cluster.dev.kinds import Kind, Object
from krate_gitops.cluster.dev.refusals import bad_request
from krate_gitops.cluster.dev.verbs.call import Call


def object_from_body(call: Call, options: WriteOptions) -> Object:
    """The object that a POST or PUT sends. Raises ``ApiFailure`` 400 or 415."""
    kind = call.kind
    format_ = input_format(call.request.headers.get("content-type"))
    try:
        body, repeated = read(call.request.body, format_, merges=not kind.custom)
    except UnreadableError as error:
        raise _unrecognized(kind, f"couldn't get version/kind; json parse error: {error}") from error
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise _unrecognized(kind, "couldn't get version/kind; json parse error: json: cannot unmarshal")
    _check_kind(kind, body, call.request.body)
    value, unknown = kind.rules.decode(body)
    faults = [*_worded(repeated), *(f'unknown field "{path}"' for path in unknown)]
    if faults and options.validation == "Strict":
        raise _unhandled(kind.kind, kind, f"strict decoding error: {', '.join(faults)}")
    if options.validation == "Warn":
        for fault in faults:
            call.warn(fault)
    return value


def object_from_patch(call: Call, options: WriteOptions, patched: Object, repeated: list[str]) -> Object:
    """The object that a patch led to. Raises ``ApiFailure`` 422 for unknown fields where none are allowed."""
    try:
        value, unknown = call.kind.rules.decode(patched)
    except ApiFailure as error:
        if error.code != 400:
            raise
        raise invalid_patch(patched, error.message) from error
    faults = [*_worded(repeated), *(f'unknown field "{path}"' for path in unknown)]
    if faults and options.validation == "Strict":
        raise invalid_patch(patched, f"strict decoding error: {', '.join(faults)}")
    if options.validation == "Warn":
        for fault in faults:
            call.warn(fault)
    return value


def invalid_patch(patched: Object, why: str) -> ApiFailure:
    """A patch that leads to something that is no object of the kind."""
    message = f"Invalid value: {patched!r}: {why}"
    cause = Cause("FieldValueInvalid", message, "patch")
    return ApiFailure(422, "Invalid", f' "" is invalid: patch: {message}', causes=(cause,), details={})


def check_place(call: Call, value: Object, *, named: bool) -> None:
    """Holds name and namespace of a body against the path; the namespace is filled in.

    ``named``: the path has a name. Raises ``ApiFailure`` 400.
    """
    metadata = value.setdefault("metadata", {})
    name = metadata.get("name") or ""
    if named and not name:
        raise bad_request(
            f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided"
        )
    if named and name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")
    if not call.kind.namespaced:
        metadata.pop("namespace", None)
        return
    namespace = metadata.get("namespace") or call.namespace
    if namespace != call.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    metadata["namespace"] = namespace


def _check_kind(kind: Kind, body: dict[str, Any], raw: bytes) -> None:
    """Kind and version of a body: filled in for built-in kinds. Raises ``ApiFailure`` 400."""
    said_kind, said_version = body.get("kind") or "", body.get("apiVersion") or ""
    if kind.custom:
        if not said_kind:
            text = raw.decode("utf-8", "replace")
            short = text if len(text) <= 30 else f"{text[:30]} ..."
            raise _unrecognized(kind, f"Object 'Kind' is missing in '{text}' ({short})")
        if said_version != kind.api_version:
            raise _other_version(kind, str(said_version))
        return
    if (said_kind and said_kind != kind.kind) or not isinstance(said_kind, str):
        version = str(said_version or kind.api_version)
        message = f'{said_kind} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind.kind}: '
        raise bad_request(f"{message}no kind {said_kind} is handled here")
    if said_version and said_version != kind.api_version:
        raise _other_version(kind, str(said_version))
    body["kind"], body["apiVersion"] = kind.kind, kind.api_version


def _other_version(kind: Kind, said: str) -> ApiFailure:
    expected = kind.api_version
    return bad_request(f"the API version in the data ({said}) does not match the expected API version ({expected})")


def _worded(repeated: list[str]) -> list[str]:
    """Duplicates of JSON are paths, those of YAML whole sentences."""
    return [each if each.startswith("yaml: ") else f'duplicate field "{each}"' for each in repeated]


def _unrecognized(kind: Kind, why: str) -> ApiFailure:
    return bad_request(f"the object provided is unrecognized (must be of type {kind.kind}): {why}")


def _unhandled(said: str, kind: Kind, why: str) -> ApiFailure:
    return bad_request(f'{said} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}')
