"""``measure_impact``: what agents will be told differently when a proposed change is merged."""

from __future__ import annotations

from contextlib import ExitStack

from krate_gitops.index.build import Built
from krate_gitops.index.sound import with_indexes
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.records.database import Database
from krate_gitops.updates.impact.answers import Safe, ask_both
from krate_gitops.updates.impact.model import Impact
from krate_gitops.updates.impact.paired import BaseIndex, TrialIndex, share_rules
from krate_gitops.updates.impact.recorded import Sample, recorded_questions
from krate_gitops.updates.impact.structure import structure_change

SAMPLE = 50
"""Distinct recorded questions that are asked again."""


def measure_impact(
    before: Brain,
    base_commit: str,
    after: Brain,
    commit: str,
    *,
    database: Database | None,
    policy: EffectivePolicy,
    sample: int = SAMPLE,
) -> Impact:
    """The impact of ``commit`` on top of ``base_commit``, as far as ``policy`` lets the viewer read.

    ``after`` is ``before.within`` the repository that holds the trial commit. Recorded questions are those of the
    latest snapshots of this organisation and memory repository; without a ``database`` there are none. Both indexes
    are built where they are not there; whoever made the trial commit forgets its index. Raises ``UnavailableError``
    when a repository, the index store or the record store can't be read.
    """
    if commit == base_commit:
        return Impact(base_commit=base_commit, asked=0)
    recorded = recorded_questions(database, before.settings.organization, before.repository.name, sample)

    def between(built: list[Built]) -> Impact:
        with ExitStack() as stack:
            base = stack.enter_context(BaseIndex(before.builder, built[0]))
            if share_rules(*built):
                trial: OpenIndex = stack.enter_context(TrialIndex(after.builder, built[1], base))
            else:
                trial = stack.enter_context(OpenIndex(after.builder, built[1]))
            return impact_between(base, trial, recorded, policy)

    # The base first: the trial commit's index is then completed from its shards.
    return with_indexes(before.builder, [before.target(base_commit), after.target(commit)], between)


def impact_between(base: OpenIndex, trial: OpenIndex, recorded: Sample, policy: EffectivePolicy) -> Impact:
    """The same between two open indexes, of questions that were found before."""
    safe = Safe(base, trial)
    return Impact(
        base_commit=base.manifest.commit,
        asked=len(recorded.questions),
        unreadable=recorded.unreadable,
        queries=tuple(
            found
            for question in recorded.questions
            if (found := ask_both(question, base, trial, policy, safe)) is not None
        ),
        structure=structure_change(base, trial, policy, safe),
    )
