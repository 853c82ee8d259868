"""Options that say for whom a question is asked, so that a policy can be found that applies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from krate_gitops.memory.request import Consumer

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--repository", metavar="NAME", help="Code repository it is about; what is linked to it ranks first in answers."
    ),
    click.option("--stack", metavar="NAME", help="Agent stack that asks."),
    click.option("--service", metavar="NAME", help="Service it is about."),
    click.option("--user", metavar="NAME", help="User who asks."),
    click.option("--team", metavar="NAME", help="Team that asks."),
    click.option("--trigger", metavar="NAME", help="Trigger that asks."),
)
_NAMES = ("repository", "stack", "service", "user", "team", "trigger")


def consumer_options(function: F) -> F:
    """The options, handed to the command as one ``consumer: Consumer``."""

    @functools.wraps(function)
    def call(*arguments: Any, **rest: Any) -> Any:
        named = {name: rest.pop(name) for name in _NAMES}
        return function(*arguments, consumer=_consumer(named), **rest)

    decorated: Any = call
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    result: F = decorated
    return result


def _consumer(named: dict[str, Any]) -> Consumer:
    from krate_gitops.memory.request import Consumer

    return Consumer(**named)
