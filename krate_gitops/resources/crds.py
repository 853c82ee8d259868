"""CustomResourceDefinitions, made from the models. ``docs/generate.py`` writes and compares the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krate_gitops.encoding import yaml_text
from krate_gitops.resources.kinds.common import GROUP, NAME_PATTERN, VERSION
from krate_gitops.resources.kinds.inventory import MODELS, Kind
from krate_gitops.resources.schema import structural
from krate_gitops.resources.shapes import shape_of

_NOTE = "# Made by `make docs`; edit the models in krate_gitops/resources/kinds.\n"


def crd_files() -> Mapping[str, str]:
    """File name and content of every file of definitions, kinds in the order of the inventory."""
    files: dict[str, str] = {}
    for kind in MODELS.values():
        name = f"{kind.crd}.yaml"
        files[name] = f"{files.get(name, _NOTE)}---\n{yaml_text(definition(kind))}"
    return files


def definition(kind: Kind) -> dict[str, Any]:
    """The definition of one kind."""
    names: dict[str, Any] = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "categories": ["krate", f"krate-{kind.context}"],
    }
    if kind.short:
        names["shortNames"] = list(kind.short)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {"group": GROUP, "names": names, "scope": "Namespaced", "versions": [_version(kind)]},
    }


def _version(kind: Kind) -> dict[str, Any]:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": _columns(kind),
        "schema": {"openAPIV3Schema": open_api_schema(kind)},
    }


def _columns(kind: Kind) -> list[dict[str, str]]:
    columns = [*kind.columns, ("Phase", ".status.phase")]
    return [
        *({"name": name, "type": "string", "jsonPath": path} for name, path in columns),
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ]


def open_api_schema(kind: Kind) -> dict[str, Any]:
    """The structural schema of a kind's objects."""
    spec = structural(shape_of(kind.spec)) if kind.spec else {"type": "object"}
    return {
        "description": spec.get("description", ""),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            # Only names may be restricted here; they become values of labels.
            "metadata": {"type": "object", "properties": {"name": {"type": "string", "pattern": NAME_PATTERN}}},
            "spec": spec,
            "status": structural(shape_of(kind.status)),
        },
    }
