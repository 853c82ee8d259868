"""``demo``: builds a small world and does the main job on it, step by step."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from krate_gitops.cli.commands import ENVIRONMENT_PREFIX, KrateCommand
from krate_gitops.cli.failures import EXIT_NO
from krate_gitops.cli.global_options import PROGRAM
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.output import show, write

if TYPE_CHECKING:
    from krate_gitops.demo.play import Played
    from krate_gitops.demo.steps import Ran, Step
    from krate_gitops.demo.world import World


@click.command("demo", cls=KrateCommand)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@pass_invocation
def demo(invocation: Invocation, folder: Path | None) -> int:
    """Build a small world in DIR and show the main job on it.

    It has a brain, and a config repository with the agents that a cluster is to have. DIR is created; without it a
    temporary folder is made and named. Nothing outside of it is read or written, and nothing is sent anywhere: the
    cluster is a small API server of this program. All of it is kept, to try things on.
    """
    from krate_gitops.demo.cluster import demo_cluster
    from krate_gitops.demo.learning import learning
    from krate_gitops.demo.play import play
    from krate_gitops.demo.reconciling import reconciling
    from krate_gitops.demo.steps import steps
    from krate_gitops.demo.world import build_world

    started = time.perf_counter()
    world = build_world(folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="krate-demo-")))
    is_text = invocation.output == "table"
    if is_text:
        write(_opening(world))
    played: list[Played] = []
    surprises = 0

    def perform(chapter: Sequence[Step]) -> None:
        nonlocal surprises
        for step, ran in play(chapter, _run, structured=not is_text):
            played.append(ran)
            surprises += ran.exit_code != step.exit_code
            if is_text:
                write(_told(len(played), step, ran))

    with _only_the_world(world):
        perform(steps(world))
        if is_text:
            write(_LEARNING)
        perform(learning(world))
        if is_text:
            write(_SECOND_HALF)
        with demo_cluster(world.folder) as kubeconfig:
            os.environ["KUBECONFIG"] = str(kubeconfig)
            perform(reconciling(world, kubeconfig))
    if is_text:
        write(_closing(world, len(played), time.perf_counter() - started))
    else:
        show(invocation.output, played, table="", items=played)
    return EXIT_NO if surprises else 0


@contextlib.contextmanager
def _only_the_world(world: World) -> Iterator[None]:
    """The steps see the world's configuration and cluster, and no setting of the user's."""
    kept = dict(os.environ)
    for name in kept:
        if name.startswith(ENVIRONMENT_PREFIX):
            del os.environ[name]
    os.environ["KRATE_CONFIG"] = str(world.config)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _run(arguments: Sequence[str]) -> Ran:
    """One command line through the program's own entry, in this process."""
    from krate_gitops.cli.main import cli
    from krate_gitops.demo.steps import Ran

    # Files are written to the bytes below standard output, so there must be some.
    results, complaints = _stream(), _stream()
    code: int | str | None = 0
    with contextlib.redirect_stdout(results), contextlib.redirect_stderr(complaints):
        try:
            cli.main(arguments)
        except SystemExit as end:
            code = end.code
    return Ran(code if isinstance(code, int) else EXIT_NO, _content(results) or _content(complaints))


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _content(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


_LEARNING = """
What agents learn comes back the same way: as a change that people review, and never past them.
"""
_SECOND_HALF = """
What agents know is one half. What they may do is the other: a config repository, applied to a cluster by an identity of
its own. The cluster is a small API server for development, with the definitions and that identity installed.
"""


def _opening(world: World) -> str:
    return (
        f"A small world in {world.folder}: the brain of acme, a made-up company,\n"
        f"with {len(world.commits)} commits from March to June 2026, and the repository of what its agents may do.\n"
        f"To repeat the commands in a shell, begin with\n\n"
        f"{_export(world)}\n"
    )


def _told(number: int, step: Step, ran: Played) -> str:
    from krate_gitops.demo.play import shortened

    result = "".join(f"  {line}".rstrip() + "\n" for line in shortened(ran.result, step.lines).split("\n"))
    remark = step.remark if ran.exit_code == step.exit_code else f"This should have ended with {step.exit_code}."
    ending = f"  exit code {ran.exit_code}\n" if ran.exit_code else ""
    return f"\n{number}. {step.title}\n\n$ {ran.command}\n{result}{ending}" + (f"\n{remark}\n" if remark else "")


def _closing(world: World, count: int, seconds: float) -> str:
    from krate_gitops.demo.cluster import CLUSTER

    return f"""
{count} steps in {seconds:.1f} s. What to try next, in a shell that begins with the same:

{_export(world)}
krate-gitops brain query acme "why can nobody update a ledger entry"
krate-gitops brain query acme "stale exchange rates" --kind Decision --explain
krate-gitops brain query acme "slow refunds" --render prompt
krate-gitops brain validate acme --worktree     # after editing a file in {world.brain}
krate-gitops brain init my-brain --org me       # a brain of your own
krate-gitops dev cluster --data {shlex.quote(str(world.folder / CLUSTER))}   # the cluster again, as it was left

Everything lies in {world.folder}; delete it when you are done.
"""


def _export(world: World) -> str:
    """What a shell needs for the commands: the configuration, and the program where it does not find that by itself."""
    config = f"export KRATE_CONFIG={shlex.quote(str(world.config))}"
    folder = Path(sys.executable).parent
    if shutil.which(PROGRAM) is None and (folder / PROGRAM).exists():
        return f"export PATH={shlex.quote(str(folder))}:$PATH\n{config}"
    return config
