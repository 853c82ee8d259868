"""Health of objects: stale, missing, held, suspended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from krate_gitops.cluster.health import Health, health_of, worst

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


def stack(**parts: Any) -> dict[str, Any]:
    metadata = {"name": "x", "generation": 2, "creationTimestamp": "2026-05-01T11:58:00Z", **parts.pop("metadata", {})}
    return {"kind": "AgentStack", "metadata": metadata, **parts}


def ready(value: str, **more: Any) -> dict[str, Any]:
    return {"observedGeneration": 2, "conditions": [{"type": "Ready", "status": value, **more}]}


def apply_entry(time: str) -> dict[str, Any]:
    return {"manager": "krate-gitops", "operation": "Apply", "time": time, "fieldsV1": {}}


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        pytest.param(None, Health.MISSING, id="not there"),
        pytest.param(stack(status=ready("True")), Health.HEALTHY, id="ready"),
        pytest.param(stack(status=ready("False")), Health.DEGRADED, id="not ready"),
        pytest.param(stack(status=ready("Unknown")), Health.PROGRESSING, id="unknown"),
        pytest.param(stack(), Health.PROGRESSING, id="no status yet"),
        pytest.param(stack(status={**ready("True"), "observedGeneration": 1}), Health.PROGRESSING, id="stale"),
        pytest.param(stack(status=ready("True", observedGeneration=1)), Health.PROGRESSING, id="stale condition"),
        pytest.param(stack(status={**ready("True"), "phase": "Blocked"}), Health.DEGRADED, id="blocked"),
        pytest.param(stack(metadata={"deletionTimestamp": "x"}, status=ready("True")), Health.PROGRESSING, id="going"),
        pytest.param(
            stack(metadata={"creationTimestamp": "2026-05-01T11:00:00Z"}), Health.DEGRADED, id="no status for too long"
        ),
        pytest.param(
            stack(metadata={"creationTimestamp": "2026-05-01T11:00:00Z",
                            "managedFields": [apply_entry("2026-05-01T11:59:00Z")]}),
            Health.PROGRESSING, id="changed a moment ago",
        ),
        pytest.param(
            stack(metadata={"annotations": {"krate.a5c.ai/reconcile": "disabled"}}), Health.SUSPENDED, id="left alone"
        ),
        pytest.param({"kind": "ConfigMap", "metadata": {"name": "c"}}, Health.HEALTHY, id="nobody writes its status"),
        pytest.param({"kind": "AgentTriggerRule", "metadata": {"name": "t"}, "spec": {"lifecycleState": "paused"}},
                     Health.SUSPENDED, id="paused rule"),
        pytest.param({"kind": "AgentMcpServer", "metadata": {"name": "m"}, "spec": {"enabled": False}},
                     Health.SUSPENDED, id="disabled server"),
    ],
)  # fmt: skip
def test_health_of_an_object(live: dict[str, Any] | None, expected: Health) -> None:
    assert health_of(live, now=NOW, timeout=FIVE) is expected


def test_an_object_without_a_generation_counts_as_observed() -> None:
    live = stack(status=ready("True"))
    del live["metadata"]["generation"]
    assert health_of(live, now=NOW, timeout=FIVE) is Health.HEALTHY


def test_the_worst_of_all_leaves_suspended_ones_aside() -> None:
    assert worst([Health.SUSPENDED, Health.HEALTHY]) is Health.HEALTHY
    assert worst([Health.HEALTHY, Health.DEGRADED, Health.PROGRESSING]) is Health.DEGRADED
    assert worst([]) is Health.HEALTHY
