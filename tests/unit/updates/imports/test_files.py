"""The files of an import: their fields, their bounds, and that the same run gives the same bytes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from krate_gitops.errors import KrateError
from krate_gitops.updates.imports.model import import_name
from tests.unit.updates.imports.sources import (
    END,
    EVENTS,
    FOLDER,
    RUN,
    START,
    Workspace,
    ended,
    requested,
    resolved,
    started,
    text_of,
)

TASK = {"task.json": {"taskId": "t2", "title": "verify replay order"},
        "result.json": {"status": "ok", "summary": "Replay order verified against three stored ledgers.",
                        "finishedAt": "2026-06-02T10:22:08Z", "validationStatus": "passed",
                        "artifacts": [{"name": "r.json", "digest": "sha256:" + "9f" * 32}]}}  # fmt: skip


def with_task(workspace: Workspace, folder: str = "t2", **parts: object) -> Workspace:
    for name, content in {**TASK, **parts}.items():
        workspace.write(f"tasks/{folder}/{name}", content)
    return workspace


def test_a_summary_is_a_run_and_its_tasks(workspace: Workspace) -> None:
    with_task(workspace)
    made = workspace.normalised(source={"dispatchRun": "adr-5b1f0c9d27ae"})
    assert list(made.files) == [f"{FOLDER}/run.yaml", f"{FOLDER}/tasks/t2.yaml"]
    spec = workspace.spec()
    assert (
        made.files[f"{FOLDER}/run.yaml"].decode()
        == f"""\
nodeKind: BabysitterRun
id: babysitter-run:{RUN}
attributes:
  title: Run {RUN} (refund-replay-fix)
  status: approved
  owners:
    - team:core
  updatedAt: 2026-06-02T10:41:00Z
  organization: org:acme
  repository: repository:payments
  process: refund-replay-fix
  runStatus: completed
  startedAt: 2026-06-02T10:05:00Z
  completedAt: 2026-06-02T10:41:00Z
  durationMs: 2160000
  eventCount: 6
  effectSummary:
    successCount: 1
    failureCount: 1
    effectKinds:
      - shell
  retentionTier: summary-only
  artifactRetention: artifact-manifest-only
  sourceDigest: {workspace.prepare().collected.source_digest}
  redactionStatus: clean
  redactionDigest: {made.report.digest}
  importRef: {import_name(spec, 0)}
  sourceRefs:
    - dispatch-run:adr-5b1f0c9d27ae
edges:
  ran_for_repo:
    - target: repository:payments
  has_task_result:
    - target: run-task-result:{RUN}:t2
"""
    )
    task = made.files[f"{FOLDER}/tasks/t2.yaml"].decode()
    assert task.startswith(f"""\
nodeKind: RunTaskResult
id: run-task-result:{RUN}:t2
attributes:
  title: "Task t2: verify replay order"
  status: approved
  owners:
    - team:core
  updatedAt: 2026-06-02T10:22:08Z
  taskId: t2
  runStatus: completed
  summary: Replay order verified against three stored ledgers.
  validationStatus: passed
  evidence:
    - artifact:sha256-{"9f" * 32}
  sourceDigest: sha256:""")
    assert task.endswith(f"""\
  redactionStatus: clean
edges:
  derived_from:
    - target: babysitter-run:{RUN}
  produced_artifact:
    - target: artifact:sha256-{"9f" * 32}
