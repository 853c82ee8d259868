"""The metrics, by examples worked out by hand."""

from __future__ import annotations

import math

import pytest

from tests.eval import metrics

GRADES = {"answer": 3, "helpful": 2, "related": 1, "off": 0}


def test_a_perfect_order_has_ndcg_one() -> None:
    assert metrics.ndcg(["answer", "helpful", "related", "off"], GRADES) == pytest.approx(1.0)


def test_ndcg_of_a_worked_example() -> None:
    # gains 2^2-1 = 3, 0, 2^3-1 = 7 at discounts log2(2) = 1, log2(3), log2(4) = 2
    found = 3 / 1 + 0 + 7 / 2
    ideal = 7 / 1 + 3 / math.log2(3) + 1 / 2
    assert metrics.ndcg(["helpful", "off", "answer"], GRADES) == pytest.approx(found / ideal)


def test_ndcg_counts_nothing_below_its_depth() -> None:
    ranking = [f"x{number}" for number in range(10)] + ["answer"]
    assert metrics.ndcg(ranking, GRADES) == 0
    assert metrics.ndcg(ranking, GRADES, depth=11) > 0


def test_the_ideal_order_is_cut_at_the_depth_too() -> None:
    grades = {str(number): 3 for number in range(20)}
    assert metrics.ndcg([str(number) for number in range(10)], grades) == pytest.approx(1.0)


def test_a_question_without_relevant_records_has_ndcg_zero() -> None:
    assert metrics.ndcg(["off"], {"off": 0}) == 0
    assert metrics.ndcg([], {}) == 0


@pytest.mark.parametrize(
    ("ranking", "expected"),
    [
        (["helpful"], 1),
        (["related", "answer"], 1 / 2),  # grade 1 is not enough
        (["off", "unknown", "helpful", "answer"], 1 / 3),
        (["x"] * 10 + ["answer"], 0),
        ([], 0),
    ],
)
def test_reciprocal_rank_is_that_of_the_first_helpful_record(ranking: list[str], expected: float) -> None:
    assert metrics.reciprocal_rank(ranking, GRADES) == pytest.approx(expected)


def test_recall_counts_every_record_graded_one_or_more() -> None:
    assert metrics.recall(["related", "off", "answer"], GRADES) == pytest.approx(2 / 3)
    assert metrics.recall(["x"] * 20 + ["answer"], GRADES) == 0
    assert metrics.recall(["off"], {"off": 0}) == 0


def test_unjudged_is_the_share_of_results_nobody_graded() -> None:
    assert metrics.unjudged(["answer", "new", "off", "other"], GRADES) == pytest.approx(1 / 2)
    assert metrics.unjudged([], GRADES) == 0


def test_a_new_record_outranks_old_ones_only_when_it_stands_before_all_of_them() -> None:
    assert metrics.outranks(["new", "old"], ["new"], ["old"])
    assert metrics.outranks(["newer", "old", "new"], ["new", "newer"], ["old"])
    assert metrics.outranks(["new"], ["new"], ["old"])
    assert not metrics.outranks(["old", "new"], ["new"], ["old"])
    assert not metrics.outranks(["old"], ["new"], ["old"])
    assert not metrics.outranks([], ["new"], ["old"])


def test_quantiles_are_values_that_occur() -> None:
    values = [4.0, 1.0, 3.0, 2.0]
    assert [metrics.quantile(values, share) for share in (0, 0.25, 0.5, 0.9, 1)] == [1, 1, 2, 4, 4]


def test_questions_without_an_answer_are_refused_below_the_score_that_nine_in_ten_answers_reach() -> None:
    answered = [float(score) for score in range(1, 11)]  # the threshold is 1, which 100 % reach at least
    assert metrics.rejected([0.5, 0.0, 7.0], answered) == pytest.approx(2 / 3)
    assert metrics.rejected([], answered) == 0
    assert metrics.rejected([0.5], []) == 0


def test_the_bootstrap_of_equal_systems_is_exactly_zero() -> None:
    assert metrics.paired_bootstrap([0.2, 0.9, 0.5], [0.2, 0.9, 0.5]) == (0, 0, 0)


def test_the_bootstrap_of_a_constant_difference_has_no_width() -> None:
    found = metrics.paired_bootstrap([0.5, 0.75, 1.0], [0.25, 0.5, 0.75])
    assert found == pytest.approx((0.25, 0.25, 0.25))


def test_the_bootstrap_is_seeded_and_spans_the_mean() -> None:
    ours, theirs = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    found = metrics.paired_bootstrap(ours, theirs)
    assert found == metrics.paired_bootstrap(ours, theirs)
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(1 / 3)


def test_the_bootstrap_refuses_unpaired_values() -> None:
    with pytest.raises(ValueError, match="zip"):
        metrics.paired_bootstrap([1.0], [1.0, 0.0])
