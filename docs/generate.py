"""Writes docs/reference and the CRDs from the code; with --check only says whether they are current."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
from page_parts import NOTE, table
from raised_errors import Raised, raised_in
from resource_pages import config_rules_page, kinds_page

from krate_gitops.brain.rules.table import RULES
from krate_gitops.cli.commands import environment_name
from krate_gitops.cli.global_options import GLOBAL_OPTIONS, PROGRAM
from krate_gitops.cli.main import cli
from krate_gitops.resources.crds import crd_files

TOP = Path(__file__).resolve().parents[1]
REFERENCE = TOP / "docs" / "reference"
PACKAGE = TOP / "krate_gitops"
CRDS = TOP / "charts" / "krate-gitops" / "crds"


def errors_page() -> str:
    """Every error code with what it says, found where the package raises it."""
    by_code: dict[str, list[Raised]] = {}
    for raised in raised_in(PACKAGE):
        by_code.setdefault(raised.code, []).append(raised)
    rows = []
    for code, places in sorted(by_code.items()):
        exits = sorted({place.exit_code for place in places if place.exit_code is not None})
        says = dict.fromkeys(place.message for place in places if place.message)
        hints = dict.fromkeys(place.hint for place in places if place.hint)
        rows.append((code, ", ".join(map(str, exits)), "<br>".join(says), "<br>".join(hints)))
    return (
        f"# Errors\n\n{NOTE}\n"
        "Codes are stable. Words in braces stand for what the error is about; the exit codes are explained under\n"
        "[command line](../command-line.md#exit-codes).\n\n" + table(("Code", "Exit", "Says", "Advises"), rows)
    )


def rules_page() -> str:
    """Every rule of the table, with an anchor for each code."""
    rows = (
        (
            f'<a id="{rule.code.lower()}"></a>{rule.code}',
            rule.name,
            rule.severity.label,
            " ".join(profile for profile in "RUI" if profile in rule.profiles),
            "yes" if rule.locked else "",
            rule.checks,
            rule.hint,
        )
        for rule in RULES.values()
    )
    headings = ("Code", "Name", "Severity", "Profiles", "Locked", "What must hold", "What to do")
    return (
        f"# Rules\n\n{NOTE}\n"
        "Profiles: R a commit as it stands, U a change against its base commit, I files generated from a run.\n"
        "A brain may change the severity of a rule or disable it in `ontology/validation-rules.yaml`, unless it is\n"
        "locked.\n\n" + table(headings, rows)
    )


def commands_page() -> str:
    """Every command, walked from the root; the global options once."""
    parts = [
        f"# Commands\n\n{NOTE}",
        f"## Global options\n\nBefore or after any command.\n\n{_options(list(GLOBAL_OPTIONS))}",
    ]
    parts += [_command(path, command) for path, command in walk(PROGRAM, cli)]
    return "\n".join(parts)


def walk(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, in alphabetical order, with its full name."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command, info_name=path)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            yield from walk(f"{path} {name}", child)


def _command(path: str, command: click.Command) -> str:
    context = click.Context(command, info_name=path)
    arguments = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    own = [option for option in command.params if isinstance(option, click.Option) and option not in GLOBAL_OPTIONS]
    text = f"## {path}\n\n```text\n{' '.join([path, *arguments])}\n```\n\n{_prose(command.help or '')}\n"
    return f"{text}\n{_options(own)}" if own else text


def _prose(text: str) -> str:
    r"""Help text as Markdown: a block marked by ``\b`` keeps its lines."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    kept = [
        "```text\n" + paragraph.removeprefix("\b").strip("\n") + "\n```"
        if paragraph.startswith("\b")
        else " ".join(paragraph.split())
        for paragraph in paragraphs
    ]
    return "\n\n".join(kept)


def _options(options: list[click.Option]) -> str:
    context = click.Context(cli, info_name=PROGRAM)
    rows = []
    for option in options:
        record = option.get_help_record(context)
        if record is not None:
            variable = f"`{environment_name(option)}`" if option.envvar else ""
            rows.append((f"`{record[0]}`", variable, record[1]))
    return table(("Option", "Environment", "Meaning"), rows)


PAGES: Mapping[str, Callable[[], str]] = {
    "rules.md": rules_page,
    "cli.md": commands_page,
    "errors.md": errors_page,
    "kinds.md": kinds_page,
    "config-rules.md": config_rules_page,
}


def outputs() -> dict[Path, str]:
    """Everything that is made from the code, by file."""
    made = {REFERENCE / name: page() for name, page in PAGES.items()}
    return made | {CRDS / name: text for name, text in crd_files().items()}


def main(arguments: list[str]) -> int:
    """Writes the files, or with ``--check`` compares them; 1 when one is out of date."""
    stale = []
    for file, text in outputs().items():
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        stale.append(file.name)
        if "--check" not in arguments:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.stderr.write(f"out of date: {', '.join(stale)}; run make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