""")


def test_a_curated_event_is_what_happened_in_a_line(workspace: Workspace) -> None:
    made = workspace.normalised(retentionTier="curated-journal")
    event = made.files[f"{FOLDER}/journal/000005.yaml"].decode()
    assert 'summary: "Shell effect of task build failed: exit 1"\n' in event
    assert "  effect:\n    kind: shell\n    result: failure\n" in event
    assert f'sourcePath: ".a5c/runs/{RUN}/journal/000005.' in event
    assert f"    - target: babysitter-run:{RUN}\n" in event
    assert "payload" not in event


def test_a_curated_journal_keeps_what_tells_most(empty: Workspace) -> None:
    events = [started()]
    for at in range(300):
        events += [requested(1, f"t{at % 7}", effectId=f"E{at}"), resolved(1, effectId=f"E{at}")]
    events += [
        requested(2, "bad"),
        resolved(2, "error"),
        {"type": "BREAKPOINT_OPENED", "data": {"question": "Go on?"}},
        ended(),
    ]
    empty.record().write("journal.json", events)
    made = empty.normalised(retentionTier="curated-journal", curated=[2, 4])
    kept = {path[-11:-5]: content for path, content in made.files.items() if "/journal/" in path}
    assert len(kept) == 200
    assert {"000001", "000002", "000004", "000603", "000604", "000605"} <= set(kept)
    assert all(len(content) <= 2_048 for content in kept.values())
    assert b"Go on?" in kept["000604"]


def test_a_chosen_event_of_another_type_keeps_type_and_time(empty: Workspace) -> None:
    empty.record().journal(
        [started(), {"type": "NOTE", "recordedAt": "2026-06-02T10:06:00Z", "data": {"message": "private"}}, ended()]
    )
    made = empty.normalised(retentionTier="curated-journal", curated=[2])
    event = made.files[f"{FOLDER}/journal/000002.yaml"].decode()
    assert "summary: note.\n" in event
    assert "timestamp: 2026-06-02T10:06:00Z" in event
    assert "private" not in event


def test_a_full_journal_keeps_every_event_with_its_payload(workspace: Workspace) -> None:
    made = workspace.normalised(retentionTier="full-journal-redacted", include={"taskResults": "full-redacted"})
    events = [content for path, content in made.files.items() if "/journal/" in path]
    assert len(events) == 6
    assert b"  payload:\n    effectId: E002\n    status: error\n" in events[4]


def test_the_same_run_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b/c"):
        workspace = with_task(Workspace(tmp_path / name).record(prompt="Work in the folder.").journal(EVENTS))
        workspace.write("session.md", "# S\n\n## Goal\n\nFix.\n\n## Outcome\n\nFixed.\n")
        workspace.write("retrospective.md", "## Lessons\n\n- Look first.\n")
        workspace.write("artifacts/r.json", "{}")
        workspace.beside("MEMORY.md", "# M\n\n## New\n\n- a\n")
        made.append(workspace.normalised(retentionTier="full-journal-redacted", around={"baseline": b"# M\n"}).files)
    assert made[0] == made[1]
    assert len(made[0]) == 12


def test_the_order_on_disk_does_not_matter(tmp_path: Path) -> None:
    first, second = Workspace(tmp_path / "a").record(), Workspace(tmp_path / "b").record()
    first.journal(EVENTS)
    numbers = list(range(1, 7))
    random.Random(3).shuffle(numbers)
    for number in numbers:
        second.write(f"journal/{number:06}.{number * 7919:026X}.json", EVENTS[number - 1])
    assert first.normalised().files == second.normalised().files


def test_tasks_come_from_events_where_no_folder_tells(workspace: Workspace) -> None:
    made = workspace.normalised()
    plan, build = (made.files[f"{FOLDER}/tasks/{name}.yaml"].decode() for name in ("plan", "build"))
    assert 'summary: "1 shell effect: 1 completed."' in plan
    assert "runStatus: failed" in build
    assert "updatedAt: 2026-06-02T10:08:30Z" in build


@pytest.mark.parametrize(
    ("folder", "task_id", "name"),
    [
        ("e1", "../../etc/x", "etc-x"),
        ("e1", "Ünïcode task", "n-code-task"),
        ("e1", "...", "task"),
        ("e1", "a" * 300, "a" * 80),
        ("e1", "x:y/z", "x-y-z"),
        ("plain-folder", None, "plain-folder"),
    ],
)
def test_any_task_id_fits_into_a_path(workspace: Workspace, folder: str, task_id: str | None, name: str) -> None:
    with_task(workspace, folder, **{"task.json": {"taskId": task_id} if task_id else {}})
    assert f"{FOLDER}/tasks/{name}.yaml" in workspace.normalised().files


def test_tasks_of_the_same_name_are_told_apart(workspace: Workspace) -> None:
    for folder in ("a", "b", "c"):
        with_task(workspace, folder, **{"task.json": {"taskId": "Same" if folder == "b" else "same"}})
    made = workspace.normalised()
    assert {path for path in made.files if "/tasks/" in path} == {
        f"{FOLDER}/tasks/{name}.yaml" for name in ("same", "Same-2", "same-3")
    }


def test_broken_task_files_leave_the_others(workspace: Workspace) -> None:
    with_task(workspace, **{"result.json": "{"})
    made = workspace.normalised()
    assert b'title: "Task t2: verify replay order"' in made.files[f"{FOLDER}/tasks/t2.yaml"]
    assert any("tasks/t2/result.json: can't be read" in note for note in made.notes)


@pytest.mark.parametrize("mode", ["digest-only", "full"])
def test_the_manifest_says_what_there_was(workspace: Workspace, mode: str) -> None:
    workspace.beside(f".a5c/artifacts/{RUN}/replay-report.json", "{}")
    workspace.write("artifacts/b.log", "text")
    made = workspace.normalised(include={"artifactManifests": mode})
    manifest = made.files[f"{FOLDER}/artifacts/manifest.yaml"].decode()
    assert manifest.startswith(
        f'schemaVersion: 1\nrunId: "{RUN}"\norganization: org:acme\nmode: artifact-manifest-only\nartifacts:\n'
    )
    assert manifest.count("digest: sha256:") == 2
    assert ("replay-report.json" in manifest) == (mode == "full")
    assert (f"storageRef: .a5c/artifacts/{RUN}/replay-report.json" in manifest.replace('"', "")) == (mode == "full")
    assert manifest.endswith("    retained: false\n    expiresAt: null\n")


def test_no_manifest_where_no_artifact_is_kept(workspace: Workspace) -> None:
    workspace.write("artifacts/b.log", "text")
    assert not any("artifacts" in path for path in workspace.normalised(artifactRetention="none").files)


def test_a_tier_of_artifacts_writes_the_manifest_and_the_run(workspace: Workspace) -> None:
    with_task(workspace).write("session.md", "## Goal\n\nx\n")
    made = workspace.normalised(retentionTier="artifact-manifest-only")
    assert list(made.files) == [f"{FOLDER}/artifacts/manifest.yaml", f"{FOLDER}/run.yaml"]


SESSION = """---
sessionId: sess-7f31
endedAt: 2026-06-03T00:10:00+02:00
---
# Fixing the refund replay order

