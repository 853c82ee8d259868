"""Small brains for tests of the query side: made, indexed and opened in a few milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy, effective_policy, owner_policy
from krate_gitops.memory.policy_file import load_sources
from krate_gitops.memory.query import Scope, run_query
from krate_gitops.memory.request import Consumer, Documents, Graph, Grep, Limits, QueryRequest, Selection
from krate_gitops.memory.response import Response
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder

NODES = """\
schemaVersion: 1
ontologyVersion: 1.0.0
nodeKinds:
  - {name: Service, idPrefix: service, description: A service., examples: ["service:a"]}
  - {name: Runbook, idPrefix: runbook, description: A procedure., examples: ["runbook:a"]}
  - {name: Decision, idPrefix: decision, description: A choice., examples: ["decision:a"]}
  - {name: Repository, idPrefix: repository, description: Code., examples: ["repository:a"]}
  - {name: Team, idPrefix: team, description: A group., examples: ["team:a"]}
  - {name: Vault, idPrefix: vault, description: A secret., defaultSensitivity: secret-metadata, examples: ["vault:a"]}
  - {name: Customer, idPrefix: customer, description: A customer., minSensitivity: restricted, examples: ["customer:a"]}
  - {name: RunJournalEvent, idPrefix: run-journal-event, description: An event., examples: ["run-journal-event:a"]}
  - {name: RunRetrospective, idPrefix: run-retrospective, description: A look back., examples: ["run-retrospective:a"]}
  - {name: BabysitterRun, idPrefix: babysitter-run, description: A run., examples: ["babysitter-run:a"]}
externalPrefixes:
  - {prefix: path, description: A file}
  - {prefix: issue, description: An issue}
"""
EDGES = """\
schemaVersion: 1
ontologyVersion: 1.0.0
edgeKinds:
  - {name: depends_on, description: Needs., examples: ["a depends_on b"]}
  - {name: mentions, description: Names., traverse: leaf, examples: ["a mentions b"]}
  - {name: shadows, description: Nothing., traverse: none, examples: ["a shadows b"]}
  - {name: owned_by, description: Owner., range: [Team], traverse: leaf, examples: ["a owned_by b"]}
  - {name: applies_to_repo, description: For., range: [Repository], examples: ["a applies_to_repo b"]}
  - {name: derived_from, description: From., external: ["*"], examples: ["a derived_from b"]}
