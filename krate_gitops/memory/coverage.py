"""Which snapshots a range of bad history covers: asked when a range is marked, and when a snapshot is stored."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from krate_gitops.git.chain import FirstParentChain
from krate_gitops.git.ranges import CommitRange
from krate_gitops.records.known_bad import KnownBadRange, affected_snapshots


def covered_snapshots(
    connection: Connection, organization: str, bad: KnownBadRange, chain: FirstParentChain, commits: Iterable[str]
) -> set[int]:
    """Row numbers of the snapshots pinned to one of the commits that the range covers; a withdrawn one covers none."""
    if bad.withdrawn:
        return set()
    stretch = CommitRange(bad.start, bad.end)
    within = [commit for commit in commits if stretch.covers(chain, chain.position(commit))]
    return affected_snapshots(connection, organization, bad, within)
