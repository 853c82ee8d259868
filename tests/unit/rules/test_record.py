"""Rules for one record: a file in, findings out."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import Severity
from krate_gitops.brain.ontology import OntologyIndex
from tests.unit.rules.sample import WORDS, check, graph, markdown, ontology

RUNBOOK = "graph/runbooks/replay.yaml"
PAGE = "runbooks/replay.md"

Case = tuple[str, str, list[tuple[str, str, str]]]
"""Path, text, and (code, pointer, message) of each finding."""

CLEAN: dict[str, tuple[str, str]] = {
    "a graph record": (RUNBOOK, graph("Runbook", "runbook:replay", "steps: 3", "version: 1.10", "extra: [1, {a: b}]")),
    "a Markdown record": (PAGE, markdown("Runbook", "runbook:replay", "tags: [refunds]", "plannedFor: 2026-06-02")),
    "attributes that are null": (RUNBOOK, graph("Runbook", "runbook:replay", "steps: null", "hosts: ~")),
    "required fields that are there": (
        "graph/t.yaml",
        graph("Term", "term:refund", "definition: 'no'", "tags: [refunds]"),
    ),
    "a fragment whose body is its text": ("agents/tone.md", markdown("PromptFragment", "prompt-fragment:tone")),
    "a note with an id, outside the home of its kind": (
        "notes/a.md",
        markdown("Runbook", "runbook:replay"),
    ),
    "an unstated sensitivity is raised to the minimum": ("graph/c.yaml", graph("Customer", "customer:northwind")),
    "a stated sensitivity above the minimum": (
        "graph/c.yaml",
        graph("Customer", "customer:northwind", "sensitivity: secret-metadata"),
    ),
    "a derived record that cites its source": (
        RUNBOOK,
        graph("Runbook", "runbook:r", "sourceRefs: [issue:1]", "edges:", "derived_from: [issue:1]"),
    ),
    "a record of an undeclared kind, which is said elsewhere": (
        RUNBOOK,
        graph("Playbook", "playbook:r", "anything: goes"),
    ),
    "a secret described in prose": (
        "graph/s.yaml",
        graph("Secret", "secret:psp", "purpose: Signs payouts; rotated every 90 days.", "example: vault/psp-prod"),
    ),
    "what parsing has said of a field": (
        RUNBOOK,
        "nodeKind: Runbook\nid: runbook:r\nattributes: {title: [], status: fine, owners: [], updatedAt: never}\n",
    ),
}

FAILING: dict[str, Case] = {
    "KB011 a kind away from home": (
        "decisions/replay.md",
        markdown("Runbook", "runbook:replay"),
        [("KB011", "kind", "Runbook may not live under decisions/")],
    ),
    "KB011 a form the kind does not have": (
        "pages/refund.md",
        markdown("Term", "term:refund", "definition: Money back.", "tags: [refunds]"),
        [("KB011", "kind", "Term may not be written as Markdown")],
    ),
    "KB020 base fields": (
        RUNBOOK,
        "nodeKind: Runbook\nid: runbook:replay\nattributes: {title: A title}\n",
        [
            ("KB020", "attributes.status", 'Runbook requires "status"'),
            ("KB020", "attributes.owners", 'Runbook requires "owners"'),
            ("KB020", "attributes.updatedAt", 'Runbook requires "updatedAt"'),
        ],
    ),
    "KB020 fields of the kind, empty ones too": (
        "graph/terms/refund.yaml",
        graph("Term", "term:refund", "definition: ''", "tags: []"),
        [
            ("KB020", "attributes.tags", 'Term requires "tags"'),
            ("KB020", "attributes.definition", 'Term requires "definition"'),
        ],
    ),
    "KB020 a retrospective without its run": (
        "babysitter/retrospectives/r1.md",
        markdown("RunRetrospective", "run-retrospective:r1", "sourceRefs: [issue:1]"),
        [("KB020", "runRef", 'RunRetrospective requires "runRef"')],
    ),
    "KB020 a fragment without a text": (
        "agents/tone.md",
        markdown("PromptFragment", "prompt-fragment:tone", body=""),
        [("KB020", "fragment", 'PromptFragment requires "fragment"')],
    ),
    "KB020 a fragment in a graph file has no body": (
        "graph/tone.yaml",
        graph("PromptFragment", "prompt-fragment:tone"),
        [("KB020", "attributes.fragment", 'PromptFragment requires "fragment"')],
    ),
    "KB021 declared types": (
        RUNBOOK,
        graph("Runbook", "runbook:r", "steps: three", "version: 1.1", "service: ledger", "hosts: [a, 1]"),
        [
            ("KB021", "attributes.steps", "steps must be an integer"),
            ("KB021", "attributes.version", "version must be one of 1.10, 2"),
            ("KB021", "attributes.service", "service must be an id such as service:payments-ledger"),
            ("KB021", "attributes.hosts", "hosts must be a list of strings"),
        ],
    ),
    "KB021 in frontmatter the pointer is flat": (
        PAGE,
        markdown("Runbook", "runbook:r", "steps: 1.5"),
        [("KB021", "steps", "steps must be an integer")],
    ),
    "KB023 below the minimum": (
        "graph/c.yaml",
        graph("Customer", "customer:northwind", "sensitivity: internal"),
        [("KB023", "attributes.sensitivity", "Customer must be restricted or higher")],
    ),
    "KB024 times without an offset and dates that are none": (
        RUNBOOK,
        graph("Runbook", "runbook:r", "exercisedAt: 02/06/2026", "plannedFor: 2026-02-30"),
        [
            ("KB024", "attributes.exercisedAt", '"02/06/2026" is not a timestamp with an offset'),
            ("KB024", "attributes.plannedFor", '"2026-02-30" is not a date'),
        ],
    ),
    "KB021 a time that is no text": (
        RUNBOOK,
        graph("Runbook", "runbook:r", "plannedFor: 2026"),
        [("KB021", "attributes.plannedFor", "plannedFor must be a date such as 2026-06-02")],
    ),
    "KB026 undeclared attributes": (
        "graph/teams/core.yaml",
        graph("Team", "team:core", "pager: '5'"),
        [("KB026", "attributes.pager", 'attribute "pager" is undeclared for Team')],
    ),
    "KB028 an alias, and a word nobody knows": (
        RUNBOOK,
        graph("Runbook", "runbook:r", "tags: [payments, refund, Payment, zebra]"),
        [
            ("KB028", "attributes.tags[1]", 'tag "refund" → use "refunds"'),
            ("KB028", "attributes.tags[2]", 'tag "Payment" is not in the vocabulary'),
            ("KB028", "attributes.tags[3]", 'tag "zebra" is not in the vocabulary'),
        ],
    ),
    "KB028 an attribute with a vocabulary": (
        "babysitter/runs/r1/run.yaml",
        graph(
            "BabysitterRun", "babysitter-run:r1", "organization: org:acme", "repository: repository:r",
            f"sourceDigest: sha256:{'0' * 64}", "runStatus: exploded",
        ),
        [("KB028", "attributes.runStatus", 'runStatus "exploded" is not in the vocabulary')],
    ),
    "KB054 derived from something unsaid": (
        RUNBOOK,
        graph("Runbook", "runbook:r", "edges:", "derived_from: [issue:1]"),
        [("KB054", "attributes.sourceRefs", "derived record has no sourceRefs")],
    ),
    "KB054 imported from something unsaid": (
        "babysitter/retrospectives/r1.md",
        markdown("RunRetrospective", "run-retrospective:r1", "runRef: babysitter-run:r1"),
        [("KB054", "sourceRefs", "imported record has no sourceRefs")],
    ),
    "KB063 a value in a record about a secret": (
        "graph/s.yaml",
        graph("Secret", "secret:psp", "example: pq8Zr2Lx9Tm4Vb7K"),
        [("KB063", "attributes.example", 'attribute "example" looks like a value')],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("path", "text"), CLEAN.values(), ids=list(CLEAN))
def test_says_nothing_of(path: str, text: str) -> None:
    assert check(path, text) == []


@pytest.mark.parametrize(("path", "text", "expected"), FAILING.values(), ids=list(FAILING))
def test_reports(path: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    findings = check(path, text)
    assert [(found.code, found.field, found.message) for found in findings] == expected
    assert all(found.record == 0 and found.record_id for found in findings)


def test_an_unknown_word_is_an_error_only_where_the_vocabulary_is_closed() -> None:
    [open_list] = check(RUNBOOK, graph("Runbook", "runbook:r", "tags: [Refund]"))
    [closed] = check(RUNBOOK, graph("Runbook", "runbook:r", "aliases: [again]"))
    assert (open_list.severity, open_list.hint) == (None, 'did you mean "refunds"?')
    assert closed.severity is Severity.ERROR


def test_findings_carry_the_ordinal_of_the_document_even_after_one_without_a_record() -> None:
    index = OntologyIndex(ontology(rules="foreign: {multiDocument: true}\n", outside=True))
    good = graph("Runbook", "runbook:a")
    bad = graph("Runbook", "runbook:b", "steps: three")
    texts = [good, "nodeKind: Runbook\n", "- a list\n", bad]
    [finding] = check(RUNBOOK, "---\n".join(texts), index=index)
    assert (finding.code, finding.record, finding.record_id) == ("KB021", 3, "runbook:b")


@pytest.mark.parametrize(("closed", "found"), [("false", []), ("true", [("KB028", Severity.ERROR)])])
def test_an_empty_vocabulary_welcomes_every_word_unless_it_is_closed(closed: str, found: list[tuple[str, str]]) -> None:
    filled = "closed: false, values: [payments, refunds], aliases: {refund: refunds}"
    assert filled in WORDS
    index = OntologyIndex(ontology(words=WORDS.replace(filled, f"closed: {closed}, values: []")))
    findings = check(RUNBOOK, graph("Runbook", "runbook:r", "tags: [anything]"), index=index)
    assert [(finding.code, finding.severity) for finding in findings] == found


FOREIGN = """\
foreign:
  multiDocument: true
  required: [title]
  fieldAliases: {title: [displayName]}
  duplicateIds: merge-edges
"""


@pytest.mark.parametrize(
    "text",
    [
        "nodeKind: Runbook\nid: runbook:r\nattributes: {displayName: A title}\n",
        "nodeKind: Runbook\nid: runbook:r\nedges: {derived_from: [issue:1]}\n",
    ],
    ids=["base fields under other names", "documents that only add edges"],
)
def test_a_foreign_brain_is_not_asked_for_what_it_does_not_have(text: str) -> None:
    assert check(RUNBOOK, text, index=OntologyIndex(ontology(rules=FOREIGN, outside=True))) == []
