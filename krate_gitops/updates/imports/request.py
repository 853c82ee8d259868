"""From what somebody asks for to a complete ``ImportSpec``: aliases, defaults by tier, and what can't go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.updates.imports.model import (
    SOURCE_KIND,
    ArtifactRetention,
    ImportPolicy,
    ImportSource,
    ImportSpec,
    Include,
    JournalScope,
    ManifestScope,
    RetentionTier,
    TaskScope,
)

_Word = TypeVar("_Word", RetentionTier, ArtifactRetention, JournalScope, TaskScope, ManifestScope)

RUNS = "babysitter/runs/"
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}\Z")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,99})?\Z")
_INCLUDE_NAMES = {
    "memoryMd", "sessionSummary", "retrospectives", "journal", "taskResults", "artifactManifests",
}  # fmt: skip
_FIELDS = {
    "organizationRef", "organization", "memoryRepository", "source", "include", "retentionTier", "artifactRetention",
    "targetPath", "validationPolicy", "curated",
}  # fmt: skip
_JOURNAL_OF_TIER = {
    RetentionTier.SUMMARY_ONLY: JournalScope.NONE,
    RetentionTier.CURATED_JOURNAL: JournalScope.CURATED,
    RetentionTier.FULL_JOURNAL_REDACTED: JournalScope.FULL_REDACTED,
}
_TASKS_OF_TIER = {
    RetentionTier.SUMMARY_ONLY: TaskScope.SUMMARIZED,
    RetentionTier.CURATED_JOURNAL: TaskScope.SUMMARIZED,
    RetentionTier.FULL_JOURNAL_REDACTED: TaskScope.FULL_REDACTED,
}
_TELLING_LABELS = frozenset(("incident", "debug"))
_MOST_CURATED = 200


def read_spec(
    body: Mapping[str, Any],
    *,
    organization: str,
    memory_repository: str | None = None,
    labels: frozenset[str] = frozenset(),
) -> ImportSpec:
    """A complete spec from a request's or document's ``spec``.

    ``organization`` is who asks and ``memory_repository`` the repository of the route, where the body needs none;
    ``labels`` are those of the run: an incident's or a debugging run's journal is curated by default. Raises
    ``UsageError(INVALID_RESOURCE)`` for what can't be, and ``DeniedError(CROSS_ORG_REF_DENIED)`` for another
    organization's.
    """
    for name in body:
        if name not in _FIELDS:
            raise _invalid(f'no field "{_shown(name)}" is known')
    asked = body.get("organizationRef", body.get("organization", organization))
    if asked != organization:
        raise cross_organization()
    repository = body.get("memoryRepository", memory_repository)
    if not isinstance(repository, str) or not _NAME.match(repository):
        raise _invalid("memoryRepository is missing")
    source = _source(body.get("source"))
    tier, artifacts, artifacts_only = _tiers(body, labels)
    include = _include(body.get("include"), tier, artifacts, artifacts_only=artifacts_only)
    policy = _policy(body.get("validationPolicy"))
    return ImportSpec(
        organization_ref=organization,
        memory_repository=repository,
        source=source,
        include=include,
        retention_tier=tier,
        artifact_retention=artifacts,
        artifacts_only=artifacts_only,
        target_path=_target(body.get("targetPath"), source.run_id),
        validation_policy=policy,
        curated=_curated(body.get("curated", ())),
    )


def lowered(spec: ImportSpec, tier: str) -> ImportSpec:
    """The same import with a tier that keeps less. Raises ``UsageError(INVALID_RESOURCE)`` for one that doesn't."""
    wanted = _word(RetentionTier, tier, "retentionTier")
    order = list(RetentionTier)
    if order.index(wanted) >= order.index(spec.retention_tier):
        raise _invalid(f"{wanted.value} keeps no less than {spec.retention_tier.value}")
    include = msgspec.structs.replace(
        spec.include,
        journal=min(spec.include.journal, _JOURNAL_OF_TIER[wanted], key=list(JournalScope).index),
        task_results=min(spec.include.task_results, _TASKS_OF_TIER[wanted], key=list(TaskScope).index),
    )
    return msgspec.structs.replace(spec, retention_tier=wanted, include=include)


