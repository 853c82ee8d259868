"""``AgentRunMemoryImport``: a finished run on its way into a brain, as it is stored and shown."""

from __future__ import annotations

import enum
from typing import Any

import msgspec

from krate_gitops.digest import json_digest
from krate_gitops.updates.model import API_VERSION, Condition, Decision, Metadata

KIND = "AgentRunMemoryImport"
SOURCE_KIND = "babysitter-run"
NAME_PREFIX = "import-"
BRANCH_PREFIX = "krate/memory-import/"


class ImportPhase(enum.StrEnum):
    """Where an import is on its way."""

    PENDING = "Pending"
    COLLECTING = "Collecting"
    REDACTING = "Redacting"
    NORMALIZING = "Normalizing"
    VALIDATING = "Validating"
    AWAITING_REVIEW = "AwaitingReview"
    MERGED = "Merged"
    REJECTED = "Rejected"
    FAILED = "Failed"


TERMINAL = frozenset((ImportPhase.MERGED, ImportPhase.REJECTED, ImportPhase.FAILED))
PHASE_ALIASES = {"Approved": ImportPhase.AWAITING_REVIEW, "Collected": ImportPhase.COLLECTING}
"""Names that older records use: an approval is a decision, and what is collected is still being looked at."""


class RetentionTier(enum.StrEnum):
    """How much of a run's course is kept, from the least to the most."""

    SUMMARY_ONLY = "summary-only"
    CURATED_JOURNAL = "curated-journal"
    FULL_JOURNAL_REDACTED = "full-journal-redacted"


class ArtifactRetention(enum.StrEnum):
    """What is kept of a run's artifacts."""

    NONE = "none"
    MANIFEST_ONLY = "artifact-manifest-only"
    BYTES_RETAINED = "artifact-bytes-retained"


class JournalScope(enum.StrEnum):
    """Which events of a journal become files."""

    NONE = "none"
    CURATED = "curated"
    FULL_REDACTED = "full-redacted"


class TaskScope(enum.StrEnum):
    """How much of each task's result is kept."""

    NONE = "none"
    SUMMARIZED = "summarized"
    FULL_REDACTED = "full-redacted"


class ManifestScope(enum.StrEnum):
    """What the manifest says about an artifact. ``digest-only`` leaves out its name and where it is stored."""

    NONE = "none"
    DIGEST_ONLY = "digest-only"
    FULL = "full"


