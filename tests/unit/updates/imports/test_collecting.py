"""Sources as they really occur: what is read, what is passed over with a note, and what stops an import."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from krate_gitops.digest import json_digest, sha256_digest
from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.updates.imports.limits import Limits
from krate_gitops.updates.imports.locate import locate
from tests.unit.updates.imports.sources import (
    EVENTS,
    FOLDER,
    RUN,
    Workspace,
    ended,
    requested,
    resolved,
    started,
    text_of,
)


def digest_of(workspace: Workspace, **beside: bytes) -> str:
    files = [
        [path.relative_to(workspace.run).as_posix(), sha256_digest(path.read_bytes())]
        for path in workspace.run.rglob("*")
        if path.is_file() and not path.is_symlink()
    ]
    return json_digest(sorted([*files, *([name, sha256_digest(data)] for name, data in beside.items())]))


def test_the_source_digest_covers_every_file(workspace: Workspace) -> None:
    workspace.write("inputs.json", {"x": 1})
    workspace.write("state/deep/x.bin", b"\0\1")
    workspace.write("tasks/t1/stdout.log", "text")
    workspace.beside("MEMORY.md", "# M\n")
    prepared = workspace.prepare()
    assert prepared.collected.source_digest == digest_of(workspace, **{"@workspace/MEMORY.md": b"# M\n"})
    assert prepared.collected.journal_digest == json_digest(
        [
            [f"journal/{path.name}", sha256_digest(path.read_bytes())]
            for path in sorted((workspace.run / "journal").iterdir())
        ]
    )


def test_any_place_around_a_run_names_it(workspace: Workspace, tmp_path: Path) -> None:
    runs = workspace.run.parent
    for path in (workspace.run, workspace.path, workspace.path / ".a5c", runs):
        assert locate(path).run == workspace.run
        assert locate(path, RUN).workspace == workspace.path
    (runs / "other").mkdir()
    with pytest.raises(UsageError, match="2 runs"):
        locate(workspace.path)
    assert locate(workspace.path, RUN).run == workspace.run
    for nothing in (tmp_path / "none", tmp_path):
        with pytest.raises(UnavailableError) as refused:
            locate(nothing)
        assert refused.value.code == "MEMORY_IMPORT_SOURCE_NOT_FOUND"


def test_a_run_without_a_record_is_told_by_its_events(empty: Workspace) -> None:
    facts = empty.journal(EVENTS).normalised().facts
    assert (facts.process, facts.status, facts.event_count) == ("refund-replay-fix", "completed", 6)
    assert (facts.started_at, facts.completed_at, facts.duration_ms) == (
        "2026-06-02T10:05:00Z", "2026-06-02T10:41:00Z", 2_160_000,
    )  # fmt: skip
    assert (facts.successes, facts.failures, facts.kinds) == (1, 1, ["shell"])


def test_a_run_without_events_is_told_by_its_record(empty: Workspace) -> None:
    empty.record(status="failed", createdAt="2026-06-02T10:05:00Z", completedAt="2026-06-02T10:06:00.500Z", process="p")
    facts = empty.normalised().facts
    assert (facts.process, facts.status, facts.event_count, facts.duration_ms) == ("p", "failed", 0, 60_500)


def test_the_last_event_outdoes_the_record(workspace: Workspace) -> None:
    workspace.record(status="failed")
    assert workspace.normalised().facts.status == "completed"


@pytest.mark.parametrize(
    "name", ["journal.json", "journal.jsonl", "journal.ndjson", "journal/all.json", "journal/all.jsonl"]
)
def test_a_journal_may_be_one_file(empty: Workspace, name: str) -> None:
    import json

    content = json.dumps(EVENTS) if name.endswith(".json") else "\n".join(json.dumps(one) for one in EVENTS)
    empty.record().write(name, content)
    made = empty.normalised(retentionTier="curated-journal")
    assert made.facts.event_count == 6
    assert [path[-11:] for path in made.files if "/journal/" in path] == [
        "000001.yaml", "000003.yaml", "000005.yaml", "000006.yaml",
    ]  # fmt: skip


def test_an_active_run_waits(empty: Workspace) -> None:
    empty.record().journal(EVENTS[:-1])
    with pytest.raises(KrateError) as refused:
        empty.prepare()
    assert refused.value.code == "MEMORY_IMPORT_SOURCE_ACTIVE"
    partial = {"validationPolicy": {"allowPartial": True}}
    with pytest.raises(KrateError):
        empty.prepare(**partial)
    with pytest.raises(KrateError):
        empty.prepare(partial_allowed=True, retentionTier="curated-journal", **partial)
    made = empty.prepare(partial_allowed=True, **partial).normalised
    assert b"partial: true" in made.files[f"{FOLDER}/run.yaml"]
    assert b"runStatus: running" in made.files[f"{FOLDER}/run.yaml"]


def test_somebody_may_say_how_an_abandoned_run_ended(empty: Workspace) -> None:
    empty.record().journal((*EVENTS[:-1], requested(3, "publish")))
    made = empty.normalised(around={"outcome": "cancelled"})
    assert b"runStatus: cancelled" in made.files[f"{FOLDER}/run.yaml"]
    assert b"runStatus: cancelled" in made.files[f"{FOLDER}/tasks/publish.yaml"]
    assert b"partial" not in made.files[f"{FOLDER}/run.yaml"]


@pytest.mark.parametrize(
    "claim", [{"organization": "globex"}, {"organizationRef": "org:globex"}, {"org": {"name": "globex"}}]
)
def test_another_organizations_run_is_not_read(
    workspace: Workspace, claim: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.record(**claim)
    read: list[str] = []
    real = os.open

    def spy(path: str, *args: object, **how: object) -> int:
        read.append(str(path))
        return real(path, *args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", spy)
    with pytest.raises(DeniedError) as refused:
        workspace.prepare()
    assert refused.value.code == "CROSS_ORG_REF_DENIED"
    assert "globex" not in str(refused.value)
    assert not any(name.endswith(".json") and name != "run.json" for name in read)


def test_its_own_organization_may_be_named(workspace: Workspace) -> None:
    workspace.record(organization="org:acme")
    assert workspace.prepare().normalised.files


def test_a_folder_of_another_run_is_not_the_source(workspace: Workspace) -> None:
    workspace.write("run.json", {"runId": "another"})
    with pytest.raises(UnavailableError, match="another run"):
        workspace.prepare()


def test_links_lead_nowhere(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text('{"type": "RUN_FAILED", "data": {"summary": "leaked"}}')
    (workspace.run / "journal" / "000099.json").symlink_to(outside / "secret.json")
    (workspace.run / "tasks").symlink_to(outside)
    os.mkfifo(workspace.run / "pipe.json")
    (workspace.path / ".a5c" / "artifacts").symlink_to(outside)
    (workspace.path / "MEMORY.md").symlink_to(outside / "secret.json")
    prepared = workspace.prepare(retentionTier="full-journal-redacted")
    assert "leaked" not in text_of(prepared.normalised)
    assert prepared.normalised.facts.event_count == 6
    assert sum("no plain file" in note for note in prepared.normalised.notes) == 3


def test_a_run_that_is_a_link_itself_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    linked = workspace.run.parent / "linked"
    linked.symlink_to(workspace.run)
    with pytest.raises(UnavailableError) as refused:
        Workspace.prepare(workspace, at=linked)
    assert refused.value.code == "MEMORY_IMPORT_SOURCE_NOT_FOUND"


def test_broken_and_odd_events_are_noted_and_passed_over(empty: Workspace) -> None:
    empty.record().journal((started(), 3, None, {}, {"type": "NEW_THING", "data": 7}, {"type": ["x"]}, ended()))
    empty.write("journal/000008.json", b'{"type": "A", "recordedAt": ')
    empty.write("journal/000009.json", b"\0\0\0")
    empty.write("journal/000010.json", b"")
    empty.write("journal/000011.json", b'{"type": "A", "data": {"message": "na\x92ve\\u0000"}}')
    empty.write("journal/000012.json", "[" * 100_000)
    empty.write("journal/notes.txt", "no event")
    made = empty.normalised(retentionTier="full-journal-redacted")
    assert made.facts.event_count == 6
    notes = "\n".join(made.notes)
    assert "000002" in notes
    assert "000008" in notes
    assert "000009" in notes
    assert "nested too deeply" in notes
    events = {path[-11:-5]: content.decode() for path, content in made.files.items() if "/journal/" in path}
    assert sorted(events) == ["000001", "000004", "000005", "000006", "000007", "000011"]
    assert "eventType: unknown" in events["000004"]
    assert "eventType: new.thing" in events["000005"]
    assert "na\ufffdve" in events["000011"]


def test_events_without_a_time_have_that_of_the_one_before(empty: Workspace) -> None:
    events = [started(), requested(1, "t"), {"type": "NOTE"}, {"type": "NOTE", "timestamp": "soon"}, ended()]
    made = empty.record().journal(events).normalised(retentionTier="full-journal-redacted")
    assert b"timestamp: 2026-06-02T10:07:00Z" in made.files[f"{FOLDER}/journal/000003.yaml"]
    assert b"timestamp: 2026-06-02T10:07:00Z" in made.files[f"{FOLDER}/journal/000004.yaml"]
    assert any("have no time" in note for note in made.notes)


def test_a_run_without_any_time_has_one_all_the_same(empty: Workspace) -> None:
    made = empty.record(status="completed").journal([{"type": "run_start"}, {"type": "run_end"}]).normalised()
    assert b"startedAt: 1970-01-01T00:00:00Z" in made.files[f"{FOLDER}/run.yaml"]


def test_events_of_the_same_number_come_behind_the_last(empty: Workspace) -> None:
    events = [{**one, "sequence": 1 + at // 2} for at, one in enumerate(EVENTS)]
    made = empty.record().journal(events).normalised(retentionTier="full-journal-redacted")
    assert [path[-11:-5] for path in made.files if "/journal/" in path] == [f"{at:06}" for at in range(1, 7)]
    assert any("3 events have a number" in note for note in made.notes)


def test_a_number_comes_from_field_name_or_place(empty: Workspace) -> None:
    empty.record().write("journal/000007.json", started())
    empty.write("journal/000008.json", {**ended(), "sequence": 42})
    empty.write("journal/last.json", {"type": "NOTE"})
    made = empty.normalised(retentionTier="full-journal-redacted")
    assert [path[-11:-5] for path in made.files if "/journal/" in path] == ["000003", "000007", "000042"]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"files": 5}, "more than 5 files"),
        ({"total_bytes": 500}, "larger than 500 bytes"),
        ({"journal_bytes": 50}, "larger than 50 bytes"),
        ({"file_bytes": 10}, "run.json is larger than 10 bytes"),
        ({"kept_events": 3}, "more than 3 events"),
    ],
)
def test_a_source_beyond_its_limits_is_refused(workspace: Workspace, limits: dict[str, int], message: str) -> None:
    with pytest.raises(KrateError, match=message) as refused:
        workspace.prepare(limits=Limits(**limits), retentionTier="full-journal-redacted")
    assert refused.value.code == "MEMORY_LIMIT_EXCEEDED"


def test_the_limits_are_those_of_the_specification() -> None:
    assert (Limits().files, Limits().total_bytes, Limits().file_bytes) == (10_000, 64 << 20, 4 << 20)


def test_an_artifact_that_is_too_large_is_left_out(workspace: Workspace) -> None:
    workspace.write("artifacts/large.bin", b"x" * 5_000)
    workspace.write("artifacts/small.bin", b"x")
    made = workspace.normalised(limits=Limits(file_bytes=4_000))
    assert made.files[f"{FOLDER}/artifacts/manifest.yaml"].count(b"digest:") == 1
    assert any("large.bin" in note for note in made.notes)


def test_notes_are_bounded(empty: Workspace) -> None:
    empty.record(status="completed")
    empty.write("journal.jsonl", "no json\n" * 5_000)
    notes = empty.normalised().notes
    assert len(notes) <= 110
    assert "and 4900 more" in notes


def test_huge_texts_are_cut(empty: Workspace) -> None:
    empty.record(prompt="word " * 400_000).journal([started(message="long " * 400_000), ended()])
    made = empty.normalised(retentionTier="full-journal-redacted")
    assert max(len(content) for content in made.files.values()) < 4_000


def test_many_tasks_and_effects_are_bounded(empty: Workspace) -> None:
    events = [started(), *(requested(1, f"t{at}", effectId=f"E{at}") for at in range(1_500)), resolved(1), ended()]
    empty.record().write("journal.json", events)
    made = empty.normalised()
    assert sum("/tasks/" in path for path in made.files) == 1_000
