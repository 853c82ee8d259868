"""An import as lines and as JSON for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krate_gitops.cli.output import fields_table, show
from krate_gitops.cli.update_text import painted
from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.cli.invocation import Invocation
    from krate_gitops.updates.desk import Desk
    from krate_gitops.updates.imports.ledger import HeldImport
    from krate_gitops.updates.report import UpdateReport

NAME = "import-"
NO = ("Rejected", "Failed")
"""Phases that say no to who asked for it."""
_SHORTEST = 4
_MOST_FILES = 12


def find_import(desk: Desk, name: str) -> HeldImport:
    """The import of a name, or of the only name that begins so; ``import-`` may be left out.

    Raises ``UnavailableError(NOT_FOUND)``, and ``UsageError(INVALID_REQUEST)`` where several begin so.
    """
    from krate_gitops.updates.imports.ledger import ImportLedger

    ledger = ImportLedger(desk)
    whole = name if name.startswith(NAME) else f"{NAME}{name}"
    try:
        return ledger.find(whole)
    except UnavailableError as error:
        if error.code != "NOT_FOUND" or len(whole) < len(NAME) + _SHORTEST:
            raise
        alike = [held for held in ledger.listed(limit=1_000) if held.name.startswith(whole)]
        if len(alike) > 1:
            names = ", ".join(held.name for held in alike[:5])
            raise UsageError("INVALID_REQUEST", f"several imports begin so: {names}", hint="write more of it") from None
        if not alike:
            raise
        return alike[0]


def report(invocation: Invocation, desk: Desk, held: HeldImport, *, is_new: bool = False) -> int:
    """Prints an import as it is now, and says whether that is a yes."""
    body = import_body(desk, held)
    show(invocation.output, {**body, "new": is_new}, table=import_table(held, invocation.colour))
    valid = held.document.condition("OntologyValid")
    is_invalid = valid is not None and valid.status == "False" and held.is_open
    return 1 if held.phase.value in NO or is_invalid else 0


def import_body(desk: Desk, held: HeldImport) -> dict[str, Any]:
    """An import as the API has it."""
    from krate_gitops.encoding import plain

    document, report = held.document, report_of(desk, held)
    spec, status = document.spec, document.status
    return {
        "organization": spec.organization_ref,
        "import": {
            "name": document.name,
            "phase": held.phase.value,
            "runId": spec.source.run_id,
            "repository": spec.source.repository_ref,
            "sessionId": spec.source.session_id,
            "dispatchRun": spec.source.dispatch_run,
            "retentionTier": spec.retention_tier.value,
            "artifactRetention": spec.artifact_retention.value,
            "include": plain(spec.include),
            "partial": status.partial,
            "generation": status.generation,
            "sourceDigest": status.source_digest,
            "journalDigest": status.journal_digest,
            "redactionDigest": status.redaction_digest,
            "validationReportDigest": status.validation_report_digest,
            "idempotencyKey": status.idempotency_key,
            "targetPath": spec.target_path,
            "targetBranch": status.target_branch,
            "headCommit": status.head_commit,
            "pullRequestRef": status.pull_request_ref,
            "memoryCommit": status.memory_commit,
            "updateRef": status.update_ref,
            "supersededBy": status.superseded_by,
            "error": status.error,
        },
        "generatedFiles": plain(status.generated_files),
        "redaction": {"status": "redacted" if status.redaction.total else "clean", **plain(status.redaction)},
        "injection": plain(status.injection),
        "validation": None if report is None else {"result": report.result, "counts": plain(report.counts)},
        "conditions": [
            {
                **plain(one),
                "sourceDigest": status.source_digest,
                "targetPath": spec.target_path,
                "validationReportDigest": status.validation_report_digest,
            }
            for one in status.conditions
        ],
        "decisions": plain(status.decisions),
        "notes": list(status.notes),
        "actions": list(actions_of(held)),
    }


def report_of(desk: Desk, held: HeldImport) -> UpdateReport | None:
    """The newest report on the import's files."""
    from krate_gitops.updates.ledger import Ledger

    name = held.document.status.update_ref
    if name is None:
        return None
    ledger = Ledger(desk)
    try:
        return ledger.report(ledger.find(name).update)
    except UnavailableError:
        return None


def actions_of(held: HeldImport) -> tuple[str, ...]:
    """What may be done with an import where it is."""
    if held.phase.value == "Failed":
        return ("rerun",)
    if held.phase.value != "AwaitingReview":
        return ()
    lower = ("lower-retention",) if held.document.spec.retention_tier.value != "summary-only" else ()
    return ("approve", "request-changes", "reject", "revalidate", "merge", *lower, "rerun")


def import_table(held: HeldImport, colour: bool) -> str:
    """What an import is, what it would write, and what is in its way."""
    document = held.document
    spec, status = document.spec, document.status
    table = fields_table(
        {
            "import": document.name,
            "phase": held.phase.value,
            "run": spec.source.run_id,
            "repository": spec.source.repository_ref,
            "session": spec.source.session_id,
            "dispatch run": spec.source.dispatch_run,
            "keeps": f"{spec.retention_tier.value}, {spec.artifact_retention.value}",
            "partial": "the run is not over" if status.partial else None,
            "target": spec.target_path,
            "branch": status.target_branch,
            "head": status.head_commit,
            "pull request": status.pull_request_ref,
            "update": status.update_ref,
            "merged": status.memory_commit,
            "superseded by": status.superseded_by,
            "source digest": status.source_digest,
            "taken out": _taken_out(held),
            "injection": _injection(held),
            "error": status.error,
        }
    )
    lines = [
        painted(printable(f"✗ {one.type}: {one.reason}" + (f": {one.message}" if one.message else "")), "red", colour)
        for one in status.conditions
        if one.status == "False" and one.type not in ("MemoryMerged", "Ready")
    ]
    lines += [f"  {printable(one.path)} ({one.bytes:,} bytes)" for one in status.generated_files[:_MOST_FILES]]
    if len(status.generated_files) > _MOST_FILES:
        lines.append(f"  and {len(status.generated_files) - _MOST_FILES:,} files more")
    lines += [painted(f"note: {printable(note)}", "yellow", colour) for note in status.notes]
    return table + "".join(f"{line}\n" for line in lines)


def _taken_out(held: HeldImport) -> str | None:
    redaction = held.document.status.redaction
    if not redaction.total:
        return None
    return f"{redaction.total}: " + ", ".join(f"{kind} {count}" for kind, count in redaction.by_kind.items())


def _injection(held: HeldImport) -> str | None:
    injection = held.document.status.injection
    if not injection.by_category:
        return None
    return f"{injection.verdict}: " + ", ".join(f"{name} {count}" for name, count in injection.by_category.items())
