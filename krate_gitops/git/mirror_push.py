"""A mirror that is reached by an address: everything in one push, and nothing forced."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from krate_gitops.errors import DeniedError
from krate_gitops.git.checkout import borrow
from krate_gitops.git.command import Answer, GitFailedError, ask_remote, run_git_with_remote
from krate_gitops.git.every_ref import Refs, refs_text
from krate_gitops.git.mirror_plan import Plan
from krate_gitops.git.mirror_source import Mirrored, Source, check_equal, move_refs, result, unwritable
from krate_gitops.git.mirrors import MIRRORED, ask_for_refs, read_advertisement
from krate_gitops.git.remotes import Remote
from krate_gitops.progress import Progress
from krate_gitops.settings import Settings

_DELETED_AT_ONCE = 200
_NO_ATOMIC = "does not support --atomic"


def mirror_to_remote(source: Source, remote: Remote, settings: Settings, prune: bool, progress: Progress) -> Mirrored:
    """Makes a remote equal to the source. Raises as ``mirroring.mirror`` does."""
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
        move_refs(ours.git_dir, Plan(create=dict(source.refs)))
        names = sorted(plan.delete)
        for start in range(0, len(names), _DELETED_AT_ONCE):
            some = names[start : start + _DELETED_AT_ONCE]
            leases = [f"--force-with-lease={name}:{plan.delete[name]}" for name in some]
            talk.push(ours.git_dir, [*leases, "--"], [f":{name}" for name in some])
        if plan.wanted:
            # Not forced: whatever moved over there since it was asked is refused here or by the other side.
            talk.push(ours.git_dir, ["--"], [f"{place}*:{place}*" for place in MIRRORED])
    after, head = talk.refs()
    check_equal(source, after, remote.url)
    progress("push", total, total)
    return result(source, plan, remote.url, head)


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
            raise unwritable(self.remote.url, error.detail) from None
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
            raise unwritable(self.remote.url, answer.complaint or f"git ended with {answer.status}")
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
