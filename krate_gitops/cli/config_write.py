"""What the commands that write config share: options, the request, and the result as text."""

from __future__ import annotations

import contextlib
import difflib
import functools
import getpass
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from krate_gitops.cli.invocation import Invocation
from krate_gitops.cli.options import WORDS
from krate_gitops.cli.output import fields_table, show
from krate_gitops.cli.progress import progress
from krate_gitops.printable import printable

if TYPE_CHECKING:
    from krate_gitops.reconcile.writer.request import Change, WriteRequest
    from krate_gitops.reconcile.writer.result import Drafted, WriteResult
    from krate_gitops.reconcile.writer.target import SourceTarget

F = TypeVar("F", bound=Callable[..., Any])
_MOST_SHOWN = 20
MODES = ("pull-request", "direct")


class Place(NamedTuple):
    """Where to write, as it was given."""

    where: str
    repo: str | None
    path: str
    branch: str | None


class Writing(NamedTuple):
    """How to write, as it was given."""

    place: Place
    mode: str | None
    message: str | None
    actor: str | None
    expected_base: str | None
    correlation_id: str | None
    request_id: str | None
    draft: bool
    dry_run: bool


_PLACE = (
    click.option("--repo", metavar="REPO", help="Where SOURCE's repository is, in place of the address in it."),
    click.option("--path", default="", metavar="FOLDER", help="Folder of REPO that the source reads; all without it."),
    click.option("--branch", metavar="NAME", help="Target branch of REPO; its default branch without it."),
)
_WRITING = (
    click.option("--mode", type=click.Choice(MODES), help="A branch to be merged, or the target branch itself."),
    click.option("-m", "--message", metavar="TEXT", help="Message of the commit."),
    click.option("--actor", metavar="'NAME <ADDRESS>'", help="Whose change it is; you, by GIT_AUTHOR_NAME and _EMAIL."),
    click.option("--expected-base", metavar="COMMIT", help="Refuse when the target branch isn't at this commit."),
    click.option("--correlation-id", metavar="ID", help="Id that ties the records of the operation together."),
    click.option("--request-id", type=WORDS, metavar="ID", help="Your own id: a repeat gets the first answer."),
    click.option("--draft", is_flag=True, help="Keep objects that aren't ready, such as a stack without its grants."),
    click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing."),
)


def place_options(function: F) -> F:
    """``where`` with the options that go with it, handed to the command as ``place``."""

    @functools.wraps(function)
    def call(*arguments: Any, where: str, repo: str | None, path: str, branch: str | None, **rest: Any) -> Any:
        return function(*arguments, place=Place(where, repo, path, branch), **rest)

    decorated: Any = call
    for option in reversed(_PLACE):
        decorated = option(decorated)
    result: F = click.argument("where", metavar="SOURCE|REPO")(decorated)
    return result


def writing_options(function: F) -> F:
    """All options of a write, handed to the command as ``writing``."""

    @functools.wraps(function)
    def call(*arguments: Any, place: Place, **rest: Any) -> Any:
        names = [name for name in Writing._fields if name != "place"]
        writing = Writing(place, *(rest.pop(name) for name in names))
        return function(*arguments, writing=writing, **rest)

    decorated: Any = call
    for option in reversed(_WRITING):
        decorated = option(decorated)
    result: F = place_options(decorated)
    return result


def target_of(invocation: Invocation, place: Place) -> SourceTarget:
    """The target that SOURCE or REPO means: a file that holds a GitOpsSource, else a repository."""
    from krate_gitops.git.bundles import is_bundle
    from krate_gitops.reconcile.writer.target import read_source, target_of_repository

    where, organization = invocation.locate(place.where), invocation.settings.organization
    file = Path(where).expanduser()
    if file.is_file() and not is_bundle(file):
        if place.path or place.branch:
            raise click.UsageError("SOURCE says which folder and branch: --path and --branch go with a REPO")
        location = invocation.locate(place.repo) if place.repo else None
        return read_source(file, organization=organization, location=location)
    if place.repo:
        raise click.UsageError("--repo goes with a SOURCE, which is a file")
    return target_of_repository(
        where, organization=organization, path=place.path, branch=place.branch, settings=invocation.settings
    )


def write(
    invocation: Invocation, writing: Writing, changes: Callable[[SourceTarget], Sequence[Change]], summary: str
) -> None:
    """Makes the changes, or shows what they would do. ``summary`` is the message where none was given."""
    from krate_gitops.errors import UsageError
    from krate_gitops.reconcile.writer.request import Mode, WriteRequest
    from krate_gitops.records.audit_record import Actor
    from krate_gitops.records.correlation import is_correlation_id, new_correlation_id

    now = datetime.now(UTC)
    if writing.correlation_id is not None and not is_correlation_id(writing.correlation_id):
        raise UsageError("INVALID_REQUEST", "a correlation id is krate- and a ULID", hint="leave it out to get one")
    author = writing.actor or own_signature()
    with progress(invocation):
        target = target_of(invocation, writing.place)
        request = WriteRequest(
            target=target,
            actor=Actor(kind="User", name=author.partition(" <")[0] or author),
            author=author,
            changes=tuple(changes(target)),
            message=writing.message or summary,
            correlation_id=writing.correlation_id or new_correlation_id(now=now),
            mode=Mode(writing.mode) if writing.mode else None,
            expected_base=writing.expected_base,
            draft=writing.draft,
            request_id=writing.request_id,
        )
        with _diagnostics_shown():
            result, patch = _made(invocation, request, writing.dry_run, now)
    show(invocation.output, result, table=_table(result, patch, invocation.colour))


