"""The files of an import in a brain: no rule has anything to say against them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from krate_gitops.brain.seed import seed_files
from krate_gitops.index.build import Builder
from krate_gitops.updates.imports.normalise import Normalised
from tests.integration.validate.brains import Brain, graph
from tests.unit.updates.imports.sources import EVENTS, FOLDER, OWNERS, Workspace, ended, requested, resolved, started

LATER = datetime(2026, 7, 1, tzinfo=UTC)
FULL = {
    "retentionTier": "full-journal-redacted",
    "include": {"taskResults": "full-redacted", "artifactManifests": "full"},
}


@pytest.fixture
def brain(tmp_path: Path) -> Brain:
    """A seeded brain that knows the team and the repository."""
    made = Brain(tmp_path)
    made.builder = Builder(made.home, organization="acme", jobs=1)
    made.commit(
        {
            **seed_files("acme"),
            "graph/teams/core.yaml": graph("Team", "team:core"),
            "graph/repositories/payments.yaml": graph("Repository", "repository:payments"),
        }
    )
    return made


def rich(workspace: Workspace) -> Workspace:
    """A run with everything a run can have."""
    workspace.record(prompt='Find out why refunds came twice: 100% "sure"?').journal(EVENTS)
    workspace.write("tasks/t2/task.json", {"taskId": "t2", "title": "verify: the replay order"})
    result = {"status": "ok", "summary": "- done #1", "artifacts": [{"digest": "ab" * 32}]}
    workspace.write("tasks/t2/result.json", result)
    workspace.write("session.md", "---\nsessionId: sess-7f31\n---\n# Fixing\n\n## Goal\n\nx\n\n## Outcome\n\ny\n")
    workspace.write("retrospective.md", "# Order: matters\n\n## Lessons\n\n- Look first.\n")
    workspace.write("artifacts/r.json", "{}")
    workspace.beside("MEMORY.md", "# Shared memory of acme\n\n## Refunds\n\n- Replay by time.\n")
    return workspace


def check(brain: Brain, made: Normalised) -> list[tuple[str, str, str]]:
    base = brain.repo.tip() or ""
    commit = brain.commit(dict(made.files), at=LATER)
    whole = brain.validate(commit, committed_indexes=False).report
    change = brain.validate(commit, base=base, committed_indexes=False).report
    assert not [one for one in whole.diagnostics if one.severity != "info"]
    assert not [one for one in change.diagnostics if one.severity != "info"]
    return [(one.code, one.path, one.message) for one in whole.diagnostics]


@pytest.mark.parametrize("tier", ["summary-only", "curated-journal", "full-journal-redacted", "artifact-manifest-only"])
def test_a_run_with_everything_is_valid(brain: Brain, tmp_path: Path, tier: str) -> None:
    workspace = rich(Workspace(tmp_path))
    baseline = seed_files("acme")["babysitter/MEMORY.md"]
    how = FULL if tier == "full-journal-redacted" else {"retentionTier": tier}
    found = check(brain, workspace.normalised(**how, around={"baseline": baseline}))
    # Payloads of a full journal have no declared field, and a summary's heading is fixed while its title is not.
    assert {code for code, _, _ in found} <= {"KB026", "KB029"}


def test_odd_runs_are_valid_too(brain: Brain, tmp_path: Path) -> None:
    events = [
        started(), {"type": "x: y # z", "data": {"message": "- a: b\n\t'c' \"d\" \u2028 \ud800 %TAG"}},
        requested(1, "yes", kind="null", label="1.10"), resolved(1, "error", error={"message": "key: [unclosed"}),
        {"sequence": 5, "type": None, "data": ["a", {"b": 1.5, "": "", "c": None, "2026-05-01": True}]}, ended("weird"),
    ]  # fmt: skip
    workspace = Workspace(tmp_path).record(prompt="\u202eodd\n---\n...").journal(events)
    workspace.write("tasks/no/task.json", {"taskId": "0x1f", "title": "null"})
    workspace.write("tasks/~/task.json", {"taskId": "\u200b", "title": "'"})
    check(brain, workspace.normalised(**FULL))


def test_the_real_run_is_valid(brain: Brain, shared_dir: Path) -> None:
    source = shared_dir / "data" / "runs" / "resume-run"
    workspace = Workspace(brain.repo.path.parent, "RESUME_FIXTURE_RUN")
    made = workspace.normalised(at=source, retentionTier="curated-journal", around={"outcome": "cancelled"})
    assert made.facts.event_count == 22
    assert made.facts.process == "processes/live-stack/summarize-translate-test"
    assert (made.facts.successes, made.facts.failures) == (8, 0)
    assert sum("/journal/" in path for path in made.files) == 9
    assert made.report.redaction.total == 0
    check(brain, made)


def test_a_run_that_was_never_declared_is_told_by_the_brain(brain: Brain, tmp_path: Path) -> None:
    made = rich(Workspace(tmp_path)).normalised(source={"repositoryRef": "unknown"})
    commit = brain.commit(dict(made.files), at=LATER)
    codes = {one.code for one in brain.validate(commit, committed_indexes=False).report.diagnostics}
    assert "KB038" in codes


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("run.yaml", "  sourceDigest: sha256:", "  other: sha256:", "KB090"),
        ("run.yaml", "retentionTier: curated-journal", "retentionTier: summary-only", "KB096"),
        ("journal/000003.yaml", "sequence: 3", "sequence: 1", "KB092"),
    ],
)
def test_the_rules_of_imports_see_what_was_tampered_with(
    brain: Brain, tmp_path: Path, path: str, old: str, new: str, code: str
) -> None:
    made = rich(Workspace(tmp_path)).normalised(retentionTier="curated-journal")
    files = dict(made.files)
    text = files[f"{FOLDER}/{path}"].decode()
    assert old in text
    files[f"{FOLDER}/{path}"] = text.replace(old, new).encode()
    commit = brain.commit(dict(files), at=LATER)
    assert code in {one.code for one in brain.validate(commit, committed_indexes=False).report.diagnostics}


def test_a_raw_file_in_a_runs_folder_is_seen(brain: Brain, tmp_path: Path) -> None:
    made = rich(Workspace(tmp_path)).normalised()
    commit = brain.commit({**made.files, f"{FOLDER}/tasks/t2.log": "raw\n"})
    assert "KB093" in {one.code for one in brain.validate(commit, committed_indexes=False).report.diagnostics}


def test_owners_are_those_of_the_brain() -> None:
    assert OWNERS == ("team:core",)
