"""Moving a branch of somebody's repository, by compare-and-swap, and never backwards.

A remote is pushed to with a lease on the tip that was seen, and only what descends from that tip: so nobody's commit is
ever taken off a branch. A repository on this machine is written to directly, without its hooks.
"""

from __future__ import annotations

import enum
import re
from pathlib import Path

from krate_gitops.errors import DeniedError, KrateError, UnavailableError, UsageError
from krate_gitops.git.bundles import is_bundle
from krate_gitops.git.command import Answer, GitFailedError, ask_remote, run_git
from krate_gitops.git.local import Repository
from krate_gitops.git.lookup import read_refs
from krate_gitops.git.remotes import Remote, is_url, parse_remote
from krate_gitops.git.request import check_ref_name
from krate_gitops.git.work_trees import RefMovedError, checked_out_at, move_with_work_tree
from krate_gitops.settings import Settings

_RACES = re.compile(
    r"stale info|fetch first|non-fast-forward|remote ref updated|failed to update ref|incorrect old value"
    r"|cannot lock ref|failed to lock|reference already exists|but expected"
)
"""Words of git and of forges for a branch that somebody else moved meanwhile."""
_IN_THE_WAY = re.compile(r"exists; cannot create")
"""A branch whose name is the folder of the new one, or the reverse."""
_DENIED_ACCESS = re.compile(
    r"(?i)authentication failed|could not read (?:username|password)|permission denied|returned error: 40[13]"
)


class Pushed(enum.Enum):
    """What became of a push."""

    DONE = enum.auto()
    MOVED = enum.auto()
    """The branch stands elsewhere than was seen: build on its new tip."""


def push_branch(
    repository: Repository,
    spec: str,
    branch: str,
    new: str,
    expected: str | None,
    *,
    settings: Settings,
    with_work_tree: bool = False,
) -> Pushed:
    """Moves ``branch`` from ``expected`` (``None``: it isn't there) to commit ``new``, whose objects are in
    ``repository``; ``spec`` is what that was opened by. A branch that is there already counts as moved by us.
    ``with_work_tree`` moves the files of a branch that is checked out on this machine along, where no work is lost.

    Raises ``DeniedError(PUSH_REFUSED)`` when the other side doesn't take it: a protected branch, a hook, a branch that
    is checked out; ``UnavailableError`` with ``KR705`` without access and ``KR701`` for an unreachable remote;
    ``UsageError(INVALID_REQUEST)`` for a bundle, and for a commit that doesn't descend from ``expected``.
    """
    check_ref_name(branch)
    ref = f"refs/heads/{branch}"
    if expected is not None and not descends(repository, new, expected):
        raise UsageError("INVALID_REQUEST", f"{new[:12]} doesn't continue {expected[:12]}", location=ref)
    if is_remote(spec):
        remote = parse_remote(spec, allow_file_protocol=settings.allow_file_protocol)
        return _push(repository, remote, ref, new, expected, settings)
    return _move(repository, spec, ref, new, expected, with_work_tree=with_work_tree)


def delete_branch(repository: Repository, spec: str, branch: str, expected: str, *, settings: Settings) -> Pushed:
    """Deletes ``branch`` while it stands on ``expected``; ``MOVED`` where it stands elsewhere, or is gone already.

    Raises as ``push_branch``.
    """
    check_ref_name(branch)
    if not repository.is_object_id(expected):
        raise UsageError("INVALID_REQUEST", "a branch is deleted by the full id of its commit", location=branch)
    ref = f"refs/heads/{branch}"
    if is_remote(spec):
        remote = parse_remote(spec, allow_file_protocol=settings.allow_file_protocol)
        return _push(repository, remote, ref, "", expected, settings)
    refuse_bundle(spec)
    refuse_checked_out(repository, ref)
    try:
        run_git(repository.git_dir, ["update-ref", "-d", ref, expected])
    except GitFailedError as error:
        if read_refs(repository, [ref]).get(ref) == expected and _RACES.search(error.detail) is None:
            raise
        return Pushed.MOVED
    return Pushed.DONE


def descends(repository: Repository, commit: str, ancestor: str) -> bool:
    """Whether a commit is another one or has it in its history."""
    count = run_git(repository.git_dir, ["rev-list", "--count", "--max-count=1", ancestor, f"^{commit}"])
    return count.strip() == b"0"


