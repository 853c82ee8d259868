"""The records of a run as values, before they are written."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.updates.imports.entries import Entry
from krate_gitops.updates.imports.model import ArtifactRetention, ImportSpec
from krate_gitops.updates.imports.run_facts import EPOCH, RunFacts
from krate_gitops.updates.imports.scrub import Scrub, shorten
from krate_gitops.updates.imports.tasks import TaskResult

_TITLE = 200


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What all records of an import share. ``owners`` and ``repository`` are ids of records."""

    spec: ImportSpec
    import_name: str
    owners: tuple[str, ...]
    source_digest: str

    @property
    def run_id(self) -> str:
        """Id of the run, without a prefix."""
        return self.spec.source.run_id

    @property
    def run(self) -> str:
        """Id of the run's record."""
        return f"babysitter-run:{self.run_id}"

    @property
    def repository(self) -> str:
        """Id of the code repository's record."""
        return "repository:" + self.spec.source.repository_ref.rpartition("/")[2]

    @property
    def retrospective(self) -> str:
        """Id of the retrospective's record."""
        return f"run-retrospective:{self.run_id}"

    def session(self, session_id: str) -> str:
        """Id of a session's record."""
        return f"babysitter-session:{session_id}"

    def task(self, task: TaskResult) -> str:
        """Id of a task's record."""
        return f"run-task-result:{self.run_id}:{task.name}"


def run_record(
    identity: Identity,
    facts: RunFacts,
    *,
    redaction_status: str,
    redaction_digest: str,
    session: str | None,
    tasks: list[TaskResult],
    has_retrospective: bool,
) -> dict[str, Any]:
    """``run.yaml``. ``session`` is the id of the session's record."""
    spec = identity.spec
    edges: dict[str, Any] = {"ran_for_repo": [{"target": identity.repository}]}
    if session is not None:
        edges["has_session"] = [{"target": session}]
    if tasks:
        edges["has_task_result"] = [{"target": identity.task(task)} for task in tasks]
    if has_retrospective:
        edges["produced_retrospective"] = [{"target": identity.retrospective}]
    return {
        "nodeKind": "BabysitterRun",
        "id": identity.run,
        "attributes": {
            "title": shorten(f"Run {identity.run_id} ({facts.process})", _TITLE),
            "status": "approved",
            "owners": list(identity.owners),
            "updatedAt": facts.updated_at,
            "summary": facts.summary or None,
            "organization": f"org:{spec.organization_ref}",
            "repository": identity.repository,
            "process": facts.process,
            "runStatus": facts.status,
            "startedAt": facts.started_at,
            "completedAt": facts.completed_at,
            "durationMs": facts.duration_ms,
            "eventCount": facts.event_count,
            "effectSummary": {
                "successCount": facts.successes,
                "failureCount": facts.failures,
                "effectKinds": facts.kinds,
            },
            "retentionTier": spec.retention_tier.value,
            "artifactRetention": spec.artifact_retention.value,
            "sourceDigest": identity.source_digest,
            "redactionStatus": redaction_status,
            "redactionDigest": redaction_digest,
            "importRef": identity.import_name,
            "partial": True if facts.is_partial else None,
            "sourceRefs": [f"dispatch-run:{spec.source.dispatch_run}"] if spec.source.dispatch_run else None,
        },
        "edges": edges,
    }


def event_record(identity: Identity, entry: Entry, *, sequence: int, time: str, scrub: Scrub) -> dict[str, Any]:
    """``journal/NNNNNN.yaml``."""
    path = f"{identity.spec.source.run_path}/{entry.source_path}"
    return {
        "nodeKind": "RunJournalEvent",
        "id": f"run-journal-event:{identity.run_id}:{sequence:06}",
        "attributes": {
            "title": f"#{sequence} {entry.type.name}",
            "status": "approved",
            "owners": list(identity.owners),
            "updatedAt": time,
            "sequence": sequence,
            "eventType": entry.type.name,
            "timestamp": time,
            "summary": entry.summary,
            "effect": entry.effect,
            "payload": entry.payload or None,
            "sourcePath": scrub.line(path, entry.account, most=300),
            "sourceDigest": entry.source_digest,
            "redactionStatus": entry.account.status,
        },
        "edges": {"event_of_run": [{"target": identity.run}]},
    }


def task_record(identity: Identity, task: TaskResult, *, time: str) -> dict[str, Any]:
    """``tasks/<taskId>.yaml``."""
    artifacts = [f"artifact:sha256-{digest}" for digest in task.artifacts]
    edges: dict[str, Any] = {"derived_from": [{"target": identity.run}]}
    if artifacts and identity.spec.artifact_retention is not ArtifactRetention.NONE:
        edges["produced_artifact"] = [{"target": one} for one in artifacts]
    return {
        "nodeKind": "RunTaskResult",
        "id": identity.task(task),
        "attributes": {
            "title": shorten(f"Task {task.task_id}" + (f": {task.title}" if task.title else ""), _TITLE),
            "status": "approved",
            "owners": list(identity.owners),
            "updatedAt": time,
            "taskId": task.task_id,
            "runStatus": task.status,
            "summary": task.summary,
            "validationStatus": task.validation,
            "evidence": artifacts or None,
            "payload": task.payload or None,
            "sourceDigest": task.source_digest,
            "redactionStatus": task.account.status,
        },
        "edges": edges,
    }


def time_of(*known: str | None) -> str:
    """The first time that is known."""
    return next((one for one in known if one), EPOCH)
