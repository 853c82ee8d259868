"""Copies a whole repository: every branch, tag and note, every commit by its id, and the default branch.

The copy is a bare repository on this machine or an address that may be pushed to. It must be empty or an older copy:
nothing that was written there is ever overwritten. A new copy on this machine is complete or absent; one that exists
moves all its refs in one transaction, after all objects are there. Doing it again finishes what was interrupted, and
changes nothing where nothing is to be done.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.checkout import borrow
from krate_gitops.git.command import Answer, GitFailedError, ask_remote, run_git, run_git_with_remote
from krate_gitops.git.every_ref import Refs, read_every_ref, refs_text
from krate_gitops.git.local import Repository, init_git_dir, repository_at
from krate_gitops.git.locks import exclusive_lock
from krate_gitops.git.lookup import find_default_branch
from krate_gitops.git.mirror_plan import Plan, plan_mirror
from krate_gitops.git.mirrors import MIRRORED, ask_for_refs, read_advertisement, remove_leftovers
from krate_gitops.git.packs import copy_objects, held_commits, is_complete
from krate_gitops.git.push import descends, is_remote, refuse_bundle
from krate_gitops.git.remotes import Remote, parse_remote
from krate_gitops.progress import Progress, silent
from krate_gitops.settings import Settings

_DELETED_AT_ONCE = 200
_NO_ATOMIC = "does not support --atomic"


class Mirrored(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was copied: numbers of refs, and ``head``, the default branch as the copy has it (None: unknown)."""

    to: str
    refs: int
    created: int
    updated: int
    unchanged: int
    deleted: int
    default_branch: str
    head: str | None
    object_format: str


class _Source(msgspec.Struct, frozen=True):
    """What is copied: a repository, its refs as they were when they were read, and its default branch."""

    repository: Repository
    refs: Refs
    branch: str

    @property
    def head(self) -> str:
        return f"refs/heads/{self.branch}"

    def plan(self, target: Refs, name: str, *, prune: bool) -> Plan:
        def continues(new: str, old: str) -> bool:
            # A commit that the source has never seen is nobody's past.
            both = held_commits(self.repository.git_dir, [new, old])
            return len(both) == 2 and descends(self.repository, new, old)

        return plan_mirror(self.refs, target, default=self.head, descends=continues, prune=prune, name=name)


def mirror(
    repository: Repository, to: str, *, settings: Settings, prune: bool = False, progress: Progress = silent
) -> Mirrored:
    """Makes ``to``, a path or an address, equal to ``repository`` in all branches, tags and notes.

    ``prune`` deletes what an older copy has and the source no longer. Raises ``KrateError``: MIRROR_DIVERGED where
    something of ``to`` would get lost, MEMORY_REF_STALE where it moved meanwhile; ``UsageError(INVALID_REQUEST)`` for a
    place that can be no mirror; ``DeniedError(PUSH_REFUSED)``; ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` for
    a place that can't be reached or written, and for a source with missing objects.
    """
    source = _Source(repository, read_every_ref(repository), find_default_branch(repository))
    if source.head not in source.refs:
        raise UnavailableError(
            "MEMORY_REF_NOT_FOUND", f"{repository.name} has no commits on {source.branch}: there is nothing to mirror"
        )
    try:
        if is_remote(to):
            remote = parse_remote(to, allow_file_protocol=settings.allow_file_protocol)
            return _to_remote(source, remote, settings, prune, progress)
        return _to_path(source, to, settings, prune, progress)
    except OSError as error:
        raise _unwritable(to, error.strerror or str(error)) from None


# On this machine


def _to_path(source: _Source, to: str, settings: Settings, prune: bool, progress: Progress) -> Mirrored:
    refuse_bundle(to)
    place = Path(os.path.abspath(Path(to).expanduser()))
    _check_place(place, to)
    with _alone_at(place, settings):
        if (place / "HEAD").is_file():
            return _into(source, _existing(source, place, to), to, prune, progress)
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".new-{place.name}")
        try:
            done = _into(source, _prepared(source, new), to, prune, progress)
        except KrateError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        os.rename(new, place)
        return done