def _move(
    repository: Repository, spec: str, ref: str, new: str, expected: str | None, *, with_work_tree: bool
) -> Pushed:
    refuse_bundle(spec)
    place = checked_out_at(repository).get(ref) if with_work_tree and expected is not None else None
    if place is not None and expected is not None:
        return _move_checked_out(repository, place, ref, new, expected)
    refuse_checked_out(repository, ref)
    try:
        # It waits for other writers' locks, and knows every way refs are stored.
        run_git(repository.git_dir, ["update-ref", ref, new, expected or "0" * len(new)])
    except GitFailedError as error:
        tip = read_refs(repository, [ref]).get(ref)
        if tip == new:
            return Pushed.DONE
        if _IN_THE_WAY.search(error.detail):
            raise _refused(f"{ref} can't be made: {error.detail}", ref) from None
        if tip == expected and _RACES.search(error.detail) is None:
            raise
        return Pushed.MOVED
    return Pushed.DONE


def _move_checked_out(repository: Repository, place: Path, ref: str, new: str, expected: str) -> Pushed:
    try:
        move_with_work_tree(place, ref, new, expected)
    except RefMovedError as error:
        tip = read_refs(repository, [ref]).get(ref)
        if tip == new:
            return Pushed.DONE
        if tip == expected and _RACES.search(error.said) is None:
            raise _refused(f"{ref} can't be moved: {error.said}", ref) from None
        return Pushed.MOVED
    return Pushed.DONE


def refuse_bundle(spec: str) -> None:
    """Raises ``UsageError(INVALID_REQUEST)`` for a bundle file, which is read from and never written to."""
    if Path(spec).is_file() and is_bundle(Path(spec)):
        raise UsageError(
            "INVALID_REQUEST",
            "a bundle can't be written to",
            hint="name the repository it was made from",
            location=spec,
        )


def refuse_checked_out(repository: Repository, ref: str) -> None:
    """Raises ``DeniedError(PUSH_REFUSED)`` for a branch with files in a work tree, as git does for a push.

    Moved under them, the branch would make the files look as if somebody had taken its new commits back.
    """
    if ref in checked_out_at(repository):
        raise DeniedError(
            "PUSH_REFUSED",
            f"{ref} is checked out in {repository.name}: moving it would leave its files behind",
            hint="write by pull request and merge it there, or use a bare repository",
            location=ref,
        )


def is_remote(spec: str) -> bool:
    """Whether what a repository was opened by is an address, and not a path on this machine."""
    return is_url(spec) and not Path(spec).exists()


def _push(
    repository: Repository, remote: Remote, ref: str, new: str, expected: str | None, settings: Settings
) -> Pushed:
    """Moves a ref of a remote by a lease; an empty ``new`` deletes it."""
    lease = f"--force-with-lease={ref}:{expected or ''}"
    # What a user's own configuration may add to a push has no place in this one.
    plain = ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"]
    arguments = ["push", *plain, lease, "--", remote.url, f"{new}:{ref}"]
    answer = ask_remote(repository.git_dir, arguments, protocols=remote.protocols, deadline=settings.deadline_seconds)
    if answer.status == 0:
        return Pushed.DONE
    verdict = _verdict(answer, ref)
    if verdict is None or verdict.startswith("[remote failure]"):
        raise _unreachable(remote, answer)
    is_in_the_way = _IN_THE_WAY.search(answer.complaint)
    if not is_in_the_way and (not verdict.startswith("[remote rejected]") or _RACES.search(verdict)):
        return Pushed.MOVED
    raise _refused(f"{remote.url} refuses {ref}: {verdict} {answer.complaint}".rstrip(), ref)


def _refused(message: str, ref: str) -> DeniedError:
    return DeniedError(
        "PUSH_REFUSED",
        message,
        hint="the branch is protected, a hook says no, or another branch has its name: write by pull request, or ask "
        "who runs the repository",
        location=ref,
    )


def _verdict(answer: Answer, ref: str) -> str | None:
    """What the line about our ref says; ``None`` when there is none, for then it never came so far."""
    for line in answer.output.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        names, _, said = rest.partition("\t")
        if flag == "!" and names.endswith(f":{ref}"):
            return said
    return None


def _unreachable(remote: Remote, answer: Answer) -> KrateError:
    said = answer.complaint or f"git ended with {answer.status}"
    if _DENIED_ACCESS.search(said):
        hint = "give git credentials that may push: a credential helper or an ssh key"
        return UnavailableError("KR705", f"{remote.url} doesn't let us push: {said}", hint=hint, location=remote.url)
    hint = "check the address, the network and your access rights"
    return UnavailableError("KR701", f"{remote.url} can't be pushed to: {said}", hint=hint, location=remote.url)
