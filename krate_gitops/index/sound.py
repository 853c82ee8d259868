"""Work on indexes that must be whole: what a damaged store spoils is built again, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from krate_gitops.errors import UnavailableError
from krate_gitops.index.build import Builder, Built
from krate_gitops.index.shard import DamagedError
from krate_gitops.index.source import Target
from krate_gitops.progress import Progress, silent

Result = TypeVar("Result")


def with_indexes(
    builder: Builder,
    targets: Sequence[Target],
    action: Callable[[list[Built]], Result],
    *,
    progress: Progress = silent,
) -> Result:
    """What ``action`` makes of the indexes of some commits, built where they are not there.

    Damage shows at the first read of the bad file. Then the damaged shards are built anew and the action is done again.
    Raises ``UnavailableError(INDEX_STORE_DAMAGED)`` when the store still gives back other bytes than were written.
    """
    try:
        return action([builder.build(target, progress=progress) for target in targets])
    except DamagedError:
        pass
    try:
        return action([_rebuild(builder, target, progress) for target in targets])
    except DamagedError as error:
        raise UnavailableError(
            "INDEX_STORE_DAMAGED",
            f"the index store does not keep what is written to it: {error}",
            hint="check the disk, or choose another --home",
            location=str(builder.store.root),
        ) from error


def _rebuild(builder: Builder, target: Target, progress: Progress) -> Built:
    # Without a manifest nobody can say which shard is bad: a commit that was never finished is built from its files.
    return builder.build(target, force=builder.repair(target) == 0, progress=progress)
