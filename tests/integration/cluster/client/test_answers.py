"""What the client makes of answers, and what its requests look like."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.cluster.client.api import Api, Identity, open_api, service_account
from krate_gitops.cluster.client.connection import Connection, load_connection
from krate_gitops.cluster.client.credentials import Credentials
from krate_gitops.cluster.client.failures import AuthError, InvalidError, NotServedError, TooLargeError, TransientError
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.errors import KrateError, UnavailableError, UsageError
from tests.faults import FaultProxy, Seen, answer, faulty, refusal, replies
from tests.integration.cluster.client.scripted import (
    CONFIG_MAP,
    QUICK,
    SECRET,
    config_map,
    connection_to,
    echo,
    scripted,
    talk,
)

MISSING = refusal(404, "NotFound", 'configmaps "x" not found', details={"name": "x", "kind": "configmaps"})


def test_a_request_carries_token_and_impersonation() -> None:
    async def work(api: Api) -> None:
        await api.impersonating(service_account("team", "applier")).get(CONFIG_MAP, "x", "team")
        await api.get(CONFIG_MAP, "x", "team")

    with scripted() as server:
        server.inject(MISSING, times=9)
        talk(connection_to(server.url, "tok"), work)
        first, second = server.seen
        assert first.headers["authorization"] == second.headers["authorization"] == ["Bearer tok"]
        assert first.headers["impersonate-user"] == ["system:serviceaccount:team:applier"]
        assert "impersonate-group" not in first.headers
        assert "impersonate-user" not in second.headers
        assert first.headers["user-agent"][0].startswith("krate-gitops/")


def test_the_kubeconfigs_own_impersonation_is_obeyed_and_can_be_replaced() -> None:
    async def work(api: Api) -> None:
        await api.get(CONFIG_MAP, "x", "team")
        await api.impersonating(Identity("bob")).get(CONFIG_MAP, "x", "team")

    with scripted() as server:
        server.inject(MISSING, times=9)
        credentials = Credentials(server=server.url, identity=Identity("ann", ("g",)))
        talk(Connection(credentials=credentials, read=lambda: credentials), work)
        assert [one.headers["impersonate-user"] for one in server.seen] == [["ann"], ["bob"]]
        assert "impersonate-group" not in server.seen[1].headers


@pytest.mark.parametrize(
    "identity", [Identity(""), Identity("a\r\nX: y"), Identity("a", ("b\n",)), Identity("a", ("",))]
)
def test_an_identity_cannot_carry_headers_of_its_own(identity: Identity) -> None:
    async def work(api: Api) -> None:
        api.impersonating(identity)

    with scripted() as server, pytest.raises(UsageError):
        talk(server, work)


def test_credentials_that_are_refused_are_read_again_once() -> None:
    def make(seen: Seen) -> bytes:
        if seen.headers["authorization"] == ["Bearer new"]:
            return answer(200, config_map())
        return answer(401, {"kind": "Status", "code": 401, "message": "Unauthorized"})

    with scripted() as server:
        server.inject(replies(make), times=100)
        connection = Connection(
            credentials=Credentials(server=server.url, authorization="Bearer old"),
            read=lambda: Credentials(server=server.url, authorization="Bearer new"),
        )

        async def many(api: Api) -> None:
            await asyncio.gather(*(api.get(CONFIG_MAP, "x", "team") for _ in range(8)))

        talk(connection, many, concurrency=4)
        assert len([one for one in server.seen if one.headers["authorization"] == ["Bearer old"]]) <= 4

        stuck = Connection(
            credentials=Credentials(server=server.url, authorization="Bearer old"),
            read=lambda: Credentials(server=server.url, authorization="Bearer old"),
        )
        before = len(server.seen)
        with pytest.raises(AuthError) as caught:
            talk(stuck, lambda api: api.create(CONFIG_MAP, config_map(), manager="m"))
        assert len(server.seen) == before + 2
        assert "old" not in str(caught.value)


def test_an_apply_is_json_with_strict_validation() -> None:
    async def work(api: Api) -> None:
        await api.apply(CONFIG_MAP, config_map(data={"a": "1"}), manager="krate-gitops", force=True, uid="u-1")
        await api.apply(CONFIG_MAP, config_map(), manager="krate gitops/x", dry_run=True, subresource="status")

    with scripted() as server:
        echo(server)
        talk(server, work)
        first, second = server.seen
        assert first.query == "fieldManager=krate-gitops&fieldValidation=Strict&force=true"
        assert first.headers["content-type"] == ["application/apply-patch+yaml"]
        assert first.json()["metadata"] == {"name": "x", "namespace": "team", "uid": "u-1"}
        assert second.path == "/api/v1/namespaces/team/configmaps/x/status"
        assert second.query == "fieldManager=krate%20gitops%2Fx&fieldValidation=Strict&dryRun=All"


def test_a_manifest_of_another_kind_is_not_sent() -> None:
    with scripted() as server:
        for wrong in (config_map(metadata={"name": ""}), {**config_map(), "kind": "Secret"}, {"kind": "ConfigMap"}):
            with pytest.raises(UsageError):
                talk(server, lambda api, wrong=wrong: api.apply(CONFIG_MAP, wrong, manager="m"))  # type: ignore[misc]
        with pytest.raises(TooLargeError):
            talk(server, lambda api: api.apply(CONFIG_MAP, config_map(data={"a": "x" * (4 << 20)}), manager="m"))
        assert not server.seen


def test_a_large_object_is_sent_whole_and_again() -> None:
    large = config_map(data={"a": "x" * (2 << 20)})
    with scripted() as server:
        server.inject(refusal(503))
        echo(server)
        assert talk(server, lambda api: api.apply(CONFIG_MAP, large, manager="m")).object == large
        assert len(server.seen) == 2


def test_warnings_are_given_and_kept_once() -> None:
    told: list[str] = []
    headers = {"Warning": '299 - "v1 Widget is old"'}

    async def work(api: Api) -> tuple[Any, tuple[str, ...]]:
        applied = [await api.apply(CONFIG_MAP, config_map(), manager="m") for _ in range(2)]
        return applied, api.warnings

    with scripted() as server:
        server.inject(replies(answer(201, config_map(), headers)))
        server.inject(replies(answer(200, config_map(), headers)))
        applied, warnings = talk(server, work, on_warning=told.append)
    assert [(one.warnings, one.created) for one in applied] == [
        (("v1 Widget is old",), True),
        (("v1 Widget is old",), False),
    ]
    assert list(warnings) == told == ["v1 Widget is old"]


def test_what_is_missing_is_none_but_a_kind_that_is_not_served_is_told() -> None:
    with scripted() as server:
        server.inject(MISSING, times=2)
        assert talk(server, lambda api: api.get(CONFIG_MAP, "x", "team")) is None
        assert talk(server, lambda api: api.delete(CONFIG_MAP, "x", "team")).gone
        server.inject(replies(answer(404, "404 page not found\n", {"Content-Type": "text/plain"})), times=2)
        with pytest.raises(NotServedError):
            talk(server, lambda api: api.get(CONFIG_MAP, "x", "team"))
        with pytest.raises(NotServedError):
            talk(server, lambda api: api.delete(CONFIG_MAP, "x", "team"))


def test_a_delete_names_object_and_version() -> None:
    with scripted() as server:
        held = config_map(metadata={"finalizers": ["a/b"]})
        server.inject(replies(answer(200, held)))
        got = talk(server, lambda api: api.delete(CONFIG_MAP, "x", "team", uid="u", resource_version="7", dry_run=True))
        assert (got.gone, got.object) == (False, held)
        assert server.seen[0].json() == {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": "u", "resourceVersion": "7"},
            "dryRun": ["All"],
        }


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nonsense", b"3", b"[" * 100_000])
def test_an_answer_that_is_no_object_is_a_failure_of_the_server(body: bytes) -> None:
    with scripted() as server:
        server.inject(replies(answer(200, body)), times=9)
        for call in (
            lambda api: api.get(CONFIG_MAP, "x", "team"),
            lambda api: api.list(CONFIG_MAP),
            lambda api: api.discovery(),
        ):
            with pytest.raises(TransientError) as caught:
                talk(server, call)
            assert caught.value.code == "CLUSTER_ANSWER_INVALID"


def test_a_refused_secret_shows_none_of_its_values() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "team"}}
    secret |= {"stringData": {"password": "correct-horse-battery"}}

    def make(seen: Seen) -> bytes:
        message = f"denied: {json.dumps(seen.json())}"
        causes = [{"reason": "FieldValueInvalid", "field": "data", "message": f"Invalid value: {message}"}]
        return answer(422, {"kind": "Status", "code": 422, "message": message, "details": {"causes": causes}})

    with scripted() as server:
        server.inject(replies(make), times=9)
        with pytest.raises(InvalidError) as caught:
            talk(server, lambda api: api.apply(SECRET, secret, manager="m"))
        assert "correct-horse" not in repr(caught.value) + str(caught.value.__dict__)
        patch = {"stringData": {"password": "correct-horse-battery"}}
        with pytest.raises(InvalidError) as caught:
            talk(server, lambda api: api.merge_patch(SECRET, "s", "team", patch, manager="m"))
        assert "correct-horse" not in repr(caught.value) + str(caught.value.__dict__)


def page(names: list[str], more: str = "", version: str = "7") -> bytes:
    items = [{"metadata": {"name": name}} for name in names]
    return answer(200, {"kind": "List", "metadata": {"resourceVersion": version, "continue": more}, "items": items})


def test_a_list_follows_its_pages() -> None:
    with scripted() as server:
        server.inject(replies(page(["a", "b"], "next page=")))
        server.inject(replies(page(["c"])))
        got = talk(server, lambda api: api.list(CONFIG_MAP, "team", label_selector="a in (b, c)", page=2))
        assert [(one["metadata"]["name"], one["kind"], one["apiVersion"]) for one in got.items] == [
            (name, "ConfigMap", "v1") for name in "abc"
        ]
        assert (got.resource_version, got.pages) == ("7", 2)
        assert [one.query for one in server.seen] == [
            "labelSelector=a%20in%20%28b%2C%20c%29&limit=2",
            "labelSelector=a%20in%20%28b%2C%20c%29&limit=2&continue=next%20page%3D",
        ]


def test_a_list_whose_version_is_forgotten_begins_anew_once() -> None:
    with scripted() as server:
        server.inject(replies(page(["a"], "t")))
        server.inject(refusal(410, "Expired"))
        server.inject(replies(page(["b"], "", "9")))
        got = talk(server, lambda api: api.list(CONFIG_MAP))
        assert ([one["metadata"]["name"] for one in got.items], got.resource_version) == (["b"], "9")
        server.inject(refusal(410, "Expired"), times=9)
        with pytest.raises(Exception, match="410") as caught:
            talk(server, lambda api: api.list(CONFIG_MAP))
        assert getattr(caught.value, "code", "") == "CLUSTER_VERSION_GONE"


def test_a_list_that_goes_in_circles_ends() -> None:
    with scripted() as server:
        server.inject(replies(page(["a"], "same")), times=1_000)
        with pytest.raises(TransientError):
            talk(server, lambda api: api.list(CONFIG_MAP))
        assert len(server.seen) == 2


def test_a_list_without_items_is_empty() -> None:
    with scripted() as server:
        server.inject(replies(answer(200, {"metadata": {"resourceVersion": "3"}, "items": None})))
        got = talk(server, lambda api: api.list(CONFIG_MAP, metadata_only=True))
        assert (got.items, got.resource_version) == ([], "3")
        assert "PartialObjectMetadataList" in server.seen[0].headers["accept"][0]


def test_a_compressed_answer_is_read() -> None:
    body = json.dumps(config_map()).encode()
    with scripted() as server:
        server.inject(replies(answer(200, gzip.compress(body), {"Content-Encoding": "gzip"})))
        assert talk(server, lambda api: api.get(CONFIG_MAP, "x", "team")) == config_map()


def test_questions_about_permissions() -> None:
    async def work(api: Api) -> list[Any]:
        bob = api.impersonating(Identity("bob"))
        return [
            await bob.can_i("patch", "example.com", "widgets", namespace="team", name="x", subresource="status"),
            await bob.can_i("get", "", "secrets"),
            await bob.rules("team"),
        ]

    told = {"incomplete": True, "resourceRules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]}
    with scripted() as server:
        server.inject(replies(answer(201, {"status": {"allowed": True}})))
        server.inject(replies(answer(201, {"status": {"allowed": False, "denied": True}})))
        server.inject(replies(answer(201, {"status": told | {"nonResourceRules": None}})))
        yes, no, rules = talk(server, work)
    assert (yes, no, rules.incomplete, len(rules.resource_rules)) == (True, False, True, 1)
    attributes = server.seen[0].json()["spec"]["resourceAttributes"]
    assert attributes == {
        "verb": "patch", "group": "example.com", "resource": "widgets", "namespace": "team", "name": "x",
        "subresource": "status",
    }  # fmt: skip
    assert server.seen[0].headers["impersonate-user"] == ["bob"]


AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def discovered(group: str, versions: dict[str, list[dict[str, Any]]], freshness: str = "Current") -> dict[str, Any]:
    listed = [{"version": name, "resources": found, "freshness": freshness} for name, found in versions.items()]
    return {"metadata": {"name": group} if group else {}, "versions": listed}


def resource(plural: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": ["get"], **more}


def test_discovery_is_two_requests_and_then_only_asks_what_changed() -> None:
    core = [discovered("", {"v1": [resource("configmaps", "ConfigMap")]})]
    widgets = resource("widgets", "Widget", subresources=[{"subresource": "status"}])
    versions = {"v2": [widgets, resource("x", "")], "v1": [widgets, resource("things", "Thing", scope="Cluster")]}
    groups = [discovered("example.com", versions), discovered("down.example.com", {"v1": []}, "Stale")]
    now = {"/api": (core, '"c"'), "/apis": (groups, '"g"')}

    def make(seen: Seen) -> bytes:
        items, etag = now[seen.path]
        if seen.headers.get("if-none-match") == [etag]:
            return b"HTTP/1.1 304 X\r\nETag: " + etag.encode() + b"\r\n\r\n"
        return answer(200, {"items": items}, {"Content-Type": AGGREGATED, "ETag": etag})

    async def work(api: Api) -> list[Any]:
        first = await asyncio.gather(*(api.discovery() for _ in range(5)))
        again = await api.impersonating(Identity("bob")).discovery(refresh=True)
        assert api.calls.total == 4
        now["/apis"] = ([], '"h"')
        return [*first, again, await api.discovery(refresh=True), await api.discovery()]

    with scripted() as server:
        server.inject(replies(make), times=100)
        *found, changed, later = talk(server, work)
        assert len(server.seen) == 6
        assert all("impersonate-user" not in one.headers for one in server.seen)
    assert all(one is found[0] for one in found)
    assert changed is later
    assert changed.find("example.com", "Widget") is None
    widget = found[0].find("example.com", "Widget")
    assert (widget.version, widget.plural, widget.subresources) == ("v2", "widgets", frozenset({"status"}))
    assert found[0].find("", "ConfigMap") == ResourceType("", "v1", "ConfigMap", "configmaps", True, frozenset({"get"}))
    assert not found[0].find("example.com", "Thing").namespaced
    assert found[0].stale == {"down.example.com/v1"}


def test_something_else_that_answers_is_not_taken_for_a_server_without_kinds() -> None:
    with scripted() as server:
        for body in ({"items": []}, {"versions": [], "groups": []}):
            for kind in (AGGREGATED, "application/json"):
                server.inject(replies(answer(200, body, {"Content-Type": kind})), times=2)
                with pytest.raises(TransientError):
                    talk(server, lambda api: api.discovery())
                server.clear()


def test_a_server_without_aggregated_discovery_is_asked_group_by_group() -> None:
    plain = [
        {"name": "widgets", "kind": "Widget", "namespaced": True, "verbs": ["get", "list"]},
        {"name": "widgets/status", "kind": "Widget", "namespaced": True, "verbs": ["patch"]},
    ]
    versions = [{"groupVersion": f"example.com/{one}", "version": one} for one in ("v1", "v2")]
    group = {"name": "example.com", "versions": versions, "preferredVersion": {"version": "v2"}}
    away = {"name": "away.com", "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}}

    def make(seen: Seen) -> bytes:
        documents: dict[str, Any] = {
            "/api": {"versions": ["v1"]},
            "/apis": {"groups": [group, away]},
            "/api/v1": {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": []}]},
            "/apis/example.com/v1": {"resources": plain},
            "/apis/example.com/v2": {"resources": plain},
        }
        found = documents.get(seen.path)
        return answer(200, found) if found else answer(503, b"down")

    with scripted() as server:
        server.inject(replies(make), times=1_000)
        found = talk(server, lambda api: api.discovery())
    widget = found.find("example.com", "Widget")
    assert widget is not None
    assert (widget.version, widget.verbs, widget.subresources) == ("v2", {"get", "list"}, {"status"})
    assert found.stale == {"away.com/v1"}
    assert found.find("", "ConfigMap") is not None


def test_an_untrusted_certificate_is_told_and_not_tried_again(certificate: tuple[Path, Path]) -> None:
    serve = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serve.load_cert_chain(*certificate)
    with faulty(serve_tls=serve) as server:
        server.inject(MISSING, times=9)
        with pytest.raises(UnavailableError) as caught:
            talk(server, lambda api: api.get(CONFIG_MAP, "x", "team"))
        assert caught.value.code == "CLUSTER_TLS"
        assert not server.seen
        trusted = Credentials(server=server.url, ca_file=str(certificate[0]), server_name="api.example.com")
        connection = Connection(credentials=trusted, read=lambda: trusted)
        assert talk(connection, lambda api: api.get(CONFIG_MAP, "x", "team")) is None
        misnamed = Credentials(server=server.url, ca_file=str(certificate[0]))
        with pytest.raises(UnavailableError):
            talk(Connection(credentials=misnamed, read=lambda: misnamed), lambda api: api.get(CONFIG_MAP, "x", "team"))
        unchecked = Credentials(server=server.url, verify=False)
        connection = Connection(credentials=unchecked, read=lambda: unchecked)
        assert talk(connection, lambda api: api.get(CONFIG_MAP, "x", "team")) is None


def test_a_pool_that_is_never_used_sends_nothing() -> None:
    async def work() -> int:
        async with open_api(connection_to("http://127.0.0.1:1"), backoff=QUICK) as api:
            return api.calls.total

    assert asyncio.run(work()) == 0
    assert FaultProxy().seen == []


def test_a_client_certificate_of_a_kubeconfig_is_shown(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    serve = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serve.load_cert_chain(*certificate)
    serve.load_verify_locations(certificate[0])
    serve.verify_mode = ssl.CERT_REQUIRED
    data = [base64.b64encode(file.read_bytes()).decode() for file in certificate]
    with faulty(serve_tls=serve) as server:
        server.inject(MISSING, times=9)
        cluster = {
            "server": server.url,
            "certificate-authority": "authority.pem",
            "tls-server-name": "api.example.com",
        }
        content: dict[str, Any] = {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": cluster}],
            "users": [{"name": "a", "user": {"client-certificate-data": data[0], "client-key-data": data[1]}}],
        }
        file = tmp_path / "config"
        (tmp_path / "authority.pem").write_bytes(certificate[0].read_bytes())
        file.write_text(json.dumps(content))
        assert talk(load_connection(file, None), lambda api: api.get(CONFIG_MAP, "x", "team")) is None
        content["users"][0]["user"] = {}
        file.write_text(json.dumps(content))
        before = len(server.seen)
        with pytest.raises(KrateError) as caught:
            talk(load_connection(file, None), lambda api: api.get(CONFIG_MAP, "x", "team"))
        assert caught.value.exit_code == 3
        assert len(server.seen) == before
