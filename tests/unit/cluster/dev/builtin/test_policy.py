"""Admission policies and their bindings: defaults, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

GROUP = "admissionregistration.k8s.io"
POLICY = kind_of("validatingadmissionpolicies", GROUP)
BINDING = kind_of("validatingadmissionpolicybindings", GROUP)
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}


def policy(*validations: dict[str, str], **spec: Any) -> dict[str, Any]:
    rules = list(validations) or [{"expression": "true"}]
    return {"spec": {"matchConstraints": {"resourceRules": [RULE]}, "validations": rules, **spec}}


def bound(**spec: Any) -> dict[str, Any]:
    return {"spec": {"policyName": "p", "validationActions": ["Deny"], **spec}}


def test_a_policy_is_completed() -> None:
    made = written(POLICY, policy())
    assert made["status"] == {}
    assert made["spec"]["failurePolicy"] == "Fail"
    assert made["spec"]["matchConstraints"] == {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [{**RULE, "scope": "*"}],
    }
    kept = written(POLICY, policy(failurePolicy="Ignore", matchConstraints={"matchPolicy": "Exact"}))
    assert (kept["spec"]["failurePolicy"], kept["spec"]["matchConstraints"]["matchPolicy"]) == ("Ignore", "Exact")


def test_a_binding_is_completed_where_it_says_what_it_is_about() -> None:
    assert written(BINDING, bound())["spec"] == bound()["spec"]
    assert written(BINDING, bound(matchResources={}))["spec"]["matchResources"] == {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
    }


def test_the_status_of_a_policy_is_a_path_of_its_own() -> None:
    old = written(POLICY, policy())
    told = written(POLICY, {**policy(), "status": {"observedGeneration": 2}}, old, subresource="status")
    assert told["status"] == {"observedGeneration": 2}
    assert written(POLICY, {**policy(), "status": {"observedGeneration": 2}}, old)["status"] == {}


@pytest.mark.parametrize(
    "body",
    [
        policy(),
        policy({"expression": "object.metadata.name == 'x'", "messageExpression": "'no ' + object.metadata.name"}),
        policy({"expression": "variables.a == 1"}, variables=[{"name": "a", "expression": "1"}]),
        policy({"expression": "params.x == request.operation"}, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
        policy(matchConditions=[{"name": "a", "expression": "oldObject == null"}]),
    ],
)
def test_policies_that_make_sense(body: dict[str, Any]) -> None:
    assert faults(POLICY, body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ["spec.matchConstraints: Required", "spec.validations: Required"]),
        (policy(matchConstraints={}), ["spec.matchConstraints.resourceRules: Required"]),
        (policy(failurePolicy="Maybe"), ['spec.failurePolicy: Unsupported value: "Maybe"']),
        (policy(paramKind={"kind": "X"}), ["spec.paramKind.apiVersion: Required"]),
        (policy({"expression": " "}), ["spec.validations[0].expression: Required"]),
        (
            policy({"expression": "object."}),
            ['spec.validations[0].expression: Invalid value: "object.": compilation failed: '],
        ),
        (policy({"expression": "1 + 1"}), ['spec.validations[0].expression: Invalid value: "1 + 1": ']),
        (policy({"expression": "self.x"}), ['spec.validations[0].expression: Invalid value: "self.x": ']),
        (
            policy({"expression": "true", "messageExpression": "1"}),
            ['spec.validations[0].messageExpression: Invalid value: "1": '],
        ),
        (policy({"expression": "true", "message": "a\nb"}), ["spec.validations[0].message: Invalid value: "]),
        (policy({"expression": "true", "reason": "Bad"}), ['spec.validations[0].reason: Unsupported value: "Bad"']),
        (
            policy(matchConditions=[{"expression": "true"}]),
            ["spec.matchConditions[0].name: Required"],
        ),
        (
            policy(variables=[{"name": "a", "expression": "("}]),
            ['spec.variables[0].expression: Invalid value: "(": compilation failed: '],
        ),
        (
            policy(matchConstraints={"resourceRules": [{}], "matchPolicy": "Some"}),
            [
                'spec.matchConstraints.matchPolicy: Unsupported value: "Some"',
                "spec.matchConstraints.resourceRules[0].operations: Required",
                "spec.matchConstraints.resourceRules[0].apiGroups: Required",
                "spec.matchConstraints.resourceRules[0].apiVersions: Required",
                "spec.matchConstraints.resourceRules[0].resources: Required",
            ],
        ),
        (
            policy(matchConstraints={"resourceRules": [{**RULE, "operations": ["*", "READ"], "scope": "Here"}]}),
            [
                'spec.matchConstraints.resourceRules[0].operations: Invalid value: ["*","READ"]: ',
                'spec.matchConstraints.resourceRules[0].operations[1]: Unsupported value: "READ"',
                'spec.matchConstraints.resourceRules[0].scope: Unsupported value: "Here"',
            ],
        ),
    ],
)
def test_policies_that_make_no_sense(body: dict[str, Any], expected: list[str]) -> None:
    found = faults(POLICY, body)
    assert len(found) == len(expected), found
    for fault, start in zip(found, expected, strict=True):
        assert fault.startswith(start)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (bound(), []),
        (bound(validationActions=["Warn", "Audit"]), []),
        (bound(paramRef={"name": "x", "parameterNotFoundAction": "Deny"}), []),
        (bound(paramRef={"selector": {}, "parameterNotFoundAction": "Allow"}), []),
        (bound(policyName=""), ["spec.policyName: Required"]),
        (bound(validationActions=[]), ["spec.validationActions: Required"]),
        (
            bound(validationActions=["Deny", "Warn"]),
            ['spec.validationActions: Invalid value: ["Deny","Warn"]: must not'],
        ),
        (bound(validationActions=["Shout"]), ['spec.validationActions[0]: Unsupported value: "Shout"']),
        (
            bound(paramRef={}),
            ["spec.paramRef: Required", "spec.paramRef.parameterNotFoundAction: Required"],
        ),
        (
            bound(paramRef={"name": "x", "selector": {}, "parameterNotFoundAction": "Maybe"}),
            [
                'spec.paramRef.name: Invalid value: "x": name and selector',
                'spec.paramRef.parameterNotFoundAction: Unsupported value: "Maybe"',
            ],
        ),
    ],
)
def test_what_a_binding_has_to_say(body: dict[str, Any], expected: list[str]) -> None:
    found = faults(BINDING, body)
    assert len(found) == len(expected), found
    for fault, start in zip(found, expected, strict=True):
        assert fault.startswith(start)
