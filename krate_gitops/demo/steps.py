"""The steps of the demo: what each asks, the command that answers, and how it is expected to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from krate_gitops.demo.story import AUDIT_CHAPTER, AUDIT_TAG, PROPOSAL_BRANCH
from krate_gitops.demo.world import World
from krate_gitops.memory.snapshot import snapshot_name

EXIT_NO = 1
MARCH = "2026-03-10T08:00:00Z"
"""The day before the script paid refunds twice."""

_BEFORE_LAST = "2026-06-09T00:00:00Z"
_QUESTION = "how do I replay refunds after a ledger outage"


class Ran(msgspec.Struct, frozen=True):
    """How a command line ended, and everything it printed."""

    exit_code: int
    text: str


Runner = Callable[[Sequence[str]], Ran]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """``arguments`` follow the program's name; ``lines`` of the result are shown; ``remark`` stands below it.

    Where they hang on an earlier result, ``after`` finds them out with the runner. A step that isn't one of this
    program shows ``command`` and does ``act``, which gives what it would print.
    """

    title: str
    arguments: tuple[str, ...] = ()
    after: Callable[[Runner], tuple[str, ...]] | None = None
    command: str = ""
    act: Callable[[], str] | None = None
    exit_code: int = 0
    lines: int = 16
    remark: str = ""


_RUN = "adr-0310-refunds"
"""The dispatch run of an agent that asked on 10 March."""
_SNAPSHOT = snapshot_name(_RUN)
_SCRIPT = "runbook:payments-refund-script"


def steps(world: World) -> tuple[Step, ...]:
    """The main job on a world, in order."""
    brain = str(world.brain)
    query = ("brain", "query", brain, _QUESTION, "--explain", "--limit", "3", "--max-matches", "2")
    agent = ("--policy", str(world.policy), "--repository", "payments")
    proposal = ("--ref", PROPOSAL_BRANCH, "--base", "main")
    return (
        *_reading(brain, query, agent, proposal, world),
        *_remembering(world, brain, agent),
    )


def _reading(
    brain: str, query: tuple[str, ...], agent: tuple[str, ...], proposal: tuple[str, ...], world: World
) -> tuple[Step, ...]:
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


def _remembering(world: World, brain: str, agent: tuple[str, ...]) -> tuple[Step, ...]:
    frozen = ("--at", MARCH, "--limit", "3", "--max-matches", "1", "--run", _RUN, "--request-id", _RUN)
    stretch = ("--from", world.commits[0], "--to", world.commits[AUDIT_CHAPTER], "--record", _SCRIPT)
    return (
        Step(
            title="Freeze what an agent was told on 10 March",
            arguments=("snapshot", "create", brain, _QUESTION, *agent, *frozen),
        ),
        Step(
            title="Prove that it can be told again, byte for byte",
            arguments=("snapshot", "replay", _SNAPSHOT),
        ),
        Step(
            title="That script paid refunds twice. Who was told of it?",
            arguments=("snapshot", "list", "--record", _SCRIPT),
        ),
        Step(
            title="Say so, for good",
            arguments=(
                *("snapshot", "mark-known-bad", brain, *stretch, "--reason", "it pays refunds twice"),
                *("--see", "incident:2026-03-duplicate-refunds"),
            ),
        ),
        Step(
            title="May that run be retried as it was?",
            arguments=("snapshot", "context", _SNAPSHOT),
            exit_code=EXIT_NO,
            remark="Its memory is kept as it was told, but nobody gets it again without saying that they know.",
        ),
        Step(
            title="What became of the things it was told?",
            arguments=("snapshot", "diff", _SNAPSHOT, "--selected"),
        ),
        Step(
            title="And who did all this?",
            arguments=("audit", "verify"),
            remark="Every step above that kept something left a record; each carries the digest of the one before.",
        ),
    )
