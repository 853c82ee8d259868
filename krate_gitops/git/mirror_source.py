"""What is copied to a mirror, what came of it, and how its refs are moved."""

from __future__ import annotations

from pathlib import Path

import msgspec

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.command import GitFailedError, run_git
from krate_gitops.git.every_ref import Refs, refs_text
from krate_gitops.git.local import Repository
from krate_gitops.git.mirror_plan import Plan, plan_mirror
from krate_gitops.git.packs import held_commits
from krate_gitops.git.push import descends


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


class Source(msgspec.Struct, frozen=True):
    """What is copied: a repository, its refs as they were when they were read, and its default branch."""

    repository: Repository
    refs: Refs
    branch: str

    @property
    def head(self) -> str:
        """Full name of the default branch."""
        return f"refs/heads/{self.branch}"

    def plan(self, target: Refs, name: str, *, prune: bool) -> Plan:
        """What the copy called ``name`` needs. Raises ``KrateError(MIRROR_DIVERGED)``."""

        def continues(new: str, old: str) -> bool:
            # A commit that the source has never seen is nobody's past.
            both = held_commits(self.repository.git_dir, [new, old])
            return len(both) == 2 and descends(self.repository, new, old)

        return plan_mirror(self.refs, target, default=self.head, descends=continues, prune=prune, name=name)


def move_refs(git_dir: Path, plan: Plan) -> None:
    """Deletions first: a new name may need the place of a deleted one. Then everything else in one transaction.

    Raises ``KrateError(MEMORY_REF_STALE)`` for a ref that isn't where the plan has it.
    """
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
            raise stale(f"its refs can't be moved: {error.detail}") from None


def check_equal(source: Source, found: Refs, to: str) -> None:
    """Raises ``KrateError(MEMORY_REF_STALE)`` for a copy whose refs are not those that were to be copied."""
    different = [ref for ref in {*source.refs, *found} if source.refs.get(ref) != found.get(ref)]
    if different:
        raise stale(f"{to} was written to meanwhile: {refs_text(sorted(different))}")


def result(source: Source, plan: Plan, to: str, head: str | None) -> Mirrored:
    """What was done, to be told."""
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


def stale(message: str) -> KrateError:
    """The error for a place that moved meanwhile."""
    return KrateError("MEMORY_REF_STALE", message, hint="see that nobody else writes there, and mirror again")


def unwritable(to: str, why: str) -> UnavailableError:
    """The error for a place that can't be reached or written."""
    return UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"{to} can't be mirrored to: {why}",
        hint="check the place, the network, free space and your right to write there",
        location=to,
    )
