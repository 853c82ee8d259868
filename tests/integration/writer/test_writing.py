"""Changes become commits: where they go, what they hold, what is recorded, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.commits import init_repository
from krate_gitops.reconcile.writer.objects import ObjectChange
from krate_gitops.reconcile.writer.ports import Ports
from krate_gitops.reconcile.writer.refusals import BaseChangedError, InvalidResultError
from krate_gitops.reconcile.writer.request import Apply, Assign, Delete, Restore, WriteRequest
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.audit_verify import verify
from krate_gitops.records.config_changes import Status
from krate_gitops.records.events import event_of
from krate_gitops.settings import Settings
from tests.config_writing import FILES, Writer
from tests.repos import SYMLINK, RepoBuilder, git

DESCRIBE = Assign(kind="AgentStack", name="triage", fields={"displayName": "Finds out why"})
TRIAGE = "orgs/acme/triage.yaml"
NEW: dict[str, Any] = {
    "spec": {"organizationRef": "acme", "filesystemPolicy": "read-only", "approvalPolicyByTool": {"git": "allow"}},
    "kind": "AgentToolProfile",
    "apiVersion": "krate.a5c.ai/v1alpha1",
    "metadata": {"uid": "x", "name": "readonly", "resourceVersion": "7", "managedFields": []},
    "status": {"phase": "Ready"},
}


def test_a_proposal_is_a_branch_with_one_commit_and_the_target_stays(writer: Writer) -> None:
    result = writer.write(DESCRIBE, message="Say what it is for\n\nPeople asked.")
    assert (result.status, result.mode, result.base_commit) == ("Proposed", "pull-request", writer.first)
    assert result.branch == f"krate/config/acme/{result.change_digest.removeprefix('sha256:')[:12]}"
    assert writer.tip() == writer.first
    assert writer.tip(result.branch or "") == result.commit
    assert writer.content(TRIAGE, result.commit or "") == FILES[TRIAGE] + "  displayName: Finds out why\n"
    shown = git(writer.repo.git_dir, "log", "-1", "--format=%an|%ae|%cn|%P|%B", result.commit or "").decode().split("|")
    assert shown[:4] == ["Dana", "dana@acme.example", "krate-gitops", writer.first]
    assert shown[4].strip() == (
        "Say what it is for\n\nPeople asked.\n\n"
        f"Krate-Org: acme\nKrate-Actor: Dana\nKrate-Correlation-Id: {result.correlation_id}\n"
        f"Krate-Change-Digest: {result.change_digest}\nKrate-Source: config"
    )
    trailers = git(
        writer.repo.git_dir, "log", "-1", "--format=%(trailers:key=Krate-Org,valueonly)", result.commit or ""
    )
    assert trailers.decode().strip() == "acme"
    assert git(writer.repo.git_dir, "fsck", "--strict", "--no-dangling") == b""


def test_a_direct_write_moves_the_target_branch_and_changes_one_file(writer: Writer) -> None:
    result = writer.write(DESCRIBE, mode="direct")
    assert (result.status, writer.tip(), writer.branches()) == ("Merged", result.commit, ["main"])
    changed = git(writer.repo.git_dir, "diff", "--numstat", writer.first, "main").decode()
    assert changed == f"1\t0\t{TRIAGE}\n"


def test_a_new_object_gets_a_canonical_file_of_its_own(writer: Writer) -> None:
    result = writer.write(Apply(object=NEW), mode="direct")
    assert result.paths == ("orgs/acme/agenttoolprofiles/readonly.yaml",)
    assert writer.content(result.paths[0]) == (
        "apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentToolProfile\nmetadata:\n  name: readonly\n"
        "spec:\n  organizationRef: acme\n  filesystemPolicy: read-only\n  approvalPolicyByTool:\n    git: allow\n"
    )
    assert writer.write(Apply(object=NEW), mode="direct").status == "unchanged"


def test_an_object_leaves_its_file_and_an_empty_file_leaves_its_folder(writer: Writer) -> None:
    writer.write(Apply(object=NEW), mode="direct")
    result = writer.write(Delete(kind="atp", name="readonly"), mode="direct")
    assert result.objects[0].operation == "delete"
    assert writer.tip() != writer.first
    assert git(writer.repo.git_dir, "diff", "--name-only", writer.first, "main") == b""


def test_several_changes_are_one_commit(writer: Writer) -> None:
    result = writer.write(DESCRIBE, Apply(object=NEW), Delete(kind="AgentToolProfile", name="readonly"), mode="direct")
    assert [one.operation for one in result.objects] == ["update"]
    assert git(writer.repo.git_dir, "rev-list", "--count", f"{writer.first}..main").strip() == b"1"


def test_what_changes_nothing_is_no_commit_and_no_record(writer: Writer) -> None:
    result = writer.write(Assign(kind="AgentStack", name="triage", fields={"baseAgent": "codex"}))
    assert (result.status, result.commit, writer.branches(), writer.stored()) == ("unchanged", None, ["main"], [])
    assert writer.records() == []


def test_a_dry_run_writes_nothing_anywhere(writer: Writer, home: Path) -> None:
    before = writer.objects()
    result = writer.draft(DESCRIBE, Apply(object=NEW))
    assert result.status == "dry-run"
    assert [(one.operation, one.name) for one in result.objects] == [("update", "triage"), ("create", "readonly")]
    assert (writer.objects(), writer.branches()) == (before, ["main"])
    assert not (home / "records.sqlite").exists()


def test_intent_and_outcome_are_on_record_and_tell_no_values(writer: Writer) -> None:
    proposed = writer.write(DESCRIBE)
    writer.write(Assign(kind="AgentStack", name="triage", fields={"displayName": "Other"}), mode="direct")
    records = writer.records()
    assert [(one.type, one.stage) for one in records] == [
        ("ConfigCommitProposed", Stage.INTENT), ("ConfigCommitProposed", Stage.OUTCOME),
        ("ConfigCommitMerged", Stage.INTENT), ("ConfigCommitMerged", Stage.OUTCOME),
    ]  # fmt: skip
    assert records[1].details["commit"] == records[1].source.resolved_commit == proposed.commit
    assert records[1].details["counts"] == {"update": 1}
    assert (records[0].actor.name, records[0].metadata.correlation_id) == ("Dana", proposed.correlation_id)
    assert "Finds out why" not in str(records)
    events = [event for record in records if (event := event_of(record))]
    assert [event.type for event in events] == ["gitops.config.proposed", "gitops.config.merged"]
    assert events[0].data == {
        "changeDigest": proposed.change_digest, "branch": proposed.branch, "pullRequest": proposed.branch,
        "actor": {"kind": "User", "name": "Dana"},
    }  # fmt: skip
    assert (events[0].gitops_source, events[0].resolved_commit) == ("config", proposed.commit)
    with writer.database.reading() as connection:
        assert verify(connection, "acme").ok


def test_no_push_without_a_record_of_the_intent(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise UnavailableError("SERVICE_UNAVAILABLE", "the log is full")

    monkeypatch.setattr("krate_gitops.reconcile.writer.ledger.append", full)
    with pytest.raises(UnavailableError, match="full"):
        writer.write(DESCRIBE, mode="direct")
    assert (writer.tip(), writer.stored()) == (writer.first, [])


# The same again


def test_the_same_change_on_the_same_base_is_made_once(writer: Writer) -> None:
    first = writer.write(DESCRIBE)
    again = writer.write(DESCRIBE, message="With other words")
    assert (again.commit, again.branch, again.repeated) == (first.commit, first.branch, True)
    assert (len(writer.stored()), len(writer.records())) == (1, 2)


def test_a_direct_write_given_its_base_is_answered_again(writer: Writer) -> None:
    first = writer.write(DESCRIBE, mode="direct", expected_base=writer.first)
    again = writer.write(DESCRIBE, mode="direct", expected_base=writer.first)
    assert (again.commit, again.status, again.repeated) == (first.commit, "Merged", True)


def test_a_request_id_is_answered_again_wherever_the_branch_stands(writer: Writer) -> None:
    first = writer.write(DESCRIBE, mode="direct", request_id="r1")
    writer.write(Assign(kind="AgentStack", name="triage", fields={"displayName": "Later"}), mode="direct")
    again = writer.write(DESCRIBE, mode="direct", request_id="r1")
    assert (again.commit, again.repeated) == (first.commit, True)
    assert "Later" in writer.content(TRIAGE)


def test_a_proposal_on_a_newer_base_goes_on_from_where_its_branch_is(writer: Writer) -> None:
    first = writer.write(DESCRIBE)
    writer.write(Apply(object=NEW), mode="direct")
    second = writer.write(DESCRIBE)
    assert second.branch == first.branch
    parents = git(writer.repo.git_dir, "rev-list", "--parents", "-1", second.commit or "").decode().split()[1:]
    assert parents == [first.commit, writer.tip()]
    assert writer.content(TRIAGE, second.branch or "") == writer.content(TRIAGE, first.commit or "")
    assert "readonly" in writer.content("orgs/acme/agenttoolprofiles/readonly.yaml", second.branch or "")
    assert [one.status for one in writer.stored() if one.change.mode == "pull-request"] == [
        Status.PROPOSED, Status.SUPERSEDED,
    ]  # fmt: skip


# The base


def test_another_base_than_expected_is_refused_with_the_paths_that_both_changed(writer: Writer) -> None:
    writer.write(Assign(kind="AgentStack", name="triage", fields={"displayName": "Theirs"}), mode="direct")
    with pytest.raises(BaseChangedError) as caught:
        writer.write(DESCRIBE, expected_base=writer.first)
    assert (caught.value.code, caught.value.rule, caught.value.paths) == ("BASE_CHANGED", "KR801", (TRIAGE,))
    with pytest.raises(BaseChangedError) as other:
        writer.write(Apply(object=NEW), expected_base=writer.first)
    assert other.value.paths == ()


def test_a_base_that_nobody_knows_is_no_base(writer: Writer) -> None:
    for unknown in ("0" * 40, "main", "--help", writer.first[:12]):
        with pytest.raises(UnavailableError, match="has no commit"):
            writer.write(DESCRIBE, expected_base=unknown)


# Validation


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Assign(kind="AgentStack", name="triage", fields={"baseAgent": "clod"}), "KR010"),
        (Assign(kind="AgentStack", name="triage", fields={"nonsense": 1}), "KR012"),
        (Assign(kind="AgentStack", name="triage", fields={"organizationRef": "other"}), "KR102"),
        (Assign(kind="AgentStack", name="triage", fields={"mcpServerRefs": ["absent"]}), "KR201"),
        (Delete(kind="AgentServiceAccount", name="runner"), "KR305"),
        (Delete(kind="AgentRoleBinding", name="runner"), "KR306"),
        (Apply(object={"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}), "KR303"),
        (Apply(object={**NEW, "kind": "AgentDispatchRun"}), "KR016"),
        (Apply(object={**NEW, "kind": "OrgNamespaceBinding"}), "KR110"),
        (
            Apply(object={"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                          "metadata": {"name": "x"}, "spec": {}}),
            "KR003",
        ),
    ],
)  # fmt: skip
def test_a_result_that_does_not_validate_is_refused_before_there_is_an_object(
    writer: Writer, change: Any, code: str
) -> None:
    before = writer.objects()
    with pytest.raises(InvalidResultError) as caught:
        writer.write(change)
    assert (caught.value.code, caught.value.exit_code) == ("KR802", 1)
    assert code in [one.code for one in caught.value.diagnostics]
    assert (writer.objects(), writer.branches(), writer.stored()) == (before, ["main"], [])


def test_a_draft_may_be_not_ready_yet(writer: Writer) -> None:
    change = Assign(kind="AgentStack", name="triage", fields={"mcpServerRefs": ["absent"]})
    result = writer.write(change, draft=True)
    assert result.status == "Proposed"
    assert "KR201" in [one.code for one in result.diagnostics]
    with pytest.raises(InvalidResultError):
        writer.write(Assign(kind="AgentStack", name="triage", fields={"baseAgent": "clod"}), draft=True)


def test_what_was_not_ready_before_keeps_nobody_from_changing_something_else(writer: Writer) -> None:
    broken = FILES[TRIAGE].replace("name: triage", "name: broken") + "  mcpServerRefs: [absent]\n"
    writer.repo.commit({"orgs/acme/broken.yaml": broken})
    assert writer.write(DESCRIBE).status == "Proposed"
    with pytest.raises(InvalidResultError, match="KR201"):
        writer.write(Assign(kind="AgentStack", name="broken", fields={"displayName": "Still broken"}))


def test_a_source_whose_files_are_broken_takes_no_changes(writer: Writer) -> None:
    writer.repo.commit({"orgs/acme/bad.yaml": "a: [\n"})
    with pytest.raises(InvalidResultError, match="KR001"):
        writer.write(DESCRIBE)


# Secrets


TOKEN = "ghp_" + "Zk3Xq9Lm2Vb7Tn4Rw8Yc1Pd6Hs5Jf0Ag" + "9x2Q"


@pytest.mark.parametrize(
    "change",
    [
        Assign(kind="AgentStack", name="triage", fields={"displayName": TOKEN}),
        Assign(kind="AgentStack", name="triage", fields={"metadata.annotations.note": f"use {TOKEN} here"}),
        Assign(kind="AgentStack", name="triage", fields={"token": "abc"}),
        Apply(object={**NEW, "metadata": {"name": "readonly", "annotations": {"a": TOKEN}}}),
    ],
)
def test_a_secret_reaches_neither_an_object_nor_a_message(
    writer: Writer, home: Path, change: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    before = writer.objects()
    with pytest.raises(InvalidResultError) as caught:
        writer.write(change)
    assert {"KR301", "KR302"} & {one.code for one in caught.value.diagnostics}
    assert TOKEN not in repr(caught.value) + str(caught.value.diagnostics) + caught.value.hint
    assert writer.objects() == before
    for file in [*writer.folder.rglob("*"), *home.rglob("*")]:
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()
    assert TOKEN not in "".join(capfd.readouterr())


@pytest.mark.parametrize("field", ["message", "author"])
def test_a_secret_in_the_message_or_the_name_is_refused_too(writer: Writer, field: str) -> None:
    given = {"message": f"Use {TOKEN}", "author": f"{TOKEN} <a@b>"}
    with pytest.raises(KrateError) as caught:
        writer.write(DESCRIBE, **{field: given[field]})
    assert caught.value.code == "KR302"
    assert TOKEN not in repr(caught.value)


# Hostile input


@pytest.mark.parametrize(
    "value",
    [
        "a\n---\nkind: Secret", "x: y\nbaseAgent: evil", "# no comment", "&a [*a]", "*a", "!!python/object:os.system x",
        "'", '"', "\\", "{{ x }}", "${HOME}", "%YAML 1.1", "a\r\nb", "\u2028k: v", "\x85", "yes", "null", "- a", "? b",
        "\ufeffx", "\u202eevil", "x" * 100_000, "\t", " ", "<<", "!!binary aGk=", "---", "...", "|\n  x", "@a", "`a`",
        "2026-01-01", "0o17", "1_000", "1e999", ".nan", "\U0001f600",
    ],
)  # fmt: skip
def test_hostile_values_are_values(writer: Writer, value: str) -> None:
    change = Assign(kind="AgentStack", name="triage", fields={"metadata.annotations.note": value})
    result = writer.write(change, mode="direct")
    again = writer.write(change, mode="direct")
    assert (result.status, again.status) == ("Merged", "unchanged")
    assert [one.operation for one in result.objects] == ["update"]
    lines = writer.content(TRIAGE).split("\n")
    assert [line for line in FILES[TRIAGE].split("\n") if line not in lines] in ([], ["metadata: {name: triage}"])


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"a": "\0"}, "NUL"), ({"a": "\ud800"}, "surrogate"), ({"..": 1}, "path"), ({"spec[0]": 1}, "no field"),
        ({"a[99]": 1}, "no field"), ({"": 1}, "path"), ({".a": 1}, "path"), ({"a." * 30 + "a": 1}, "path"),
    ],
)  # fmt: skip
def test_what_no_field_can_be_or_hold_is_refused(writer: Writer, fields: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        writer.write(Assign(kind="AgentStack", name="triage", fields=fields))


@pytest.mark.parametrize("name", ["../../x", "a/b", ".git", "", "x" * 300, "A", "a\nb", "-x"])
def test_a_name_leads_nowhere_else(writer: Writer, name: str) -> None:
    with pytest.raises(UsageError):
        writer.write(Apply(object={**NEW, "metadata": {"name": name}}))


@pytest.mark.parametrize("kind", ["../../x", "a/b", "A\nB", ".git/x", "x" * 300])
def test_a_kind_leads_nowhere_else(writer: Writer, kind: str) -> None:
    with pytest.raises(KrateError) as caught:
        writer.write(Apply(object={**NEW, "kind": kind}))
    assert caught.value.code in ("KR802", "KR806")
    assert writer.branches() == ["main"]


@pytest.mark.parametrize(
    "path",
    [
        "../other/x.yaml", "/x.yaml", "a/../../x.yaml", ".hidden/x.yaml", "x.txt", "a//x.yaml", "a/.git/x.yaml",
        "a\\b.yaml", "x\n.yaml",
    ],
)  # fmt: skip
def test_a_path_outside_the_source_is_refused(writer: Writer, path: str) -> None:
    with pytest.raises(KrateError) as caught:
        writer.write(Apply(object=NEW, path=path))
    assert caught.value.code == "KR806"


def test_what_another_source_reads_or_this_one_leaves_out_is_not_written(writer: Writer) -> None:
    for target in (
        writer.target(foreign_paths=("orgs/acme/agenttoolprofiles",)),
        writer.target(exclude=("agenttoolprofiles/**",)),
        writer.target(include=("agents/**",)),
    ):
        with pytest.raises(KrateError) as caught:
            writer.write(Apply(object=NEW), target=target)
        assert caught.value.code == "KR806"


def test_what_a_source_leaves_out_is_neither_checked_nor_restored(writer: Writer) -> None:
    broken = writer.repo.commit({"orgs/acme/drafts/bad.yaml": "a: [\n"})
    target = writer.target(exclude=("drafts/**",))
    assert writer.write(DESCRIBE, target=target, mode="direct").status == "Merged"
    writer.repo.commit({"orgs/acme/drafts/bad.yaml": None})
    assert [one.name for one in writer.draft(Restore(path="", commit=broken), target=target).objects] == ["triage"]
    with pytest.raises(InvalidResultError):
        writer.draft(Restore(path="", commit=broken))


def test_nothing_is_written_through_a_link_or_over_a_folder(writer: Writer) -> None:
    writer.repo.commit({"orgs/acme/agenttoolprofiles": (SYMLINK, "../../elsewhere")})
    with pytest.raises(UsageError, match="no folder"):
        writer.write(Apply(object=NEW))
    writer.repo.commit({"orgs/acme/agenttoolprofiles": None, "orgs/acme/agenttoolprofiles/readonly.yaml/x.md": "x"})
    with pytest.raises(UsageError, match="no plain file"):
        writer.write(Apply(object=NEW))


@pytest.mark.parametrize(
    "given",
    [
        {"author": "no address"}, {"author": "A <a@b>\nparent 0"}, {"author": "<x> <a@b>"}, {"author": "\ud800 <a@b>"},
        {"author": "\u202ex <a@b>"}, {"message": " "},
        {"message": "x\n\nKrate-Actor: root"}, {"message": "x\x1b[31m"}, {"message": "x" * 10_000},
    ],
)  # fmt: skip
def test_a_commit_can_not_be_forged_by_its_texts(writer: Writer, given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        writer.write(DESCRIBE, **given)


def test_odd_names_of_branches_are_refused_before_git_sees_them(writer: Writer) -> None:
    for changed in ({"branch": "--upload-pack=x"}, {"branch": "a..b"}, {"branch_prefix": "../../"}, {"owner": "a b"}):
        with pytest.raises(UsageError) as caught:
            writer.write(DESCRIBE, target=writer.target(**changed))
        assert caught.value.code == "MEMORY_REF_INVALID"


def test_a_bundle_is_not_written_to(writer: Writer) -> None:
    bundle = writer.repo.bundle(writer.folder / "config.bundle")
    with pytest.raises(UsageError, match="bundle"):
        writer.write(DESCRIBE, target=writer.target(location=str(bundle)))
    assert writer.stored() == []


def test_requests_have_bounds(writer: Writer) -> None:
    with pytest.raises(UsageError, match="at most 200"):
        writer.write(*[DESCRIBE] * 201)
    with pytest.raises(UsageError, match="nothing to change"):
        writer.write()
    with pytest.raises(InvalidResultError, match="KR706"):
        writer.write(Assign(kind="AgentStack", name="triage", fields={"metadata.annotations.a": "x" * (2 << 20)}))


def test_what_is_not_there_is_told(writer: Writer) -> None:
    with pytest.raises(UnavailableError) as caught:
        writer.write(Delete(kind="AgentStack", name="absent"))
    assert caught.value.code == "CONFIG_OBJECT_NOT_FOUND"
    with pytest.raises(UsageError, match="no kind"):
        writer.write(Delete(kind="AgentStak", name="triage"))
    with pytest.raises(UnavailableError) as branch:
        writer.write(DESCRIBE, target=writer.target(branch="absent"))
    assert branch.value.code == "KR702"


# Policy


def test_a_source_may_take_no_writes_or_proposals_only(writer: Writer) -> None:
    disabled = writer.target(write_mode="disabled", any_mode=False)
    with pytest.raises(DeniedError, match="KR805") as caught:
        writer.write(DESCRIBE, target=disabled)
    assert (caught.value.code, caught.value.exit_code) == ("POLICY_DENIED", 4)
    with pytest.raises(DeniedError, match="pull request only"):
        writer.write(DESCRIBE, target=writer.target(any_mode=False), mode="direct")
    records = writer.records()
    assert [(one.type, one.decision.allowed, one.stage) for one in records] == [
        ("ConfigCommitRejected", False, Stage.PREFLIGHT)
    ] * 2
    assert (writer.branches(), writer.stored()) == (["main"], [])


def test_whoever_may_not_do_it_is_told_before_anything_is_written(writer: Writer) -> None:
    class NoDeletes:
        def review(self, request: WriteRequest, changes: list[ObjectChange]) -> None:
            if any(one.operation == "delete" for one in changes):
                raise DeniedError("POLICY_DENIED", f"{request.actor.name} may not delete")

    before = writer.objects()
    with pytest.raises(DeniedError, match="Dana may not delete"):
        writer.write(Delete(kind="AgentStack", name="triage"), ports=Ports(access=NoDeletes()))
    assert writer.objects() == before
    unready = Delete(kind="AgentServiceAccount", name="runner")  # it would not validate either
    writer.repo.commit({"docs.md": "x"})
    for base in (None, writer.first):
        with pytest.raises(DeniedError):
            writer.write(unready, ports=Ports(access=NoDeletes()), expected_base=base)
    assert {one.decision.allowed for one in writer.records()} == {False}
    assert writer.branches() == ["main"]


def test_a_source_admits_only_the_kinds_it_names(writer: Writer) -> None:
    with pytest.raises(InvalidResultError, match="admits no AgentToolProfile"):
        writer.write(Apply(object=NEW), target=writer.target(allowed_kinds=("AgentStack",)))


def test_the_repository_of_a_company_brain_is_not_written_to(writer: Writer) -> None:
    writer.repo.commit({"ontology/node-kinds.yaml": "a: 1\n", "ontology/edge-kinds.yaml": "a: 1\n"})
    with pytest.raises(DeniedError, match="company brain"):
        writer.write(DESCRIBE)


# Rollback


def test_earlier_content_comes_back_byte_for_byte_as_a_new_commit(writer: Writer) -> None:
    writer.write(DESCRIBE, Apply(object=NEW), mode="direct")
    result = writer.write(Restore(path="", commit=writer.first), mode="direct")
    assert sorted((one.operation, one.kind) for one in result.objects) == [
        ("delete", "AgentToolProfile"), ("update", "AgentStack"),
    ]  # fmt: skip
    assert git(writer.repo.git_dir, "diff", "--name-only", writer.first, "main") == b""
    assert git(writer.repo.git_dir, "rev-list", "--count", "main").strip() == b"3"


def test_only_the_named_paths_come_back_and_must_validate(writer: Writer) -> None:
    writer.write(DESCRIBE, Apply(object=NEW), mode="direct")
    result = writer.write(Restore(path="triage.yaml", commit=writer.first), mode="direct")
    assert result.paths == (TRIAGE,)
    writer.repo.commit({"orgs/acme/identity.yaml": "# nothing\n"}, branch="old", parents=[writer.first])
    with pytest.raises(InvalidResultError):
        writer.write(Restore(path="identity.yaml", commit=writer.tip("old")))
    with pytest.raises(UnavailableError):
        writer.write(Restore(path="absent.yaml", commit=writer.first))
    with pytest.raises(KrateError):
        writer.write(Restore(path="../other", commit=writer.first))


def test_links_and_hidden_folders_of_earlier_commits_stay_there(writer: Writer) -> None:
    earlier = writer.repo.commit({"orgs/acme/.hidden/a.yaml": "a: 1\n", "orgs/acme/b.yaml": (SYMLINK, "triage.yaml")})
    now = writer.repo.commit({"orgs/acme/.hidden": None, "orgs/acme/b.yaml": None})
    assert writer.write(Restore(path="", commit=earlier)).status == "unchanged"
    huge = writer.repo.commit({"orgs/acme/huge.yaml": "a: " + "x" * (2 << 20)}, branch="huge", parents=[now])
    with pytest.raises(KrateError, match="at most"):
        writer.write(Restore(path="", commit=huge))


# Forms of files


def test_an_item_of_a_list_and_a_json_file_are_edited_where_they_stand(writer: Writer) -> None:
    listed = (
        "apiVersion: v1\nkind: List\nitems:\n  # one\n  - apiVersion: krate.a5c.ai/v1alpha1\n"
        "    kind: AgentToolProfile\n"
        "    metadata: {name: one}\n    spec: {organizationRef: acme, filesystemPolicy: read-only, "
        "approvalPolicyByTool: {git: allow}}\n"
    )
    as_json = NEW | {"metadata": {"name": "two"}}
    del as_json["status"]
    writer.repo.commit({"orgs/acme/list.yaml": listed, "orgs/acme/two.json": json.dumps(as_json, indent=1)})
    result = writer.write(
        *(Assign(kind="atp", name=name, fields={"approvalPolicyByTool.shell": "deny"}) for name in ("one", "two")),
        mode="direct",
    )
    assert [one.name for one in result.objects] == ["one", "two"]
    assert writer.content("orgs/acme/list.yaml") == listed.replace("{git: allow}", "{git: allow, shell: deny}")
    assert '"git": "allow",\n   "shell": "deny"\n' in writer.content("orgs/acme/two.json")
    writer.write(Delete(kind="atp", name="one"), mode="direct")
    assert writer.content("orgs/acme/list.yaml") == "apiVersion: v1\nkind: List\nitems: []\n  # one\n"
    writer.write(Delete(kind="atp", name="two"), mode="direct")
    assert "two.json" not in git(writer.repo.git_dir, "ls-tree", "-r", "--name-only", "main").decode()


def test_fields_that_are_written_by_another_name_stay_as_they_are_written(writer: Writer) -> None:
    source = (
        "apiVersion: krate.a5c.ai/v1alpha1\nkind: AgentMemorySource\nmetadata: {name: brain}\nspec:\n"
        "  organizationRef: acme\n  memoryRepository: company # by its alias\n"
        "  appliesTo: {kind: AgentStack, name: triage}\n  include: [runbooks/**]\n"
    )
    writer.repo.commit({"orgs/acme/source.yaml": source})
    change = Assign(kind="AgentMemorySource", name="brain", fields={"metadata.labels.team": "core"})
    result = writer.write(change, mode="direct", draft=True)
    assert writer.content("orgs/acme/source.yaml") == source.replace("brain}", "brain, labels: {team: core}}")
    assert [field.field for field in result.objects[0].fields] == ["metadata.labels"]


def test_changes_that_mean_the_same_have_one_digest(writer: Writer) -> None:
    short = Assign(kind="as", name="triage", fields={"displayName": "x"})
    full = Assign(kind="AgentStack", name="triage", fields={"spec.displayName": "x"})
    assert writer.draft(short).change_digest == writer.draft(full).change_digest
    order = {key: NEW[key] for key in ("kind", "spec", "apiVersion")} | {"metadata": {"name": "readonly"}}
    assert writer.draft(Apply(object=NEW)).change_digest == writer.draft(Apply(object=order)).change_digest


# Local repositories


def test_a_checked_out_branch_is_left_alone_and_a_proposal_beside_it_is_fine(tmp_path: Path, home: Path) -> None:
    writer = Writer(tmp_path, Settings(home=home))
    git(None, "clone", "-q", str(writer.repo.path), str(tmp_path / "checkout"))
    writer.location = str(tmp_path / "checkout")
    checkout = tmp_path / "checkout" / ".git"
    with pytest.raises(DeniedError, match="checked out") as caught:
        writer.write(DESCRIBE, mode="direct")
    assert caught.value.code == "PUSH_REFUSED"
    assert writer.stored() == []
    result = writer.write(DESCRIBE)
    assert git(checkout, "rev-parse", f"refs/heads/{result.branch}").decode().strip() == result.commit
    assert git(checkout, "--work-tree", str(tmp_path / "checkout"), "status", "--porcelain") == b""


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_objects_fit_the_format_of_the_repository(tmp_path: Path, home: Path, object_format: str) -> None:
    init_repository(tmp_path / "bare.git", bare=True, object_format=object_format)
    writer = Writer(tmp_path, Settings(home=home))
    writer.repo = RepoBuilder(tmp_path / "other.git", object_format=object_format)
    writer.location = str(tmp_path / "other.git")
    writer.repo.commit(dict(FILES))
    result = writer.write(DESCRIBE, mode="direct")
    assert len(result.commit or "") == (40 if object_format == "sha1" else 64)
    assert git(writer.repo.git_dir, "fsck", "--strict", "--no-dangling") == b""
