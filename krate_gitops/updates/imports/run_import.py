"""A run import from its request to its reviewers. Each step is on record before the next begins.

What dies on the way is begun again by the same call: until its update is proposed an import has left nothing but its
record, and the update is proposed by a key that makes it the same however often that is done.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from krate_gitops.digest import sha256_digest
from krate_gitops.errors import DeniedError, KrateError
from krate_gitops.organization import namespace_of
from krate_gitops.records.audit_record import Decision
from krate_gitops.records.import_events import (
    import_collected,
    import_ended,
    import_merged,
    import_redacted,
    import_validated,
)
from krate_gitops.records.memory_events import cross_org_denied
from krate_gitops.updates.desk import PROPOSE, Desk
from krate_gitops.updates.docket import MovedOnError
from krate_gitops.updates.end import end_update
from krate_gitops.updates.imports.collect import Collected, collect
from krate_gitops.updates.imports.conditions import false, is_of_source, of_failure, true, with_conditions
from krate_gitops.updates.imports.ledger import HeldImport, ImportLedger, with_status
from krate_gitops.updates.imports.limits import STANDARD, Limits
from krate_gitops.updates.imports.locate import Places
from krate_gitops.updates.imports.mirror import mirrored, settled
from krate_gitops.updates.imports.model import (
    AgentRunMemoryImport,
    ImportPhase,
    ImportSpec,
    Include,
    JournalScope,
    ManifestScope,
    TaskScope,
    idempotency_key,
    import_name,
)
from krate_gitops.updates.imports.normalise import Normalised, Surroundings, normalise
from krate_gitops.updates.imports.prepare import check, scrub_for
from krate_gitops.updates.imports.proposing import propose_files
from krate_gitops.updates.imports.request import cross_organization, lowered
from krate_gitops.updates.imports.run_facts import check_is_over
from krate_gitops.updates.imports.surroundings import Found, commit_of, look_around
from krate_gitops.updates.ledger import OPEN, Ledger
from krate_gitops.updates.model import Metadata, Phase

_LABEL = "krate.a5c.ai/"
_AT_WORK = (
    ImportPhase.PENDING,
    ImportPhase.COLLECTING,
    ImportPhase.REDACTING,
    ImportPhase.NORMALIZING,
    ImportPhase.VALIDATING,
)
_NOTHING = Include(
    memory_md=False,
    session_summary=False,
    retrospectives=False,
    journal=JournalScope.NONE,
    task_results=TaskScope.NONE,
    artifact_manifests=ManifestScope.NONE,
)


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be imported, and what is known about it beside its source.

    ``outcome`` says how the run ended where nothing in it does. ``pinned`` is the commit that the run was told memory
    from, where no snapshot names it. ``initiator`` is who started the run.
    """

    spec: ImportSpec
    places: Places
    limits: Limits = STANDARD
    outcome: str | None = None
    pinned: str | None = None
    initiator: str | None = None


def run_import(desk: Desk, request: ImportRequest) -> tuple[HeldImport, bool]:
    """The import of a run, shown to its reviewers, and whether it is new.

    The same request again gives the import that is there, and goes on with one that was left at work. Raises
    ``DeniedError``: POLICY_DENIED, CROSS_ORG_REF_DENIED; ``KrateError``: MEMORY_WRITES_DISABLED,
    MEMORY_IMPORT_SOURCE_ACTIVE, MEMORY_LIMIT_EXCEEDED, MEMORY_IMPORT_REDACTION_BLOCKED,
    MEMORY_IMPORT_INJECTION_BLOCKED, INVALID_RESOURCE; ``UnavailableError``: MEMORY_IMPORT_SOURCE_NOT_FOUND,
    MEMORY_REDACTION_FAILED, and what Git and the forge raise. What the source is to blame for is on record as
    ``Failed``.
    """
    desk = _admitted(desk, request.spec)
    found = look_around(desk, request.spec, pinned=request.pinned)
    ledger = ImportLedger(desk)
    earlier = [mirrored(desk, one) for one in ledger.listed(run=request.spec.source.run_id)]
    if earlier and (known := _known(request, found, earlier)) is not None:
        return known, False
    held, is_new = ledger.begin(request.spec.source.run_id, lambda alike: _begun(desk, request, alike))
    return _Work(desk, request, found).carried(held), is_new


