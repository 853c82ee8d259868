"""Field selectors: conditions on a few fields that a kind declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.refusals import bad_request

_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_PLACE = ("metadata.name", "metadata.namespace")

_BUILT_IN: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "namespaces"): ("metadata.name", "status.phase"),
    ("", "secrets"): (*_PLACE, "type"),
    ("", "services"): (*_PLACE, "spec.clusterIP", "spec.type"),
    ("", "events"): (
        *(f"involvedObject.{name}" for name in _REFERENCE),
        *(*_PLACE, "reason", "reportingComponent", "source", "type"),
    ),
    ("events.k8s.io", "events"): (
        *(f"regarding.{name}" for name in _REFERENCE),
        *(*_PLACE, "reason", "reportingController", "type"),
    ),
}


class Term(NamedTuple):
    """One condition: a field's text is, or is not, the value."""

    field: str
    equal: bool
    value: str


class FieldSelector(NamedTuple):
    """Conditions that must all hold."""

    terms: tuple[tuple[Term, Callable[[dict[str, Any]], str]], ...]

    def matches(self, value: dict[str, Any]) -> bool:
        """Whether an object, as its kind shows it, fulfils every condition."""
        return all((read(value) == term.value) == term.equal for term, read in self.terms)


NOTHING_ASKED = FieldSelector(())


def parse_fields(text: str, kind: Kind) -> FieldSelector:
    """The selector that ``text`` writes down, with fields of ``kind``. Raises ``ApiFailure`` 400."""
    terms = [_term(part, text) for part in _split(text) if part.strip()]
    return FieldSelector(tuple((term, _reader(term.field, kind)) for term in terms)) if terms else NOTHING_ASKED


def _split(text: str) -> list[str]:
    """The terms; a backslash takes a comma its meaning."""
    parts, current, escaped = [], "", False
    for character in text:
        if character == "," and not escaped:
            parts.append(current)
            current = ""
        else:
            current += character
        escaped = character == "\\" and not escaped
    return [*parts, current]


def _term(part: str, whole: str) -> Term:
    for sign, equal in (("!=", False), ("==", True), ("=", True)):
        field, found, value = part.partition(sign)
        if found:
            unescaped = value.replace("\\,", ",").replace("\\=", "=").replace("\\\\", "\\")
            return Term(field.strip(), equal, unescaped)
    raise bad_request(f"invalid selector: '{whole}'; can't understand '{part}'")


def _reader(field: str, kind: Kind) -> Callable[[dict[str, Any]], str]:
    own = _BUILT_IN.get((kind.group, kind.plural))
    place = _PLACE if kind.namespaced else ("metadata.name",)
    known = own or (*place, *kind.selectable)
    if field not in known:
        if own or kind.custom:
            raise bad_request(f"field label not supported: {field}")
        raise bad_request(f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"')
    path = field.split(".")

    def read(value: dict[str, Any]) -> str:
        found: Any = value
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        if isinstance(found, bool):
            return "true" if found else "false"
        return "" if found is None else str(found)

    return read
