"""What may be asked for, by all its names, and what may not."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.updates.imports.model import (
    AgentRunMemoryImport,
    ArtifactRetention,
    ImportPhase,
    JournalScope,
    ManifestScope,
    RetentionTier,
    TaskScope,
    branch_name,
    decode_import,
    idempotency_key,
    import_name,
)
from krate_gitops.updates.imports.request import lowered, read_spec
from krate_gitops.updates.model import Metadata

BODY = {"memoryRepository": "company-brain", "source": {"runId": "r1", "repositoryRef": "payments"}}


def read(**body: Any) -> Any:
    return read_spec({**BODY, **body}, organization="acme")


def test_the_default_keeps_a_summary_and_a_manifest() -> None:
    spec = read()
    assert (spec.retention_tier, spec.artifact_retention) == ("summary-only", "artifact-manifest-only")
    assert spec.target_path == "babysitter/runs/r1"
    assert spec.source.run_path == ".a5c/runs/r1"
    assert (spec.include.journal, spec.include.task_results) == (JournalScope.NONE, TaskScope.SUMMARIZED)
    assert spec.include.artifact_manifests is ManifestScope.DIGEST_ONLY
    assert (spec.include.memory_md, spec.include.session_summary, spec.include.retrospectives) == (True, True, True)


@pytest.mark.parametrize("label", ["incident", "debug"])
def test_a_run_with_a_telling_label_keeps_a_curated_journal(label: str) -> None:
    spec = read_spec(BODY, organization="acme", labels=frozenset((label,)))
    assert spec.retention_tier is RetentionTier.CURATED_JOURNAL
    assert spec.include.journal is JournalScope.CURATED


def test_booleans_stand_for_the_plain_scope() -> None:
    include = read(include={"taskResults": True, "artifactManifests": True}).include
    assert (include.task_results, include.artifact_manifests) == (TaskScope.SUMMARIZED, ManifestScope.DIGEST_ONLY)


def test_a_source_may_be_one_word() -> None:
    with pytest.raises(UsageError, match="repositoryRef"):
        read(source="babysitter-run/r1")
    spec = read(source={"kind": "babysitter-run", "runId": "r1", "repository": {"owner": "acme", "name": "payments"}})
    assert spec.source.repository_ref == "acme/payments"


def test_a_tier_of_artifacts_imports_no_more_than_the_manifest() -> None:
    spec = read(retentionTier="artifact-bytes-retained")
    assert spec.artifacts_only
    assert (spec.retention_tier, spec.artifact_retention) == ("summary-only", ArtifactRetention.BYTES_RETAINED)
    assert not spec.include.memory_md
    assert spec.include.task_results is TaskScope.NONE


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"retentionTier": "everything"}, "retentionTier must be one of"),
        ({"include": {"journal": "curated"}}, "more than the tier keeps: journal"),
        ({"retentionTier": "curated-journal", "include": {"taskResults": "full-redacted"}}, "taskResults"),
        ({"artifactRetention": "none", "include": {"artifactManifests": "full"}}, "artifactManifests"),
        ({"retentionTier": "artifact-manifest-only", "include": {"memoryMd": True}}, "memoryMd"),
        ({"validationPolicy": "none"}, "strict"),
        ({"validationPolicy": {"redactSecrets": False}}, "can't be disabled"),
        ({"validationPolicy": {"detectPromptInjection": False}}, "can't be disabled"),
        ({"validationPolicy": {"x": True}}, 'no "x"'),
        ({"targetPath": "babysitter/runs/r2"}, "targetPath"),
        ({"targetPath": "graph/r1"}, "targetPath"),
        ({"source": {"runId": "../r1", "repositoryRef": "payments"}}, "runId"),
        ({"source": {"runId": "a..b", "repositoryRef": "payments"}}, "runId"),
        ({"source": {"runId": "r1", "repositoryRef": "payments", "a5cRunPath": "/etc"}}, "a5cRunPath"),
        ({"source": {"runId": "r1", "repositoryRef": "payments", "a5cRunPath": "a/../b"}}, "a5cRunPath"),
        ({"source": {"kind": "pod", "runId": "r1", "repositoryRef": "payments"}}, "kind"),
        ({"curated": ["1"]}, "event numbers"),
        ({"surprise": 1}, 'no field "surprise"'),
        ({"include": {"logs": True}}, 'no "logs"'),
    ],
)
def test_what_can_not_be(body: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        read(**body)
    assert refused.value.code == "INVALID_RESOURCE"


def test_strict_is_the_default_policy() -> None:
    assert read(validationPolicy="strict") == read()


def test_another_organization_is_refused_without_a_word_about_it() -> None:
    with pytest.raises(DeniedError) as refused:
        read(organizationRef="globex")
    assert refused.value.code == "CROSS_ORG_REF_DENIED"
    assert "globex" not in refused.value.message


def test_a_lower_tier_keeps_less() -> None:
    spec = read(retentionTier="full-journal-redacted", include={"taskResults": "full-redacted"})
    less = lowered(spec, "curated-journal")
    assert (less.include.journal, less.include.task_results) == (JournalScope.CURATED, TaskScope.SUMMARIZED)
    assert lowered(less, "summary-only").include.journal is JournalScope.NONE
    with pytest.raises(UsageError, match="keeps no less"):
        lowered(less, "full-journal-redacted")


def test_names_branches_and_keys_hang_on_what_is_imported() -> None:
    spec = read()
    name = import_name(spec, 0)
    assert name.startswith("import-")
    assert len(name) == len("import-") + 12
    assert branch_name(name) == "krate/memory-import/" + name.removeprefix("import-")
    assert import_name(spec, 1) != name
    assert import_name(read(retentionTier="curated-journal"), 0) == name
    key = idempotency_key(spec, "sha256:" + "0" * 64)
    assert key == idempotency_key(read(include={"memoryMd": False}), "sha256:" + "0" * 64)
    assert key != idempotency_key(read(retentionTier="curated-journal"), "sha256:" + "0" * 64)


@pytest.mark.parametrize(
    ("older", "today"), [("Approved", ImportPhase.AWAITING_REVIEW), ("Collected", ImportPhase.COLLECTING)]
)
def test_older_words_for_phases_are_read(older: str, today: ImportPhase) -> None:
    import msgspec

    document = AgentRunMemoryImport(metadata=Metadata(name="import-0", namespace="krate-org-acme"), spec=read())
    body = msgspec.json.encode(document).replace(b'"status":{}', b'"status":{"phase":"%s"}' % older.encode())
    assert decode_import(body).phase is today
    assert decode_import(msgspec.json.encode(document)) == document
