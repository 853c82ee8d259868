"""kubectl's annotation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.fields import apply
from krate_gitops.cluster.dev.fields.last_applied import LAST_APPLIED
from tests.unit.cluster.dev.fields.widgets import LATER, SCHEMA, updated, widget


def annotated(spec: dict[str, Any], last: Any) -> dict[str, Any]:
    """An object that kubectl applied by itself; ``last`` is what it says about that."""
    text = last if isinstance(last, str) else json.dumps(last)
    live = updated(None, spec, "kubectl-client-side-apply")
    live["metadata"]["annotations"] = {LAST_APPLIED: text}
    return live


def kubectl(live: dict[str, Any], spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return apply(live, widget(spec, **metadata), manager="kubectl", schema=SCHEMA, force=False, now=LATER)


def test_kubectl_takes_over_what_it_applied_last() -> None:
    got = kubectl(annotated({"size": 1}, widget({"size": 1})), {"size": 2})
    assert got["spec"] == {"size": 2}
    assert got["metadata"]["annotations"][LAST_APPLIED] == (
        '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"x"},"spec":{"size":2}}\n'
    )


@pytest.mark.parametrize(
    "last",
    [
        widget({"size": 9}),
        widget({"note": "n"}),
        "{",
        "[]",
        "{}",
        widget({"shape": 1}),
        {**widget({"size": 1}), "apiVersion": "v2"},
    ],
)
def test_what_the_annotation_does_not_say_conflicts(last: Any) -> None:
    with pytest.raises(ApiFailure) as caught:
        kubectl(annotated({"size": 1}, last), {"size": 2})
    assert caught.value.code == 409


def test_nobody_else_may() -> None:
    live = annotated({"size": 1}, widget({"size": 1}))
    with pytest.raises(ApiFailure):
        apply(live, widget({"size": 2}), manager="gitops", schema=SCHEMA, force=False, now=LATER)


def test_markup_is_escaped_as_go_does() -> None:
    got = kubectl(annotated({"note": "n"}, widget({"note": "n"})), {"note": "<a & b>"})
    assert "\\u003ca \\u0026 b\\u003e" in got["metadata"]["annotations"][LAST_APPLIED]
