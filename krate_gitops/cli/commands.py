"""Command classes: loaded when used, with the global options before and after their name.

Start-up time is part of the contract: help, completion and small commands must not import what only searching or
indexing needs. So a group names its commands in a table, and a command's module imports what is heavy where it is used.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import click

from krate_gitops.cli.global_options import GLOBAL_OPTIONS

ENVIRONMENT_PREFIX = "KRATE_"

CONTEXT_SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class LazyCommand(NamedTuple):
    """Where a command is found, ``module:attribute``, and its one-line help."""

    target: str
    help: str

    def load(self) -> click.Command:
        """Imports the module and returns the command."""
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


class _WithGlobalOptions(click.Command):
    """Takes the global options after its own, and every option from the environment too."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["context_settings"] = {**CONTEXT_SETTINGS, **options.get("context_settings", {})}
        super().__init__(*arguments, **options)
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.envvar is None:
                parameter.envvar = environment_name(parameter)
        self.params = [*self.params, *GLOBAL_OPTIONS]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Own options first; the global ones under a heading of their own."""
        own = [option for option in self.get_params(ctx) if option not in GLOBAL_OPTIONS]
        _write_options("Options", own, ctx, formatter)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)
        _write_options("Global options", GLOBAL_OPTIONS, ctx, formatter)


class KrateCommand(_WithGlobalOptions):
    """A command. Its function returns an exit code, or nothing for 0."""


class KrateGroup(_WithGlobalOptions, click.Group):
    """A group. Commands come from ``table`` or, once the group is loaded, from its decorators."""

    command_class = KrateCommand

    def __init__(self, *arguments: Any, table: Mapping[str, LazyCommand] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.table = table or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, without importing anything."""
        return sorted({*self.table, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now if it wasn't before; ``None`` for an unknown name."""
        if cmd_name in self.table and cmd_name not in self.commands:
            self.commands[cmd_name] = self.table[cmd_name].load()
        return self.commands.get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggests among all commands, also those that aren't loaded."""
        name = args[0]
        known = self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, known)
            advice = f"; did you mean {' or '.join(near)}?" if near else ""
            raise click.UsageError(f"no such command {name!r}{advice}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table's own words for what isn't loaded."""
        rows = [(name, self._short_help(name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _short_help(self, name: str) -> str:
        return self.table[name].help if name in self.table else self.commands[name].get_short_help_str(limit=90)


def environment_name(option: click.Option) -> str:
    """``KRATE_`` and the longest name of an option: ``--log-format`` gives ``KRATE_LOG_FORMAT``."""
    longest = max(option.opts, key=len)
    return ENVIRONMENT_PREFIX + longest.lstrip("-").replace("-", "_").upper()


def _write_options(
    heading: str, parameters: Iterable[click.Parameter], ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    options = (parameter for parameter in parameters if isinstance(parameter, click.Option))
    records = [record for option in options if (record := option.get_help_record(ctx))]
    if records:
        with formatter.section(heading):
            formatter.write_dl(records)
