"""What an import finds in the brain it goes into: owners, rules, the ``MEMORY.md`` of then, the run as it is there."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import select

from krate_gitops.brain.model import ValidationRules
from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import run_git
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.records.tables import snapshots
from krate_gitops.updates.carry import reader_of
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.imports.entrypoint import PATH as MEMORY_MD
from krate_gitops.updates.imports.model import ImportSpec


class There(msgspec.Struct, frozen=True, kw_only=True):
    """The run as it stands on the target: the digest of its source and its tiers; ``paths`` are files of its folder."""

    source_digest: str | None
    retention_tier: str | None
    artifact_retention: str | None
    paths: tuple[str, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found at ``tip``. ``observed`` is the commit that the run was told memory from; None where unknown."""

    tip: str
    root: str
    rules: ValidationRules
    owners: tuple[str, ...]
    observed: str | None
    baseline: bytes | None
    current: bytes | None
    there: There | None
    retrospective_status: str | None


class _Seen(NamedTuple):
    root: str
    rules: ValidationRules
    owners: tuple[str, ...]
    there: There | None
    retrospective_status: str | None


def look_around(desk: Desk, spec: ImportSpec, *, pinned: str | None = None) -> Found:
    """What an import needs to know of the brain. ``pinned`` is the snapshot's commit where somebody names it.

    Raises ``UnavailableError(MEMORY_REF_NOT_FOUND)`` when the target has no commit, or ``pinned`` isn't there.
    """
    branch = desk.target_branch()
    tip = desk.tip(branch)
    if tip is None:
        raise UnavailableError("MEMORY_REF_NOT_FOUND", "the target branch has no commit", location=branch)
    seen = desk.brain.read(tip, lambda opened: _look(opened, spec))
    observed = pinned or _snapshot_commit(desk, spec)
    if observed is not None and not holds(desk.brain.repository, observed):
        raise UnavailableError("MEMORY_REF_NOT_FOUND", "the run's snapshot commit isn't here", location=observed)
    with ObjectReader(desk.brain.repository) as reader:
        read = reader_of(reader, seen.root)
        baseline = None if observed is None else read(observed, MEMORY_MD)
        current = read(tip, MEMORY_MD)
    return Found(
        tip=tip,
        root=seen.root,
        rules=seen.rules,
        owners=seen.owners or tuple(desk.policy.memory_owners or ()),
        observed=observed,
        baseline=baseline,
        current=current,
        there=seen.there,
        retrospective_status=seen.retrospective_status,
    )


def commit_of(desk: Desk, found: Found, path: str) -> str | None:
    """The first-parent commit of the target that gave a file its present content."""
    place = f"{found.root}/{path}" if found.root else path
    arguments = ["rev-list", "--first-parent", "-1", found.tip, "--", place]
    listed = run_git(desk.brain.repository.git_dir, arguments).decode("ascii").split()
    return listed[0] if listed else None


def _look(opened: OpenIndex, spec: ImportSpec) -> _Seen:
    repository = "repository:" + spec.source.repository_ref.rpartition("/")[2]
    number = opened.graph.defined(repository)
    owners = opened.columns.record(number).owners if number >= 0 else ()
    folder = f"{spec.target_path}/"
    there = None
    number = opened.graph.defined(f"babysitter-run:{spec.source.run_id}")
    if number >= 0:
        attributes = opened.columns.record(number).attributes
        there = There(
            source_digest=_text(attributes.get("sourceDigest")),
            retention_tier=_text(attributes.get("retentionTier")),
            artifact_retention=_text(attributes.get("artifactRetention")),
            paths=tuple(path for path in opened.columns.paths if path.startswith(folder)),
        )
    number = opened.graph.defined(f"run-retrospective:{spec.source.run_id}")
    status = opened.columns.record(number).status if number >= 0 else None
    return _Seen(opened.manifest.root, opened.source.ontology.rules, owners, there, status)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _snapshot_commit(desk: Desk, spec: ImportSpec) -> str | None:
    """The commit that the dispatch run was told memory from, by its newest snapshot."""
    run = spec.source.dispatch_run
    if run is None:
        return None
    table = snapshots.c
    where = (
        table.organization == desk.organization,
        table.dispatch_run == run,
        table.memory_repository.in_((desk.repository_name, desk.brain.repository.name)),
    )
    with desk.database.reading() as connection:
        statement = select(table.resolved_commit).where(*where).order_by(table.id.desc()).limit(1)
        commit: str | None = connection.execute(statement).scalar()
    return commit if commit is not None and holds(desk.brain.repository, commit) else None


def repositories(desk: Desk, commit: str) -> tuple[str, ...]:
    """Names of the code repositories that a brain has records of, sorted."""

    def look(opened: OpenIndex) -> tuple[str, ...]:
        columns = opened.columns
        names = columns.links.names
        kinds = columns.links.record_kind.tolist()
        found = [columns.record(at).id for at, kind in enumerate(kinds) if names[kind] == "Repository"]
        return tuple(sorted(one.partition(":")[2] for one in found))

    return desk.brain.read(commit, look)
