"""What agents will be told differently by an update: measured on the merged tree, told in its pull request."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.index.proposed import trial
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.impact.measure import SAMPLE, measure_impact
from krate_gitops.updates.impact.model import Impact
from krate_gitops.updates.impact.show import impact_table


def impact_of(desk: Desk, tip: str, files: Mapping[str, bytes | None], root: str, *, sample: int = SAMPLE) -> Impact:
    """The impact of changing ``files`` (paths below the memory root) on top of ``tip``.

    Told is what the reader of the desk may know. Raises as ``trial`` and ``measure_impact`` do.
    """
    brain = desk.brain
    with trial(brain.builder, brain.target(tip), files, root=root, home=brain.settings.home, now=desk.now) as tried:
        after = brain.within(tried.head.repository)
        return measure_impact(
            brain, tip, after, tried.head.commit, database=desk.database, policy=desk.reader, sample=sample
        )


def impact_section(desk: Desk, tip: str, files: Mapping[str, bytes | None], root: str) -> str:
    """Markdown of a short table."""
    return impact_table(impact_of(desk, tip, files, root))
