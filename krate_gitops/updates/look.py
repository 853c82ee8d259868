"""Brings updates up to what happened elsewhere: at the forge, in the repository, and by the passing of time.

Looking again and again leads to the same; a webhook or a timer does no more than to say that it is worth while.
"""

from __future__ import annotations

from datetime import timedelta

from krate_gitops.errors import KrateError
from krate_gitops.git.command import run_git
from krate_gitops.git.instants import parse_instant
from krate_gitops.git.lookup import read_refs
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.docket import MovedOnError
from krate_gitops.updates.end import end_update, is_part_of, remove_branch
from krate_gitops.updates.finish import finish_arrived, settle_merging
from krate_gitops.updates.forge_reviews import take_reviews
from krate_gitops.updates.forges.port import PullState
from krate_gitops.updates.land import merge
from krate_gitops.updates.ledger import OPEN, Held, Ledger
from krate_gitops.updates.model import TERMINAL, AgentMemoryUpdate, Phase
from krate_gitops.updates.names import PREFIX
from krate_gitops.updates.propose import carry_on, judge_again
from krate_gitops.updates.pushed import adopt_pushed
from krate_gitops.updates.repository_policy import EXPIRES_AFTER_DAYS

_OF_REVIEW = ("ReviewReady", "Approved", "Merged", "Ready")


def look(desk: Desk, name: str) -> Held:
    """One update as it is now. Raises what Git and the forge raise; then nothing of it has changed."""
    desk = desk.again()
    return _looked(desk, Ledger(desk).find(name))


def look_at_all(desk: Desk) -> list[Held]:
    """Every open update as it is now, and no branch left of one that has ended.

    One that can't be looked at doesn't keep the others waiting: its error is raised when they are done.
    """
    desk = desk.again()
    ledger = Ledger(desk)
    found: list[Held] = []
    failure: KrateError | None = None
    # Oldest first, for what came later may replace it. Each is read when its turn comes: one that is shown may have
    # ended another.
    for held in reversed(ledger.listed(phases=OPEN, limit=1000)):
        try:
            found.append(_looked(desk, ledger.find(held.name)))
        except MovedOnError:
            found.append(ledger.find(held.name))
        except KrateError as error:
            failure = failure or error
    clean_branches(desk)
    if failure is not None:
        raise failure
    return found


def clean_branches(desk: Desk) -> list[str]:
    """Removes branches of ours whose update has ended; their names. Costs what there is of such branches."""
    listed = run_git(desk.brain.repository.git_dir, ["for-each-ref", "--format=%(refname)", f"refs/heads/{PREFIX}"])
    names = [line.removeprefix("refs/heads/") for line in listed.decode("utf-8", "surrogateescape").splitlines()]
    if not names:
        return []
    ended = Ledger(desk).listed(phases={phase.value for phase in TERMINAL}, limit=1000)
    by_branch = {held.update.spec.branch_name: held for held in ended}
    for held in Ledger(desk).listed(phases=OPEN, limit=1000):
        by_branch.pop(held.update.spec.branch_name, None)
    return [name for name in names if name in by_branch and remove_branch(desk, by_branch[name].update)]


def _looked(desk: Desk, held: Held) -> Held:
    update = held.update
    if update.phase in (Phase.PENDING, Phase.VALIDATING):
        return _arrived(desk, held) or carry_on(desk, held)
    if update.phase is Phase.MERGING:
        return settle_merging(desk, held) or _arrived(desk, held) or _merged_again(desk, held)
    if update.phase in TERMINAL:
        return held
    for step in (_arrived, _closed, _expired):
        ended = step(desk, held)
        if ended is not None:
            return ended
    held = adopt_pushed(desk, held)
    if held.update.phase.value in OPEN:
        held = take_reviews(desk, held)
    if held.update.phase.value not in OPEN:
        return held
    status = held.update.status
    # Merging found it wrong on a newer target, and left it to its reviewers: it needs a revision.
    is_wrong = status.phase is Phase.AWAITING_APPROVAL and any(
        one.status == "False" and one.type not in _OF_REVIEW for one in status.conditions
    )
    if is_wrong or status.validated_commit != desk.tip(held.update.spec.target_branch):
        held = judge_again(desk, held)
    return held


def _merged_again(desk: Desk, held: Held) -> Held:
    """A merge that somebody began and didn't finish, done anew; what stands in its way is for who asks to merge."""
    try:
        return merge(desk, held.name)
    except KrateError:
        return Ledger(desk).find(held.name)


def _arrived(desk: Desk, held: Held) -> Held | None:
    """An update that somebody merged without us."""
    update = held.update
    head, branch = update.status.head_commit, update.spec.target_branch
    tip = desk.tip(branch)
    if tip is None:
        return None
    commit = None
    if head is not None and is_part_of(desk, head, tip):
        commit = _first_with(desk, update, head, tip)
    elif update.status.pull_request_ref is not None:
        pull = desk.forge.read(update.status.pull_request_ref)
        if pull.state is PullState.MERGED:
            commit = pull.merge_commit if pull.merge_commit and is_part_of(desk, pull.merge_commit, tip) else tip
    if commit is None:
        return None
    return finish_arrived(desk, held, commit)


def _first_with(desk: Desk, update: AgentMemoryUpdate, head: str, tip: str) -> str:
    """The oldest commit of the target's first parents that has a commit in its history: itself, where it was moved
    there by a fast-forward.
    """
    git_dir = desk.brain.repository.git_dir
    chain = run_git(git_dir, ["rev-list", "--first-parent", tip, f"^{update.spec.base_commit}"]).decode("ascii").split()
    if head in chain:
        return head
    arguments = ["rev-list", "--first-parent", "--ancestry-path", "--reverse", f"{head}..{tip}"]
    listed = run_git(git_dir, arguments).decode("ascii").split()
    return listed[0] if listed else tip


def _closed(desk: Desk, held: Held) -> Held | None:
    """An update whose request or branch somebody took away."""
    status, spec = held.update.status, held.update.spec
    if status.pull_request_ref is not None:
        pull = desk.forge.read(status.pull_request_ref)
        if pull.state is PullState.CLOSED:
            return end_update(desk, held, Phase.REJECTED, reason="ClosedAtForge")
    if status.head_commit is not None:
        name = f"refs/heads/{spec.branch_name}"
        if name not in read_refs(desk.brain.repository, [name]):
            return end_update(desk, held, Phase.REJECTED, reason="BranchDeleted")
    return None


def _expired(desk: Desk, held: Held) -> Held | None:
    """An update that nobody touched for too long. That its target moved, and it was judged again, is no touch."""
    changed = parse_instant(held.update.status.changed_at or held.stored.updated_at, now=desk.now)
    age = timedelta(seconds=int(desk.now.timestamp()) - changed)
    if age <= timedelta(days=EXPIRES_AFTER_DAYS):
        return None
    comment = f"Nothing happened for {EXPIRES_AFTER_DAYS} days."
    return end_update(desk, held, Phase.EXPIRED, reason="Expired", comment=comment)
