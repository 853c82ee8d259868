"""A real brain, read through an ontology of its own: the counts that are known of it, each at its place."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from krate_gitops.brain.model import Diagnostic
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.refs import resolve
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.index.build import Builder
from krate_gitops.index.files import CommitFiles
from krate_gitops.index.source import Target
from krate_gitops.index.validate import Validation, validate
from krate_gitops.settings import Settings

ONTOLOGY = Path(__file__).parents[3] / "examples" / "atlas-ontology"


class Atlas:
    """The validated brain and the lines of its files."""

    def __init__(self, bundle: Path, home: Path) -> None:
        from datetime import UTC, datetime

        settings = Settings(home=home, jobs=2)
        repository = open_repository(str(bundle), settings=settings)
        commit = resolve(repository, RefRequest(), now=datetime.now(UTC), settings=settings).resolved_commit
        builder = Builder(home, jobs=2)
        target = Target(repository, commit, None, ONTOLOGY)
        self.validation: Validation = validate(builder, target)
        manifest = builder.build(target).manifest
        self.manifest = manifest
        with ObjectReader(repository) as reader:
            files = CommitFiles(builder.columns(manifest.shards), reader)
            paths = sorted({found.path for found in self.of() if files.parsed(found.path)})
            texts = zip(paths, files.contents(paths), strict=True)
            self.lines = {path: data.decode().split("\n") for path, data in texts}

    def of(self, *codes: str) -> list[Diagnostic]:
        return [found for found in self.validation.report.diagnostics if not codes or found.code in codes]

    def at(self, found: Diagnostic) -> str:
        """The text from the place of a diagnostic to the end of its line."""
        return self.lines[found.path][found.line - 1][found.column - 1 :]


@pytest.fixture(scope="module")
def atlas(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    return Atlas(shared_dir / "data" / "atlas-brain.bundle", tmp_path_factory.mktemp("home"))


def test_the_counts_of_the_brain_are_those_known_of_it(atlas: Atlas) -> None:
    report = atlas.validation.report
    counts = report.counts_by_code
    assert (report.files, report.records) == (2876, 11618)
    assert (counts["KB001"], counts["KB038"], counts["KB025"], counts["KB035"]) == (1, 77, 61, 1493)


def test_the_index_counts_what_validation_lists(atlas: Atlas) -> None:
    by_code = {code: sum(by_severity.values()) for code, by_severity in atlas.manifest.findings.items()}
    assert by_code == atlas.validation.report.counts_by_code
    assert atlas.manifest.result == atlas.validation.report.result == "invalid"


def test_the_broken_file_is_pointed_at_where_it_breaks(atlas: Atlas) -> None:
    [found] = atlas.of("KB001")
    assert (found.path, found.line, found.column) == (
        "graph/agent-stack/agent-versions/pi-issue-541.yaml", 42, 9,
    )  # fmt: skip


def test_every_place_shows_what_the_finding_is_about(atlas: Atlas) -> None:
    """The word a message quotes stands where the diagnostic points, but for its quotes."""
    shown: Counter[str] = Counter()
    for found in atlas.of("KB025", "KB026", "KB033", "KB035", "KB038", "KB041"):
        match = re.search(r'"(.+?)"', found.message) if found.code in ("KB025", "KB026", "KB035") else None
        word = match[1] if match else found.record_id if found.code == "KB033" else found.message.split(" ")[0]
        if found.code == "KB041":
            word = found.message.split(" ")[1]
        assert atlas.at(found).lstrip("\"'").startswith(word), found
        shown[found.code] += 1
    assert shown == {code: atlas.validation.report.counts_by_code[code] for code in shown}
    assert len(shown) == 6


def test_undeclared_kinds_and_edges_are_those_the_brain_never_declared(atlas: Atlas) -> None:
    kinds = Counter(found.message.split('"')[1] for found in atlas.of("KB025"))
    assert kinds == {"ProviderTranslation": 32, "EvidenceClaim": 15, "AdapterModel": 14}
    edges = Counter(found.message.split('"')[1] for found in atlas.of("KB035"))
    assert len(edges) == 24
    assert edges.most_common(2) == [("used_by_role", 548), ("follows_workflow", 320)]


def test_contested_ids_are_said_of_each_record_that_claims_one(atlas: Atlas) -> None:
    """Records that only add edges are merged; the others of an id, and those that differ in case, stay contested."""
    found = atlas.of("KB033")
    contested = {one.record_id for one in found}
    assert len(contested) == len({identifier.casefold() for identifier in contested}) + 1
    assert {"skill-area:ADR-writing", "skill-area:adr-writing"} <= contested
    for one in found:
        [other] = one.related
        assert other.record_id.casefold() == one.record_id.casefold()
        assert (other.path, other.line) != (one.path, one.line)
