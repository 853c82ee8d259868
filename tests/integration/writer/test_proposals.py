"""What becomes of proposals: merged by a merge, by a squash, applied, rejected, taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from krate_gitops.errors import UsageError
from krate_gitops.git.repository import open_repository
from krate_gitops.reconcile.writer.ports import Ports, Proposal, PullRequest
from krate_gitops.reconcile.writer.proposals import mark_applied, refreshed_changes, undoing
from krate_gitops.reconcile.writer.refusals import BaseChangedError
from krate_gitops.reconcile.writer.request import Apply, Assign, Restore
from krate_gitops.records.config_changes import ConfigChange, Status, StoredChange
from tests.config_writing import FILES, Writer
from tests.unit.resources.sample import document

DESCRIBE = Assign(kind="AgentStack", name="triage", fields={"displayName": "Finds out why"})
TRIAGE = "orgs/acme/triage.yaml"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def refreshed(writer: Writer, **more: Any) -> list[StoredChange]:
    return refreshed_changes(writer.target(), settings=writer.settings, database=writer.database, now=NOW, **more)


def statuses(found: list[StoredChange]) -> list[Status]:
    return [one.status for one in found]


def test_an_open_proposal_stays_proposed_and_leaves_no_record(writer: Writer) -> None:
    writer.write(DESCRIBE)
    before = writer.records()
    assert statuses(refreshed(writer)) == [Status.PROPOSED]
    assert writer.records() == before


def test_a_merged_proposal_is_found_and_recorded_once(writer: Writer) -> None:
    result = writer.write(DESCRIBE)
    writer.repo.merge(result.commit or "")
    assert statuses(refreshed(writer)) == [Status.MERGED]
    assert statuses(refreshed(writer)) == [Status.MERGED]
    assert [(one.type, one.actor.name) for one in writer.records()][2:] == [("ConfigCommitMerged", "config-writer")]


def test_a_squashed_proposal_counts_as_merged(writer: Writer) -> None:
    result = writer.write(DESCRIBE)
    writer.repo.commit({TRIAGE: writer.content(TRIAGE, result.commit or "")})
    [found] = refreshed(writer)
    assert (found.status, found.commit) == (Status.MERGED, writer.tip())


def test_a_branch_that_was_deleted_unmerged_is_a_rejection(writer: Writer) -> None:
    result = writer.write(DESCRIBE)
    writer.repo.ref(f"refs/heads/{result.branch}", None)
    assert statuses(refreshed(writer)) == [Status.REJECTED]
    assert writer.records()[-1].decision.reason == "BranchDeleted"
    assert writer.write(DESCRIBE).status == "Proposed"
    assert statuses(refreshed(writer)) == [Status.PROPOSED]


def test_what_the_cluster_applied_contains_is_applied(writer: Writer) -> None:
    result = writer.write(DESCRIBE)
    repository = open_repository(writer.location, settings=writer.settings)

    def marked(commit: str) -> list[Status]:
        target = writer.target()
        found = mark_applied(target.owner, target.uid, repository, commit, database=writer.database, now=NOW)
        return statuses(found)

    assert marked(writer.tip()) == []
    merge = writer.repo.merge(result.commit or "")
    assert marked(writer.first) == []
    assert marked(merge) == [Status.APPLIED]
    assert marked(merge) == []
    assert statuses(refreshed(writer)) == [Status.APPLIED]


class Forge:
    """A forge that remembers, and says what it is told to say."""

    def __init__(self) -> None:
        self.proposals: list[Proposal] = []
        self.told: Status | None = None

    def propose(self, proposal: Proposal) -> PullRequest:
        self.proposals.append(proposal)
        return PullRequest(name="12", url="https://forge.example/pull/12")

    def status(self, change: ConfigChange, pull_request: str | None) -> Status | None:
        return self.told


def test_a_forge_gets_what_reviewers_need_and_decides(writer: Writer) -> None:
    forge = Forge()
    result = writer.write(
        DESCRIBE,
        ports=Ports(forge=forge),
        target=writer.target(reviewers=("rivera",)),
        message="Describe it | <b>\n\nBecause.",
    )
    assert result.pull_request == "https://forge.example/pull/12"
    [proposal] = forge.proposals
    assert (proposal.title, proposal.reviewers) == ("Describe it | <b>", ("rivera",))
    assert "| AgentStack triage | update | `spec.displayName` |" in proposal.body
    assert "Finds out why" not in proposal.body
    forge.told = Status.REJECTED
    assert statuses(refreshed(writer, forge=forge)) == [Status.REJECTED]


def test_a_merged_change_is_taken_back_unless_its_files_changed_since(writer: Writer) -> None:
    writer.write(DESCRIBE, mode="direct")
    [stored] = writer.stored()
    repository = open_repository(writer.location, settings=writer.settings)
    assert undoing(writer.target(), repository, stored) == (Restore(path="triage.yaml", commit=writer.first),)
    writer.write(*undoing(writer.target(), repository, stored), mode="direct")
    assert writer.content(TRIAGE) == FILES[TRIAGE]
    with pytest.raises(BaseChangedError):
        undoing(writer.target(), repository, stored)


def test_a_change_that_nobody_took_can_not_be_taken_back(writer: Writer) -> None:
    writer.write(DESCRIBE)
    repository = open_repository(writer.location, settings=writer.settings)
    with pytest.raises(UsageError, match="Proposed"):
        undoing(writer.target(), repository, writer.stored()[0])


def test_reviewers_are_told_whether_stacks_will_be_ready(writer: Writer) -> None:
    forge = Forge()
    result = writer.write(DESCRIBE, ports=Ports(forge=forge))
    [told] = result.preview.readiness
    assert (told.organization, told.stack, told.ready) == ("acme", "triage", False)
    assert told.reason.startswith("MissingServiceAccount: ")
    assert "untrusted-linux" in told.reason
    assert f"- triage will not be ready: {told.reason}\n" in forge.proposals[0].body

    pool = document(
        "AgentServiceAccount",
        "namespace: krate-org-acme",
        "serviceAccountName: pool",
        "owner: {kind: RunnerPool, name: untrusted-linux}",
        name="pool",
    )
    [told] = writer.draft(Apply(object=yaml.safe_load(pool)), draft=True).preview.readiness
    assert (told.ready, told.reason) == (True, "")


def test_a_change_that_no_stack_hangs_on_tells_of_none(writer: Writer) -> None:
    label = document("AgentContextLabel", "promptFragment: Look twice.", "allowedSources: [job]", name="look-twice")
    assert writer.draft(Apply(object=yaml.safe_load(label))).preview.readiness == ()
