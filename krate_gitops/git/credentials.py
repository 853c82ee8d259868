"""Signing in to a remote with credentials that belong to one repository, and not to the user who runs the program.

They reach git by its environment and by files that only the owner can read, for as long as one conversation takes:
never by a command line, and never by a URL.
"""

from __future__ import annotations

import base64
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

_UNKNOWN_HOSTS = "StrictHostKeyChecking=yes"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A user with a password or token, for http; or a private key with the hosts it may be shown to, for ssh."""

    username: str = ""
    password: str = ""
    token: str = ""
    ssh_key: str = ""
    known_hosts: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, …)"


@contextmanager
def signed_in(credentials: Credentials | None, url: str) -> Iterator[Mapping[str, str]]:
    """Variables that let git sign in to ``url`` and to nobody else, until the block ends."""
    if credentials is None:
        yield {}
        return
    if url.startswith(("http://", "https://")):
        yield _by_header(credentials, url)
        return
    with tempfile.TemporaryDirectory(prefix="krate-ssh-") as folder:
        yield _by_key(credentials, Path(folder))


def _by_header(credentials: Credentials, url: str) -> Mapping[str, str]:
    """A header for the origin of the URL. Redirects are never followed, so no other origin gets it."""
    parts = urlsplit(url)
    if credentials.token:
        header = f"Authorization: Bearer {credentials.token}"
    else:
        pair = f"{credentials.username}:{credentials.password}".encode()
        header = f"Authorization: Basic {base64.b64encode(pair).decode('ascii')}"
    return {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{parts.netloc}/.extraHeader",
        "GIT_CONFIG_VALUE_0": header,
        # The user's helpers know other people's passwords.
        "GIT_CONFIG_KEY_1": "credential.helper",
        "GIT_CONFIG_VALUE_1": "",
    }


def _by_key(credentials: Credentials, folder: Path) -> Mapping[str, str]:
    key, hosts = folder / "key", folder / "known_hosts"
    _write_private(key, f"{credentials.ssh_key.strip()}\n")
    _write_private(hosts, f"{credentials.known_hosts.strip()}\n")
    options = (
        "ssh", "-F", os.devnull, "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={hosts}", "-o", f"GlobalKnownHostsFile={os.devnull}", "-o", _UNKNOWN_HOSTS,
    )  # fmt: skip
    return {"GIT_SSH_COMMAND": shlex.join(options), "SSH_AUTH_SOCK": ""}


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
