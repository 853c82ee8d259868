"""Retrieval metrics over ranked ids and graded judgements.

A *ranking* is a list of ids, best first, each at most once. *Grades* map an id to 0..3; an id that is not in them was
never judged and counts as 0. Means over questions are left to the caller, so that paired differences stay possible.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Grades = Mapping[str, int]


def dcg(gains: Sequence[int]) -> float:
    """Discounted gain of grades in rank order: gain 2^g - 1, discount log2(rank + 1)."""
    return math.fsum(((1 << grade) - 1) / math.log2(rank + 1) for rank, grade in enumerate(gains, start=1))


def ndcg(ranking: Sequence[str], grades: Grades, depth: int = 10) -> float:
    """Discounted gain at ``depth`` over that of the best possible order; 0 where nothing is relevant."""
    ideal = dcg(sorted(grades.values(), reverse=True)[:depth])
    return dcg([grades.get(item, 0) for item in ranking[:depth]]) / ideal if ideal else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades, depth: int = 10, least: int = 2) -> float:
    """One over the rank of the first id graded at least ``least``; 0 when none stands within ``depth``."""
    for rank, item in enumerate(ranking[:depth], start=1):
        if grades.get(item, 0) >= least:
            return 1 / rank
    return 0.0


def recall(ranking: Sequence[str], grades: Grades, depth: int = 20, least: int = 1) -> float:
    """Share of the ids graded at least ``least`` that stand within ``depth``; 0 where there is none."""
    relevant = {item for item, grade in grades.items() if grade >= least}
    return len(relevant.intersection(ranking[:depth])) / len(relevant) if relevant else 0.0


def unjudged(ranking: Sequence[str], grades: Grades, depth: int = 10) -> float:
    """Share of the first ``depth`` results that nobody judged; 0 for an empty ranking."""
    shown = ranking[:depth]
    return sum(item not in grades for item in shown) / len(shown) if shown else 0.0


def outranks(ranking: Sequence[str], newer: Sequence[str], older: Sequence[str]) -> bool:
    """Whether the best of ``newer`` stands before every one of ``older``; an absent id stands last."""
    places = {item: place for place, item in enumerate(ranking)}
    best = min((places[item] for item in newer if item in places), default=None)
    return best is not None and all(best < places.get(item, len(ranking)) for item in older)


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; 0 for no values."""
    return math.fsum(values) / len(values) if values else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """Value below which ``share`` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def rejected(no_answer_scores: Sequence[float], answered_scores: Sequence[float], share: float = 0.1) -> float:
    """Share of the no-answer questions whose top score lies under a threshold.

    The threshold is the score that all but ``share`` of the answerable questions reach, so the figure says how many
    questions without an answer a caller could turn away at the price of that many wrongly refused ones. An empty
    result is score 0.
    """
    if not no_answer_scores or not answered_scores:
        return 0.0
    threshold = quantile(answered_scores, share)
    return mean([float(score < threshold) for score in no_answer_scores])


class Difference(NamedTuple):
    """Mean paired difference with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    ours: Sequence[float], theirs: Sequence[float], resamples: int = 1000, seed: int = 1
) -> Difference:
    """Difference of two systems on the same questions, resampled over the questions."""
    differences = [a - b for a, b in zip(ours, theirs, strict=True)]
    if not differences:
        return Difference(0.0, 0.0, 0.0)
    draw = random.Random(seed)
    means = sorted(mean(draw.choices(differences, k=len(differences))) for _ in range(resamples))
    return Difference(mean(differences), quantile(means, 0.025), quantile(means, 0.975))
