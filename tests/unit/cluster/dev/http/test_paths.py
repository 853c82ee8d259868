"""What paths mean."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.http.paths import Target, parse
from krate_gitops.cluster.dev.http.request import Query


def seen(method: str, path: str, query: str = "") -> tuple[str, ...]:
    target = parse(method, path, Query(query))
    return (target.verb, target.group, target.resource, target.subresource, target.namespace, target.name)


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/configmaps", "", ("list", "", "configmaps", "", "", "")),
        ("GET", "/api/v1/namespaces/n/configmaps/", "", ("list", "", "configmaps", "", "n", "")),
        ("GET", "/api/v1/namespaces//configmaps", "", ("list", "", "configmaps", "", "", "")),
        ("GET", "/api/v1/namespaces/n/configmaps/x", "watch=1", ("get", "", "configmaps", "", "n", "x")),
        ("GET", "/api/v1/namespaces/n/configmaps", "watch=maybe", ("watch", "", "configmaps", "", "n", "")),
        ("GET", "/api/v1/namespaces/n", "", ("get", "", "namespaces", "", "n", "n")),
        ("PUT", "/api/v1/namespaces/n/finalize", "", ("update", "", "namespaces", "finalize", "n", "n")),
        ("GET", "/apis/g/v1/widgets/x/status", "", ("get", "g", "widgets", "status", "", "x")),
        ("DELETE", "/apis/g/v1/namespaces/n/widgets", "", ("deletecollection", "g", "widgets", "", "n", "")),
        ("POST", "/apis/g/v1/namespaces/n/widgets", "", ("create", "g", "widgets", "", "n", "")),
        ("GET", "/apis/g/v1/watch/namespaces/n/widgets/x", "", ("watch", "g", "widgets", "", "n", "x")),
        ("GET", "/apis/g/v1/widgets", "fieldSelector=metadata.name%3Dx", ("list", "g", "widgets", "", "", "x")),
        ("GET", "/apis/g/v1/widgets", "fieldSelector=metadata.name!%3Dx", ("list", "g", "widgets", "", "", "")),
        ("PROPFIND", "/api/v1/configmaps", "", ("", "", "configmaps", "", "", "")),
    ],
)
def test_resources(method: str, path: str, query: str, expected: tuple[str, ...]) -> None:
    assert seen(method, path, query) == expected


@pytest.mark.parametrize("path", ["/", "/api", "/api/v1", "/apis", "/apis/g", "/apis/g/v1", "/version", "/readyz/ping"])
def test_other_paths(path: str) -> None:
    target = parse("GET", path, Query(""))
    assert not target.is_resource
    assert target == Target(path, "get")
