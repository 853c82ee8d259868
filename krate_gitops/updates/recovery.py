"""What is left to do when a revert is merged."""

from __future__ import annotations

from krate_gitops.memory.brain import Brain
from krate_gitops.memory.known_bad import Marked, close, ranges
from krate_gitops.records.database import Database


def close_ranges_fixed_by(
    brain: Brain, database: Database, offending_commit: str, merge_commit: str, by: str
) -> list[Marked]:
    """Closes the ranges of the brain that start with a commit which was taken back, at the commit that did it.

    Ranges that are closed or withdrawn already stay as they are, so it may be done again. ``by`` is who merged. Raises
    what ``known_bad.close`` raises: ``UsageError(INVALID_REQUEST)`` for a merge that isn't after the offending commit.
    """
    found = ranges(database, brain.settings.organization, brain.repository.name)
    still_open = [one for one in found if one.start == offending_commit and one.end is None and not one.withdrawn]
    return [close(brain, database, one.name, merge_commit, marked_by=by) for one in still_open]
