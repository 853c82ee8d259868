# mypy: allow-untyped-calls
"""Reads kubeconfig files and in-cluster credentials with the ``kubernetes`` package.

The package knows the merging of files, contexts, paths relative to a file, client certificates and the two ways into
a cluster from within. Two things it does badly are done around it: a failing exec plugin only reaches its log and the
request goes out without credentials, and a token file is read once and never again.

Everything is read anew each time; how long a result holds is said by ``Credentials.good_for``. The package is slow to
import, so it is imported where it is used.
"""

from __future__ import annotations

import base64
import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import msgspec

from krate_gitops.cluster.client.identity import Identity
from krate_gitops.errors import KrateError, UnavailableError, UsageError

if TYPE_CHECKING:
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import ConfigNode

_FILE_SECONDS = 60.0
"""How long a token from a file is used: a kubelet renews it long before it ends."""
_FOREVER = float("inf")
_EARLY = 60.0
"""Seconds before a plugin's credentials end at which new ones are fetched."""
_TOKEN_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of where the server is and how to prove who asks. Its text form shows no secret."""

    server: str
    authorization: str = ""
    """Value of the header of that name; empty where a certificate or nothing speaks for the caller."""
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    verify: bool = True
    server_name: str = ""
    """Name to expect in the server's certificate, where it isn't the URL's."""
    proxy: str = ""
    identity: Identity | None = None
    """Whom the kubeconfig's user asks to be (``as``)."""
    good_for: float = _FOREVER
    """Seconds after which it should be read again."""

    def __repr__(self) -> str:
        how = "header" if self.authorization else "certificate" if self.certificate_file else "none"
        return f"Credentials(server={without_userinfo(self.server)!r}, by={how!r})"


def without_userinfo(url: str) -> str:
    """A URL without name and password."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def in_cluster() -> Credentials:
    """Credentials of the pod that runs this program.

    Raises ``UnavailableError`` outside a cluster.
    """
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, load_incluster_config

    configuration = Configuration()
    try:
        load_incluster_config(configuration, try_refresh_token=False)
    except (ConfigException, OSError) as error:
        raise UnavailableError(
            "CLUSTER_NOT_CONFIGURED",
            f"there is no kubeconfig, and these are no credentials of a pod: {_one_line(error)}",
            hint="Name a kubeconfig file, set KUBECONFIG, or start a development cluster.",
        ) from None
    return _of(configuration, identity=None, good_for=_FILE_SECONDS)


def is_in_cluster() -> bool:
    """Whether this process runs in a pod with a ServiceAccount."""
    return _TOKEN_FILE.is_file()


def from_kubeconfig(paths: str, context: str | None) -> Credentials:
    """Credentials of one context of the kubeconfig files in ``paths`` (separated as in ``KUBECONFIG``).

    Raises ``UsageError`` for files that can't be used as they are, ``UnavailableError`` where a plugin fails.
    """
    import yaml
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException
    from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

    configuration = Configuration()
    try:
        merged = KubeConfigMerger(paths).config
        if merged is None:
            raise ConfigException("no such file")
        name = context or merged.value.get("current-context")
        if not name:
            raise UsageError("KUBECONFIG_INVALID", f"{paths} has no current context", hint="Name one of its contexts.")
        user = _user(merged, name)
        lifetime = _run_plugin(merged, name, user)
        KubeConfigLoader(merged, active_context=name, config_base_path=None).load_and_set(configuration)
    except KrateError:
        raise
    except (ConfigException, yaml.YAMLError, OSError, UnicodeError) as error:
        raise UsageError("KUBECONFIG_INVALID", f"{paths} can't be used: {_one_line(error)}") from None
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        # The package takes the shape of the file for granted.
        what = type(error).__name__
        raise UsageError("KUBECONFIG_INVALID", f"{paths} doesn't have the form of a kubeconfig ({what})") from None
    return _of(configuration, identity=_identity(user), good_for=lifetime)


def _user(merged: ConfigNode, context: str) -> ConfigNode | None:
    chosen = merged["contexts"].get_with_name(context)["context"]
    name = chosen.safe_get("user")
    if not name:
        return None
    user = merged["users"].get_with_name(name, safe=True)
    if user is None:
        # The package would go on without credentials.
        raise UsageError("KUBECONFIG_INVALID", f"context {context!r} names user {name!r}, who isn't in the file")
    return user["user"] if isinstance(user.safe_get("user"), dict) else None


def _run_plugin(merged: ConfigNode, context: str, user: ConfigNode | None) -> float:
    """Puts what an exec plugin answers in the plugin's place. Gives the seconds for which the credentials hold."""
    if user is None:
        return _FOREVER
    if "exec" not in user:
        return _FILE_SECONDS if user.safe_get("tokenFile") or user.safe_get("auth-provider") else _FOREVER
    from kubernetes.config import ConfigException
    from kubernetes.config.exec_provider import ExecProvider

    cluster = merged["clusters"].get_with_name(merged["contexts"].get_with_name(context)["context"]["cluster"])
    folder = str(Path(user.path or ".").resolve().parent)
    command = user["exec"].safe_get("command")
    try:
        status = ExecProvider(user["exec"], folder, cluster["cluster"]).run()
    except (ConfigException, OSError, ValueError) as error:
        raise UnavailableError(
            "CLUSTER_CREDENTIALS_FAILED",
            f"the credential plugin {command!r} failed: {_one_line(error)}",
            hint="Run it by hand to see why, or log in again.",
        ) from None
    for key in ("exec", "token", "tokenFile", "username", "password"):
        user.value.pop(key, None)
    if status.get("token"):
        user.value["token"] = status["token"]
    elif status.get("clientCertificateData") and status.get("clientKeyData"):
        for key, field in (("client-certificate-data", "clientCertificateData"), ("client-key-data", "clientKeyData")):
            user.value[key] = base64.b64encode(status[field].encode()).decode()
    else:
        message = f"the credential plugin {command!r} answered without a token and without a certificate with its key"
        raise UnavailableError("CLUSTER_CREDENTIALS_FAILED", message)
    return _lifetime(status.get("expirationTimestamp"))


