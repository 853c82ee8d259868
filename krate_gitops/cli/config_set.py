"""``config set`` and ``config delete``: fields of an object, and objects that go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.config_write import Writing, write, writing_options
from krate_gitops.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from krate_gitops.reconcile.writer.request import Change
    from krate_gitops.reconcile.writer.target import SourceTarget

_ASSIGNMENT = re.compile(r"""(?P<field>(?:[^=\[\]"']|\[[0-9]+\]|\[(?:"[^"]*"|'[^']*')\])+)=(?P<value>.*)""", re.DOTALL)
"""A key in brackets and quotes may hold the sign itself."""
_LONGEST_FILE = 1 << 20


@click.command("set", cls=KrateCommand)
@writing_options
@click.argument("kind")
@click.argument("name")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
@pass_invocation
def set_fields(invocation: Invocation, writing: Writing, kind: str, name: str, fields: tuple[str, ...]) -> None:
    """Set fields of an object, as a commit.

    FIELD is a path such as baseAgent, limits.maxTurns, tools[0] or metadata.labels["team"]; without a top-level field
    it is below spec. VALUE is text, a number, true, false, or YAML in brackets or quotes; @FILE is the text of a file.
    FIELD- removes the field. The rest of the file stays as it is written.
    """
    from krate_gitops.reconcile.writer.normal import full_kind

    values = dict(_assignment(field) for field in fields)
    whole = full_kind(kind)

    def changes(_: SourceTarget) -> list[Change]:
        from krate_gitops.reconcile.writer.request import Assign

        kept = {field: value for field, value in values.items() if value is not None}
        return [
            Assign(kind=whole, name=name, fields=kept, remove=tuple(field for field in values if field not in kept))
        ]

    write(invocation, writing, changes, f"Set {', '.join(values)} of {whole} {name}"[:200])


@click.command("delete", cls=KrateCommand)
@writing_options
@click.argument("kind")
@click.argument("name")
@pass_invocation
def delete(invocation: Invocation, writing: Writing, kind: str, name: str) -> None:
    """Remove an object, as a commit."""

    from krate_gitops.reconcile.writer.normal import full_kind

    whole = full_kind(kind)

    def changes(_: SourceTarget) -> list[Change]:
        from krate_gitops.reconcile.writer.request import Delete

        return [Delete(kind=whole, name=name)]

    write(invocation, writing, changes, f"Delete {whole} {name}"[:200])


def _assignment(text: str) -> tuple[str, Any]:
    from krate_gitops.resources.edit.fields import parse_path, parse_value, pointer

    match = _ASSIGNMENT.fullmatch(text)
    if match is not None:
        value = match["value"]
        return pointer(parse_path(match["field"])), _file(value[1:]) if value.startswith("@") else parse_value(value)
    if text.endswith("-"):
        return pointer(parse_path(text[:-1])), None
    raise click.UsageError(f"{text.partition('=')[0][:80]!r} is neither FIELD=VALUE nor FIELD-")


def _file(name: str) -> str:
    from krate_gitops.brain.text import EncodingProblem, decode
    from krate_gitops.errors import UsageError

    with open(name, "rb") as file:
        data = file.read(_LONGEST_FILE + 1)
    try:
        if len(data) <= _LONGEST_FILE:
            return decode(data)
        problem = "is larger than 1 MiB"
    except EncodingProblem as error:
        problem = f"is no text: {error.message}"
    raise UsageError("INVALID_REQUEST", f"the file {problem}", location=name)
