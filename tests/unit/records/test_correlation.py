from __future__ import annotations

from datetime import UTC, datetime

import pytest

from krate_gitops.records.correlation import is_correlation_id, new_correlation_id

MOMENT = datetime(2016, 7, 30, 23, 54, 10, 259_000, tzinfo=UTC)


def test_an_id_is_a_ulid_of_its_time() -> None:
    # The time of this ULID is an example of its specification.
    made = new_correlation_id(now=MOMENT)
    assert made.startswith("krate-01ARZ3NDEK")
    assert is_correlation_id(made)


def test_ids_of_one_moment_differ_and_later_ones_sort_after() -> None:
    made = {new_correlation_id(now=MOMENT) for _ in range(100)}
    assert len(made) == 100
    assert max(made) < new_correlation_id(now=MOMENT.replace(year=2026))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01ARYZ6S41TSV4RRFFQ69G5FAV",
        "krate-81ARYZ6S41TSV4RRFFQ69G5FAV",
        "krate-01ARYZ6S41TSV4RRFFQ69G5FA",
        "krate-01ARYZ6S41TSV4RRFFQ69G5FAVX",
        "krate-01aryz6s41tsv4rrffq69g5fav",
        "krate-01ARYZ6S41TSV4RRFFQ69G5FAU",
        "krate-01ARYZ6S41TSV4RRFFQ69G5FAV\n",
    ],
)
def test_what_is_not_well_formed_is_refused(text: str) -> None:
    assert not is_correlation_id(text)
