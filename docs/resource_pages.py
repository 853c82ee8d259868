"""The pages about config repositories: their rules, their kinds and fields."""

from __future__ import annotations

from collections.abc import Iterator

from page_parts import NOTE, table

from krate_gitops.resources import shapes
from krate_gitops.resources.kinds.inventory import KINDS, MODELS, Kind
from krate_gitops.resources.permissions.reasons import REASONS
from krate_gitops.resources.rules.elsewhere import ELSEWHERE, REASON_CODES
from krate_gitops.resources.rules.table import RULES
from krate_gitops.resources.shapes import Field, Object, Sequence, Shape, Table, shape_of


def config_rules_page() -> str:
    """Every rule of config repositories, and every reason of the permission review."""
    rows = (
        (f'<a id="{rule.code.lower()}"></a>{rule.code}', rule.name, rule.effect.value, rule.checks, rule.hint)
        for rule in RULES.values()
    )
    return (
        f"# Rules of config repositories\n\n{NOTE}\n"
        "Effects: reject, the revision is refused as a whole; stop, the pass ends; block, the object is applied but\n"
        "not ready; warn, it is reported. Reports count reject and stop as errors, the others as warnings.\n\n"
        + table(("Code", "Name", "Effect", "What must hold", "What to do"), rows)
        + "\n## Found elsewhere\n\n"
        "Files alone don't decide these. hold: the object isn't applied, others are; refuse: a change to Git isn't "
        "made.\n\n"
        + table(("Code", "Effect", "What must hold", "Found by"), _elsewhere_rows())
        + "\n## Reasons of the permission review\n\n"
        "A condition of the stack is False where a reason blocks readiness, with the reason that is named here.\n\n"
        + table(("Reason", "Means", "Dispatch", "Condition", "Condition's reason", "Code"), _reason_rows())
    )


def _elsewhere_rows() -> Iterator[tuple[str, ...]]:
    for one in ELSEWHERE.values():
        yield f'<a id="{one.code.lower()}"></a>{one.code}', one.effect.value, one.says, one.finder.value


def _reason_rows() -> Iterator[tuple[str, ...]]:
    for kind in REASONS.values():
        code = REASON_CODES.get(kind.code, "")
        link = f"[{code}](#{code.lower()})" if code else ""
        dispatch = "denied" if kind.blocking else kind.severity
        yield kind.code, kind.says, dispatch, kind.condition, kind.condition_reason, link


def kinds_page() -> str:
    """Every kind, and the fields of those that are written in Git."""
    rows = (
        (
            f"[{kind.name}](#{kind.name.lower()})" if kind.spec else kind.name,
            f"`{kind.plural}`",
            ", ".join(f"`{short}`" for short in kind.short),
            _AUTHORS[kind.author.value],
            kind.tier.value,
        )
        for kind in KINDS.values()
    )
    parts = [
        f"# Kinds\n\n{NOTE}\n"
        "Tier M is used by this program first, L is validated now and used later, X is validated and applied only;\n"
        "memory kinds belong to company brains. Editors get the same from `krate-gitops config schema`.\n",
        table(("Kind", "Plural", "Short", "Written in", "Tier"), rows),
        *(_kind_section(kind) for kind in MODELS.values()),
    ]
    return "\n".join(parts)


_AUTHORS = {"G": "config repositories", "P": "platform sources", "C": "by controllers"}


def _kind_section(kind: Kind) -> str:
    if kind.spec is None:
        return ""
    shape = shape_of(kind.spec)
    rows = list(_field_rows(shape, ""))
    return f"## {kind.name}\n\n{shape.description}\n\n{table(('Field', 'Type', 'Default', 'Rule'), rows)}"


def _field_rows(shape: Object, above: str) -> Iterator[tuple[str, ...]]:
    for field in shape.fields.values():
        inner, brackets = field.shape, ""
        while isinstance(inner, Sequence):
            inner, brackets = inner.items, brackets + "[]"
        name = f"{above}{field.name}{brackets}"
        if isinstance(inner, Object):
            if field.required:
                yield f"`{name}`", "object", "required", inner.description
            yield from _field_rows(inner, f"{name}.")
        else:
            yield f"`{name}`", _type_of(inner), _default_of(field), _rule_of(inner, field)


def _type_of(shape: Shape) -> str:
    if isinstance(shape, shapes.Text):
        choices = " | ".join(f"`{choice}`" for choice in shape.choices)
        return choices or (f"name of [{shape.ref}](#{shape.ref.lower()})" if shape.ref else "text")
    if isinstance(shape, shapes.Number):
        return "integer" if shape.integer else "number"
    if isinstance(shape, Table):
        return f"map of {_type_of(shape.values)}"
    return "boolean" if isinstance(shape, shapes.Flag) else "anything"


def _default_of(field: Field) -> str:
    if field.required:
        return "required"
    if not field.has_default or field.default in ([], {}):
        return ""
    values = field.default if isinstance(field.default, list) else [field.default]
    return ", ".join(f"`{str(one).lower() if isinstance(one, bool) else one}`" for one in values)


def _rule_of(shape: Shape, field: Field) -> str:
    said = field.shape.description or shape.description
    bounds = ""
    if isinstance(shape, shapes.Number) and shape.most is not None:
        bounds = f"{shape.least} to {shape.most}"
    elif isinstance(shape, shapes.Number) and shape.least is not None:
        bounds = f"at least {shape.least}"
    if isinstance(shape, shapes.Text) and shape.ref:
        said = "" if said.startswith("Name of an ") else said
    return " ".join(one for one in (said, f"{bounds}." if bounds else "") if one)
