"""From an answer of the API server to the error that a caller can act on. Nothing here does I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import msgspec

from krate_gitops.cluster.client.failures import (
    AlreadyExistsError,
    ApiError,
    AuthError,
    Cause,
    ConflictError,
    FieldConflict,
    FieldConflictError,
    ForbiddenError,
    GoneError,
    ImmutableError,
    InvalidError,
    NotFoundError,
    NotServedError,
    QuotaError,
    ReplacedError,
    TerminatingError,
    TooLargeError,
    TransientError,
)
from krate_gitops.cluster.client.masking import masked, masked_all
from krate_gitops.printable import printable

_MOST_CAUSES = 200
_MANAGER = re.compile(r'conflicts? with "((?:[^"\\]|\\.)*)"')
_UNCHANGEABLE = re.compile(r"\bimmutable\b|\bcannot change\b|may not (?:be )?change", re.IGNORECASE)
_REPLACED = re.compile(r"uid mismatch|UID in (?:the )?precondition", re.IGNORECASE)
_OVERSIZE = re.compile(r"request (?:entity )?(?:is )?too large|trying to send message larger than max", re.IGNORECASE)
_QUOTA = re.compile(r"exceeded quota|failed quota", re.IGNORECASE)
_TYPED_PATCH = re.compile(r"^failed to create (?:typed patch object|manager for)|duplicate entries for key")
_TYPED_CAUSE = re.compile(r"(?:^|: |\s)(\.[^\s:]+): ([^\n]+)")
_PASSING = re.compile(
    r"failed calling (?:admission )?webhook|failed to call webhook|etcdserver: (?!request is too large)|"
    r"context deadline exceeded|connection (?:refused|reset)|(?:request|operation) timed out|"
    r"i/o timeout|TLS handshake timeout|no endpoints available|unexpected EOF|http2: ",
    re.IGNORECASE,
)
"""What a 500 says when something behind the API server was out of reach for the moment."""


class Answer(NamedTuple):
    """An HTTP answer that is no success, or an ERROR event of a watch (then without headers)."""

    status: int
    body: bytes | Mapping[str, Any]
    headers: Mapping[str, str] = {}


class Request(NamedTuple):
    """What an error has to say about the request. ``sent`` is the object in it; its secrets are masked."""

    what: str
    location: str = ""
    sent: Mapping[str, Any] | None = None


def failure(answer: Answer, request: Request) -> ApiError:
    """The error of an answer, with texts masked."""
    told = _status_object(answer.body)
    found = told.get("details")
    details: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    raw = str(told.get("message") or "")
    causes = _causes(details, request)
    error = _sorted(answer.status, str(told.get("reason") or ""), raw, causes, details, request)
    error.status = answer.status
    error.reason = _short(told.get("reason"))
    error.causes = error.causes or causes
    error.retry_after = retry_after(answer.headers, details)
    if isinstance(error, TransientError):
        error.passing = _is_passing(error)
        error.sent = True
    return error


def retry_after(headers: Mapping[str, str], details: Mapping[str, Any] | None = None) -> float:
    """Seconds that the server asks to wait, 0 where it doesn't ask. Both forms of the header are understood."""
    told: Any = headers.get("Retry-After", "")
    if not told:
        told = (details or {}).get("retryAfterSeconds") or 0
    try:
        seconds = float(told)
    except (TypeError, ValueError):
        try:
            seconds = (parsedate_to_datetime(str(told)) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            return 0.0
    return min(max(seconds, 0.0), 86_400.0) if seconds == seconds else 0.0


def _status_object(body: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    """The ``Status`` of an answer. Proxies answer in text or HTML, the server itself for unknown paths too."""
    if isinstance(body, Mapping):
        return body
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        told = None
    if isinstance(told, dict):
        return told
    return {"message": body[:1000].decode(errors="replace").strip()}


def _causes(details: Mapping[str, Any], request: Request) -> tuple[Cause, ...]:
    listed = details.get("causes")
    found = [one for one in listed[:_MOST_CAUSES] if isinstance(one, Mapping)] if isinstance(listed, list) else []
    messages = masked_all([str(one.get("message") or "") for one in found], sent=request.sent)
    causes = (
        Cause(_short(one.get("reason")), _short(one.get("field")), message)
        for one, message in zip(found, messages, strict=True)
    )
    return tuple(dict.fromkeys(causes))


def _short(text: Any) -> str:
    return printable(str(text or "")[:500])


def _sorted(
    status: int, reason: str, raw: str, causes: tuple[Cause, ...], details: Mapping[str, Any], request: Request
) -> ApiError:
    text = masked(raw, sent=request.sent) or f"status {status}"
    told = f"{request.what}: {text}"
    where = request.location
    kinds = {cause.reason for cause in causes}
    if "FieldManagerConflict" in kinds:
        error = FieldConflictError("CLUSTER_FIELD_CONFLICT", told, location=where)
        error.conflicts = tuple(_conflicts(causes))
        return error
    if status == 413 or _OVERSIZE.search(raw):
        return TooLargeError("CLUSTER_TOO_LARGE", told, location=where)
    if status == 401:
        hint = "Check the credentials of the kubeconfig's user, or log in again."
        return AuthError("CLUSTER_UNAUTHENTICATED", told, hint=hint, location=where)
    if status == 403:
        return _refused(told, where, raw, kinds)
    if status == 404:
        if reason == "NotFound" and details.get("name"):
            return NotFoundError("CLUSTER_NOT_FOUND", told, location=where)
        return NotServedError("CLUSTER_KIND_NOT_SERVED", told, location=where)
    if status == 409:
        if _REPLACED.search(raw):
            return ReplacedError("CLUSTER_OBJECT_REPLACED", told, location=where)
        if reason == "AlreadyExists":
            return AlreadyExistsError("CLUSTER_ALREADY_EXISTS", told, location=where)
        return ConflictError("CLUSTER_CONFLICT", told, location=where)
    if status == 410:
        return GoneError("CLUSTER_VERSION_GONE", told, location=where)
    if status in (400, 422) or (status == 500 and _TYPED_PATCH.search(raw)):
        return _invalid(told, where, text, causes)
    if status == 429 or status >= 500 or status == 408:
        return TransientError("CLUSTER_UNAVAILABLE", told, location=where)
    return ApiError("CLUSTER_REQUEST_REFUSED", told, location=where)


def _refused(told: str, where: str, raw: str, kinds: set[str]) -> ApiError:
    if "NamespaceTerminating" in kinds:
        return TerminatingError("CLUSTER_NAMESPACE_TERMINATING", told, location=where)
    if _QUOTA.search(raw):
        return QuotaError("CLUSTER_QUOTA_EXCEEDED", told, location=where)
    return ForbiddenError("CLUSTER_FORBIDDEN", told, location=where)


def _invalid(told: str, where: str, text: str, causes: tuple[Cause, ...]) -> ApiError:
    if not causes:
        # Server-side apply answers 500 to fields that the schema doesn't have; their paths are only in the text.
        found = _TYPED_CAUSE.finditer(text)
        causes = tuple(Cause("FieldValueInvalid", match[1], match[2].strip()) for match in found)[:_MOST_CAUSES]
    if any(cause.field == "metadata.uid" and _UNCHANGEABLE.search(cause.message) for cause in causes):
        return ReplacedError("CLUSTER_OBJECT_REPLACED", told, location=where)
    fixed = bool(causes) and all(_UNCHANGEABLE.search(cause.message) for cause in causes)
    error: InvalidError
    if fixed:
        error = ImmutableError("CLUSTER_FIELD_IMMUTABLE", told, location=where)
    else:
        error = InvalidError("CLUSTER_OBJECT_INVALID", told, location=where)
    error.causes = causes
    return error


def _conflicts(causes: tuple[Cause, ...]) -> Iterator[FieldConflict]:
    for cause in causes:
        if cause.reason == "FieldManagerConflict":
            match = _MANAGER.search(cause.message)
            yield FieldConflict(cause.field, match[1] if match else "")


def is_from_future(error: ApiError) -> bool:
    """Whether the server hasn't reached that resourceVersion yet. It says 504, as if it could be waited for."""
    return any(cause.reason == "ResourceVersionTooLarge" for cause in error.causes)


def _is_passing(error: ApiError) -> bool:
    """Whether the same request may succeed in a moment."""
    if error.status in (408, 429, 502, 503, 504):
        return not is_from_future(error)
    return bool(error.retry_after) or error.reason == "ServerTimeout" or bool(_PASSING.search(error.message))
