"""What a source needs to be fetched and trusted: its login, and the keys that count. Read as its own account."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from krate_gitops.cluster.client.api import Api
from krate_gitops.cluster.client.failures import ApiError
from krate_gitops.git.credentials import Credentials
from krate_gitops.reconcile.source import Source
from krate_gitops.reconcile.stop import Stop

_CONDITION = "SourceResolved"


async def read_credentials(api: Api, source: Source) -> Credentials | None:
    """The login of a source, from the Secret that it names in its own namespace; None where it names none.

    Keys are those of Kubernetes and Flux: ``username`` and ``password``, ``bearerToken``, or ``ssh-privatekey`` (also
    ``identity``) and ``known_hosts``. Raises ``Stop(KR705)``.
    """
    name = source.spec.source.credentials_secret_ref
    if name is None:
        return None
    found = _decoded(await _read(api, source, "Secret", name), name)
    key = found.get("ssh-privatekey") or found.get("identity", "")
    if not (key or found.get("password") or found.get("bearerToken")):
        raise _unusable(f"Secret {name} has no password, bearerToken or ssh-privatekey")
    if key and not found.get("known_hosts"):
        raise _unusable(f"Secret {name} has a private key and no known_hosts, so the server can't be told from others")
    return Credentials(
        username=found.get("username", ""),
        password=found.get("password", ""),
        token=found.get("bearerToken", ""),
        ssh_key=key,
        known_hosts=found.get("known_hosts", ""),
    )


async def read_keys(api: Api, source: Source) -> Mapping[str, str]:
    """The public keys whose signatures count, from the ConfigMap that the source names. Raises ``Stop(KR708)``."""
    name = source.spec.verify.keys_ref or ""
    value = await _read(api, source, "ConfigMap", name, code="KR708", reason="SignatureInvalid")
    keys: Mapping[str, str] = value.get("data") or {}
    if not keys:
        raise unsigned(f"ConfigMap {name} holds no keys, so no signature can count")
    return keys


def unsigned(why: str, *, location: str = "") -> Stop:
    """A signature that is missing, or doesn't count."""
    hint = "sign the commit with one of the keys of spec.verify.keysRef, or add the key there"
    return Stop(_CONDITION, "SignatureInvalid", "KR708", why, hint=hint, location=location)


async def _read(
    api: Api, source: Source, kind: str, name: str, *, code: str = "KR705", reason: str = "AuthFailed"
) -> dict[str, Any]:
    try:
        served = (await api.discovery()).find("", kind)
        found = None if served is None else await api.get(served, name, source.namespace)
    except ApiError as error:
        raise Stop(_CONDITION, reason, code, f"{kind} {name} can't be read: {error.message}", hint=error.hint) from None
    if found is None:
        hint = f"create it in {source.namespace}, or correct the source"
        raise Stop(_CONDITION, reason, code, f"{kind} {name} is not there", hint=hint)
    return found


def _decoded(secret: Mapping[str, Any], name: str) -> dict[str, str]:
    try:
        return {
            key: base64.b64decode(str(value), validate=True).decode().strip()
            for key, value in (secret.get("data") or {}).items()
        }
    except (binascii.Error, UnicodeDecodeError):
        raise _unusable(f"Secret {name} holds something that is no text") from None


def _unusable(why: str) -> Stop:
    return Stop(_CONDITION, "AuthFailed", "KR705", why, hint="correct the Secret that spec.source names")
