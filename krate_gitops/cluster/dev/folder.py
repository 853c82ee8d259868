"""What lies in the directory of a development cluster beside its objects: users, certificates, kubeconfigs."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import msgspec
import yaml

from krate_gitops.cluster.dev.access.identity import MASTERS
from krate_gitops.cluster.dev.access.users import read_tokens
from krate_gitops.cluster.dev.certificates import certificates, write_private

ADMIN, LIMITED = "admin", "limited"
_LIMITED_GROUP = "limited-group"
_NAME = "krate-dev"


class Running(msgspec.Struct, frozen=True):
    """A cluster that answers at ``url``.

    ``authority`` is the certificate to trust, ``token`` that of the administrator, and ``limited_kubeconfig`` is of a
    user without rights of his own.
    """

    url: str
    authority: Path
    admin_kubeconfig: Path
    limited_kubeconfig: Path
    token: str

    def __repr__(self) -> str:
        return f"Running(url={self.url!r}, admin_kubeconfig={str(self.admin_kubeconfig)!r})"


def users_file(folder: Path) -> Path:
    """The users of the cluster; new ones are an administrator, and somebody without rights.

    More users are more lines: ``token,name,uid,"group,another group"``.
    """
    path = folder / "users.csv"
    if not path.exists():
        users = ((ADMIN, MASTERS), (LIMITED, _LIMITED_GROUP))
        lines = [f"{secrets.token_urlsafe(32)},{name},{name},{group}\n" for name, group in users]
        write_private(path, "".join(lines).encode())
    return path


def describe(folder: Path, host: str, port: int) -> Running:
    """Users, certificates and kubeconfigs of the cluster in ``folder``, made where they are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = certificates(folder, host).authority
    url = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    tokens = {user.name: token for token, user in read_tokens(users_file(folder)).items()}
    for name, token in tokens.items():
        if name in (ADMIN, LIMITED):
            write_kubeconfig(folder / f"{name}.kubeconfig", url, authority, name, token)
    return Running(
        url, authority, folder / f"{ADMIN}.kubeconfig", folder / f"{LIMITED}.kubeconfig", tokens.get(ADMIN, "")
    )


def write_kubeconfig(path: Path, url: str, authority: Path, user: str, token: str) -> None:
    """Writes a kubeconfig that only its owner can read."""
    trusted = base64.b64encode(authority.read_bytes()).decode()
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": _NAME,
        "clusters": [{"name": _NAME, "cluster": {"server": url, "certificate-authority-data": trusted}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": user}}],
    }
    write_private(path, yaml.safe_dump(value, sort_keys=False).encode())
