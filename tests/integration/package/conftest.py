"""The chart's definitions, accounts and roles on a server.

That is the embedded development server, or the cluster of ``KRATE_TEST_KUBECONFIG``.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.resources.package.contents import definitions_in
from krate_gitops.resources.package.helm import helm
from tests.integration.package.installation import CHART, Installed, Kubectl

_RIGHTS = frozenset({"ServiceAccount", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A server to ask."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl on the path")
    if named := os.environ.get("KRATE_TEST_KUBECONFIG"):
        yield Kubectl(Path(named))
        return
    server = pytest.importorskip("krate_gitops.cluster.dev.server", reason="no development API server")
    with server.serve(tmp_path_factory.mktemp("cluster")) as running:
        yield Kubectl(Path(running.admin_kubeconfig))


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Iterator[Installed]:
    """The chart's definitions, accounts and roles on the server; removed again, but for the definitions."""
    where = Installed(f"krate-test-{secrets.token_hex(4)}")
    try:
        with helm() as engine:
            objects = engine.manifests(CHART, where.values)
    except UnavailableError as missing:
        pytest.skip(f"{missing.message}: {missing.hint}")
    names = (where.platform, where.organization)
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    rights = [one for one in objects if one["kind"] in _RIGHTS]
    kubectl.apply([one.content for one in definitions_in(CHART)])
    kubectl.run(
        "wait",
        "--for=condition=Established",
        "--timeout=60s",
        "crd/gitopssources.krate.a5c.ai",
        "crd/agentstacks.krate.a5c.ai",
    )
    kubectl.apply(namespaces)
    kubectl.apply(rights)
    yield where
    kubectl.run("delete", "--ignore-not-found", "--wait=false", "--filename", "-", objects=[*rights, *namespaces])


@pytest.fixture
def controller(kubectl: Kubectl, installed: Installed, tmp_path: Path) -> Kubectl:
    """The same server as the controller sees it, by a token of its account."""
    account = f"{installed.name}-controller"
    token = kubectl.run("create", "token", account, "--namespace", installed.platform).strip()
    return kubectl.with_token(token, tmp_path / "kubeconfig")
