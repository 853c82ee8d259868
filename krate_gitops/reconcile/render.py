"""From a commit to what it asks for, checked. Nothing is executed, and a revision with one fault changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from krate_gitops.git.local import Repository
from krate_gitops.reconcile.source import Source
from krate_gitops.reconcile.stop import Stop
from krate_gitops.resources.context import Context
from krate_gitops.resources.desired import Desired, desired_objects, revision_digest
from krate_gitops.resources.load import Loaded, load_commit
from krate_gitops.resources.manifest import Manifest
from krate_gitops.resources.object_id import ObjectId
from krate_gitops.resources.rules.document import moved_from
from krate_gitops.resources.rules.references import missing_references
from krate_gitops.resources.rules.table import Effect
from krate_gitops.resources.validate import Diagnostic, validate
from krate_gitops.resources.world import World

_STOPS = {
    "KR709": ("Rendered", "UnsafePath"),
    "KR710": ("Rendered", "PathMissing"),
    "KR706": ("SourceResolved", "LimitExceeded"),
}
_PARSING = frozenset({"KR001", "KR002"})


class Rendered(msgspec.Struct, frozen=True):
    """The objects of a revision, and what is to be said about them."""

    objects: tuple[Desired, ...]
    content_digest: str
    diagnostics: tuple[Diagnostic, ...]


class Invalid(Stop):
    """A revision that is refused. ``diagnostics`` are all that was found."""

    def __init__(
        self, condition: str, reason: str, worst: Diagnostic, found: Sequence[Diagnostic], *, others: int
    ) -> None:
        more = f" (and {others} more)" if others else ""
        place = f"{worst.path}:{worst.line}:{worst.column}" if worst.line else worst.path
        super().__init__(condition, reason, worst.code, f"{worst.message}{more}", hint=worst.hint, location=place)
        self.diagnostics = tuple(found)


def load(repository: Repository, commit: str, source: Source) -> Loaded:
    """The manifests of a commit below the path of the source."""
    spec = source.spec.source
    path = "" if spec.path == "." else spec.path.strip("/")
    return load_commit(repository, commit, path, include=spec.include, exclude=spec.exclude)


def missing(loaded: Loaded, source: Source, *, now: datetime) -> set[tuple[str, str, str]]:
    """Organization, kind and name of what the manifests refer to and don't hold: it may be in the cluster."""
    return missing_references(World(loaded.manifests, context_of(source, now=now)))


def check(loaded: Loaded, source: Source, *, now: datetime, live: Sequence[Manifest] = ()) -> Rendered:
    """The objects of loaded manifests.

    ``live`` are objects of the cluster that references may lead to. Raises ``Invalid`` with every diagnostic when one
    of them refuses the revision.
    """
    context = context_of(source, now=now)
    found = validate(loaded, context, source=str(source), live=live)
    _refuse(found)
    objects = tuple(desired_objects(World(loaded.manifests, context)))
    return Rendered(objects, revision_digest(objects), tuple(found))


def context_of(source: Source, *, now: datetime) -> Context:
    """For whom a source's files are judged."""
    spec = source.spec
    return Context(
        organization=None if source.is_platform else source.organization,
        now=int(now.timestamp()),
        source=source.name,
        allowed_kinds=spec.allowed_kinds,
        allowed_native_kinds=(*spec.allowed_native_kinds, *(("Namespace",) if source.is_platform else ())),
        strict=spec.validation.strict,
    )


def _refuse(found: Sequence[Diagnostic]) -> None:
    stops = [one for one in found if one.effect is Effect.STOP]
    rejects = [one for one in found if one.effect is Effect.REJECT]
    if stops:
        condition, reason = _STOPS.get(stops[0].code, ("Rendered", "ParseFailed"))
        raise Invalid(condition, reason, stops[0], found, others=len(stops) + len(rejects) - 1)
    if parsing := [one for one in rejects if one.code in _PARSING]:
        raise Invalid("Rendered", "ParseFailed", parsing[0], found, others=len(rejects) - 1)
    if rejects:
        raise Invalid("Validated", "ValidationFailed", rejects[0], found, others=len(rejects) - 1)


def taken_over(
    repository: Repository, commit: str, source: Source, going: Collection[ObjectId], *, now: datetime
) -> set[ObjectId]:
    """Which of the objects that are leaving this source another source of the same commit takes over.

    They stand elsewhere in the commit, with an annotation that names this source. Only asked when something is leaving.
    """
    if not going:
        return set()
    loaded = load_commit(repository, commit)
    marked = [one for one in loaded.manifests if moved_from(one) == source.name]
    world = World(marked, context_of(source, now=now))
    return {one.id for one in desired_objects(world)} & set(going)
