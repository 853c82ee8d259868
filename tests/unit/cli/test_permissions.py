"""``permissions review`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.repos import RepoBuilder
from tests.unit.cli.conftest import Run
from tests.unit.resources.sample import document, stack, whole

EXAMPLE = Path(__file__).parents[3] / "examples" / "config-repo"
REVIEW = ("permissions", "review")


@pytest.fixture
def repo(tmp_path: Path) -> RepoBuilder:
    """A stack that may run, and on ``draft`` one that lacks its server."""
    built = RepoBuilder(tmp_path / "config.git")
    runner = document(
        "AgentServiceAccount", "namespace: krate-org-acme", "serviceAccountName: pool",
        "owner: {kind: RunnerPool, name: untrusted-linux}", name="pool",
    )  # fmt: skip
    built.commit({"a.yaml": whole(stack(), runner)})
    draft = whole(stack("mcpServerRefs: [logs]"), runner)
    built.commit({"a.yaml": draft}, branch="draft", parents=[built.tip("main") or ""])
    return built


def test_a_stack_with_everything_is_allowed(run: Run, repo: RepoBuilder) -> None:
    result = run(*REVIEW, repo.path, "--stack", "triage")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("decision      allowed\nstack         triage\norganization  acme\n")
    assert "ClusterNotConsulted" in result.stdout


def test_what_is_missing_ends_with_1(run: Run, repo: RepoBuilder) -> None:
    result = run(*REVIEW, repo.path, "--stack", "triage", "--revision", "draft")
    assert result.exit_code == 1
    assert "MissingMcpServers" in result.stdout


def test_json_is_the_whole_review(run: Run, repo: RepoBuilder) -> None:
    result = run(
        *REVIEW, repo.path, "--stack", "triage", "--repository", "payments", "--ref", "refs/pull/3/head",
        "--user", "dana", "--group", "maintainers", "-o", "json",
    )  # fmt: skip
    body = json.loads(result.stdout)
    assert (body["trust"], body["repository"], body["actor"]["groups"]) == ("untrusted", "payments", ["maintainers"])
    assert body["digest"].startswith("sha256:")
    forked = run(*REVIEW, repo.path, "--stack", "triage", "--fork", "-o", "jsonl")
    assert "UntrustedSource" in [json.loads(line)["code"] for line in forked.stdout.splitlines()]


def test_a_stack_that_is_nowhere_is_not_found(run: Run, repo: RepoBuilder) -> None:
    result = run(*REVIEW, repo.path, "--stack", "nobody")
    assert (result.exit_code, "NOT_FOUND" in result.stderr) == (3, True)
    named = run(*REVIEW, repo.path, "--stack", "nobody", "--org", "acme")
    assert (named.exit_code, "StackNotFound" in named.stdout) == (1, True)


def test_one_name_in_two_organizations_must_be_told_apart(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "a.yaml").write_text(stack(), encoding="utf-8")
    (folder / "b.yaml").write_text(stack().replace("Ref: acme", "Ref: other"), encoding="utf-8")
    assert run(*REVIEW, folder, "--stack", "triage").exit_code == 2
    assert run(*REVIEW, folder, "--stack", "triage", "--org", "other").exit_code == 1


def test_revision_and_worktree_exclude_each_other(run: Run, repo: RepoBuilder) -> None:
    assert run(*REVIEW, repo.path, "--stack", "triage", "--worktree", "--revision", "main").exit_code == 2


def test_of_the_example_one_stack_may_run_and_one_lacks_a_grant(run: Run, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "example"
    shutil.copytree(EXAMPLE, folder)
    common = ("--repository", "payments", "--ref", "main")
    assert run(*REVIEW, folder, "--stack", "payments-triage", *common).exit_code == 0
    blocked = run(*REVIEW, folder, "--stack", "payments-incidents", *common, "-o", "json")
    assert blocked.exit_code == 1
    body = json.loads(blocked.stdout)
    assert [one["code"] for one in body["reasons"] if one["blocking"]] == ["MissingSecretGrant"]
    [text] = body["yamlPreview"]
    (folder / "orgs" / "acme" / "identity" / "login.yaml").write_text(text, encoding="utf-8")
    assert yaml.safe_load(text)["kind"] == "AgentSecretGrant"
    assert run(*REVIEW, folder, "--stack", "payments-incidents", *common).exit_code == 0