## Goal

Fix it.

## Key decisions

- Replay by time.

### Why

Because.

## Result

Fixed.

## Next steps

- Tell the team.
"""


def test_a_summary_that_somebody_wrote_gets_the_fixed_headings(workspace: Workspace) -> None:
    workspace.write("session.md", SESSION)
    made = workspace.normalised()
    text = made.files["babysitter/sessions/2026/06/02/sess-7f31.md"].decode()
    head, _, body = text.partition("---\n# Session summary\n")
    assert "title: Fixing the refund replay order\n" in head
    assert f"runRef: babysitter-run:{RUN}\n" in head
    assert "updatedAt: 2026-06-02T22:10:00Z\n" in head
    assert body == (
        "\n## Goal\n\nFix it.\n\n## Decisions\n\n- Replay by time.\n\n**Why**\n\nBecause.\n\n## Outcome\n\nFixed.\n"
        "\n## Follow-ups\n\n- Tell the team.\n"
    )
    assert b"has_session:\n    - target: babysitter-session:sess-7f31" in made.files[f"{FOLDER}/run.yaml"]


TRANSCRIPTS = {
    "wrapped": [
        {"type": "summary", "summary": ""},
        {
            "type": "user",
            "sessionId": "s1",
            "timestamp": "2026-06-02T10:05:00Z",
            "message": {"role": "user", "content": "Fix the order."},
        },
        {
            "type": "assistant",
            "timestamp": "2026-06-02T10:06:00Z",
            "message": {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "Done: it was the order."},
                    {"type": "tool_use", "name": "x", "input": {"a": 1}},
                ],
            },
        },
        {
            "type": "user",
            "timestamp": "2026-06-02T10:40:00Z",
            "message": {"role": "user", "content": [{"type": "tool_result", "content": "noise"}]},
        },
    ],
    "plain": [
        {"role": "system", "content": "Be good."},
        {"role": "user", "content": "Fix the order."},
        {"role": "assistant", "content": "Done: it was the order."},
    ],
    "payload": [
        {
            "timestamp": "2026-06-02T10:05:00Z",
            "type": "response_item",
            "payload": {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "Fix the order."}],
            },
        },
        {
            "timestamp": "2026-06-02T10:40:00Z",
            "type": "response_item",
            "payload": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Done: it was the order."}],
            },
        },
    ],
    "spoken": [{"speaker": "Human", "text": "Fix the order."}, {"speaker": "AI", "text": "Done: it was the order."}],
    "nested": [
        {
            "sessionId": "s1",
            "messages": [
                {"role": "user", "content": "Fix the order."},
                {"role": "assistant", "content": "Done: it was the order."},
            ],
        }
    ],
}


@pytest.mark.parametrize("shape", list(TRANSCRIPTS))
@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_transcript_of_any_shape_is_summed_up(workspace: Workspace, shape: str, ending: str) -> None:
    lines = TRANSCRIPTS[shape]
    content = json.dumps(lines) if ending == "json" else "no json\n" + "\n".join(json.dumps(one) for one in lines)
    workspace.write(f"sessions/s1.{ending}", content)
    made = workspace.normalised()
    path = next(path for path in made.files if path.startswith("babysitter/sessions/"))
    assert path.endswith("/s1.md")
    text = made.files[path].decode()
    assert "## Goal\n\nFix the order.\n" in text
    assert "## Outcome\n\nDone: it was the order.\n" in text
    assert "noise" not in text


def test_a_session_may_be_all_there_is(tmp_path: Path, workspace: Workspace) -> None:
    path = tmp_path / "chat.jsonl"
    said = [("user", "Fix it.", 1780394700), ("assistant", "Done.", 1780396860)]
    path.write_text("\n".join(json.dumps({"role": role, "content": text, "ts": at}) for role, text, at in said))
    made = workspace.normalised(at=path)
    assert list(made.files) == [f"{FOLDER}/run.yaml", "babysitter/sessions/2026/06/02/chat.md"]
    assert b"process: agent-session" in made.files[f"{FOLDER}/run.yaml"]


def test_a_long_summary_is_cut_and_says_so(workspace: Workspace) -> None:
    workspace.write(
        "session.md",
        "## Goal\n\nShort.\n\n## Outcome\n\n" + "A line of the outcome.\n" * 3_000 + "\n## Follow-ups\n\n- Last.\n",
    )
    text = next(content for path, content in workspace.normalised().files.items() if "/sessions/" in path)
    assert len(text) <= 16 * 1024
    assert b"[CUT: the text was longer than is kept]" in text
    assert text.endswith(b"## Follow-ups\n\n- Last.\n")


@pytest.mark.parametrize("shape", ["md", "json"])
def test_a_retrospective_is_a_draft_with_fixed_headings(workspace: Workspace, shape: str) -> None:
    if shape == "md":
        workspace.write(
            "retrospective.md",
            "# Order matters\n\n## What went well\n\n- The test.\n\n## Lessons learned\n\n- Look first.\n",
        )
    else:
        workspace.write(
            "retrospective.json", {"title": "Order matters", "whatWentWell": ["The test."], "lessons": ["Look first."]}
        )
    text = workspace.normalised().files[f"babysitter/retrospectives/{RUN}.md"].decode()
    assert "status: draft\n" in text
    assert f"id: run-retrospective:{RUN}\n" in text
    assert text.partition("# Retrospective\n")[2] == (
        "\n## What happened\n\n## What worked\n\n- The test.\n\n## What failed\n\n## Lessons\n\n- Look first.\n"
        "\n## Proposed records\n"
    )


def test_parts_that_are_not_wanted_are_not_there(workspace: Workspace) -> None:
    workspace.write("session.md", SESSION)
    workspace.write("retrospective.md", "## Lessons\n\nx\n")
    made = workspace.normalised(include={"sessionSummary": False, "retrospectives": False, "taskResults": "none"})
    assert list(made.files) == [f"{FOLDER}/run.yaml"]


def test_somebody_must_own_the_records(workspace: Workspace) -> None:
    with pytest.raises(KrateError, match="own"):
        workspace.prepare(around={"owners": ()})


def test_no_path_of_the_machine_is_told(workspace: Workspace) -> None:
    workspace.record(prompt=f"Read {workspace.path}/src/a.py and /home/dana/x").journal(
        [started(), resolved(1, "error", error=f"no file {workspace.run}/x.txt"), ended()]
    )
    text = text_of(workspace.normalised(retentionTier="full-journal-redacted"))
    assert str(workspace.path) not in text
    assert "Read src/a.py and [PATH]" in text


def test_events_of_the_other_shape_are_understood(empty: Workspace) -> None:
    def event(kind: str, at: int, **fields: object) -> dict[str, object]:
        return {"eventType": kind, "sequence": at, "timestamp": f"2026-06-02T10:{at:02}:00Z", **fields}

    empty.record().write("journal.json", [
        event("run_start", 1, process="refund-replay-fix"),
        event("task.created", 2, taskId="t2"),
        event("task_completed", 3, taskId="t2", summary="Verified.", effect={"kind": "test-run", "result": "failure"}),
        event("effect_resolved", 4, taskId="t2", effect={"kind": "shell", "result": "success"}),
        event("run_end", 5, status="completed"),
    ])  # fmt: skip
    made = empty.normalised(retentionTier="curated-journal")
    third = made.files[f"{FOLDER}/journal/000003.yaml"].decode()
    assert "eventType: task.completed\n" in third
    assert 'summary: "Task t2 completed; an effect of it failed: Verified."\n' in third
    assert "  effect:\n    kind: test-run\n    result: failure\n" in third
    assert b"    result: success\n" in made.files[f"{FOLDER}/journal/000004.yaml"]
    assert (made.facts.successes, made.facts.failures, made.facts.kinds) == (1, 1, ["shell", "test-run"])
    assert (made.facts.status, made.facts.duration_ms) == ("completed", 240_000)
    assert b"runStatus: completed\n" in made.files[f"{FOLDER}/tasks/t2.yaml"]


def test_a_run_as_an_orchestrator_leaves_it_is_understood(empty: Workspace) -> None:
    empty.record(request="refund", entry=".a5c/processes/x.mjs#process", layoutVersion="2026.01", prompt="Fix refunds.")
    empty.write("inputs.json", {"x": 1})
    empty.write("state/state.json", {"schemaVersion": 1})
    empty.write("run.lock", "pid 1")
    stopped = {"type": "STOP_HOOK_INVOKED", "recordedAt": "2026-06-02T10:30:00Z", "data": {}}
    failed = {"type": "RUN_FAILED", "recordedAt": END, "data": {"error": {"message": "No ledger."}}}
    asked = (requested(1, "plan", "agent"), resolved(1), requested(2, "ask", "breakpoint"), resolved(2))
    empty.journal([started(), *asked, stopped, failed])
    for effect, kind, task in (("E001", "agent", "plan"), ("E002", "breakpoint", "ask")):
        empty.write(f"tasks/{effect}/task.json", {
            "schemaVersion": "tasks-v1", "kind": kind, "title": f"The {task}", "taskId": task, "effectId": effect,
            "metadata": {}, "agent": {"prompt": {"task": "Do it"}},
        })  # fmt: skip
        empty.write(f"tasks/{effect}/result.json", {
            "status": "ok", "result": {"summary": f"{task} is done."}, "startedAt": START, "finishedAt": END,
        })  # fmt: skip
    made = empty.normalised(retentionTier="curated-journal")
    run = made.files[f"{FOLDER}/run.yaml"].decode()
    assert "runStatus: failed\n" in run
    assert "  summary: Fix refunds.\n" in run
    task = made.files[f"{FOLDER}/tasks/ask.yaml"].decode()
    assert 'title: "Task ask: The ask"' in task
    assert "summary: ask is done.\n" in task
    assert "updatedAt: 2026-06-02T10:41:00Z" in task
    kept = [path[-11:-5] for path in made.files if "/journal/" in path]
    assert kept == ["000001", "000003", "000004", "000005", "000007"]
    assert 'summary: "Run failed: No ledger."\n' in made.files[f"{FOLDER}/journal/000007.yaml"].decode()