def cross_organization() -> DeniedError:
    """The refusal of another organization's run, session or repository: nothing about it is said."""
    return DeniedError(
        "CROSS_ORG_REF_DENIED",
        "the source does not belong to this organization",
        hint="--org names the organization that a brain on this machine belongs to",
    )


def _source(raw: Any) -> ImportSource:
    if isinstance(raw, str):
        named, slash, rest = raw.partition("/")
        raw = {"kind": named, "runId": rest} if slash else {"runId": raw}
    if not isinstance(raw, Mapping):
        raise _invalid("source is missing")
    kind = raw.get("kind", SOURCE_KIND)
    if kind != SOURCE_KIND:
        raise _invalid(f'source.kind must be "{SOURCE_KIND}"')
    run = raw.get("runId")
    if not isinstance(run, str) or not _RUN_ID.match(run) or ".." in run:
        raise _invalid("source.runId must be letters, digits, dots, hyphens and underscores, 120 at most")
    repository = raw.get("repositoryRef", raw.get("repository"))
    if isinstance(repository, Mapping):
        repository = f"{repository.get('owner', '')}/{repository.get('name', '')}"
    if not isinstance(repository, str) or not _REPOSITORY.match(repository):
        raise _invalid("source.repositoryRef must name the code repository of the run")
    path = raw.get("a5cRunPath")
    if path is not None and (not isinstance(path, str) or not _is_relative(path)):
        raise _invalid("source.a5cRunPath must be a relative path without ..")
    return ImportSource(
        kind=kind,
        run_id=run,
        repository_ref=repository,
        session_id=_optional_name(raw, "sessionId"),
        dispatch_run=_optional_name(raw, "dispatchRun"),
        a5c_run_path=path,
    )


def _optional_name(raw: Mapping[str, Any], name: str) -> str | None:
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _NAME.match(value):
        raise _invalid(f"source.{name} must be letters, digits, dots, hyphens and underscores")
    return value


def _is_relative(path: str) -> bool:
    parts = path.split("/")
    return bool(path) and len(path) <= 400 and path.isprintable() and not any(part in ("", ".", "..") for part in parts)


def _tiers(body: Mapping[str, Any], labels: frozenset[str]) -> tuple[RetentionTier, ArtifactRetention, bool]:
    default = RetentionTier.CURATED_JOURNAL if labels & _TELLING_LABELS else RetentionTier.SUMMARY_ONLY
    tier: Any = body.get("retentionTier", default)
    artifacts: Any = body.get("artifactRetention")
    is_of_artifacts = tier in (ArtifactRetention.MANIFEST_ONLY, ArtifactRetention.BYTES_RETAINED)
    if is_of_artifacts:
        if artifacts is not None and artifacts != tier:
            raise _invalid("retentionTier and artifactRetention name different tiers of artifacts")
        tier, artifacts = RetentionTier.SUMMARY_ONLY, tier
    return (
        _word(RetentionTier, tier, "retentionTier"),
        _word(ArtifactRetention, artifacts or ArtifactRetention.MANIFEST_ONLY, "artifactRetention"),
        is_of_artifacts,
    )


