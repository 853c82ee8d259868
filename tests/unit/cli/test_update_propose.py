"""``update propose`` and ``update revise``: what they take, what they refuse, what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from krate_gitops.records.location import has_records
from krate_gitops.settings import Settings
from tests.unit.cli.updating import EDITED, OTHER, RUNBOOK, Updates, checkout, updates
from tests.unit.memory.hostile import BLOCKED, TOKEN
from tests.updates import FILES, changed, runbook

__all__ = ["checkout", "updates"]

WHY = ("--rationale", "The order was wrong.\n\nIt paid twice.")


def document(updates: Updates, **fields: object) -> Path:
    body = {
        "rationale": "The order was wrong.",
        "sourceRun": "adr-5b1f0c9d27ae",
        "proposer": {"kind": "Agent", "name": "ci-agent"},
        "evidence": [{"kind": "artifact", "ref": "report.json", "digest": f"sha256:{'0' * 64}"}],
        "changes": [{"path": RUNBOOK, "action": "update", "contentFile": "new/a.md", "reason": "Correct it"}],
    }
    updates.file("proposal/new/a.md", EDITED)
    return updates.file("proposal/p.yaml", yaml.safe_dump({**body, **fields}))


def test_a_document_is_proposed_for_its_agent_and_told_in_every_form(updates: Updates) -> None:
    path = document(updates)
    found = updates.json("propose", "--from", path)
    assert found["update"].startswith("amu-")
    assert (found["phase"], found["new"], found["baseCommit"]) == ("AwaitingApproval", True, updates.seed)
    assert found["branch"] == "krate/agent-memory/adr-5b1f0c9d27ae"
    assert found["links"]["detail"].endswith(f"/agents/memory/updates/{found['update']}")
    assert updates.branches() == [found["branch"]]
    again = updates.json("propose", "--from", path)
    assert (again["update"], again["new"]) == (found["update"], False)
    assert yaml.safe_load(updates("propose", "--from", path, "-o", "yaml").stdout) == again
    assert json.loads(updates("propose", "--from", path, "-o", "jsonl").stdout) == again
    table = updates("propose", "--from", path).stdout
    assert "proposer      Agent ci-agent" in table
    assert "waits for approval, owner runbook:a" in table


def test_a_whole_resource_is_taken_too_and_options_count_more(updates: Updates) -> None:
    spec = yaml.safe_load(document(updates).read_text())
    spec |= {
        "organizationRef": "local",
        "memoryRepository": "brain",
        "branchName": "krate/x",
        "updateKind": "proposed-pr",
    }
    whole = {
        "apiVersion": "krate.a5c.ai/v1alpha1",
        "kind": "AgentMemoryUpdate",
        "metadata": {"name": "x"},
        "spec": spec,
    }
    path = updates.file("proposal/whole.json", json.dumps(whole))
    found = updates.json(
        "propose", "--from", path, "--run", "adr-other", "--kind", "review-branch", "--initiator", "Ravi"
    )
    shown = updates.json("show", found["update"])["update"]
    assert (shown["sourceRun"], shown["updateKind"], shown["rationale"]) == (
        "adr-other",
        "review-branch",
        spec["rationale"],
    )
    assert shown["labels"]["krate.a5c.ai/initiator"] == "Ravi"
    assert shown["evidence"] == spec["evidence"]
    assert "pullRequestRef" not in shown


def test_older_words_for_actions_and_inline_content_are_understood(updates: Updates) -> None:
    changes = [
        {"path": "notes/new.md", "op": "add", "content": "# New\n"},
        {"path": RUNBOOK, "op": "replace", "content": EDITED.decode(), "reason": "Correct it"},
        {"path": "notes/n.md", "op": "remove"},
    ]
    path = document(updates, changes=changes)
    found = updates.json("propose", "--from", path)
    files = updates.json("show", found["update"])["files"]
    assert [(one["action"], one["path"], one["reason"]) for one in files] == [
        ("create", "notes/new.md", "The order was wrong."),
        ("update", RUNBOOK, "Correct it"),
        ("delete", "notes/n.md", "The order was wrong."),
    ]


def test_a_document_from_standard_input(updates: Updates, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from krate_gitops.cli.main import cli

    body = {"changes": [{"path": "notes/new.md", "action": "create", "content": "# New\n"}], "rationale": "A note."}
    options = [
        "--home",
        str(updates.home),
        "update",
        "propose",
        str(updates.repo.path),
        "--from",
        "-",
        "--actor",
        "Zoe",
    ]
    done = CliRunner().invoke(cli, options, input=json.dumps(body))
    assert done.exit_code == 0, done.output
    assert "proposer      User Zoe" in done.stdout


def test_a_folder_holds_a_document_or_files_as_they_shall_be(updates: Updates) -> None:
    document(updates).rename(updates.folder / "proposal/update.yaml")
    assert updates.json("propose", "--from", updates.folder / "proposal")["phase"] == "AwaitingApproval"
    updates.file("files/notes/new.md", "# New\n")
    updates.file("files/notes/n.md", "# A note\n\nSomething else was seen.\n")
    updates.file("files/.hidden", "no")
    found = updates.json("propose", "--from", updates.folder / "files", *WHY)
    files = updates.json("show", found["update"])["files"]
    assert [(one["action"], one["path"]) for one in files] == [("upsert", "notes/n.md"), ("upsert", "notes/new.md")]
    assert files[0]["reason"] == "The order was wrong."


def test_files_are_put_deleted_and_renamed_by_options(updates: Updates) -> None:
    new = updates.file("a=b.md", EDITED)
    options = ("--put", f"{RUNBOOK}=@{new}", "--delete", "notes/n.md", "--rename", "runbooks/b.md=runbooks/sub/b.md")
    found = updates.json("propose", *options, "--reason", "Tidy up", "--evidence", f"issue:acme/x#1@sha256:{'1' * 64}")
    shown = updates.json("show", found["update"])
    assert [(one["action"], one["path"], one.get("newPath")) for one in shown["files"]] == [
        ("upsert", RUNBOOK, None),
        ("rename", "runbooks/b.md", "runbooks/sub/b.md"),
        ("delete", "notes/n.md", None),
    ]
    assert shown["update"]["evidence"] == [{"kind": "issue", "ref": "acme/x#1", "digest": f"sha256:{'1' * 64}"}]


def test_what_a_checkout_has_and_its_commit_has_not_is_proposed(checkout: Updates) -> None:
    place = checkout.repo.path
    (place / RUNBOOK).write_bytes(EDITED)
    (place / "notes/new.md").write_text("# New\n")
    (place / "notes/n.md").unlink()
    found = checkout.json("propose", "--worktree", *WHY)
    shown = checkout.json("show", found["update"])
    assert [(one["action"], one["path"]) for one in shown["files"]] == [
        ("delete", "notes/n.md"),
        ("create", "notes/new.md"),
        ("update", RUNBOOK),
    ]
    assert shown["update"]["observedCommit"] == checkout.seed
    one = checkout.json("propose", place / RUNBOOK, *WHY)
    assert [file["path"] for file in checkout.json("show", one["update"])["files"]] == [RUNBOOK]
    folder = checkout.json("propose", "notes", *WHY)
    assert len(checkout.json("show", folder["update"])["files"]) == 2
    assert checkout.refused("propose", "graph", *WHY) == (2, "INVALID_REQUEST")


def test_a_link_in_a_checkout_is_not_followed(checkout: Updates) -> None:
    (checkout.repo.path / "notes/link.md").symlink_to("/etc/hostname")
    assert checkout.refused("propose", "--worktree", *WHY) == (2, "INVALID_REQUEST")


def test_an_edit_of_what_was_read_before_is_carried_onto_today(updates: Updates) -> None:
    updates.repo.commit({RUNBOOK: changed(FILES[RUNBOOK], "First line", "Another first line")})
    name = updates.proposed("--observed", updates.seed)
    shown = updates.json("show", name)
    assert shown["banner"].startswith(f"made from memory at {updates.seed[:12]}")
    assert [place["place"] for place in shown["files"][0]["places"]] == ["body:15"]


def test_a_conflict_is_told_place_by_place_and_is_a_no(updates: Updates) -> None:
    updates.repo.commit({RUNBOOK: changed(FILES[RUNBOOK], new="The present second line")})
    path = updates.file("edited.md", EDITED)
    options = ("--put", f"{RUNBOOK}=@{path}", *WHY, "--observed", updates.seed)
    found = updates.json("propose", *options, code=1)
    assert (found["phase"], found["conflicts"][0]["reason"]) == ("ChangesRequested", "ConflictWithCurrent")
    table = updates("show", found["update"]).stdout
    assert "conflict: runbooks/a.md body:" in table
    assert "is       The present second line" in table


def test_what_is_wrong_is_shown_by_code_and_is_a_no(updates: Updates) -> None:
    broken = runbook("a").replace("team:core", "team:nobody").replace("status: approved", "status: sure")
    path = updates.file("broken.md", broken)
    done = updates("propose", "--put", f"{RUNBOOK}=@{path}", *WHY)
    assert done.exit_code == 1
    assert "✗ OntologyValid" in done.stdout
    assert "phase         ChangesRequested" in done.stdout


def test_a_secret_reaches_neither_the_repository_nor_the_screen(updates: Updates) -> None:
    path = updates.file("leak.md", f"# Note\n\nThe token is {TOKEN}.\n")
    before = updates.objects()
    done = updates("propose", "--put", f"notes/leak.md=@{path}", "--rationale", f"Use {TOKEN}")
    assert done.exit_code == 1
    assert "✗ SecretsClean" in done.stdout
    assert TOKEN not in done.output
    assert (updates.objects(), updates.branches()) == (before, [])
    name = updates.json("list")["items"][0]["update"]
    for form in ("table", "json", "yaml"):
        assert TOKEN not in updates("show", name, "-o", form).output
    assert TOKEN.encode() not in b"".join(one.read_bytes() for one in updates.home.rglob("*") if one.is_file())


def test_orders_to_agents_are_not_shown_to_a_forge(updates: Updates) -> None:
    path = updates.file("orders.md", f"# Note\n\n{BLOCKED}\n")
    found = updates.json("propose", "--put", f"notes/orders.md=@{path}", *WHY, code=1)
    assert (found["phase"], found["headCommit"], updates.branches()) == ("ChangesRequested", None, [])
    assert "instructions to agents: blocked" in updates("show", found["update"]).stdout


def test_a_dry_run_tells_everything_and_keeps_nothing(updates: Updates) -> None:
    path = updates.file("edited.md", EDITED)
    before = updates.objects()
    options = ("propose", "--dry-run", "--put", f"{RUNBOOK}=@{path}", *WHY)
    found = updates.json(*options)
    assert (found["dryRun"], found["update"]["phase"], found["actions"]) == (True, "AwaitingApproval", [])
    assert [one["kind"] for one in found["reviews"]["outstanding"]] == ["approval", "owner"]
    assert found["impact"]["asked"] == 0
    table = updates(*options).stdout
    assert "nothing was kept: it would wait for an approval; an owner of runbook:a (user:dana, user:ravi)" in table
    assert "+Another second line of a." in table
    assert (updates.objects(), updates.branches(), updates.json("list")) == (before, [], {"items": []})
    leak = updates.file("leak.md", f"# Note\n\n{TOKEN}\n")
    done = updates("propose", "--dry-run", "--put", f"notes/leak.md=@{leak}", *WHY)
    assert (done.exit_code, TOKEN in done.output) == (1, False)
    assert "nothing was kept: it needs another revision" in done.stdout


def test_the_owners_rules_of_a_resource_hold(updates: Updates) -> None:
    text = """apiVersion: krate.a5c.ai/v1alpha1
