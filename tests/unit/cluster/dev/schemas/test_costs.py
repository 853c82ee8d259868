"""What rules may cost: loops inside loops over lists without a limit are too much."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.costs import cost_faults


def rooted(node: dict[str, Any]) -> dict[str, Any]:
    """A schema with a member ``x``."""
    return {"type": "object", "properties": {"x": node}}


def listed(rule: str, **more: Any) -> dict[str, Any]:
    """A list of texts with a rule."""
    return {"type": "array", "items": {"type": "string"}, "x-kubernetes-validations": [{"rule": rule}], **more}


NESTED = "self.all(a, self.all(b, a != b))"


@pytest.mark.parametrize(
    ("node", "is_refused"),
    [
        (listed("self.all(a, a != '')"), False),
        (listed(NESTED), True),
        (listed(NESTED, maxItems=100), False),
        (listed("self.all(a, a != '') && self.exists(b, b != '')"), False),
        (listed("self.all(a, '.all(.all(' == a)"), False),
        ({"type": "array", "items": listed("size(self) > 1")}, False),
        ({"type": "array", "items": listed("self.all(a, a != '')")}, True),
        ({"type": "array", "maxItems": 5, "items": listed("self.all(a, a != '')", maxItems=5)}, False),
    ],
)
def test_nested_loops_need_limits(node: dict[str, Any], is_refused: bool) -> None:
    assert bool(cost_faults(rooted(node), "schema")) is is_refused


def test_a_limit_of_the_list_that_is_looped_over_counts_and_no_other() -> None:
    node = {
        "type": "object",
        "properties": {
            "few": {"type": "array", "maxItems": 10, "items": {"type": "string"}},
            "many": {"type": "array", "items": {"type": "string"}},
        },
        "x-kubernetes-validations": [{"rule": "self.few.all(a, self.few.all(b, a != b)) && size(self.many) > 0"}],
    }
    assert cost_faults(rooted(node), "schema") == []


def test_boundless_costs_are_told_like_others() -> None:
    node: dict[str, Any] = listed("true")
    for _ in range(60):
        node = {"type": "array", "items": node}
    assert "more than 100x" in cost_faults(rooted(node), "schema")[0].message
    rule = "self.all(a, " * 500 + "true" + ")" * 500
    assert "more than 100x" in cost_faults(rooted(listed(rule)), "schema")[0].message
