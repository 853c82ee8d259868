"""Which verb answers which request."""

from __future__ import annotations

from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.cluster import Cluster
from krate_gitops.cluster.dev.discovery.pages import DiscoveryPages
from krate_gitops.cluster.dev.http.health import health
from krate_gitops.cluster.dev.http.metrics import metrics
from krate_gitops.cluster.dev.http.negotiation import OBJECT_FORMS, Clause, check_routed, negotiate, plain
from krate_gitops.cluster.dev.http.paths import Target
from krate_gitops.cluster.dev.http.request import Request, Response, Stream
from krate_gitops.cluster.dev.kinds import Kind
from krate_gitops.cluster.dev.openapi.pages import OpenApiPages
from krate_gitops.cluster.dev.refusals import (
    PlainNotFoundError,
    method_not_allowed,
    no_endpoints,
    no_resource,
    not_found,
    not_supported,
)
from krate_gitops.cluster.dev.verbs import show
from krate_gitops.cluster.dev.verbs.call import Call
from krate_gitops.cluster.dev.verbs.create import create
from krate_gitops.cluster.dev.verbs.delete import delete, delete_collection
from krate_gitops.cluster.dev.verbs.patch import check_type, patch
from krate_gitops.cluster.dev.verbs.read import get, list_page
from krate_gitops.cluster.dev.verbs.reviews import request_token, review
from krate_gitops.cluster.dev.verbs.update import update
from krate_gitops.cluster.dev.verbs.watch import watch

Answer = Response | Stream


class Routes:
    """The paths of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._discovery = DiscoveryPages(cluster.catalog)
        self._openapi = OpenApiPages(cluster.catalog)

    async def answer(
        self, request: Request, target: Target, user: User, accept: list[Clause], warnings: list[str]
    ) -> Answer:
        """The answer of whoever is responsible. Raises ``ApiFailure`` or ``PlainNotFoundError``."""
        if not target.is_resource:
            return self._page(request, accept)
        kind = self._kind(target)
        if kind.deprecation:
            warnings.append(kind.deprecation)
        if not kind.custom:
            check_routed(accept)
        _check_method(request.method, target, kind)
        if request.method == "PATCH":
            check_type(kind, (request.headers.get("content-type") or "none").partition(";")[0].strip().lower())
        request.media = negotiate(accept, OBJECT_FORMS)
        namespace = target.namespace if kind.namespaced else ""
        # The name of a list is one that its selector allows, not one of its path.
        name = "" if target.verb in ("list", "deletecollection") or _is_watch(target) else target.name
        call = Call(self._cluster, request, user, kind, namespace, name, target.subresource, warnings)
        show.check_form(call)
        return await self._verb(call, target)

    async def _verb(self, call: Call, target: Target) -> Answer:
        method = call.request.method
        if not call.kind.is_stored:
            return show.result(call, review(call))
        if call.subresource == "proxy":
            raise no_endpoints(call.kind, call.name, there=call.entry() is not None)
        if call.subresource == "token":
            return show.result(call, request_token(call))
        if _is_watch(target):
            return watch(call, name=target.name if target.old_watch else "")
        if target.verb == "list":
            return show.page(call, await list_page(call))
        if target.verb == "deletecollection":
            found = delete_collection(call)
            return show.collection(call, found.value["items"], found.value["version"])
        if method == "GET":
            return show.result(call, await get(call))
        verbs = {"POST": create, "PUT": update, "PATCH": patch, "DELETE": delete}
        return show.result(call, verbs[method](call))

    def _kind(self, target: Target) -> Kind:
        catalog = self._cluster.catalog
        kind = catalog.find(target.group, target.version, target.resource)
        built_in = target.group in catalog.built_in_groups()
        if kind is None:
            raise no_resource() if built_in else PlainNotFoundError
        named = bool(target.name) and not _is_selected(target)
        if target.in_namespace != kind.namespaced and (target.in_namespace or named):
            raise PlainNotFoundError if kind.custom else no_resource()
        if target.extra or (target.subresource and kind.subresource(target.subresource) is None):
            if kind.custom and target.subresource in ("status", "scale"):
                raise not_found(kind, target.name)
            raise PlainNotFoundError if kind.custom else no_resource()
        return kind

    def _page(self, request: Request, accept: list[Clause]) -> Answer:
        """Paths that are no resources: discovery, schemas, health."""
        for pages in (self._discovery.answer, self._openapi.answer):
            found = pages(request, accept)
            if found is not None:
                return found
        if request.path == "/metrics" and request.method == "GET":
            return metrics(self._cluster.store)
        request.media = plain(accept)
        found = health(request, accept, self._cluster.catalog)
        if found is None:
            raise PlainNotFoundError
        return found


def _is_selected(target: Target) -> bool:
    return target.verb in ("list", "deletecollection") or _is_watch(target)


def _is_watch(target: Target) -> bool:
    return target.verb == "watch"


def _check_method(method: str, target: Target, kind: Kind) -> None:
    """Raises ``ApiFailure`` 405 for what the path doesn't answer."""
    if target.subresource:
        found = kind.subresource(target.subresource)
        wanted = {"GET": "get", "PUT": "update", "PATCH": "patch", "POST": "create", "DELETE": "delete"}.get(method, "")
        if found is None or wanted not in found.verbs:
            raise not_supported(kind, target.verb) if kind.custom and target.verb else method_not_allowed()
        return
    if method == "HEAD" or target.verb not in kind.verbs:
        raise method_not_allowed()
    collection = target.verb in ("list", "watch", "create", "deletecollection")
    named = bool(target.name) and not _is_selected(target)
    if collection == named:
        raise method_not_allowed()
    if target.verb == "create" and kind.namespaced and not target.in_namespace:
        raise method_not_allowed()
    if target.verb == "deletecollection" and kind.namespaced and not target.in_namespace:
        raise method_not_allowed()