def _include(raw: Any, tier: RetentionTier, artifacts: ArtifactRetention, *, artifacts_only: bool) -> Include:
    if raw is not None and not isinstance(raw, Mapping):
        raise _invalid("include must be a map")
    asked = dict(raw or {})
    for name in asked:
        if name not in _INCLUDE_NAMES:
            raise _invalid(f'include has no "{_shown(name)}"')
    if asked.get("taskResults") in (True, False):
        asked["taskResults"] = TaskScope.SUMMARIZED if asked["taskResults"] else TaskScope.NONE
    if asked.get("artifactManifests") in (True, False):
        asked["artifactManifests"] = ManifestScope.DIGEST_ONLY if asked["artifactManifests"] else ManifestScope.NONE
    if asked.get("journal") is False:
        asked["journal"] = JournalScope.NONE
    keeps_artifacts = artifacts is not ArtifactRetention.NONE
    include = Include(
        memory_md=_flag(asked, "memoryMd", not artifacts_only),
        session_summary=_flag(asked, "sessionSummary", not artifacts_only),
        retrospectives=_flag(asked, "retrospectives", not artifacts_only),
        journal=_word(JournalScope, asked.get("journal", _JOURNAL_OF_TIER[tier]), "include.journal"),
        task_results=_word(
            TaskScope,
            asked.get("taskResults", TaskScope.NONE if artifacts_only else TaskScope.SUMMARIZED),
            "include.taskResults",
        ),
        artifact_manifests=_word(
            ManifestScope,
            asked.get("artifactManifests", ManifestScope.DIGEST_ONLY if keeps_artifacts else ManifestScope.NONE),
            "include.artifactManifests",
        ),
    )
    _check_richness(include, tier, artifacts, artifacts_only=artifacts_only)
    return include


def _check_richness(
    include: Include, tier: RetentionTier, artifacts: ArtifactRetention, *, artifacts_only: bool
) -> None:
    scopes, tasks = list(JournalScope), list(TaskScope)
    too_rich = []
    if scopes.index(include.journal) > scopes.index(_JOURNAL_OF_TIER[tier]):
        too_rich.append("journal")
    if tasks.index(include.task_results) > tasks.index(_TASKS_OF_TIER[tier]):
        too_rich.append("taskResults")
    if artifacts is ArtifactRetention.NONE and include.artifact_manifests is not ManifestScope.NONE:
        too_rich.append("artifactManifests")
    if artifacts_only:
        too_rich += [name for name, wanted in (
            ("memoryMd", include.memory_md),
            ("sessionSummary", include.session_summary),
            ("retrospectives", include.retrospectives),
            ("taskResults", include.task_results is not TaskScope.NONE),
        ) if wanted and name not in too_rich]  # fmt: skip
    if too_rich:
        raise _invalid(f"include asks for more than the tier keeps: {', '.join(too_rich)}")


def _policy(raw: Any) -> ImportPolicy:
    if raw is None or raw == "strict":
        return ImportPolicy()
    if not isinstance(raw, Mapping):
        raise _invalid('validationPolicy must be a map or "strict"')
    try:
        policy = msgspec.convert(dict(raw), ImportPolicy)
    except msgspec.ValidationError:
        raise _invalid("a value of validationPolicy is neither true nor false") from None
    unknown = set(raw) - {field.encode_name for field in msgspec.structs.fields(ImportPolicy)}
    if unknown:
        raise _invalid(f'validationPolicy has no "{_shown(min(map(str, unknown)))}"')
    if not policy.redact_secrets or not policy.detect_prompt_injection:
        raise _invalid("redactSecrets and detectPromptInjection can't be disabled")
    return policy


def _target(raw: Any, run: str) -> str:
    target = raw if raw is not None else RUNS + run
    if not isinstance(target, str) or target != RUNS + run:
        raise _invalid(f"targetPath must be {RUNS}<runId>")
    return target


def _curated(raw: Any) -> tuple[int, ...]:
    if not isinstance(raw, (list, tuple)) or len(raw) > _MOST_CURATED or not all(type(one) is int for one in raw):
        raise _invalid(f"curated must be a list of at most {_MOST_CURATED} event numbers")
    return tuple(sorted(set(raw)))


def _flag(asked: Mapping[str, Any], name: str, default: bool) -> bool:
    value = asked.get(name, default)
    if not isinstance(value, bool):
        raise _invalid(f"include.{name} must be true or false")
    return value


def _word(kind: type[_Word], value: Any, field: str) -> _Word:
    try:
        return kind(value)
    except ValueError:
        raise _invalid(f"{field} must be one of {', '.join(one.value for one in kind)}") from None


def _shown(name: object) -> str:
    text = str(name)[:40]
    return text if text.isidentifier() else "?"


def _invalid(message: str) -> UsageError:
    return UsageError("INVALID_RESOURCE", message, location="AgentRunMemoryImport")
