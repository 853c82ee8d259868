"""Names of schemas and operations."""

from __future__ import annotations

import re

META = "io.k8s.apimachinery.pkg.apis.meta.v1"

_PACKAGES = {
    "": "io.k8s.api.core",
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
}


def ref(name: str) -> dict[str, str]:
    """A reference to a schema of the same document."""
    return {"$ref": f"#/components/schemas/{name}"}


def schema_name(group: str, version: str, kind: str, *, custom: bool) -> str:
    """The name of the schema of a kind."""
    if custom:
        return ".".join([*reversed(group.split(".")), version, kind])
    package = _PACKAGES.get(group, f"io.k8s.api.{group.partition('.')[0]}")
    return f"{package}.{version}.{kind}"


def operation_group(group: str, version: str) -> str:
    """The part of an operation's name that says the group and version: ``CoordinationV1``."""
    words = re.split(r"[^A-Za-z0-9]+", (group.removesuffix(".k8s.io") or "core"))
    return "".join(word[:1].upper() + word[1:] for word in words) + version.capitalize()


def tag(group: str, version: str) -> str:
    """The tag of a group version: ``coordination_v1``."""
    name = re.sub(
        r"[^A-Za-z0-9]",
        "",
        "".join(
            word if index == 0 else word.capitalize()
            for index, word in enumerate((group.removesuffix(".k8s.io") or "core").split("."))
        ),
    )
    return f"{name}_{version}"
