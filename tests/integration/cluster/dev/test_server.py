"""The development cluster as a process: what outlives it, and what goes on by itself."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.cluster.dev.folder import Running
from krate_gitops.cluster.dev.server import listen, serve
from krate_gitops.errors import UnavailableError
from tests.integration.cluster.dev.client import MERGE, Client, token_of

MAPS = "/api/v1/namespaces/{}/configmaps"


@pytest.fixture
def admin(whole_cluster: Running) -> Iterator[Client]:
    client = Client(whole_cluster)
    yield client
    client.close()


def eventually(question: Callable[[], bool]) -> None:
    """Fails if the answer doesn't become yes."""
    end = time.monotonic() + 20
    while not question():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def namespace(client: Client, name: str) -> str:
    status, _ = client.send("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert status == 201
    return name


def config_map(client: Client, where: str, name: str, **metadata: Any) -> dict[str, Any]:
    status, made = client.send("POST", MAPS.format(where), {"metadata": {"name": name, **metadata}})
    assert status == 201, made
    result: dict[str, Any] = made
    return result


def owned_by(owner: dict[str, Any]) -> list[dict[str, str]]:
    name, uid = owner["metadata"]["name"], owner["metadata"]["uid"]
    return [{"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid}]


def is_gone(client: Client, path: str) -> bool:
    return client.send("GET", path)[0] == 404


def test_a_deleted_namespace_is_emptied_and_goes(admin: Client) -> None:
    where = namespace(admin, "emptied")
    config_map(admin, where, "plain")
    config_map(admin, where, "held", finalizers=["example.com/hold"])
    assert admin.send("DELETE", f"/api/v1/namespaces/{where}")[1]["status"]["phase"] == "Terminating"
    eventually(lambda: is_gone(admin, f"{MAPS.format(where)}/plain"))
    held = admin.send("GET", f"{MAPS.format(where)}/held")[1]
    assert held["metadata"]["deletionTimestamp"]
    assert not is_gone(admin, f"/api/v1/namespaces/{where}")
    admin.send("PATCH", f"{MAPS.format(where)}/held", {"metadata": {"finalizers": None}}, type_=MERGE)
    eventually(lambda: is_gone(admin, f"/api/v1/namespaces/{where}"))


def test_objects_go_when_the_last_of_their_owners_has_gone(admin: Client) -> None:
    where = namespace(admin, "collected")
    first, second = config_map(admin, where, "first"), config_map(admin, where, "second")
    config_map(admin, where, "child", ownerReferences=owned_by(first) + owned_by(second))
    config_map(admin, where, "free")
    admin.send("DELETE", f"{MAPS.format(where)}/first")
    config_map(admin, where, "witness")  # a round of the collector has passed
    assert not is_gone(admin, f"{MAPS.format(where)}/child")
    admin.send("DELETE", f"{MAPS.format(where)}/second")
    eventually(lambda: is_gone(admin, f"{MAPS.format(where)}/child"))
    assert not is_gone(admin, f"{MAPS.format(where)}/free")


def test_an_object_whose_owner_never_was_is_collected(admin: Client) -> None:
    where = namespace(admin, "strays")
    missing = {"metadata": {"name": "x", "uid": "11111111-2222-4333-8444-555555555555"}}
    config_map(admin, where, "stray", ownerReferences=owned_by(missing))
    eventually(lambda: is_gone(admin, f"{MAPS.format(where)}/stray"))


def test_foreground_waits_for_dependents(admin: Client) -> None:
    where = namespace(admin, "foreground")
    owner = config_map(admin, where, "owner")
    config_map(admin, where, "child", ownerReferences=owned_by(owner), finalizers=["example.com/hold"])
    admin.send("DELETE", f"{MAPS.format(where)}/owner?propagationPolicy=Foreground")
    child = f"{MAPS.format(where)}/child"
    eventually(lambda: "deletionTimestamp" in admin.send("GET", child)[1]["metadata"])
    assert not is_gone(admin, f"{MAPS.format(where)}/owner")
    admin.send("PATCH", child, {"metadata": {"finalizers": None}}, type_=MERGE)
    eventually(lambda: is_gone(admin, f"{MAPS.format(where)}/owner"))


def test_orphans_stay_and_forget_their_owner(admin: Client) -> None:
    where = namespace(admin, "orphans")
    owner = config_map(admin, where, "owner")
    config_map(admin, where, "child", ownerReferences=owned_by(owner))
    admin.send("DELETE", f"{MAPS.format(where)}/owner?propagationPolicy=Orphan")
    eventually(lambda: is_gone(admin, f"{MAPS.format(where)}/owner"))
    assert "ownerReferences" not in admin.send("GET", f"{MAPS.format(where)}/child")[1]["metadata"]


def test_everything_outlives_a_killed_process(tmp_path: Path) -> None:
    with serve(tmp_path) as running:
        client = Client(running)
        where = namespace(client, "kept")
        made = [config_map(client, where, f"c{number}") for number in range(20)]
        client.send("DELETE", f"{MAPS.format(where)}/c0")
        token = running.token
        client.close()
        _kill(tmp_path)
    with serve(tmp_path) as again:
        client = Client(again)
        assert again.token == token
        status, found = client.send("GET", MAPS.format(where))
        assert status == 200
        assert found["items"] == [
            _as_item(each) for each in sorted(made[1:], key=lambda each: each["metadata"]["name"])
        ]
        assert int(found["metadata"]["resourceVersion"]) > max(
            int(each["metadata"]["resourceVersion"]) for each in made
        )
        config_map(client, where, "later")
        client.close()


def _as_item(made: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in made.items() if key not in ("kind", "apiVersion")}


def _kill(folder: Path) -> None:
    """Kills the process that holds the lock of a folder."""
    held = (folder / "lock").stat().st_ino
    for line in Path("/proc/locks").read_text().splitlines():
        parts = line.split()
        if parts[1] == "FLOCK" and parts[5].endswith(f":{held}"):
            os.kill(int(parts[4]), signal.SIGKILL)


def test_two_clusters_do_not_share_a_directory(tmp_path: Path) -> None:
    with serve(tmp_path), pytest.raises(UnavailableError, match="did not start") as error, serve(tmp_path):
        pass
    assert error.value.code == "CLUSTER_UNAVAILABLE"


def test_a_taken_port_is_named() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"can't listen on 127.0.0.1:{port}"):
            listen("127.0.0.1", port)


def test_files_with_secrets_are_private(whole_cluster: Running) -> None:
    folder = whole_cluster.admin_kubeconfig.parent
    for name in ("users.csv", "admin.kubeconfig", "limited.kubeconfig", "server.key", "token.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_no_token_is_shown(whole_cluster: Running) -> None:
    assert whole_cluster.token not in repr(whole_cluster)


def test_somebody_without_rights_may_look_at_discovery_only(whole_cluster: Running) -> None:
    client = Client(whole_cluster, token_of(whole_cluster.limited_kubeconfig))
    assert client.send("GET", "/apis")[0] == 200
    assert client.send("GET", "/api/v1/namespaces")[0] == 403
    client.close()


def test_a_failure_inside_says_nothing_of_the_object(admin: Client, whole_cluster: Running) -> None:
    log = whole_cluster.admin_kubeconfig.parent / "server.log"
    where = namespace(admin, "secretive")
    body = {"metadata": {"name": "s"}, "stringData": {"password": "do-not-log-this"}}
    assert admin.send("POST", f"/api/v1/namespaces/{where}/secrets", body)[0] == 201
    assert "do-not-log-this" not in log.read_text(encoding="utf-8")


def kubectl(cluster: Running, home: Path, *arguments: str, text: str = "") -> str:
    """What kubectl prints; skips where there is none."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(cluster.admin_kubeconfig)}
    try:
        done = subprocess.run(
            ["kubectl", *arguments],
            input=text,
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
    except FileNotFoundError:
        pytest.skip("no kubectl on this machine")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kubectl_works(whole_cluster: Running, tmp_path: Path) -> None:
    def run(*arguments: str, text: str = "") -> str:
        return kubectl(whole_cluster, tmp_path, *arguments, text=text)

    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied, namespace: by-kubectl}\ndata: {a: '1'}\n"
    assert run("create", "namespace", "by-kubectl") == "namespace/by-kubectl created\n"
    assert run("apply", "--server-side", "-f", "-", text=manifest) == "configmap/applied serverside-applied\n"
    assert run("apply", "-f", "-", text=manifest.replace("applied", "other")) == "configmap/other created\n"
    changed = manifest.replace("applied", "other").replace("'1'", "'2'")
    assert '+  a: "2"' in run_diff(whole_cluster, tmp_path, changed)
    assert run("apply", "-f", "-", text=changed) == "configmap/other configured\n"
    assert run("get", "configmap", "other", "-n", "by-kubectl", "-o", "jsonpath={.data.a}") == "2"
    assert run("get", "configmaps", "-n", "by-kubectl").split()[:3] == ["NAME", "DATA", "AGE"]
    assert "applied" in run("describe", "configmap", "applied", "-n", "by-kubectl")
    assert "KIND:" in run("explain", "configmap.data")
    assert run("label", "configmap", "applied", "x=y", "-n", "by-kubectl") == "configmap/applied labeled\n"
    assert run("auth", "can-i", "create", "secrets") == "yes\n"
    assert run("create", "serviceaccount", "bot", "-n", "by-kubectl") == "serviceaccount/bot created\n"
    assert run("create", "token", "bot", "-n", "by-kubectl").startswith("ey")
    assert 'configmap "applied" deleted' in run("delete", "configmap", "applied", "-n", "by-kubectl")
    assert 'namespace "by-kubectl" deleted' in run("delete", "namespace", "by-kubectl", "--timeout=20s")


def run_diff(cluster: Running, home: Path, text: str) -> str:
    """What ``kubectl diff`` prints; it ends with 1 when there is a difference."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(cluster.admin_kubeconfig)}
    command = ["kubectl", "diff", "-f", "-"]
    return subprocess.run(
        command, input=text, capture_output=True, text=True, env=environment, timeout=60, check=False
    ).stdout
