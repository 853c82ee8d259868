"""Opens whatever a user calls a repository."""

from __future__ import annotations

from pathlib import Path

from krate_gitops.errors import UnavailableError
from krate_gitops.git.bundles import is_bundle, open_bundle
from krate_gitops.git.credentials import Credentials
from krate_gitops.git.local import Repository, find_repository
from krate_gitops.git.mirrors import open_mirror
from krate_gitops.git.names import escape_name
from krate_gitops.git.remotes import is_url, parse_remote
from krate_gitops.settings import Settings

__all__ = ["Repository", "open_repository"]


def open_repository(
    spec: str, *, settings: Settings, refresh: bool = True, credentials: Credentials | None = None
) -> Repository:
    """The repository that ``spec`` names: a path (bare, a work tree, a folder in one), a bundle file, or a URL.

    Local repositories are read in place. A URL is mirrored under ``settings.home`` and, with ``refresh``, brought up to
    date first, with ``credentials`` where they are given. Raises
    ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when there is nothing to read, and
    ``UsageError(INVALID_REQUEST)`` for an address that may not be used.
    """
    path = Path(spec).expanduser()
    try:
        if spec and path.is_file() and is_bundle(path):
            return open_bundle(path.resolve(), settings=settings)
        exists = bool(spec) and path.exists()
    except (OSError, ValueError) as error:
        raise _unreadable(spec, str(getattr(error, "strerror", None) or error)) from None
    if exists:
        return find_repository(path)
    if is_url(spec):
        remote = parse_remote(spec, allow_file_protocol=settings.allow_file_protocol)
        return open_mirror(remote, settings=settings, refresh=refresh, credentials=credentials)
    raise _unreadable(spec, "there is no such file or folder")


def _unreadable(spec: str, why: str) -> UnavailableError:
    shown = escape_name(spec)[:200] or "''"
    return UnavailableError(
        "MEMORY_REPOSITORY_UNAVAILABLE",
        f"{shown} can't be read: {why}",
        hint="give a repository folder, a .bundle file, or a URL",
        location=shown,
    )
