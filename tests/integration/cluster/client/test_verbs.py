"""Every verb against an API server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from krate_gitops.cluster.client.api import Api, service_account
from krate_gitops.cluster.client.connection import Connection
from krate_gitops.cluster.client.failures import (
    AlreadyExistsError,
    ConflictError,
    FieldConflict,
    FieldConflictError,
    ForbiddenError,
    ImmutableError,
    InvalidError,
    NotFoundError,
    NotServedError,
    ReplacedError,
    TooLargeError,
)
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.cluster.client.reviews import ResourceAttributes
from krate_gitops.errors import KrateError
from tests.integration.cluster.client.scripted import CONFIG_MAP, SECRET, talk

RBAC = "rbac.authorization.k8s.io"
DEFINITION = ResourceType("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", False)
ROLE = ResourceType(RBAC, "v1", "Role", "roles", True)
BINDING = ResourceType(RBAC, "v1", "RoleBinding", "rolebindings", True)
OTHER_UID = "11111111-2222-4333-8444-555555555555"


def manifest(namespace: str, name: str = "x", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **(more or {"data": {"a": "1"}})}


@pytest.fixture(scope="module")
def widget(cluster: Connection) -> Iterator[ResourceType]:
    """A kind of the tests' own, with a status."""
    group = f"client-{secrets.token_hex(4)}.example.com"
    size = {"type": "integer", "minimum": 0}
    properties = {
        "spec": {"type": "object", "properties": {"size": size, "mode": {"type": "string", "default": "plain"}}},
        "status": {"type": "object", "properties": {"phase": {"type": "string"}}},
    }
    version = {
        "name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
    }  # fmt: skip
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group, "scope": "Namespaced", "versions": [version],
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        },
    }  # fmt: skip

    async def install(api: Api) -> ResourceType:
        await api.apply(DEFINITION, definition, manager="test")
        for _ in range(200):
            found = (await api.discovery(refresh=True)).find(group, "Widget")
            if found is not None:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError("the definition is never served")

    found = talk(cluster, install)
    yield found
    talk(cluster, lambda api: api.delete(DEFINITION, f"widgets.{group}"))


