"""Admission policies and their bindings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from krate_gitops.cluster.dev.access.admission_policy import compile_condition, compile_text, compile_value
from krate_gitops.cluster.dev.builtin.fields import (
    Schema,
    atomic,
    keyed,
    kind_schema,
    list_of,
    mapping,
    number,
    pointer,
    record,
    set_of,
    text,
)
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.expressions import ExpressionError
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, not_supported, required

Object = dict[str, Any]

_GROUP = "admissionregistration.k8s.io"
_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_ACTIONS = ("Audit", "Deny", "Warn")
_MOST = 64

_EXPRESSION_LIST = keyed(record({"name": text(), "expression": text()}, ("name", "expression")), "name")
_REQUIREMENT = record({"key": text(), "operator": text(), "values": list_of(text())}, ("key", "operator"))
_SELECTOR = pointer(
    atomic(record({"matchLabels": mapping(text()), "matchExpressions": list_of(_REQUIREMENT)})),
)
_RULE = atomic(
    record({
        "resourceNames": list_of(text()), "operations": list_of(text()), "apiGroups": list_of(text()),
        "apiVersions": list_of(text()), "resources": list_of(text()), "scope": text(),
    })
)  # fmt: skip
_MATCH = pointer(
    atomic(
        record({
            "namespaceSelector": _SELECTOR, "objectSelector": _SELECTOR, "resourceRules": list_of(_RULE),
            "excludeResourceRules": list_of(_RULE), "matchPolicy": text(),
        })
    )
)  # fmt: skip
_VALIDATION = record(
    {"expression": text(), "message": text(), "reason": text(), "messageExpression": text()}, ("expression",)
)
_PARAM_KIND = pointer(atomic(record({"apiVersion": text(), "kind": text()})))
_PARAM_REF = pointer(
    atomic(record({
        "name": text(), "namespace": text(), "selector": _SELECTOR, "parameterNotFoundAction": text(),
    }))
)  # fmt: skip
_POLICY: Schema = record({
    "paramKind": _PARAM_KIND,
    "matchConstraints": _MATCH,
    "validations": list_of(_VALIDATION),
    "failurePolicy": text(),
    "auditAnnotations": list_of(record({"key": text(), "valueExpression": text()})),
    "matchConditions": _EXPRESSION_LIST,
    "variables": _EXPRESSION_LIST,
})  # fmt: skip
_BINDING: Schema = record({
    "policyName": text(), "paramRef": _PARAM_REF, "matchResources": _MATCH,
    "validationActions": set_of(text(), merges=False),
})  # fmt: skip


def _default_policy(new: Object) -> Object:
    spec = {"failurePolicy": "Fail", **(new.get("spec") or {})}
    if spec.get("matchConstraints") is not None:
        spec["matchConstraints"] = _default_match(spec["matchConstraints"])
    return {**new, "spec": spec}


def _default_binding(new: Object) -> Object:
    spec = dict(new.get("spec") or {})
    if spec.get("matchResources") is not None:
        spec["matchResources"] = _default_match(spec["matchResources"])
    return {**new, "spec": spec}


def _default_match(match: Object) -> Object:
    found = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}, **match}
    for name in ("resourceRules", "excludeResourceRules"):
        if found.get(name):
            found[name] = [{**rule, "scope": rule.get("scope") or "*"} for rule in found[name]]
    return found


def _prepare_policy(new: Object, old: Object | None, subresource: str) -> Object:
    """A status is always written."""
    return new if new.get("status") is not None else {**new, "status": {}}


def _validate_policy(new: Object, old: Object | None) -> list[Fault]:
    spec: Object = new.get("spec") or {}
    faults = _match_faults(spec.get("matchConstraints"), "spec.matchConstraints")
    if not spec.get("matchConstraints"):
        faults.append(required("spec.matchConstraints"))
    elif not spec["matchConstraints"].get("resourceRules"):
        faults.append(required("spec.matchConstraints.resourceRules"))
    if spec.get("failurePolicy") not in ("Fail", "Ignore"):
        faults.append(not_supported("spec.failurePolicy", spec.get("failurePolicy") or "", ("Fail", "Ignore")))
    if spec.get("paramKind") is not None:
        faults += [
            required(f"spec.paramKind.{name}") for name in ("apiVersion", "kind") if not spec["paramKind"].get(name)
        ]
    for name, wants in (("matchConditions", compile_condition), ("variables", compile_value)):
        for index, one in enumerate(spec.get(name) or ()):
            field = f"spec.{name}[{index}]"
            if not one.get("name"):
                faults.append(required(f"{field}.name"))
            faults += _expression_faults(one.get("expression"), f"{field}.expression", wants)
    if not spec.get("validations") and not spec.get("auditAnnotations"):
        faults.append(required("spec.validations", "validations or auditAnnotations must contain at least one item"))
    for index, one in enumerate(spec.get("validations") or ()):
        faults += _validation_faults(one, f"spec.validations[{index}]")
    return faults


def _validation_faults(one: Object, field: str) -> list[Fault]:
    faults = _expression_faults(one.get("expression"), f"{field}.expression", compile_condition)
    if one.get("messageExpression"):
        faults += _expression_faults(one["messageExpression"], f"{field}.messageExpression", compile_text)
    if "\n" in (one.get("message") or "").strip():
        faults.append(invalid_value(f"{field}.message", one["message"], "message must not contain line breaks"))
    if one.get("reason") and one["reason"] not in _REASONS:
        faults.append(not_supported(f"{field}.reason", one["reason"], _REASONS))
    return faults


def _expression_faults(expression: str | None, field: str, compile_it: Any) -> list[Fault]:
    if not (expression or "").strip():
        return [required(field, "expression is not specified")]
    try:
        compile_it(expression)
    except ExpressionError as error:
        told = str(error)
        prefix = "" if told.startswith("compilation failed: ") else "compilation failed: "
        return [invalid_value(field, expression, f"{prefix}{told}")]
    return []


def _match_faults(match: Object | None, field: str) -> list[Fault]:
    faults: list[Fault] = []
    if match is None:
        return faults
    if match.get("matchPolicy") not in ("Exact", "Equivalent"):
        faults.append(not_supported(f"{field}.matchPolicy", match.get("matchPolicy") or "", ("Equivalent", "Exact")))
    for name in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(match.get(name) or ()):
            faults += _rule_faults(rule, f"{field}.{name}[{index}]")
    return faults


def _rule_faults(rule: Object, field: str) -> list[Fault]:
    faults = []
    for name in ("operations", "apiGroups", "apiVersions", "resources"):
        values: list[str] = rule.get(name) or []
        if not values:
            faults.append(required(f"{field}.{name}"))
        if "*" in values and len(values) > 1 and name != "resources":
            detail = "if '*' is present, must not specify other " + _WORDS[name]
            faults.append(invalid_value(f"{field}.{name}", values, detail))
    faults += _unsupported(rule.get("operations") or (), _OPERATIONS, f"{field}.operations")
    if rule.get("scope") not in ("*", "Cluster", "Namespaced"):
        faults.append(not_supported(f"{field}.scope", rule.get("scope") or "", ("*", "Cluster", "Namespaced")))
    return faults


_WORDS = {"operations": "operations", "apiGroups": "api groups", "apiVersions": "api versions"}


def _unsupported(values: Iterable[str], allowed: tuple[str, ...], field: str) -> list[Fault]:
    return [
        not_supported(f"{field}[{index}]", value, allowed) for index, value in enumerate(values) if value not in allowed
    ]


def _validate_binding(new: Object, old: Object | None) -> list[Fault]:
    spec: Object = new.get("spec") or {}
    faults = [] if spec.get("policyName") else [required("spec.policyName")]
    faults += _match_faults(spec.get("matchResources"), "spec.matchResources")
    actions: list[str] = spec.get("validationActions") or []
    if not actions:
        faults.append(required("spec.validationActions"))
    faults += _unsupported(actions, _ACTIONS, "spec.validationActions")
    if "Deny" in actions and "Warn" in actions:
        detail = (
            "must not contain both Deny and Warn (repeating the same validation failure information in the API "
            "response and headers serves no purpose)"
        )
        faults.append(invalid_value("spec.validationActions", actions, detail))
    reference = spec.get("paramRef")
    if reference is not None:
        faults += _reference_faults(reference)
    return faults


def _reference_faults(reference: Object) -> list[Fault]:
    faults = []
    named, selected = bool(reference.get("name")), reference.get("selector") is not None
    if named and selected:
        faults.append(
            invalid_value("spec.paramRef.name", reference["name"], "name and selector are mutually exclusive")
        )
    elif not named and not selected:
        faults.append(required("spec.paramRef", "one of name or selector must be specified"))
    action = reference.get("parameterNotFoundAction")
    if not action:
        faults.append(required("spec.paramRef.parameterNotFoundAction"))
    elif action not in ("Allow", "Deny"):
        faults.append(not_supported("spec.paramRef.parameterNotFoundAction", action, ("Deny", "Allow")))
    return faults


def _spec(value: Object) -> Object:
    spec: Object = value.get("spec") or {}
    return spec


def _param_kind(value: Object) -> str:
    kind = _spec(value).get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"


def _param_ref(value: Object) -> str:
    reference = _spec(value).get("paramRef")
    if not reference:
        return "<unset>"
    namespace = reference.get("namespace") or "*"
    return f"{namespace}/{reference.get('name') or '*'}"


KINDS: tuple[BuiltIn, ...] = (
    built_in(
        _GROUP, "v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies",
        kind_schema({"spec": _POLICY, "status": record({"observedGeneration": number("int64")})}),
        categories=("api-extensions",), namespaced=False, has_generation=True, has_status=True, subresources=(STATUS,),
        default_kind=_default_policy, prepare_kind=_prepare_policy, validate_kind=_validate_policy,
        columns=(
            NAME,
            column("Validations", lambda value: len(_spec(value).get("validations") or ()), kind="integer"),
            column("ParamKind", _param_kind),
            age(),
        ),
    ),
    built_in(
        _GROUP, "v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings",
        kind_schema({"spec": _BINDING}),
        categories=("api-extensions",), namespaced=False, has_generation=True,
        default_kind=_default_binding, validate_kind=_validate_binding,
        columns=(
            NAME,
            column("PolicyName", lambda value: _spec(value).get("policyName", "")),
            column("ParamRef", _param_ref),
            age(),
        ),
    ),
)  # fmt: skip
