"""Alerts are those of the manual, and use metrics and labels that there are to be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.unit.resources.package.rendered import Rendered

Render = Callable[[Mapping[str, Any]], Rendered]
_EVERYTHING = pytest.mark.parametrize("rendered", ["everything"], indirect=True)

METRICS = {
    "krate_agent_mux_up",
    "krate_agent_dispatch_queue_wait_seconds",
    "krate_agent_approvals_pending",
    "krate_agent_mux_rejections_total",
    "krate_agent_rbac_drift",
    "krate_agent_missing_permissions",
    "krate_agent_dispatches_active",
    "krate_agent_dispatches_queued",
    "krate_agent_permission_reviews_total",
    "krate_agent_writebacks_total",
    "krate_retention_jobs_total",
    "krate_audit_write_failures_total",
    "krate_gitops_last_success_timestamp_seconds",
    "krate_gitops_diagnostics",
    "krate_gitops_reconciles_total",
    "krate_memory_index_age_seconds",
    "krate_memory_index_build_seconds",
    "krate_memory_validation_failures_total",
    "krate_memory_query_seconds",
}
_LABELS = {
    "org",
    "repository",
    "stack",
    "runner_pool",
    "adapter",
    "kind",
    "job",
    "class",
    "source",
    "memory_repository",
}
_CRITICAL = {"AL-01", "AL-05", "AL-07", "AL-08", "AL-10", "AL-15", "AL-16"}


def alerts(rendered: Rendered) -> list[dict[str, Any]]:
    [rules] = rendered.of("PrometheusRule")
    return [rule for group in rules["spec"]["groups"] for rule in group["rules"]]


@_EVERYTHING
def test_there_is_an_alert_for_each_condition_of_the_manual(rendered: Rendered) -> None:
    assert {one["labels"]["id"] for one in alerts(rendered)} == {f"AL-{number:02}" for number in range(1, 19)}
    names = [one["alert"] for one in alerts(rendered)]
    assert len(set(names)) == len(names)
    for one in alerts(rendered):
        wanted = {"critical"} if one["labels"]["id"] in _CRITICAL else {"warning"}
        # A stale index is a warning first, and critical after hours.
        assert one["labels"]["severity"] in (wanted | {"critical"} if one["labels"]["id"] == "AL-14" else wanted)


@_EVERYTHING
def test_alerts_name_known_metrics_and_labels(rendered: Rendered) -> None:
    for one in alerts(rendered):
        for name in re.findall(r"krate_\w+", one["expr"]):
            assert re.sub(r"_(bucket|count|sum)$", "", name) in METRICS, one["alert"]
        for label in re.findall(r"\$labels\.(\w+)", one["annotations"]["summary"]):
            assert label in _LABELS
        assert one["expr"].count("(") == one["expr"].count(")")


def test_thresholds_are_values(render: Render) -> None:
    thresholds = {"queueWaitSeconds": 5_000_000, "gatewayDownFor": "9m"}
    rendered = render({"monitoring": {"alerts": {"enabled": True, "thresholds": thresholds}}})
    by_name = {one["alert"]: one for one in alerts(rendered)}
    assert "> 5000000" in by_name["KrateDispatchQueueWait"]["expr"]
    assert by_name["KrateGatewayUnavailable"]["for"] == "9m"


@_EVERYTHING
def test_metrics_of_every_service_are_read(rendered: Rendered) -> None:
    [monitor] = rendered.of("ServiceMonitor")
    assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "30s"}]
    for service in rendered.of("Service"):
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def test_nothing_of_the_prometheus_operator_is_made_unasked(rendered: Rendered) -> None:
    assert not rendered.of("ServiceMonitor", "PrometheusRule")
