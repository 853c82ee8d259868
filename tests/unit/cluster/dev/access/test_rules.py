"""What one rule allows, what rules cover, and how rules are printed."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.rules import Rule, missing_rights, read_rules
from tests.unit.cluster.dev.access.shelf import on, rule


def one(raw: dict[str, object]) -> Rule:
    return read_rules({"rules": [raw]})[0]


@pytest.mark.parametrize(
    ("raw", "what", "allowed"),
    [
        (rule("get", "configmaps"), on("get", name="x"), True),
        (rule("get", "configmaps"), on("list"), False),
        (rule("*", "configmaps"), on("impersonate-on:user-info:list"), True),
        (rule("get", "configmaps"), on("get", "secrets"), False),
        (rule("get", "*"), on("get", "secrets/anything"), True),
        (rule("get", "configmaps"), on("get", group="apps"), False),
        (rule("get", "configmaps", groups="*"), on("get", group="apps"), True),
        (rule("get", "widgets"), on("get", "widgets/status"), False),
        (rule("get", "widgets/*"), on("get", "widgets/status"), False),
        (rule("get", "widgets/status"), on("get", "widgets/status"), True),
        (rule("get", "widgets/status"), on("get", "widgets"), False),
        (rule("get", "*/status"), on("get", "widgets/status"), True),
        (rule("get", "*/status"), on("get", "widgets"), False),
        (rule("get list", "configmaps", names="a b"), on("get", name="b"), True),
        (rule("get list", "configmaps", names="a b"), on("get", name="c"), False),
        (rule("get list", "configmaps", names="a b"), on("list"), False),
        (rule("get list", "configmaps", names="a b"), on("list", name="a"), True),
        (rule("get", urls="/metrics"), Attributes("get", path="/metrics"), True),
        (rule("get", urls="/metrics"), Attributes("get", path="/metrics/more"), False),
        (rule("get", urls="/logs/*"), Attributes("get", path="/logs/a/b"), True),
        (rule("get", urls="/logs/*"), Attributes("get", path="/logs"), False),
        (rule("get", urls="*"), Attributes("get", path="/x"), True),
        (rule("get", urls="*"), Attributes("post", path="/x"), False),
        (rule("*", "*", groups="*"), Attributes("get", path="/x"), False),
        (rule("*", urls="*"), on("get"), False),
    ],
)
def test_a_rule_allows_what_it_names(raw: dict[str, object], what: Attributes, allowed: bool) -> None:
    assert one(raw).allows(what) is allowed


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        ([rule("get list", "configmaps")], [rule("list", "configmaps")], []),
        ([rule("get", "configmaps")], [rule("get delete", "configmaps")], ["delete"]),
        ([rule("get", "configmaps"), rule("delete", "configmaps")], [rule("get delete", "configmaps")], []),
        ([rule("get", "configmaps")], [rule("get", "configmaps", names="a")], []),
        ([rule("get", "configmaps", names="a")], [rule("get", "configmaps")], ["get"]),
        ([rule("get", "configmaps", names="a b")], [rule("get", "configmaps", names="b")], []),
        ([rule("get", "configmaps", names="a")], [rule("get", "configmaps", names="a b")], ["get"]),
        ([rule("get", "*")], [rule("get", "anything/status")], []),
        ([rule("get", "*/status")], [rule("get", "widgets/status")], []),
        ([rule("get", "widgets")], [rule("get", "widgets/status")], ["get"]),
        ([rule("get", "configmaps")], [rule("*", "configmaps")], ["*"]),
        ([rule("get", "configmaps")], [rule("get", "configmaps", groups="apps")], ["get"]),
        ([rule("get", urls="/a/*")], [rule("get", urls="/a/b /a/*")], []),
        ([rule("get", urls="/a/b")], [rule("get", urls="/a/*")], ["get"]),
        ([], [rule("get", "a b")], ["get", "get"]),
        ([], [], []),
    ],
)
def test_rights_that_no_held_rule_covers_are_missing(held: list, wanted: list, missing: list[str]) -> None:
    found = missing_rights(read_rules({"rules": held}), read_rules({"rules": wanted}))
    assert [verb for each in found for verb in each.verbs] == missing


def test_what_is_missing_is_put_together_by_resource() -> None:
    wanted = read_rules({"rules": [rule("get watch", "configmaps"), rule("delete", "configmaps"), rule("get", "pods")]})
    found = missing_rights(read_rules({"rules": [rule("get", "configmaps")]}), wanted)
    assert [each.shown() for each in found] == [
        '{APIGroups:[""], Resources:["configmaps"], Verbs:["watch" "delete"]}',
        '{APIGroups:[""], Resources:["pods"], Verbs:["get"]}',
    ]


def test_a_rule_is_printed_with_the_lists_it_has() -> None:
    assert one(rule("get", "secrets", names="s")).shown() == (
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["s"], Verbs:["get"]}'
    )
    assert one(rule("*", urls="*")).shown() == '{NonResourceURLs:["*"], Verbs:["*"]}'


@pytest.mark.parametrize("rules", [None, [], [None], ["x"], [{"verbs": "get", "resources": ["*"]}], [{"verbs": [1]}]])
def test_what_is_no_rule_allows_nothing(rules: object) -> None:
    assert read_rules({"rules": rules}) == ()


def test_null_lists_in_a_rule_are_empty() -> None:
    assert one({"verbs": ["get"], "apiGroups": None, "resources": None}) == Rule(("get",))
