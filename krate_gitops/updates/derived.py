"""Derived files of a brain that keeps them in Git: built from what is about to be merged, part of the same commit."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.build import Built
from krate_gitops.index.export.documents import EXPORTS, Stamp, export
from krate_gitops.index.judged import Judged
from krate_gitops.index.proposed import trial
from krate_gitops.index.sound import with_indexes
from krate_gitops.index.source import INDEXES
from krate_gitops.updates.desk import Desk


def derived_files(desk: Desk, tip: str, files: Mapping[str, bytes | None], root: str) -> dict[str, bytes]:
    """Path below the memory root and content of each derived file of ``tip`` with ``files`` changed.

    They name ``tip`` as their source, for a commit can't name itself. Raises as ``trial`` does.
    """
    brain = desk.brain
    with trial(brain.builder, brain.target(tip), files, root=root, home=brain.settings.home, now=desk.now) as tried:

        def made(built: list[Built]) -> dict[str, bytes]:
            judged = Judged.of(brain.builder, built[0])
            with ObjectReader(tried.head.repository) as reader:
                return {
                    f"{INDEXES}{one.name}": b"".join(export(kind, judged, reader, Stamp(desk.instant, tip)))
                    for kind, one in EXPORTS.items()
                }

        return with_indexes(brain.builder, [tried.head], made)
