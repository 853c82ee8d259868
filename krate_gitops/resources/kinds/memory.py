"""Memory kinds: which repository holds a company brain, and who may read what of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from krate_gitops.resources.kinds.common import (
    Agreement,
    Count,
    MemoryRepositoryRef,
    OrgSpec,
    Part,
    Positive,
    RelativePath,
    Status,
    Strings,
    Text,
)

GitUrl = Annotated[
    str,
    Meta(
        pattern=r"^(https?://[^/?#@\s]+|git://[^/?#@\s]+|ssh://([^/?#@:\s]+@)?[^/?#@\s]+)/\S+$|^git@[^/?#@:\s]+:\S+$",
        description="https, http, ssh or git, or git@host:path; without credentials.",
    ),
]


class UpdatePolicy(Part, frozen=True):
    """Which shortcuts updates of the memory may take; none unless named."""

    allow_initiator_approval: bool = False
    allow_partial_imports: bool = False
    merge_on_import_approval: bool = False
    allowed_target_branches: Strings = ()
    auto_merge_generated: Annotated[Strings, Meta(description="Names of generated blocks.")] = ()
    trusted_maintenance: Annotated[Strings, Meta(description="Names of workflows.")] = ()


class IndexPolicy(Part, frozen=True):
    """Which derived files are built."""

    build_graph_index: bool = True
    build_search_manifest: bool = True
    build_ontology_report: bool = True
    commit_indexes: bool = False


class DerivedRetention(Part, frozen=True):
    """How long derived files are kept; content of Git never goes."""

    max_age_days: Positive = 90
    max_size_mb: Positive = 500


class AgentMemoryRepositorySpec(OrgSpec, frozen=True):
    """A repository that holds a company brain."""

    agreements = (
        Agreement(
            "repoUrl",
            "repoUrl is required with provider git",
            lambda spec: spec.provider != "git" or spec.repo_url is not None,
            "!has(self.provider) || self.provider != 'git' || has(self.repoUrl)",
        ),
    )

    repository_ref: Annotated[str, Meta(min_length=1, description="Repository of the org, or `owner/name`.")]
    default_branch: Annotated[str, Meta(min_length=1, description="Its history is approved memory.")]
    layout_profile: Literal["atlas-md-yaml-v1"]
    repo_url: GitUrl | None = None
    provider: Literal["github", "gitea", "gitlab", "git"] | None = None
    visibility: Literal["internal", "private", "public"] = "internal"
    managed_by_krate: bool = True
    root_path: RelativePath = ".company-brain"
    access_mode: Literal["ReadWrite", "ReadOnly", "Disabled"] = "ReadWrite"
    approval_evidence: Literal["first-parent", "recorded"] = "first-parent"
    memory_owners: Annotated[Strings, Meta(description="The org's admins without it.")] = ()
    update_policy: UpdatePolicy = UpdatePolicy()
    index_policy: IndexPolicy = IndexPolicy()
    retention_policy: DerivedRetention = DerivedRetention()


class AgentMemoryRepositoryStatus(Status, frozen=True):
    """The commit that is served, and its digests."""

    current_commit: str | None = None
    ontology_digest: str | None = None
    index_digest: str | None = None
    report_digest: str | None = None
    last_indexed_at: str | None = None
    known_bad_ranges: tuple[dict[str, Any], ...] = ()


class AppliesTo(Part, frozen=True):
    """For whom: dimensions are ANDed, values ORed; nothing at all matches nobody."""

    repositories: Strings | None = None
    teams: Strings | None = None
    stacks: Strings | None = None
    triggers: Strings | None = None
    users: Strings | None = None


_Sensitivity = Literal["public", "internal", "confidential", "restricted", "secret-metadata"]
_RecordStatus = Literal["draft", "approved", "deprecated", "archived"]


class Include(Part, frozen=True):
    """What may be read."""

    graph_kinds: Strings = ()
    paths: Strings = ()
    sensitivity: tuple[_Sensitivity, ...] = ("public", "internal")
    statuses: tuple[_RecordStatus, ...] = ("approved", "draft", "deprecated")


class Exclude(Part, frozen=True):
    """What is taken off again."""

    paths: Strings = ()
    graph_kinds: Strings = ()


class ReadPolicy(Part, frozen=True):
    """``allow-all`` admits everything that isn't excluded."""

    mode: Literal["allow-list", "allow-all"] = "allow-list"
    max_depth: Annotated[int, Meta(ge=0, le=5)] = 5


class AgentMemorySourceSpec(OrgSpec, frozen=True):
    """Who may read which part of a memory repository."""

    agreements = (
        Agreement(
            "include",
            "include names paths or graphKinds, unless readPolicy.mode is allow-all",
            lambda spec: spec.read_policy.mode == "allow-all" or bool(spec.include.paths or spec.include.graph_kinds),
            "(has(self.readPolicy) && has(self.readPolicy.mode) && self.readPolicy.mode == 'allow-all')"
            " || (has(self.include.paths) && size(self.include.paths) > 0)"
            " || (has(self.include.graphKinds) && size(self.include.graphKinds) > 0)",
        ),
    )

    repository_ref: MemoryRepositoryRef
    applies_to: AppliesTo
    include: Include
    exclude: Exclude = Exclude()
    default_query_mode: Literal["graph-only", "grep-only", "graph-and-grep", "document-read"] = "graph-and-grep"
    max_context_bytes: Annotated[int, Meta(ge=0, le=1 << 30)] = 128_000
    required: bool = False
    require_ontology_valid: bool = False
    current_only: bool = False
    read_policy: ReadPolicy = ReadPolicy()


class AgentMemoryOntologySpec(OrgSpec, frozen=True):
    """Tightens the ontology of a brain; it never loosens it."""

    memory_repository: MemoryRepositoryRef
    ontology_path: RelativePath
    required_fields: Annotated[dict[str, Strings], Meta(description="Kind, or `*` for all, to fields.")] | None = None
    allowed_edge_kinds_ref: RelativePath = "ontology/edge-kinds.yaml"
    controlled_vocabulary_ref: RelativePath = "ontology/controlled-vocabulary.yaml"


class MemoryCounts(Part, frozen=True):
    """Findings by severity."""

    errors: Count = 0
    warnings: Count = 0
    infos: Count = 0


class AgentMemoryOntologyStatus(Status, frozen=True):
    """The last commit that was checked."""

    validated_commit: str | None = None
    ontology_digest: str | None = None
    report_digest: str | None = None
    counts: MemoryCounts | None = None


class MemoryRef(Part, frozen=True):
    """A record by id, by path, or by both."""

    agreements = (
        Agreement(
            "", "give id, path or both", lambda part: bool(part.id or part.path), "has(self.id) || has(self.path)"
        ),
    )
    id: Text | None = None
    path: RelativePath | None = None


class TargetRef(Part, frozen=True):
    """What a record is about."""

    kind: Literal[
        "Repository",
        "Service",
        "AgentStack",
        "AgentToolProfile",
        "AgentSkill",
        "AgentSubagent",
        "AgentTriggerRule",
        "Issue",
        "PullRequest",
    ]
    name: Text


class AgentMemoryAssociationSpec(OrgSpec, frozen=True):
    """Ties a record to a resource without an edit of the record."""

    memory_repository: MemoryRepositoryRef
    memory_ref: MemoryRef
    target_ref: TargetRef
    relationship: Annotated[str, Meta(min_length=1, description="Name of an edge kind.")]
