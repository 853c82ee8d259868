"""Arguments and options that several commands share."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from krate_gitops.cli.global_options import keep

if TYPE_CHECKING:
    from krate_gitops.git.request import RefRequest

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]


_MOST_CHARACTERS = 1000


class Words(click.ParamType[str]):
    """A text that is stored or looked up: some of it, not too much, and nothing but Unicode."""

    name = "text"

    def __init__(self, most: int = _MOST_CHARACTERS) -> None:
        self._most = most

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself. Raises ``UsageError(INVALID_REQUEST)``."""
        from krate_gitops.errors import UsageError

        option = param.opts[0] if param else "the text"
        if not 0 < len(value) <= self._most:
            raise UsageError("INVALID_REQUEST", f"{option} takes 1 to {self._most} characters")
        if any("\ud800" <= character <= "\udfff" or character == "\0" for character in value):
            raise UsageError("INVALID_REQUEST", f"{option} is no text: it holds bytes that are no UTF-8")
        return value


WORDS = Words()


class CommitId(click.ParamType[str]):
    """A full object id. Part of one would be no error and find nothing, where finding nothing is an answer."""

    name = "commit"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", value):
            self.fail(f"{value!r} is no full commit id; `krate-gitops ref resolve` finds it", param, ctx)
        return value.lower()


class Instant(click.ParamType[datetime]):
    """A point in time with its offset, past or to come."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        moment = None
        with contextlib.suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(value)
        if moment is None or moment.tzinfo is None:
            self.fail(f"{value!r} is no time with offset, such as 2026-05-31T17:00:00Z", param, ctx)
        return moment.astimezone(UTC)


COMMIT, INSTANT = CommitId(), Instant()


class RefSelection(NamedTuple):
    """The REF options as given. Whether they fit together is decided where refs are resolved."""

    ref: str | None = None
    at: str | None = None
    snapshot_tag: str | None = None
    allow_unapproved: bool = False

    def request(self) -> RefRequest:
        """The request to resolve."""
        from krate_gitops.git.request import RefMode, RefRequest

        if self.ref is not None and self.snapshot_tag is not None:
            raise click.UsageError("--ref and --snapshot-tag exclude each other")
        mode = RefMode.SNAPSHOT_TAG if self.snapshot_tag is not None else None
        if self.ref is not None and self.allow_unapproved:
            mode = RefMode.EXPLICIT_REF  # also for the branch that happens to be the default one
        return RefRequest(
            mode=mode,
            requested_ref=self.ref if self.snapshot_tag is None else self.snapshot_tag,
            requested_at=self.at,
            require_approved_commit=not self.allow_unapproved,
        )


def repo_argument(function: F) -> F:
    """``REPO``: pass it to ``Invocation.locate`` to get a path or URL."""
    return click.argument("repo", metavar="REPO")(function)


_REF_OPTIONS = (
    click.option("--ref", metavar="REF", help="Branch, tag, full ref name or commit; the default branch without it."),
    click.option("--at", metavar="RFC3339", help="The commit that was current at this time."),
    click.option("--snapshot-tag", metavar="TAG", help="A snapshot tag, or only its time stamp."),
    click.option("--allow-unapproved", is_flag=True, help="Accept a commit that was never on the default branch."),
)


def ref_options(function: F) -> F:
    """The REF options, handed to the command as one ``selection: RefSelection``."""

    @functools.wraps(function)
    def call(
        *arguments: Any, ref: str | None, at: str | None, snapshot_tag: str | None, allow_unapproved: bool, **rest: Any
    ) -> Any:
        return function(*arguments, selection=RefSelection(ref, at, snapshot_tag, allow_unapproved), **rest)

    decorated: Any = call
    for option in reversed(_REF_OPTIONS):
        decorated = option(decorated)
    result: F = decorated
    return result


def root_option(function: F) -> F:
    """``root``: the memory root as a path inside the repository, or ``None`` to look for it."""
    return click.option("--root", metavar="PATH", help="Memory root; .company-brain or the top level without it.")(
        function
    )


def ontology_option(function: F) -> F:
    """``ontology``: a folder with the four files, in place of the brain's own."""
    return click.option(
        "--ontology",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder with the four ontology files, for brains that were not written for this layout.",
    )(function)


def policy_option(function: F) -> F:
    """``policy``: an ``AgentMemorySource`` document, or ``None`` for allow-all."""
    return click.option(
        "--policy",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="AgentMemorySource document; everything is allowed without it.",
    )(function)


def jobs_option(function: F) -> F:
    """``--jobs``: ends up in ``Invocation.settings``, not in the command's parameters."""
    return click.option(
        "--jobs",
        type=click.IntRange(min=0),
        callback=keep,
        expose_value=False,
        help="Worker processes; one for each processor without it.",
    )(function)
