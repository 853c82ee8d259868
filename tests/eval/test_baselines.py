"""The baselines rank as they promise, and take any text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.eval.baselines import Fts5, Substring
from tests.eval.units import Unit

UNITS = [
    Unit("runbook:refund-replay", "Replay refunds", summary="Replays refunds that a queue lost."),
    Unit("runbook:queue-drain", "Drain the queue", summary="Empties a queue before maintenance."),
    Unit("decision:ledger", "Append-only ledger", body="Refunds are new entries. The queue feeds them."),
    Unit("team:payments", "Payments"),
]


@pytest.fixture(scope="module")
def fts5() -> Iterator[Fts5]:
    system = Fts5(UNITS)
    yield system
    system.close()


def _ids(system: Fts5 | Substring, text: str, limit: int = 10) -> list[str]:
    return [hit.id for hit in system.hits(text, limit)]


def test_fts5_finds_any_of_the_words_and_their_stems(fts5: Fts5) -> None:
    assert set(_ids(fts5, "refunding drained")) == {"runbook:refund-replay", "runbook:queue-drain", "decision:ledger"}


def test_fts5_weighs_ids_and_titles_above_the_body(fts5: Fts5) -> None:
    assert _ids(fts5, "refund")[0] == "runbook:refund-replay"


def test_fts5_scores_fall_and_respect_the_limit(fts5: Fts5) -> None:
    hits = fts5.hits("queue refunds ledger", 2)
    assert len(hits) == 2
    assert hits[0].score >= hits[1].score


@pytest.mark.parametrize(
    "text", ["foo:bar", "it's", "AND", "NOT queue", "-x", "*", '"', "a NEAR b", "(", ")", "", "   "]
)
def test_text_is_never_read_as_a_query_language(text: str, fts5: Fts5) -> None:
    assert isinstance(fts5.hits(text, 5), list)
    assert isinstance(Substring(UNITS).hits(text, 5), list)


@given(st.text())
def test_any_text_gives_distinct_known_ids(text: str) -> None:
    known = {unit.id for unit in UNITS}
    for system in (_FTS5, _SUBSTRING):
        found = _ids(system, text)
        assert len(found) == len(set(found))
        assert known.issuperset(found)


_FTS5, _SUBSTRING = Fts5(UNITS), Substring(UNITS)


def test_the_scan_puts_units_that_hold_the_whole_text_first() -> None:
    assert _ids(_SUBSTRING, "THE QUEUE feeds")[0] == "decision:ledger"


def test_the_scan_orders_by_the_number_of_words_then_by_id() -> None:
    assert _ids(_SUBSTRING, "queue refunds") == ["decision:ledger", "runbook:refund-replay", "runbook:queue-drain"]


def test_the_scan_counts_parts_of_words_and_a_word_once() -> None:
    assert _ids(_SUBSTRING, "pay pay") == ["team:payments"]


def test_a_match_never_spans_two_units() -> None:
    hits = Substring([Unit("a:1", body="the end"), Unit("a:2", body="the start")]).hits("end the", 5)
    assert hits == [("a:1", 2), ("a:2", 1)]


def test_an_id_of_several_records_is_listed_once() -> None:
    twice = [Unit("a:1", "queue"), Unit("a:1", "queue again")]
    assert _ids(Substring(twice), "queue") == ["a:1"]
    system = Fts5(twice)
    assert _ids(system, "queue") == ["a:1"]
    system.close()