def import_again(desk: Desk, name: str, request: ImportRequest, *, tier: str | None = None) -> HeldImport:
    """The same import from its source anew: one that failed, or one under review. ``tier`` keeps less than before.

    Raises as ``run_import`` does, ``UsageError(INVALID_RESOURCE)`` for a tier that keeps no less, and
    ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` for one that has ended otherwise.
    """
    desk = _admitted(desk, request.spec)
    ledger = ImportLedger(desk)
    held = mirrored(desk, ledger.find(name))
    spec = held.document.spec if tier is None else lowered(held.document.spec, tier)
    request = msgspec.structs.replace(request, spec=spec)
    found = look_around(desk, spec, pinned=request.pinned)
    document = msgspec.structs.replace(held.document, spec=spec)
    document = with_status(
        document,
        phase=ImportPhase.COLLECTING,
        generation=held.document.status.generation + (held.phase is ImportPhase.FAILED),
        error=None,
        conditions=(),
    )
    return _Work(desk, request, found).carried(ledger.step(held, document))


def _admitted(desk: Desk, spec: ImportSpec) -> Desk:
    desk.require(PROPOSE)
    desk.require_writes()
    if spec.organization_ref != desk.organization:
        note_cross_organization(desk, "AgentRunMemoryImport")
        raise cross_organization()
    return desk.again()


def note_cross_organization(desk: Desk, kind: str) -> None:
    """Leaves word of a reference into another organization."""
    entry = cross_org_denied(
        organization=desk.organization,
        actor=desk.caller.actor(),
        correlation_id=desk.correlation_id,
        reference_kind=kind,
        controller="memory-imports",
    )
    ImportLedger(desk).note([entry])


def _known(request: ImportRequest, found: Found, earlier: Sequence[HeldImport]) -> HeldImport | None:
    """The import that did, or is about to do, exactly what is asked for."""
    keyed = [one for one in earlier if one.document.status.idempotency_key]
    if not any(one.is_open or one.phase is ImportPhase.MERGED for one in keyed):
        return None
    try:
        spec = msgspec.structs.replace(request.spec, include=_NOTHING)
        digest = collect(
            request.places, spec, scrub_for(found.rules, request.places), limits=request.limits
        ).source_digest
    except KrateError:
        return None  # told when it is imported
    key = idempotency_key(request.spec, digest)
    for one in keyed:
        if one.document.status.idempotency_key != key:
            continue
        if one.phase is ImportPhase.AWAITING_REVIEW:
            return one
        if one.phase is ImportPhase.MERGED and _is_there(request.spec, digest, found):
            return one
    return None


def _is_there(spec: ImportSpec, digest: str, found: Found) -> bool:
    """Whether the target has the run as it would be written."""
    there = found.there
    return there is not None and (there.source_digest, there.retention_tier, there.artifact_retention) == (
        digest,
        spec.retention_tier.value,
        spec.artifact_retention.value,
    )


def _begun(desk: Desk, request: ImportRequest, alike: Sequence[HeldImport]) -> AgentRunMemoryImport | HeldImport:
    spec = request.spec
    left = next((one for one in alike if one.phase in _AT_WORK and one.document.spec == spec), None)
    if left is not None:
        return left
    labels = {f"{_LABEL}org": desk.organization, f"{_LABEL}run": spec.source.run_id}
    if spec.source.dispatch_run:
        labels[f"{_LABEL}dispatch-run"] = spec.source.dispatch_run
    metadata = Metadata(
        name=import_name(spec, len(alike)),
        namespace=namespace_of(desk.organization),
        labels=labels,
        creation_timestamp=desk.instant,
    )
    return AgentRunMemoryImport(metadata=metadata, spec=spec)


def _with_report(document: AgentRunMemoryImport, made: Normalised) -> AgentRunMemoryImport:
    """The import with what cleaning found, whether that lets it pass or not."""
    report = made.report
    return with_status(
        document,
        redaction=report.redaction,
        injection=report.injection,
        redaction_digest=report.digest,
        notes=made.notes,
    )


