"""Rules of schemas in CEL (``x-kubernetes-validations``): compiled with the schema, run on its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from krate_gitops.cluster.dev.schemas.expressions import RULE, Expression, ExpressionError, compiled
from krate_gitops.cluster.dev.schemas.faults import OMITTED, Fault, shown
from krate_gitops.cluster.dev.schemas.sameness import MISSING_BEFORE, before_items, before_member
from krate_gitops.cluster.equality import is_same

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.schemas.node import Node

_LONGEST_MESSAGE: Final = 5 * 1024
_WORDS: Final = {
    "FieldValueInvalid": "Invalid value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
}
_BLOCKING: Final = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
NOT_RUN: Final = Fault(
    "FieldValueInvalid",
    "<nil>",
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation",
)


class Rule:
    """One rule of a node. Raises ``ExpressionError`` for what can't be compiled."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.text = str(raw.get("rule") or "").strip()
        self.takes_no_old = bool(raw.get("optionalOldSelf"))
        self.expression: Expression = rule_expression(self.text, "BOOL", optional=self.takes_no_old)
        self.message = str(raw.get("message") or "").strip()
        said = raw.get("messageExpression")
        self.message_expression: Expression | None = (
            rule_expression(str(said), "STRING", optional=self.takes_no_old) if said else None
        )
        self.reason = str(raw.get("reason") or "FieldValueInvalid")
        self.field_path = str(raw.get("fieldPath") or "")
        self.is_transition = self.expression.mentions("oldSelf")


def rule_expression(text: str, wanted: str, *, optional: bool) -> Expression:
    """The compiled expression of a rule. Raises ``ExpressionError``.

    Where the value before may be missing (``optional``), ``oldSelf`` is given as a list of none or one of it, because
    the library takes no optional values.
    """
    if not optional:
        return compiled(text, RULE, wanted)
    # Compiled alone first: what is wrong with it is told in its own words and places.
    compiled(text, RULE, wanted)
    bound = "cel.bind(oldSelf, oldSelf == [] ? optional.none() : optional.of(oldSelf[0])"
    return compiled(f"{bound}, {text}\n)", RULE, wanted)


def blocks(faults: list[Fault]) -> bool:
    """Whether faults keep rules from running: types may be wrong, or values too large."""
    return any(fault.reason in _BLOCKING for fault in faults)


def check_rules(node: Node, value: Any, old: Any, path: str, faults: list[Fault]) -> None:
    """Adds what the rules of a node and of those below it find. ``old`` is the value before, or ``MISSING_BEFORE``."""
    if not node.has_rules or value is None:
        return
    if node.rules:
        _check_own(node, value, old, path, faults)
    start = f"{path}." if path else ""
    if isinstance(value, dict):
        for name, member in value.items():
            child = node.child(name)
            if child is not None and child.has_rules:
                check_rules(child, member, before_member(old, name), _member(node, start, path, name), faults)
    elif isinstance(value, list) and node.items is not None:
        for index, (item, before) in enumerate(zip(value, before_items(node, old, value), strict=True)):
            check_rules(node.items, item, before, f"{path}[{index}]", faults)


def _member(node: Node, start: str, path: str, name: str) -> str:
    return start + name if name in node.properties else f"{path}[{name}]"


def _check_own(node: Node, value: Any, old: Any, path: str, faults: list[Fault]) -> None:
    is_new = old is MISSING_BEFORE
    is_kept = not is_new and is_same(value, old)
    variables: dict[str, Any] | None = None
    maybe: list[Any] = []
    for raw in node.rules:
        rule: Rule = raw
        if rule.is_transition:
            if is_new and not rule.takes_no_old:
                continue
        elif is_kept:
            continue
        if variables is None:
            variables = {"self": for_cel(node, value)}
            maybe = [] if is_new else [for_cel(node, old)]
            if not is_new:
                variables["oldSelf"] = maybe[0]
        why = _verdict(rule, {**variables, "oldSelf": maybe} if rule.takes_no_old else variables)
        if why:
            faults.append(_fault(rule, value, path, why))


def _verdict(rule: Rule, variables: dict[str, Any]) -> str:
    """What is wrong; empty if the rule holds."""
    shown_rule = rule.message or f"failed rule: {rule.text}"
    try:
        if rule.expression.evaluate(variables) is True:
            return ""
    except ExpressionError as problem:
        if str(problem) == "no such overload":
            return (
                "'no such overload: call arguments did not match a supported operator, function or macro signature' "
                f"for rule: {rule.message or rule.text}"
            )
        return f"{problem} evaluating rule: {rule.message or rule.text}"
    if rule.message_expression is not None:
        try:
            said = rule.message_expression.evaluate(variables)
        except ExpressionError:
            said = None
        if isinstance(said, str) and said.strip() and "\n" not in said and len(said) <= _LONGEST_MESSAGE:
            return said.strip()
    return shown_rule


def _fault(rule: Rule, value: Any, path: str, why: str) -> Fault:
    field = (path + rule.field_path.replace("['", "[").replace("']", "]")).lstrip(".") or "<nil>"
    word = _WORDS.get(rule.reason, "Invalid value")
    of_object = isinstance(value, (dict, list)) or rule.field_path
    parts = [word]
    if rule.reason in ("FieldValueInvalid", "FieldValueDuplicate") and not of_object and value is not OMITTED:
        parts.append(shown(value))
    return Fault(rule.reason, field, ": ".join([*parts, why]))


_ESCAPED: Final = {"_": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_RESERVED: Final = frozenset({
    "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let",
    "loop", "package", "namespace", "return", "var", "void", "while",
})  # fmt: skip


def escaped(name: str) -> str:
    """The name of a field as expressions write it."""
    if name in _RESERVED:
        return f"__{name}__"
    text = name.replace("__", "\0")
    text = "".join(_ESCAPED.get(each, each) if each != "_" else "_" for each in text)
    return text.replace("\0", _ESCAPED["_"])


def for_cel(node: Node | None, value: Any) -> Any:
    """A value as expressions see it: with names escaped."""
    if node is None or not node.is_special:
        return value
    if isinstance(value, dict):
        names = node.properties
        return {
            (escaped(name) if name in names else name): for_cel(node.child(name), item) for name, item in value.items()
        }
    if isinstance(value, list):
        return [for_cel(node.items, item) for item in value]
    return value
