"""What an import writes, and what people are told to write, is right under the base ontology."""

from __future__ import annotations

from textwrap import dedent

import pytest

from krate_gitops.brain.ontology import OntologyIndex, load_ontology
from krate_gitops.brain.seed import base_ontology
from tests.unit.rules.sample import check, parse

DIGEST = "sha256:" + "e1" * 32

FILES = {
    "graph/services/payments-ledger.yaml": """\
        nodeKind: Service
        id: service:payments-ledger
        attributes:
          title: Payments ledger service
          status: approved
          owners: ["team:core-banking"]
          updatedAt: 2026-06-02T09:15:00Z
          summary: Append-only ledger behind the payments API.
          tags: [payments, ledger]
          repoRefs: ["repository:payments"]
          tier: "1"
        edges:
          depends_on:
            - target: service:fx-rates
              note: settlement currency conversion
        """,
    "babysitter/runs/r1/run.yaml": f"""\
        nodeKind: BabysitterRun
        id: babysitter-run:r1
        attributes:
          title: Run r1 (refund-replay-fix)
          status: approved
          owners: ["team:core-banking"]
          updatedAt: 2026-06-02T10:41:00Z
          organization: org:acme
          repository: repository:payments
          process: refund-replay-fix
          runStatus: completed
          startedAt: 2026-06-02T10:05:00Z
          completedAt: 2026-06-02T10:41:00Z
          durationMs: 2160000
          eventCount: 58
          effectSummary: {{successCount: 11, failureCount: 1, effectKinds: [shell, test-run]}}
          retentionTier: summary-only
          artifactRetention: artifact-manifest-only
          sourceDigest: {DIGEST}
          redactionStatus: redacted
          redactionDigest: {DIGEST}
          importRef: import-84e2a91f33d6
          sourceRefs: ["dispatch-run:adr-5b1f0c9d27ae"]
        edges:
          ran_for_repo: [{{target: "repository:payments"}}]
        """,
    "babysitter/runs/r1/journal/000012.yaml": f"""\
        nodeKind: RunJournalEvent
        id: run-journal-event:r1:000012
        attributes:
          title: "#12 task.completed"
          status: approved
          owners: ["team:core-banking"]
          updatedAt: 2026-06-02T10:22:08Z
          sequence: 12
          eventType: task.completed
          timestamp: 2026-06-02T10:22:08Z
          summary: Task t2 finished; its test effect failed once.
          effect: {{kind: test-run, result: failure}}
          sourcePath: .a5c/runs/r1/journal/000012.json
          sourceDigest: {DIGEST}
          redactionStatus: clean
        edges:
          event_of_run: [{{target: "babysitter-run:r1"}}]
        """,
    "babysitter/runs/r1/tasks/t2.yaml": f"""\
        nodeKind: RunTaskResult
        id: run-task-result:r1:t2
        attributes:
          title: "Task t2: verify replay order"
          status: approved
          owners: ["team:core-banking"]
          updatedAt: 2026-06-02T10:22:08Z
          taskId: t2
          runStatus: completed
          summary: Replay order verified against three stored ledgers.
          validationStatus: passed
          evidence: ["artifact:sha256-9f2c"]
          sourceDigest: {DIGEST}
          redactionStatus: clean
        edges:
          derived_from: [{{target: "babysitter-run:r1"}}]
        """,
    "babysitter/sessions/2026/06/02/sess-7f31.md": f"""\
        ---
        id: babysitter-session:sess-7f31
        kind: BabysitterSession
        title: Fixing the refund replay order
        status: approved
        owners: [team:core-banking]
        repoRefs: [repository:payments]
        runRef: babysitter-run:r1
        sourceDigest: {DIGEST}
        sourceRefs: [babysitter-run:r1]
        updatedAt: 2026-06-02T10:41:00Z
        ---
        ## Goal
        Replay in order.
        """,
    "babysitter/retrospectives/r1.md": """\
        ---
        id: run-retrospective:r1
        kind: RunRetrospective
        title: What the refund replay taught
        status: draft
        owners: [team:core-banking]
        runRef: babysitter-run:r1
        related: {learned_from: [babysitter-run:r1]}
        sourceRefs: [babysitter-run:r1]
        updatedAt: 2026-06-02T10:41:00Z
        ---
        ## What happened
        A replay.
        """,
}


@pytest.fixture(scope="module")
def index() -> OntologyIndex:
    return OntologyIndex(load_ontology(base_ontology()))


@pytest.mark.parametrize("path", FILES)
def test_an_honest_file_is_clean(path: str, index: OntologyIndex) -> None:
    assert parse(path, FILES[path], index=index).findings == ()
    assert check(path, FILES[path], index=index) == []


def test_a_run_without_its_required_fields_names_each(index: OntologyIndex) -> None:
    lines = dedent(FILES["babysitter/runs/r1/run.yaml"]).splitlines()
    text = "\n".join(line for line in lines if not line.startswith(("  process:", "  retentionTier:")))
    found = check("babysitter/runs/r1/run.yaml", text, index=index)
    assert [finding.message for finding in found] == [
        'BabysitterRun requires "process"',
        'BabysitterRun requires "retentionTier"',
    ]
