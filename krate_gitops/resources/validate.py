"""Validation of a config repository: every rule over everything that was loaded, in one pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from krate_gitops.resources.context import Context
from krate_gitops.resources.credentials import without_credentials
from krate_gitops.resources.load import Loaded
from krate_gitops.resources.manifest import Issue, Manifest
from krate_gitops.resources.places import Places
from krate_gitops.resources.rules.table import RULES, Effect, Rule
from krate_gitops.resources.structure import MOST
from krate_gitops.resources.world import World


class Elsewhere(msgspec.Struct, frozen=True):
    """Another place, and what it has to do with a diagnostic."""

    path: str
    line: int
    column: int
    message: str


class Diagnostic(msgspec.Struct, frozen=True):
    """A breach with its rule and exact place; lines and columns are 1-based, 0 where there is no file.

    ``source`` says what was validated, ``document`` counts from 0, -1 for the file as a whole; ``field`` is a dotted
    path.
    """

    code: str
    severity: str
    effect: Effect
    source: str
    path: str
    document: int
    kind: str
    name: str
    field: str
    message: str
    hint: str
    line: int
    column: int
    related: tuple[Elsewhere, ...] = ()


def validate(loaded: Loaded, context: Context, *, source: str = "", live: Sequence[Manifest] = ()) -> list[Diagnostic]:
    """Every breach of every rule, sorted by path, document, field and code; of many alike in one file the first.

    References resolve against the files laid over ``live``, objects of the cluster.
    """
    world = World(loaded.manifests, context, live)
    issues = [*loaded.issues, *(issue for rule in RULES.values() for check in rule.run for issue in check(world))]
    places = Places(loaded.files)
    return sorted((_diagnostic(issue, places, source, context) for issue in _few(issues)), key=_order)


def _order(one: Diagnostic) -> tuple[str, int, str, str, int, int, str]:
    return one.path, one.document, one.field, one.code, one.line, one.column, one.message


def _few(issues: Iterable[Issue]) -> Iterator[Issue]:
    """Each issue once, and no more than ``MOST`` of one rule in one file; the last says how many more there are."""
    groups: dict[tuple[str, str], list[Issue]] = defaultdict(list)
    for issue in dict.fromkeys(issues):
        groups[issue.code, issue.site.path].append(issue)
    for alike in groups.values():
        yield from alike[: MOST - 1]
        for last in alike[MOST - 1 : MOST]:
            more = len(alike) - MOST
            yield msgspec.structs.replace(last, message=f"{last.message} ({more} more like it here)") if more else last


def _effect(rule: Rule, context: Context) -> Effect:
    return Effect.WARN if rule.code == "KR012" and not context.strict else rule.effect


def _diagnostic(issue: Issue, places: Places, source: str, context: Context) -> Diagnostic:
    rule, site = RULES[issue.code], issue.site
    effect = _effect(rule, context)
    line, column = places.of(site)
    related = tuple(
        Elsewhere(other.path, *places.of(other), message=_safe(message)) for other, message in issue.related
    )
    return Diagnostic(
        code=issue.code,
        severity=effect.severity.label,
        effect=effect,
        source=source,
        path=site.path,
        document=site.document,
        kind=_safe(issue.kind),
        name=_safe(issue.name),
        field=_safe(site.field),
        message=_safe(issue.message),
        hint=_safe(issue.hint or rule.hint),
        line=line,
        column=column,
        related=related,
    )


def _safe(text: str) -> str:
    return without_credentials(text[:500])
