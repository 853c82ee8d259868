"""From staged files to the update that carries them: one proposal of the controller, in the import's name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import UnavailableError
from krate_gitops.git.objects import ObjectReader
from krate_gitops.updates.carry import Read, reader_of
from krate_gitops.updates.desk import Caller, Desk
from krate_gitops.updates.draft import proposed_items
from krate_gitops.updates.examine import without_secrets
from krate_gitops.updates.imports.entrypoint import PATH as MEMORY_MD
from krate_gitops.updates.imports.model import AgentRunMemoryImport, ArtifactRetention, RetentionTier
from krate_gitops.updates.imports.surroundings import Found
from krate_gitops.updates.ledger import OPEN, Held, Ledger
from krate_gitops.updates.model import Action, Evidence, Phase, Proposer, ValidationPolicy
from krate_gitops.updates.propose import Limits, next_revision, propose
from krate_gitops.updates.request import Proposal, ProposedChange

PROPOSER = "run-import"
LIMITS = Limits(content=64 << 20, changes=20_000)
"""What an import may write: its own bounds hold before this."""


def propose_files(
    desk: Desk,
    document: AgentRunMemoryImport,
    files: Mapping[str, bytes],
    found: Found,
    *,
    initiator: str | None = None,
) -> Held:
    """The import's update, judged and shown: a new one, or another revision of the one that is open.

    Raises as ``propose`` does; the same call goes on with what was begun.
    """
    controller = Caller(kind="Controller", name=PROPOSER, permissions=desk.caller.permissions)
    desk = msgspec.structs.replace(desk, caller=controller)
    observed, changes = _changes(desk, document, files, found)
    rationale = _rationale(document)
    labels = _labels(document)
    open_update = _open_update(desk, document)
    if open_update is not None:
        metadata = open_update.update.metadata
        told = {**metadata.labels, **{f"krate.a5c.ai/{name}": text for name, text in labels.items()}}
        update = msgspec.structs.replace(open_update.update, metadata=msgspec.structs.replace(metadata, labels=told))
        seen = observed or update.spec.observed_commit or update.spec.base_commit
        items, contents, examined = proposed_items(desk, changes, seen)
        clean = without_secrets(rationale, desk.secret_scan())
        return next_revision(desk, open_update._replace(update=update), items, contents, examined, clean)
    spec = document.spec
    is_more = spec.retention_tier is RetentionTier.FULL_JOURNAL_REDACTED
    is_more |= spec.artifact_retention is ArtifactRetention.BYTES_RETAINED
    proposal = Proposal(
        changes=changes,
        proposer=Proposer("Controller", PROPOSER),
        rationale=rationale,
        evidence=(
            Evidence(kind="run", ref=f"babysitter-run:{spec.source.run_id}", digest=document.status.source_digest),
        ),
        source_run=document.name,
        observed_commit=observed,
        validation_policy=ValidationPolicy(require_ontology_valid=spec.validation_policy.require_ontology_valid),
        initiator=initiator,
        extra_approvals=1 if is_more else 0,
    )
    return propose(desk, proposal, labels=labels, limits=LIMITS)[0]


def _open_update(desk: Desk, document: AgentRunMemoryImport) -> Held | None:
    """The update that carried an earlier revision, while it is open and not being merged."""
    if document.status.update_ref is None:
        return None
    try:
        held = Ledger(desk).find(document.status.update_ref)
    except UnavailableError:
        return None
    is_open = held.update.phase.value in OPEN and held.update.phase is not Phase.MERGING
    return held if is_open else None


def _changes(
    desk: Desk, document: AgentRunMemoryImport, files: Mapping[str, bytes], found: Found
) -> tuple[str | None, tuple[ProposedChange, ...]]:
    """The commit that the changes were seen from, None for the base, and the changes: the run's record first."""
    reason = f"Import run {document.spec.source.run_id}"
    with ObjectReader(desk.brain.repository) as reader:
        read = reader_of(reader, found.root)
        wanted = dict(files)
        others = [path for path in wanted if path != MEMORY_MD]
        is_first = all(read(found.tip, path) is None for path in others)
        observed = None
        if MEMORY_MD in wanted and document.status.memory_base_digest != sha256_digest(found.current or b""):
            # Made from what the run was told: carried over by a merge, where that can't harm the other files.
            if is_first:
                observed = found.observed
            else:
                del wanted[MEMORY_MD]
        changes = [
            ProposedChange(path=path, action=Action.UPSERT, content=wanted[path], reason=_reason(path, reason))
            for path in sorted(wanted, key=lambda path: (not path.endswith("/run.yaml"), path))
            if read(found.tip, path) != wanted[path]
        ]
        changes += _without(read, found, wanted, reason)
    return observed, tuple(changes)


def _reason(path: str, reason: str) -> str:
    return "Take over what the run's workspace adds to the shared memory" if path == MEMORY_MD else reason


def _without(read: Read, found: Found, files: Iterable[str], reason: str) -> list[ProposedChange]:
    """Files of the run's folder that this import has no more."""
    there = found.there.paths if found.there is not None else ()
    gone = []
    for path in sorted(set(there) - set(files)):
        data = read(found.tip, path)
        if data is not None and not path.endswith(".gitkeep"):
            digest = sha256_digest(data)
            gone.append(
                ProposedChange(path=path, action=Action.DELETE, base_digest=digest, reason=f"{reason}: no longer kept")
            )
    return gone


def _rationale(document: AgentRunMemoryImport) -> str:
    spec, status = document.spec, document.status
    parts = [f"Memory of run {spec.source.run_id} of {spec.source.repository_ref}, {spec.retention_tier.value}."]
    if status.partial:
        parts.append("The run is not over; a later import replaces this one.")
    parts.append(
        f"Taken out: {status.redaction.total} passages by redaction; injection verdict {status.injection.verdict}."
    )
    parts += [f"Note: {note}" for note in status.notes[:10]]
    return "\n".join(parts)[:4000]


def _labels(document: AgentRunMemoryImport) -> dict[str, str]:
    spec, status = document.spec, document.status
    labels = {
        "retention-tier": f"{spec.retention_tier.value}, {spec.artifact_retention.value}",
        "source-digest": status.source_digest or "",
        "run": spec.source.run_id,
        "repository": spec.source.repository_ref,
    }
    if spec.source.session_id:
        labels["session"] = spec.source.session_id
    if spec.source.dispatch_run:
        labels["source-dispatch-run"] = spec.source.dispatch_run
    return labels