class _Work:
    """One import on its way from the source to its update."""

    def __init__(self, desk: Desk, request: ImportRequest, found: Found) -> None:
        self._desk = desk
        self._request = request
        self._found = found
        self._ledger = ImportLedger(desk)

    def carried(self, held: HeldImport) -> HeldImport:
        """The import after all that can be done without a reviewer."""
        try:
            return self._carried(held)
        except MovedOnError:
            # Somebody else is at the same work; what is on record counts.
            return self._ledger.find(held.name)

    def _carried(self, held: HeldImport) -> HeldImport:
        if held.phase is not ImportPhase.COLLECTING:
            held = self._ledger.step(held, with_status(held.document, phase=ImportPhase.COLLECTING))
        try:
            collected, is_partial = self._collected()
            held = self._record_collected(held, collected, is_partial)
            ended = self._yielded(held) or self._already_there(held)
            if ended is not None:
                return ended
            normalised = self._normalised(held, collected)
            held = held._replace(document=_with_report(held.document, normalised))
            check(normalised, self._found.rules, self._around(held.name))
            held = self._record_cleaned(held, normalised)
        except KrateError as error:
            if is_of_source(error):
                self._fail(held, error)
            raise
        held = self._staged(held, normalised)
        return self._proposed(held)

    def _collected(self) -> tuple[Collected, bool]:
        request = self._request
        scrub = scrub_for(self._found.rules, request.places)
        collected = collect(request.places, request.spec, scrub, limits=request.limits)
        allowed = self._desk.policy.updates.allow_partial_imports
        return collected, check_is_over(collected, request.spec, declared=request.outcome, partial_allowed=allowed)

    def _record_collected(self, held: HeldImport, collected: Collected, is_partial: bool) -> HeldImport:
        spec = held.document.spec
        document = with_status(
            held.document,
            phase=ImportPhase.REDACTING,
            source_digest=collected.source_digest,
            journal_digest=collected.journal_digest,
            idempotency_key=idempotency_key(spec, collected.source_digest),
            partial=is_partial,
            conditions=with_conditions(
                (), true("SourceResolved", "SourceFound"), true("OrgScopeVerified", "SameOrganization")
            ),
        )
        entry = import_collected(
            self._ledger.use(document),
            files=collected.files,
            events=collected.course.count,
            tier=spec.retention_tier.value,
            partial=is_partial,
        )
        return self._ledger.step(held, document, [entry])

    def _yielded(self, held: HeldImport) -> HeldImport | None:
        """The open import that came first and does the same; this one ends for it."""
        run, key = held.document.spec.source.run_id, held.document.status.idempotency_key
        older = [
            one
            for one in self._ledger.listed(run=run)
            if one.stored.id < held.stored.id and one.is_open and one.document.status.idempotency_key == key
        ]
        if not older:
            return None
        reason = f"{older[-1].name} imports the same"
        self._end(held, ImportPhase.REJECTED, "Duplicate", reason, superseded_by=older[-1].name)
        return older[-1]

    def _already_there(self, held: HeldImport) -> HeldImport | None:
        """The import as merged, where the target has the same run from the same source already."""
        document = held.document
        if not _is_there(document.spec, document.status.source_digest or "", self._found):
            return None
        commit = commit_of(self._desk, self._found, f"{document.spec.target_path}/run.yaml")
        document = with_status(
            document,
            phase=ImportPhase.MERGED,
            memory_commit=commit,
            conditions=with_conditions(
                document.status.conditions,
                true("MemoryMerged", "AlreadyImported"),
                true("Ready", "AlreadyImported"),
            ),
        )
        entry = import_merged(self._ledger.use(document), commit=commit, reason="AlreadyImported")
        return self._ledger.step(held, document, [entry])

    def _around(self, name: str) -> Surroundings:
        return Surroundings(
            import_name=name,
            owners=self._found.owners,
            baseline=self._found.baseline,
            current=self._found.current,
            outcome=self._request.outcome,
            retrospective_status=self._found.retrospective_status,
        )

    def _normalised(self, held: HeldImport, collected: Collected) -> Normalised:
        scrub = scrub_for(self._found.rules, self._request.places)
        return normalise(held.document.spec, collected, scrub, self._around(held.name))

    def _record_cleaned(self, held: HeldImport, made: Normalised) -> HeldImport:
        total = made.report.redaction.total
        document = with_status(
            held.document,
            phase=ImportPhase.NORMALIZING,
            conditions=with_conditions(
                held.document.status.conditions,
                true("SecretsRedacted", "SecretsRemoved" if total else "NoSecretsDetected"),
                true("PromptInjectionScanned", "Scanned", made.report.injection.verdict),
            ),
        )
        entry = import_redacted(
            self._ledger.use(document),
            counts=made.report.redaction.by_kind,
            injection=made.report.injection.by_category,
            verdict=made.report.injection.verdict,
            redaction_digest=made.report.digest,
        )
        return self._ledger.step(held, document, [entry])

    def _staged(self, held: HeldImport, made: Normalised) -> HeldImport:
        document = with_status(
            held.document,
            phase=ImportPhase.VALIDATING,
            generated_files=made.generated,
            memory_base_digest=made.base_digest,
            conditions=with_conditions(held.document.status.conditions, false("ReviewReady", "AwaitingValidation")),
        )
        contents = {sha256_digest(content): content for content in made.files.values()}
        return self._ledger.step(held, document, contents=contents)

    def _proposed(self, held: HeldImport) -> HeldImport:
        files = self._ledger.contents(held.document)
        update = propose_files(self._desk, held.document, files, self._found, initiator=self._request.initiator)
        document = settled(held.document, update.update)
        use = self._ledger.use(document)
        entry = import_validated(
            use,
            result="valid" if update.update.phase is not Phase.CHANGES_REQUESTED else "invalid",
            report_digest=document.status.validation_report_digest,
            paths=[one.path for one in document.status.generated_files][:1_000],
            update=update.name,
        )
        held = self._ledger.step(held, document, [entry])
        self._supersede(held)
        return held

    def _supersede(self, held: HeldImport) -> None:
        """Ends older open imports of the run: what they would write is written by this one."""
        for older in self._ledger.listed(run=held.document.spec.source.run_id):
            if older.stored.id >= held.stored.id or not older.is_open:
                continue
            self._end_update_of(older, held)
            self._end(self._ledger.find(older.name), ImportPhase.REJECTED, "Superseded", superseded_by=held.name)

    def _end_update_of(self, older: HeldImport, held: HeldImport) -> None:
        name = older.document.status.update_ref
        if name is None:
            return
        ledger = Ledger(self._desk)
        update = ledger.find(name)
        if update.update.phase.value in OPEN and update.update.phase is not Phase.MERGING:
            try:
                end_update(
                    self._desk, update, Phase.SUPERSEDED, reason="Superseded",
                    superseded_by=held.document.status.update_ref,
                )  # fmt: skip
            except MovedOnError:
                return

    def _fail(self, held: HeldImport, error: KrateError) -> None:
        """Puts on record what the source is to blame for."""
        held = self._ledger.find(held.name)._replace(document=held.document)
        document = with_status(
            held.document,
            phase=ImportPhase.FAILED,
            error=error.code,
            conditions=with_conditions(held.document.status.conditions, *of_failure(error)),
        )
        use = self._ledger.use(document)
        reason = next(one.reason for one in document.status.conditions if one.type == "Ready")
        if error.code in ("MEMORY_IMPORT_REDACTION_BLOCKED", "MEMORY_IMPORT_INJECTION_BLOCKED"):
            entry = import_redacted(
                use,
                counts=document.status.redaction.by_kind,
                injection=document.status.injection.by_category,
                verdict=document.status.injection.verdict,
                redaction_digest=document.status.redaction_digest,
                decision=Decision(allowed=False, reason=reason, codes=(error.code,)),
            )
        else:
            entry = import_ended(use, error.code, operation="collect", reason=reason)
        if isinstance(error, DeniedError):
            note_cross_organization(self._desk, "AgentRunMemoryImport")
        self._ledger.step(held, document, [entry])

    def _end(
        self, held: HeldImport, phase: ImportPhase, reason: str, message: str = "", *, superseded_by: str | None = None
    ) -> HeldImport:
        if not held.is_open:
            return held
        document = with_status(
            held.document,
            phase=phase,
            superseded_by=superseded_by,
            conditions=with_conditions(
                held.document.status.conditions, false("MemoryMerged", reason, message), false("Ready", reason, message)
            ),
        )
        entry = import_ended(self._ledger.use(document), operation="reject", reason=reason)
        return self._ledger.step(held, document, [entry])
