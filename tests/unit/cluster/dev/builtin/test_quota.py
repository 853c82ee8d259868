"""Quotas and ranges: spellings, roundings, defaults, advice."""

from __future__ import annotations

import pytest

from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

QUOTA, RANGE = kind_of("resourcequotas"), kind_of("limitranges")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1e3", "1e3"),
        ("1000Ki", "1000Ki"),
        (7, "7"),
        ("0.0000000001", "1m"),
        ("1000000000000Ei", "9223372036854775807"),
        (".5", "500m"),
        ("1E2", "100"),
    ],
)
def test_amounts_are_spelled_one_way(said: str | int, kept: str) -> None:
    made = written(QUOTA, {"spec": {"hard": {"requests.cpu": said}}})
    assert made["spec"]["hard"] == {"requests.cpu": kept}
    assert written(QUOTA, made)["spec"] == made["spec"]
    assert made["status"] == {}


@pytest.mark.parametrize(
    ("hard", "wrong"),
    [
        ({"pods": "2000m"}, []),
        ({"requests.cpu": "-1"}, ['spec.hard[requests.cpu]: Invalid value: "-1": must be greater than or equal to 0']),
        ({"pods": "1.5"}, ['spec.hard[pods]: Invalid value: "1500m": must be an integer']),
        ({"count/widgets.example.com": ".5"}, [
            'spec.hard[count/widgets.example.com]: Invalid value: "500m": must be an integer'
        ]),
    ],
)  # fmt: skip
def test_amounts_are_checked(hard: dict[str, str], wrong: list[str]) -> None:
    assert faults(QUOTA, {"spec": {"hard": hard}}) == wrong


def test_a_new_quota_that_asks_for_more_than_its_limits_is_warned_of() -> None:
    made = written(QUOTA, {"spec": {"hard": {"requests.cpu": "1", "limits.cpu": "0.5"}}})
    assert QUOTA.warn_kind(made, None) == ["ResourceQuota requests.cpu (1) should be less than limits.cpu (500m)"]
    assert QUOTA.warn_kind(made, made) == []


def test_a_quota_shows_what_its_status_says() -> None:
    status = {"hard": {"pods": "2", "limits.cpu": "1"}, "used": {"pods": "1"}}
    old = written(QUOTA, {"spec": {"hard": status["hard"]}})
    made = written(QUOTA, {"status": status}, old, subresource="status")
    assert [column.cell(made) for column in QUOTA.columns[1:3]] == ["pods: 1/2", "limits.cpu: 0/1"]


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [
        (
            {"type": "Container", "max": {"cpu": "2"}},
            {"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}},
        ),
        (
            {"type": "Container", "min": {"cpu": "1"}},
            {"type": "Container", "min": {"cpu": "1"}, "defaultRequest": {"cpu": "1"}},
        ),
        (
            {"type": "Container", "default": {"cpu": "0.1"}},
            {"type": "Container", "default": {"cpu": "100m"}, "defaultRequest": {"cpu": "100m"}},
        ),
        ({"type": "Pod", "max": {"cpu": "2"}}, {"type": "Pod", "max": {"cpu": "2"}}),
    ],
)
def test_limits_of_containers_become_defaults(limit: dict[str, object], wanted: dict[str, object]) -> None:
    assert written(RANGE, {"spec": {"limits": [limit]}})["spec"] == {"limits": [wanted]}
