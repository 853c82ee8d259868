"""How a source is fetched and trusted: logins that nobody else sees, signatures that count."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.clusters import FULL_RULES, World
from tests.integration.git.servers import Answer, git_backend, serve
from tests.repos import git

PASSWORD = "s3cret-of-the-remote"
READ_SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}


def with_password(inner: Answer, seen: list[str]) -> Answer:
    """Lets through who shows the right password, and notes what was shown."""
    wanted = "Basic " + base64.b64encode(f"bot:{PASSWORD}".encode()).decode()

    def answer(request: BaseHTTPRequestHandler) -> None:
        shown = request.headers.get("Authorization", "")
        seen.append(shown)
        if shown == wanted:
            inner(request)
            return
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="git"')
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def secret(world: World, **data: str) -> None:
    encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    world.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": world.namespace},
                  "data": encoded})  # fmt: skip


def texts_below(folder: Path) -> str:
    return "\n".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_a_source_signs_in_with_the_secret_it_names_and_leaves_no_trace(world: World) -> None:
    world.commit({"a.yaml": world.text(world.label("x"))})
    world.set_rules(*FULL_RULES, READ_SECRETS)
    seen: list[str] = []
    with serve(with_password(git_backend(world.repo.path.parent), seen)) as url:
        world.install(source={"repoURL": f"{url}/config", "credentialsSecretRef": "login"})
        missing = world.reconcile(repository="")
        assert missing.stop is not None
        assert (missing.stop.code, world.condition("SourceResolved")) == ("KR705", ("False", "AuthFailed"))
        secret(world, username="bot", password="wrong-password-here")
        wrong = world.reconcile(repository="")
        assert wrong.stop is not None
        assert wrong.stop.code == "KR705"
        world.delete("Secret", "login")
        secret(world, username="bot", password=PASSWORD)
        outcome = world.reconcile(repository="")
        assert outcome.stop is None, outcome.stop
        assert outcome.counts["created"] == 1
        again = world.reconcile(repository="")
        assert again.counts["unchanged"] == 1
    everything = texts_below(world.settings.home) + str(world.source().status) + str(world.list("Event"))
    assert PASSWORD not in everything + str(world.audited)
    assert base64.b64encode(f"bot:{PASSWORD}".encode()).decode() not in everything


def test_a_source_reads_only_secrets_that_its_account_may_read(world: World) -> None:
    world.commit({"a.yaml": world.text(world.label("x"))})
    secret(world, username="bot", password=PASSWORD)
    world.install(source={"repoURL": "http://127.0.0.1:1/config", "credentialsSecretRef": "login"})
    outcome = world.reconcile(repository="")
    assert outcome.stop is not None
    assert outcome.stop.code == "KR705"
    assert PASSWORD not in str(outcome.stop)


@pytest.mark.parametrize("data", [{}, {"username": "bot"}, {"ssh_privatekey": "key"}])
def test_a_secret_that_is_no_login_is_told(world: World, data: dict[str, str]) -> None:
    world.commit({"a.yaml": world.text(world.label("x"))})
    world.set_rules(*FULL_RULES, READ_SECRETS)
    secret(world, **data)
    world.install(source={"repoURL": "http://127.0.0.1:1/config", "credentialsSecretRef": "login"})
    outcome = world.reconcile(repository="")
    assert outcome.stop is not None
    assert outcome.stop.code == "KR705"


def test_a_remote_that_is_down_leaves_the_last_commit_in_force_and_drift_is_still_healed(world: World) -> None:
    commit = world.commit({"a.yaml": world.text(world.label("x"))})
    with serve(git_backend(world.repo.path.parent)) as url:
        world.install(source={"repoURL": f"{url}/config"})
        world.reconcile(repository="")
    world.patch("AgentContextLabel", "x", {"spec": {"promptFragment": "By hand."}})
    outcome = world.reconcile(repository="")
    assert outcome.revision is not None
    assert (outcome.revision.commit, outcome.revision.cached) == (commit, True)
    assert outcome.counts["updated"] == 1
    assert world.condition("SourceResolved") == ("False", "Unreachable")
    assert world.source().last_applied == commit


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A key for signing with ssh."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not on this machine")
    path = tmp_path / "signing"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def signed_commit(world: World, key: Path, files: dict[str, Any]) -> str:
    """The same commit as an unsigned one, signed."""
    plain = world.commit(files)
    parents = git(world.repo.git_dir, "rev-list", "--parents", "-1", plain).decode().split()[1:]
    tree = git(world.repo.git_dir, "rev-parse", f"{plain}^{{tree}}").decode().strip()
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "commit-tree", "-S", tree, "-m", "signed")
    oid = git(world.repo.git_dir, *options, *(word for one in parents for word in ("-p", one))).decode().strip()
    world.repo.branch("main", oid)
    return oid


def keys(world: World, *public: Path) -> None:
    lines = "".join(f"bot@example.com {path.with_suffix('.pub').read_text()}" for path in public)
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keys", "namespace": world.namespace},
             "data": {"allowed_signers": lines or "# none\n"}}  # fmt: skip
    world.apply(value, manager="test-setup", force=True)


def test_only_commits_signed_by_a_key_that_counts_are_applied_kr708(world: World, key: Path) -> None:
    world.commit({"a.yaml": world.text(world.label("x"))})
    world.install(verify={"mode": "signed-commits", "keysRef": "keys"})
    assert world.reconcile().stop.code == "KR708", "no keys"  # type: ignore[union-attr]
    keys(world, key)
    unsigned = world.reconcile()
    assert unsigned.stop is not None
    assert (unsigned.stop.code, world.condition("SourceResolved")) == ("KR708", ("False", "SignatureInvalid"))
    signed_commit(world, key, {"a.yaml": world.text(world.label("x", "Signed."))})
    outcome = world.reconcile()
    assert outcome.stop is None, outcome.stop
    assert outcome.counts["created"] == 1


def test_a_key_that_is_revoked_ends_trust_though_nothing_is_new(world: World, key: Path, tmp_path: Path) -> None:
    signed_commit(world, key, {"a.yaml": world.text(world.label("x"))})
    world.install(verify={"mode": "signed-commits", "keysRef": "keys"})
    keys(world, key)
    assert world.reconcile().counts["created"] == 1
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    keys(world, other)
    outcome = world.reconcile()
    assert outcome.stop is not None
    assert outcome.stop.code == "KR708"
    assert world.get("AgentContextLabel", "x") is not None, "what is applied stays"


def test_a_pgp_signature_counts_too(world: World, tmp_path: Path) -> None:
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not on this machine")
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}
    quick = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "bot@example.com", "ed25519", "sign"]
    subprocess.run(quick, env=environment, check=True, capture_output=True)
    export = ["gpg", "--batch", "--armor", "--export", "bot@example.com"]
    public = subprocess.run(export, env=environment, check=True, capture_output=True, text=True).stdout
    plain = world.commit({"a.yaml": world.text(world.label("x"))})
    tree = git(world.repo.git_dir, "rev-parse", f"{plain}^{{tree}}").decode().strip()
    sign = ("-c", "user.signingKey=bot@example.com", "commit-tree", "-S", tree, "-m", "signed")
    oid = git(world.repo.git_dir, *sign, env={"GNUPGHOME": str(home)}).decode().strip()
    world.repo.branch("main", oid)
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False, capture_output=True)
    world.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keys", "namespace": world.namespace},
                  "data": {"bot.asc": public}})  # fmt: skip
    world.install(verify={"mode": "signed-commits", "keysRef": "keys"})
    outcome = world.reconcile()
    assert outcome.stop is None, outcome.stop
    assert outcome.counts["created"] == 1
