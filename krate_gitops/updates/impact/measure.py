"""``measure_impact``: what agents will be told differently when a proposed change is merged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from typing import TypeVar

import msgspec

from krate_gitops.index.build import Built
from krate_gitops.index.proposed import Changes, trial
from krate_gitops.index.sound import with_indexes
from krate_gitops.index.strength import analyse
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.records.database import Database
from krate_gitops.updates.impact.answers import Safe, ask_both
from krate_gitops.updates.impact.model import Impact
from krate_gitops.updates.impact.paired import BaseIndex, TrialIndex, share_rules
from krate_gitops.updates.impact.recorded import Sample, recorded_questions
from krate_gitops.updates.impact.structure import structure_change
from krate_gitops.updates.nearness import NearRepeat, near_repeats

SAMPLE = 50
"""Distinct recorded questions that are asked again."""
Result = TypeVar("Result")


class Preview(msgspec.Struct, frozen=True):
    """All that can be said of a change before it is merged."""

    impact: Impact
    near: tuple[NearRepeat, ...]


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
    return _beside(
        before, base_commit, after, commit, lambda base, trial: impact_between(base, trial, recorded, policy)
    )


def preview(
    before: Brain,
    base_commit: str,
    after: Brain,
    commit: str,
    *,
    database: Database | None,
    policy: EffectivePolicy,
    sample: int = SAMPLE,
) -> Preview:
    """The impact, and what the commit's records nearly repeat; both indexes are opened once. See ``measure_impact``."""
    if commit == base_commit:
        return Preview(Impact(base_commit=base_commit, asked=0), ())
    recorded = recorded_questions(database, before.settings.organization, before.repository.name, sample)
    return _beside(
        before,
        base_commit,
        after,
        commit,
        lambda base, trial: Preview(impact_between(base, trial, recorded, policy), near_repeats(base, trial, policy)),
    )


def preview_changes(
    brain: Brain,
    base_commit: str,
    changes: Changes,
    *,
    database: Database | None,
    policy: EffectivePolicy,
    sample: int = SAMPLE,
    now: datetime | None = None,
) -> Preview:
    """The same of changes that are committed nowhere: paths below the memory root with contents, ``None`` to delete.

    Nothing of the trial is left. Raises as ``trial`` and ``measure_impact`` do.
    """
    target = brain.target(base_commit)
    root = brain.builder.build(target).manifest.root
    with trial(brain.builder, target, changes, root=root, home=brain.settings.home, now=now) as tried:
        after = brain.within(tried.head.repository)
        return preview(after, base_commit, after, tried.head.commit, database=database, policy=policy, sample=sample)


def _beside(
    before: Brain, base_commit: str, after: Brain, commit: str, action: Callable[[OpenIndex, OpenIndex], Result]
) -> Result:
    """What ``action`` makes of the indexes of the base and the trial commit."""

    def opened(built: list[Built]) -> Result:
        with ExitStack() as stack:
            base = stack.enter_context(BaseIndex(before.builder, built[0]))
            if share_rules(*built):
                other: OpenIndex = stack.enter_context(TrialIndex(after.builder, built[1], base))
            else:
                other = stack.enter_context(OpenIndex(after.builder, built[1]))
            return action(base, other)

    # The base first: the trial commit's index is then completed from its shards.
    return with_indexes(before.builder, [before.target(base_commit), after.target(commit)], opened)


def impact_between(base: OpenIndex, trial: OpenIndex, recorded: Sample, policy: EffectivePolicy) -> Impact:
    """The same between two open indexes, of questions that were found before."""
    safe = Safe(base, trial)
    # Half a surrogate pair makes a question one that is refused, and no text to look up.
    texts = (question.request.text.encode("utf-8", "replace").decode() for question in recorded.questions)
    queries = list(map(analyse, texts))
    for opened in (base, trial):
        opened.ranker.prepare(queries)
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