"""
ONTOLOGY: dict[str, Content] = {"ontology/node-kinds.yaml": NODES, "ontology/edge-kinds.yaml": EDGES}
RULES = "schemaVersion: 1\nontologyVersion: 1.0.0\n"
UPDATED = "2025-06-02T09:15:00Z"


def record(kind: str, identifier: str, *, edges: Mapping[str, Any] | None = None, **fields: Any) -> str:
    """A graph record; ``None`` leaves a field out."""
    plain: dict[str, Any] = {"title": identifier.partition(":")[2], "status": "approved", "updatedAt": UPDATED}
    attributes = {name: value for name, value in (plain | fields).items() if value is not None}
    body: dict[str, Any] = {"nodeKind": kind, "id": identifier, "attributes": attributes}
    return yaml.safe_dump(body | ({"edges": edges} if edges else {}), sort_keys=False, allow_unicode=True)


def markdown(kind: str, identifier: str, body: str = "Text.\n", *, edges: Any = None, **fields: Any) -> str:
    """A Markdown record."""
    plain: dict[str, Any] = {"title": identifier.partition(":")[2], "status": "approved", "updatedAt": UPDATED}
    head = {"id": identifier, "kind": kind} | plain | fields | ({"related": edges} if edges else {})
    matter = yaml.safe_dump({n: v for n, v in head.items() if v is not None}, sort_keys=False, allow_unicode=True)
    return f"---\n{matter}---\n{body}"


class Resolution(NamedTuple):
    """What a query needs of the resolution of a ref."""

    resolved_commit: str
    mode: str = "current"


class World:
    """One indexed commit and questions to it."""

    def __init__(self, opened: OpenIndex) -> None:
        self.opened = opened
        self.resolution = Resolution(opened.manifest.commit)

    def ask(self, text: str = "", policy: EffectivePolicy | None = None, **asked: Any) -> Response:
        """``asked`` are fields of the request or of its parts: ``mode="graph-only", kinds=("Runbook",)``."""
        scope = Scope("acme", "brain", self.resolution)
        return run_query(self.opened, request(text, **asked), policy or owner_policy(), scope)

    def ids(self, text: str = "", policy: EffectivePolicy | None = None, **asked: Any) -> list[str]:
        """Ids of the records of an answer, in order."""
        return [record.id for record in self.ask(text, policy, **({"mode": "graph-only"} | asked)).records]

    def lines(self, text: str, policy: EffectivePolicy | None = None, **asked: Any) -> list[str]:
        """``path:first-last`` of the excerpts of an answer, in order."""
        found = self.ask(text, policy, **({"mode": "grep-only"} | asked)).excerpts
        return [f"{excerpt.path}:{excerpt.line_start}-{excerpt.line_end}" for excerpt in found]


_PARTS = {"graph": Graph, "grep": Grep, "documents": Documents, "selection": Selection, "limits": Limits}
_OF_PART = {name: part for part, kind in _PARTS.items() for name in kind.__struct_fields__}


def request(text: str = "", **asked: Any) -> QueryRequest:
    """A request from the fields of its parts; of fields with one name, ``document_*`` and ``grep_paths`` tell apart."""
    parts: dict[str, dict[str, Any]] = {}
    rest: dict[str, Any] = {}
    names = {"document_ids": ("documents", "ids"), "document_paths": ("documents", "paths"), "ids": ("graph", "ids")}
    names |= {"paths": ("grep", "paths")}
    for name, value in asked.items():
        part, field = names.get(name, (_OF_PART.get(name, ""), name))
        if part:
            parts.setdefault(part, {})[field] = value
        else:
            rest[name] = Consumer(**value) if name == "consumer" else value
    return QueryRequest(text=text, **rest, **{part: _PARTS[part](**fields) for part, fields in parts.items()})


def policy(spec: Mapping[str, Any] | list[Mapping[str, Any]], folder: Path, **consumer: Any) -> EffectivePolicy:
    """The effective policy of the specs of some sources for a consumer; ``appliesTo`` defaults to every user."""
    specs = spec if isinstance(spec, list) else [spec]
    documents = [
        {
            "kind": "AgentMemorySource",
            "metadata": {"name": f"source-{number}"},
            "spec": {"organizationRef": "acme", "repositoryRef": "brain", "appliesTo": {"users": ["*"]}} | dict(one),
        }
        for number, one in enumerate(specs)
    ]
    file = folder / "policy.yaml"
    file.write_text("\n---\n".join(map(json.dumps, documents)))
    return effective_policy(load_sources(file), Consumer(**consumer))


@contextmanager
def opened_world(folder: Path, files: Mapping[str, Content], *, foreign: str = "") -> Iterator[World]:
    """A brain with these files at its top, indexed and opened. ``foreign``: read through an ontology beside it."""
    ontology = folder / "ontology"
    if foreign:
        ontology.mkdir()
        for path, content in (ONTOLOGY | {"ontology/validation-rules.yaml": f"{RULES}foreign: {foreign}\n"}).items():
            (folder / path).write_text(str(content))
    repository = RepoBuilder(folder / "brain")
    commit = repository.commit(({} if foreign else ONTOLOGY) | dict(files))
    opened = open_repository(str(folder / "brain"), settings=Settings(home=folder / "home"))
    builder = Builder(folder / "home", jobs=1)
    target = Target(opened, commit, ontology_dir=ontology if foreign else None)
    with OpenIndex(builder, builder.build(target)) as index:
        yield World(index)
