"""One ValidatingAdmissionPolicy, compiled: what it asks of a write, and what it says when it isn't met."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.cluster.dev.access.admission_matching import MatchResources, Write
from krate_gitops.cluster.dev.access.reader import Object
from krate_gitops.cluster.dev.schemas.expressions import Expression, ExpressionError, compiled

_LONGEST_MESSAGE = 5 * 1024
_NAMES = ("object", "oldObject", "request", "params", "namespaceObject", "variables")
_NO_COPY = ("managedFields",)


def compile_condition(text: str) -> Expression:
    """An expression that is true or false. Raises ExpressionError."""
    return compiled(text, names=_NAMES, wanted="BOOL")


def compile_text(text: str) -> Expression:
    """An expression that is a text. Raises ExpressionError."""
    return compiled(text, names=_NAMES, wanted="STRING")


def compile_value(text: str) -> Expression:
    """An expression of any type. Raises ExpressionError."""
    return compiled(text, names=_NAMES)


class Denial(msgspec.Struct, frozen=True):
    """One rule that is not met; an empty ``reason`` is that of an invalid object."""

    message: str
    reason: str = ""


class PolicyError(Exception):
    """A policy that can't be asked: an expression that makes no sense, or fails outside of a rule."""


class Validation:
    """One rule of a policy."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.text = str(raw.get("expression") or "").strip()
        self.expression: Expression = compile_condition(self.text)
        self.message = str(raw.get("message") or "").strip()
        said = raw.get("messageExpression")
        self.message_expression: Expression | None = compile_text(said) if said else None
        self.reason = str(raw.get("reason") or "")

    def denial(self, variables: Mapping[str, Any], *, fails: bool) -> Denial | None:
        """Why the rule is not met, or None. ``fails``: an expression that can't be evaluated is not met either."""
        try:
            outcome = self.expression.evaluate(variables)
        except ExpressionError as error:
            told = f"expression '{self.text}' resulted in error: {error}"
            return Denial(told) if fails else None
        return None if outcome is True else Denial(self._told(variables), self.reason)

    def _told(self, variables: Mapping[str, Any]) -> str:
        if self.message_expression is not None:
            try:
                told = self.message_expression.evaluate(variables)
            except ExpressionError:
                told = None
            if isinstance(told, str) and told.strip() and "\n" not in told.strip() and len(told) <= _LONGEST_MESSAGE:
                return told.strip()
        return self.message or f"failed expression: {self.text}"


class Policy:
    """A stored policy. ``error`` says what is wrong with one that can't be compiled; it then denies or is skipped."""

    def __init__(self, stored: Object) -> None:
        spec: Mapping[str, Any] = stored.get("spec") or {}
        self.name: str = stored["metadata"]["name"]
        self.matches = MatchResources(spec.get("matchConstraints") or {})
        self.fails = spec.get("failurePolicy") != "Ignore"
        self.param_kind: Mapping[str, str] | None = spec.get("paramKind")
        self.error = ""
        self._conditions: list[tuple[str, Expression]] = []
        self._variables: list[tuple[str, Expression]] = []
        self._validations: list[Validation] = []
        try:
            for raw in spec.get("matchConditions") or ():
                self._conditions.append((raw["name"], compile_condition(raw["expression"])))
            for raw in spec.get("variables") or ():
                self._variables.append((raw["name"], compile_value(raw["expression"])))
            self._validations = [Validation(raw) for raw in spec.get("validations") or ()]
        except ExpressionError as error:
            self.error = f"compilation error: {error}"

    def denials(self, variables: dict[str, Any]) -> list[Denial]:
        """The rules that are not met, in the order of the policy. Raises PolicyError if conditions can't be evaluated.

        ``variables`` are those of ``write_variables``, with ``params`` and ``namespaceObject``.
        """
        if not self._applies(variables):
            return []
        if self._variables:
            variables = {**variables, "variables": self._computed(variables)}
        found = (rule.denial(variables, fails=self.fails) for rule in self._validations)
        return [denial for denial in found if denial is not None]

    def _applies(self, variables: Mapping[str, Any]) -> bool:
        """Whether all match conditions hold. One that doesn't counts more than one that fails."""
        problem = ""
        for name, condition in self._conditions:
            try:
                if condition.evaluate(variables) is not True:
                    return False
            except ExpressionError as error:
                problem = problem or f"matchCondition '{name}' resulted in error: {error}"
        if problem:
            raise PolicyError(problem)
        return True

    def _computed(self, variables: dict[str, Any]) -> dict[str, Any]:
        """The policy's own variables; each may use those before it. One that fails is missing for those who use it."""
        own: dict[str, Any] = {}
        for name, expression in self._variables:
            try:
                own[name] = expression.evaluate({**variables, "variables": dict(own)})
            except ExpressionError:
                continue
        return own


def write_variables(write: Write) -> dict[str, Any]:
    """What expressions know of a write: ``object``, ``oldObject`` and ``request``."""
    kind = {"group": write.group, "version": write.version, "kind": write.kind}
    resource = {"group": write.group, "version": write.version, "resource": write.resource}
    request = {
        "kind": kind,
        "resource": resource,
        "subResource": write.subresource,
        "requestKind": kind,
        "requestResource": resource,
        "requestSubResource": write.subresource,
        "name": write.name,
        "namespace": write.namespace,
        "operation": write.operation,
        "userInfo": {"groups": [], "extra": {}, "uid": "", **write.user.info()},
        "dryRun": write.dry_run,
        "options": {},
    }
    return {"object": _shown(write.object), "oldObject": _shown(write.old), "request": request, "variables": {}}


def _shown(value: Object | None) -> Object | None:
    """Without what expressions never ask for and what would cost most to hand over."""
    if value is None or not any(name in value["metadata"] for name in _NO_COPY):
        return value
    metadata = {name: item for name, item in value["metadata"].items() if name not in _NO_COPY}
    return {**value, "metadata": metadata}
