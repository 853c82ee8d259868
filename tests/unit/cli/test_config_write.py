"""The commands that write config: what they take, what they print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from krate_gitops.cli.main import cli
from krate_gitops.records.database import close_databases
from tests.config_writing import FILES
from tests.repos import RepoBuilder, git
from tests.unit.cli.conftest import Run

TRIAGE = "orgs/acme/triage.yaml"
PROFILE = """apiVersion: krate.a5c.ai/v1alpha1
kind: AgentToolProfile
metadata: {name: readonly}
spec: {organizationRef: acme, filesystemPolicy: read-only, approvalPolicyByTool: {git: allow}}
"""


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RepoBuilder:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Dana")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "dana@acme.example")
    monkeypatch.chdir(tmp_path)
    repo = RepoBuilder(tmp_path / "config.git")
    repo.commit(dict(FILES))
    return repo


@pytest.fixture(autouse=True)
def _close() -> object:
    yield
    close_databases()


PLACE = ("--org", "acme", "--path", "orgs/acme")


def shown(repo: RepoBuilder, path: str, ref: str = "main") -> str:
    return git(repo.git_dir, "show", f"{ref}:{path}").decode()


def test_set_proposes_a_commit_and_says_where(run: Run, repo: RepoBuilder) -> None:
    done = run("config", "set", repo.path, "as", "triage", "displayName=Finds out: why", *PLACE)
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "~ AgentStack triage  triage.yaml"
    assert lines[1] == "    spec.displayName: (nothing) -> Finds out: why"
    fields = dict(line.split(maxsplit=1) for line in lines[2:])
    assert fields["status"] == "Proposed"
    assert shown(repo, TRIAGE, fields["branch"]).endswith("  displayName: 'Finds out: why'\n")
    subject = git(repo.git_dir, "log", "-1", "--format=%an <%ae> %s", fields["commit"]).decode().strip()
    assert subject == "Dana <dana@acme.example> Set spec.displayName of AgentStack triage"


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("displayName=5", None),
        ('displayName="5"', '  displayName: "5"'),
        ("displayName=true-ish", "  displayName: true-ish"),
        ("displayName=a=b", "  displayName: a=b"),
        ("displayName= x", "  displayName: ' x'"),
        ("metadata.labels.team=core", "metadata: {name: triage, labels: {team: core}}"),
        ('metadata.annotations["a.example/x=y"]=z', None),
        ('metadata.annotations["a.example/x"]=z', "metadata: {name: triage, annotations: {a.example/x: z}}"),
        ("baseAgent=claude-code", "  baseAgent: claude-code"),
    ],
)
def test_fields_and_values(run: Run, repo: RepoBuilder, field: str, line: str | None) -> None:
    done = run("config", "set", repo.path, "AgentStack", "triage", field, *PLACE, "--mode", "direct")
    assert done.exit_code == (1 if line is None else 0), done.stderr
    if line is not None:
        assert line in shown(repo, TRIAGE).splitlines()


def test_a_field_is_removed_or_read_from_a_file(run: Run, repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("You find out\nwhy it failed.\n")
    how = (*PLACE, "--mode", "direct")
    assert run("config", "set", repo.path, "as", "triage", "prompt.system=@prompt.txt", *how).exit_code == 0
    assert shown(repo, TRIAGE).endswith("  prompt:\n    system: |\n      You find out\n      why it failed.\n")
    assert run("config", "set", repo.path, "as", "triage", "prompt-", *how).exit_code == 0
    assert shown(repo, TRIAGE) == FILES[TRIAGE]


def test_apply_delete_and_rollback(run: Run, repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(PROFILE)
    how = (*PLACE, "--mode", "direct")
    made = run("config", "apply", repo.path, "-f", "profile.yaml", *how, "-o", "json")
    assert made.exit_code == 0, made.stderr
    body = json.loads(made.stdout)
    assert (body["status"], body["paths"]) == ("Merged", ["orgs/acme/agenttoolprofiles/readonly.yaml"])
    assert run("config", "delete", repo.path, "atp", "readonly", *how).exit_code == 0
    assert run("config", "rollback", repo.path, "--to", body["commit"], *how).exit_code == 0
    assert "readonly" in shown(repo, "orgs/acme/agenttoolprofiles/readonly.yaml")
    assert run("config", "rollback", repo.path, "--change", body["change"], *how).exit_code == 0
    assert git(repo.git_dir, "ls-tree", "main:orgs/acme", "agenttoolprofiles") == b""


def test_commit_makes_several_changes_of_a_file_one_commit(run: Run, repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "changes.yaml").write_text(
        f"""message: Let it look, not touch
changes:
  - op: apply
    object: {
            json.dumps(
                {
                    "apiVersion": "krate.a5c.ai/v1alpha1",
                    "kind": "AgentToolProfile",
                    "metadata": {"name": "readonly"},
                    "spec": {
                        "organizationRef": "acme",
                        "filesystemPolicy": "read-only",
                        "approvalPolicyByTool": {"git": "allow"},
                    },
                }
            )
        }
  - {{op: set, kind: AgentStack, name: triage, fields: {{toolProfileRef: readonly}}}}
