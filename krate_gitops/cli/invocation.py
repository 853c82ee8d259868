"""What one command line asks for: arguments, environment and configuration file in one frozen value."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import msgspec

from krate_gitops.cli.config import Config, ConfiguredRepository, default_config_file, read_config
from krate_gitops.cli.global_options import LOG_FORMATS, OUTPUTS, given
from krate_gitops.errors import UsageError
from krate_gitops.settings import Settings, default_home

P = ParamSpec("P")
R = TypeVar("R")


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """The global options as decided, and the settings handed to the floors below."""

    settings: Settings
    output: str = "table"
    verbosity: int = 0
    quiet: bool = False
    log_format: str = "console"
    colour: bool = False
    repositories: Mapping[str, ConfiguredRepository] = {}

    def locate(self, repository: str) -> str:
        """The path or URL that a REPO argument means; a path that exists goes before a configured name."""
        if repository in self.repositories and not os.path.lexists(repository):
            return self.repositories[repository].location
        return repository


def pass_invocation(function: Callable[Concatenate[Invocation, P], R]) -> Callable[P, R]:
    """Gives a command's function the ``Invocation`` as its first argument."""

    @functools.wraps(function)
    def call(*arguments: P.args, **options: P.kwargs) -> R:
        context = click.get_current_context()
        invocation = decide(given(context))
        started = time.monotonic()
        result = function(invocation, *arguments, **options)
        if invocation.verbosity:
            _log_end(invocation, context.command_path, time.monotonic() - started)
        return result

    return call


def decide(options: Mapping[str, Any]) -> Invocation:
    """Explicit options first, then the configuration file, then defaults.

    Raises ``UsageError(CONFIG_INVALID)``.
    """
    file = _config_file(options)
    config = read_config(file) if file else Config()
    folder = file.parent if file else Path()
    home = options.get("home") or (folder / Path(config.home).expanduser() if config.home else default_home())
    settings: dict[str, Any] = {
        "records": options.get("records") or config.records,
        "organization": options.get("org") or config.org,
        "jobs": _first(options.get("jobs"), config.jobs),
        "deadline_seconds": config.deadline_seconds,
        "allow_file_protocol": config.allow_file_protocol,
    }
    return Invocation(
        settings=Settings(home=home, **{name: value for name, value in settings.items() if value is not None}),
        output=_chosen("output", options.get("output") or config.output or OUTPUTS[0], OUTPUTS, file),
        log_format=_chosen(
            "log-format", options.get("log_format") or config.log_format or "console", LOG_FORMATS, file
        ),
        verbosity=options.get("verbose", 0),
        quiet=options.get("quiet", False),
        colour=wants_colour(options),
        repositories={name: _rooted(repository, folder) for name, repository in config.repositories.items()},
    )


def _log_end(invocation: Invocation, command: str, seconds: float) -> None:
    from krate_gitops.cli.logs import logger

    settings = invocation.settings
    logger(invocation).debug(
        "finished",
        command=command,
        seconds=round(seconds, 3),
        home=str(settings.home),
        organization=settings.organization,
        jobs=settings.jobs,
    )


def wants_colour(options: Mapping[str, Any]) -> bool:
    """Whether standard output is a terminal that may be painted. NO_COLOR counts when it isn't empty."""
    refused = options.get("no_color") or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not refused and sys.stdout.isatty()


def _config_file(options: Mapping[str, Any]) -> Path | None:
    named: Path | None = options.get("config")
    if named:
        return named
    default = default_config_file()
    return default if default.is_file() else None


def _rooted(repository: ConfiguredRepository, folder: Path) -> ConfiguredRepository:
    from krate_gitops.git.remotes import is_url

    if is_url(repository.location):
        return repository
    return ConfiguredRepository(location=str(folder / Path(repository.location).expanduser()))


def _chosen(name: str, value: str, choices: tuple[str, ...], file: Path | None) -> str:
    if value not in choices:
        raise UsageError(
            "CONFIG_INVALID",
            f"{name} must be one of {', '.join(choices)}, not {value!r}",
            hint="correct the setting",
            location=str(file or ""),
        )
    return value


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
