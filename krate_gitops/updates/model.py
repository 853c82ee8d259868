"""``AgentMemoryUpdate``: a reviewable change of a brain, as it is stored and shown."""

from __future__ import annotations

import enum

import msgspec

API_VERSION = "krate.a5c.ai/v1alpha1"
KIND = "AgentMemoryUpdate"


class Phase(enum.StrEnum):
    """Where an update is on its way."""

    PENDING = "Pending"
    VALIDATING = "Validating"
    AWAITING_APPROVAL = "AwaitingApproval"
    CHANGES_REQUESTED = "ChangesRequested"
    APPROVED = "Approved"
    MERGING = "Merging"
    MERGED = "Merged"
    REJECTED = "Rejected"
    SUPERSEDED = "Superseded"
    EXPIRED = "Expired"
    FAILED = "Failed"


TERMINAL = frozenset((Phase.MERGED, Phase.REJECTED, Phase.SUPERSEDED, Phase.EXPIRED, Phase.FAILED))
PHASE_ALIASES = {
    "Validated": Phase.AWAITING_APPROVAL,
    "AwaitingReview": Phase.AWAITING_APPROVAL,
    "Committed": Phase.MERGED,
}
"""Names that older records use."""


class Action(enum.StrEnum):
    """What a change item does to its path."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    RENAME = "rename"


class UpdateKind(enum.StrEnum):
    """How an update is carried."""

    PROPOSED_PR = "proposed-pr"
    REVIEW_BRANCH = "review-branch"
    PATCH_ARTIFACT = "patch-artifact"
    REVERT = "revert"
    TRUSTED_MAINTENANCE = "trusted-maintenance"


class Proposer(msgspec.Struct, frozen=True, rename="camel"):
    """Who proposes: ``kind`` is ``Agent``, ``User`` or ``Controller``."""

    kind: str
    name: str


class Evidence(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What supports an update: an artifact, journal event, excerpt, issue or pull request."""

    kind: str
    ref: str
    digest: str | None = None


class ValidationPolicy(msgspec.Struct, frozen=True, rename="camel"):
    """Which gates apply; an agent can't open those of ontology and secrets."""

    require_ontology_valid: bool = True
    require_frontmatter_valid: bool = True
    require_human_approval: bool = True
    require_owner_review: bool = True
    redact_secrets: bool = True
    detect_prompt_injection: bool = True


class ChangeItem(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """One path that changes. ``path`` and ``new_path`` are below the memory root.

    ``content_ref`` names stored content by ``artifact:<digest>``; an item never holds the content itself. Where the
    proposed content held a secret, it and its digest are of what was left. ``base_digest`` is that of the version that
    was edited.
    """

    path: str
    action: Action
    reason: str = ""
    new_path: str | None = None
    content_ref: str | None = None
    content_digest: str | None = None
    base_digest: str | None = None

    @property
    def target(self) -> str:
        """The path the item leaves its content at."""
        return self.new_path or self.path


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """``status`` is ``True``, ``False`` or ``Unknown``."""

    type: str
    status: str
    reason: str
    message: str = ""


CONDITION_TYPES = (
    "PathsAllowed",
    "PatchApplies",
    "FrontmatterValid",
    "OntologyValid",
    "SecretsClean",
    "PromptInjectionScanned",
    "ReviewReady",
    "Approved",
    "Merged",
    "Ready",
)


class Verdict(enum.StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request-changes"
    REJECT = "reject"


class Decision(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A reviewer's word, bound to what it was said about.

    ``acknowledge`` holds what the reviewer says to have seen, such as ``injection-suspected``.
    """

    actor: str
    decision: Verdict
    at: str
    head_commit: str | None = None
    diff_digest: str
    validation_report_digest: str | None = None
    comment: str = ""
    acknowledge: tuple[str, ...] = ()


class Conflict(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Where a proposal and the target can't both be had.

    ``place`` is a field (``attributes.title``), an edge (``edges.depends_on[service:x]``) or lines of the body
    (``body:12-18``), empty for the whole file. The three texts are what the proposer saw, what stands there now and
    what is proposed, cut to a readable length; None for what is absent.
    """

    path: str
    reason: str
    place: str = ""
    observed: str | None = None
    current: str | None = None
    proposed: str | None = None


class WithheldSecret(msgspec.Struct, frozen=True, rename="camel"):
    """Where a proposed content held a secret, which was taken out before anything was kept. Lines are 1-based."""

    path: str
    code: str
    line: int
    column: int
    message: str
    hint: str = ""


class NearRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An existing record that a proposed one nearly repeats; ``percent`` says how nearly."""

    record_id: str
    near_id: str
    near_path: str
    percent: int
    shared: tuple[str, ...] = ()


class UpdateSpec(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What is proposed. Commits are full ids; ``branch_name`` and ``target_branch`` are short names."""

    organization_ref: str
    memory_repository: str
    proposer: Proposer
    changes: tuple[ChangeItem, ...]
    source_run: str | None = None
    update_kind: UpdateKind = UpdateKind.PROPOSED_PR
    target_branch: str
    base_commit: str
    observed_commit: str | None = None
    branch_name: str
    rationale: str = ""
    evidence: tuple[Evidence, ...] = ()
    validation_policy: ValidationPolicy = ValidationPolicy()
    extra_approvals: int = 0


class UpdateStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """What became of it so far.

    ``head_commit`` holds revision ``head_revision``; ``validated_commit`` is the tip that the report is about.
    ``updated_at`` is the time of the last step, ``changed_at`` that of the last revision or decision.
    ``may_change_ontology`` says whether the proposer had that right.
    """

    phase: Phase = Phase.PENDING
    revision: int = 1
    head_revision: int = 0
    validated_commit: str | None = None
    head_commit: str | None = None
    merge_commit: str | None = None
    diff_digest: str = ""
    validation_report_digest: str | None = None
    redaction_digest: str | None = None
    pull_request_ref: str | None = None
    decisions: tuple[Decision, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    withheld: tuple[WithheldSecret, ...] = ()
    near: tuple[NearRecord, ...] = ()
    superseded_by: str | None = None
    conditions: tuple[Condition, ...] = ()
    updated_at: str = ""
    changed_at: str = ""
    may_change_ontology: bool = False
    error: str | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Name, namespace and labels, as every resource has them."""

    name: str
    namespace: str
    labels: dict[str, str] = {}
    creation_timestamp: str = ""


class AgentMemoryUpdate(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The whole document."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: Metadata
    spec: UpdateSpec
    status: UpdateStatus = UpdateStatus()

    @property
    def name(self) -> str:
        """``amu-`` and 12 hexadecimal digits."""
        return self.metadata.name

    @property
    def phase(self) -> Phase:
        """Where it is."""
        return self.status.phase

    def condition(self, type: str) -> Condition | None:
        """The condition of a type, where it is known."""
        return next((one for one in self.status.conditions if one.type == type), None)


def decode_update(body: str | bytes) -> AgentMemoryUpdate:
    """A stored document; phases by older names are read as those of today."""
    raw = msgspec.json.decode(body)
    phase = raw.get("status", {}).get("phase")
    if phase in PHASE_ALIASES:
        raw["status"]["phase"] = PHASE_ALIASES[phase]
    return msgspec.convert(raw, AgentMemoryUpdate)
