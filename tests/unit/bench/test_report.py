from __future__ import annotations

import pytest

from tests.bench.measure import Spread, percentile, ratios, spread
from tests.bench.report import Check, Machine, Section, Table, Unit, render_page, render_section, show, show_spread
from tests.bench.words import draw_words

MACHINE = Machine("A Processor", 2, "Linux x86_64", {"Python": "3.11.7"})
SECTION = Section("Cold index", "at most twice the floors", "Runs take turns.", "python -m tests.bench --only cold")


def section(*measured: float, most: float = 2.0, least: float | None = None) -> Section:
    checks = tuple(Check("20,000 records", Unit.TIMES, spread([value]), most, least) for value in measured)
    return Section("Cold index", "at most twice the floors", "Runs take turns.", "python -m tests.bench", checks)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1.5, Unit.TIMES, "1.50 ×"),
        (0.0123, Unit.SHARE, "1.23 %"),
        (1 / 20, Unit.FRACTION, "1/20"),
        (1 / 19.6, Unit.FRACTION, "1/19.6"),
        (1 / 2500, Unit.FRACTION, "1/2,500"),
        (1.25, Unit.FRACTION, "1.25 ×"),
        (0.5, Unit.SECONDS, "0.50 s"),
        (1.5, Unit.GIBIBYTES, "1.50 GiB"),
    ],
)
def test_numbers_are_shown_in_their_unit(value: float, unit: Unit, shown: str) -> None:
    assert show(value, unit) == shown


def test_a_range_stands_beside_the_median_of_several_runs_only() -> None:
    assert show_spread(Spread(1.5, 1.0, 2.0, 3), Unit.TIMES) == "1.50 × (1.00 × to 2.00 ×), 3 runs"
    assert show_spread(spread([1.5]), Unit.TIMES) == "1.50 ×"


@pytest.mark.parametrize(
    ("measured", "least", "verdict"),
    [(2.0, None, "met"), (2.01, None, "**not met**"), (0.4, 0.5, "**not met**"), (0.5, 0.5, "met")],
)
def test_a_verdict_compares_the_median_with_what_is_required(
    measured: float, least: float | None, verdict: str
) -> None:
    [row] = [line for line in render_section(section(measured, least=least)).splitlines() if "20,000" in line]
    assert row.endswith(f"| {verdict} |")


def test_the_summary_counts_what_is_not_met() -> None:
    page = render_page([section(1.0), section(1.0, 3.0), SECTION], MACHINE, "2026-01-31", is_quick=False)
    assert "| Cold index | 1 | met |" in page
    assert "| Cold index | 2 | **not met** in 1 of 2 cases |" in page
    assert "| Cold index | 0 | not measured |" in page


def test_a_skipped_section_says_why() -> None:
    skipped = Section("Queries", "fast", "In turns.", "python -m tests.bench", skipped="the data is not here")
    assert "Not measured: the data is not here." in render_section(skipped)


def test_the_page_names_the_machine_the_day_and_how_to_repeat() -> None:
    page = render_page([SECTION], MACHINE, "2026-01-31", is_quick=False)
    assert "Measured on 2026-01-31: A Processor, 2 cores, Linux x86_64; Python 3.11.7." in page
    assert "Repeat: `python -m tests.bench --only cold`" in page
    assert page.endswith("`\n")


def test_a_quick_run_says_that_its_verdicts_mean_nothing() -> None:
    assert "quick run" in render_page([SECTION], MACHINE, "2026-01-31", is_quick=True)
    assert "quick run" not in render_page([SECTION], MACHINE, "2026-01-31", is_quick=False)


def test_a_bar_in_a_cell_does_not_end_the_cell() -> None:
    table = Table("Words.", ("Word",), (("a|b",),))
    shown = render_section(Section("Queries", "fast", "In turns.", "python -m tests.bench", tables=(table,)))
    assert "| a\\|b |" in shown


def test_ratios_are_taken_pair_by_pair() -> None:
    assert ratios([2.0, 9.0, 3.0], [1.0, 3.0, 1.0]) == Spread(3.0, 2.0, 3.0, 3)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(value) for value in range(1, 101)]
    assert (percentile(values, 50), percentile(values, 95), percentile(values, 100)) == (50.0, 95.0, 100.0)
    assert percentile([7.0], 5) == 7.0


def test_words_come_from_every_class_of_frequency_and_the_same_each_time() -> None:
    texts = [b"common rare%c" % (97 + number) for number in range(20)]
    drawn = draw_words(texts, 5)
    assert drawn == draw_words(texts, 5)
    assert ("common", 20) in drawn
    assert {frequency for word, frequency in drawn if word != "common"} == {1}
