"""Bare mirrors of remotes, kept under the home folder.

A mirror is complete or absent: the first copy is made beside it and renamed. Later fetches add objects before they move
refs, all refs at once, so whoever reads meanwhile sees the old state or the new one, and a fetch that fails or is
killed changes nothing. Objects are never thrown away: a commit pinned by a snapshot outlives a force-push.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.command import GitFailedError, GitTimeoutError, run_git, run_git_with_remote
from krate_gitops.git.credentials import Credentials, signed_in
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.locks import exclusive_lock
from krate_gitops.git.remotes import Remote
from krate_gitops.settings import Settings

MIRRORED = ("refs/heads/", "refs/tags/", "refs/notes/")
"""Branches, tags and notes, nothing else: a forge keeps other people's proposals under further refs, and pins are ours.

Notes are carried along for who moves the repository; nothing is resolved by them.
"""
REFSPECS = tuple(f"+{folder}*:{folder}*" for folder in MIRRORED)
"""What a fetch makes equal to the remote's."""


class Advertisement(msgspec.Struct, frozen=True):
    """What a remote says it has: object ids by full ref name, and the branch its HEAD names."""

    refs: dict[str, str]
    head: str | None

    @property
    def object_format(self) -> str:
        return "sha256" if any(len(oid) == 64 for oid in self.refs.values()) else "sha1"


def open_mirror(
    remote: Remote, *, settings: Settings, refresh: bool, credentials: Credentials | None = None
) -> Repository:
    """The mirror of a remote; brought up to date when ``refresh`` is set, made when there is none.

    ``credentials`` take the place of the user's own; they are in no file and no message afterwards.

    Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when the remote doesn't answer properly in time; a mirror
    that exists stays as it was.
    """
    folder = settings.home / "mirrors"
    git_dir = folder / f"{remote.key}.git"
    if refresh or not git_dir.is_dir():
        end = time.monotonic() + settings.deadline_seconds
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock_file = folder / f"{remote.key}.lock"
            with (
                exclusive_lock(lock_file, deadline=settings.deadline_seconds) as lock,
                signed_in(credentials, remote.url) as login,
            ):
                _refresh(_Conversation(remote, end, lock, login), git_dir)
        except (GitFailedError, GitTimeoutError) as error:
            raise _unreachable(remote, error) from None
        except OSError as error:
            raise _unwritable(remote, error) from None
    return repository_at(git_dir, name=remote.name)


class _Conversation(msgspec.Struct, frozen=True):
    """One talk with a remote, all of which must be over at ``end`` (monotonic seconds)."""

    remote: Remote
    end: float
    lock: int
    login: Mapping[str, str]

    def run(self, git_dir: Path | None, *arguments: str) -> bytes:
        left = max(0.001, self.end - time.monotonic())
        return run_git_with_remote(
            git_dir,
            arguments,
            protocols=self.remote.protocols,
            deadline=left,
            held_files=[self.lock],
            login=self.login,
        )


def _refresh(talk: _Conversation, git_dir: Path) -> None:
    # A killed fetch leaves locks behind. We hold ours, which every fetch inherits: nobody else can be at work here.
    offered = _ask(talk)
    if git_dir.is_dir():
        remove_leftovers(git_dir)
        _fetch(talk, git_dir, offered)
        return
    new = git_dir.with_name(f".new-{git_dir.name}")
    shutil.rmtree(new, ignore_errors=True)
    init_git_dir(new, object_format=offered.object_format)
    try:
        _fetch(talk, new, offered)
        os.rename(new, git_dir)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _ask(talk: _Conversation) -> Advertisement:
    return read_advertisement(talk.run(None, *ask_for_refs(talk.remote)))


def ask_for_refs(remote: Remote) -> list[str]:
    """The git command whose output ``read_advertisement`` takes."""
    return ["ls-remote", "--symref", "--", remote.url, "HEAD", *(f"{folder}*" for folder in MIRRORED)]


def read_advertisement(output: bytes) -> Advertisement:
    """What a remote offers, from git's listing; tags as they are, not what they stand for."""
    refs: dict[str, str] = {}
    head: str | None = None
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: refs/heads/") and name == "HEAD":
            head = value.removeprefix("ref: ")
        elif name.startswith(MIRRORED) and not name.endswith("^{}"):
            refs[name] = value
    return Advertisement(refs, head)


def _fetch(talk: _Conversation, git_dir: Path, offered: Advertisement) -> None:
    listed = run_git(git_dir, ["for-each-ref", "--format=%(objectname)%09%(refname)", *MIRRORED])
    lines = (line.partition("\t") for line in listed.decode("utf-8", "surrogateescape").splitlines())
    held = {name: oid for oid, _, name in lines}
    if held != offered.refs:
        _clear_the_way(git_dir, held.keys() - offered.refs.keys(), offered)
        options = ("--atomic", "--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--quiet")
        talk.run(git_dir, "fetch", *options, "--", talk.remote.url, *REFSPECS)
    if offered.head:
        run_git(git_dir, ["symbolic-ref", "HEAD", offered.head])


def _clear_the_way(git_dir: Path, gone: AbstractSet[str], offered: Advertisement) -> None:
    """Deletes refs that a new one needs as a folder, or the reverse: no transaction of git's can do both at once."""
    new_folders = _folders(offered.refs)
    blocking = [name for name in gone if name in new_folders or not _folders([name]).isdisjoint(offered.refs)]
    if blocking:
        commands = "".join(f"delete {name}\0\0" for name in blocking)
        run_git(git_dir, ["update-ref", "-z", "--stdin"], stdin=commands.encode("utf-8", "surrogateescape"))


def _folders(names: Iterable[str]) -> set[str]:
    """Every folder that one of the refs lies in."""
    return {name[:end] for name in names for end in range(len(name)) if name[end] == "/"}


def remove_leftovers(git_dir: Path) -> None:
    """Deletes what a git that was killed left behind. Only for who knows that no other is at work there."""
    names = ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock", "objects/pack/tmp_*", "objects/tmp_objdir-*")
    for pattern in names:
        for path in list(git_dir.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()


def _unreachable(remote: Remote, error: GitFailedError | GitTimeoutError) -> UnavailableError:
    hint = error.hint or "check the address, the network and your access rights"
    if re.search(r"redirect|returned error: 30[12378]", error.message):
        hint = "the remote redirects to another address, which is not followed: use its final URL"
    return UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE", f"{remote.url}: {error.message}", hint=hint, location=remote.url
    )


def _unwritable(remote: Remote, error: OSError) -> KrateError:
    return UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"the mirror of {remote.url} can't be written: {error.strerror or error}",
        hint="check permissions and free space of the home folder",
        location=remote.url,
    )
