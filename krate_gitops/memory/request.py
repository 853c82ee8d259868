"""A query as asked: defaults filled in, aliases resolved, limits checked."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.encoding import strings_in
from krate_gitops.errors import UsageError
from krate_gitops.index.strength import FORMULAS, RANKING_VERSION

TEXT_CHARACTERS = 1000
MAX_RECORDS, MAX_EXCERPTS, MAX_MATCHES, MAX_CONTEXT = 200, 200, 200, 5
DEFAULT_BYTES = 64_000


class Consumer(msgspec.Struct, frozen=True, rename="camel"):
    """Who asks, and about what; what is linked to it ranks first."""

    repository: str | None = None
    stack: str | None = None
    team: str | None = None
    trigger: str | None = None
    user: str | None = None
    issue: str | None = None
    pull_request: str | None = None
    service: str | None = None
    skills: tuple[str, ...] = ()
    process: str | None = None


class Graph(msgspec.Struct, frozen=True, rename="camel"):
    """Filters of records (ANDed, values ORed) and how far edges are followed."""

    kinds: tuple[str, ...] = ()
    edge_depth: int = 2
    direction: str = "both"
    edge_kinds: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    repo_refs: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()


class Grep(msgspec.Struct, frozen=True, rename="camel"):
    """How lines are searched."""

    paths: tuple[str, ...] = ()
    max_matches: int = 25
    context_lines: int = 1
    regex: bool = False
    case_sensitive: bool = False


class Documents(msgspec.Struct, frozen=True):
    """Documents to read whole."""

    ids: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()


class Selection(msgspec.Struct, frozen=True):
    """What the user picked or dropped by hand: ids, or ``path[:start-end]``."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """How much may come back."""

    max_bytes: int = DEFAULT_BYTES
    max_records: int = 40
    max_excerpts: int = 25


class QueryRequest(msgspec.Struct, frozen=True, rename="camel"):
    """One query. ``mode`` empty: the default of the policy."""

    text: str = ""
    mode: str = ""
    intent: str = "task"
    graph: Graph = Graph()
    grep: Grep = Grep()
    documents: Documents = Documents()
    selection: Selection = Selection()
    consumer: Consumer = Consumer()
    limits: Limits = Limits()
    ranking_version: int = RANKING_VERSION


_SURROGATE = re.compile("[\ud800-\udfff]")
_SETS = ("kinds", "edge_kinds", "ids", "owners", "tags", "repo_refs", "statuses", "paths", "skills")


def checked(request: QueryRequest) -> QueryRequest:
    """The request with sets sorted.

    Raises ``UsageError(INVALID_REQUEST)`` for what is out of range, unknown, or no text.
    """
    _range("edgeDepth", request.graph.edge_depth, 0, 5)
    _range("maxMatches", request.grep.max_matches, 1, MAX_MATCHES)
    _range("contextLines", request.grep.context_lines, 0, MAX_CONTEXT)
    _range("maxRecords", request.limits.max_records, 0, MAX_RECORDS)
    _range("maxExcerpts", request.limits.max_excerpts, 0, MAX_EXCERPTS)
    _range("maxBytes", request.limits.max_bytes, 0, 1 << 30)
    _one_of("direction", request.graph.direction, ("both", "out", "in"))
    _one_of("rankingVersion", str(request.ranking_version), tuple(map(str, FORMULAS)))
    _one_of("intent", request.intent, ("task", "replay", "debug"))
    for status in request.graph.statuses:
        _one_of("status", status, STATUSES)
    if len(request.text) > TEXT_CHARACTERS:
        raise _invalid(f"the text is longer than {TEXT_CHARACTERS} characters", "ask for less at once")
    if any(map(_SURROGATE.search, strings_in(msgspec.to_builtins(request)))):
        raise _invalid("the request holds half a surrogate pair or bytes that are no text", "write it in UTF-8")
    return msgspec.structs.replace(
        request,
        graph=_sorted(request.graph),
        grep=_sorted(request.grep),
        consumer=_sorted(request.consumer),
        documents=Documents(_set(request.documents.ids), _set(request.documents.paths)),
        selection=Selection(_set(request.selection.include), _set(request.selection.exclude)),
    )


def _sorted(part: Any) -> Any:
    changes = {name: _set(getattr(part, name)) for name in _SETS if hasattr(part, name)}
    return msgspec.structs.replace(part, **changes)


def _set(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise _invalid(f"{name} must be from {least} to {most}", "")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise _invalid(f"{name} is one of {', '.join(allowed)}", "")


def _invalid(message: str, hint: str) -> UsageError:
    return UsageError("INVALID_REQUEST", message, hint=hint)
