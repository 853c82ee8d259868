"""Objects have the form that Kubernetes asks for, in the oldest version that the chart admits and in the newest."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from krate_gitops.resources.kinds.common import API_VERSION
from krate_gitops.resources.kinds.gitops import GitOpsSourceSpec
from krate_gitops.resources.package.contents import definitions_in, plain_objects
from krate_gitops.resources.package.helm import engine_folder
from krate_gitops.resources.package.value_sets import VALUE_SETS
from krate_gitops.resources.schema import closed_schema
from krate_gitops.resources.shapes import shape_of
from tests.unit.resources.package.rendered import CHART, Rendered

_SCHEMAS = engine_folder() / "kubernetes_validate" / "kubernetes-json-schema"
_FOLDERS = sorted(_SCHEMAS.glob("v*-strict"))
_OTHERS = ("monitoring.coreos.com/v1", "argoproj.io/v1alpha1", API_VERSION)
"""Not of Kubernetes: those of two operators, whose schemas we don't have, and our own."""

pytestmark = pytest.mark.skipif(not _FOLDERS, reason="no schemas of Kubernetes: run make helm")
_EACH_VERSION = pytest.mark.parametrize("folder", _FOLDERS, ids=[folder.name.split(".0-")[0] for folder in _FOLDERS])


@functools.cache
def validator(folder: Path, api_version: str, kind: str) -> jsonschema.Draft202012Validator:
    group, _, version = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], version) if part)
    schema = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=_registry(folder))


@functools.cache
def _registry(folder: Path) -> Registry[Any]:
    contents = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))
    registry: Registry[Any] = Resource.from_contents(contents) @ Registry()
    return registry


def faults(folder: Path, one: dict[str, Any]) -> list[str]:
    found = validator(folder, one["apiVersion"], one["kind"]).iter_errors(one)
    return [f"{one['kind']} {one['metadata']['name']} {fault.json_path}: {fault.message}" for fault in found]


@_EACH_VERSION
def test_rendered_objects_are_valid(folder: Path, value_sets: Mapping[str, Rendered]) -> None:
    objects = [one for rendered in value_sets.values() for one in rendered.objects]
    native = [one for one in objects if one["apiVersion"] not in _OTHERS]
    assert len(native) > 40
    assert [fault for one in native for fault in faults(folder, one)] == []


@_EACH_VERSION
def test_the_install_without_helm_and_the_definitions_are_valid(folder: Path) -> None:
    objects = [one.content for one in (*plain_objects(CHART), *definitions_in(CHART))]
    assert [fault for one in objects for fault in faults(folder, one)] == []


@_EACH_VERSION
def test_a_misspelt_field_would_be_found(folder: Path) -> None:
    [claim] = [one.content for one in plain_objects(CHART) if one.kind == "PersistentVolumeClaim"]
    assert faults(folder, {**claim, "spec": {**claim["spec"], "acessModes": []}})


def test_the_versions_are_the_oldest_admitted_and_a_newer_one() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert _FOLDERS[0].name.startswith(f"v{chart['kubeVersion'].removeprefix('>=').removesuffix('.0-0')}.")
    assert len(_FOLDERS) > 1


def test_rendered_sources_are_valid_sources(value_sets: Mapping[str, Rendered]) -> None:
    assert VALUE_SETS["everything"]["gitops"]["sources"]
    schema = closed_schema(shape_of(GitOpsSourceSpec), "spec")
    for source in value_sets["everything"].of("GitOpsSource"):
        jsonschema.Draft7Validator(schema).validate(source["spec"])