kind: AgentMemoryRepository
metadata: {name: company-brain}
spec:
  organizationRef: acme
  repositoryRef: acme/company-brain
  defaultBranch: main
  layoutProfile: atlas-md-yaml-v1
  provider: git
  repoUrl: https://git.example/acme/brain.git
  accessMode: ReadOnly
"""
    path = updates.file("repository.yaml", text)
    edited = updates.file("edited.md", EDITED)
    options = ("propose", "--put", f"{RUNBOOK}=@{edited}", *WHY, "--repository-file", path)
    assert updates.refused(*options) == (1, "MEMORY_WRITES_DISABLED")
    path.write_text(text.replace("ReadOnly", "ReadWrite"))
    found = updates.json(*options)
    assert found["pullRequestRef"] == "local/company-brain/1"
    assert updates.refused(*options, "--org", "other") == (4, "CROSS_ORG_REF_DENIED")


REFUSED = [
    ((), "USAGE"),
    (("--put", "notes/x.md"), "INVALID_REQUEST"),
    (("--put", "notes/x.md=@missing.md"), "IO_FAILED"),
    (("--rename", "notes/n.md"), "INVALID_REQUEST"),
    (("--delete", "notes/n.md"), "INVALID_REQUEST"),  # no reason
    (("--delete", "notes/n.md", "--reason", "x", "--evidence", "nothing"), "USAGE"),
    (("--delete", "notes/n.md", "--delete", "notes/n.md", "--reason", "x"), "INVALID_REQUEST"),
    (("--delete", "notes/n.md", "--reason", "x" * 501), "INVALID_REQUEST"),
    (("--delete", "notes/n.md", "--reason", "x", "--agent", "a"), "INVALID_REQUEST"),  # an agent without a run
    (("--delete", "notes/n.md", "--reason", "x", "--agent", "a", "--run", "r"), "INVALID_REQUEST"),  # and rationale
    (("--delete", "notes/n.md", "--reason", "x", "--kind", "revert"), "USAGE"),
    (("--delete", "notes/n.md", "--reason", "x", "--target", "other"), "POLICY_DENIED"),
    (("--delete", "notes/n.md", "--reason", "x", "--base", "nowhere"), "MEMORY_REF_NOT_FOUND"),
    (("--delete", "notes/n.md", "--reason", "x", "--observed", "0" * 40), "MEMORY_REF_NOT_FOUND"),
    (("--delete", "notes/n.md", "--reason", "x", "--forge", "github"), "CONFIG_INVALID"),
    (("--delete", f"notes/{TOKEN}.md", "--reason", "x"), "INVALID_REQUEST"),
    (("--worktree", "--reason", "x"), "INVALID_REQUEST"),  # a bare repository has none
    (("notes", "--reason", "x"), "INVALID_REQUEST"),
]


@pytest.mark.parametrize(("options", "code"), REFUSED)
def test_what_is_no_proposal_is_refused_before_anything_is_kept(
    updates: Updates, options: tuple[str, ...], code: str
) -> None:
    exit_code, found = updates.refused("propose", *options)
    assert (found, exit_code in (2, 3, 4)) == (code, True)
    assert updates.branches() == []
    assert not has_records(Settings(home=updates.home)) or updates.json("list") == {"items": []}


@pytest.mark.parametrize(
    "fields",
    [
        {"changes": []},
        {"changes": {"path": "notes/n.md"}},
        {"changes": ["notes/n.md"]},
        {"changes": [{"path": "notes/n.md", "action": "shred"}]},
        {"changes": [{"path": "notes/n.md", "action": "delete", "mode": "0755"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "content": "x", "contentDigest": "sha256:0"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "content": "x", "contentFile": "new/a.md"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "contentFile": "../edited.md"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "contentFile": "/etc/hostname"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "contentFile": "link.md"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "contentFile": "linked/hostname"}]},
        {"changes": [{"path": "notes/n.md", "action": "update", "contentFile": "new"}]},
        {"changes": [{"path": f"notes/{n}.md", "action": "create", "content": "x"} for n in range(51)]},
        {"changes": [{"path": "notes/n.md", "action": "update", "content": "x" * (64 * 1024 + 1)}]},
        {"proposer": {"kind": "Controller", "name": "krate"}},
        {"proposer": "ci-agent"},
        {"sourceRun": 12},
        {"evidence": [{"kind": "x"}]},
        {"validationPolicy": {"redactSecrets": "no"}},
        {"updateKind": "revert"},
        {"memoryRepository": "other"},
        {"color": "red"},
    ],
)
def test_a_document_that_is_not_as_it_should_be_is_refused(updates: Updates, fields: dict[str, object]) -> None:
    path = document(updates, **fields)
    updates.file("edited.md", EDITED)
    (path.parent / "link.md").symlink_to("/etc/hostname")
    (path.parent / "linked").symlink_to("/etc")
    assert updates.refused("propose", "--from", path) == (2, "INVALID_REQUEST")
    assert updates.branches() == []


@pytest.mark.parametrize("text", ["", "- a\n", "changes: [\n", "a: 1\n---\nb: 2\n", "kind: Pod\nspec: {}\n", "\0"])
def test_what_is_no_document_is_refused(updates: Updates, text: str) -> None:
    assert updates.refused("propose", "--from", updates.file("p.yaml", text)) == (2, "INVALID_REQUEST")


def test_a_document_of_another_organisation_is_denied(updates: Updates) -> None:
    path = document(updates, organizationRef="other")
    assert updates.refused("propose", "--from", path) == (4, "CROSS_ORG_REF_DENIED")


@pytest.mark.parametrize("actor", ["<a@b>", "A <a b>", "A\x1b[0m <a@b>", "A <a@b> B"])
def test_a_person_has_a_name(updates: Updates, actor: str) -> None:
    options = ("--delete", "notes/n.md", "--reason", "x")
    assert updates.refused("propose", *options, actor=actor) == (2, "INVALID_REQUEST")


# Revisions


def test_a_revision_takes_the_place_of_what_was_proposed(updates: Updates) -> None:
    name = updates.approved()
    path = updates.file("other.md", changed(FILES[RUNBOOK], "Third line", "Another third line"))
    found = updates.json("revise", name, "--put", f"{RUNBOOK}=@{path}", "--rationale", "Better so.")
    assert (found["update"], found["phase"]) == (name, "AwaitingApproval")
    shown = updates.json("show", name)
    assert (shown["update"]["revision"], shown["update"]["rationale"]) == (2, "Better so.")
    assert [one["binding"] for one in shown["reviews"]["given"]] == [False]


def test_only_who_proposed_it_revises_it(updates: Updates) -> None:
    name = updates.proposed("--agent", "ci-agent", "--run", "adr-1")
    options = ("--delete", RUNBOOK, "--reason", "Not needed")
    assert updates.refused("revise", name, *options, actor=OTHER) == (4, "POLICY_DENIED")
    assert updates.refused("revise", "amu-000000000000", *options) == (3, "NOT_FOUND")
    assert updates.refused("revise", name) == (2, "USAGE")
    done = updates("revise", name, *options, "--agent", "ci-agent")
    assert done.exit_code in (0, 1), done.output
    assert updates.json("show", name)["files"][0]["action"] == "delete"
