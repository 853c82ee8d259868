"""``config validate`` and ``config schema`` as a user meets them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from krate_gitops.resources.kinds.inventory import MODELS
from tests.repos import RepoBuilder
from tests.unit.cli.conftest import Run
from tests.unit.resources.sample import document, stack, whole

EXAMPLE = Path(__file__).parents[3] / "examples" / "config-repo"


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    """A good commit, and on ``draft`` one with a mistake."""
    built = RepoBuilder(tmp_path / "config.git")
    built.commit({"orgs/acme/a.yaml": whole(stack())})
    built.commit({"orgs/acme/a.yaml": whole(stack("colour: red"))}, branch="draft", parents=[built.tip("main") or ""])
    return built


def test_a_good_commit_is_valid_and_named(run: Run, repo: RepoBuilder) -> None:
    result = run("config", "validate", repo.path)
    assert result.exit_code == 0
    assert result.stdout.startswith("valid: 0 errors, 0 warnings, 0 info, 1 file, 3 objects, ")
    assert result.stdout.endswith(f"at {repo.tip('main')}\n")


def test_a_mistake_ends_with_1_and_its_place(run: Run, repo: RepoBuilder) -> None:
    result = run("config", "validate", repo.path, "--ref", "draft", "--path", "orgs")
    assert result.exit_code == 1
    assert "orgs/acme/a.yaml:27:3: error KR012 unknown field colour\n" in result.stdout


def test_json_holds_what_tools_rely_on(run: Run, repo: RepoBuilder) -> None:
    for arguments in (("--format", "json"), ("-o", "json")):
        result = run("config", "validate", repo.path, "--ref", "draft", "--path", "orgs/acme", *arguments)
        body = json.loads(result.stdout)
        assert (body["result"], body["commit"], body["path"]) == ("invalid", repo.tip("draft"), "orgs/acme")
        assert body["countsByEffect"] == {"reject": 1, "stop": 0, "block": 0, "warn": 0}
        [found] = body["diagnostics"]
        named = ("code", "severity", "effect", "path", "document", "kind", "name", "field", "line", "column")
        assert [found[name] for name in named] == [
            "KR012", "error", "reject", "a.yaml", 2, "AgentStack", "triage", "spec.colour", 27, 3,
        ]  # fmt: skip


@pytest.mark.parametrize("form", ["table", "json", "sarif", "github", "junit"])
def test_every_format_says_what_is_wrong(run: Run, repo: RepoBuilder, form: str) -> None:
    result = run("config", "validate", repo.path, "--ref", "draft", "--format", form)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "KR012" in result.stdout
    assert "KB0" not in result.stdout


def test_a_folder_outside_git_is_read_as_it_is(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    result = run("config", "validate", folder)
    assert (result.exit_code, "degraded: 0 errors, 1 warning" in result.stdout) == (0, True)
    assert run("config", "validate", folder, "--fail-on", "warning").exit_code == 1
    assert run("config", "validate", folder, "--org", "acme").exit_code == 1
    assert run("config", "validate", folder, "--org", "acme", "--path", "orgs/acme").exit_code == 0


def test_files_of_a_checkout_count_before_they_are_committed(run: Run, tmp_path: Path) -> None:
    built = RepoBuilder(tmp_path / "config", bare=False)
    built.commit({"acme/a.yaml": whole(stack())})
    (built.path / ".gitignore").write_text("*.tmp.yaml\n", encoding="utf-8")
    (built.path / "acme").mkdir()
    (built.path / "acme" / "a.yaml").write_text(document("AgentSole"), encoding="utf-8")
    (built.path / "acme" / "b.tmp.yaml").write_text("broken: [", encoding="utf-8")
    assert run("config", "validate", built.path).exit_code == 0
    result = run("config", "validate", built.path / "acme", "--worktree")
    assert result.exit_code == 1
    assert "acme/a.yaml:2:7: error KR004 unknown kind AgentSole\n    hint: did you mean AgentSoul?\n" in result.stdout


def test_what_can_not_be_read_or_asked_says_so(run: Run, repo: RepoBuilder, tmp_path: Path) -> None:
    assert run("config", "validate", tmp_path / "nowhere").exit_code == 3
    assert run("config", "validate", repo.path, "--ref", "nowhere").exit_code == 3
    assert run("config", "validate", repo.path, "--ref", "draft", "--worktree").exit_code == 2
    assert run("config", "validate", repo.path, "--path", "../up").exit_code == 2
    missing = run("config", "validate", repo.path, "--path", "nowhere")
    assert (missing.exit_code, "KR710" in missing.stdout) == (1, True)


def test_a_schema_is_printed_by_any_name_of_its_kind(run: Run) -> None:
    printed = {run("config", "schema", name).stdout for name in ("AgentStack", "agentstacks", "as", "AGENTSTACK")}
    assert len(printed) == 1
    assert json.loads(printed.pop())["title"] == "AgentStack"
    assert json.loads(run("config", "schema").stdout)["title"] == "Agent resources"


def test_a_record_of_execution_has_no_schema(run: Run) -> None:
    result = run("config", "schema", "AgentDispatchRun")
    assert (result.exit_code, result.stdout) == (2, "")


def test_schemas_are_written_for_editors(run: Run, tmp_path: Path) -> None:
    assert run("config", "schema", "--out", tmp_path / "all").exit_code == 0
    written = {file.name for file in (tmp_path / "all").iterdir()}
    assert written == {f"{name.lower()}.schema.json" for name in MODELS} | {"all.schema.json"}
    assert run("config", "schema", "org", "--out", tmp_path / "one").exit_code == 0
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["organization.schema.json"]
