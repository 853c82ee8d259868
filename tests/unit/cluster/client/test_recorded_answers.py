"""What a real API server answered, read by the client."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.cluster.client.calls import Call
from krate_gitops.cluster.client.discovery import Discovery, _Groups, _read_aggregated
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.listing import _decoded
from krate_gitops.cluster.client.replies import is_held, object_of
from krate_gitops.cluster.client.reviews import rules_of
from krate_gitops.cluster.client.transport import Reply
from krate_gitops.cluster.client.warnings import Warnings


@pytest.fixture(scope="module")
def steps(shared_dir: Path) -> list[Mapping[str, Any]]:
    """Every step of every recording."""
    files = sorted((shared_dir / "data" / "apiserver" / "scenarios").glob("*.json"))
    if not files:
        pytest.skip("no recordings of an API server beside the checkout")
    return [step for file in files for step in json.loads(file.read_text(encoding="utf-8"))["steps"]]


def bodies(steps: list[Mapping[str, Any]], status: int, **wanted: str) -> Iterator[dict[str, Any]]:
    for step in steps:
        body = _without_marks(step["expect"].get("body"))
        fits = step["expect"]["status"] == status and all(step.get(key) == value for key, value in wanted.items())
        if fits and isinstance(body, dict):
            yield body


def _without_marks(value: Any) -> Any:
    """Where a recording was cut it says ``<more>``, in the place of keys and items."""
    if isinstance(value, dict):
        return {key: _without_marks(member) for key, member in value.items() if key != "<more>"}
    if isinstance(value, list):
        return [_without_marks(item) for item in value if item != "<more>"]
    return value


def test_lists_are_read_and_nothing_else_is_taken_for_one(steps: list[Mapping[str, Any]]) -> None:
    lists = 0
    for body in bodies(steps, 200, method="GET"):
        data = json.dumps(body).encode()
        items = body.get("items")
        is_list = str(body.get("kind")).endswith("List") and "discovery" not in str(body.get("apiVersion"))
        if is_list and isinstance(items, list) and all(isinstance(item, dict) for item in items):
            page = _decoded(data)
            assert page.metadata.resource_version == body["metadata"]["resourceVersion"]
            assert page.items == items
            lists += 1
    assert lists > 20


def test_aggregated_discovery_is_read(steps: list[Mapping[str, Any]]) -> None:
    types: list[ResourceType] = []
    for body in bodies(steps, 200, method="GET"):
        if body.get("kind") == "APIGroupDiscoveryList":
            _read_aggregated(msgspec.convert(body, _Groups), types, [])
    found = Discovery(types)
    config_map = found.find("", "ConfigMap")
    assert config_map is not None
    assert (config_map.group, config_map.version, config_map.namespaced) == ("", "v1", True)
    role = found.find("rbac.authorization.k8s.io", "Role")
    assert role is not None
    assert (role.version, role.plural) == ("v1", "roles")


def test_rules_are_read(steps: list[Mapping[str, Any]]) -> None:
    seen = [rules_of(body["status"]) for body in bodies(steps, 201) if body.get("kind") == "SelfSubjectRulesReview"]
    assert seen
    assert any(rules.resource_rules for rules in seen)


def test_deletions_are_told_from_objects_that_are_held(steps: list[Mapping[str, Any]]) -> None:
    call = Call(verb="delete", method="DELETE", path="/x")
    gone = held = 0
    for body in bodies(steps, 200, method="DELETE"):
        if str(body.get("kind")).endswith("List") or not isinstance(body.get("metadata"), dict):
            continue
        told = object_of(Reply(200, json.dumps(body).encode()), call)
        if told["kind"] == "Status" or not is_held(told):
            gone += 1
        else:
            held += 1
            assert told["metadata"].get("deletionTimestamp")
    assert gone > 10
    assert held > 3


def test_warnings_are_read(steps: list[Mapping[str, Any]]) -> None:
    headers = [step["expect"].get("headers", {}).get("Warning") for step in steps]
    for told in filter(None, headers):
        listed = told if isinstance(told, list) else [told]
        assert len(Warnings().note(listed)) == len(listed), listed
    assert any(headers)
