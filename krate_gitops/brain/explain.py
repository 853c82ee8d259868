"""Rules and kinds explained to people, each with a good and a bad example."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from krate_gitops.brain.examples import EXAMPLES
from krate_gitops.brain.model import EdgeKind, NodeKind, Ontology
from krate_gitops.brain.ontology import load_ontology
from krate_gitops.brain.rules.table import RULES, Rule
from krate_gitops.brain.seed import base_ontology
from krate_gitops.errors import UsageError

_FOLDER_OF_MARKDOWN = ("runbooks/", "decisions/", "incidents/", "repositories/", "pages/", "agents/", "babysitter/")


def explain(name: str, ontology: Ontology | None = None) -> dict[str, Any]:
    """What a rule (by code or name) or a kind of node or edge is about.

    Kinds are those of the base ontology unless another is given. Raises ``UsageError(INVALID_REQUEST)`` for a name that
    means nothing.
    """
    rule = RULES.get(name.upper()) or next((rule for rule in RULES.values() if rule.name == name), None)
    if rule is not None:
        return _rule(rule)
    ontology = ontology or load_ontology(base_ontology())
    if name in ontology.node_kinds:
        return _node_kind(ontology.node_kinds[name])
    if name in ontology.edge_kinds:
        return _edge_kind(ontology.edge_kinds[name], ontology)
    known = [*RULES, *(rule.name for rule in RULES.values()), *ontology.node_kinds, *ontology.edge_kinds]
    near = get_close_matches(name, known, 1)
    raise UsageError(
        "INVALID_REQUEST",
        f"{name[:80]!r} is no rule and no kind of the base ontology",
        hint=f"did you mean {near[0]}?" if near else "give a code such as KB038, or a name such as Runbook or owned_by",
    )


def _rule(rule: Rule) -> dict[str, Any]:
    good, bad = EXAMPLES[rule.code]
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.label,
        "checks": rule.checks,
        "hint": rule.hint,
        "profiles": sorted(rule.profiles),
        "locked": rule.locked,
        "good": good,
        "bad": bad,
    }


def _node_kind(kind: NodeKind) -> dict[str, Any]:
    identifier = kind.examples[0] if kind.examples else f"{kind.id_prefix}:example"
    attributes = {name: attribute.type for name, attribute in kind.attributes.items()}
    return {
        "kind": kind.name,
        "description": kind.description,
        "idPrefix": kind.id_prefix,
        "paths": list(kind.paths),
        "forms": list(kind.forms),
        "required": list(kind.required),
        "attributes": [f"{name}: {form}" for name, form in attributes.items()],
        "good": f"{_home(kind)}: id {identifier}",
        "bad": f"{_home(kind)}: id {identifier.partition(':')[2] or 'example'}, whose prefix is missing",
    }


def _home(kind: NodeKind) -> str:
    """A path where a record of the kind may stand."""
    pattern = kind.paths[0]
    ending = "md" if pattern.startswith(_FOLDER_OF_MARKDOWN) and "markdown" in kind.forms else "yaml"
    return pattern.replace("**", f"example.{ending}").replace("*", "example")


def _edge_kind(kind: EdgeKind, ontology: Ontology) -> dict[str, Any]:
    outsider = next((name for name in ontology.node_kinds if "*" not in kind.domain and name not in kind.domain), None)
    bad = (
        f"an edge {kind.name} that starts at a {outsider}"
        if outsider
        else f"an edge {kind.name} back to its own record"
    )
    return {
        "edgeKind": kind.name,
        "description": kind.description,
        "domain": list(kind.domain),
        "range": list(kind.range),
        "external": list(kind.external),
        "inverse": kind.inverse,
        "traverse": kind.traverse,
        "good": kind.examples[0] if kind.examples else f"a record of {kind.domain[0]} {kind.name} one of its range",
        "bad": bad,
    }
