"""Contracts over the table of commands: every entry is held to them, also those added later."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from krate_gitops.cli.commands import environment_name
from krate_gitops.cli.global_options import GLOBAL_OPTIONS
from krate_gitops.cli.main import COMMANDS, cli
from tests.unit.cli.conftest import Run


def every_command(
    path: tuple[str, ...] = (), command: click.Command = cli
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from every_command((*path, name), child)


EVERY_COMMAND = list(every_command())
IDS = [" ".join(path) or "root" for path, _ in EVERY_COMMAND]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_and_the_command_tell_the_same(name: str) -> None:
    command = COMMANDS[name].load()
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name].help


@pytest.mark.parametrize(("path", "command"), EVERY_COMMAND, ids=IDS)
def test_every_command_takes_the_global_options(path: tuple[str, ...], command: click.Command) -> None:
    assert set(GLOBAL_OPTIONS) <= set(command.params)


@pytest.mark.parametrize(("path", "command"), EVERY_COMMAND, ids=IDS)
def test_every_option_has_an_environment_variable_and_a_help_text(
    path: tuple[str, ...], command: click.Command
) -> None:
    for option in command.params:
        if isinstance(option, click.Option) and option.name != "version":
            assert option.envvar == environment_name(option)
            assert option.help


@pytest.mark.parametrize("path", [path for path, _ in EVERY_COMMAND], ids=IDS)
def test_every_command_prints_its_help_and_the_version(run: Run, path: tuple[str, ...]) -> None:
    for arguments in ((*path, "--help"), (*path, "-h")):
        result = run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "Global options:" in result.stdout
    assert run(*path, "--version").stdout.startswith("krate-gitops ")


def test_the_program_without_arguments_shows_its_commands_and_ends_as_a_usage_error(run: Run) -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (2, "")
    for name, entry in COMMANDS.items():
        assert name in result.stderr
        assert entry.help.split()[0] in result.stderr
