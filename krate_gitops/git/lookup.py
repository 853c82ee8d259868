"""Reads refs and follows them to commits.

Refs are asked for by full name. User text never reaches git as a revision: it is an exact ref name, or hex digits.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.command import run_git
from krate_gitops.git.local import ID_LENGTHS, Repository
from krate_gitops.git.objects import ObjectReader

_SHORTEST_ABBREVIATION = 7
_DEEPEST_TAG = 50
_HEX_DIGITS = "0123456789abcdef"


class Peeled(msgspec.Struct, frozen=True):
    """The commit at the end of a line of annotated tags, and the bytes of the outermost tag, if any."""

    commit: str
    tag: bytes | None = None


def read_refs(repository: Repository, names: Sequence[str]) -> dict[str, str]:
    """Object id of each of the refs that exists; ``names`` are full and have passed ``check_ref_name``."""
    # for-each-ref also lists what lies below a name, hence the filter.
    output = run_git(repository.git_dir, ["for-each-ref", "--format=%(objectname) %(refname)", *names])
    found = (line.split(" ", 1) for line in output.decode("utf-8", "surrogateescape").splitlines())
    return {name: oid for oid, name in found if name in names}


def find_default_branch(repository: Repository) -> str:
    """Short name of the branch whose history counts, whether it has commits yet or not.

    It is the one HEAD names. A detached HEAD says nothing: then the branch that the origin's HEAD names, then ``main``,
    then the only branch there is. Raises ``UnavailableError(MEMORY_REF_NOT_FOUND)`` rather than guess further.
    """
    head = _symbolic_ref(repository, "HEAD")
    if head.startswith("refs/heads/"):
        return head.removeprefix("refs/heads/")
    listed = run_git(repository.git_dir, ["for-each-ref", "--format=%(refname)", "refs/heads/"])
    branches = [line.removeprefix("refs/heads/") for line in listed.decode("utf-8", "surrogateescape").splitlines()]
    origin = _symbolic_ref(repository, "refs/remotes/origin/HEAD").removeprefix("refs/remotes/origin/")
    for name in (origin, "main"):
        if name in branches:
            return name
    if len(branches) == 1:
        return branches[0]
    raise UnavailableError(
        "MEMORY_REF_NOT_FOUND",
        f"{repository.name} has no default branch: HEAD names none, and there are {len(branches)} branches",
        hint="check out the default branch, or set HEAD with `git symbolic-ref HEAD refs/heads/<branch>`",
        location="HEAD",
    )


def peel(reader: ObjectReader, oid: str, *, name: str) -> Peeled:
    """Follows annotated tags to a commit; ``name`` is what errors call the start.

    Raises ``UnavailableError(MEMORY_REF_NOT_FOUND)`` when an object is missing, ``UsageError(MEMORY_REF_NOT_COMMIT)``
    when the line ends at a tree or a blob.
    """
    outermost: bytes | None = None
    for _ in range(_DEEPEST_TAG):
        header = reader.header(oid)
        if header is None:
            raise not_found(reader.repository, name)
        kind, _ = header
        if kind == "commit":
            return Peeled(oid, outermost)
        if kind != "tag":
            raise UsageError(
                "MEMORY_REF_NOT_COMMIT", f"{name} is a {kind}, not a commit", hint="name a commit", location=name
            )
        tag = reader.read(oid).data
        outermost = tag if outermost is None else outermost
        oid = tag.partition(b"\n")[0].removeprefix(b"object ").decode("ascii", "replace")
        if not reader.repository.is_object_id(oid):
            raise not_found(reader.repository, name)
    raise UsageError("MEMORY_REF_NOT_COMMIT", f"{name} is a tag of a tag without end", hint="name a commit")


def is_reachable(repository: Repository, commit: str) -> bool:
    """Whether a commit is part of the history of a branch or a tag.

    What only other refs keep, such as a forge's pull requests or a fork network, doesn't count as this repository's.
    """
    arguments = ["rev-list", "--max-count=1", "--ignore-missing", commit, "--not", "--branches", "--tags"]
    return not run_git(repository.git_dir, arguments).strip()


def abbreviated(reader: ObjectReader, text: str) -> list[str]:
    """Ids of the objects that an abbreviation can mean; empty when the text is none.

    Commits (and tags of commits) that no branch or tag reaches are missing; other objects count, as they do for git.
    """
    prefix, repository = text.lower(), reader.repository
    if not _SHORTEST_ABBREVIATION <= len(text) < ID_LENGTHS[repository.object_format] or prefix.strip(_HEX_DIGITS):
        return []
    found = run_git(repository.git_dir, ["rev-parse", f"--disambiguate={prefix}"]).decode("ascii").split()
    return [oid for oid in found if _is_visible(reader, oid)]


def not_found(repository: Repository, name: str) -> UnavailableError:
    return UnavailableError(
        "MEMORY_REF_NOT_FOUND",
        f"{repository.name} has no branch, tag or commit {name}",
        hint="check the spelling, and that it was pushed: only what branches and tags reach can be read",
        location=name,
    )


def _is_visible(reader: ObjectReader, oid: str) -> bool:
    try:
        return is_reachable(reader.repository, peel(reader, oid, name=oid).commit)
    except UsageError:
        return True
    except UnavailableError:
        return False


def _symbolic_ref(repository: Repository, name: str) -> str:
    return run_git(repository.git_dir, ["symbolic-ref", "-q", name], answers=(0, 1)).decode("utf-8", "replace").strip()
