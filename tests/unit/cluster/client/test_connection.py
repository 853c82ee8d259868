from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from krate_gitops.cluster.client import credentials
from krate_gitops.cluster.client.connection import Connection, load_connection
from krate_gitops.cluster.client.credentials import Credentials
from krate_gitops.cluster.client.identity import Identity
from krate_gitops.errors import KrateError, UnavailableError, UsageError

TOKEN = "tok-5f1a7c90b2d34e68"


@pytest.fixture(autouse=True)
def _no_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "KUBECONFIG",
        "KUBERNETES_SERVICE_HOST",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "https_proxy",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))


def kubeconfig(
    folder: Path, user: dict[str, Any], *, name: str = "config", server: str = "http://10.0.0.1:8080/"
) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    file = folder / name
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [
            {"name": "here", "context": {"cluster": "c", "user": "u"}},
            {"name": "there", "context": {"cluster": "d", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": server}}, {"name": "d", "cluster": {"server": "http://d"}}],
        "users": [{"name": "u", "user": user}],
    }
    file.write_text(yaml.safe_dump(content))
    return file


def plugin(folder: Path, code: str) -> dict[str, Any]:
    script = folder / "plugin.py"
    script.write_text(code)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(script)]}}


def answers(status: dict[str, Any]) -> str:
    told = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"import json; print(json.dumps({told!r}))"


def test_a_token_of_the_current_context(tmp_path: Path) -> None:
    connection = load_connection(kubeconfig(tmp_path, {"token": TOKEN}), None)
    assert connection.server == "http://10.0.0.1:8080"
    assert connection.credentials.authorization == f"Bearer {TOKEN}"
    assert connection.identity is None
    assert not connection.is_stale
    assert connection.tls() is True


def test_another_context(tmp_path: Path) -> None:
    assert load_connection(kubeconfig(tmp_path, {"token": TOKEN}), "there").server == "http://d"


def test_user_and_password(tmp_path: Path) -> None:
    got = load_connection(kubeconfig(tmp_path, {"username": "ann", "password": "pass:word"}), None)
    assert got.credentials.authorization == "Basic " + base64.b64encode(b"ann:pass:word").decode()


def test_no_credentials_at_all(tmp_path: Path) -> None:
    assert load_connection(kubeconfig(tmp_path, {}), None).credentials.authorization == ""


def test_the_environment_names_several_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kubeconfig(tmp_path / "a", {"token": TOKEN})
    second = kubeconfig(tmp_path / "b", {"token": "other"}, server="http://other")
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join([str(tmp_path / "absent"), str(first), str(second)]))
    got = load_connection(None, None)
    assert (got.server, got.credentials.authorization) == ("http://10.0.0.1:8080", f"Bearer {TOKEN}")


def test_the_default_file(tmp_path: Path) -> None:
    kubeconfig(tmp_path / "nobody" / ".kube", {"token": TOKEN})
    assert load_connection(None, None).credentials.authorization == f"Bearer {TOKEN}"


def test_nothing_configured_says_what_to_do() -> None:
    with pytest.raises(UnavailableError) as caught:
        load_connection(None, None)
    assert caught.value.code == "CLUSTER_NOT_CONFIGURED"
    assert caught.value.hint


def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    connection = load_connection(kubeconfig(tmp_path, {"tokenFile": "token"}), None)
    assert connection.credentials.authorization == "Bearer first"
    assert connection.credentials.good_for <= 60
    token.write_text("second\n")
    connection.read_at -= 61
    assert connection.is_stale
    asyncio.run(connection.refresh())
    assert connection.credentials.authorization == "Bearer second"
    assert not connection.is_stale


def test_whom_the_kubeconfig_asks_to_be(tmp_path: Path) -> None:
    got = load_connection(kubeconfig(tmp_path, {"token": TOKEN, "as": "bob", "as-groups": ["g", "h"]}), None)
    assert got.identity == Identity("bob", ("g", "h"))


def test_a_plugin_gives_a_token_until_it_expires(tmp_path: Path) -> None:
    user = plugin(tmp_path, answers({"token": TOKEN, "expirationTimestamp": "2001-01-01T00:00:00Z"}))
    connection = load_connection(kubeconfig(tmp_path, user), None)
    assert connection.credentials.authorization == f"Bearer {TOKEN}"
    assert connection.credentials.good_for == 1.0
    user = plugin(tmp_path, answers({"token": TOKEN}))
    assert load_connection(kubeconfig(tmp_path, user), None).credentials.good_for == float("inf")


