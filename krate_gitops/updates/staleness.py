"""What reviewers have to know of an update that was made from older memory than the present."""

from __future__ import annotations

from krate_gitops.git.history import log_path, read_commit
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.pins import holds
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.model import AgentMemoryUpdate
from krate_gitops.updates.validation import Checked

_DAY = 86_400
_MOST_COMMITS = 20


def banner_of(desk: Desk, update: AgentMemoryUpdate, checked: Checked) -> str:
    """One line with the pinned commit, its age, and what happened to the touched files since; empty for the present."""
    observed = update.spec.observed_commit or update.spec.base_commit
    repository = desk.brain.repository
    if observed == checked.tip or not holds(repository, observed):
        return ""
    prefix = f"{checked.root}/" if checked.root else ""
    paths = [prefix + item.path for item in update.spec.changes]
    with ObjectReader(repository) as reader:
        then = read_commit(reader, observed).committer_time
        since = log_path(reader, checked.tip, paths, limit=_MOST_COMMITS)
        changed = [one for one in since if one.committer_time > then]
    age = max(0, int(desk.now.timestamp()) - then)
    days = f"{age // _DAY} days" if age >= 2 * _DAY else f"{age // 3600} hours"
    count = f"{len(changed)}{'+' if len(changed) == _MOST_COMMITS else ''}"
    return (
        f"made from memory at {observed[:12]}, {days} old; the touched files were changed {count} times since"
        if changed
        else f"made from memory at {observed[:12]}, {days} old; the touched files are as they were"
    )
