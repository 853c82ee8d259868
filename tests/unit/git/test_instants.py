"""Times: one strict form in, whole UTC seconds out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.errors import UsageError
from krate_gitops.git.instants import format_instant, parse_instant

NOW = datetime(2026, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-05-31T17:00:00Z", "2026-05-31T17:00:00Z"),
        ("2026-05-31t17:00:00z", "2026-05-31T17:00:00Z"),
        ("2026-05-31T17:00:00+14:00", "2026-05-31T03:00:00Z"),
        ("2026-05-31T17:00:00-12:00", "2026-06-01T05:00:00Z"),
        ("2026-05-31T17:00:00.999999999+00:00", "2026-05-31T17:00:00Z"),
        ("2024-02-29T00:00:00+05:45", "2024-02-28T18:15:00Z"),
        ("1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00Z"),
        ("2026-06-01T12:01:00Z", "2026-06-01T12:01:00Z"),
    ],
)
def test_a_time_with_offset_becomes_utc_seconds(text: str, utc: str) -> None:
    assert format_instant(parse_instant(text, now=NOW)) == utc


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-05-31", "no time of day"),
        ("2026-05-31T17:00:00", "no offset"),
        ("2026-05-31 17:00", "no offset"),
        ("2026-05-31 17:00:00Z", "no RFC 3339"),
        ("yesterday", "no RFC 3339"),
        ("two days ago", "no RFC 3339"),
        ("1780000000", "no RFC 3339"),
        ("", "no RFC 3339"),
        ("2026-05-31T17:00:00Z\n", "no RFC 3339"),
        ("２０２６-05-31T17:00:00Z", "no RFC 3339"),
        ("2026-05-31T17:00:00+1400", "no RFC 3339"),
        ("2016-12-31T23:59:60Z", "leap second"),
        ("2026-02-30T00:00:00Z", "no such day"),
        ("2026-05-31T24:00:00Z", "no such day"),
        ("0000-01-01T00:00:00Z", "no such day"),
        ("2026-05-31T17:00:61Z", "no such day"),
        ("2026-05-31T17:00:00+24:00", "no offset"),
        ("2026-05-31T17:00:00+10:60", "no offset"),
        ("2026-06-01T12:01:01Z", "future"),
        ("9999-12-31T23:59:59-14:00", "future"),
    ],
)
def test_every_other_text_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_instant(text, now=NOW)
    assert caught.value.code == "MEMORY_REF_TIME_INVALID"
    assert "offset" in caught.value.hint


def test_the_first_year_with_an_offset_is_only_very_early() -> None:
    assert parse_instant("0001-01-01T00:00:00+14:00", now=NOW) < -62_000_000_000


def test_years_after_9999_are_written_as_their_last_second() -> None:
    assert format_instant(2**62) == "9999-12-31T23:59:59Z"


@given(st.datetimes(datetime(1970, 1, 2), datetime(2026, 5, 30)), st.integers(-23 * 60, 23 * 60))
def test_every_offset_names_the_same_instant(moment: datetime, minutes: int) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert parse_instant(aware.isoformat(), now=NOW) == int(aware.timestamp())
