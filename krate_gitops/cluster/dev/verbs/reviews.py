"""Kinds that are answered and not stored: reviews of access, and tokens."""

from __future__ import annotations

from krate_gitops.cluster.dev.http.bodies import UnreadableError, input_format, read
from krate_gitops.cluster.dev.http.options import write_options
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.refusals import bad_request
from krate_gitops.cluster.dev.verbs.call import Call, Result


def review(call: Call) -> Result:
    """Answers a review. Raises ``ApiFailure``."""
    options = write_options(call.request, "CreateOptions")
    body = _body(call, call.kind.kind)
    access = call.cluster.access
    value = access.review(call.user, call.kind.plural, body, namespace=call.namespace, manager=options.manager)
    return Result(value, 201)


def request_token(call: Call) -> Result:
    """Answers a request for a token of a ServiceAccount. Raises ``ApiFailure``."""
    options = write_options(call.request, "CreateOptions")
    body = _body(call, "TokenRequest")
    value = call.cluster.access.token_request(call.namespace, call.name, body, manager=options.manager)
    return Result(value, 201)


def _body(call: Call, kind: str) -> Object:
    format_ = input_format(call.request.headers.get("content-type"))
    try:
        body, _ = read(call.request.body, format_)
    except UnreadableError as error:
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {error}") from error
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): it is no object")
    return body
