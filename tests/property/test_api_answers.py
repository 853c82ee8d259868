"""Answers of any shape, from whatever stands between the client and an API server."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.client.failures import ApiError
from krate_gitops.cluster.client.retries import Backoff, may_repeat
from krate_gitops.cluster.client.status import Answer, Request, failure, retry_after
from krate_gitops.cluster.client.warnings import Warnings

WORDS = st.sampled_from(
    ["FieldManagerConflict", "Conflict", "NotFound", "metadata.uid", "field is immutable", "Expired"]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text() | WORDS
KEYS = st.sampled_from(["kind", "code", "message", "reason", "details", "causes", "field", "name"]) | st.text()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=20
)
BODIES = st.binary(max_size=200) | VALUES.map(lambda value: msgspec.json.encode(value))
STATUSES = st.integers(300, 599)


@given(status=STATUSES, body=BODIES, wait=st.text(max_size=30))
def test_any_refusal_is_an_error_with_a_code(status: int, body: bytes, wait: str) -> None:
    error = failure(Answer(status, body, {"Retry-After": wait}), Request("get widgets x", "widgets x"))
    assert isinstance(error, ApiError)
    assert error.code.startswith("CLUSTER_")
    assert error.status == status
    assert len(error.message) < 2_200
    assert "\x1b" not in error.message
    assert 0 <= error.retry_after <= 86_400
    may_repeat(error, repeatable=True)


@given(text=st.text())
def test_any_header_is_read_or_passed_over(text: str) -> None:
    Warnings().note([text, f'299 - "{text}"'])
    assert 0 <= retry_after({"Retry-After": text}) <= 86_400


@given(attempt=st.integers(1, 10**9), asked=st.floats(0, 86_400))
def test_a_wait_is_never_shorter_than_asked_and_never_endless(attempt: int, asked: float) -> None:
    wait = Backoff().wait(attempt, retry_after=asked)
    assert asked <= wait <= asked + 5.0
