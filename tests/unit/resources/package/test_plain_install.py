"""The install without Helm is the chart with its default values."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import yaml

from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.resources.package.contents import plain_objects
from krate_gitops.resources.package.helm import Helm
from krate_gitops.resources.package.plain_install import plain_install
from tests.unit.resources.package.rendered import CHART, Rendered


def test_it_is_what_the_chart_renders_today(engine: Helm) -> None:
    for name, text in plain_install(engine.manifests(CHART)).items():
        assert (CHART / name).read_text(encoding="utf-8") == text, "run make docs"


def test_it_has_the_objects_of_the_chart_and_their_namespace(rendered: Rendered) -> None:
    plain = [(one.kind, one.name) for one in plain_objects(CHART)]
    assert plain == [
        ("Namespace", "krate-system"),
        *((one["kind"], one["metadata"]["name"]) for one in rendered.objects),
    ]


def test_nothing_in_it_claims_to_be_of_helm() -> None:
    assert "helm" not in (CHART / "kustomize" / "install.yaml").read_text(encoding="utf-8").lower()


def test_kubectl_builds_it_with_all_definitions() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on the path")
    built = subprocess.run(["kubectl", "kustomize", CHART], capture_output=True, text=True, check=True).stdout
    objects = [one for one in yaml.safe_load_all(built) if one]
    definitions = [one for one in objects if one["kind"] == "CustomResourceDefinition"]
    assert {one["spec"]["names"]["kind"] for one in definitions} == set(MODELS)
    assert len(objects) - len(definitions) == len(plain_objects(CHART))
