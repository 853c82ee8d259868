from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.cluster.client.failures import (
    AlreadyExistsError,
    ApiError,
    AuthError,
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
from krate_gitops.cluster.client.retries import may_repeat
from krate_gitops.cluster.client.status import Answer, Request, failure, retry_after
from tests.faults import status_body

REQUEST = Request("apply widgets team/x", "widgets team/x")


def told(
    code: int, reason: str = "", message: str = "", *, causes: Any = (), details: Any = None, headers: Any = None
) -> ApiError:
    body = json.dumps(status_body(code, reason, message, causes=causes, details=details)).encode()
    return failure(Answer(code, body, headers or {}), REQUEST)


def cause(reason: str, field: str, message: str) -> dict[str, str]:
    return {"reason": reason, "field": field, "message": message}


NAMED = {"name": "x", "kind": "widgets"}


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (told(401, "Unauthorized"), AuthError, "CLUSTER_UNAUTHENTICATED"),
        (told(403, "Forbidden", 'widgets "x" is forbidden: no'), ForbiddenError, "CLUSTER_FORBIDDEN"),
        (told(403, "Forbidden", 'pods "x" is forbidden: exceeded quota: q'), QuotaError, "CLUSTER_QUOTA_EXCEEDED"),
        (
            told(403, "Forbidden", "it is being terminated", causes=[cause("NamespaceTerminating", "", "")]),
            TerminatingError,
            "CLUSTER_NAMESPACE_TERMINATING",
        ),
        (told(404, "NotFound", 'widgets "x" not found', details=NAMED), NotFoundError, "CLUSTER_NOT_FOUND"),
        (told(404, "NotFound", "the server could not find it"), NotServedError, "CLUSTER_KIND_NOT_SERVED"),
        (told(409, "AlreadyExists"), AlreadyExistsError, "CLUSTER_ALREADY_EXISTS"),
        (told(409, "Conflict", "the object has been modified"), ConflictError, "CLUSTER_CONFLICT"),
        (told(409, "Conflict", "uid mismatch: no existing object"), ReplacedError, "CLUSTER_OBJECT_REPLACED"),
        (told(409, "Conflict", "the UID in the precondition (a) does not"), ReplacedError, "CLUSTER_OBJECT_REPLACED"),
        (told(410, "Expired"), GoneError, "CLUSTER_VERSION_GONE"),
        (told(413, "RequestEntityTooLarge"), TooLargeError, "CLUSTER_TOO_LARGE"),
        (told(500, "", "etcdserver: request is too large"), TooLargeError, "CLUSTER_TOO_LARGE"),
        (told(400, "BadRequest", "strict decoding error"), InvalidError, "CLUSTER_OBJECT_INVALID"),
        (told(405, "MethodNotAllowed"), ApiError, "CLUSTER_REQUEST_REFUSED"),
        (told(429, "TooManyRequests"), TransientError, "CLUSTER_UNAVAILABLE"),
        (told(503, "ServiceUnavailable"), TransientError, "CLUSTER_UNAVAILABLE"),
    ],
)
def test_each_refusal_has_a_class_and_a_code(error: ApiError, kind: type[ApiError], code: str) -> None:
    assert type(error) is kind
    assert error.code == code
    assert error.location == "widgets team/x"


def test_a_field_conflict_names_fields_and_managers() -> None:
    error = told(
        409,
        "Conflict",
        "Apply failed with 2 conflicts",
        causes=[
            cause("FieldManagerConflict", ".spec.size", 'conflict with "kubectl-edit" using v1'),
            cause("FieldManagerConflict", ".data.a", 'conflict with "b\\"c" with subresource "status"'),
        ],
    )
    assert isinstance(error, FieldConflictError)
    assert error.conflicts == (FieldConflict(".spec.size", "kubectl-edit"), FieldConflict(".data.a", 'b\\"c'))
    assert not may_repeat(error, repeatable=True)


def test_a_change_of_fixed_fields_alone_is_immutable() -> None:
    fixed = cause("FieldValueInvalid", "roleRef", "Invalid value: {}: cannot change roleRef")
    wrong = cause("FieldValueInvalid", "subjects[0].kind", "Unsupported value")
    assert type(told(422, "Invalid", causes=[fixed])) is ImmutableError
    assert type(told(422, "Invalid", causes=[fixed, wrong])) is InvalidError
    assert type(told(422, "Invalid", causes=[wrong])) is InvalidError


def test_another_uid_is_another_object_and_not_an_immutable_field() -> None:
    error = told(422, "Invalid", causes=[cause("FieldValueInvalid", "metadata.uid", "field is immutable")])
    assert type(error) is ReplacedError


