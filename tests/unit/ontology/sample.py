"""A small ontology for tests, to be edited by replacing text."""

from __future__ import annotations

from krate_gitops.brain.model import Finding, Ontology
from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, load_ontology

FILES = {
    NODE_KINDS: """\
schemaVersion: 1
ontologyVersion: 1.2.0
nodeKinds:
  - name: Team
    idPrefix: team
    description: A group.
    paths: ["graph/teams/**"]
    examples: ["team:core"]
  - name: Runbook
    idPrefix: runbook
    description: A procedure.
    required: [trigger]
    attributes:
      trigger: {type: string}
      level: {type: enum, values: [low, 2, true]}
      team: {type: id, kinds: [Team]}
    examples: ["runbook:replay"]
externalPrefixes:
  - {prefix: user, description: A person}
""",
    EDGE_KINDS: """\
schemaVersion: 1
ontologyVersion: 1.2.0
edgeKinds:
  - name: owned_by
    description: Ownership.
    range: [Team]
    external: [user]
    examples: ["runbook:replay owned_by team:core"]
  - name: supersedes
    description: Replaces.
    domain: [Runbook]
    range: ["@same"]
    acyclic: error
    examples: ["runbook:replay supersedes runbook:old"]
""",
    VOCABULARY: """\
schemaVersion: 1
ontologyVersion: 1.2.0
vocabularies:
  tags: {closed: false, values: [refunds, ledger], aliases: {refund: refunds}}
""",
    RULES: """\
schemaVersion: 1
ontologyVersion: 1.2.0
staleAfterDays: 90
""",
}


def edited(path: str = "", old: str = "", new: str = "") -> dict[str, bytes]:
    """The files with one piece of text replaced everywhere in one of them."""
    files = dict(FILES)
    if path:
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    return {name: text.encode() for name, text in files.items()}


def loaded(path: str = "", old: str = "", new: str = "", *, outside: bool = False) -> Ontology:
    return load_ontology(edited(path, old, new), outside=outside)


def only_finding(ontology: Ontology) -> tuple[str, Finding]:
    """Path and finding, when there is exactly one."""
    [found] = ontology.findings
    return found.path, found.finding
