"""What the package check looks at: the files of the chart, its examples, and what it renders, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from krate_gitops.resources.kinds.inventory import Kind
from krate_gitops.resources.load import Loaded, load_folder
from krate_gitops.resources.package.helm import Manifest


class Finding(msgspec.Struct, frozen=True, order=True):
    """A breach: its code, the file where it is to be mended, and what is wrong."""

    code: str
    path: str
    message: str


class Object(NamedTuple):
    """An object and where it stands: a file, or the set of values that it was rendered with."""

    path: str
    content: Manifest

    @property
    def kind(self) -> str:
        """Kind, empty where it says none."""
        return str(self.content.get("kind", ""))

    @property
    def name(self) -> str:
        """Name, empty where it has none."""
        return str(self.content.get("metadata", {}).get("name", ""))

    @property
    def component(self) -> str:
        """Which process it belongs to, by its label."""
        return str(self.content.get("metadata", {}).get("labels", {}).get("app.kubernetes.io/component", ""))


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """The package. ``rendered`` holds the objects of each set of values by its name."""

    kinds: Mapping[str, Kind]
    definitions: tuple[Object, ...]
    examples: Loaded
    values: Mapping[str, Any]
    templates: Mapping[str, str]
    rendered: Mapping[str, tuple[Object, ...]]
    demo_sets: frozenset[str] = frozenset()
    """Names of sets in which plaintext may be rendered."""

    def objects(self) -> Iterator[Object]:
        """Everything that was rendered."""
        for one in self.rendered.values():
            yield from one


def definitions_in(chart: Path) -> tuple[Object, ...]:
    """Every document below ``crds``."""
    return tuple(_documents(chart, sorted((chart / "crds").glob("*.yaml"))))


def plain_objects(chart: Path) -> tuple[Object, ...]:
    """What the chart renders with its default values, as it is kept for an install without Helm."""
    return tuple(_documents(chart, [chart / "kustomize" / "install.yaml"]))


def templates_in(chart: Path) -> Mapping[str, str]:
    """Text of every template, and of the files that templates read, by path below the chart."""
    files = [
        file for folder in ("templates", "files") for file in sorted((chart / folder).rglob("*")) if file.is_file()
    ]
    return {str(file.relative_to(chart)): file.read_text(encoding="utf-8") for file in files}


def read_package(
    chart: Path,
    examples: Path,
    kinds: Mapping[str, Kind],
    rendered: Mapping[str, list[Manifest]],
    demo_sets: frozenset[str] = frozenset(),
) -> Package:
    """The package on disk; without anything rendered, the kept install stands for the default values."""
    objects = {name: tuple(Object(f"values {name}", one) for one in found) for name, found in rendered.items()}
    return Package(
        kinds=kinds,
        definitions=definitions_in(chart),
        examples=load_folder(examples),
        values=yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8")),
        templates=templates_in(chart),
        rendered=objects or {"default": plain_objects(chart)},
        demo_sets=demo_sets,
    )


def _documents(chart: Path, files: list[Path]) -> Iterator[Object]:
    for file in files:
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            if document:
                yield Object(str(file.relative_to(chart)), document)
