"""A snapshot and its query: every field and digest of the contract, each digest computed here a second time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from sqlalchemy import select

from krate_gitops.encoding import json_text
from krate_gitops.git.request import RefRequest
from krate_gitops.memory.context import memory_block, prompt_section
from krate_gitops.memory.recall import Kept, file_form
from krate_gitops.memory.response import ExcerptItem
from krate_gitops.records.tables import consumed, objects, queries, snapshots
from krate_gitops.settings import Settings
from tests.snapshots import FILES, Desk
from tests.unit.memory.conftest import Policy
from tests.unit.memory.hostile import FILLING, PASSWORD, TOKEN, URL
from tests.unit.memory.world import markdown, record


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings)


def digest(value: Any) -> str:
    """Written as the contract says it, with none of the program's own code."""

    def without_nulls(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: without_nulls(inner) for name, inner in part.items() if inner is not None}
        return [without_nulls(inner) for inner in part] if isinstance(part, list) else part

    text = json.dumps(without_nulls(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    return json.loads(msgspec.json.encode(value))


def test_a_snapshot_has_every_field_of_the_contract(desk: Desk) -> None:
    found = plain(desk.take(request_id="dispatch-7", run="adr-7").snapshot)
    name = f"ams-{hashlib.sha256(b'dispatch-7').hexdigest()[:12]}"
    assert (found["apiVersion"], found["kind"]) == ("krate.a5c.ai/v1alpha1", "AgentMemorySnapshot")
    assert found["metadata"] == {
        "name": name,
        "namespace": "krate-org-local",
        "labels": {
            "krate.a5c.ai/org": "local",
            "krate.a5c.ai/namespace": "krate-org-local",
            "krate.a5c.ai/dispatch-run": "adr-7",
        },
    }
    spec = found["spec"]
    assert set(spec) == {
        *("organizationRef", "memoryRepository", "requestedRef", "resolvedCommit", "refResolution"),
        *("currentCommitAtDispatch", "sources", "queryManifestDigest", "selectedRecordsDigest"),
        *("selectedExcerptsDigest", "selectedDocumentsDigest", "ontologyDigest", "indexDigest", "recordCount"),
        *("excerptCount", "documentCount", "bytes", "selectionRef", "dispatchRun"),
    }
    assert (spec["organizationRef"], spec["memoryRepository"], spec["requestedRef"]) == ("local", "brain", "main")
    assert (spec["resolvedCommit"], spec["currentCommitAtDispatch"]) == (desk.second, desk.second)
    assert (spec["recordCount"], spec["excerptCount"], spec["documentCount"]) == (2, 3, 0)
    assert spec["dispatchRun"] == "adr-7"
    assert {"ontologyDigest", "indexDigest"} < set(spec["refResolution"])
    status = found["status"]
    assert (status["phase"], "knownBad" in status) == ("Pinned", False)
    assert {(one["type"], one["status"]) for one in status["conditions"]} == {("Pinned", "True"), ("KnownBad", "False")}
    assert {one["lastTransitionTime"] for one in status["conditions"]} == {status["createdAt"]}
    assert status["digest"] == digest(spec)


def test_a_query_has_every_field_of_the_contract(desk: Desk) -> None:
    kept = desk.take(request_id="dispatch-7", kinds=("Runbook",))
    found, name = plain(kept.query), kept.snapshot.metadata.name
    assert found["metadata"]["name"] == f"amq-{name.removeprefix('ams-')}-1"
    assert set(found["spec"]) == {"organizationRef", "snapshotRef", "requester", "query", "limits"}
    assert (found["spec"]["snapshotRef"], found["spec"]["organizationRef"]) == (name, "local")
    assert found["spec"]["requester"] == {"kind": "User", "name": "tester"}
    assert found["spec"]["query"]["graph"]["kinds"] == ["Runbook"]
    assert found["spec"]["query"]["mode"] == "graph-and-grep"
    assert found["spec"]["limits"] == {"maxBytes": 64000, "maxRecords": 40, "maxExcerpts": 25}
    status = found["status"]
    assert set(status) == {
        *("phase", "executedAt", "durationMs", "resultDigest", "counts", "truncated", "deniedScopes", "redaction"),
        "rankingVersion",
    }
    spec = kept.snapshot.spec
    counts = {"records": spec.record_count, "excerpts": spec.excerpt_count, "documents": spec.document_count}
    assert (status["phase"], status["counts"], status["truncated"]) == ("Completed", counts, False)
    assert status["redaction"] == {"status": "clean", "total": 0, "byKind": {}, "items": 0}
    assert status["executedAt"] == kept.snapshot.status.created_at


def test_every_digest_is_what_the_contract_says_it_covers(desk: Desk, allow: Policy) -> None:
    policy = allow(
        {"include": {"graphKinds": ["Runbook", "Service"], "paths": ["notes/**"]}, "organizationRef": "local"}
    )
    kept = desk.take(policy=policy, include=("notes/n.md",))
    spec, material = plain(kept.snapshot.spec), plain(kept.material)
    assert material["documents"]
    assert spec["selectedRecordsDigest"] == digest(
        [{name: one[name] for name in ("id", "kind", "path", "digest")} for one in material["records"]]
    )
    assert spec["selectedExcerptsDigest"] == digest(
        [{name: one[name] for name in ("path", "lineStart", "lineEnd", "digest")} for one in material["excerpts"]]
    )
    assert spec["selectedDocumentsDigest"] == digest(
        [{name: one[name] for name in ("path", "id", "digest")} for one in material["documents"]]
    )
    assert spec["queryManifestDigest"] == digest(material["manifest"])
    assert spec["sources"] == material["manifest"]["sources"] == material["policy"]["sources"]
    assert kept.query.status.result_digest == digest(
        {
            "records": spec["selectedRecordsDigest"],
            "excerpts": spec["selectedExcerptsDigest"],
            "documents": spec["selectedDocumentsDigest"],
            "limits": material["limits"],
        }
    )
    assert spec["selectionRef"] == f"objects/sha256:{hashlib.sha256(kept.stored).hexdigest()}"
    for excerpt in material["excerpts"]:
        assert excerpt["digest"] == "sha256:" + hashlib.sha256(excerpt["text"].encode()).hexdigest()
    blob = str(FILES["runbooks/a.md"]).encode()
    assert next(one for one in material["records"] if one["id"] == "runbook:a")["digest"] == (
        "sha256:" + hashlib.sha256(blob).hexdigest()
    )


def test_the_manifest_says_all_that_decides_an_answer(desk: Desk) -> None:
    manifest = desk.take().material.manifest
    assert set(manifest) >= {
        *("schemaVersion", "organization", "memoryRepository", "resolvedCommit", "refMode", "mode", "text", "graph"),
        *("grep", "documents", "selection", "consumer", "limits", "sources", "rankingVersion", "redactionVersion"),
        "indexerVersion",
    }
    assert manifest["schemaVersion"] == 1


def test_empty_selections_have_the_digest_of_an_empty_list(desk: Desk) -> None:
    spec = desk.take("haystack").snapshot.spec
    empty = "sha256:4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"
    assert spec.selected_records_digest == spec.selected_excerpts_digest == spec.selected_documents_digest == empty


def test_a_time_is_kept_as_it_was_asked_for(desk: Desk) -> None:
    spec = desk.take(ref=RefRequest(requested_at="2026-01-01T02:00:30+02:00")).snapshot.spec
    assert (spec.requested_at, spec.requested_ref) == ("2026-01-01T00:00:30Z", "main")
    assert (spec.resolved_commit, spec.current_commit_at_dispatch) == (desk.first, desk.second)
    assert spec.ref_resolution.commits_behind == 1
    assert spec.ref_resolution.stale_by_seconds > 0


def test_material_knows_no_clock_and_no_place_of_this_machine(tmp_path: Path, home: Path) -> None:
    one = Desk(tmp_path / "here", Settings(home=home))
    other = Desk(tmp_path / "elsewhere", Settings(home=tmp_path / "other-home"))
    first, second = one.take(request_id="a"), other.take(request_id="b")
    assert first.stored == second.stored
    for place in (str(tmp_path), str(home), str(Path.home())):
        assert place.encode() not in first.stored
    assert first.snapshot.status.created_at[:13].encode() not in first.stored
    for name in ("resolvedAt", "executedAt", "createdAt", "durationMs", "staleBySeconds"):
        assert name.encode() not in first.stored


def test_rows_repeat_what_the_documents_say(desk: Desk) -> None:
    kept = desk.take(run="adr-7")
    spec = kept.snapshot.spec
    with desk.database.reading() as connection:
        row = connection.execute(select(snapshots)).mappings().one()
        stored = connection.execute(select(objects)).mappings().one()
        sources = connection.execute(select(consumed).order_by(consumed.c.number)).mappings().all()
        assert connection.execute(select(queries.c.snapshot_id)).scalar_one() == row["id"]
    assert (row["resolved_commit"], row["dispatch_run"], row["digest"]) == (
        desk.second,
        "adr-7",
        kept.snapshot.status.digest,
    )
    assert digest(json.loads(row["spec"])) == row["digest"]
    assert zstandard.ZstdDecompressor().decompress(stored["content"]) == kept.stored
    assert (stored["digest"], stored["bytes"]) == (spec.selection_digest, len(kept.stored))
    selected = {
        (item.record_id if isinstance(item, ExcerptItem) else item.id, item.path) for item in kept.material.items()
    }
    assert {(source["record_id"], source["path"]) for source in sources} == selected
    assert [source["number"] for source in sources] == list(range(1, len(selected) + 1))


def test_a_snapshot_comes_back_as_it_was_made(desk: Desk) -> None:
    made = desk.take(run="adr-7", include=("notes/n.md",))
    found = desk.again(made)
    assert (plain(found.snapshot), plain(found.query)) == (plain(made.snapshot), plain(made.query))
    assert (found.stored, found.origin) == (made.stored, made.origin)


def test_equal_material_of_two_snapshots_is_stored_once(desk: Desk) -> None:
    one, other = desk.take(request_id="a"), desk.take(request_id="b")
    assert one.snapshot.metadata.name != other.snapshot.metadata.name
    assert one.snapshot.spec.selection_ref == other.snapshot.spec.selection_ref
    with desk.database.reading() as connection:
        assert len(connection.execute(select(objects.c.digest)).all()) == 1


def texts_of(desk: Desk, kept: Kept) -> bytes:
    """All that a snapshot leaves behind and shows: tables, the file, the prompt, the block."""
    told = json_text(file_form(kept)) + prompt_section(kept) + msgspec.json.encode(memory_block(kept)).decode()
    return desk.bytes_of_all_tables() + kept.stored + told.encode()


def test_secrets_of_a_brain_reach_neither_the_store_nor_what_is_shown_of_it(
    tmp_path: Path, database_settings: Settings
) -> None:
    desk = Desk(
        tmp_path,
        database_settings,
        {
            **FILES,
            f"notes/{TOKEN}.md": f"# N\n\nneedle in {TOKEN}\n\n{FILLING}",
            f"graph/{TOKEN}/b.yaml": record("Service", f"service:{TOKEN.lower()}x", title="needle"),
            "graph/c.yaml": record(
                "Service", "service:c", title=f"needle {TOKEN}", password=PASSWORD, sourceRefs=[URL], tags=[TOKEN],
                owners=[f"team:{TOKEN}"], summary=f"at {URL}", edges={"depends_on": [f"service:{TOKEN}"]},
            ),
            "runbooks/s.md": markdown("Runbook", "runbook:s", f"# S\n\nneedle password: {PASSWORD}\n\n{FILLING}"),
        },
    )  # fmt: skip
    kept = desk.take(include=("runbooks/s.md",), context_lines=5, paths=("**",), max_records=100)
    assert kept.material.redaction.total
    assert {item.path for item in kept.material.items()} >= {"graph/c.yaml", "runbooks/s.md"}
    left = texts_of(desk, kept)
    for secret in (TOKEN, TOKEN.lower(), PASSWORD):
        assert secret.encode() not in left
    assert desk.replay(kept).match
