"""Snapshot tags: annotated, named by a time, the commit and its digests as their message; never moved or reused."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from krate_gitops.digest import Json, canonical_json
from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git.bundles import is_bundle
from krate_gitops.git.command import GitFailedError, run_git, run_git_with_remote
from krate_gitops.git.identity import OURS
from krate_gitops.git.local import Repository
from krate_gitops.git.remotes import is_url, parse_remote
from krate_gitops.git.request import SNAPSHOT_TAGS
from krate_gitops.settings import Settings

_STAMP = "%Y-%m-%dT%H%M%SZ"
_TRIES = 10


def create_snapshot_tag(
    repository: Repository,
    spec: str,
    commit: str,
    record: Json,
    *,
    now: datetime,
    settings: Settings,
    taken: Collection[str] = (),
) -> str:
    """Tags a commit with a record (its canonical JSON becomes the message); the full name of the new tag.

    ``spec`` is what the repository was opened by: a tag of a mirror is pushed to where that mirror comes from. A time
    that is taken already, here, over there or among the ``taken`` full names on record, gives way to the next free
    second: no name is used twice, not even that of a deleted tag.

    Raises ``UsageError(INVALID_REQUEST)`` for a bundle, ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when the
    repository or remote refuses, and ``KrateError(MEMORY_SNAPSHOT_TAG_INVALID)`` when no second nearby is free.
    """
    if Path(spec).is_file() and is_bundle(Path(spec)):
        raise UsageError("INVALID_REQUEST", "a bundle can't be tagged", hint="tag the repository it was made from")
    for second, name in enumerate(snapshot_tag_names(now)):
        time = now.astimezone(UTC) + timedelta(seconds=second)
        if name in taken or _exists(repository, name):
            continue
        oid = _write(repository, name, commit, canonical_json(record), time)
        if is_url(spec) and not _push(repository, spec, name, oid, settings):
            continue
        if _claim(repository, name, oid):
            return name
    raise KrateError(
        "MEMORY_SNAPSHOT_TAG_INVALID",
        "the tags of this second and those after it are taken",
        hint="try again in a few seconds",
    )


def snapshot_tag_names(now: datetime) -> list[str]:
    """The full names that a tag made at this time may get, the first of them that is free."""
    start = now.astimezone(UTC)
    return [SNAPSHOT_TAGS + (start + timedelta(seconds=second)).strftime(_STAMP) for second in range(_TRIES)]


def _exists(repository: Repository, name: str) -> bool:
    return bool(run_git(repository.git_dir, ["show-ref", "--verify", "--hash", name], answers=(0, 1, 128)))


def _write(repository: Repository, name: str, commit: str, message: bytes, time: datetime) -> str:
    head = (
        f"object {commit}\ntype commit\ntag {name.removeprefix('refs/tags/')}\n"
        f"tagger {OURS} {int(time.timestamp())} +0000\n\n"
    )
    return run_git(repository.git_dir, ["mktag"], stdin=head.encode() + message + b"\n").decode("ascii").strip()


def _claim(repository: Repository, name: str, oid: str) -> bool:
    """Makes the ref where there is none; whether it did."""
    try:
        run_git(repository.git_dir, ["update-ref", name, oid, "0" * len(oid)])
    except GitFailedError:
        if not _exists(repository, name):
            raise
        return False
    return True


def _push(repository: Repository, spec: str, name: str, oid: str, settings: Settings) -> bool:
    """Whether the remote took the tag; it refuses one it has already."""
    remote = parse_remote(spec, allow_file_protocol=settings.allow_file_protocol)
    try:
        run_git_with_remote(
            repository.git_dir,
            ["push", "--quiet", "--no-verify", "--", remote.url, f"{oid}:{name}"],
            protocols=remote.protocols,
            deadline=settings.deadline_seconds,
        )
    except GitFailedError as error:
        if "already exists" in error.detail:
            return False
        raise
    return True
