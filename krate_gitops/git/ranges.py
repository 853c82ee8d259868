"""Stretches of a first-parent chain."""

from __future__ import annotations

from typing import NamedTuple

from krate_gitops.git.chain import FirstParentChain


class CommitRange(NamedTuple):
    """Commits from ``start`` on and before ``end``; without an end, up to any tip there will be."""

    start: str
    end: str | None = None

    def covers(self, chain: FirstParentChain, position: int | None) -> bool:
        """Whether the commit at a position lies in it. Commits off the chain lie in no range.

        A range whose start the chain doesn't have is of other history. One whose end it doesn't have was closed by a
        commit that is gone, and so it is open.
        """
        start = chain.position(self.start)
        if position is None or start is None or position < start:
            return False
        end = chain.position(self.end) if self.end else None
        return end is None or position < end
