"""Addresses of remotes: which are taken, and how they are shown."""

from __future__ import annotations

import hashlib
import re

import msgspec

from krate_gitops.errors import UsageError
from krate_gitops.git.command import redact_credentials
from krate_gitops.git.names import escape_name

_NETWORK_PROTOCOLS = ("https", "http", "ssh", "git")
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>.*)", re.DOTALL)
_SCP = re.compile(
    r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^:/].*|/.*)"
)
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\x9f]")


class Remote(msgspec.Struct, frozen=True):
    """An address without credentials, and the protocols git may use to reach it.

    The user's own configuration may send one network protocol through another (``url.<base>.insteadOf``), so that all
    of them are allowed for each; a remote can't, for redirects are off.
    """

    url: str
    protocols: tuple[str, ...] = _NETWORK_PROTOCOLS

    @property
    def name(self) -> str:
        """Last part of the path, for people."""
        last = self.url.rstrip("/").rpartition("/")[2].rpartition(":")[2].removesuffix(".git")
        return last or "repository"

    @property
    def key(self) -> str:
        """A folder name of its own for each address."""
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name).strip("-.")[:40]
        return f"{slug or 'repository'}-{hashlib.sha256(self.url.encode()).hexdigest()[:16]}"


def is_url(spec: str) -> bool:
    """Whether the text has a scheme or the form ``[user@]host:path``, rather than being a path on this machine."""
    return bool(_URL.fullmatch(spec) or "::" in spec or _SCP.fullmatch(spec))


def parse_remote(spec: str, *, allow_file_protocol: bool) -> Remote:
    """The remote that an address names.

    Taken are https, http, ssh, git, ``[user@]host:path``, and file where it is allowed. Raises
    ``UsageError(INVALID_REQUEST)`` for other schemes and for credentials; the message never repeats them.
    """
    if _UNPRINTABLE.search(spec) or "::" in spec.partition("/")[0]:
        raise _refused(spec, "it is no address of a repository", "use an https or ssh URL, or git@host:path")
    url = _URL.fullmatch(spec)
    if url is None:
        if not _SCP.fullmatch(spec):
            raise _refused(spec, "it is no address of a repository", "use an https or ssh URL, or git@host:path")
        return Remote(spec)
    scheme, authority = url["scheme"].lower(), url["authority"]
    if scheme not in _NETWORK_PROTOCOLS and not (scheme == "file" and allow_file_protocol):
        hint = "give the path itself" if scheme == "file" else "use https, http, ssh, git or git@host:path"
        raise _refused(spec, f"the scheme {scheme} is not allowed", hint)
    user, at, host = authority.rpartition("@")
    if at and (scheme != "ssh" or ":" in user):
        raise _refused(
            spec, "it contains credentials", "take them out of the URL and use a git credential helper or an ssh key"
        )
    if scheme == "file":
        is_host = not authority
    else:
        is_host = bool(_HOST.fullmatch(host)) and not user.startswith("-")
    if not is_host or url["path"] in ("", "/") or "?" in url["path"] or "#" in url["path"]:
        raise _refused(spec.partition("?")[0], "host or path is missing or malformed", "write scheme://host/path")
    return Remote(f"{scheme}://{authority}{url['path']}", ("file",) if scheme == "file" else _NETWORK_PROTOCOLS)


def _refused(spec: str, why: str, hint: str) -> UsageError:
    shown = escape_name(redact_credentials(spec))[:200]
    return UsageError("INVALID_REQUEST", f"{shown} can't be used as a repository: {why}", hint=hint, location=shown)
