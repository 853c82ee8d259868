"""Formats of strings."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.schemas.formats import format_checker


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", ["2024-02-29"], ["2023-02-29", "2024-2-9", "20240229", ""]),
        ("date-time", ["2001-02-03T04:05:06Z", "2001-02-03t04:05:06.123456789+01:00", "2016-12-31T23:59:60Z"],
         ["2001-02-03", "2001-02-03 04:05:06Z", "2001-02-30T04:05:06Z", "2001-02-03T24:05:06Z", "2001-02-03T04:05:06"]),
        ("duration", ["1h30m", "5s", "0"], ["soon", "1 fortnight", ""]),
        ("email", ["a@example.com"], ["a", "a@", "a b@example.com"]),
        ("hostname", ["a.example.com", "a"], ["-a", "a..b", "a" * 300, ""]),
        ("ipv4", ["10.0.0.1"], ["10.0.0", "::1", "10.0.0.256"]),
        ("ipv6", ["::1", "2001:db8::ffff"], ["10.0.0.1", ":::"]),
        ("cidr", ["10.0.0.0/8", "2001:db8::/32"], ["10.0.0.1", "10.0.0.0/33"]),
        ("uri", ["https://example.com/x", "urn:a:b", "/absolute"], ["relative", ""]),
        ("byte", ["AAEC", ""], ["%%", "A"]),
        ("uuid", ["11111111-2222-4333-8444-555555555555"], ["11111111", "g1111111-2222-4333-8444-555555555555"]),
        ("uuid4", ["11111111-2222-4333-8444-555555555555"], ["11111111-2222-3333-8444-555555555555"]),
        ("mac", ["01:02:03:04:05:06"], ["01:02:03", "zz:02:03:04:05:06"]),
    ],
)  # fmt: skip
def test_a_format_takes_what_is_one_and_refuses_what_is_none(name: str, right: list[str], wrong: list[str]) -> None:
    check = format_checker(name)
    assert check is not None
    assert [text for text in right if not check(text)] == []
    assert [text for text in wrong if check(text)] == []


@pytest.mark.parametrize("name", ["", "int32", "no-such-format"])
def test_formats_of_numbers_and_unknown_ones_check_no_text(name: str) -> None:
    assert format_checker(name) is None
