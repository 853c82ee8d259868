"""The paths of the OpenAPI v3 documents: an index, and one document for each group version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from krate_gitops.cluster.dev.catalog import Catalog
from krate_gitops.cluster.dev.http.encode import TEXT, to_json
from krate_gitops.cluster.dev.http.negotiation import JSON, Clause
from krate_gitops.cluster.dev.http.request import Request, Response
from krate_gitops.cluster.dev.openapi.documents import document, plain_document
from krate_gitops.cluster.dev.refusals import method_not_allowed

_ROOT = "/openapi/v3"
_OLD_ROOT = "/openapi/v2"
# kubectl falls back to this version for kinds that can't be patched and for lists. It skips what it doesn't find there,
# and leaves the checks to the server. The document has nothing but the version: field 1, three bytes, in protobuf.
_OLD = b"\x0a\x032.0"
_OLD_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_PLAIN = ("version", "apis", ".well-known/openid-configuration")


class OpenApiPages:
    """Answers for documents; each is made once for every state of the catalog, when it is first asked for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._revision = -1
        self._sources: dict[str, Callable[[], dict[str, Any]]] = {}
        self._made: dict[str, tuple[bytes, str]] = {}
        self._kept: dict[tuple[Any, ...], tuple[bytes, str]] = {}

    def answer(self, request: Request, accept: list[Clause]) -> Response | None:
        """The answer to a path of OpenAPI v3; ``None`` for another one. Raises ``ApiFailure``."""
        path = request.path.rstrip("/")
        if path == _OLD_ROOT:
            return Response(200, _OLD, _OLD_TYPE)
        if path != _ROOT and not path.startswith(f"{_ROOT}/"):
            return None
        if request.method != "GET":
            raise method_not_allowed()
        self._refresh()
        if path == _ROOT:
            return Response(200, to_json({"paths": self._index()}), TEXT)
        name = path.removeprefix(f"{_ROOT}/")
        if name not in self._sources:
            return Response(404)
        body, digest = self._document(name)
        tag = f'"{digest}"'
        asked = request.query.get("hash")
        if asked and asked != digest:
            return Response(301, content_type=JSON, headers=(("Location", f"{_ROOT}/{name}?hash={digest}"),))
        headers = [("ETag", tag), ("Vary", "Accept")]
        if asked:
            headers.append(("Cache-Control", "public, immutable"))
        if request.headers.get("if-none-match") == tag:
            return Response(304, headers=tuple(headers))
        return Response(200, body, JSON, tuple(headers))

    def _index(self) -> dict[str, Any]:
        return {
            name: {"serverRelativeURL": f"{_ROOT}/{name}?hash={self._document(name)[1]}"}
            for name in sorted(self._sources)
        }

    def _document(self, name: str) -> tuple[bytes, str]:
        found = self._made.get(name)
        if found is None:
            body = to_json(self._sources[name]())
            found = self._made[name] = (body, hashlib.sha512(body).hexdigest().upper())
        return found

    def _refresh(self) -> None:
        """Takes over the kinds that are served now; documents whose kinds are the same stay."""
        if self._revision == self._catalog.revision:
            return
        by_version: dict[tuple[str, str], list[Any]] = {}
        for kind in self._catalog.kinds():
            by_version.setdefault((kind.group, kind.version), []).append(kind)
        made = dict(self._made)
        kept = dict(self._kept)
        self._sources, self._made, self._kept = {}, {}, {}
        for name in _PLAIN:
            self._sources[name] = lambda name=name: plain_document(name)  # type: ignore[misc]
        for (group, version), kinds in by_version.items():
            name = f"apis/{group}/{version}" if group else f"api/{version}"
            key = (name, *kinds)
            self._sources[name] = lambda kinds=kinds: document(kinds)  # type: ignore[misc]
            before = kept.get(key) or made.get(name)
            if key in kept and before is not None:
                self._made[name] = before
        self._revision = self._catalog.revision
