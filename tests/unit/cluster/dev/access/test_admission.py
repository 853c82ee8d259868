"""Admission policies: what they are about, what they ask, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.access.access import Access
from krate_gitops.cluster.dev.access.admission_matching import MatchResources, Write, selects
from krate_gitops.cluster.dev.access.reader import Object
from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.access.shelf import Shelf, user

GROUP = "admissionregistration.k8s.io"
ABOUT_WIDGETS = {
    "resourceRules": [
        {"apiGroups": ["g.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["widgets"]}
    ]
}
SMALL = {"expression": "object.spec.size <= 5", "message": "size must be at most 5"}


def policy(*validations: dict[str, str], name: str = "p", **spec: Any) -> Object:
    given = {"matchConstraints": ABOUT_WIDGETS, "validations": list(validations), "failurePolicy": "Fail", **spec}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": given,
    }


def bound(*actions: str, name: str = "b", to: str = "p", **spec: Any) -> Object:
    given = {"policyName": to, "validationActions": list(actions) or ["Deny"], **spec}
    kind = "ValidatingAdmissionPolicyBinding"
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": name}, "spec": given}


def world(*objects: Object) -> tuple[Shelf, Access]:
    shelf = Shelf()
    shelf.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"team": "a"}}})
    for value in objects:
        shelf.put(value)
    kinds = {("v1", "ConfigMap"): (("", "configmaps"), True)}
    shelf.access = Access(shelf, None, find_kind=lambda version, kind: kinds.get((version, kind)))
    return shelf, shelf.access


def write(size: int = 9, **more: Any) -> Write:
    given = {"metadata": {"name": "x", "namespace": "n", "labels": {"app": "w"}}, "spec": {"size": size}}
    fields: dict[str, Any] = {
        "operation": "CREATE",
        "user": user("jane", "team"),
        "group": "g.io",
        "version": "v1",
        "kind": "Widget",
        "resource": "widgets",
        "subresource": "",
        "name": "x",
        "namespace": "n",
        "object": given,
        "old": None,
        **more,
    }
    return Write(**fields)


def denial(access: Access, what: Write) -> str:
    """What a refusal says behind the names of policy and binding; nothing if the write may pass."""
    try:
        access.judge(what)
    except ApiFailure as failure:
        return failure.message.partition("denied request: ")[2]
    return ""


def test_a_broken_rule_refuses_the_write_with_its_message() -> None:
    _, access = world(policy(SMALL), bound())
    with pytest.raises(ApiFailure) as caught:
        access.judge(write())
    told = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: size must be at most 5"
    assert caught.value.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'widgets.g.io "x" is forbidden: {told}',
        "reason": "Invalid",
        "details": {
            "name": "x",
            "group": "g.io",
            "kind": "widgets",
            "causes": caught.value.status()["details"]["causes"],
        },
        "code": 422,
    }
    assert [cause.message for cause in caught.value.causes] == [told]
    assert access.judge(write(5)) == []


@pytest.mark.parametrize(
    ("rule", "code", "text"),
    [
        ({"expression": "object.spec.size <= 5"}, 422, "failed expression: object.spec.size <= 5"),
        ({**SMALL, "reason": "Forbidden"}, 403, "size must be at most 5"),
        ({**SMALL, "reason": "Unauthorized"}, 401, "size must be at most 5"),
        ({**SMALL, "reason": "RequestEntityTooLarge"}, 413, "size must be at most 5"),
        ({**SMALL, "messageExpression": "'got ' + string(object.spec.size)"}, 422, "got 9"),
        ({**SMALL, "messageExpression": "'  '"}, 422, "size must be at most 5"),
        ({**SMALL, "messageExpression": "'a\\nb'"}, 422, "size must be at most 5"),
        ({**SMALL, "messageExpression": "object.spec.none"}, 422, "size must be at most 5"),
    ],
)
def test_a_refusal_has_the_code_and_text_of_its_rule(rule: dict[str, str], code: int, text: str) -> None:
    _, access = world(policy(rule), bound())
    with pytest.raises(ApiFailure) as caught:
        access.judge(write())
    assert caught.value.code == code
    assert caught.value.message.endswith(f"denied request: {text}")


@pytest.mark.parametrize(
    "expression",
    [
        "oldObject == null || object.spec.size >= oldObject.spec.size",
        "request.operation == 'DELETE' || request.userInfo.username == 'jane'",
        "'team' in request.userInfo.groups",
        "namespaceObject.metadata.labels.team == 'a'",
        "request.resource.resource == 'widgets' && request.kind.kind == 'Widget' && request.name == 'x'",
        "request.namespace == 'n' && !request.dryRun && request.subResource == ''",
        "params == null",
        "variables.double == 18",
    ],
)
def test_expressions_know_the_write(expression: str) -> None:
    doubled = [{"name": "double", "expression": "object.spec.size * 2"}]
    _, access = world(policy({"expression": expression}, variables=doubled), bound())
    assert denial(access, write()) == ""


def test_a_change_is_compared_with_what_was_before() -> None:
    _, access = world(
        policy({"expression": "object.spec.size >= oldObject.spec.size", "message": "may not shrink"}), bound()
    )
    before = {"metadata": {"name": "x", "managedFields": [{"manager": "m"}]}, "spec": {"size": 9}}
    assert denial(access, write(8, operation="UPDATE", old=before)) == "may not shrink"
    assert denial(access, write(9, operation="UPDATE", old=before)) == ""


def test_a_rule_that_fails_refuses_unless_failures_are_ignored() -> None:
    wrong = {"expression": "object.spec.none > 5"}
    _, access = world(policy(wrong), bound())
    assert denial(access, write()).startswith("expression 'object.spec.none > 5' resulted in error: ")
    _, access = world(policy(wrong, failurePolicy="Ignore"), bound())
    assert denial(access, write()) == ""


def test_a_policy_that_makes_no_sense_refuses_unless_failures_are_ignored() -> None:
    _, access = world(policy({"expression": "object."}), bound())
    assert denial(access, write()).startswith("compilation error: ")
    _, access = world(policy({"expression": "object."}, failurePolicy="Ignore"), bound())
    assert denial(access, write()) == ""


def test_match_conditions_let_writes_past() -> None:
    conditions = [
        {"name": "broken", "expression": "object.spec.none == 1"},
        {"name": "not-exempt", "expression": "object.metadata.name != 'exempt'"},
    ]
    _, access = world(policy(SMALL, matchConditions=conditions), bound())
    exempt = {"metadata": {"name": "exempt"}, "spec": {"size": 9}}
    assert denial(access, write(object=exempt)) == ""
    assert denial(access, write()).startswith("matchCondition 'broken' resulted in error: ")


def test_a_variable_that_fails_is_missing_for_who_uses_it() -> None:
    variables = [
        {"name": "broken", "expression": "object.spec.none"},
        {"name": "size", "expression": "object.spec.size"},
        {"name": "more", "expression": "variables.size + 1"},
    ]
    _, access = world(policy({"expression": "variables.more == 10"}, variables=variables), bound())
    assert denial(access, write()) == ""
    _, access = world(policy({"expression": "variables.broken == 10"}, variables=variables), bound())
    assert "resulted in error" in denial(access, write())


def test_warnings_name_every_broken_rule_and_let_the_write_pass() -> None:
    _, access = world(policy(SMALL, {"expression": "false", "message": "never"}), bound("Warn", "Audit"))
    start = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': "
    assert access.judge(write()) == [f"{start}size must be at most 5", f"{start}never"]


def test_audit_alone_says_nothing() -> None:
    _, access = world(policy(SMALL), bound("Audit"))
    assert access.judge(write()) == []


def test_the_first_policy_by_name_speaks() -> None:
    second = policy({"expression": "false", "message": "second"}, name="z")
    first = policy({"expression": "false", "message": "first"}, name="a")
    _, access = world(second, first, bound(name="1", to="z"), bound(name="2", to="a"))
    assert denial(access, write()) == "first"


def test_policies_and_bindings_count_from_their_storing_to_their_removal() -> None:
    shelf, access = world()
    assert not access.has_policies
    shelf.put(bound())
    assert denial(access, write()) == ""
    shelf.put(policy(SMALL))
    assert denial(access, write()) == "size must be at most 5"
    shelf.put(policy({**SMALL, "message": "other"}))
    assert denial(access, write()) == "other"
    shelf.remove(bound())
    assert denial(access, write()) == ""
    assert not access.has_policies


def test_policies_are_not_about_policies() -> None:
    everything = {
        "resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]
    }
    _, access = world(policy({"expression": "false"}, matchConstraints=everything), bound())
    assert denial(access, write()) == "failed expression: false"
    assert denial(access, write(group=GROUP, resource="validatingadmissionpolicies")) == ""


LIMITS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "limits", "namespace": "n"},
    "data": {"max": "5"},
}
BY_LIMIT = {"expression": "object.spec.size <= int(params.data.max)", "message": "over the limit"}


@pytest.mark.parametrize(
    ("reference", "stored", "expected"),
    [
        ({"name": "limits", "parameterNotFoundAction": "Deny"}, True, "over the limit"),
        ({"selector": {}, "parameterNotFoundAction": "Deny"}, True, "over the limit"),
        ({"selector": {"matchLabels": {"a": "b"}}, "parameterNotFoundAction": "Allow"}, True, ""),
        ({"name": "limits", "namespace": "m", "parameterNotFoundAction": "Allow"}, True, ""),
        ({"name": "limits", "parameterNotFoundAction": "Allow"}, False, ""),
        (
            {"name": "limits", "parameterNotFoundAction": "Deny"},
            False,
            "no params found for policy binding with `Deny` parameterNotFoundAction",
        ),
    ],
)
def test_parameters_come_from_the_object_that_the_binding_names(
    reference: dict[str, Any], stored: bool, expected: str
) -> None:
    takes = policy(BY_LIMIT, paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    _, access = world(takes, bound(paramRef=reference), *([LIMITS] if stored else []))
    assert denial(access, write()) == expected


def test_parameters_of_an_unknown_kind_refuse() -> None:
    takes = policy(BY_LIMIT, paramKind={"apiVersion": "v1", "kind": "Nothing"})
    _, access = world(takes, bound(paramRef={"name": "x"}))
    assert denial(access, write()) == "failed to configure policy: failed to find resource referenced by paramKind"


def matches(write_: Write, namespace_labels: dict[str, str] | None = None, **spec: Any) -> str | None:
    return MatchResources(spec).version(write_, namespace_labels)


def about(**more: Any) -> dict[str, Any]:
    return {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["widgets"], **more}


@pytest.mark.parametrize(
    ("rule", "what", "matched"),
    [
        (about(), write(), True),
        (about(apiGroups=["other"]), write(), False),
        (about(apiVersions=["v2"]), write(), False),
        (about(operations=["DELETE"]), write(), False),
        (about(resources=["*"]), write(), True),
        (about(resources=["*"]), write(subresource="status"), False),
        (about(resources=["widgets"]), write(subresource="status"), False),
        (about(resources=["widgets/status"]), write(subresource="status"), True),
        (about(resources=["widgets/status"]), write(), False),
        (about(resources=["widgets/*"]), write(subresource="status"), True),
        (about(resources=["*/*"]), write(), True),
        (about(resources=["*/status"]), write(subresource="status"), True),
        (about(scope="Namespaced"), write(), True),
        (about(scope="Cluster"), write(), False),
        (about(scope="Cluster"), write(namespace=""), True),
        (about(scope="Cluster", resources=["namespaces"]), write(group="", resource="namespaces"), True),
        (about(resourceNames=["x"]), write(), True),
        (about(resourceNames=["y"]), write(), False),
        ({}, write(), False),
    ],
)
def test_rules_say_which_writes_are_meant(rule: dict[str, Any], what: Write, matched: bool) -> None:
    assert (matches(what, resourceRules=[rule]) is not None) is matched


def test_excluded_writes_are_not_meant() -> None:
    assert matches(write(), resourceRules=[about()], excludeResourceRules=[about(operations=["CREATE"])]) is None
    assert matches(
        write(operation="UPDATE"), resourceRules=[about()], excludeResourceRules=[about(operations=["CREATE"])]
    )
    assert matches(write(), excludeResourceRules=[about(resources=["others"])]) == "v1"


def test_another_version_of_the_kind_is_meant_unless_the_match_is_exact() -> None:
    newer = write(version="v2", versions=("v1", "v2"))
    assert matches(newer, resourceRules=[about(apiVersions=["v1"])]) == "v1"
    assert matches(newer, resourceRules=[about(apiVersions=["v1"])], matchPolicy="Exact") is None
    converted = newer.in_version("v1")
    assert (converted.version, (converted.object or {})["apiVersion"]) == ("v1", "g.io/v1")


def test_selectors_ask_the_labels_of_namespace_and_object() -> None:
    team = {"namespaceSelector": {"matchLabels": {"team": "a"}}}
    assert matches(write(), {"team": "a"}, **team)
    assert matches(write(), {"team": "b"}, **team) is None
    assert matches(write(), None, **team), "what is in no namespace is meant"
    app = {"objectSelector": {"matchLabels": {"app": "w"}}}
    assert matches(write(), **app)
    bare: Object = {"metadata": {"name": "x"}}
    assert matches(write(object=bare), **app) is None
    assert matches(write(object=bare, old=write().object), **app), "what had the label is still meant"


@pytest.mark.parametrize(
    ("expression", "labels", "fits"),
    [
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, {"a": "1"}, True),
        ({"key": "a", "operator": "In", "values": ["1", "2"]}, {}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {"a": "1"}, False),
        ({"key": "a", "operator": "NotIn", "values": ["1"]}, {}, True),
        ({"key": "a", "operator": "Exists"}, {"a": ""}, True),
        ({"key": "a", "operator": "Exists"}, {}, False),
        ({"key": "a", "operator": "DoesNotExist"}, {}, True),
        ({"key": "a", "operator": "DoesNotExist"}, {"a": ""}, False),
        ({"key": "a", "operator": "Other"}, {"a": ""}, False),
    ],
)
def test_expressions_of_selectors(expression: dict[str, Any], labels: dict[str, str], fits: bool) -> None:
    assert selects({"matchExpressions": [expression]}, labels) is fits
