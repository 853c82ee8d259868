"""From what a source asks for to one commit. Nothing after this looks at a branch again."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from krate_gitops.errors import KrateError
from krate_gitops.git.command import GitFailedError, run_git
from krate_gitops.git.credentials import Credentials
from krate_gitops.git.history import read_commit
from krate_gitops.git.instants import format_instant
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import is_reachable, peel, read_refs
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import check_ref_name
from krate_gitops.reconcile.source import ACCEPT_REWIND, Source
from krate_gitops.reconcile.stop import Stop
from krate_gitops.settings import Settings

_CONDITION = "SourceResolved"
_ABBREVIATED = re.compile(r"[0-9a-f]{4,63}", re.IGNORECASE)
_AUTHENTICATION = re.compile(
    r"(?i)authentication failed|could not read (username|password)|permission denied|access denied|HTTP 40[13]"
    r"|returned error: 40[13]|terminal prompts disabled"
)


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """The commit of a pass. Times are RFC 3339; ``cached`` says that the remote was down and an older fetch is used."""

    requested: str
    commit: str
    commit_time: str
    resolved_at: str
    cached: bool = False
    problem: str = ""
    """Why the remote could not be asked; empty where it was."""


def open_source_repository(
    source: Source, *, override: str = "", settings: Settings, credentials: Credentials | None = None
) -> tuple[Repository, str]:
    """The repository of a source with what was fetched just now, and an empty text.

    Where the remote can't be reached but was before: what was fetched then, and why. ``override`` is a local repository
    to read in its place. Mirrors of organizations lie apart, so that nobody reads by another's credentials. Raises
    ``Stop`` with KR701, KR704 or KR705.
    """
    spec = override or source.spec.source.repo_url
    settings = msgspec.structs.replace(settings, home=settings.home / "sources" / source.organization)
    try:
        return open_repository(spec, settings=settings, credentials=credentials), ""
    except KrateError as error:
        failure = _failure(error, source)
    if source.last_applied and not override and failure.code != "KR704":
        try:
            return open_repository(spec, settings=settings, refresh=False), failure.message
        except KrateError:
            pass
    raise failure


def resolve_revision(repository: Repository, source: Source, *, now: datetime, problem: str = "") -> Revision:
    """The commit that the source's revision means.

    With ``problem`` (the remote is down) it is the one in force. Raises ``Stop``: KR702 for a revision that isn't there
    and for abbreviated ids, KR703 for a name that is a branch and a tag, KR707 where the branch was moved to a commit
    that doesn't descend from the one in force.
    """
    wanted = source.spec.source.target_revision
    with ObjectReader(repository) as reader:
        commit = source.last_applied if problem else _commit_of(repository, reader, wanted)
        time = read_commit(reader, commit).committer_time
    _check_descent(repository, source, commit)
    return Revision(
        requested=wanted,
        commit=commit,
        commit_time=format_instant(time),
        resolved_at=format_instant(int(now.timestamp())),
        cached=bool(problem),
        problem=problem,
    )


def _commit_of(repository: Repository, reader: ObjectReader, wanted: str) -> str:
    if repository.is_object_id(wanted.lower()):
        commit = _peeled(reader, wanted.lower(), wanted)
        if not is_reachable(repository, commit):
            raise _not_found(wanted, "no branch or tag leads to this commit")
        return commit
    try:
        check_ref_name(wanted)
    except KrateError as error:
        raise _not_found(wanted, error.message) from None
    names = [wanted] if wanted.startswith("refs/") else [f"refs/heads/{wanted}", f"refs/tags/{wanted}"]
    refs = read_refs(repository, names)
    if len(refs) > 1:
        raise Stop(
            _CONDITION,
            "AmbiguousRef",
            "KR703",
            f"{wanted} is a branch and a tag",
            hint=f"write {names[0]} or {names[1]} in spec.source.targetRevision",
            location=wanted,
        )
    for name, oid in refs.items():
        return _peeled(reader, oid, name)
    if _ABBREVIATED.fullmatch(wanted):
        raise _not_found(wanted, "abbreviated commit ids are not taken, since they can come to mean another commit")
    raise _not_found(wanted, "there is no such branch or tag")


def _peeled(reader: ObjectReader, oid: str, name: str) -> str:
    try:
        return peel(reader, oid, name=name).commit
    except KrateError as error:
        raise _not_found(name, error.message) from None


def _check_descent(repository: Repository, source: Source, commit: str) -> None:
    """Refuses to go back, or sideways, in history unless the source or a person allows it."""
    before = source.last_applied
    if before in ("", commit) or source.spec.source.rewind_policy == "allow":
        return
    if source.annotations.get(ACCEPT_REWIND) == commit or is_ancestor(repository, before, commit):
        return
    raise Stop(
        _CONDITION,
        "HistoryRewritten",
        "KR707",
        f"{commit} does not descend from {before}, which is in force",
        hint=f"look at what changed; then restore the branch, or annotate the source with {ACCEPT_REWIND}={commit}",
        location=source.spec.source.target_revision,
    )


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    """Whether history leads from ``newer`` back to ``older``; False where one of them isn't there."""
    try:
        run_git(repository.git_dir, ["merge-base", "--is-ancestor", older, newer])
    except GitFailedError:
        return False
    return True


def _failure(error: KrateError, source: Source) -> Stop:
    where = source.spec.source.target_revision
    if error.code == "INVALID_REQUEST":
        return Stop(_CONDITION, "Unreachable", "KR704", error.message, hint=error.hint, location=where)
    if _AUTHENTICATION.search(error.message):
        hint = "check the credentials of the source and the rights they give"
        return Stop(_CONDITION, "AuthFailed", "KR705", error.message, hint=hint, location=where)
    return Stop(_CONDITION, "Unreachable", "KR701", error.message, hint=error.hint, location=where)


def _not_found(wanted: str, why: str) -> Stop:
    hint = "write a branch, a tag, or a full commit id in spec.source.targetRevision"
    return Stop(_CONDITION, "RefNotFound", "KR702", f"{wanted[:200]}: {why}", hint=hint, location=wanted[:200])
