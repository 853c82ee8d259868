"""What is told of a merge that went around the review: who has to know, and what it made of the brain."""

from __future__ import annotations

from krate_gitops.brain.model import SecretScan
from krate_gitops.digest import json_digest
from krate_gitops.printable import printable
from krate_gitops.records.notifications import Notification
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.examine import without_secrets
from krate_gitops.updates.model import AgentMemoryUpdate
from krate_gitops.updates.touched import records_in

OUT_OF_BAND = "OutOfBandMerge"
_MOST_RECIPIENTS = 100
_MOST_CHARACTERS = 200


def notices_of(desk: Desk, update: AgentMemoryUpdate, commit: str) -> list[Notification]:
    """A notification for the memory owners, the owners of the touched records and the proposer; texts name no memory.

    Raises ``UnavailableError`` when the index of the update's base can't be read.
    """
    spec = update.spec
    paths = {path for item in spec.changes for path in (item.path, item.target)}
    records = desk.brain.read(spec.base_commit, lambda opened: records_in(opened, paths))
    owners = [owner for one in records.values() for owner in one.owners]
    people = [*(desk.policy.memory_owners or ()), *owners, f"{spec.proposer.kind.lower()}:{spec.proposer.name}"]
    recipients = dict.fromkeys(_clean(one) for one in people)
    facts = {
        "memoryRepository": desk.repository_name,
        "update": update.name,
        "commit": commit,
        "branch": spec.target_branch,
        "reason": OUT_OF_BAND,
        "severity": "critical",
    }
    return [
        Notification(
            recipient=who,
            subject=f"{update.name} was merged around its review",
            dedupe_key=json_digest({"recipient": who, "facts": facts}),
            text=f"Commit {commit} of {spec.target_branch} is not what was approved as {update.name}. "
            "It was validated again; `update revert` takes it back.",
            created_at=desk.instant,
            facts=facts,
        )
        for who in list(recipients)[:_MOST_RECIPIENTS]
    ]


def _clean(name: str) -> str:
    return printable(without_secrets(name, SecretScan()))[:_MOST_CHARACTERS]
