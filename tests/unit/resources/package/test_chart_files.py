"""What is written from the code is what the code says, and the values are those of the manual."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from krate_gitops.resources.package.chart_files import chart_files, value_paths
from krate_gitops.resources.package.environment import SECRET_VARIABLES, VARIABLES
from tests.unit.resources.package.rendered import CHART

SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))


def value_at(path: str) -> Any:
    found = VALUES
    for name in path.split("."):
        found = found[name]
    return found


@pytest.mark.parametrize("name", list(chart_files()))
def test_files_of_the_chart_are_current(name: str) -> None:
    assert (CHART / name).read_text(encoding="utf-8") == chart_files()[name], "run make docs"


def test_the_schema_is_well_formed_and_admits_the_defaults() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.Draft7Validator(SCHEMA).validate(VALUES)


def test_values_hold_every_default_of_the_models() -> None:
    for path, field in value_paths():
        assert value_at(path) == field.default, path


@pytest.mark.parametrize(
    "path", ["", "agents", "agents.featureGates", "agents.agentMux", "gitops", "gitops.writer", "memory", "audit"]
)
def test_unknown_values_are_refused(path: str) -> None:
    values: Any = {"surprise": 1}
    for name in reversed(path.split(".")) if path else ():
        values = {name: values}
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(values)


@pytest.mark.parametrize(
    "values",
    [
        {"gitops": {"sources": [{"name": "platform", "spec": {}}]}},
        {"gitops": {"sources": [{"name": "platform", "spec": {"source": {"repoURL": "https://me:pw@git.example/x"}}}]}},
        {"gitops": {"defaultInterval": "soon"}},
        {"agents": {"agentMux": {"gatewayUrl": "https://user:password@mux.example"}}},
        {"agents": {"executionStore": "etcd"}},
        {"networkPolicy": {"gitEgress": [{"ports": [{"port": 443}]}]}},
        {"networkPolicy": {"gitEgress": [{"to": [], "ports": [{"port": 443}]}]}},
        {"image": {"digest": "sha256:short"}},
    ],
)
def test_malformed_values_are_refused(values: dict[str, Any]) -> None:
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(values)


def test_everything_about_agents_is_off() -> None:
    agents = VALUES["agents"]
    assert not agents["enabled"]
    assert not agents["agentMux"]["enabled"]
    assert not any(agents["featureGates"].values())
    assert not agents["permissions"]["allowClusterRoleBindings"]
    assert not agents["secrets"]["allowUiSecretCreation"]
    assert not agents["secrets"]["showConfigMapValues"]
    assert agents["permissions"]["requireBindEscalateReview"]
    assert agents["defaults"]["runnerPool"] == "untrusted-linux"
    assert agents["defaults"]["approvalMode"] == "prompt"
    assert VALUES["networkPolicy"]["enabled"]
    assert not VALUES["demoMode"]


def test_variables_have_names_and_values_of_their_own() -> None:
    names = [one.name for one in (*VARIABLES, *SECRET_VARIABLES)]
    assert len(set(names)) == len(names)
    assert all(name.startswith("KRATE_") for name in names)
    for one in VARIABLES:
        value_at(one.value)
