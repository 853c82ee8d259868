from __future__ import annotations

import json

import yaml

from krate_gitops.cli.options import RefSelection
from tests.repos import RepoBuilder
from tests.unit.cli.conftest import Run


def test_ref_resolve_prints_the_resolution_in_every_form(run: Run, brain: RepoBuilder) -> None:
    tip = brain.tip("main")
    resolution = json.loads(run("ref", "resolve", brain.path, "-o", "json").stdout)
    assert resolution["resolvedCommit"] == resolution["currentCommit"] == tip
    assert resolution["mode"] == "current"
    assert resolution["approved"] is True
    assert resolution["resolvedRef"] == "refs/heads/main"
    assert yaml.safe_load(run("ref", "resolve", brain.path, "-o", "yaml").stdout)["resolvedCommit"] == tip
    assert json.loads(run("ref", "resolve", brain.path, "-o", "jsonl").stdout)["resolvedCommit"] == tip
    assert f"resolvedCommit  {tip}\n" in run("ref", "resolve", brain.path).stdout


def test_an_unapproved_commit_is_denied_unless_it_is_allowed(run: Run, brain: RepoBuilder) -> None:
    denied = run("ref", "resolve", brain.path, "--ref", "draft")
    assert (denied.exit_code, denied.stdout) == (4, "")
    assert denied.stderr.startswith("error[MEMORY_REF_NOT_APPROVED]")
    allowed = run("ref", "resolve", brain.path, "--ref", "draft", "--allow-unapproved", "-o", "json")
    assert json.loads(allowed.stdout)["resolvedCommit"] == brain.tip("draft")


def test_the_commit_of_a_time_is_found(run: Run, brain: RepoBuilder) -> None:
    found = run("ref", "resolve", brain.path, "--at", "2026-01-02T00:00:00+01:00", "-o", "json")
    assert json.loads(found.stdout)["requestedAt"] == "2026-01-01T23:00:00Z"


def test_each_failure_has_its_exit_code(run: Run, brain: RepoBuilder) -> None:
    for arguments, code, name in (
        (("--ref", "main~1"), 2, "MEMORY_REF_INVALID"),
        (("--at", "yesterday"), 2, "MEMORY_REF_TIME_INVALID"),
        (("--ref", "nowhere"), 3, "MEMORY_REF_NOT_FOUND"),
        (("--ref", "a", "--snapshot-tag", "b"), 2, "USAGE"),
    ):
        result = run("ref", "resolve", brain.path, *arguments, "-o", "json")
        assert result.exit_code == code
        assert json.loads(result.stdout)["error"]["code"] == name
    gone = run("ref", "resolve", brain.path / "gone")
    assert gone.exit_code == 3


def test_ref_options_can_come_from_the_environment(run: Run, brain: RepoBuilder) -> None:
    result = run("ref", "resolve", brain.path, "-o", "json", KRATE_REF="draft", KRATE_ALLOW_UNAPPROVED="1")
    assert json.loads(result.stdout)["resolvedCommit"] == brain.tip("draft")


def test_a_selection_becomes_a_request() -> None:
    assert RefSelection().request().mode is None
    tagged = RefSelection(snapshot_tag="2026-05-01T000000Z").request()
    assert (tagged.mode, tagged.requested_ref) == ("snapshot-tag", "2026-05-01T000000Z")
    assert not RefSelection(ref="x", allow_unapproved=True).request().require_approved_commit
