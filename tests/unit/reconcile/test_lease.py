"""When a lease that another process holds may be taken. The clocks of processes differ, so only our own counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.reconcile.controller.lease import DURATION, NAME, Lease
from krate_gitops.reconcile.tools import Tools

KIND = ResourceType("coordination.k8s.io", "v1", "Lease", "leases", True)
START = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Cluster:
    """One lease, and a clock."""

    def __init__(self, renewed: str) -> None:
        self.now = START
        self.spec: dict[str, Any] = {}
        self.version = 0
        self.renew(renewed)

    def renew(self, time: str) -> None:
        self._write({"holderIdentity": "other", "leaseDurationSeconds": 35, "renewTime": time})

    def _write(self, spec: Mapping[str, Any]) -> None:
        self.spec = {**self.spec, **spec}
        self.version += 1

    async def get(self, *_: object) -> dict[str, Any]:
        return {"metadata": {"name": NAME, "resourceVersion": str(self.version)}, "spec": dict(self.spec)}

    async def merge_patch(self, _kind: object, _name: object, _namespace: object, patch: Any, **_: object) -> None:
        assert patch["metadata"]["resourceVersion"] == str(self.version)
        self._write(patch["spec"])

    def look(self, lease: Lease, *, after: timedelta) -> bool:
        """Whether the lease is ours when we look after some time."""
        self.now += after
        asyncio.run(lease._claim())
        return lease.is_held


def ours(cluster: Cluster) -> Lease:
    tools = SimpleNamespace(api=cluster, now=lambda: cluster.now, log=lambda *_, **__: None)
    return Lease(cast(Tools, tools), KIND, "krate-system", "me")


@pytest.mark.parametrize("renewed", ["2001-01-01T00:00:00.000000Z", "2099-01-01T00:00:00.000000Z", "", "nonsense"])
def test_a_lease_that_nobody_renews_is_taken_after_its_duration_whatever_its_time_says(renewed: str) -> None:
    cluster = Cluster(renewed)
    lease = ours(cluster)
    assert not cluster.look(lease, after=timedelta())
    assert not cluster.look(lease, after=DURATION)
    assert cluster.look(lease, after=timedelta(seconds=1))
    assert cluster.spec["holderIdentity"] == "me"


def test_every_renewal_begins_the_duration_anew() -> None:
    cluster = Cluster("2001-01-01T00:00:00.000000Z")
    lease = ours(cluster)
    for _ in range(4):
        assert not cluster.look(lease, after=timedelta(seconds=30))
        cluster.renew("2001-01-01T00:00:00.000000Z")
    assert not cluster.look(lease, after=timedelta(seconds=30))
    assert cluster.look(lease, after=timedelta(seconds=36))


def test_a_lease_that_was_given_back_is_taken_at_once() -> None:
    cluster = Cluster("2026-06-01T12:00:00.000000Z")
    cluster.spec["holderIdentity"] = ""
    assert cluster.look(ours(cluster), after=timedelta())
