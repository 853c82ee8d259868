"""Rules that look at one record: one rule, one function, in a table.

A rule returns an empty tuple when it has nothing to say, which is nearly always; no rule makes anything before it knows
that something is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from krate_gitops.brain.attribute_types import expected, term_of
from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Finding, Severity
from krate_gitops.brain.ontology.lookup import OntologyIndex
from krate_gitops.brain.rules.plan import KindPlan, RecordCase, Terms
from krate_gitops.brain.rules.run_memory import RUN_RULES, applies
from krate_gitops.brain.rules.secret_metadata import secret_metadata

RecordRule = Callable[[RecordCase], Iterable[Finding]]

NOTHING: tuple[Finding, ...] = ()
_CITING_EDGES = frozenset(("learned_from", "derived_from"))
_FORMS = {"graph": "graph YAML", "markdown": "Markdown"}


def path_policy(case: RecordCase) -> Iterable[Finding]:
    """KB011: the kind is at home at the path and may have the form."""
    node, form = case.plan.node, case.record.form
    if node is None or form == "note":
        return NOTHING
    if form not in node.forms:
        return [
            _misplaced(case, f"{node.name} may not be written as {_FORMS[form]}", "allowed: " + ", ".join(node.forms))
        ]
    if case.plan.index.path_fits(node.name, case.file.path):
        return NOTHING
    folder = case.file.path.rpartition("/")[0]
    return [_misplaced(case, f"{node.name} may not live under {folder}/", "at home in " + ", ".join(node.paths))]


def _misplaced(case: RecordCase, message: str, hint: str) -> Finding:
    return case.finding("KB011", message, "nodeKind" if case.record.form == "graph" else "kind", hint=hint)


def required_fields(case: RecordCase) -> Iterable[Finding]:
    """KB020: base fields and those of the kind are there. What parsing found unreadable is there."""
    record, plan = case.record, case.plan
    attributes = record.attributes
    complete = all(plan.members(record))
    for name in plan.required_attributes:
        if attributes.get(name) in _ABSENT:
            complete = False
    if complete or record.patch:
        return NOTHING
    missing = [name for name, value in zip(plan.required_members, plan.members(record), strict=True) if not value]
    missing += [name for name in plan.required_attributes if attributes.get(name) in _ABSENT]
    return [
        _missing(case, name) for name in missing if not case.is_reported(case.field(name)) and not _is_body(case, name)
    ]


_ABSENT: tuple[Any, ...] = (None, "", [])


def _missing(case: RecordCase, name: str) -> Finding:
    subject = case.record.kind or "a record"
    return case.finding("KB020", f'{subject} requires "{name}"', case.field(name))


def _is_body(case: RecordCase, name: str) -> bool:
    """Whether the body stands for the field: the Markdown form of a fragment is its text."""
    if case.record.kind != "PromptFragment" or name != "fragment" or case.record.form == "graph":
        return False
    return not any(finding.code == "KB009" for finding in case.file.findings)


def attribute_types(case: RecordCase) -> Iterable[Finding]:
    """KB021, and KB024 for text that should be a time: values have the declared type."""
    tests = case.plan.tests
    wrong: list[str] | None = None
    for name, value in case.record.attributes.items():
        test = tests.get(name)
        if test is not None and not test(value):
            wrong = [*(wrong or ()), name]
    return NOTHING if wrong is None else [_mistyped(case, name) for name in wrong]


def _mistyped(case: RecordCase, name: str) -> Finding:
    declared, value = case.plan.types[name], case.record.attributes[name]
    if declared.type in ("timestamp", "date") and isinstance(value, str):
        article = "a timestamp with an offset" if declared.type == "timestamp" else "a date"
        hint = "write it as " + ("2026-06-02T09:15:00Z" if declared.type == "timestamp" else "2026-06-02")
        return case.finding("KB024", f'"{value[:40]}" is not {article}', case.field(name), hint=hint)
    return case.finding("KB021", f"{name} must be {expected(declared)}", case.field(name))


def undeclared_fields(case: RecordCase) -> Iterable[Finding]:
    """KB026: the kind declares every attribute."""
    plan, attributes = case.plan, case.record.attributes
    if not attributes or plan.node is None or attributes.keys() <= plan.declared:
        return NOTHING
    return [
        case.finding("KB026", f'attribute "{name[:60]}" is undeclared for {plan.kind}', case.field(name), at_key=True)
        for name in attributes
        if name not in plan.declared
    ]


def minimum_sensitivity(case: RecordCase) -> Iterable[Finding]:
    """KB023: a stated level is not below the minimum of the kind. An unstated one is raised to it."""
    level, floor = case.record.sensitivity, case.plan.floor
    if level is None or not floor or SENSITIVITIES.index(level) >= floor:
        return NOTHING
    least = SENSITIVITIES[floor]
    message = f"{case.plan.kind} must be {least}" + (" or higher" if floor < len(SENSITIVITIES) - 1 else "")
    return [case.finding("KB023", message, case.field("sensitivity"))]


def vocabulary_terms(case: RecordCase) -> Iterable[Finding]:
    """KB028: words of a field with a vocabulary are in it."""
    record, plan = case.record, case.plan
    odd: list[tuple[Terms, Any]] | None = None
    for terms, get in plan.member_terms:
        value = get(record)
        if value and not (terms.known.issuperset(value) if type(value) is tuple else value in terms.known):
            odd = [*(odd or ()), (terms, list(value) if type(value) is tuple else value)]
    if plan.attribute_terms:
        attributes = record.attributes
        for name, terms in plan.attribute_terms.items():
            value = attributes.get(name)
            if value is not None and not (type(value) is str and value in terms.known):
                odd = [*(odd or ()), (terms, value)]
    return NOTHING if odd is None else [finding for terms, value in odd for finding in _odd_terms(case, terms, value)]


def _odd_terms(case: RecordCase, terms: Terms, value: Any) -> Iterable[Finding]:
    field = case.field(terms.field)
    words = [(f"{field}[{at}]", item) for at, item in enumerate(value)] if isinstance(value, list) else [(field, value)]
    for place, item in words:
        term = term_of(item)
        # What is no word at all is a matter of its declared type.
        if term is None or term in terms.known:
            continue
        canonical = terms.aliases.get(term)
        if canonical is not None:
            yield case.finding("KB028", f'{terms.noun} "{term}" → use "{canonical}"', place)
            continue
        near = terms.nearest(term)
        yield case.finding(
            "KB028",
            f'{terms.noun} "{term[:60]}" is not in the vocabulary',
            place,
            severity=Severity.ERROR if terms.closed else None,
            hint=f'did you mean "{near}"?' if near else "",
        )


def citations(case: RecordCase) -> Iterable[Finding]:
    """KB054: knowledge that was derived or imported says from what.

    An imported record with the digest of its source has said so.
    """
    record = case.record
    if record.source_refs or record.patch:
        return NOTHING
    if case.plan.is_run_memory and applies(case):
        if record.attributes.get("sourceDigest") not in _ABSENT:
            return NOTHING
        return [case.finding("KB054", "imported record has no sourceRefs", case.field("sourceRefs"))]
    for edge in record.edges:
        if edge.kind in _CITING_EDGES:
            return [case.finding("KB054", "derived record has no sourceRefs", case.field("sourceRefs"))]
    return NOTHING


RECORD_RULES: tuple[RecordRule, ...] = (
    path_policy,
    required_fields,
    attribute_types,
    undeclared_fields,
    minimum_sensitivity,
    vocabulary_terms,
    citations,
    secret_metadata,
)
"""Rules for every record."""


class RecordRules:
    """The rules of one ontology, for the brain of one organization (empty while nobody said which).

    Keeps a plan for each kind it has met; make one for many files.
    """

    def __init__(self, index: OntologyIndex, organization: str) -> None:
        self._index = index
        self._organization = organization
        self._plans: dict[str, KindPlan] = {}

    def check_file(self, file: ParsedFile) -> list[Finding]:
        """Findings of all records of a file, beside those that parsing made."""
        findings: list[Finding] = []
        plans = self._plans
        for at, record in enumerate(file.records):
            plan = plans.get(record.kind)
            if plan is None:
                plan = plans[record.kind] = KindPlan(record.kind, self._index)
            case = RecordCase(file, at, record, plan, self._organization)
            for rule in RECORD_RULES:
                found = rule(case)
                if found:
                    findings.extend(found)
            if plan.is_run_memory and applies(case):
                for rule in RUN_RULES:
                    findings.extend(rule(case))
        return findings


def check_file(file: ParsedFile, index: OntologyIndex, organization: str) -> list[Finding]:
    """Findings of all records of one file; for many files keep a ``RecordRules``."""
    return RecordRules(index, organization).check_file(file)
