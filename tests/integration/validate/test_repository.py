"""Profile R: each planted defect is found at its line and column, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.index.validate import Selection
from tests.integration.validate.brains import LEDGER, RUNBOOK, Brain, graph, line, sound_files
from tests.repos import SUBMODULE, SYMLINK, Content

SECRET = "ghp_" + "R8sK2mQ7vT4xZ1nB6wY3cD9fG5hJ0pL8aE2u"


def test_a_sound_brain_is_valid(brain: Brain) -> None:
    report = brain.validate(brain.repo.tip() or "").report
    assert (report.diagnostics, report.result, report.profile) == ([], "valid", "R")
    assert (report.files, report.records) == (11, 4)


DEFECTS: dict[str, tuple[str, Content, list[str]]] = {
    "yaml that does not parse": (
        "graph/services/x.yaml", "nodeKind: Service\nid: [a\n", ["KB001 graph/services/x.yaml:2:5"],
    ),
    "frontmatter that does not parse": (
        "runbooks/refunds.md", RUNBOOK.replace("title: R", "title: a: R"), ["KB002 runbooks/refunds.md:4:9"],
    ),
    "frontmatter without an end": ("runbooks/x.md", "---\nid: runbook:x\n", ["KB002 runbooks/x.md:1:1"]),
    "no frontmatter": ("runbooks/x.md", "# X\n", ["KB003 runbooks/x.md:1:1"]),
    "bytes that are no text": ("notes/x.md", b"# X\n\nna\x92ve\n", ["KB004 notes/x.md:3:3"]),
    "two documents": (
        "graph/services/x.yaml",
        graph("Service", "service:x") + "---\nid: y\n",
        ["KB005 graph/services/x.yaml:8:1"],
    ),
    "a file too large": ("notes/x.md", b"a " * 1_100_000, ["KB006 notes/x.md:1:1"]),
    "a key twice": (
        "graph/services/x.yaml",
        graph("Service", "service:x", more="  status: draft\n"),
        ["KB007 graph/services/x.yaml:8:3"],
    ),
    "a tag": ("graph/services/x.yaml", "nodeKind: !!str Service\n", ["KB008 graph/services/x.yaml:1:11"]),
    "no text": ("runbooks/refunds.md", RUNBOOK.partition("# ")[0], ["KB009 runbooks/refunds.md:1:1"]),
    "an expected file missing": ("README.md", None, ["KB010 README.md:0:0"]),
    "a kind away from home": (
        "runbooks/x.md", RUNBOOK.replace("kind: Runbook", "kind: Term").replace("runbook:refunds", "term:x")
        .replace("related:\n  depends_on: [service:ledger]", "definition: x"),
        ["KB011 runbooks/x.md:3:7"],
    ),
    "a file of no class": ("graph/dump.csv", "a,b\n", ["KB012 graph/dump.csv:1:1"]),
    "a symlink": ("pages/x.md", (SYMLINK, "../../etc/passwd"), ["KB013 pages/x.md:1:1"]),
    "a submodule": ("pages/x", (SUBMODULE, "a" * 40), ["KB013 pages/x:1:1"]),
    "paths that differ in case": (
        "notes/Meeting.md", "# M\n\nx\n", ["KB014 notes/Meeting.md:1:1", "KB014 notes/meeting.md:1:1"],
    ),
    "binary content": ("notes/x.bin", b"PK\x03\x04abc", ["KB012 notes/x.bin:1:1", "KB015 notes/x.bin:1:1"]),
    "a field missing": (
        "graph/services/ledger.yaml", LEDGER.replace("  title: Ledger\n", ""), ["KB020 graph/services/ledger.yaml:3:1"],
    ),
    "a field of the wrong type": (
        "graph/services/ledger.yaml",
        LEDGER.replace("title: Ledger", "title: Ledger\n  tags: {a: b}"),
        ["KB021 graph/services/ledger.yaml:5:9"],
    ),
    "an unknown status": (
        "runbooks/refunds.md", RUNBOOK.replace("status: approved", "status: active"), ["KB022 runbooks/refunds.md:5:9"],
    ),
    "an unknown sensitivity": (
        "runbooks/refunds.md",
        RUNBOOK.replace("status:", "sensitivity: top\nstatus:"),
        ["KB023 runbooks/refunds.md:5:14"],
    ),
    "a time without offset": (
        "runbooks/refunds.md", RUNBOOK.replace("09:15:00Z", "09:15:00"), ["KB024 runbooks/refunds.md:9:12"],
    ),
    "an unknown kind": (
        "runbooks/x.md", RUNBOOK.replace("kind: Runbook", "kind: Playbook").replace("runbook:refunds", "runbook:x"),
        ["KB025 runbooks/x.md:3:7"],
    ),
    "an undeclared attribute": (
        "graph/services/ledger.yaml",
        LEDGER.replace("  title: Ledger\n", "  title: Ledger\n  pager: x\n"),
        ["KB026 graph/services/ledger.yaml:5:3"],
    ),
    "an old field name": (
        "graph/services/ledger.yaml", LEDGER.replace("nodeKind:", "kind:"), ["KB027 graph/services/ledger.yaml:1:1"],
    ),
    "a heading unlike the title": (
        "runbooks/refunds.md", RUNBOOK.replace("# Replaying", "# Undoing"), ["KB029 runbooks/refunds.md:4:8"],
    ),
    "a note without title": ("notes/x.md", "words\n", ["KB030 notes/x.md:1:1"]),
    "an id of the wrong form": (
        "graph/services/x.yaml",
        graph("Service", "service:x").replace("service:x", "Runbook Refunds"),
        ["KB031 graph/services/x.yaml:2:5", "KB032 graph/services/x.yaml:2:5"],
    ),
    "the prefix of another kind": (
        "graph/services/x.yaml", graph("Service", "tool:x"), ["KB032 graph/services/x.yaml:2:5"],
    ),
    "an id twice": (
        "graph/services/a.yaml",
        graph("Service", "service:Ledger"),
        ["KB033 graph/services/a.yaml:2:5", "KB033 graph/services/ledger.yaml:2:5"],
    ),
    "an unknown edge kind": (
        "graph/services/ledger.yaml",
        LEDGER.replace("depends_on:", "depends-on:"),
        ["KB035 graph/services/ledger.yaml:9:3"],
    ),
    "an edge that may not begin here": (
        "graph/services/ledger.yaml",
        LEDGER + "  requires_secret: secret-grant:x\n",
        ["KB036 graph/services/ledger.yaml:11:20"],
    ),
    "an edge that may not end there": (
        "graph/services/ledger.yaml",
        LEDGER + "  owned_by: [service:fx-rates]\n",
        ["KB037 graph/services/ledger.yaml:11:14"],
    ),
    "an edge to nothing": (
        "graph/services/ledger.yaml",
        LEDGER.replace("service:fx-rates", "service:fx-rate"),
        ["KB038 graph/services/ledger.yaml:10:15"],
    ),
    "an edge to itself": (
        "runbooks/refunds.md",
        RUNBOOK.replace("[service:ledger]", "[service:ledger, runbook:refunds]"),
        ["KB039 runbooks/refunds.md:8:32"],
    ),
    "a circle": (
        "graph/services/fx-rates.yaml",
        graph("Service", "service:fx-rates", more="edges: {depends_on: [service:ledger]}\n"),
        ["KB040 graph/services/fx-rates.yaml:8:22", "KB040 graph/services/ledger.yaml:10:15"],
    ),
    "an edge twice": (
        "runbooks/refunds.md",
        RUNBOOK.replace("[service:ledger]", "[service:ledger, service:ledger]"),
        ["KB041 runbooks/refunds.md:8:32"],
    ),
    "an approved record that was superseded": (
        "runbooks/b.md",
        RUNBOOK.replace("runbook:refunds", "runbook:b")
        .replace("depends_on: [service:ledger]", "supersedes: [runbook:refunds]"),
        ["KB043 runbooks/b.md:8:16"],
    ),
    "a source that does not exist": (
        "runbooks/refunds.md",
        RUNBOOK.replace("related:", "sourceRefs: [path:notes/meeting.md, path:notes/x.md]\nrelated:"),
        ["KB044 runbooks/refunds.md:7:37"],
    ),
    "no owners": (
        "runbooks/refunds.md", RUNBOOK.replace("[team:core]", "[]"),
        ["KB050 runbooks/refunds.md:6:9"],
    ),
    "an unknown owner": (
        "runbooks/refunds.md",
        RUNBOOK.replace("[team:core]", "[team:core, team:cor]"),
        ["KB051 runbooks/refunds.md:6:21"],
    ),
    "a stale record": (
        "runbooks/refunds.md", RUNBOOK.replace("2025-12-30", "2020-12-30"), ["KB053 runbooks/refunds.md:9:12"],
    ),
    "a derived record without sources": (
        "runbooks/refunds.md",
        RUNBOOK.replace("depends_on: [service:ledger]", "derived_from: [path:notes/meeting.md]"),
        ["KB054 runbooks/refunds.md:2:1"],
    ),
    "an alias of another title": (
        "runbooks/refunds.md",
        RUNBOOK.replace("related:", "aliases: [x, ledger]\nrelated:"),
        ["KB056 runbooks/refunds.md:7:14"],
    ),
    "a time to come": (
        "runbooks/refunds.md", RUNBOOK.replace("2025-12-30", "2026-12-30"), ["KB059 runbooks/refunds.md:9:12"],
    ),
    "a secret": ("notes/x.md", f"# X\n\nthe token is {SECRET}\n", ["KB060 notes/x.md:3:14"]),
    "a credential file": (
        "notes/kubeconfig-prod.md", "# X\n\nx\n", ["KB064 notes/kubeconfig-prod.md:1:1"],
    ),
    "a raw artifact": (
        "babysitter/runs/r1/tasks/t1.log",
        "x\n",
        ["KB012 babysitter/runs/r1/tasks/t1.log:1:1", "KB093 babysitter/runs/r1/tasks/t1.log:1:1"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found_at_its_place_and_nothing_else_is(brain: Brain, name: str) -> None:
    path, content, expected = DEFECTS[name]
    commit = brain.commit({path: content})
    assert brain.found(commit) == expected


def test_an_ontology_file_is_pointed_into(brain: Brain) -> None:
    nodes = sound_files()["ontology/node-kinds.yaml"]
    assert isinstance(nodes, bytes)
    wrong = nodes.decode().replace("idPrefix: service", "idPrefix: team", 1)
    commit = brain.commit({"ontology/node-kinds.yaml": wrong})
    [found] = [found for found in brain.validate(commit).report.diagnostics if found.code == "KB083"]
    lines = wrong.split("\n")
    assert lines[found.line - 1][found.column - 1 :] == "team"
    assert lines[found.line - 2].endswith("name: Service")


def test_a_diagnostic_names_its_record_field_rule_and_advice(brain: Brain) -> None:
    commit = brain.commit({"graph/services/ledger.yaml": LEDGER.replace("fx-rates", "fx-rate")})
    [found] = brain.validate(commit).report.diagnostics
    assert (found.name, found.severity, found.record_id, found.field) == (
        "dangling-edge", "error", "service:ledger", "edges.depends_on[0]",
    )  # fmt: skip
    assert found.message == "service:fx-rate does not exist"
    assert found.hint


def test_a_finding_of_the_text_names_the_only_record_of_its_file(brain: Brain) -> None:
    commit = brain.commit({"runbooks/refunds.md": RUNBOOK + f"\n{SECRET}\n"})
    [found] = brain.validate(commit).report.diagnostics
    assert (found.code, found.record_id) == ("KB060", "runbook:refunds")
    assert SECRET not in repr(found)


def test_duplicates_point_at_each_other(brain: Brain) -> None:
    commit = brain.commit({"graph/services/zz.yaml": "# one more\n" + LEDGER})
    found = brain.validate(commit, selection=Selection(codes=("KB033",))).report.diagnostics
    assert [(one.path, [(other.path, other.line, other.column) for other in one.related]) for one in found] == [
        ("graph/services/ledger.yaml", [("graph/services/zz.yaml", 3, 5)]),
        ("graph/services/zz.yaml", [("graph/services/ledger.yaml", 2, 5)]),
    ]


def test_paths_are_those_below_the_memory_root(tmp_path: Path) -> None:
    brain = Brain(tmp_path, root=".company-brain")
    commit = brain.commit({**sound_files(), "notes/x.md": "words\n"})
    found = brain.validate(commit)
    assert ([line(one) for one in found.report.diagnostics], found.root) == (
        ["KB030 notes/x.md:1:1"], ".company-brain",
    )  # fmt: skip


def test_a_selection_narrows_what_is_reported_and_judged(tmp_path: Path) -> None:
    brain = Brain(tmp_path, root="kb")
    spoiled = {"notes/x.md": "words\n", "graph/services/ledger.yaml": LEDGER.replace("fx-rates", "fx-rate")}
    commit = brain.commit({**sound_files(), **spoiled})
    assert brain.found(commit, selection=Selection(codes=("KB030",))) == ["KB030 notes/x.md:1:1"]
    for pattern in ("notes/**", "kb/notes/*.md"):
        found = brain.validate(commit, selection=Selection(paths=(pattern,)))
        assert ([line(one) for one in found.report.diagnostics], found.report.result) == (
            ["KB030 notes/x.md:1:1"], "degraded",
        )  # fmt: skip
    assert brain.validate(commit, fail_on="warning", selection=Selection(codes=("KB030",))).report.result == "invalid"


def test_a_missing_memory_root_is_said(tmp_path: Path) -> None:
    brain = Brain(tmp_path, root="kb")
    commit = brain.repo.commit({"README.md": "x"})
    assert brain.found(commit) == ["KB010 :0:0"]


def test_a_journal_with_a_number_twice_points_at_both(brain: Brain) -> None:
    def event(name: str, number: int) -> Content:
        more = (
            f"  sequence: {number}\n  eventType: x\n  timestamp: 2025-12-30T09:15:00Z\n  summary: s\n  sourcePath: p\n"
            f"  sourceDigest: sha256:{'0' * 64}\n  redactionStatus: clean\n"
            "edges: {event_of_run: [babysitter-run:r1]}\n"
        )
        return graph("RunJournalEvent", f"run-journal-event:r1:{name}", more=more)

    run = (
        "  organization: org:local\n  repository: repository:x\n  process: p\n  runStatus: completed\n"
        f"  startedAt: 2025-12-30T09:15:00Z\n  sourceDigest: sha256:{'0' * 64}\n  redactionStatus: clean\n"
        "  retentionTier: summary-only\nedges: {ran_for_repo: [repository:x]}\n"
    )
    commit = brain.commit(
        {
            "graph/repositories/x.yaml": graph("Repository", "repository:x"),
            "babysitter/runs/r1/run.yaml": graph("BabysitterRun", "babysitter-run:r1", more=run),
            "babysitter/runs/r1/journal/000001.yaml": event("000001", 1),
            "babysitter/runs/r1/journal/000002.yaml": event("000002", 1),
        }
    )
    assert [one for one in brain.found(commit) if one.startswith("KB09")] == [
        "KB092 babysitter/runs/r1/journal/000001.yaml:8:13",
        "KB092 babysitter/runs/r1/journal/000002.yaml:8:13",
        "KB096 babysitter/runs/r1/run.yaml:15:18",
    ]
