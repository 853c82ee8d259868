"""Makes OpenAPI v3 documents of group versions."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.openapi.meta import META_SCHEMAS
from krate_gitops.cluster.dev.openapi.names import operation_group, tag
from krate_gitops.cluster.dev.openapi.paths import kind_paths
from krate_gitops.cluster.dev.openapi.schemas import kind_schemas

_INFO = {"title": "Kubernetes", "version": "v1.36.0-krate-dev"}
_SECURITY = {
    "BearerToken": {
        "type": "apiKey",
        "description": "Bearer Token authentication",
        "name": "authorization",
        "in": "header",
    }
}


def plain_document(name: str) -> dict[str, Any]:
    """A document about a path that has no kinds."""
    operation = {
        "tags": [name],
        "description": f"get {name}",
        "operationId": f"get{operation_group(name, '')}",
        "responses": {"200": {"description": "OK"}, "401": {"description": "Unauthorized"}},
    }
    path = f"/{name}" if name.startswith(".") else f"/{name}/"
    return {
        "openapi": "3.0.0",
        "info": _INFO,
        "paths": {path: {"get": operation}},
        "components": {"schemas": {}, "securitySchemes": _SECURITY},
    }


def document(kinds: list[Kind]) -> dict[str, Any]:
    """The document of the kinds of one group version, which are all custom or all built in."""
    schemas: dict[str, Any] = dict(META_SCHEMAS)
    paths: dict[str, Any] = {}
    for kind in sorted(kinds, key=lambda each: each.plural):
        schemas.update(kind_schemas(kind))
        paths.update(kind_paths(kind, tag(kind.group, kind.version)))
    components: dict[str, Any] = {"schemas": schemas}
    if not all(kind.custom for kind in kinds):
        components["securitySchemes"] = _SECURITY
    return {"openapi": "3.0.0", "info": _INFO, "paths": paths, "components": components}
