"""Makes OpenAPI v3 documents."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.kinds import Kind

_INFO = {"title": "Kubernetes", "version": "v1.36.0-krate-dev"}


def plain_document(name: str) -> dict[str, Any]:
    """A document about a path that has no kinds."""
    return {"openapi": "3.0.0", "info": _INFO, "paths": {f"/{name}/": {}}, "components": {"schemas": {}}}


def document(kinds: list[Kind]) -> dict[str, Any]:
    """The document of the kinds of one group version."""
    return {"openapi": "3.0.0", "info": _INFO, "paths": {}, "components": {"schemas": {}}}
