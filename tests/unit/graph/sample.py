"""A brain in a dictionary, judged across its records: from YAML to findings, through the real parser and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from textwrap import dedent
from typing import NamedTuple

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.layout import classify
from krate_gitops.brain.links import ALIAS, EDGE, OWNER, REPOSITORY, build_links
from krate_gitops.brain.locate import Locator
from krate_gitops.brain.model import Finding, Foreign, Ontology, Record
from krate_gitops.brain.ontology import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY, OntologyIndex, load_ontology
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.rules.across import Across, Commit, hits
from krate_gitops.brain.rules.place import document_ordinals
from krate_gitops.brain.rules.words import Words

COMMIT_TIME = int(datetime.fromisoformat("2026-06-10T00:00:00Z").timestamp())

_HEAD = "schemaVersion: 1\nontologyVersion: 1.0.0\n"
NODES = """\
nodeKinds:
  - {name: Team, idPrefix: team, description: A group., examples: ["team:core"]}
  - {name: Repository, idPrefix: repository, description: Code., examples: ["repository:payments"]}
  - {name: Service, idPrefix: service, description: A service., examples: ["service:ledger"]}
  - {name: Runbook, idPrefix: runbook, description: A procedure., reviewAfterDays: 30, examples: ["runbook:replay"]}
  - {name: Playbook, idPrefix: playbook, description: Old., state: deprecated, replacedBy: Runbook,
  examples: ["playbook:a"]}
externalPrefixes:
  - {prefix: user, description: A person}
  - {prefix: issue, description: An issue}
  - {prefix: path, description: A file}
"""
EDGES = """\
edgeKinds:
  - {name: depends_on, description: Needs., domain: [Service, Runbook], range: [Service], acyclic: warn,
  examples: ["a depends_on b"]}
  - {name: supersedes, description: Replaces., range: ["@same"], acyclic: error, examples: ["a supersedes b"]}
  - {name: owned_by, description: Owner., range: [Team], external: [user], examples: ["a owned_by b"]}
  - {name: mentions, description: Weak., external: ["*"], examples: ["a mentions b"]}
  - {name: derived_from, description: Source., external: [issue, path], examples: ["a derived_from b"]}
  - {name: runs_in, description: Home., domain: [Service], range: [Repository], maxPerSource: 1,
  examples: ["a runs_in b"]}
  - {name: tested_by, description: Old., state: deprecated, replacedBy: mentions, examples: ["a tested_by b"]}
"""
ONE_EACH = (
    EDGES
    + """\
  - {name: led_by, description: Leader., domain: [Team], range: [Team], minPerSource: 1, maxPerSource: 1,
  examples: ["a led_by b"]}
"""
)
WORDS = """\
vocabularies:
  owners: {closed: true, values: ["team:listed", "user:dana"]}
"""


def ontology(
    *, nodes: str = NODES, edges: str = EDGES, words: str = WORDS, rules: str = "", outside: bool = False
) -> Ontology:
    texts = {NODE_KINDS: nodes, EDGE_KINDS: edges, VOCABULARY: words, RULES: dedent(rules)}
    return load_ontology({path: (_HEAD + text).encode() for path, text in texts.items()}, outside=outside)


PLAIN = ontology()


class Told(NamedTuple):
    """A finding with its place, as an editor would show it."""

    code: str
    path: str
    field: str
    line: int
    column: int
    related: tuple[tuple[str, str], ...]
    message: str


class World:
    """Files with their columns."""

    def __init__(self, files: Mapping[str, str], foreign: Foreign | None = None) -> None:
        parser = FileParser(Profile(foreign))
        self.texts = {path: dedent(text) for path, text in sorted(files.items())}
        self.files: list[ParsedFile] = [
            parser.parse(path, "0" * 40, classify(path), text.encode())[0] for path, text in self.texts.items()
        ]
        self.links = build_links(self.files)
        self._foreign = foreign

    def record(self, number: int) -> Record:
        return self._file(number).records[int(self.links.record_ordinal[number])]

    def path_of_record(self, number: int) -> str:
        return self._file(number).path

    def ordinal_of_record(self, number: int) -> int:
        return document_ordinals(self._file(number))[int(self.links.record_ordinal[number])]

    def target_text(self, ref: int) -> str:
        record = self.record(int(self.links.ref_record[ref]))
        role, place = int(self.links.ref_role[ref]), int(self.links.ref_place[ref])
        by_role = {OWNER: record.owners, REPOSITORY: record.repo_refs, ALIAS: record.aliases}
        return record.edges[place].target if role == EDGE else by_role.get(role, record.source_refs)[place]

    def _file(self, number: int) -> ParsedFile:
        return self.files[int(self.links.record_file[number])]

    def _knows_path(self, ref: int) -> bool:
        return self.target_text(ref).partition(":")[2] in self.texts

    def across(self, under: Ontology = PLAIN, *, time: int = COMMIT_TIME) -> Across:
        return Across(self.links, OntologyIndex(under), Commit(time, self._knows_path))

    def findings(self, under: Ontology = PLAIN, *, time: int = COMMIT_TIME) -> list[tuple[str, Finding]]:
        words = Words(self, OntologyIndex(under))
        return [words.finding(hit) for hit in hits(self.across(under, time=time))]

    def told(self, under: Ontology = PLAIN, *, time: int = COMMIT_TIME) -> list[Told]:
        by_path = {file.path: file for file in self.files}
        found = []
        for path, finding in self.findings(under, time=time):
            place = Locator(self.texts[path].encode(), by_path[path], self._foreign).place(finding)
            related = tuple((other.path, other.record_id) for other in finding.related)
            found.append(Told(finding.code, path, finding.field, *place, related, finding.message))
        return sorted(found)


def told(files: Mapping[str, str], under: Ontology = PLAIN, *, foreign: Foreign | None = None) -> list[Told]:
    """What the rules across records say of some files, sorted; parsing must have nothing to say."""
    world = World(files, foreign)
    assert [finding for file in world.files for finding in file.findings] == []
    return world.told(under)


def codes(files: Mapping[str, str], under: Ontology = PLAIN) -> list[tuple[str, str]]:
    """Path and code of each finding, sorted."""
    return sorted((finding.path, finding.code) for finding in told(files, under))


def record(identifier: str, *edges: str, kind: str = "", status: str = "draft", attributes: Sequence[str] = ()) -> str:
    """A graph record. Its kind is that of the prefix; ``edges`` are lines below ``edges:``."""
    prefix = identifier.partition(":")[0]
    lines = [
        f"nodeKind: {kind or prefix.capitalize()}",
        f"id: {identifier}",
        "attributes:",
        f"  title: {identifier.partition(':')[2]}",
        f"  status: {status}",
        "  owners: [user:dana]",
        "  updatedAt: 2026-06-02T09:15:00Z",
        *(f"  {line}" for line in attributes),
        *(["edges:", *(f"  {line}" for line in edges)] if edges else ()),
    ]
    return "\n".join(lines) + "\n"


def page(identifier: str, *more: str, kind: str = "", status: str = "draft") -> str:
    """The same as Markdown; ``more`` are lines of frontmatter."""
    prefix = identifier.partition(":")[0]
    head = [f"id: {identifier}", f"kind: {kind or prefix.capitalize()}", f"title: {identifier.partition(':')[2]}"]
    head += [f"status: {status}", "owners: [user:dana]", "updatedAt: 2026-06-02T09:15:00Z", *more]
    return "\n".join(["---", *head, "---", "Text."]) + "\n"