def made(widget: ResourceType, namespace: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": "w", "namespace": namespace}
    return {"apiVersion": widget.api_version, "kind": "Widget", "metadata": metadata, "spec": spec}


def test_discovery_is_two_requests(cluster: Connection, widget: ResourceType) -> None:
    async def work(api: Api) -> None:
        found = await api.discovery()
        assert api.calls.total == 2
        role = found.find(RBAC, "Role")
        assert role is not None
        assert role[:5] == ROLE[:5]
        assert {"get", "list", "watch", "patch", "delete"} <= role.verbs
        assert found.find("", "Namespace", "v1") is not None
        assert found.find(widget.group, "Widget") == widget
        assert "status" in widget.subresources
        assert (await api.discovery(refresh=True)).find(RBAC, "Role") == role
        assert api.calls.total == 4

    talk(cluster, work)


def test_apply_creates_changes_and_leaves_alone(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        first = await api.apply(CONFIG_MAP, manifest(namespace), manager="me")
        same = await api.apply(CONFIG_MAP, manifest(namespace), manager="me")
        assert (first.created, same.created) == (True, False)
        assert same.object["metadata"]["resourceVersion"] == first.object["metadata"]["resourceVersion"]
        other = await api.apply(CONFIG_MAP, manifest(namespace, data={"b": "2"}), manager="me")
        assert other.object["data"] == {"b": "2"}

    talk(cluster, work)


def test_a_dry_run_changes_nothing(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        assert (await api.apply(CONFIG_MAP, manifest(namespace), manager="me", dry_run=True)).created
        assert await api.get(CONFIG_MAP, "x", namespace) is None
        await api.create(CONFIG_MAP, manifest(namespace), manager="me", dry_run=True)
        await api.create(CONFIG_MAP, manifest(namespace), manager="me")
        assert (await api.delete(CONFIG_MAP, "x", namespace, dry_run=True)).gone
        assert await api.get(CONFIG_MAP, "x", namespace) is not None

    talk(cluster, work)


def test_an_apply_with_a_uid_never_brings_an_object_back(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        with pytest.raises(ReplacedError):
            await api.apply(CONFIG_MAP, manifest(namespace), manager="me", uid=OTHER_UID)
        assert await api.get(CONFIG_MAP, "x", namespace) is None
        live = (await api.apply(CONFIG_MAP, manifest(namespace), manager="me")).object
        changed = manifest(namespace, data={"a": "2"})
        with pytest.raises(ReplacedError):
            await api.apply(CONFIG_MAP, changed, manager="me", uid=OTHER_UID)
        await api.apply(CONFIG_MAP, changed, manager="me", uid=live["metadata"]["uid"])

    talk(cluster, work)


def test_a_conflict_names_each_field_with_its_manager(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        await api.apply(CONFIG_MAP, manifest(namespace, data={"a": "1", "b": "1"}), manager="first")
        with pytest.raises(FieldConflictError) as caught:
            await api.apply(CONFIG_MAP, manifest(namespace, data={"a": "2", "b": "2", "c": "2"}), manager="me")
        assert set(caught.value.conflicts) == {FieldConflict(".data.a", "first"), FieldConflict(".data.b", "first")}

    talk(cluster, work)


def test_unknown_fields_and_wrong_values_are_invalid(cluster: Connection, widget: ResourceType, namespace: str) -> None:
    async def work(api: Api) -> None:
        with pytest.raises(InvalidError) as caught:
            await api.apply(widget, made(widget, namespace, size=1, colour="red"), manager="me")
        assert [one.field for one in caught.value.causes] == [".spec.colour"]
        with pytest.raises(InvalidError) as caught:
            await api.create(widget, made(widget, namespace, size=1, colour="red"), manager="me")
        assert "spec.colour" in caught.value.message
        with pytest.raises(InvalidError) as caught:
            await api.apply(widget, made(widget, namespace, size=-1), manager="me")
        assert [one.field for one in caught.value.causes] == ["spec.size"]
        assert type(caught.value) is InvalidError

    talk(cluster, work)


def test_a_fixed_field_is_immutable(cluster: Connection, namespace: str) -> None:
    def binding(role: str) -> dict[str, Any]:
        metadata = {"name": "b", "namespace": namespace}
        return {
            "apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata, "subjects": [],
            "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": role},
        }  # fmt: skip

    async def work(api: Api) -> None:
        await api.apply(BINDING, binding("one"), manager="me")
        with pytest.raises(ImmutableError):
            await api.apply(BINDING, binding("two"), manager="me")

    talk(cluster, work)


def test_an_absent_namespace_and_an_absent_kind(cluster: Connection, namespace: str) -> None:
    nothing = ResourceType("absent.example.com", "v1", "Nothing", "nothings", True)

    async def work(api: Api) -> None:
        absent = f"{namespace}-absent"
        assert await api.get(CONFIG_MAP, "x", absent) is None
        assert (await api.list(CONFIG_MAP, absent)).items == []
        with pytest.raises(NotFoundError) as caught:
            await api.apply(CONFIG_MAP, manifest(absent), manager="me")
        assert caught.value.code == "CLUSTER_NOT_FOUND"
        assert absent in caught.value.message
        for call in (api.get(nothing, "x", namespace), api.list(nothing), api.delete(nothing, "x", namespace)):
            with pytest.raises(NotServedError):
                await call

    talk(cluster, work)


def test_a_create_is_once(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        await api.create(CONFIG_MAP, manifest(namespace), manager="me")
        with pytest.raises(AlreadyExistsError):
            await api.create(CONFIG_MAP, manifest(namespace), manager="me")
        named = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "g-", "namespace": namespace}}
        assert (await api.create(CONFIG_MAP, named, manager="me"))["metadata"]["name"].startswith("g-")

    talk(cluster, work)


def test_a_delete_hits_only_the_object_that_is_meant(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        live = await api.create(CONFIG_MAP, manifest(namespace), manager="me")
        with pytest.raises(ReplacedError):
            await api.delete(CONFIG_MAP, "x", namespace, uid=OTHER_UID)
        with pytest.raises(ConflictError):
            await api.delete(CONFIG_MAP, "x", namespace, uid=live["metadata"]["uid"], resource_version="1")
        assert await api.get(CONFIG_MAP, "x", namespace) is not None
        assert (await api.delete(CONFIG_MAP, "x", namespace, uid=live["metadata"]["uid"])).gone
        assert (await api.delete(CONFIG_MAP, "x", namespace, uid=live["metadata"]["uid"])).gone

    talk(cluster, work)


def test_a_finalizer_holds_an_object(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        held = manifest(namespace, metadata={"finalizers": ["example.com/hold"]})
        await api.create(CONFIG_MAP, held, manager="me")
        first = await api.delete(CONFIG_MAP, "x", namespace)
        assert not first.gone
        assert first.object is not None
        assert first.object["metadata"]["deletionTimestamp"]
        patch = [{"op": "remove", "path": "/metadata/finalizers"}]
        await api.json_patch(CONFIG_MAP, "x", namespace, patch, manager="me")
        assert await api.get(CONFIG_MAP, "x", namespace) is None

    talk(cluster, work)


def test_a_list_comes_in_pages_of_one_version(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        names = [f"object-{number}" for number in range(12)]
        for name in names:
            metadata = {"labels": {"parity": "even" if int(name[7:]) % 2 == 0 else "odd"}}
            await api.create(CONFIG_MAP, manifest(namespace, name, metadata=metadata), manager="me")
        found = await api.list(CONFIG_MAP, namespace, label_selector="parity", page=5)
        assert (sorted(one["metadata"]["name"] for one in found.items), found.pages) == (sorted(names), 3)
        assert all((one["apiVersion"], one["kind"]) == ("v1", "ConfigMap") for one in found.items)
        even = await api.list(CONFIG_MAP, namespace, label_selector="parity in (even)", metadata_only=True)
        assert len(even.items) == 6
        assert all("data" not in one and one["kind"] == "ConfigMap" for one in even.items)
        one = await api.list(CONFIG_MAP, namespace, field_selector="metadata.name=object-3")
        assert [item["metadata"]["name"] for item in one.items] == ["object-3"]
        shown = await api.get(CONFIG_MAP, "object-3", namespace, metadata_only=True)
        assert shown is not None
        assert "data" not in shown

    talk(cluster, work)


def test_status_is_written_as_it_was_read(cluster: Connection, widget: ResourceType, namespace: str) -> None:
    async def work(api: Api) -> None:
        first = (await api.apply(widget, made(widget, namespace, size=1), manager="me")).object
        assert first["spec"]["mode"] == "plain"

        async def write(phase: str) -> dict[str, Any]:
            seen = {"resourceVersion": first["metadata"]["resourceVersion"]}
            patch = {"metadata": seen, "status": {"phase": phase}}
            return await api.merge_patch(widget, "w", namespace, patch, manager="status", subresource="status")

        written = await write("Ready")
        assert (written["status"], written["metadata"]["generation"]) == ({"phase": "Ready"}, 1)
        with pytest.raises(ConflictError):
            await write("Old")
        stated = {key: value for key, value in made(widget, namespace).items() if key != "spec"}
        stated["status"] = {"phase": "Applied"}
        applied = await api.apply(widget, stated, manager="status", subresource="status", force=True)
        assert applied.object["status"] == {"phase": "Applied"}
        patched = await api.merge_patch(
            widget, "w", namespace, {"status": {"phase": "Patched"}}, manager="status", subresource="status"
        )
        assert patched["status"] == {"phase": "Patched"}

    talk(cluster, work)


def test_a_watch_tells_what_happens(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> list[str]:
        version = (await api.list(CONFIG_MAP, namespace)).resource_version
        await api.apply(CONFIG_MAP, manifest(namespace, metadata={"labels": {"seen": "yes"}}), manager="me")
        await api.apply(CONFIG_MAP, manifest(namespace, "hidden"), manager="me")
        changed = manifest(namespace, metadata={"labels": {"seen": "yes"}}, data={"a": "2"})
        await api.apply(CONFIG_MAP, changed, manager="me")
        await api.delete(CONFIG_MAP, "x", namespace)
        got = []
        watching = api.watch(CONFIG_MAP, namespace, resource_version=version, label_selector="seen=yes", quiet=5)
        async with aclosing(watching), asyncio.timeout(20):
            async for kind, found in watching:
                got.append(f"{kind} {found['kind']} {found.get('data')}")
                if len(got) == 3:
                    break
        return got

    assert talk(cluster, work) == [
        "ADDED ConfigMap {'a': '1'}",
        "MODIFIED ConfigMap {'a': '2'}",
        "DELETED ConfigMap {'a': '2'}",
    ]


def test_an_impersonated_account_may_only_what_its_role_says(cluster: Connection, namespace: str) -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch"]}]
    subject = {"kind": "ServiceAccount", "name": "applier", "namespace": namespace}
    metadata = {"name": "applier", "namespace": namespace}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": "applier"}
    binding = {
        "apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata, "roleRef": reference,
        "subjects": [subject],
    }  # fmt: skip

    async def work(api: Api) -> None:
        account = service_account(namespace, "applier")
        limited = api.impersonating(account)
        with pytest.raises(ForbiddenError):
            await limited.get(CONFIG_MAP, "x", namespace)
        await api.apply(ROLE, role, manager="me")
        await api.apply(BINDING, binding, manager="me")
        for _ in range(100):
            if await limited.can_i("patch", "", "configmaps", namespace=namespace):
                break
            await asyncio.sleep(0.05)
        await limited.apply(CONFIG_MAP, manifest(namespace), manager="me")
        with pytest.raises(ForbiddenError) as caught:
            await limited.delete(CONFIG_MAP, "x", namespace)
        assert account.user in caught.value.message
        assert caught.value.exit_code == 4
        assert not await limited.can_i("delete", "", "configmaps", namespace=namespace)
        assert not await limited.can_i("get", "", "secrets", namespace=namespace)
        known = await limited.rules(namespace)
        assert known.allows(ResourceAttributes("patch", "", "configmaps", namespace))
        assert not known.allows(ResourceAttributes("delete", "", "configmaps", namespace))
        asked = ResourceAttributes("get", "", "configmaps", namespace)
        assert await api.subject_can(account.user, account.groups, asked)
        assert not await api.subject_can("nobody", (), asked)

    talk(cluster, work)


def test_values_of_a_refused_secret_are_not_told(cluster: Connection, namespace: str) -> None:
    metadata = {"name": "s", "namespace": namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"password": "correct horse battery"}}

    async def work(api: Api) -> None:
        for attempt in (api.apply, api.create):
            with pytest.raises(KrateError) as caught:
                await attempt(SECRET, secret, manager="me")
            assert "correct horse" not in str(caught.value.__dict__) + str(caught.value)

    talk(cluster, work)


def test_an_object_that_is_too_large(cluster: Connection, namespace: str) -> None:
    async def work(api: Api) -> None:
        with pytest.raises((TooLargeError, InvalidError)):
            await api.apply(CONFIG_MAP, manifest(namespace, data={"a": "x" * 2_000_000}), manager="me")
        with pytest.raises(TooLargeError):
            await api.apply(CONFIG_MAP, manifest(namespace, data={"a": "x" * 4_000_000}), manager="me")

    talk(cluster, work)


def test_warnings_of_the_server_are_told(cluster: Connection, widget: ResourceType, namespace: str) -> None:
    async def work(api: Api) -> tuple[str, ...]:
        body = {
            "apiVersion": widget.api_version,
            "kind": "Widget",
            "metadata": {"name": "w"},
            "spec": {"colour": "red"},
        }
        path = f"/apis/{widget.group}/v1/namespaces/{namespace}/widgets"
        reply = await api.raw("POST", path, query="fieldManager=me", body=body)
        assert reply.status == 201
        assert reply.warnings
        return api.warnings

    assert talk(cluster, work) == ('unknown field "spec.colour"',)
