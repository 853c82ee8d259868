"""Reviews: may I, may he, what may I, who am I, whose token is this. The answer is the request with a status."""

from __future__ import annotations

from typing import Any

import msgspec

from krate_gitops.cluster.dev.access.attributes import Attributes
from krate_gitops.cluster.dev.access.authentication import Authenticator
from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.rbac import Decision, RoleIndex
from krate_gitops.cluster.dev.access.reader import Object
from krate_gitops.cluster.dev.access.rules import Rule
from krate_gitops.cluster.dev.access.tokens import AUDIENCE, BadToken, Clock
from krate_gitops.cluster.dev.access.virtual import AUTHENTICATION, AUTHORIZATION, invalid, managed, timestamp
from krate_gitops.cluster.dev.access.virtual_forms import AccessReview, RulesReview, TokenReview, check_types
from krate_gitops.cluster.dev.failure import ApiFailure

_RESOURCE_FIELDS = (
    "namespace",
    "verb",
    "group",
    "version",
    "resource",
    "subresource",
    "name",
    "fieldSelector",
    "labelSelector",
)
_PATH_FIELDS = ("path", "verb")
_SPEC_FIELDS = ("resourceAttributes", "nonResourceAttributes", "user", "groups", "extra", "uid")


class Reviews:
    """Answers reviews from the authorizer and the authenticator."""

    def __init__(self, index: RoleIndex, authenticator: Authenticator, clock: Clock) -> None:
        self._index = index
        self._authenticator = authenticator
        self._clock = clock

    def review(self, user: User, plural: str, body: Object, *, namespace: str, manager: str) -> Object:
        """The body of a 201 for a review ``plural`` sent by ``user``.

        Raises ApiFailure 422 for a spec or metadata that makes no sense, 400 for a missing namespace or token.
        """
        if plural == "selfsubjectreviews":
            return self._who(user)
        if plural == "selfsubjectrulesreviews":
            return self._rules(user, body)
        if plural == "tokenreviews":
            return self._token(body, manager)
        if plural == "selfsubjectaccessreviews":
            return self._access("SelfSubjectAccessReview", body, manager, user=user)
        if plural == "subjectaccessreviews":
            return self._access("SubjectAccessReview", body, manager)
        return self._access("LocalSubjectAccessReview", body, manager, namespace=namespace)

    def _who(self, user: User) -> Object:
        return {
            "kind": "SelfSubjectReview",
            "apiVersion": f"{AUTHENTICATION}/v1",
            "metadata": {"creationTimestamp": timestamp(self._clock())},
            "status": {"userInfo": user.info()},
        }

    def _rules(self, user: User, body: Object) -> Object:
        check_types("SelfSubjectRulesReview", body, RulesReview)
        namespace = _member(body, "spec").get("namespace") or ""
        if not namespace:
            raise ApiFailure(400, "BadRequest", "no namespace on request")
        rules, missing = self._index.rules_of_user(user, str(namespace))
        status: Object = {
            "resourceRules": [_shown(rule) for rule in rules if rule.resources],
            "nonResourceRules": [_shown(rule) for rule in rules if rule.non_resource_urls],
            "incomplete": bool(missing),
        }
        if missing:
            status["evaluationError"] = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
        return {
            "kind": "SelfSubjectRulesReview",
            "apiVersion": f"{AUTHORIZATION}/v1",
            "metadata": {},
            "spec": {},
            "status": status,
        }

    def _token(self, body: Object, manager: str) -> Object:
        check_types("TokenReview", body, TokenReview)
        spec = _kept(_member(body, "spec"), ("token", "audiences"))
        token = str(spec.get("token") or "")
        if not token:
            raise ApiFailure(400, "BadRequest", "token is required for TokenReview in authentication")
        audiences = tuple(str(audience) for audience in spec.get("audiences") or (AUDIENCE,))
        status: Object
        try:
            user, meant = self._authenticator.user_of_token(token, audiences)
            status = {"authenticated": True, "user": user.info(), "audiences": meant}
        except BadToken as error:
            status = {"user": {}, "error": f"[invalid bearer token, {error}]"}
        return self._echo("TokenReview", AUTHENTICATION, {}, spec, manager, status)

    def _access(self, kind: str, body: Object, manager: str, user: User | None = None, namespace: str = "") -> Object:
        check_types(kind, body, AccessReview)
        spec = _access_spec(body, with_subject=user is None)
        faults = _access_faults(spec, self_review=user is not None)
        metadata = {
            key: value for key, value in _member(body, "metadata").items() if key not in _SERVER_METADATA and value
        }
        local = kind == "LocalSubjectAccessReview"
        if local:
            faults += _local_faults(spec, namespace)
            metadata.pop("namespace", None)
        if metadata:
            faults.append(("metadata", f"Invalid value: {_json(metadata)}: must be empty"))
        if faults:
            raise invalid(AUTHORIZATION, "", faults)
        decision = self._index.decide(user or _subject(spec), _asked(spec))
        return self._echo(
            kind, AUTHORIZATION, {"namespace": namespace} if local else {}, spec, manager, _told(decision)
        )

    def _echo(self, kind: str, group: str, metadata: Object, spec: Object, manager: str, status: Object) -> Object:
        entries = managed(spec, f"{group}/v1", manager, timestamp(self._clock()))
        return {
            "kind": kind,
            "apiVersion": f"{group}/v1",
            "metadata": {**metadata, **({"managedFields": entries} if entries else {})},
            "spec": spec,
            "status": status,
        }


