"""The steps of the demo in which agents and runs teach: a proposal, its review and merge, and a gate that holds."""

from __future__ import annotations

import msgspec

from krate_gitops.demo.steps import EXIT_NO, Runner, Step
from krate_gitops.demo.world import World

DANA = "dana <dana@acme.example>"
"""One of core banking, by the name that the brain has for her."""
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
    )
