"""From a request to one commit. Nothing behind this module looks at a branch or a tag again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.chain import FirstParentChain, load_chain, require_complete_history
from krate_gitops.git.history import read_commit
from krate_gitops.git.instants import format_instant, parse_instant
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import Peeled, abbreviated, find_default_branch, is_reachable, not_found, peel, read_refs
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.ranges import CommitRange
from krate_gitops.git.request import RefMode, RefRequest, check_ref_name
from krate_gitops.settings import Settings


class RefResolution(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a request came to. Times are UTC texts; absent fields are left out when it is encoded.

    ``commits_behind`` counts first parents up to the tip and is absent off the chain, ``resolved_ref`` is absent for
    object ids. Digests are for the caller to fill in.
    """

    mode: RefMode
    requested_ref: str
    resolved_commit: str
    commit_time: str
    resolved_at: str
    approved: bool
    current_commit: str
    stale_by_seconds: int
    known_bad: bool
    requested_at: str | None = None
    resolved_ref: str | None = None
    commits_behind: int | None = None
    ontology_digest: str | None = None
    index_digest: str | None = None


class _Target(msgspec.Struct, frozen=True):
    """A commit and the full name of the ref that led to it."""

    commit: str
    ref: str | None = None


class _Search(msgspec.Struct, frozen=True):
    """What the modes look things up with; ``ref`` and ``at`` (seconds since 1970) are the request's, checked."""

    reader: ObjectReader
    chain: FirstParentChain
    branch: str
    ref: str
    at: int
    recorded_snapshot_tags: Mapping[str, str] | None


def resolve(
    repository: Repository,
    request: RefRequest,
    *,
    now: datetime,
    settings: Settings,
    default_branch: str | None = None,
    recorded_snapshot_tags: Mapping[str, str] | None = None,
    recorded_approvals: Collection[str] | None = None,
    known_bad: Collection[CommitRange] = (),
    current_only: bool = False,
) -> RefResolution:
    """The commit that a request means.

    ``default_branch`` is a short name; without it the repository's own is taken. ``recorded_snapshot_tags`` maps the
    full name of a snapshot tag to the commit recorded for it; without it the record in the tag's message counts.
    ``recorded_approvals``, where evidence is required, holds the commits with a recorded review; the seed commit needs
    none. ``known_bad`` are the ranges that ``knownBad`` tells of. ``current_only`` refuses everything but the tip.

    Raises ``UsageError``: MEMORY_REF_INVALID, _TIME_INVALID, _AMBIGUOUS, _NOT_COMMIT; ``UnavailableError``:
    MEMORY_REF_NOT_FOUND, _NO_COMMIT_AT_TIME, MEMORY_REPOSITORY_UNAVAILABLE; ``DeniedError``: MEMORY_REF_NOT_APPROVED,
    _NOT_CURRENT; ``KrateError``: MEMORY_SNAPSHOT_TAG_INVALID.
    """
    require_complete_history(repository)
    branch = (default_branch or find_default_branch(repository)).removeprefix("refs/heads/")
    check_ref_name(branch)
    wanted = request.settle(branch)
    mode = wanted.mode or RefMode.CURRENT
    at = None if wanted.requested_at is None else parse_instant(wanted.requested_at, now=now)
    with ObjectReader(repository) as reader:
        chain = load_chain(repository, _find_tip(reader, branch), home=settings.home)
        search = _Search(reader, chain, branch, wanted.requested_ref or "", at or 0, recorded_snapshot_tags)
        target = _MODES[mode](search)
        position = chain.position(target.commit)
        if position is None:
            time = read_commit(reader, target.commit).committer_time
        else:
            time = chain.times[position]
    tip, resolved_at = chain.oid(len(chain) - 1), int(now.timestamp())
    is_recorded = recorded_approvals is None or position == 0 or target.commit in recorded_approvals
    resolution = RefResolution(
        mode=mode,
        requested_ref=request.requested_ref or branch,
        requested_at=None if at is None else format_instant(at),
        resolved_ref=target.ref,
        resolved_commit=target.commit,
        commit_time=format_instant(time),
        resolved_at=format_instant(resolved_at),
        approved=position is not None and is_recorded,
        current_commit=tip,
        commits_behind=None if position is None else len(chain) - 1 - position,
        stale_by_seconds=0 if target.commit == tip else max(0, resolved_at - (time if at is None else at)),
        known_bad=any(bad.covers(chain, position) for bad in known_bad),
    )
    _check_admitted(resolution, branch, needs_approval=wanted.require_approved_commit, current_only=current_only)
    return resolution


