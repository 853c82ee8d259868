"""A small brain of several shards, and everything its index answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from krate_gitops.errors import UnavailableError
from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.index.strength import analyse
from krate_gitops.memory.opened import OpenIndex, read_index
from krate_gitops.settings import Settings
from tests.property.histories import ONTOLOGY, runbook, service
from tests.repos import Content, RepoBuilder

QUERIES = ("refund", "the c service", "service:a")


def documents() -> dict[str, Content]:
    """Good files and bad ones."""
    files: dict[str, Content] = {path: versions[0] for path, versions in ONTOLOGY.items()}
    for number, name in enumerate("abcdefghij"):
        files[f"graph/services/{name}.yaml"] = service(name, edges="service:a", words=f"keeps refund {number}")
    files |= {f"runbooks/{name}.md": runbook(name, words="refunds") for name in "abc"}
    files |= {f"notes/{name}.md": f"# Note {name}\n\nAbout refunds, see service:{name}.\n" for name in "abcdef"}
    files["graph/services/x.yaml"] = "nodeKind: [broken\n"
    files["graph/services/y.yaml"] = service("a")
    return files


class Brain(NamedTuple):
    """A repository with two commits; the second changes one file."""

    repository: RepoBuilder
    first: Target
    second: Target


def make_brain(folder: Path) -> Brain:
    repository = RepoBuilder(folder / "brain")
    commits = [repository.commit(documents()), repository.commit({"notes/c.md": "# Changed\n\nNo more refunds.\n"})]
    opened = open_repository(str(folder / "brain"), settings=Settings(home=folder))
    return Brain(repository, *(Target(opened, commit) for commit in commits))


def answers(builder: Builder, target: Target) -> Any:
    """Answers of each part of an index; equal for equal content."""
    return read_index(builder, target, ask)


def answers_or_code(builder: Builder, target: Target) -> Any:
    """Its answers, or the code of the error where the store can't be used."""
    try:
        return answers(builder, target)
    except UnavailableError as error:
        return error.code


def ask(opened: OpenIndex) -> Any:
    columns = opened.columns
    judge = opened._builder.judge(opened.source, columns, opened.manifest.issues)
    edges = opened.graph.edges
    return {
        "digests": (opened.manifest.index_digest, opened.manifest.source_digest, opened.manifest.counts),
        "findings": sorted((path, finding.code, finding.message) for path, finding, _ in judge.findings()),
        "strength": [opened.ranker.match(analyse(query)).strength.tolist() for query in QUERIES],
        "words": [opened.words.files_with(query).tolist() for query in ("efun", "NOTE a", "nothing")],
        "records": [columns.record(number).id for number in range(columns.links.records)],
        "edges": list(zip(edges.source.tolist(), edges.target.tolist(), strict=True)),
        "entries": [[entry.path for entry in shard.entries()] for shard in columns.shards],
        "texts": [text.raw for text in opened.texts(range(len(columns.paths)))],
    }
