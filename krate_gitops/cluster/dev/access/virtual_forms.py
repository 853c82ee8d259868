"""The types of what reviews and requests for tokens carry. Values may be null wherever they may be left out."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.failure import ApiFailure


class _Attributes(msgspec.Struct):
    namespace: str | None = None
    verb: str | None = None
    group: str | None = None
    version: str | None = None
    resource: str | None = None
    subresource: str | None = None
    name: str | None = None
    path: str | None = None
    fieldSelector: dict[str, Any] | None = None  # noqa: N815
    labelSelector: dict[str, Any] | None = None  # noqa: N815


class _AccessSpec(msgspec.Struct):
    resourceAttributes: _Attributes | None = None  # noqa: N815
    nonResourceAttributes: _Attributes | None = None  # noqa: N815
    user: str | None = None
    groups: list[str] | None = None
    extra: dict[str, list[str] | None] | None = None
    uid: str | None = None


class _RulesSpec(msgspec.Struct):
    namespace: str | None = None


class _TokenSpec(msgspec.Struct):
    token: str | None = None
    audiences: list[str] | None = None


class _BoundObject(msgspec.Struct):
    kind: str | None = None
    apiVersion: str | None = None  # noqa: N815
    name: str | None = None
    uid: str | None = None


class _RequestSpec(msgspec.Struct):
    audiences: list[str] | None = None
    expirationSeconds: int | None = None  # noqa: N815
    boundObjectRef: _BoundObject | None = None  # noqa: N815


class AccessReview(msgspec.Struct):
    """A SubjectAccessReview of any sort."""

    metadata: dict[str, Any] | None = None
    spec: _AccessSpec | None = None


class RulesReview(msgspec.Struct):
    """A SelfSubjectRulesReview."""

    metadata: dict[str, Any] | None = None
    spec: _RulesSpec | None = None


class TokenReview(msgspec.Struct):
    """A TokenReview."""

    metadata: dict[str, Any] | None = None
    spec: _TokenSpec | None = None


class TokenRequest(msgspec.Struct):
    """A TokenRequest."""

    metadata: dict[str, Any] | None = None
    spec: _RequestSpec | None = None


def check_types(kind: str, body: dict[str, Any], form: type[msgspec.Struct]) -> None:
    """Raise ApiFailure 400 if a value in ``body`` is of a type that ``form`` doesn't have there."""
    try:
        msgspec.convert(body, form)
    except msgspec.ValidationError as error:
        # The text says what type was expected where, never the value.
        message = f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal: {error}'
        raise ApiFailure(400, "BadRequest", message) from error