@pytest.mark.parametrize(
    "code",
    [
        "import sys; print('login needed', file=sys.stderr); sys.exit(3)",
        "print('no json')",
        "print('{}')",
        answers({}),
        answers({"clientCertificateData": "x"}),
        answers({"token": TOKEN, "expirationTimestamp": "soon"}),
    ],
)
def test_a_plugin_that_fails_is_told_and_nobody_goes_on_without_credentials(
    tmp_path: Path, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(KrateError) as caught:
        load_connection(kubeconfig(tmp_path, plugin(tmp_path, code)), None)
    assert caught.value.code in ("CLUSTER_CREDENTIALS_FAILED", "KUBECONFIG_INVALID")
    assert TOKEN not in str(caught.value)
    assert TOKEN not in caplog.text


def test_a_plugin_that_is_not_there(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin"}}
    with pytest.raises(UnavailableError, match="no-such-plugin") as caught:
        load_connection(kubeconfig(tmp_path, user), None)
    assert caught.value.code == "CLUSTER_CREDENTIALS_FAILED"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a: [",
        "3",
        "contexts: 3\nclusters: []\nusers: []\ncurrent-context: x",
        "contexts: []\nclusters: []\nusers: []\ncurrent-context: x",
        "contexts: []\nclusters: []\nusers: []",
        "contexts: [{name: x, context: {cluster: c, user: gone}}]\nclusters: [{name: c, cluster: {server: 'http://c'}}]"
        "\nusers: []\ncurrent-context: x",
        "contexts: [{name: x, context: {cluster: gone, user: u}}]\nclusters: []\nusers: [{name: u, user: {}}]"
        "\ncurrent-context: x",
        "contexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'ftp://c'}}]\nusers: []"
        "\ncurrent-context: x",
        "contexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://a:b@c'}}]"
        "\nusers: []\ncurrent-context: x",
        "\x00",
    ],
)
def test_a_file_that_is_no_kubeconfig_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_connection(file, None)
    assert caught.value.code == "KUBECONFIG_INVALID"


def test_an_absent_file_and_an_absent_context(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_connection(tmp_path / "absent", None)
    with pytest.raises(UsageError):
        load_connection(kubeconfig(tmp_path, {"token": TOKEN}), "nowhere")


def test_a_broken_file_does_not_show_its_token(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"users:\n- user: {{token: {TOKEN}: [}}\n")
    with pytest.raises(UsageError) as caught:
        load_connection(file, None)
    assert TOKEN not in str(caught.value) + repr(caught.value)


def test_a_proxy_of_the_environment_is_not_for_this_machine_and_not_for_exceptions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def proxy_for(server: str) -> str:
        return load_connection(kubeconfig(tmp_path, {"token": TOKEN}, server=server), None).credentials.proxy

    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert proxy_for("https://api.example.com:6443") == "http://proxy:3128"
    for server in ("http://127.0.0.1:8001", "https://localhost:6443", "https://[::1]:6443"):
        assert proxy_for(server) == ""
    monkeypatch.setenv("no_proxy", "other,.example.com")
    assert proxy_for("https://api.example.com:6443") == ""
    assert proxy_for("https://api.example.org:6443") == "http://proxy:3128"


def test_nothing_shows_the_token(tmp_path: Path) -> None:
    connection = load_connection(kubeconfig(tmp_path, {"token": TOKEN}), None)
    for shown in (repr(connection), str(connection), repr(connection.credentials), f"{connection.credentials}"):
        assert TOKEN not in shown


def test_key_material_that_is_none_is_refused(tmp_path: Path) -> None:
    data = base64.b64encode(b"not a certificate").decode()
    user = {"client-certificate-data": data, "client-key-data": data}
    connection = load_connection(kubeconfig(tmp_path, user, server="https://10.0.0.1"), None)
    with pytest.raises(UsageError) as caught:
        connection.tls()
    assert caught.value.code == "KUBECONFIG_INVALID"
    key = Path(connection.credentials.key_file)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_pod_uses_its_service_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("pod-token")
    authority.write_text("a certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    connection = load_connection(None, None)
    assert connection.server == "https://[fd00::1]:443"
    assert connection.credentials.authorization == "Bearer pod-token"
    assert connection.credentials.ca_file == str(authority)
    token.write_text("newer")
    connection.read_at -= 100
    asyncio.run(connection.refresh())
    assert connection.credentials.authorization == "Bearer newer"


def test_many_who_were_refused_read_the_credentials_once() -> None:
    reads = []

    def read() -> Credentials:
        reads.append(1)
        return Credentials(server="http://x", authorization="new")

    async def run() -> None:
        connection = Connection(credentials=Credentials(server="http://x", authorization="old"), read=read)
        used = connection.credentials
        await asyncio.gather(*(connection.refresh(used=used) for _ in range(20)))
        assert connection.credentials.authorization == "new"

    asyncio.run(run())
    assert len(reads) == 1


def test_a_slow_plugin_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from krate_gitops.cluster.client import connection

    monkeypatch.setattr(connection, "_PLUGIN_SECONDS", 0.3)
    with pytest.raises(UnavailableError) as caught:
        load_connection(kubeconfig(tmp_path, plugin(tmp_path, "import time; time.sleep(3)")), None)
    assert caught.value.code == "CLUSTER_CREDENTIALS_FAILED"


def test_a_plugin_gets_a_certificate_through(tmp_path: Path) -> None:
    status = {"clientCertificateData": "CERT\n", "clientKeyData": "KEY\n"}
    got = load_connection(kubeconfig(tmp_path, plugin(tmp_path, answers(status)), server="https://x"), None)
    assert Path(got.credentials.certificate_file).read_text() == "CERT\n"
    assert Path(got.credentials.key_file).read_text() == "KEY\n"
    assert json.dumps(repr(got)).count("KEY") == 0
    assert credentials.without_userinfo("https://a:b@c/d@e") == "https://c/d@e"
