"""All branches, tags and notes of a repository at once, and all that they stand on."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.chain import require_complete_history
from krate_gitops.git.command import complaint_text, run_git, start_git
from krate_gitops.git.local import Repository
from krate_gitops.git.mirrors import MIRRORED
from krate_gitops.git.names import escape_name

Refs = Mapping[str, str]
"""Object ids by full ref name. A byte of a name that is no UTF-8 stands as half a surrogate pair."""


def read_every_ref(repository: Repository) -> dict[str, str]:
    """Every branch, tag and note, tags as they are and not what they stand for.

    Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` for a repository with a ref that git can't read, which it
    would leave out without a word, and for one that has not all of its history.
    """
    require_complete_history(repository)
    if repository.is_partial:
        raise _unusable(repository, "it is a partial clone: objects were left out", "clone it without --filter")
    command = ["for-each-ref", "--format=%(objectname)%09%(refname)", *MIRRORED]
    with start_git(repository.git_dir, command) as (_, listed, complaints):
        output = listed.read()
        complaints.seek(0)
        said = complaint_text(complaints.read(64_000))
    if said:
        raise _unusable(repository, f"git says {said}", "repair or delete that ref: `git fsck` names it")
    lines = (line.partition("\t") for line in output.decode("utf-8", "surrogateescape").splitlines())
    return {name: oid for oid, _, name in lines}


def reachable_objects(repository: Repository, refs: Refs) -> tuple[list[str], int]:
    """Ids of all commits that the refs stand on, sorted, and the number of all objects; reading proves they are there.

    Raises ``GitFailedError`` when one is missing.
    """
    stdin = "".join(f"{oid}\n" for oid in sorted(set(refs.values()))).encode()
    commits = run_git(repository.git_dir, ["rev-list", "--stdin"], stdin=stdin).decode("ascii").split()
    every = run_git(repository.git_dir, ["rev-list", "--objects", "--no-object-names", "--stdin"], stdin=stdin)
    return sorted(commits), every.count(b"\n")


def refs_text(names: list[str], most: int = 10) -> str:
    """Names of refs for a message: printable, and not too many."""
    shown = ", ".join(escape_ref(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def escape_ref(name: str) -> str:
    """A ref's name as it can be shown and stored."""
    return escape_name(name.encode("utf-8", "surrogateescape"))


def _unusable(repository: Repository, why: str, hint: str) -> KrateError:
    return UnavailableError("MEMORY_REPOSITORY_UNAVAILABLE", f"{repository.name} can't be used: {why}", hint=hint)
