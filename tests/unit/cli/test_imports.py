"""``import run``, ``show``, ``list``, ``approve``, ``reject`` and ``merge``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from krate_gitops.records.database import close_databases
from tests.repos import RepoBuilder
from tests.run_imports import FILES
from tests.unit.cli.conftest import Run
from tests.unit.updates.imports.sources import EVENTS, RUN, SECRET, Workspace
from tests.updates import SEEDED

ZOE, DANA, RAVI = (f"{name} <{name.lower()}@acme.example>" for name in ("Zoe", "Dana", "Ravi"))


class Imports:
    """A brain, a workspace with a finished run, and ``krate-gitops import``."""

    def __init__(self, run: Run, folder: Path) -> None:
        self._run = run
        self.home = folder / "home"
        self.repo = RepoBuilder(folder / "brain")
        self.repo.commit(dict(FILES), at=SEEDED, message="seed")
        self.workspace = Workspace(folder).record(repository="payments").journal(EVENTS)

    def __call__(self, command: str, *arguments: object, actor: str = ZOE, organization: str = "acme") -> Result:
        place = (self.workspace.run, self.repo.path) if command == "run" else (self.repo.path,)
        options = ("--jobs", 1, "--org", organization, "--actor", actor)
        return self._run("--home", self.home, "import", command, *place, *options, *arguments)

    def json(self, command: str, *arguments: object, code: int = 0, **how: str) -> Any:
        done = self(command, *arguments, "-o", "json", **how)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)

    def refused(self, command: str, *arguments: object, **how: str) -> tuple[int, str]:
        done = self(command, *arguments, "-o", "json", **how)
        assert "Traceback" not in done.output
        return done.exit_code, json.loads(done.stdout)["error"]["code"]


@pytest.fixture
def imports(run: Run, tmp_path: Path) -> Iterator[Imports]:
    yield Imports(run, tmp_path)
    close_databases()


def test_a_run_goes_from_its_folder_to_the_brain(imports: Imports) -> None:
    made = imports.json("run")
    name = made["import"]["name"]
    assert (made["new"], made["import"]["phase"], made["import"]["runId"]) == (True, "AwaitingReview", RUN)
    assert made["import"]["repository"] == "payments"
    assert made["actions"] == ["approve", "request-changes", "reject", "revalidate", "merge", "rerun"]
    assert made["validation"]["result"] == "valid"
    assert {one["type"] for one in made["conditions"]} >= {"SourceResolved", "SecretsRedacted", "Ready"}
    assert all(one["targetPath"] == f"babysitter/runs/{RUN}" for one in made["conditions"])
    assert imports.json("run")["new"] is False
    shown = imports("show", name[7:13])
    assert shown.exit_code == 0
    assert "new → approved" in shown.stdout
    assert imports.json("show", name)["update"]["update"]["name"] == made["import"]["updateRef"]
    assert imports.json("validate", name)["validation"]["result"] == "valid"
    assert imports.json("approve", name, actor=DANA)["import"]["phase"] == "AwaitingReview"
    merged = imports.json("merge", name)
    assert (merged["import"]["phase"], merged["import"]["memoryCommit"]) == ("Merged", imports.repo.tip())
    [item] = imports.json("list")["items"]
    assert (item["import"], item["phase"], item["runId"]) == (name, "Merged", RUN)
    assert imports.json("list", "--open")["items"] == []
    assert imports("list").stdout.startswith("IMPORT")


def test_parts_and_tiers_are_chosen(imports: Imports) -> None:
    made = imports.json(
        "run", "--tier", "curated-journal", "--curated", 2, "--include", "taskResults=none", "--include", "memoryMd=no",
        "--artifacts", "none", "--session-id", "s1", "--dispatch-run", "adr-1",
    )  # fmt: skip
    told = made["import"]
    assert (told["retentionTier"], told["artifactRetention"]) == ("curated-journal", "none")
    assert (told["include"]["taskResults"], told["include"]["memoryMd"]) == ("none", False)
    assert (told["sessionId"], told["dispatchRun"]) == ("s1", "adr-1")
    paths = [one["path"] for one in made["generatedFiles"]]
    assert any(path.endswith("journal/000002.yaml") for path in paths)
    assert not any("/tasks/" in path for path in paths)
    lower = imports.json("run", "--again", told["name"], "--tier", "summary-only")
    assert (lower["import"]["name"], lower["import"]["retentionTier"]) == (told["name"], "summary-only")


def test_a_label_of_the_run_keeps_more_of_it(imports: Imports) -> None:
    assert imports.json("run", "--label", "incident")["import"]["retentionTier"] == "curated-journal"


def test_what_was_taken_out_is_counted_and_not_shown(imports: Imports) -> None:
    imports.workspace.record(repository="payments", prompt=f"Use {SECRET} to find out why refunds came twice.")
    done = imports("run")
    assert "taken out      1: provider-token 1" in done.stdout
    assert SECRET not in done.output


@pytest.mark.parametrize(
    ("options", "how", "refusal"),
    [
        (("--run-id", "another"), {}, (3, "MEMORY_IMPORT_SOURCE_NOT_FOUND")),
        ((), {"organization": "globex"}, (4, "CROSS_ORG_REF_DENIED")),
        (("--include", "journal=curated"), {}, (2, "INVALID_RESOURCE")),
        (("--include", "journal"), {}, (2, "INVALID_REQUEST")),
        (("--baseline", "nowhere"), {}, (3, "MEMORY_REF_NOT_FOUND")),
        (("--again", "import-000000000000"), {}, (3, "NOT_FOUND")),
    ],
)
def test_refusals(imports: Imports, options: tuple[str, ...], how: dict[str, str], refusal: tuple[int, str]) -> None:
    if how:
        imports.workspace.record(repository="payments", organization="acme")
    assert imports.refused("run", *options, **how) == refusal


def test_an_active_run_needs_a_word_on_how_it_ended(imports: Imports) -> None:
    next((imports.workspace.run / "journal").glob("000006*")).unlink()
    assert imports.refused("run") == (1, "MEMORY_IMPORT_SOURCE_ACTIVE")
    assert imports.json("list", "--phase", "failed")["items"][0]["error"] == "MEMORY_IMPORT_SOURCE_ACTIVE"
    assert imports.json("run", "--outcome", "cancelled")["import"]["phase"] == "AwaitingReview"


def test_who_started_the_run_does_not_approve_its_memory(imports: Imports) -> None:
    name = imports.json("run", "--started-by", DANA)["import"]["name"]
    assert imports.refused("approve", name, actor=DANA) == (4, "POLICY_DENIED")
    assert imports.json("approve", name, actor=RAVI)["decisions"][0]["decision"] == "approve"


def test_a_rejected_import_says_no(imports: Imports) -> None:
    name = imports.json("run")["import"]["name"]
    assert imports("request-changes", name, "--comment", "Less of it.", actor=DANA).exit_code == 0
    assert imports("reject", name, "--comment", "Not this one.", actor=DANA).exit_code == 0
    assert imports.json("show", name)["import"]["phase"] == "Rejected"
    assert imports.refused("merge", name) == (1, "MEMORY_UPDATE_NOT_APPROVED")
    assert imports.json("refresh")["items"] == []


def test_a_repository_that_nobody_owns_has_no_memory(imports: Imports) -> None:
    assert imports.refused("run", "--code-repository", "unknown") == (1, "INVALID_RESOURCE")
    assert imports.json("list")["items"][0]["phase"] == "Failed"


def test_files_against_the_rules_end_with_1(imports: Imports, tmp_path: Path) -> None:
    policy = tmp_path / "repository.yaml"
    policy.write_text(
        "apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentMemoryRepository\nmetadata:\n  name: brain\n"
        "  namespace: krate-org-acme\n  labels: {krate.a5c.ai/org: acme}\nspec:\n  organizationRef: acme\n"
        "  repositoryRef: brain\n  defaultBranch: main\n  layoutProfile: atlas-md-yaml-v1\n"
        "  memoryOwners: ['team:core']\n"
    )
    where = ("--repository-file", policy)
    made = imports.json("run", "--code-repository", "unknown", *where, code=1)
    assert made["import"]["phase"] == "AwaitingReview"
    assert made["validation"]["result"] == "invalid"
    assert imports.refused("merge", made["import"]["name"], *where) == (1, "MEMORY_IMPORT_VALIDATION_FAILED")


def test_without_records_nothing_is_listed(imports: Imports) -> None:
    assert imports.json("list")["items"] == []
