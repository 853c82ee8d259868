"""What one system does on one set of questions: values by question, and their means."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.eval import metrics
from tests.eval.golden import DEPTH
from tests.eval.judged import Question
from tests.eval.units import Hit, Searcher


class Answer(NamedTuple):
    """A system's answer to one question."""

    question: Question
    ranking: list[str]
    top_score: float
    milliseconds: float


class Scores(NamedTuple):
    """Means over the answerable questions, but ``rejected``, which is over those without an answer.

    ``gains`` are the nDCG values by question, in order; ``trap`` is the share of superseded questions where the new
    record stands before the old ones; both are None where the set has no such question.
    """

    gains: list[float]
    ndcg: float
    mrr: float
    recall: float
    zero: float
    unjudged: float
    trap: float | None
    rejected: float | None
    p50: float


def answers(system: Searcher, questions: Sequence[Question], ambiguous: Mapping[str, int]) -> list[Answer]:
    """Ask every question. Ids of several records are dropped from every ranking: nobody could judge them."""
    found = []
    for question in questions:
        start = time.perf_counter()
        hits = system.hits(question.question, DEPTH)
        elapsed = (time.perf_counter() - start) * 1000
        kept = [hit for hit in hits if ambiguous.get(hit.id, 1) == 1]
        found.append(Answer(question, [hit.id for hit in kept], _top(kept), elapsed))
    return found


def score(given: Sequence[Answer]) -> Scores:
    """Scores of one system's answers."""
    real = [answer for answer in given if answer.question.type != "no-answer"]
    none = [answer for answer in given if answer.question.type == "no-answer"]
    traps = [answer for answer in real if answer.question.outranked]
    gains = [metrics.ndcg(answer.ranking, answer.question.grades) for answer in real]
    return Scores(
        gains=gains,
        ndcg=metrics.mean(gains),
        mrr=metrics.mean([metrics.reciprocal_rank(a.ranking, a.question.grades) for a in real]),
        recall=metrics.mean([metrics.recall(a.ranking, a.question.grades) for a in real]),
        zero=metrics.mean([float(not a.ranking) for a in real]),
        unjudged=metrics.mean([metrics.unjudged(a.ranking, a.question.grades) for a in real]),
        trap=metrics.mean([_trap(a) for a in traps]) if traps else None,
        rejected=metrics.rejected([a.top_score for a in none], [a.top_score for a in real]) if none else None,
        p50=metrics.quantile([a.milliseconds for a in given], 0.5) if given else 0.0,
    )


def by_type(given: Sequence[Answer]) -> dict[str, float]:
    """Mean nDCG of each type of question that has an answer."""
    values: dict[str, list[float]] = {}
    for answer in given:
        if answer.question.type != "no-answer":
            values.setdefault(answer.question.type, []).append(metrics.ndcg(answer.ranking, answer.question.grades))
    return {kind: metrics.mean(gains) for kind, gains in values.items()}


def _trap(answer: Answer) -> float:
    question = answer.question
    return float(metrics.outranks(answer.ranking, question.answers, question.outranked))


def _top(hits: Sequence[Hit]) -> float:
    return hits[0].score if hits else 0.0
