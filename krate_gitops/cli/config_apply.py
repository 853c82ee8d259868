"""``config apply`` and ``config commit``: objects, and lists of changes, from files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from krate_gitops.cli.commands import KrateCommand
from krate_gitops.cli.config_write import Writing, write, writing_options
from krate_gitops.cli.invocation import Invocation, pass_invocation

if TYPE_CHECKING:
    from krate_gitops.reconcile.writer.request import Change
    from krate_gitops.reconcile.writer.target import SourceTarget

_LARGEST_FILE = 2 << 20


@click.command("apply", cls=KrateCommand)
@writing_options
@click.option("-f", "--file", "files", multiple=True, required=True, metavar="FILE", help="YAML or JSON; - is stdin.")
@pass_invocation
def apply(invocation: Invocation, writing: Writing, files: tuple[str, ...]) -> None:
    """Make objects exactly what FILEs say, as a commit.

    An object that is there already is edited in its file, where comments and order stay; a new one gets a file of its
    own. What an API server adds, such as status and uid, is left out.
    """

    def changes(_: SourceTarget) -> list[Change]:
        from krate_gitops.reconcile.writer.request import Apply

        return [Apply(object=value) for file in files for value in _objects(file)]

    write(invocation, writing, changes, f"Apply {', '.join(files)}"[:200])


@click.command("commit", cls=KrateCommand)
@writing_options
@click.argument("changes_file", metavar="CHANGES")
@pass_invocation
def commit(invocation: Invocation, writing: Writing, changes_file: str) -> None:
    """Make several changes one commit.

    CHANGES is a YAML or JSON file (- is stdin) with message and changes. Each change has op: apply with object, set
    with kind, name and fields, delete with kind and name, or restore with path and commit.
    """
    from krate_gitops.errors import UsageError

    found = documents(changes_file)
    body = found[0] if len(found) == 1 else None
    if not isinstance(body, dict) or set(body) - {"message", "changes"} or not isinstance(body.get("changes"), list):
        raise UsageError(
            "INVALID_REQUEST", "the file holds one map with changes, and perhaps message", location=changes_file
        )

    def changes(_: SourceTarget) -> tuple[Change, ...]:
        from krate_gitops.reconcile.writer.request import changes_of

        return changes_of(body["changes"])

    message = body.get("message")
    count = len(body["changes"])
    write(invocation, writing, changes, message if isinstance(message, str) else f"Make {count} changes")


def _objects(file: str) -> list[dict[str, Any]]:
    from krate_gitops.errors import UsageError

    found: list[dict[str, Any]] = []
    for value in documents(file):
        is_list = isinstance(value, dict) and value.get("kind") == "List" and isinstance(value.get("items"), list)
        found += value["items"] if is_list else [value]
    if not found or not all(isinstance(one, dict) for one in found):
        raise UsageError("INVALID_REQUEST", "the file holds no objects, or something else", location=file)
    return found


def documents(file: str) -> list[Any]:
    """The documents of a file as plain values. Raises ``UsageError(INVALID_REQUEST)``, and shows nothing of it."""
    from krate_gitops.brain.text import EncodingProblem, LineIndex, decode
    from krate_gitops.brain.yaml_exact import YamlRefused
    from krate_gitops.errors import UsageError
    from krate_gitops.resources.credentials import without_credentials
    from krate_gitops.resources.parse import parse_text, settle

    if file == "-":
        data = sys.stdin.buffer.read(_LARGEST_FILE + 1)
    else:
        with open(file, "rb") as opened:
            data = opened.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise UsageError("INVALID_REQUEST", "a file has at most 2 MiB", location=file)
    try:
        text = decode(data)
        return [settle(document.value) for document in parse_text(file, text)]
    except EncodingProblem as problem:
        raise UsageError("INVALID_REQUEST", problem.message, location=file) from None
    except YamlRefused as refused:
        line, column = LineIndex(text).position(refused.finding.offset)
        message = without_credentials(refused.finding.message)
        raise UsageError("INVALID_REQUEST", message, location=f"{file}:{line}:{column}") from None
