"""The steps of the demo: what each asks, the command that answers, and how it is expected to end."""

from __future__ import annotations

import msgspec

from krate_gitops.demo.story import AUDIT_TAG, PROPOSAL_BRANCH
from krate_gitops.demo.world import World

EXIT_NO = 1
MARCH = "2026-03-10T08:00:00Z"
"""The day before the script paid refunds twice."""

_BEFORE_LAST = "2026-06-09T00:00:00Z"
_QUESTION = "how do I replay refunds after a ledger outage"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """``arguments`` follow the program's name; ``lines`` of the result are shown; ``remark`` stands below it."""

    title: str
    arguments: tuple[str, ...]
    exit_code: int = 0
    lines: int = 16
    remark: str = ""


def steps(world: World) -> tuple[Step, ...]:
    """The main job on a world, in order."""
    brain = str(world.brain)
    query = ("brain", "query", brain, _QUESTION, "--explain", "--limit", "3", "--max-matches", "2")
    agent = ("--policy", str(world.policy), "--repository", "payments")
    proposal = ("--ref", PROPOSAL_BRANCH, "--base", "main")
    return (
        Step(title="Which commit does a reader get?", arguments=("ref", "resolve", brain)),
        Step(title="And which one on 10 March?", arguments=("ref", "resolve", brain, "--at", MARCH)),
        Step(
            title="Index the last commit but one, from nothing",
            arguments=("brain", "index", brain, "--at", _BEFORE_LAST),
        ),
        Step(
            title="Index the last commit",
            arguments=("brain", "index", brain),
            remark="It changed one file, so one shard was built; the others are those of the commit before.",
        ),
        Step(title="Is the brain valid?", arguments=("brain", "validate", brain)),
        Step(
            title="May this proposal be merged?",
            arguments=("brain", "validate", brain, *proposal),
            exit_code=EXIT_NO,
            remark="Code 1: the answer is no, and CI stops. With 2, 3 or 4 there would have been no answer.",
        ),
        Step(
            title="Ask a question, and why these answers",
            arguments=query,
            lines=32,
            remark="Each place is explained. Same commit, same question: the same answer on every machine.",
        ),
        Step(
            title="The same question, as it was answered on 10 March",
            arguments=(*query, "--at", MARCH),
            lines=32,
            remark="The next day that script paid 41 refunds twice; ten days later it was deprecated.",
        ),
        Step(
            title="What an agent at work on the payments repository gets, under its policy",
            arguments=("brain", "query", brain, _QUESTION, *agent, "--limit", "4", "--max-matches", "1"),
            lines=24,
        ),
        Step(
            title="Read the record itself, with what it is linked to",
            arguments=("brain", "show", brain, "runbook:payments-refund-replay"),
            lines=32,
        ),
        Step(
            title="What became of the script?",
            arguments=("brain", "log", brain, "runbook:payments-refund-script"),
        ),
        Step(
            title="What has changed since the auditors were here?",
            arguments=("brain", "diff", brain, AUDIT_TAG, "main"),
        ),
        Step(
            title="Take the graph elsewhere",
            arguments=("brain", "export", brain, "--format", "graph-index", "--out", str(world.folder / "graph.json")),
            remark="Records, edges and who owns what, as JSON. The same commit gives the same bytes.",
        ),
    )