class Include(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The parts of a run that are wanted."""

    memory_md: bool = True
    session_summary: bool = True
    retrospectives: bool = True
    journal: JournalScope = JournalScope.NONE
    task_results: TaskScope = TaskScope.SUMMARIZED
    artifact_manifests: ManifestScope = ManifestScope.DIGEST_ONLY


class ImportSource(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """The run. ``repository_ref`` is the code repository it worked for, by name or as ``owner/name``."""

    kind: str = SOURCE_KIND
    run_id: str
    repository_ref: str
    session_id: str | None = None
    dispatch_run: str | None = None
    a5c_run_path: str | None = None

    @property
    def run_path(self) -> str:
        """Where the run lies in its workspace."""
        return self.a5c_run_path or f".a5c/runs/{self.run_id}"


class ImportPolicy(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Which gates apply. Those of secrets and injection can't be opened."""

    redact_secrets: bool = True
    detect_prompt_injection: bool = True
    require_review: bool = True
    require_ontology_valid: bool = True
    allow_partial: bool = False


class ImportSpec(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What is asked for, with all defaults filled in. ``target_path`` is below the memory root.

    ``artifacts_only`` says that ``retentionTier`` was given as a tier of artifacts: then the manifest and ``run.yaml``
    are all there is. ``curated`` are event numbers that a reviewer chose.
    """

    organization_ref: str
    memory_repository: str
    source: ImportSource
    include: Include
    retention_tier: RetentionTier = RetentionTier.SUMMARY_ONLY
    artifact_retention: ArtifactRetention = ArtifactRetention.MANIFEST_ONLY
    artifacts_only: bool = False
    target_path: str
    validation_policy: ImportPolicy = ImportPolicy()
    curated: tuple[int, ...] = ()


class GeneratedFile(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A file that an import writes. ``path`` is below the memory root; a manifest has no ``id``."""

    path: str
    file_class: str = msgspec.field(name="class")
    digest: str
    bytes: int
    id: str | None = None


class RedactionSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What was removed, by kind; never what it was."""

    total: int = 0
    by_kind: dict[str, int] = {}


class InjectionSummary(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The worst verdict on the source's texts, and how many passages of each category there are."""

    verdict: str = "clean"
    by_category: dict[str, int] = {}


CONDITION_TYPES = (
    "SourceResolved",
    "OrgScopeVerified",
    "SecretsRedacted",
    "PromptInjectionScanned",
    "OntologyValid",
    "ReviewReady",
    "MemoryMerged",
    "Ready",
)


class ImportStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What became of it so far. ``generation`` counts from 1 and grows with each rerun.

    ``memory_base_digest`` is that of the ``MEMORY.md`` which the proposal for it was made from.
    """

    phase: ImportPhase = ImportPhase.PENDING
    generation: int = 1
    source_digest: str | None = None
    journal_digest: str | None = None
    redaction_digest: str | None = None
    validation_report_digest: str | None = None
    target_branch: str | None = None
    head_commit: str | None = None
    pull_request_ref: str | None = None
    memory_commit: str | None = None
    generated_files: tuple[GeneratedFile, ...] = ()
    redaction: RedactionSummary = RedactionSummary()
    injection: InjectionSummary = InjectionSummary()
    memory_base_digest: str | None = None
    update_ref: str | None = None
    decisions: tuple[Decision, ...] = ()
    idempotency_key: str | None = None
    conditions: tuple[Condition, ...] = ()
    notes: tuple[str, ...] = ()
    partial: bool = False
    superseded_by: str | None = None
    updated_at: str = ""
    error: str | None = None


class AgentRunMemoryImport(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The whole document."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: Metadata
    spec: ImportSpec
    status: ImportStatus = ImportStatus()

    @property
    def name(self) -> str:
        """``import-`` and 12 hexadecimal digits."""
        return self.metadata.name

    @property
    def phase(self) -> ImportPhase:
        """Where it is."""
        return self.status.phase

    @property
    def branch(self) -> str:
        """The branch that its files are proposed on, as a short name."""
        return branch_name(self.name)

    def condition(self, type: str) -> Condition | None:
        """The condition of a type, where it is known."""
        return next((one for one in self.status.conditions if one.type == type), None)


def import_name(spec: ImportSpec, attempt: int) -> str:
    """The name of the import that is asked for as number ``attempt`` (from 0) of its run and target.

    It hangs on nothing else, so that the first import of a run writes the same bytes into every brain.
    """
    identity = {
        "organizationRef": spec.organization_ref,
        "memoryRepository": spec.memory_repository,
        "runId": spec.source.run_id,
        "targetPath": spec.target_path,
        "attempt": attempt,
    }
    return NAME_PREFIX + json_digest(identity).removeprefix("sha256:")[:12]


def branch_name(name: str) -> str:
    """The branch of an import, from its name."""
    return BRANCH_PREFIX + name.removeprefix(NAME_PREFIX)


def idempotency_key(spec: ImportSpec, source_digest: str) -> str:
    """What two imports have in common that would write the same."""
    return json_digest(
        {
            "organizationRef": spec.organization_ref,
            "runId": spec.source.run_id,
            "sourceDigest": source_digest,
            "retentionTier": spec.retention_tier.value,
            "artifactRetention": spec.artifact_retention.value,
            "targetPath": spec.target_path,
        }
    )


def decode_import(body: str | bytes) -> AgentRunMemoryImport:
    """A stored document; phases by older names are read as those of today."""
    raw: dict[str, Any] = msgspec.json.decode(body)
    phase = raw.get("status", {}).get("phase")
    if phase in PHASE_ALIASES:
        raw["status"]["phase"] = PHASE_ALIASES[phase]
    return msgspec.convert(raw, AgentRunMemoryImport)
