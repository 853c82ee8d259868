"""``update approve``, ``request-changes`` and ``reject``: what reviewers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.invocation import Invocation, pass_invocation
from krate_gitops.cli.progress import progress
from krate_gitops.cli.update_changes import LONG_TEXT
from krate_gitops.cli.update_options import Work, desk_of, find_update, name_argument, work_options
from krate_gitops.cli.update_propose import report

if TYPE_CHECKING:
    from krate_gitops.updates.model import Verdict

F = TypeVar("F", bound=Callable[..., Any])


def expected_options(function: F) -> F:
    """``--expected-head`` and ``--expected-diff``: what the update must still be."""

    head = click.option("--expected-head", metavar="COMMIT", help="Refuse when its head isn't this commit any more.")
    diff = click.option("--expected-diff", metavar="DIGEST", help="Refuse when it changes something else than this.")
    decorated: Any = head(diff(function))
    result: F = decorated
    return result


@click.command("approve", cls=KrateCommand)
@work_options
@name_argument
@expected_options
@click.option("--comment", type=LONG_TEXT, help="A word to it.")
@click.option(
    "--acknowledge",
    multiple=True,
    type=click.Choice(("injection-suspected",)),
    help="Say that you read what looks like instructions to agents (repeatable).",
)
@pass_invocation
def approve(
    invocation: Invocation,
    work: Work,
    name: str,
    expected_head: str | None,
    expected_diff: str | None,
    comment: str | None,
    acknowledge: tuple[str, ...],
) -> int:
    """Approve an update as it is now.

    The approval is bound to its head, to what it changes and to its report: whatever changes of these voids it.
    """
    from krate_gitops.updates.model import Verdict

    said = {"expected_diff": expected_diff, "acknowledge": acknowledge}
    return _say(invocation, work, name, Verdict.APPROVE, comment or "", expected_head, **said)


@click.command("request-changes", cls=KrateCommand)
@work_options
@name_argument
@click.option("--comment", type=LONG_TEXT, required=True, help="What shall be different.")
@click.option("--expected-head", metavar="COMMIT", help="Refuse when its head isn't this commit any more.")
@pass_invocation
def request_changes(invocation: Invocation, work: Work, name: str, comment: str, expected_head: str | None) -> int:
    """Ask for another revision of an update. Nobody merges it as it is."""
    from krate_gitops.updates.model import Verdict

    _say(invocation, work, name, Verdict.REQUEST_CHANGES, comment, expected_head)
    return 0


@click.command("reject", cls=KrateCommand)
@work_options
@name_argument
@click.option("--comment", type=LONG_TEXT, required=True, help="Why.")
@click.option("--expected-head", metavar="COMMIT", help="Refuse when its head isn't this commit any more.")
@pass_invocation
def reject(invocation: Invocation, work: Work, name: str, comment: str, expected_head: str | None) -> int:
    """Turn an update down for good: its request is closed and its branch removed. Its record stays."""
    from krate_gitops.updates.model import Verdict

    _say(invocation, work, name, Verdict.REJECT, comment, expected_head)
    return 0


def _say(
    invocation: Invocation, work: Work, name: str, verdict: Verdict, comment: str, head: str | None, **more: Any
) -> int:
    from krate_gitops.updates.review import Opinion, decide

    opinion = Opinion(verdict=verdict, comment=comment, expected_head=head, **more)
    with progress(invocation) as listen:
        desk = desk_of(invocation, work, listen)
        held = decide(desk, find_update(desk, name).name, opinion)
    return report(invocation, desk, held, is_new=False)
