"""A small brain for tests of rules: one ontology, and files parsed as they are in earnest."""

from __future__ import annotations

from textwrap import dedent

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.layout import classify
from krate_gitops.brain.model import Finding, Ontology
from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, OntologyIndex, load_ontology
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.rules.record import check_file

NODES = """\
schemaVersion: 1
ontologyVersion: 1.0.0
nodeKinds:
  - name: Team
    idPrefix: team
    description: A group.
    paths: ["graph/teams/**"]
    examples: ["team:core"]
  - name: Runbook
    idPrefix: runbook
    description: A procedure.
    paths: ["graph/runbooks/**", "runbooks/**"]
    attributes:
      steps: {type: integer}
      version: {type: enum, values: [1.10, "2"]}
      exercisedAt: {type: timestamp}
      plannedFor: {type: date}
      service: {type: id}
      hosts: {type: string-list}
      extra: {type: object}
    examples: ["runbook:replay"]
  - name: Term
    idPrefix: term
    description: A word.
    forms: [graph]
    required: [definition, tags]
    attributes:
      definition: {type: text}
    examples: ["term:refund"]
  - name: Customer
    idPrefix: customer
    description: A customer.
    minSensitivity: restricted
    examples: ["customer:northwind"]
  - name: Secret
    idPrefix: secret
    description: A secret by name.
    defaultSensitivity: secret-metadata
    attributes:
      example: {type: string}
      purpose: {type: text}
    examples: ["secret:psp"]
  - name: Incident
    idPrefix: incident
    description: An incident.
    archiveDirect: true
    examples: ["incident:stall"]
  - name: PromptFragment
    idPrefix: prompt-fragment
    description: Text for stacks.
    required: [fragment]
    attributes:
      fragment: {type: text}
    examples: ["prompt-fragment:tone"]
  - name: BabysitterRun
    idPrefix: babysitter-run
    description: A run.
    attributes:
      organization: {type: id}
      repository: {type: id}
      sourceDigest: {type: digest}
      retentionTier: {type: string}
      artifactRetention: {type: string}
      runStatus: {type: string}
    examples: ["babysitter-run:r1"]
  - name: RunJournalEvent
    idPrefix: run-journal-event
    description: An event.
    attributes:
      sequence: {type: integer}
      sourceDigest: {type: digest}
    examples: ["run-journal-event:r1:000001"]
  - name: RunRetrospective
    idPrefix: run-retrospective
    description: A lesson.
    required: [runRef]
    attributes:
      runRef: {type: id}
    examples: ["run-retrospective:r1"]
externalPrefixes:
  - {prefix: user, description: A person}
"""

EDGES = """\
schemaVersion: 1
ontologyVersion: 1.0.0
edgeKinds:
  - {name: derived_from, description: Extracted from a source., examples: ["a derived_from b"]}
  - {name: event_of_run, description: Event of a run., examples: ["a event_of_run b"]}
"""

WORDS = """\
schemaVersion: 1
ontologyVersion: 1.0.0
vocabularies:
  tags: {closed: false, values: [payments, refunds], aliases: {refund: refunds}}
  aliases: {closed: true, values: [replaying]}
  runStatus: {closed: true, values: [completed, failed]}
  owners: {closed: true, values: []}
"""


def ontology(*, nodes: str = NODES, words: str = WORDS, rules: str = "", outside: bool = False) -> Ontology:
    """The sample ontology; ``rules`` are lines of ``validation-rules.yaml``."""
    settings = "schemaVersion: 1\nontologyVersion: 1.0.0\n" + dedent(rules)
    files = {NODE_KINDS: nodes, EDGE_KINDS: EDGES, VOCABULARY: words, RULES: settings}
    loaded = load_ontology({path: text.encode() for path, text in files.items()}, outside=outside)
    assert loaded.findings == ()
    return loaded


INDEX = OntologyIndex(ontology())


def parse(path: str, text: str, *, index: OntologyIndex = INDEX) -> ParsedFile:
    """A file of the brain, from a literal that may be indented."""
    parser = FileParser(Profile(index.ontology.rules.foreign, index.ontology.rules.limits))
    return parser.parse(path, "0" * 40, classify(path), dedent(text).encode())[0]


def check(path: str, text: str, *, index: OntologyIndex = INDEX, organization: str = "acme") -> list[Finding]:
    """What the rules for records say of a file, without what parsing says."""
    return check_file(parse(path, text, index=index), index, organization)


def graph(kind: str, identifier: str, *more: str) -> str:
    """A complete graph record; ``more`` are lines of its attributes, and of its edges after a line ``edges:``."""
    lines = [
        f"nodeKind: {kind}",
        f"id: {identifier}",
        "attributes:",
        "  title: A title",
        "  status: approved",
        "  owners: [team:core]",
        "  updatedAt: 2026-06-02T09:15:00Z",
    ]
    indent = "  "
    for line in more:
        if line == "edges:":
            indent = ""
        lines.append(indent + line)
        indent = "  "
    return "\n".join(lines) + "\n"


def markdown(kind: str, identifier: str, *more: str, body: str = "Text.\n") -> str:
    """A complete Markdown record; ``more`` are lines of its frontmatter."""
    head = ("title: A title", "status: approved", "owners: [team:core]", "updatedAt: 2026-06-02T09:15:00Z")
    return "\n".join(("---", f"id: {identifier}", f"kind: {kind}", *head, *more, "---", body))
