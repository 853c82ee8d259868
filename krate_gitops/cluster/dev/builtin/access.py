"""Bindings of roles to users, groups and service accounts."""

from __future__ import annotations

from typing import Any

from krate_gitops.cluster.dev.builtin.fields import always, atomic, kind_schema, list_of, record, text
from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.builtin.making import NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, not_supported, required
from krate_gitops.cluster.dev.schemas.names import subdomain

Object = dict[str, Any]
_GROUP = "rbac.authorization.k8s.io"

_SUBJECT = atomic(record({"kind": text(), "apiGroup": text(), "name": text(), "namespace": text()}))
_ROLE_REF = atomic(record({"apiGroup": always(text()), "kind": always(text()), "name": always(text())}))
_SCHEMA = kind_schema({"subjects": list_of(_SUBJECT), "roleRef": _ROLE_REF}, ("roleRef",))


def _default(new: Object) -> Object:
    fresh = dict(new)
    role = new.get("roleRef") or {}
    fresh["roleRef"] = {**role, "apiGroup": role.get("apiGroup") or _GROUP}
    if subjects := new.get("subjects"):
        fresh["subjects"] = [_subject(one) for one in subjects]
    return fresh


def _subject(one: Object) -> Object:
    if one.get("apiGroup") or one.get("kind") not in ("User", "Group"):
        return one
    return {**one, "apiGroup": _GROUP}


def _faults(new: Object, old: Object | None, kinds: tuple[str, ...], *, is_namespaced: bool) -> list[Fault]:
    faults: list[Fault] = []
    role = new.get("roleRef") or {}
    if role.get("apiGroup") != _GROUP:
        faults.append(not_supported("roleRef.apiGroup", role.get("apiGroup") or "", [_GROUP]))
    if role.get("kind") not in kinds:
        faults.append(not_supported("roleRef.kind", role.get("kind") or "", kinds))
    if not role.get("name"):
        faults.append(required("roleRef.name"))
    for index, subject in enumerate(new.get("subjects") or ()):
        faults += _subject_faults(subject, f"subjects[{index}]", is_namespaced=is_namespaced)
    if old is not None and old.get("roleRef") != role:
        shown = {"APIGroup": role.get("apiGroup"), "Kind": role.get("kind"), "Name": role.get("name")}
        faults.append(invalid_value("roleRef", shown, "cannot change roleRef"))
    return faults


def _subject_faults(subject: Object, field: str, *, is_namespaced: bool) -> list[Fault]:
    faults: list[Fault] = []
    name, kind, group = subject.get("name") or "", subject.get("kind") or "", subject.get("apiGroup") or ""
    if not name:
        faults.append(required(f"{field}.name"))
    if kind == "ServiceAccount":
        if name:
            faults += [invalid_value(f"{field}.name", name, why) for why in subdomain(name)]
        if group:
            faults.append(not_supported(f"{field}.apiGroup", group, [""]))
        if not is_namespaced and not subject.get("namespace"):
            faults.append(required(f"{field}.namespace"))
    elif kind in ("User", "Group"):
        if group != _GROUP:
            faults.append(not_supported(f"{field}.apiGroup", group, [_GROUP]))
    else:
        faults.append(not_supported(f"{field}.kind", kind, ["ServiceAccount", "User", "Group"]))
    return faults


def _binding(new: Object, old: Object | None) -> list[Fault]:
    return _faults(new, old, ("Role", "ClusterRole"), is_namespaced=True)


def _cluster_binding(new: Object, old: Object | None) -> list[Fault]:
    return _faults(new, old, ("ClusterRole",), is_namespaced=False)


def _role_of(value: Object) -> str:
    role = value.get("roleRef") or {}
    return f"{role.get('kind', '')}/{role.get('name', '')}"


def _names(kind: str) -> Any:
    def read(value: Object) -> str:
        found = [one for one in value.get("subjects") or () if one.get("kind") == kind]
        return ", ".join(f"{one['namespace']}/{one['name']}" if one.get("namespace") else one["name"] for one in found)

    return read


_COLUMNS = (
    NAME,
    column("Role", _role_of),
    age(),
    column("Users", _names("User"), priority=1),
    column("Groups", _names("Group"), priority=1),
    column("ServiceAccounts", _names("ServiceAccount"), priority=1),
)

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        _GROUP, "v1", "RoleBinding", "rolebindings", _SCHEMA, name_rule="path-segment", creates_on_update=True,
        default_kind=_default, validate_kind=_binding, columns=_COLUMNS,
    ),
    built_in(
        _GROUP, "v1", "ClusterRoleBinding", "clusterrolebindings", _SCHEMA, namespaced=False, name_rule="path-segment",
        creates_on_update=True, default_kind=_default, validate_kind=_cluster_binding, columns=_COLUMNS,
    ),
)  # fmt: skip
