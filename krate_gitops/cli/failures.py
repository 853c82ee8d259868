"""From any exception to one line, one hint and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NamedTuple

import click

from krate_gitops.cli.global_options import OUTPUTS, PROGRAM
from krate_gitops.errors import KrateError
from krate_gitops.printable import printable

EXIT_NO = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 3
EXIT_DENIED = 4
EXIT_INTERRUPTED = 130


class Failure(NamedTuple):
    """What is printed, and with which code the process ends."""

    code: str
    message: str
    hint: str
    location: str
    exit_code: int


def describe(error: Exception) -> Failure:
    """The failure behind an exception. What nobody foresaw is ``INTERNAL``, and its text is kept for ``-vv``."""
    if isinstance(error, KrateError):
        return Failure(error.code, error.message, error.hint, error.location, error.exit_code)
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        hint = "check that it exists and that you may read or write it"
        return Failure("IO_FAILED", reason, hint, str(error.filename or ""), EXIT_UNAVAILABLE)
    place = traceback.extract_tb(error.__traceback__)[-1:]
    location = f"{os.path.basename(place[0].filename)}:{place[0].lineno}" if place else ""
    hint = "this is a defect of the program: run the command again with -vv and report what it prints"
    return Failure("INTERNAL", f"unexpected {type(error).__name__}", hint, location, EXIT_NO)


def print_failure(failure: Failure, *, output: str, colour: bool) -> None:
    """``error[CODE]: message`` and a hint on stderr; for machine formats the ``error`` object on stdout too."""
    place = f"{failure.location}: " if failure.location and failure.location not in failure.message else ""
    head = f"error[{failure.code}]"
    click.echo(
        f"{click.style(head, fg='red', bold=True) if colour else head}: {printable(place + failure.message)}", err=True
    )
    if failure.hint:
        click.echo(f"hint: {printable(failure.hint)}", err=True)
    if output == "table":
        return
    from krate_gitops.encoding import json_lines, json_text, yaml_text

    names = ("code", "message", "hint", "location")
    body = {"error": {name: getattr(failure, name) for name in names}}
    text = json_text(body) if output == "json" else yaml_text(body) if output == "yaml" else next(json_lines([body]))
    click.echo(text, nl=False)


def requested_output(arguments: Sequence[str]) -> str:
    """The output form a command line asks for, also one that couldn't be parsed."""
    output = os.environ.get("KRATE_OUTPUT", "")
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == "--":
            break
        if argument in ("-o", "--output"):
            output = following
        elif argument.startswith("--output="):
            output = argument.removeprefix("--output=")
        elif argument.startswith("-o") and argument != "-o":
            output = argument[2:].removeprefix("=")
    return output if output in OUTPUTS else OUTPUTS[0]


def wants_traceback(arguments: Sequence[str]) -> bool:
    """Whether ``-v`` was given twice, in whatever form, or the environment says so."""
    if os.environ.get("KRATE_VERBOSE", "") not in ("", "0", "1"):
        return True
    short = sum(argument.count("v") for argument in arguments if set(argument) <= set("-qv") and argument[:2] != "--")
    return short + list(arguments).count("--verbose") > 1


def print_traceback(error: BaseException) -> None:
    """On stderr, for ``-vv`` only."""
    traceback.print_exception(error, file=sys.stderr)


def _usage(error: click.ClickException) -> Failure:
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else PROGRAM
    return Failure("USAGE", message, f"run '{command} --help' for the arguments and options", "", EXIT_USAGE)
