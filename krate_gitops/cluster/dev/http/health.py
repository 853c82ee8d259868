"""Paths about the server itself: version, health, and who issues its tokens."""

from __future__ import annotations

import platform
from collections.abc import Callable

from krate_gitops.cluster.dev.catalog import Catalog
from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http.encode import answer, text
from krate_gitops.cluster.dev.http.negotiation import Clause, check_routed
from krate_gitops.cluster.dev.http.request import Request, Response
from krate_gitops.cluster.dev.refusals import method_not_allowed

_CHECKS = ("ping", "log", "etcd")
_KEY_SET = "application/jwk-set+json"
ISSUER = "https://kubernetes.default.svc.cluster.local"

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.0-krate-dev",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": f"{platform.system().lower()}/{platform.machine()}",
}


def health(request: Request, accept: list[Clause], catalog: Catalog) -> Response | None:
    """The answer to such a path; ``None`` for another one. Raises ``ApiFailure``."""
    path = request.path.rstrip("/") or "/"
    parts = path.strip("/").split("/")
    if parts[0] in ("healthz", "livez", "readyz"):
        return _health(request, parts[0], parts[1:])
    pages: dict[str, Callable[[], object]] = {
        "/": lambda: {"paths": _paths(catalog)},
        "/version": lambda: VERSION,
        "/.well-known/openid-configuration": lambda: _issuer(request),
    }
    if path == "/openid/v1/jwks":
        return _keys(accept)
    if path not in pages:
        return None
    _only_get(request)
    if path == "/version":
        check_routed(accept)
    return answer(pages[path](), request.media)


def _only_get(request: Request) -> None:
    if request.method != "GET":
        raise method_not_allowed()


def _health(request: Request, kind: str, rest: list[str]) -> Response | None:
    _only_get(request)
    if rest:
        return text("ok") if len(rest) == 1 and rest[0] in _CHECKS else None
    if not request.query.flag("verbose"):
        return text("ok")
    excluded = set(request.query.getlist("exclude"))
    lines = [f"[+]{check} {'excluded: ok' if check in excluded else 'ok'}" for check in _CHECKS]
    return text("\n".join([*lines, f"{kind} check passed", ""]))


def _issuer(request: Request) -> dict[str, object]:
    host = request.headers.get("host") or "localhost"
    return {
        "issuer": ISSUER,
        "jwks_uri": f"http://{host}/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def _keys(accept: list[Clause]) -> Response:
    """The public keys of tokens: none, for this server signs with a key that only it has."""
    if accept and not any(clause.type in (_KEY_SET, "*/*") for clause in accept):
        message = f"406: Not Acceptable\n\nAvailable representations: {_KEY_SET}"
        raise ApiFailure(406, "NotAcceptable", message, details={})
    return Response(200, b'{"keys":[]}', _KEY_SET)


def _paths(catalog: Catalog) -> list[str]:
    """Every path that leads somewhere."""
    found = {"/.well-known/openid-configuration", "/api", "/api/v1", "/apis", "/apis/", "/openapi/v3", "/version"}
    found |= {"/openid/v1/jwks"}
    for kind in ("healthz", "livez", "readyz"):
        found |= {f"/{kind}", *(f"/{kind}/{check}" for check in _CHECKS)}
    for kind_served in catalog.kinds():
        if kind_served.group:
            found |= {f"/apis/{kind_served.group}", f"/apis/{kind_served.api_version}"}
    return sorted(found)
