"""Options that shape a question: what `brain query` and `snapshot create` have in common."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from krate_gitops.cli.consumer_options import consumer_options

if TYPE_CHECKING:
    from krate_gitops.memory.request import Consumer, QueryRequest

F = TypeVar("F", bound=Callable[..., Any])

MODES = ("graph-only", "grep-only", "graph-and-grep", "document-read")
_EXCERPTS = 25

_OPTIONS = (
    click.option("--mode", type=click.Choice(MODES), help="How to retrieve; the policy's default without it."),
    click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only records of this kind (repeatable)."),
    click.option("--path", "paths", multiple=True, metavar="GLOB", help="Search lines only here; documents to read."),
    click.option("--id", "ids", multiple=True, metavar="ID", help="Only this record; documents to read (repeatable)."),
    click.option("--owner", "owners", multiple=True, metavar="ID", help="Only records of this owner (repeatable)."),
    click.option(
        "--status", "statuses", multiple=True, metavar="STATUS", help="Only records in this status (repeatable)."
    ),
    click.option(
        "--edge-kind", "edge_kinds", multiple=True, metavar="KIND", help="Follow only this edge kind (repeatable)."
    ),
    click.option(
        "--intent",
        type=click.Choice(("task", "replay", "debug")),
        default="task",
        show_default=True,
        help="What the answer is for; replay and debug order journal events by sequence.",
    ),
    click.option(
        "--depth", type=click.IntRange(0, 5), default=2, show_default=True, help="Edges to follow from matches."
    ),
    click.option("--limit", type=click.IntRange(0, 200), default=40, show_default=True, help="Records to return."),
    click.option("--max-matches", type=click.IntRange(1, 200), default=25, show_default=True, help="Matching lines."),
    click.option("--context", type=click.IntRange(0, 5), default=1, show_default=True, help="Lines around a match."),
    click.option("--max-bytes", type=click.IntRange(0), default=64_000, show_default=True, help="Room for the answer."),
    click.option("--regex", is_flag=True, help="TEXT is a pattern (RE2) for lines; use with --mode grep-only."),
    click.option("--case-sensitive", is_flag=True, help="Match lines in their case."),
    click.option("--include", multiple=True, metavar="ITEM", help="Take this id or path[:start-end] in any case."),
    click.option("--exclude", multiple=True, metavar="ITEM", help="Leave this id or path out."),
    click.option("--ranking", type=int, help="Version of the ranking formula; the newest without it."),
)
_NAMES = (
    *("mode", "kinds", "paths", "ids", "owners", "tags", "statuses", "edge_kinds", "intent", "depth", "limit"),
    *("max_matches", "context", "max_bytes", "regex", "case_sensitive", "include", "exclude", "ranking"),
)


class Asking(NamedTuple):
    """Who asks, and the options as given."""

    consumer: Consumer
    options: Mapping[str, Any]

    def request(self, text: str) -> QueryRequest:
        """The query of a text with these options."""
        return _request(text, self.consumer, self.options)


def question_options(*, tag_option: str = "--tag") -> Callable[[F], F]:
    """The options and those of the consumer, handed to the command as one ``asking: Asking``.

    ``tag_option`` names the filter by tags: where a snapshot is made, ``--tag`` makes one of Git's.
    """
    tags = click.option(
        tag_option, "tags", multiple=True, metavar="TAG", help="Only records with this tag (repeatable)."
    )

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*arguments: Any, consumer: Consumer, **rest: Any) -> Any:
            options = {name: rest.pop(name) for name in _NAMES}
            return function(*arguments, asking=Asking(consumer, options), **rest)

        decorated: Any = consumer_options(call)
        for option in reversed((*_OPTIONS, tags)):
            decorated = option(decorated)
        result: F = decorated
        return result

    return decorate


def _request(text: str, consumer: Consumer, options: Mapping[str, Any]) -> QueryRequest:
    from krate_gitops.index.strength import RANKING_VERSION
    from krate_gitops.memory.request import Documents, Graph, Grep, Limits, QueryRequest, Selection

    mode = options["mode"] or ("grep-only" if options["regex"] else "")
    paths, ids = tuple(options["paths"]), tuple(options["ids"])
    reading = mode == "document-read"
    return QueryRequest(
        text=text,
        mode=mode,
        intent=options["intent"],
        graph=Graph(
            kinds=tuple(options["kinds"]),
            edge_depth=options["depth"],
            edge_kinds=tuple(options["edge_kinds"]),
            ids=() if reading else ids,
            owners=tuple(options["owners"]),
            tags=tuple(options["tags"]),
            statuses=tuple(options["statuses"]),
        ),
        grep=Grep(
            paths=() if reading else paths,
            max_matches=options["max_matches"],
            context_lines=options["context"],
            regex=options["regex"],
            case_sensitive=options["case_sensitive"],
        ),
        documents=Documents(ids, paths) if reading else Documents(),
        selection=Selection(tuple(options["include"]), tuple(options["exclude"])),
        consumer=consumer,
        limits=Limits(options["max_bytes"], options["limit"], max(_EXCERPTS, options["max_matches"])),
        ranking_version=options["ranking"] or RANKING_VERSION,
    )
