"""Which forge a memory repository has: the option says it, or the provider of the repository, or the address's host.

A repository of provider ``git``, and one at a path or at a host that isn't known, has none: its pull requests are local
ones.
"""

from __future__ import annotations

import enum
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.updates.forges.client import Endpoint, ForgeClient, Limits, Token
from krate_gitops.updates.forges.forgejo import ForgejoForge, forgejo_client
from krate_gitops.updates.forges.github import GitHubForge, github_client
from krate_gitops.updates.forges.gitlab import GitLabForge, gitlab_client
from krate_gitops.updates.forges.port import Forge
from krate_gitops.updates.forges.ref import check_repository
from krate_gitops.updates.forges.remote import DeleteBranch, RemoteForge

TOKEN_VARIABLE = "KRATE_FORGE_TOKEN"  # noqa: S105
TOKEN_FILE_VARIABLE = "KRATE_FORGE_TOKEN_FILE"  # noqa: S105
_TOKEN_BYTES = 4096
_KNOWN_HOSTS = {"github.com": "github", "gitlab.com": "gitlab", "codeberg.org": "forgejo", "gitea.com": "forgejo"}


class ForgeKind(enum.StrEnum):
    """Kinds of forges. Gitea is a Forgejo here: what is used of their interface is the same."""

    LOCAL = "local"
    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"


_PROVIDERS = {
    "github": ForgeKind.GITHUB,
    "gitlab": ForgeKind.GITLAB,
    "gitea": ForgeKind.FORGEJO,
    "forgejo": ForgeKind.FORGEJO,
    "git": ForgeKind.LOCAL,
    "local": ForgeKind.LOCAL,
}


class ForgeChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A forge, and the repository at it. ``api`` and ``repository`` are empty for local pull requests."""

    kind: ForgeKind
    api: str = ""
    repository: str = ""


def choose_forge(
    *,
    location: str,
    provider: str | None = None,
    forge: str | None = None,
    api: str | None = None,
    repository: str | None = None,
) -> ForgeChoice:
    """The forge of a repository.

    ``location`` is what the repository is opened by: a path or an address. ``provider`` is the field of the resource.
    ``forge``, ``api`` (the address of the interface) and ``repository`` (``owner/name``) are options that count more
    than what follows from the location. Raises ``UsageError(CONFIG_INVALID)``.
    """
    host, path = _address(location)
    told = forge or provider
    kind = _kind(told) if told else ForgeKind(_KNOWN_HOSTS.get(host, "local"))
    if kind is ForgeKind.LOCAL:
        return ForgeChoice(kind=kind)
    if api is None and not host:
        raise UsageError(
            "CONFIG_INVALID",
            f"{kind} is asked for, but the repository's location doesn't say where it is",
            hint="give the address of its interface, such as https://git.example.com/api/v1",
        )
    address = (api or _api(kind, host)).rstrip("/")
    Endpoint(address)
    name = repository or path
    return ForgeChoice(kind=kind, api=address, repository=check_repository(name))


def open_forge(
    choice: ForgeChoice,
    *,
    local: Callable[[], Forge],
    token: Token | None,
    delete: DeleteBranch | None = None,
    limits: Limits | None = None,
) -> Forge:
    """The forge of a choice; ``local`` makes the one for repositories without any.

    Raises ``UsageError(CONFIG_INVALID)`` without a token, for nothing can be written then.
    """
    if choice.kind is ForgeKind.LOCAL:
        return local()
    if token is None:
        raise UsageError(
            "CONFIG_INVALID",
            f"there is no token for {choice.kind}",
            hint=f"set {TOKEN_VARIABLE}, or {TOKEN_FILE_VARIABLE} to a file that holds it",
        )
    make_client, make = _MAKERS[choice.kind]
    return make(make_client(choice.api, token, limits=limits), choice.repository, delete=delete)


_MAKERS: Mapping[ForgeKind, tuple[Callable[..., ForgeClient], type[RemoteForge]]] = {
    ForgeKind.GITHUB: (github_client, GitHubForge),
    ForgeKind.GITLAB: (gitlab_client, GitLabForge),
    ForgeKind.FORGEJO: (forgejo_client, ForgejoForge),
}


def find_token(environment: Mapping[str, str], *, file: Path | None = None) -> Token | None:
    """The token from a file, or from the environment, or from the file that the environment names; None without any.

    Raises ``UsageError(CONFIG_INVALID)`` for a file that can't be read, that others may read, or that holds no token.
    """
    text = environment.get(TOKEN_VARIABLE, "")
    named = environment.get(TOKEN_FILE_VARIABLE, "")
    if file is None and not text and named:
        file = Path(named)
    if file is not None:
        text = _read_private(file)
    return Token(text.strip()) if text.strip() else None


def _read_private(file: Path) -> str:
    try:
        with open(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _bad_file(file, "is no file")
            if status.st_mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise _bad_file(file, "can be read or changed by others", hint=f"chmod 600 {file}")
            content = opened.read(_TOKEN_BYTES + 1)
    except OSError as error:
        raise _bad_file(file, f"can't be read: {error.strerror}") from None
    if not content.strip() or len(content) > _TOKEN_BYTES or not content.isascii():
        raise _bad_file(file, "holds no token")
    return content.decode("ascii")


def _bad_file(file: Path, what: str, *, hint: str = "") -> UsageError:
    return UsageError("CONFIG_INVALID", f"the token file {what}", hint=hint, location=str(file))


def _kind(name: str) -> ForgeKind:
    kind = _PROVIDERS.get(name)
    if kind is None:
        hint = f"one of {', '.join(sorted(_PROVIDERS))}"
        raise UsageError("CONFIG_INVALID", "that forge isn't known", hint=hint)
    return kind


def _api(kind: ForgeKind, host: str) -> str:
    if kind is ForgeKind.GITHUB:
        return "https://api.github.com" if host == "github.com" else f"https://{host}/api/v3"
    return f"https://{host}/api/v4" if kind is ForgeKind.GITLAB else f"https://{host}/api/v1"


def _address(location: str) -> tuple[str, str]:
    """Host and ``owner/name`` of an address; both empty for a path. A port belongs to git, not to the interface."""
    if "://" in location:
        try:
            parts = urlsplit(location)
            host, path = parts.hostname or "", parts.path
            is_web = parts.scheme in ("https", "http")
            if is_web and parts.port not in (None, 80, 443):
                host = f"{host}:{parts.port}"
        except ValueError:
            return "", ""
    elif ":" in location and "/" not in location.partition(":")[0] and not Path(location).exists():
        host, _, path = location.rpartition("@")[2].partition(":")
    else:
        return "", ""
    return host.lower(), path.strip("/").removesuffix(".git")
