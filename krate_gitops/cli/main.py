"""The ``krate-gitops`` program: the table of commands, and the one place where failures become exit codes."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from krate_gitops.cli.commands import KrateGroup, LazyCommand
from krate_gitops.cli.failures import (
    EXIT_INTERRUPTED,
    EXIT_NO,
    describe,
    print_failure,
    print_traceback,
    requested_output,
    wants_traceback,
)
from krate_gitops.cli.global_options import PROGRAM

COMPLETION_VARIABLE = "_KRATE_GITOPS_COMPLETE"

COMMANDS: Mapping[str, LazyCommand] = {
    "audit": LazyCommand("krate_gitops.cli.audit:audit", "Search the audit log, and check that nobody has changed it."),
    "brain": LazyCommand("krate_gitops.cli.brain:brain", "Validate, index, query and compare a company brain."),
    "completion": LazyCommand("krate_gitops.cli.completion:completion", "Print a completion script for a shell."),
    "config": LazyCommand(
        "krate_gitops.cli.config_repo:config_repo",
        "Validate agent resources, change them by commits, and describe their kinds to editors.",
    ),
    "demo": LazyCommand(
        "krate_gitops.cli.demo:demo",
        "Build a small world in DIR and show the main job on it.",
    ),
    "dev": LazyCommand("krate_gitops.cli.dev:dev", "Try things out: a small Kubernetes API server for development."),
    "import": LazyCommand("krate_gitops.cli.imports:imports", "Bring what finished agent runs left into a brain."),
    "index": LazyCommand("krate_gitops.cli.index:index", "List, clean up and check the index store."),
    "mcp": LazyCommand("krate_gitops.cli.mcp:mcp", "Serve the memory tools to a coding agent, pinned to one commit."),
    "notifications": LazyCommand(
        "krate_gitops.cli.notifications:notifications", "List who had to be told what, such as that memory was bad."
    ),
    "permissions": LazyCommand("krate_gitops.cli.permissions:permissions", "Review what agent stacks may do."),
    "reconcile": LazyCommand(
        "krate_gitops.cli.reconcile:reconcile", "Plan, review and apply agent resources from Git to a cluster."
    ),
    "run": LazyCommand("krate_gitops.cli.run:run", "Reconcile all sources of a cluster, until stopped."),
    "snapshot": LazyCommand("krate_gitops.cli.snapshot:snapshot", "Freeze, replay and trace what was told to agents."),
    "update": LazyCommand("krate_gitops.cli.update:update", "Propose, review and merge changes of a company brain."),
    "ref": LazyCommand("krate_gitops.cli.ref:ref", "Find out which commit a ref, a time or a snapshot tag means."),
}
"""Every top-level command. Adding one touches this table and its module."""


class Program(KrateGroup):
    """The root group: turns whatever happens into the exit codes of the contract."""

    # click's two overloads tell modes apart that this program doesn't have.
    def main(self, args: Sequence[str] | None = None, **_: Any) -> NoReturn:  # type: ignore[override]
        """Runs one command line and ends the process."""
        arguments = list(sys.argv[1:] if args is None else args)
        self._complete()
        sys.exit(self._run_quietly(arguments))

    def _run_quietly(self, arguments: list[str]) -> int:
        try:
            code = self._run(arguments)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone, as in `… | head`. Nothing may be written any more, not even at interpreter exit.
            with contextlib.suppress(OSError, io.UnsupportedOperation):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_NO
        return code

    def _run(self, arguments: list[str]) -> int:
        try:
            with self.make_context(PROGRAM, list(arguments)) as context:
                result = self.invoke(context)
            return result if isinstance(result, int) else 0
        except click.exceptions.Exit as end:
            return end.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            return EXIT_INTERRUPTED
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            return error.exit_code
        except BrokenPipeError:
            raise
        except Exception as error:
            if wants_traceback(arguments):
                print_traceback(error)
            failure = describe(error)
            print_failure(failure, output=requested_output(arguments), colour=_may_paint_stderr(arguments))
            return failure.exit_code

    def _complete(self) -> None:
        """Answers a shell that asks for completions, and ends the process."""
        if instruction := os.environ.get(COMPLETION_VARIABLE):
            from click.shell_completion import shell_complete

            sys.exit(shell_complete(self, {}, PROGRAM, COMPLETION_VARIABLE, instruction))


def _may_paint_stderr(arguments: Sequence[str]) -> bool:
    refused = "--no-color" in arguments or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not refused and sys.stderr.isatty()


cli = Program(
    PROGRAM,
    table=COMMANDS,
    help="Git as the source of truth for what coding agents know.",
    epilog="Every option can be set in the environment too: --log-format as KRATE_LOG_FORMAT. "
    "Exit codes: 0 done, 1 the answer is no, 2 usage, 3 unavailable, 4 denied, 130 interrupted.",
)


def run() -> NoReturn:
    """Entry point of the program."""
    # A name that the terminal's encoding can't show must not end a command.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # Ended from outside is ended as from the keyboard: child processes are stopped, temporary files removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cli.main()
