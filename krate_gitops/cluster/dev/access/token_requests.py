"""TokenRequest: a new token of a ServiceAccount, for given audiences and a given time."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.access.attributes import quoted
from krate_gitops.cluster.dev.access.reader import SECRETS, SERVICE_ACCOUNTS, KindKey, Object, Reader
from krate_gitops.cluster.dev.access.tokens import AUDIENCE, Bound, Clock, ServiceAccountTokens
from krate_gitops.cluster.dev.access.virtual import AUTHENTICATION, invalid, managed, timestamp
from krate_gitops.cluster.dev.access.virtual_forms import TokenRequest, check_types
from krate_gitops.cluster.dev.failure import ApiFailure

_HOUR = 3600
_SHORTEST = 600
_LONGEST = 1 << 32
_MAX_AUDIENCES = 100


class TokenRequests:
    """Answers requests for tokens."""

    def __init__(self, reader: Reader, tokens: ServiceAccountTokens, clock: Clock) -> None:
        self._reader = reader
        self._tokens = tokens
        self._clock = clock

    def request(self, namespace: str, name: str, body: Object, *, manager: str) -> Object:
        """The body of a 201, with a token of the account.

        Raises ApiFailure 404 for an account, or an object the token shall hang on, that isn't there; 409 if that object
        is another one; 422 for a time that is too short or too long; 400 for values of a wrong type.
        """
        account = self._stored(SERVICE_ACCOUNTS, namespace, name)
        check_types("TokenRequest", body, TokenRequest)
        spec = _defaulted(body.get("spec") or {})
        _check(spec)
        secret = self._bound(namespace, spec.get("boundObjectRef"))
        uid = account["metadata"]["uid"]
        audiences = spec.get("audiences") or [AUDIENCE]
        token, ends = self._tokens.sign(namespace, Bound(name, uid), audiences, spec["expirationSeconds"], secret)
        now = timestamp(self._clock())
        return {
            "kind": "TokenRequest",
            "apiVersion": f"{AUTHENTICATION}/v1",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": uid,
                "creationTimestamp": now,
                "managedFields": managed(spec, f"{AUTHENTICATION}/v1", manager, now, "token"),
            },
            "spec": {
                "audiences": audiences,
                "expirationSeconds": spec["expirationSeconds"],
                "boundObjectRef": spec.get("boundObjectRef"),
            },
            "status": {"token": token, "expirationTimestamp": timestamp(ends)},
        }

    def _stored(self, kind: KindKey, namespace: str, name: str) -> Object:
        stored = self._reader.get(kind, namespace, name)
        if stored is None:
            raise _not_found(kind[1], name)
        return stored

    def _bound(self, namespace: str, reference: dict[str, Any] | None) -> Bound | None:
        if reference is None:
            return None
        kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
        if kind != "Secret":
            if kind in ("Pod", "Node"):
                raise _not_found(f"{kind.lower()}s", name)
            raise ApiFailure(400, "BadRequest", f"cannot bind token for object of type {kind}")
        uid = self._stored(SECRETS, namespace, name)["metadata"]["uid"]
        if reference.get("uid") not in (None, "", uid):
            told = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
            details = {"name": name, "kind": "secrets"}
            message = f"Operation cannot be fulfilled on secrets {quoted(name)}: {told}"
            raise ApiFailure(409, "Conflict", message, details=details)
        return Bound(name, uid)


def _defaulted(given: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, with the time a token lasts if none was given."""
    spec: dict[str, Any] = {}
    if given.get("audiences"):
        spec["audiences"] = given["audiences"][:_MAX_AUDIENCES]
    spec["expirationSeconds"] = _HOUR if given.get("expirationSeconds") is None else given["expirationSeconds"]
    if isinstance(given.get("boundObjectRef"), dict):
        spec["boundObjectRef"] = given["boundObjectRef"]
    return spec


def _check(spec: dict[str, Any]) -> None:
    seconds = spec["expirationSeconds"]
    if seconds < _SHORTEST:
        problem = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST:
        problem = "may not specify a duration larger than 2^32 seconds"
    else:
        return
    fault = ("spec.expirationSeconds", f"Invalid value: {seconds}: {problem}")
    raise invalid(AUTHENTICATION, "TokenRequest", [fault])


def _not_found(plural: str, name: str) -> ApiFailure:
    details = {"name": name, "kind": plural}
    return ApiFailure(404, "NotFound", f"{plural} {quoted(name)} not found", details=details)
