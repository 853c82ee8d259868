"""The filters of ``audit query``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from krate_gitops.cli.options import COMMIT, INSTANT

F = TypeVar("F", bound=Callable[..., Any])


def _is_allowed(_: click.Context, __: click.Parameter, value: str | None) -> bool | None:
    return None if value is None else value == "allowed"


_FILTERS = {
    "repository": click.option("--repository", metavar="NAME", help="Repository it was about, of code or of memory."),
    "user": click.option("--user", metavar="NAME", help="Who acted, person or service account."),
    "group": click.option("--group", metavar="NAME", help="Group of who acted."),
    "stack": click.option("--stack", metavar="NAME", help="Agent stack."),
    "trigger_rule": click.option("--trigger-rule", metavar="NAME", help="Trigger rule."),
    "dispatch_run": click.option("--dispatch-run", metavar="NAME", help="Dispatch run."),
    "attempt": click.option("--attempt", metavar="NAME", help="Attempt of a run."),
    "target_kind": click.option("--target-kind", metavar="KIND", help="Kind of what was acted on."),
    "target_name": click.option("--target-name", metavar="NAME", help="Name of what was acted on."),
    "class_": click.option("--class", "class_", metavar="CLASS", help="Class, such as memory or policy-denial."),
    "type": click.option("--type", metavar="TYPE", help="Type, such as MemoryQueryExecuted."),
    "allowed": click.option(
        "--decision",
        "allowed",
        type=click.Choice(("allowed", "denied")),
        callback=_is_allowed,
        help="Whether it was allowed.",
    ),
    "correlation_id": click.option("--correlation-id", metavar="ID", help="Operation it belongs to, krate-…"),
    "commit": click.option(
        "--commit", type=COMMIT, metavar="COMMIT", help="Full id of a commit, of code or of memory."
    ),
    "since": click.option("--since", type=INSTANT, metavar="RFC3339", help="Not before this time."),
    "until": click.option("--until", type=INSTANT, metavar="RFC3339", help="Before this time."),
}
"""An option for each field of ``AuditFilter``."""


def filter_options(function: F) -> F:
    """The filters, handed to the command as one ``filters``: what ``AuditFilter`` takes beside the organisation."""

    @functools.wraps(function)
    def call(*arguments: Any, **given: Any) -> Any:
        filters = {name: given.pop(name) for name in _FILTERS}
        return function(*arguments, filters=filters, **given)

    decorated: Any = call
    for option in reversed(_FILTERS.values()):
        decorated = option(decorated)
    result: F = decorated
    return result