def test_an_unknown_field_of_an_apply_is_invalid_though_the_server_says_500() -> None:
    text = "failed to create typed patch object (/x; v1, Kind=Widget): .spec.unknown: field not declared in schema"
    error = told(500, "", text)
    assert type(error) is InvalidError
    assert [(one.field, one.message) for one in error.causes] == [(".spec.unknown", "field not declared in schema")]


def test_several_unknown_fields_are_several_causes() -> None:
    text = (
        "failed to create typed patch object (/x; v1, Kind=W): errors:\n"
        "  .spec.a: field not declared in schema\n  .spec.b[0].c: expected string, got 1"
    )
    assert [one.field for one in told(500, "", text).causes] == [".spec.a", ".spec.b[0].c"]


@pytest.mark.parametrize(
    "message",
    [
        'Internal error occurred: failed calling webhook "w.example.com": context deadline exceeded',
        "etcdserver: request timed out",
        "etcdserver: leader changed",
        "dial tcp 10.0.0.1:443: connect: connection refused",
    ],
)
def test_a_500_of_something_behind_the_server_passes(message: str) -> None:
    error = told(500, "InternalError", message)
    assert may_repeat(error, repeatable=True)
    assert not may_repeat(error, repeatable=False)


def test_any_other_500_is_not_tried_again_at_once() -> None:
    assert not may_repeat(told(500, "InternalError", "runtime error: index out of range"), repeatable=True)


def test_a_version_from_the_future_is_not_waited_for() -> None:
    error = told(504, "Timeout", "Too large resource version", causes=[cause("ResourceVersionTooLarge", "", "")])
    assert not may_repeat(error, repeatable=True)


def test_what_was_turned_away_may_be_sent_again_whatever_it_was() -> None:
    assert may_repeat(told(429), repeatable=False)
    assert not may_repeat(told(503), repeatable=False)


def test_waits_are_read_in_all_forms() -> None:
    assert told(429, headers={"Retry-After": "7"}).retry_after == 7.0
    assert told(503, details={"retryAfterSeconds": 3}).retry_after == 3.0
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < retry_after({"Retry-After": later}) <= 100
    assert [retry_after({"Retry-After": text}) for text in ("soon", "-5", "nan", "1e400")] == [0, 0, 0, 86_400]


def test_answers_that_are_no_status_are_still_told() -> None:
    page = failure(Answer(502, b"<html>Bad gateway</html>"), REQUEST)
    assert isinstance(page, TransientError)
    assert "Bad gateway" in page.message
    for body in (b"", b"\xff\xfe", b"[1]", b"null", b"{" * 100_000, b'{"details": 3, "message": {"a": 1}}'):
        assert failure(Answer(400, body), REQUEST).code == "CLUSTER_OBJECT_INVALID"


def test_hostile_texts_are_bounded_and_printable() -> None:
    error = told(422, "Invalid", "\x1b[2J" + "x" * 100_000, causes=[cause("A", "f", "\u202e")] * 5_000)
    assert len(error.message) < 3_000
    assert "\x1b" not in error.message
    assert len(error.causes) == 1


def _refusals(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if value.get("kind") == "Status" and isinstance(value.get("code"), int) and value["code"] >= 400:
            yield value
        for member in value.values():
            yield from _refusals(member)
    elif isinstance(value, list):
        for member in value:
            yield from _refusals(member)


CLASSES: dict[int, tuple[type[ApiError], ...]] = {
    400: (InvalidError,),
    401: (AuthError,),
    403: (ForbiddenError, TerminatingError),
    404: (NotFoundError,),
    405: (ApiError,),
    406: (ApiError,),
    409: (ConflictError, FieldConflictError),
    410: (GoneError,),
    413: (TooLargeError,),
    415: (ApiError,),
    422: (InvalidError, ReplacedError),
    500: (InvalidError, TransientError),
    504: (TransientError,),
}


def test_recorded_refusals_of_a_real_server_are_sorted(shared_dir: Path) -> None:
    scenarios = sorted((shared_dir / "data" / "apiserver" / "scenarios").glob("*.json"))
    if not scenarios:
        pytest.skip("no recordings of an API server beside the checkout")
    seen = 0
    for file in scenarios:
        for body in _refusals(json.loads(file.read_text(encoding="utf-8"))):
            error = failure(Answer(body["code"], body), REQUEST)
            assert isinstance(error, CLASSES[body["code"]]), (file.name, body)
            text = str(body.get("message"))
            if "field is immutable" in text and "metadata." not in text:
                assert isinstance(error, ImmutableError), (file.name, body)
            if text.startswith("failed to create typed patch object"):
                assert isinstance(error, InvalidError), (file.name, body)
            seen += 1
    assert seen > 100