def _prepared(source: _Source, new: Path) -> Repository:
    """An empty repository, or what an interrupted copy has left of one. We hold the lock: nobody is at work in it."""
    object_format = source.repository.object_format
    if (new / "HEAD").is_file():
        remove_leftovers(new)
        with contextlib.suppress(KrateError):
            found = repository_at(new, name=new.name)
            if found.object_format == object_format:
                return found
    shutil.rmtree(new, ignore_errors=True)
    init_git_dir(new, default_branch=source.branch, object_format=object_format)
    return repository_at(new, name=new.name.removeprefix(".new-"))


def _check_place(place: Path, to: str) -> None:
    if (place / ".git").exists():
        why, hint = "it has a work tree, which a mirror would leave behind", "name a bare repository or a new folder"
    elif place.is_dir() and any(place.iterdir()) and not (place / "HEAD").is_file():
        why, hint = "there are other files in it", "name a new folder"
    elif place.exists() and not place.is_dir():
        why, hint = "it is no folder", "name a new folder"
    else:
        return
    raise UsageError("INVALID_REQUEST", f"{place.name} can't be a mirror: {why}", hint=hint, location=to)


@contextlib.contextmanager
def _alone_at(place: Path, settings: Settings) -> Iterator[None]:
    folder = settings.home / "mirroring"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(os.fsencode(place)).hexdigest()[:16]
    with exclusive_lock(folder / f"{name}.lock", deadline=settings.deadline_seconds):
        yield


def _existing(source: _Source, place: Path, to: str) -> Repository:
    target = repository_at(place, name=place.name)
    if target.common_dir.resolve() == source.repository.common_dir.resolve():
        raise UsageError("INVALID_REQUEST", "a repository can't be its own mirror", location=to)
    if target.object_format != source.repository.object_format:
        raise UsageError(
            "INVALID_REQUEST",
            f"{place.name} uses {target.object_format} ids and {source.repository.name} "
            f"{source.repository.object_format}: commits could not keep theirs",
            hint="name a new folder",
            location=to,
        )
    if run_git(place, ["config", "--bool", "core.bare"], answers=(0, 1)).strip() == b"false":
        raise UsageError("INVALID_REQUEST", f"{place.name} is not bare", hint="name a bare repository", location=to)
    return target


def _into(source: _Source, target: Repository, to: str, prune: bool, progress: Progress) -> Mirrored:
    before = read_every_ref(target)
    plan = source.plan(before, target.name, prune=prune)
    if plan.wanted and not is_complete(target.git_dir, plan.wanted):
        _copy(source, target, plan, before, progress)
    progress("refs", 0, len(source.refs))
    _move(target.git_dir, plan)
    run_git(target.git_dir, ["symbolic-ref", "HEAD", source.head])
    _check_equal(source, read_every_ref(target), to)
    progress("refs", len(source.refs), len(source.refs))
    return _result(source, plan, to, source.branch)


def _copy(source: _Source, target: Repository, plan: Plan, before: Refs, progress: Progress) -> None:
    known = held_commits(source.repository.git_dir, sorted(set(before.values())))
    said = copy_objects(
        source.repository.git_dir,
        target.git_dir,
        plan.wanted,
        known=known,
        listen=lambda copied: progress("megabytes", copied >> 20, 0),
    )
    if said is None and is_complete(target.git_dir, plan.wanted):
        return
    raise UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"{source.repository.name} could not be copied: {said or 'objects are missing'}",
        hint="run `git fsck` in both repositories, and check free space; no ref was moved",
    )


def _move(git_dir: Path, plan: Plan) -> None:
    """Deletions first: a new name may need the place of a deleted one. Then everything else in one transaction."""
    changes = [f"create {ref}\0{new}\0" for ref, new in plan.create.items()]
    changes += [f"update {ref}\0{new}\0{old}\0" for ref, (old, new) in plan.forward.items()]
    for commands in ([f"delete {ref}\0{old}\0" for ref, old in plan.delete.items()], changes):
        if not commands:
            continue
        # Without an explicit end git would take what it has read when we are killed for all there is.
        whole = "".join(("start\0", *commands, "prepare\0", "commit\0"))
        try:
            run_git(
                git_dir, ["update-ref", "-z", "--no-deref", "--stdin"], stdin=whole.encode("utf-8", "surrogateescape")
            )
        except GitFailedError as error:
            raise _stale(f"its refs can't be moved: {error.detail}") from None


# Over the network


