"""A cluster for tests: the embedded one, or the real one that ``KRATE_TEST_KUBECONFIG`` names. Everything is HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from krate_gitops.cluster.client.api import Api, open_api
from krate_gitops.cluster.client.connection import Connection, load_connection
from krate_gitops.cluster.client.kinds import ResourceType
from krate_gitops.reconcile.opening import find_source, install_source
from krate_gitops.reconcile.outcome import Outcome
from krate_gitops.reconcile.run_pass import run_pass
from krate_gitops.reconcile.source import Source, source_of
from krate_gitops.reconcile.tools import Tools
from krate_gitops.records.audit_record import Entry
from krate_gitops.resources.crds import definition
from krate_gitops.resources.kinds.common import API_VERSION, GROUP
from krate_gitops.resources.kinds.inventory import MODELS
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder

T = TypeVar("T")
KUBECONFIG_VARIABLE = "KRATE_TEST_KUBECONFIG"
MANAGER = "test-setup"
ACCOUNT = "krate-gitops"


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """Kubeconfig of an administrator, with our definitions installed."""
    named = os.environ.get(KUBECONFIG_VARIABLE)
    if named:
        asyncio.run(_install(Path(named)))
        yield Path(named)
        return
    from krate_gitops.cluster.dev.server import serve

    with serve(folder) as running:
        asyncio.run(_install(running.admin_kubeconfig))
        yield running.admin_kubeconfig


async def _install(kubeconfig: Path) -> None:
    async with open_api(load_connection(kubeconfig, None)) as api:
        await install_definitions(api)


async def install_definitions(api: Api) -> None:
    """Installs the definitions of all kinds, and waits until they are served."""
    kind = (await api.discovery()).find("apiextensions.k8s.io", "CustomResourceDefinition")
    assert kind is not None
    await asyncio.gather(*(api.apply(kind, definition(one), manager=MANAGER, force=True) for one in MODELS.values()))
    for _ in range(150):
        discovery = await api.discovery(refresh=True)
        if all(discovery.find(GROUP, name) for name in MODELS):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the definitions are not served")


class World:
    """An organization of its own in the cluster, with an account that may do what a source needs, and a repository."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.kubeconfig = kubeconfig
        self.slug = f"t{secrets.token_hex(4)}"
        self.namespace = f"krate-org-{self.slug}"
        self.settings = Settings(home=folder / "home")
        self.repo = RepoBuilder(folder / "config")
        self.audited: list[Entry] = []
        self.tools: dict[str, Any] = {}
        """Further tools of passes."""
        self.run(self._set_up)

    # The cluster

    def run(self, work: Callable[[Api], Awaitable[T]]) -> T:
        """Does something with the API as an administrator."""

        async def inside() -> T:
            async with open_api(self.connection()) as api:
                return await work(api)

        return asyncio.run(inside())

    def connection(self) -> Connection:
        return load_connection(self.kubeconfig, None)

    def kind(self, api_discovery: Any, name: str) -> ResourceType:
        groups = {"ConfigMap": "", "Namespace": "", "Secret": "", "Role": "rbac.authorization.k8s.io",
                  "RoleBinding": "rbac.authorization.k8s.io", "ServiceAccount": "",
                  "CustomResourceDefinition": "apiextensions.k8s.io", "Event": "events.k8s.io"}  # fmt: skip
        found: ResourceType | None = api_discovery.find(groups.get(name, GROUP), name)
        assert found is not None, name
        return found

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        async def work(api: Api) -> dict[str, Any] | None:
            served = self.kind(await api.discovery(), kind)
            return await api.get(served, name, self.namespace if served.namespaced else "")

        return self.run(work)

    def list(self, kind: str) -> list[dict[str, Any]]:
        async def work(api: Api) -> list[dict[str, Any]]:
            return list((await api.list(self.kind(await api.discovery(), kind), self.namespace)).items)

        return self.run(work)

    def create(self, value: Mapping[str, Any], *, manager: str = "kubectl-create") -> dict[str, Any]:
        async def work(api: Api) -> dict[str, Any]:
            return await api.create(self.kind(await api.discovery(), value["kind"]), value, manager=manager)

        return self.run(work)

    def patch(
        self, kind: str, name: str, patch: Mapping[str, Any], *, manager: str = "kubectl-edit", subresource: str = ""
    ) -> dict[str, Any]:
        async def work(api: Api) -> dict[str, Any]:
            served = self.kind(await api.discovery(), kind)
            place = self.namespace if served.namespaced else ""
            return await api.merge_patch(served, name, place, patch, manager=manager, subresource=subresource)

        return self.run(work)

    def apply(self, value: Mapping[str, Any], *, manager: str, force: bool = False) -> dict[str, Any]:
        async def work(api: Api) -> dict[str, Any]:
            served = self.kind(await api.discovery(), value["kind"])
            return (await api.apply(served, value, manager=manager, force=force)).object

        return self.run(work)

    def delete(self, kind: str, name: str) -> None:
        async def work(api: Api) -> None:
            served = self.kind(await api.discovery(), kind)
            await api.delete(served, name, self.namespace if served.namespaced else "")

        self.run(work)

    def annotate(self, kind: str, name: str, **annotations: str | None) -> dict[str, Any]:
        keys = {f"{GROUP}/{key.replace('_', '-')}": value for key, value in annotations.items()}
        return self.patch(kind, name, {"metadata": {"annotations": keys}})

    def set_rules(self, *rules: Mapping[str, Any]) -> None:
        """What the account of sources may do in its namespace."""
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": ACCOUNT, "namespace": self.namespace},
            "rules": [*rules],
        }
        self.apply(body, manager=MANAGER, force=True)

    # Git

    def commit(self, files: Mapping[str, Content], *, branch: str = "main") -> str:
        return self.repo.commit(files, branch=branch)

    def document(self, kind: str, name: str, spec: Mapping[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
        """An object of the organization, as a value."""
        value: dict[str, Any] = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, **metadata}}
        return {**value, "spec": {"organizationRef": self.slug, **(spec or {})}}

    def text(self, *values: Mapping[str, Any]) -> str:
        """Objects as one file."""
        return "---\n".join(msgspec.json.encode(value).decode() + "\n" for value in values)

    def label(self, name: str, text: str = "Look at the logs first.", **metadata: Any) -> dict[str, Any]:
        """A small object that needs nothing."""
        return self.document("AgentContextLabel", name, {"promptFragment": text, "allowedSources": ["job"]}, **metadata)

    # Sources

    def install(self, name: str = "main", *, path: str = ".", **spec: Any) -> Source:
        """Brings a source into the cluster."""
        body = {
            "organizationRef": self.slug,
            "source": {"repoURL": "https://git.example/config.git", "path": path, **spec.pop("source", {})},
            **spec,
        }
        value = {
            "apiVersion": API_VERSION,
            "kind": "GitOpsSource",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": body,
        }
        return self.run(lambda api: install_source(api, source_of(value)))

    def source(self, name: str = "main") -> Source:
        return self.run(lambda api: find_source(api, f"{self.namespace}/{name}", organization=self.slug))

    def reconcile(self, name: str = "main", *, dry_run: bool = False, **tools: Any) -> Outcome:
        """One pass."""

        async def work(api: Api) -> Outcome:
            source = await find_source(api, f"{self.namespace}/{name}", organization=self.slug)
            given = {"api": api, "settings": self.settings, "audit": self.audited.extend,
                     "repository": str(self.repo.path), **self.tools, **tools}  # fmt: skip
            return await run_pass(Tools(**given), source, dry_run=dry_run)

        return self.run(work)

    def condition(self, kind: str, *, name: str = "main") -> tuple[str, str]:
        """Status and reason of a condition of the source, as the cluster has it."""
        conditions = self.source(name).status.get("conditions") or ()
        found = next((one for one in conditions if one["type"] == kind), {})
        return str(found.get("status")), str(found.get("reason"))

    def inventory(self, name: str = "main") -> list[str]:
        """Kind and name of all that the source owns."""
        items: Sequence[Mapping[str, Any]] = self.source(name).status.get("inventory") or ()
        return sorted("/".join(item["identity"].split("/")[1::2]) for item in items)

    async def _set_up(self, api: Api) -> None:
        discovery = await api.discovery()
        metadata = {"name": ACCOUNT, "namespace": self.namespace}
        platform = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "krate-system"}}
        await api.apply(self.kind(discovery, "Namespace"), platform, manager=MANAGER, force=True)
        objects: list[dict[str, Any]] = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": FULL_RULES},
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT},
                "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": self.namespace}],
            },
        ]
        for one in objects:
            await api.apply(self.kind(discovery, one["kind"]), one, manager=MANAGER, force=True)


FULL_RULES: list[dict[str, Any]] = [
    {
        "apiGroups": [GROUP],
        "resources": [kind.plural for kind in MODELS.values()],
        "verbs": ["get", "list", "watch", "create", "patch", "update", "delete", "bind"],
    },
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch", "delete"]},
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "clusterroles"],
        "verbs": ["bind"],
    },
]
"""What the account of a source needs at most: its own kinds, and to bind roles."""