def _find_tip(reader: ObjectReader, branch: str) -> str:
    name = f"refs/heads/{branch}"
    oid = read_refs(reader.repository, [name]).get(name)
    if oid is None:
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND",
            f"{reader.repository.name} has no commits on its default branch {branch}",
            hint="commit something, or check which branch is the default one",
            location=name,
        )
    return peel(reader, oid, name=name).commit


def _current(search: _Search) -> _Target:
    return _Target(search.chain.oid(len(search.chain) - 1), f"refs/heads/{search.branch}")


def _ref_at_time(search: _Search) -> _Target:
    position = search.chain.at_or_before(search.at)
    if position is None:
        raise UnavailableError(
            "MEMORY_REF_NO_COMMIT_AT_TIME",
            f"{search.branch} had no commits yet at that time",
            hint=f"its first commit took effect at {format_instant(search.chain.times[0])}",
        )
    return _Target(search.chain.oid(position), f"refs/heads/{search.branch}")


def _explicit_ref(search: _Search) -> _Target:
    repository, text = search.reader.repository, search.ref
    if repository.is_object_id(text.lower()):
        return _Target(_reachable(search, text.lower(), text).commit)
    if text.startswith(("refs/heads/", "refs/tags/")):
        names, objects = [text], []
    elif text.startswith("refs/"):
        # Other refs, a forge's pull requests among them, hold what nobody took into this repository.
        raise not_found(repository, text)
    else:
        names, objects = [f"refs/heads/{text}", f"refs/tags/{text}"], abbreviated(search.reader, text)
    refs = read_refs(repository, names)
    candidates = [*refs, *objects]
    if not candidates:
        raise not_found(repository, text)
    if len(candidates) > 1:
        raise UsageError(
            "MEMORY_REF_AMBIGUOUS",
            f"{text} can mean {', '.join(candidates)}",
            hint=f"give one of them in full: {candidates[0]}",
            location=text,
        )
    [name] = candidates
    return _Target(_reachable(search, refs.get(name, name), name).commit, name if name in refs else None)


def _snapshot_tag(search: _Search) -> _Target:
    oid = read_refs(search.reader.repository, [search.ref]).get(search.ref)
    if oid is None:
        raise not_found(search.reader.repository, search.ref)
    peeled = _reachable(search, oid, search.ref)
    if peeled.tag is None:
        raise _snapshot_tag_invalid(search.ref, "is not annotated")
    if search.recorded_snapshot_tags is None:
        recorded = _commit_in_message(peeled.tag)
    else:
        recorded = search.recorded_snapshot_tags.get(search.ref)
    if recorded is None:
        raise _snapshot_tag_invalid(search.ref, "has no record of its commit")
    if recorded != peeled.commit:
        raise _snapshot_tag_invalid(search.ref, f"was moved: {recorded} is recorded for it, not {peeled.commit}")
    return _Target(peeled.commit, search.ref)


_MODES: Mapping[RefMode, Callable[[_Search], _Target]] = {
    RefMode.CURRENT: _current,
    RefMode.EXPLICIT_REF: _explicit_ref,
    RefMode.REF_AT_TIME: _ref_at_time,
    RefMode.SNAPSHOT_TAG: _snapshot_tag,
}


def _reachable(search: _Search, oid: str, name: str) -> Peeled:
    peeled = peel(search.reader, oid, name=name)
    if search.chain.position(peeled.commit) is None and not is_reachable(search.reader.repository, peeled.commit):
        raise not_found(search.reader.repository, name)
    return peeled


def _commit_in_message(tag: bytes) -> str | None:
    """The commit in the record that is a snapshot tag's message; a signature may follow it."""
    try:
        record = json.loads(tag.partition(b"\n\n")[2].partition(b"\n")[0])
    except (ValueError, RecursionError):
        return None
    commit = record.get("commit") if isinstance(record, dict) else None
    return commit if isinstance(commit, str) else None


def _snapshot_tag_invalid(name: str, why: str) -> KrateError:
    return KrateError(
        "MEMORY_SNAPSHOT_TAG_INVALID",
        f"{name} {why}",
        hint="snapshot tags are made by `krate-gitops snapshot create --tag` alone and never moved",
        location=name,
    )


def _check_admitted(resolution: RefResolution, branch: str, *, needs_approval: bool, current_only: bool) -> None:
    commit = resolution.resolved_commit
    if needs_approval and not resolution.approved:
        raise DeniedError(
            "MEMORY_REF_NOT_APPROVED",
            f"commit {commit} is not an approved commit of {branch}",
            hint=f"merge it into {branch} first, or allow unapproved commits for this request",
            location=resolution.requested_ref,
        )
    if current_only and commit != resolution.current_commit:
        raise DeniedError(
            "MEMORY_REF_NOT_CURRENT",
            f"only the current commit {resolution.current_commit} may be read here, not {commit}",
            hint="leave the ref and the time out",
            location=resolution.requested_ref,
        )