"""
    )
    done = run("config", "commit", repo.path, "changes.yaml", *PLACE, "--mode", "direct", "-o", "json")
    assert done.exit_code == 0, done.stderr
    body = json.loads(done.stdout)
    assert [(one["operation"], one["kind"]) for one in body["objects"]] == [
        ("update", "AgentStack"), ("create", "AgentToolProfile"),
    ]  # fmt: skip
    assert git(repo.git_dir, "log", "-1", "--format=%s").decode() == "Let it look, not touch\n"
    (tmp_path / "changes.yaml").write_text("changes: [{op: rename}]\n")
    bad = run("config", "commit", repo.path, "changes.yaml", *PLACE)
    assert bad.exit_code == 2
    (tmp_path / "changes.yaml").write_text("changes: 5\n")
    assert run("config", "commit", repo.path, "changes.yaml", *PLACE).exit_code == 2


def test_a_dry_run_shows_lines_in_colour_only_where_that_is_seen(run: Run, repo: RepoBuilder) -> None:
    arguments = ("config", "set", repo.path, "as", "triage", "displayName=x", *PLACE, "--dry-run")
    done = run(*arguments)
    assert done.stdout.splitlines()[:3] == [f"--- a/{TRIAGE}", f"+++ b/{TRIAGE}", "@@ -7,3 +7,4 @@"]
    assert "+  displayName: x" in done.stdout.splitlines()
    assert "\x1b" not in done.stdout
    assert "dry-run" in done.stdout
    assert git(repo.git_dir, "for-each-ref", "--format=%(refname)").decode() == "refs/heads/main\n"


def test_additions_are_green_and_removals_red(repo: RepoBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krate_gitops.cli.invocation.wants_colour", lambda _: True)
    arguments = ["config", "set", str(repo.path), "as", "triage", "baseAgent=claude-code", *PLACE, "--dry-run"]
    lines = CliRunner().invoke(cli, arguments, color=True).stdout.splitlines()
    assert "\x1b[31m-  baseAgent: codex\x1b[0m" in lines
    assert "\x1b[32m+  baseAgent: claude-code\x1b[0m" in lines


def test_values_of_config_maps_are_shown_by_no_command(run: Run, repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "cm.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: hush}\n")
    for more in (["--dry-run"], ["--dry-run", "-o", "json"], []):
        done = run("config", "apply", repo.path, "-f", "cm.yaml", *PLACE, *more)
        assert "hush" not in done.stdout + done.stderr


def test_every_mistake_of_the_result_is_told(run: Run, repo: RepoBuilder) -> None:
    done = run("config", "set", repo.path, "as", "triage", "baseAgent=clod", "nonsense=1", *PLACE)
    assert done.exit_code == 1
    assert "KR010" in done.stderr
    assert "KR012" in done.stderr
    assert "error[KR802]" in done.stderr


def failures() -> Mapping[str, tuple[tuple[str, ...], int, str]]:
    return {
        "no field": (("set", "REPO", "as", "triage", "displayName"), 2, "FIELD=VALUE"),
        "no object": (("set", "REPO", "as", "absent", "a=1", *PLACE), 3, "CONFIG_OBJECT_NOT_FOUND"),
        "no kind": (("delete", "REPO", "stak", "x", *PLACE), 2, "no kind"),
        "no file": (("apply", "REPO", "-f", "absent.yaml", *PLACE), 3, "IO_FAILED"),
        "two ways back": (("rollback", "REPO", "--to", "main", "--change", "x"), 2, "one of"),
        "no change": (("rollback", "REPO", "--change", "config-x", *PLACE), 3, "CONFIG_CHANGE_NOT_FOUND"),
        "no base": (("set", "REPO", "as", "triage", "a=1", "--expected-base", "x", *PLACE), 3, "MEMORY_REF_NOT_FOUND"),
        "no actor": (("set", "REPO", "as", "triage", "a=1", "--actor", "x", *PLACE), 2, "NAME <ADDRESS>"),
        "no id": (("set", "REPO", "as", "triage", "a=1", "--correlation-id", "x", *PLACE), 2, "correlation id"),
        "no source": (("set", "REPO", "as", "triage", "a=1", "--repo", "x"), 2, "SOURCE"),
    }


@pytest.mark.parametrize("name", failures())
def test_failures_have_their_codes(run: Run, repo: RepoBuilder, name: str) -> None:
    arguments, code, said = failures()[name]
    done = run("config", *(str(repo.path) if one == "REPO" else one for one in arguments))
    assert (done.exit_code, said in done.stderr) == (code, True), done.stderr


def test_a_source_document_names_the_place(run: Run, repo: RepoBuilder, tmp_path: Path) -> None:
    (tmp_path / "source.yaml").write_text(
        "apiVersion: krate.a5c.ai/v1alpha1\nkind: GitOpsSource\n"
        "metadata: {name: acme-config, namespace: krate-org-acme}\n"
        "spec: {organizationRef: acme, source: {repoURL: 'https://git.acme.example/c.git', path: orgs/acme}}\n"
    )
    place = ("source.yaml", "as", "triage", "displayName=x", "--repo", repo.path)
    assert run("config", "set", *place).exit_code == 0
    assert "POLICY_DENIED" in run("config", "set", *place, "--mode", "direct").stderr
    assert "CROSS_ORG_REF_DENIED" in run("config", "set", *place, "--org", "other").stderr
    assert run("config", "set", *place, "--path", "x").exit_code == 2
    assert "acme-config" in run("config", "status", "source.yaml", "--repo", repo.path).stdout


def test_log_and_status(run: Run, repo: RepoBuilder) -> None:
    assert run("config", "log", *PLACE[:2]).stdout == "no changes\n"
    run("config", "set", repo.path, "as", "triage", "displayName=x", *PLACE)
    listed = json.loads(run("config", "log", *PLACE[:2], "-o", "json").stdout)["items"]
    assert [(one["status"], one["source"], one["actor"]) for one in listed] == [("Proposed", "config", "Dana")]
    git(repo.git_dir, "update-ref", "refs/heads/main", listed[0]["commit"])
    assert "Merged" in run("config", "status", repo.path, *PLACE).stdout
    assert "Merged" in run("config", "log", *PLACE[:2]).stdout
