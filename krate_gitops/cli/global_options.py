"""The options that every command takes, before or after its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from krate_gitops import __version__

PROGRAM = "krate-gitops"
OUTPUTS = ("table", "json", "yaml", "jsonl")
LOG_FORMATS = ("console", "json")

_META = "krate_gitops.cli.given"


def keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Callback that remembers a value for the whole command line.

    The same option may stand at several levels: an argument beats the environment, and a later one an earlier one.
    """
    source = ctx.get_parameter_source(parameter.name or "")
    if source not in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        return value
    kept = ctx.meta.setdefault(_META, {})
    if source is ParameterSource.COMMANDLINE or parameter.name not in kept:
        kept[parameter.name] = value
    return value


def given(ctx: click.Context) -> dict[str, Any]:
    """What was given explicitly, by argument or environment, at any level so far."""
    values: dict[str, Any] = ctx.meta.get(_META, {})
    return values


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"{PROGRAM} {__version__}")
        ctx.exit()


def _option(*names: str, **attributes: Any) -> click.Option:
    longest = max(names, key=len).lstrip("-").replace("-", "_").upper()
    attributes = {"expose_value": False, "callback": keep, "envvar": f"KRATE_{longest}", **attributes}
    return click.Option(names, **attributes)


GLOBAL_OPTIONS: tuple[click.Option, ...] = (
    _option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder for mirrors, indexes and records; the user's data folder by default.",
    ),
    _option("--records", metavar="URL", help="Record store: postgresql://… ; a file in the home folder by default."),
    _option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Configuration in TOML."),
    _option("--org", metavar="NAME", help="Organisation to act as; 'local' by default."),
    _option("-o", "--output", type=click.Choice(OUTPUTS), help="Form of the result; 'table' by default."),
    _option("-v", "--verbose", count=True, help="Log more; -vv adds tracebacks."),
    _option("-q", "--quiet", is_flag=True, help="No progress, and no logs but errors."),
    _option("--log-format", type=click.Choice(LOG_FORMATS), help="Form of logs on standard error."),
    _option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same."),
    _option(
        "--version",
        is_flag=True,
        is_eager=True,
        callback=_print_version,
        envvar=None,
        help="Print the version and exit.",
    ),
)
