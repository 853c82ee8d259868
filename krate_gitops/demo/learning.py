"""The steps of the demo in which agents and runs teach: a proposal, its review and merge, and a gate that holds."""

from __future__ import annotations

import msgspec

from krate_gitops.demo.steps import EXIT_NO, Runner, Step
from krate_gitops.demo.world import World

DANA = "dana <dana@acme.example>"
"""One of core banking, by the name that the brain has for her."""
IMANI = "imani <imani@acme.example>"
_RUN = "adr-0610-queues"


def learning(world: World) -> tuple[Step, ...]:
    """From a lesson to the default branch, in order."""
    brain = str(world.brain)

    def on_lesson(title: str, verb: str, *options: str, exit_code: int = 0, lines: int = 16, remark: str = "") -> Step:
        """A step about the update that the agent proposed."""

        def arguments(run: Runner) -> tuple[str, ...]:
            listed = msgspec.json.decode(run(("update", "list", brain, "--run", _RUN, "-o", "json")).text)
            return ("update", verb, brain, listed["items"][0]["update"], *options)

        return Step(title=title, after=arguments, exit_code=exit_code, lines=lines, remark=remark)

    def on_run(title: str, verb: str, *options: str, lines: int) -> Step:
        """A step about the import of the run."""

        def arguments(run: Runner) -> tuple[str, ...]:
            listed = msgspec.json.decode(run(("import", "list", brain, "-o", "json")).text)
            return ("import", verb, brain, listed["items"][0]["import"], *options)

        return Step(title=title, after=arguments, lines=lines)

    put = f"notes/ledger-access.md=@{world.leak}"
    return (
        Step(
            title="An agent has learned something, and proposes to write it down",
            arguments=("update", "propose", brain, "--from", str(world.lesson)),
            remark="Nothing has reached the main branch: the people who own the runbook are asked.",
        ),
        on_lesson("What would change, and what would agents be told differently?", "show", "--impact", lines=64),
        on_lesson("May it be merged?", "merge", exit_code=EXIT_NO),
        on_lesson("An owner has read it, and approves", "approve", "--actor", DANA, lines=4),
        on_lesson(
            "Now it may",
            "merge",
            remark="One commit on the main branch, whose trailers say what it is and who approved it.",
        ),
        Step(
            title="Another proposal holds a credential",
            arguments=("update", "propose", brain, "--put", put, "--reason", "How to look at the ledger"),
            exit_code=EXIT_NO,
            lines=24,
            remark="It was taken out before anything was kept: no commit, no index and no record has seen it.",
        ),
        Step(
            title="A run has finished. What of it is worth keeping?",
            arguments=("import", "run", str(world.run), brain, *_of_run(world)),
            lines=26,
            remark="A token and a path were taken out of its journal, and nothing is kept that nobody has read.",
        ),
        on_run("Somebody has read it", "approve", "--actor", IMANI, lines=3),
        on_run("It becomes memory", "merge", lines=3),
        Step(
            title="Ask again what agents are told now",
            arguments=(
                "brain",
                "query",
                brain,
                "replay refunds with several queues",
                "--limit",
                "3",
                "--mode",
                "graph-only",
            ),
            lines=20,
            remark="The runbook as it was corrected, and the session and the test that it was learned from.",
        ),
    )


def _of_run(world: World) -> tuple[str, ...]:
    session, review = str(world.run / "session.md"), str(world.run / "retrospective.md")
    parts = ("--include", "memoryMd=true", "--baseline", "main")
    return ("--session", session, "--retrospective", review, "--tier", "curated-journal", *parts)
