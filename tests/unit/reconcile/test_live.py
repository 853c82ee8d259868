"""Kinds that aren't found: those that are certainly not served, and those of which nobody knows."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.discovery import Discovery
from krate_gitops.cluster.client.failures import TransientError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.reconcile.live import Types, served_types

HERE = ResourceType("example.com", "v1", "Widget", "widgets", True)
LATE = ResourceType("example.com", "v1", "Gadget", "gadgets", True)


class Cluster:
    """Knows one state of its kinds at first, and another one when it is asked anew."""

    def __init__(self, first: Discovery, anew: Discovery) -> None:
        self.states = {False: first, True: anew}
        self.asked: list[bool] = []

    async def discovery(self, *, refresh: bool) -> Discovery:
        self.asked.append(refresh)
        return self.states[refresh]

    def types(self, *kinds: tuple[str, str]) -> Types:
        return asyncio.run(served_types(cast(Api, self), kinds))


def test_kinds_that_are_known_are_asked_for_once() -> None:
    cluster = Cluster(Discovery([HERE]), Discovery([]))
    assert cluster.types(("example.com", "Widget")) == {("example.com", "Widget"): HERE}
    assert cluster.asked == [False]


def test_a_kind_that_came_since_is_found_and_one_that_is_not_served_is_left_out() -> None:
    cluster = Cluster(Discovery([HERE]), Discovery([HERE, LATE], stale=["elsewhere.example.com/v1"]))
    found = cluster.types(("example.com", "Widget"), ("example.com", "Gadget"), ("example.com", "Gizmo"))
    assert found == {("example.com", "Widget"): HERE, ("example.com", "Gadget"): LATE}
    assert cluster.asked == [False, True]


def test_a_kind_of_a_group_that_cannot_be_asked_is_never_taken_for_absent() -> None:
    away = Discovery([HERE], stale=["away.example.com/v1"])
    with pytest.raises(TransientError) as caught:
        Cluster(away, away).types(("example.com", "Widget"), ("away.example.com", "Thing"))
    assert (caught.value.code, caught.value.location) == ("CLUSTER_UNREACHABLE", "away.example.com/Thing")
