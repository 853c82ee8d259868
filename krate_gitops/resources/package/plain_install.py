"""An installation without Helm: the chart's objects with its default values, for ``kubectl apply -k``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from krate_gitops.encoding import yaml_text
from krate_gitops.resources.crds import crd_files
from krate_gitops.resources.package.helm import NAMESPACE, Manifest

_NOTE = "# Made by `make docs` from the chart and its default values; change those, or patch this in a kustomization.\n"
_OF_HELM = frozenset({"helm.sh/chart", "helm.sh/resource-policy", "app.kubernetes.io/managed-by"})
"""Labels and annotations that are true only of what Helm has applied."""


def plain_install(manifests: Iterable[Manifest]) -> Mapping[str, str]:
    """Path below the chart and content of every file, from what the chart renders with its default values."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": _POD_SECURITY}}
    objects = [namespace, *(_without_helm(one) for one in manifests)]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*(f"crds/{name}" for name in crd_files()), "kustomize/install.yaml"],
    }
    return {
        "kustomization.yaml": _NOTE + yaml_text(kustomization),
        "kustomize/install.yaml": _NOTE + "---\n".join(yaml_text(one) for one in objects),
    }


_POD_SECURITY = {"pod-security.kubernetes.io/enforce": "restricted"}


def _without_helm(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_helm(inner) for key, inner in value.items() if key not in _OF_HELM}
        if kept.get("annotations") == {}:
            del kept["annotations"]
        return kept
    return [_without_helm(inner) for inner in value] if isinstance(value, list) else value
