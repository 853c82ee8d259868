"""Leases: times of six digits, and counts that make sense."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

KIND = kind_of("leases", "coordination.k8s.io")


@pytest.mark.parametrize(
    "spec", [{}, {"holderIdentity": "", "leaseDurationSeconds": 1, "leaseTransitions": 0}, {"preferredHolder": "b"}]
)
def test_what_was_said_is_kept_even_when_empty(spec: dict[str, Any]) -> None:
    assert written(KIND, {"spec": spec})["spec"] == spec


@pytest.mark.parametrize("time", ["2001-01-01T00:00:00Z", "2001-01-01T00:00:10.5Z", "now", 5])
def test_times_have_six_digits(time: Any) -> None:
    with pytest.raises(ApiFailure, match='Lease in version "v1" cannot be handled as a Lease') as told:
        written(KIND, {"spec": {"renewTime": time}})
    assert told.value.code == 400


def test_times_are_told_in_utc() -> None:
    made = written(KIND, {"spec": {"renewTime": "2001-01-01T02:00:00.123456+02:00"}})
    assert made["spec"] == {"renewTime": "2001-01-01T00:00:00.123456Z"}


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"leaseDurationSeconds": 0}, ["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]),
        (
            {"leaseTransitions": -1},
            ["spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0"],
        ),
    ],
)
def test_counts_are_checked(spec: dict[str, Any], wrong: list[str]) -> None:
    assert faults(KIND, {"spec": spec}) == wrong