def _to_remote(source: _Source, remote: Remote, settings: Settings, prune: bool, progress: Progress) -> Mirrored:
    talk = _Talk(remote, settings)
    before, _ = talk.refs()
    plan = source.plan(before, remote.url, prune=prune)
    total = len(source.refs)
    progress("push", 0, total)
    folder = settings.home / "mirroring"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # Pushed from a repository of ours that only borrows the objects: the source's configuration takes no part.
        ours = borrow(source.repository, Path(scratch) / "borrowed.git")
        _move(ours.git_dir, Plan(create=dict(source.refs)))
        names = sorted(plan.delete)
        for start in range(0, len(names), _DELETED_AT_ONCE):
            some = names[start : start + _DELETED_AT_ONCE]
            leases = [f"--force-with-lease={name}:{plan.delete[name]}" for name in some]
            talk.push(ours.git_dir, [*leases, "--"], [f":{name}" for name in some])
        if plan.wanted:
            # Not forced: whatever moved over there since it was asked is refused here or by the other side.
            talk.push(ours.git_dir, ["--"], [f"{place}*:{place}*" for place in MIRRORED])
    after, head = talk.refs()
    _check_equal(source, after, remote.url)
    progress("push", total, total)
    return _result(source, plan, remote.url, head)


class _Talk(msgspec.Struct, frozen=True):
    """Conversations with a remote."""

    remote: Remote
    settings: Settings

    def refs(self) -> tuple[Refs, str | None]:
        """The remote's refs, and the short name of its default branch."""
        try:
            answer = run_git_with_remote(
                None,
                ask_for_refs(self.remote),
                protocols=self.remote.protocols,
                deadline=self.settings.deadline_seconds,
            )
        except GitFailedError as error:
            raise _unwritable(self.remote.url, error.detail) from None
        offered = read_advertisement(answer)
        return offered.refs, None if offered.head is None else offered.head.removeprefix("refs/heads/")

    def push(self, git_dir: Path, options: list[str], refspecs: list[str]) -> None:
        answer = self._ask(git_dir, ["--atomic", *options], refspecs)
        if answer.status and _NO_ATOMIC in answer.complaint:
            answer = self._ask(git_dir, options, refspecs)
        if answer.status == 0:
            return
        refused = _refused(answer)
        if not refused:
            raise _unwritable(self.remote.url, answer.complaint or f"git ended with {answer.status}")
        raise DeniedError(
            "PUSH_REFUSED",
            f"{self.remote.url} doesn't take {refs_text(sorted(refused))}: {answer.complaint}",
            hint="branches there are protected, a hook says no, or somebody else writes there: look, and try again",
            location=self.remote.url,
        )

    def _ask(self, git_dir: Path, options: list[str], refspecs: list[str]) -> Answer:
        # What a user's own configuration may add to a push has no place in this one.
        plain = ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]
        return ask_remote(
            git_dir,
            ["push", *plain, *options, self.remote.url, *refspecs],
            protocols=self.remote.protocols,
            deadline=self.settings.deadline_seconds,
        )


def _refused(answer: Answer) -> list[str]:
    """Refs that the other side, or git, did not take for a reason of their own."""
    found = []
    for line in answer.output.decode("utf-8", "surrogateescape").splitlines():
        flag, _, rest = line.partition("\t")
        names, _, verdict = rest.partition("\t")
        if flag == "!" and "atomic" not in verdict and not verdict.startswith("[remote failure]"):
            found.append(names.rpartition(":")[2])
    return found


# Both


def _check_equal(source: _Source, found: Refs, to: str) -> None:
    different = [ref for ref in {*source.refs, *found} if source.refs.get(ref) != found.get(ref)]
    if different:
        raise _stale(f"{to} was written to meanwhile: {refs_text(sorted(different))}")


def _result(source: _Source, plan: Plan, to: str, head: str | None) -> Mirrored:
    return Mirrored(
        to=to,
        refs=len(source.refs),
        created=len(plan.create),
        updated=len(plan.forward),
        unchanged=plan.same,
        deleted=len(plan.delete),
        default_branch=source.branch,
        head=head,
        object_format=source.repository.object_format,
    )


def _stale(message: str) -> KrateError:
    return KrateError("MEMORY_REF_STALE", message, hint="see that nobody else writes there, and mirror again")


def _unwritable(to: str, why: str) -> UnavailableError:
    return UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"{to} can't be mirrored to: {why}",
        hint="check the place, the network, free space and your right to write there",
        location=to,
    )