def _made(invocation: Invocation, request: WriteRequest, dry_run: bool, now: datetime) -> tuple[WriteResult, str]:
    from krate_gitops.reconcile.writer.write import draft_config, write_config
    from krate_gitops.records.database import open_database

    if not dry_run:
        database = open_database(invocation.settings)
        return write_config(request, settings=invocation.settings, database=database, now=now), ""
    drafted = draft_config(request, settings=invocation.settings, now=now)
    return drafted.result, _patch(drafted, invocation.colour)


@contextlib.contextmanager
def _diagnostics_shown() -> Iterator[None]:
    """Where the result doesn't validate, each diagnostic on standard error: the failure itself names the first."""
    from krate_gitops.reconcile.writer.refusals import InvalidResultError

    try:
        yield
    except InvalidResultError as error:
        for one in error.diagnostics[1:_MOST_SHOWN]:
            click.echo(printable(f"{one.path}:{one.line}:{one.column}: {one.code} {one.message}"), err=True)
        raise


def own_signature() -> str:
    """``Name <address>`` of who uses this command line: as git would sign, or the account."""
    name, address = os.environ.get("GIT_AUTHOR_NAME", ""), os.environ.get("GIT_AUTHOR_EMAIL", "")
    if name and address:
        return f"{name} <{address}>"
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user} <{user}@localhost>"


def _table(result: WriteResult, patch: str, colour: bool) -> str:
    from krate_gitops.reconcile.writer.ports import readiness_lines

    # What a dry run shows line by line needn't be told field by field.
    objects = "".join(_object(one, colour, with_fields=not patch) for one in result.objects)
    fields = {
        "status": f"{result.status}{' (made before)' if result.repeated else ''}",
        "change": result.change,
        "commit": result.commit,
        "branch": result.branch,
        "base": f"{result.target_branch} at {result.base_commit[:12]}",
        "warnings": len(result.diagnostics) or None,
    }
    stacks = "".join(printable(f"stack {line}") + "\n" for line in readiness_lines(result.preview))
    return f"{patch}{objects}{stacks}{fields_table(fields)}"


_SIGNS = {"create": ("+", "green"), "delete": ("-", "red"), "update": ("~", "yellow")}


def _object(one: Any, colour: bool, *, with_fields: bool) -> str:
    sign, paint = _SIGNS[one.operation]
    lines = [(f"{sign} {one.kind} {one.name}  {one.path}", paint)]
    for field in one.fields if with_fields else ():
        lines.append((f"    {field.field}: {field.old or '(nothing)'} -> {field.new or '(nothing)'}", ""))
    return "".join(_painted(printable(line), paint, colour) + "\n" for line, paint in lines)


def _patch(drafted: Drafted, colour: bool) -> str:
    from krate_gitops.reconcile.writer.objects import SENSITIVE_KINDS

    hidden = {one.path for one in drafted.result.objects if one.kind in SENSITIVE_KINDS}
    pieces = []
    for path, new in drafted.files.items():
        if any(path == name or path.endswith(f"/{name}") for name in hidden):
            pieces.append(_painted(f"{printable(path)}: its values are not shown", "bold", colour) + "\n")
        else:
            pieces.append(_file_patch(path, drafted.before, new, colour))
    return "".join(pieces)


def _file_patch(path: str, before: Mapping[str, bytes], new: bytes | None, colour: bool) -> str:
    from krate_gitops.resources.credentials import without_credentials

    old_lines, new_lines = (data.decode("utf-8", "replace").split("\n") for data in (before.get(path, b""), new or b""))
    names = ("/dev/null" if path not in before else f"a/{path}", "/dev/null" if new is None else f"b/{path}")
    text = []
    for line in difflib.unified_diff(_whole(old_lines), _whole(new_lines), *names, lineterm=""):
        shown = printable(without_credentials(line.removesuffix("\r"))).replace("\\t", "\t")
        text.append(_painted(shown, _paint(line), colour) + "\n")
    return "".join(text)


def _whole(lines: list[str]) -> list[str]:
    return lines[:-1] if lines and not lines[-1] else lines


def _paint(line: str) -> str:
    if line.startswith(("+++", "---")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _painted(text: str, paint: str, colour: bool) -> str:
    if not colour or not paint:
        return text
    return click.style(text, bold=True) if paint == "bold" else click.style(text, fg=paint)