_SERVER_METADATA = frozenset({"creationTimestamp", "managedFields", "uid"})


def _access_spec(body: Object, *, with_subject: bool) -> Object:
    """The spec with its known members only; what is empty is left out, as the server prints it."""
    wanted = _SPEC_FIELDS if with_subject else _SPEC_FIELDS[:2]
    spec = _kept(_member(body, "spec"), wanted)
    for member, fields in (("resourceAttributes", _RESOURCE_FIELDS), ("nonResourceAttributes", _PATH_FIELDS)):
        if isinstance(spec.get(member), dict):
            spec[member] = _kept(spec[member], fields)
    return spec


def _access_faults(spec: Object, *, self_review: bool) -> list[tuple[str, str]]:
    faults = []
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        value = _json({"Path": path.get("path", ""), "Verb": path.get("verb", "")})
        problem = f"Invalid value: {value}: cannot be specified in combination with resourceAttributes"
        faults.append(("spec.nonResourceAttributes", problem))
    elif resource is None and path is None:
        problem = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        faults.append(("spec.resourceAttributes", problem))
    if not self_review and not spec.get("user") and not spec.get("groups"):
        faults.append(("spec.user", 'Invalid value: "": at least one of user or group must be specified'))
    return faults


def _local_faults(spec: Object, namespace: str) -> list[tuple[str, str]]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    faults = []
    if resource is not None and resource.get("namespace", "") != namespace:
        value = _json(resource.get("namespace", ""))
        faults.append(("spec.resourceAttributes.namespace", f"Invalid value: {value}: must match metadata.namespace"))
    if path is not None:
        value = _json({"Path": path.get("path", ""), "Verb": path.get("verb", "")})
        problem = f"Invalid value: {value}: disallowed on this kind of request"
        faults.append(("spec.nonResourceAttributes", problem))
    return faults


def _asked(spec: Object) -> Attributes:
    resource = spec.get("resourceAttributes")
    if resource is None:
        path = spec["nonResourceAttributes"]
        return Attributes(str(path.get("verb", "")), path=str(path.get("path", "")) or "/")
    fields = ("verb", "group", "resource", "subresource", "name", "namespace")
    return Attributes(**{field: str(resource.get(field, "")) for field in fields})


def _subject(spec: Object) -> User:
    extra = spec.get("extra") or {}
    return User(
        str(spec.get("user", "")),
        tuple(str(group) for group in spec.get("groups") or ()),
        str(spec.get("uid", "")),
        tuple(sorted((str(key), tuple(str(value) for value in values or ())) for key, values in extra.items())),
    )


def _told(decision: Decision) -> Object:
    return {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}


def _shown(rule: Rule) -> dict[str, Any]:
    return {name: list(values) for name, values in msgspec.to_builtins(rule).items()}


def _member(body: Object, name: str) -> Object:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def _kept(values: Object, names: tuple[str, ...]) -> Object:
    return {
        name: values[name] for name in names if values.get(name) not in (None, "", [], {}) or _pointer(values, name)
    }


def _pointer(values: Object, name: str) -> bool:
    """Attributes that are given but empty still are attributes."""
    return name.endswith("Attributes") and isinstance(values.get(name), dict)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