def _lifetime(expiry: Any) -> float:
    if not expiry:
        return _FOREVER
    from datetime import datetime

    ends = datetime.fromisoformat(str(expiry).replace("Z", "+00:00")).timestamp()
    return max(ends - time.time() - _EARLY, 1.0)


def _identity(user: ConfigNode | None) -> Identity | None:
    """Whom the kubeconfig asks to impersonate. The package passes it over, which would mean more rights."""
    name = user.value.get("as") if user is not None else None
    if not name:
        return None
    return Identity(str(name), tuple(str(group) for group in user.value.get("as-groups") or ()))  # type: ignore[union-attr]


def _of(configuration: Configuration, *, identity: Identity | None, good_for: float) -> Credentials:
    server = str(configuration.host).rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise UsageError("KUBECONFIG_INVALID", "the cluster's server is no http or https URL")
    if server != without_userinfo(server):
        raise UsageError("KUBECONFIG_INVALID", "the cluster's server must be a URL without name and password")
    header = configuration.auth_settings().get("BearerToken", {}).get("value") or ""
    if "\n" in header.strip() or "\r" in header.strip():
        raise UsageError("KUBECONFIG_INVALID", "the token holds a line break")
    return Credentials(
        server=server,
        authorization=_with_scheme(header.strip()),
        ca_file=configuration.ssl_ca_cert or "",
        certificate_file=configuration.cert_file or "",
        key_file=configuration.key_file or "",
        verify=bool(configuration.verify_ssl),
        server_name=configuration.tls_server_name or "",
        proxy=_proxy(configuration.proxy or "", server),
        identity=identity,
        good_for=good_for,
    )


def _proxy(proxy: str, server: str) -> str:
    """The proxy for this server. One of the environment isn't for this machine and not for ``NO_PROXY``."""
    parts = urlsplit(server)
    if proxy not in getproxies_environment().values():
        return proxy  # the kubeconfig's own
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost" or host.endswith(".localhost")
    return "" if is_here or proxy_bypass(parts.netloc) else proxy


def _with_scheme(header: str) -> str:
    """``bearer`` of the in-cluster loader in the spelling that every proxy in between understands."""
    scheme, _, rest = header.partition(" ")
    return f"Bearer {rest.strip()}" if scheme.lower() == "bearer" else header


def _one_line(error: BaseException) -> str:
    """What the package says, without what it quotes from the file: a YAML error may show the line of a token."""
    text = str(getattr(error, "problem", None) or error).splitlines()
    from krate_gitops.cluster.client.masking import masked

    return masked(text[0] if text else type(error).__name__)[:300]
