"""The paths of discovery: ``/api``, ``/apis`` and what is below them."""

from __future__ import annotations

import hashlib

from krate_gitops.cluster.dev.catalog import Catalog
from krate_gitops.cluster.dev.discovery import lists
from krate_gitops.cluster.dev.http.encode import answer, encode
from krate_gitops.cluster.dev.http.negotiation import DISCOVERY_FORMS, Clause, check_routed, negotiate
from krate_gitops.cluster.dev.http.request import Request, Response
from krate_gitops.cluster.dev.refusals import PlainNotFoundError, method_not_allowed, no_resource


class DiscoveryPages:
    """Answers discovery; what is aggregated is made once for every state of the catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._made: dict[tuple[bool, str], tuple[int, bytes, str]] = {}

    def answer(self, request: Request, accept: list[Clause]) -> Response | None:
        """The answer to a path of discovery; ``None`` for another one. Raises ``ApiFailure``."""
        parts = request.path.strip("/").split("/")
        if parts[0] not in ("api", "apis") or len(parts) > 3:
            return None
        if request.method != "GET":
            raise method_not_allowed()
        check_routed(accept)
        if len(parts) == 1:
            return self._top(request, accept, core=parts[0] == "api")
        request.media = negotiate(accept, ())
        if parts[0] == "api":
            return self._resources(request, "", parts[1]) if len(parts) == 2 else None
        if len(parts) == 3:
            return self._resources(request, parts[1], parts[2])
        found = lists.one_group(self._catalog, parts[1])
        if found is None:
            raise PlainNotFoundError
        return answer(found, request.media)

    def _resources(self, request: Request, group: str, version: str) -> Response:
        found = lists.resource_list(self._catalog, group, version)
        if found is None:
            raise no_resource() if group in self._catalog.built_in_groups() else PlainNotFoundError
        return answer(found, request.media)

    def _top(self, request: Request, accept: list[Clause], *, core: bool) -> Response:
        media = negotiate(accept, DISCOVERY_FORMS)
        if media.form is None:
            host = request.headers.get("host") or "localhost"
            value = lists.api_versions(host) if core else lists.group_list(self._catalog)
            return answer(value, media, headers=(("Vary", "Accept"),))
        revision, body, tag = self._made.get((core, media.type), (-1, b"", ""))
        if revision != self._catalog.revision:
            body = encode(lists.aggregated(self._catalog, core=core), media)
            tag = f'"{hashlib.sha256(body).hexdigest().upper()}"'
            self._made[core, media.type] = (self._catalog.revision, body, tag)
        headers = (("ETag", tag), ("Vary", "Accept"))
        if request.headers.get("if-none-match") == tag:
            return Response(304, headers=headers)
        name, group, version = media.form
        return Response(200, body, f"{media.type};g={group};v={version};as={name}", headers)
