"""What a definition must be: names, versions, columns. Order and words of faults are those of the API server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value, not_supported, required
from krate_gitops.cluster.dev.schemas.names import old_label, subdomain
from krate_gitops.cluster.dev.schemas.openapi_checks import check_schema

Object = dict[str, Any]

_APPROVAL: Final = "api-approved.kubernetes.io"
_PROTECTED: Final = ("k8s.io", "kubernetes.io")
_SCOPES: Final = ("Cluster", "Namespaced")
_COLUMN_TYPES: Final = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS: Final = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")


def check_definition(new: Object, old: Object | None) -> list[Fault]:
    """What is wrong with a definition beside its metadata."""
    spec = new.get("spec") or {}
    names = spec.get("names") or {}
    faults: list[Fault] = []
    wanted = f"{names.get('plural', '')}.{spec.get('group', '')}"
    name = new["metadata"].get("name", "")
    if old is None and name != wanted:
        faults.append(invalid_value("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    faults += _spec(spec)
    if old is not None:
        faults += _immutable(spec, old.get("spec") or {}, is_established=_is_established(old))
    faults += _stored(spec, (new.get("status") or {}).get("storedVersions"))
    return [*faults, *_approval(new)]


def _spec(spec: Object) -> list[Fault]:
    group = spec.get("group") or ""
    faults: list[Fault] = []
    if not group:
        faults.append(required("spec.group"))
    else:
        wrong = [invalid_value("spec.group", group, why) for why in subdomain(group)]
        if not wrong and "." not in group:
            wrong.append(invalid_value("spec.group", group, "should be a domain with at least one dot"))
        faults += wrong
    scope = spec.get("scope") or ""
    if not scope:
        faults.append(required("spec.scope"))
    elif scope not in _SCOPES:
        faults.append(not_supported("spec.scope", scope, _SCOPES))
    versions = spec.get("versions") or []
    faults += _versions(versions)
    if spec.get("preserveUnknownFields"):
        detail = (
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        )
        faults.append(invalid_value("spec.preserveUnknownFields", True, detail))
    faults += _names(spec.get("names") or {})
    return [*faults, *_conversion(spec.get("conversion") or {})]


def _conversion(conversion: Object) -> list[Fault]:
    """Versions may differ in their apiVersion only: nothing here calls webhooks."""
    strategy = conversion.get("strategy") or "None"
    return [] if strategy == "None" else [not_supported("spec.conversion.strategy", strategy, ("None",))]


def _versions(versions: Sequence[Object]) -> list[Fault]:
    faults: list[Fault] = []
    schemas = [(one.get("schema") or {}).get("openAPIV3Schema") for one in versions]
    one_schema = all(schema == schemas[0] for schema in schemas)
    columns = [one.get("additionalPrinterColumns") for one in versions]
    one_set = all(each == columns[0] for each in columns)
    for index, version in enumerate(versions):
        field = f"spec.versions[{index}]"
        faults += [invalid_value(f"{field}.name", version["name"], why) for why in old_label(version["name"])]
        schema = schemas[index]
        if not schema:
            faults.append(required(f"{field}.schema.openAPIV3Schema"))
        elif not one_schema or index == 0:
            place = "spec.validation" if one_schema else f"{field}.schema"
            faults += check_schema(schema, f"{place}.openAPIV3Schema")
        faults += _selectable(version.get("selectableFields") or (), schemas[index] or {}, f"{field}.selectableFields")
        if not one_set or index == 0:
            place = "spec" if one_set else field
            faults += _columns(columns[index] or (), f"{place}.additionalPrinterColumns")
    if len({one.get("name") for one in versions}) != len(versions):
        faults.append(invalid_value("spec.versions", _shown(versions), "must contain unique version names"))
    if sum(bool(one.get("storage")) for one in versions) != 1:
        detail = "must have exactly one version marked as storage version"
        faults.append(invalid_value("spec.versions", _shown(versions), detail))
    return faults


def _shown(versions: Sequence[Object]) -> list[Object]:
    """Versions as messages show them: schemas and the like stand elsewhere there."""
    return [
        {
            "Name": one.get("name", ""),
            "Served": bool(one.get("served")),
            "Storage": bool(one.get("storage")),
            "Deprecated": bool(one.get("deprecated")),
            "DeprecationWarning": one.get("deprecationWarning"),
            "Schema": None,
            "Subresources": None,
            "AdditionalPrinterColumns": None,
            "SelectableFields": None,
        }
        for one in versions
    ]


def _columns(columns: Sequence[Object], field: str) -> list[Fault]:
    faults: list[Fault] = []
    for index, column in enumerate(columns):
        place = f"{field}[{index}]"
        if not column.get("name"):
            faults.append(required(f"{place}.name"))
        type_ = column.get("type") or ""
        if not type_:
            faults.append(required(f"{place}.type", f"must be one of {','.join(_COLUMN_TYPES)}"))
        elif type_ not in _COLUMN_TYPES:
            faults.append(invalid_value(f"{place}.type", type_, f"must be one of {','.join(_COLUMN_TYPES)}"))
        if (format_ := column.get("format")) and format_ not in _COLUMN_FORMATS:
            faults.append(invalid_value(f"{place}.format", format_, f"must be one of {','.join(_COLUMN_FORMATS)}"))
        path = column.get("jsonPath") or ""
        if not path:
            faults.append(required(f"{place}.JSONPath"))
        elif not path.startswith("."):
            faults.append(invalid_value(f"{place}.JSONPath", path, "must be a simple json path starting with ."))
    return faults


def _selectable(fields: Sequence[Object], schema: Object, field: str) -> list[Fault]:
    """Fields to select by are single values that the schema describes."""
    faults: list[Fault] = []
    for index, one in enumerate(fields):
        path = one.get("jsonPath") or ""
        place = f"{field}[{index}].jsonPath"
        if not path:
            faults.append(required(place))
            continue
        node: Object | None = schema
        for name in path.removeprefix(".").split("."):
            node = ((node or {}).get("properties") or {}).get(name)
        if node is None:
            faults.append(invalid_value(place, path, "is an invalid path: does not refer to a valid field"))
        elif node.get("type") not in ("string", "boolean", "integer"):
            detail = "must point to a field of type string, boolean or integer"
            detail += ". Enum string fields and strings with formats are allowed."
            faults.append(invalid_value(place, path, detail))
    return faults


def _names(names: Object) -> list[Fault]:
    faults: list[Fault] = []
    for name in ("plural", "singular"):
        faults += _label(names.get(name) or "", f"spec.names.{name}")
    for index, short in enumerate(names.get("shortNames") or ()):
        faults += [invalid_value(f"spec.names.shortNames[{index}]", short, why) for why in old_label(short)]
    for name in ("kind", "listKind"):
        value = names.get(name) or ""
        if not value:
            faults.append(required(f"spec.names.{name}"))
            continue
        mixed = "may have mixed case, but should otherwise match: "
        faults += [invalid_value(f"spec.names.{name}", value, mixed + why) for why in old_label(value.lower())]
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        detail = "kind and listKind may not be the same"
        faults.append(invalid_value("spec.names.listKind", names["listKind"], detail))
    for index, category in enumerate(names.get("categories") or ()):
        faults += [invalid_value(f"spec.names.categories[{index}]", category, why) for why in old_label(category)]
    return faults


def _label(value: str, field: str) -> list[Fault]:
    if not value:
        return [required(field)]
    return [invalid_value(field, value, why) for why in old_label(value)]


def _immutable(spec: Object, before: Object, *, is_established: bool) -> list[Fault]:
    """Parts of a definition that never change; most of them from when it is established on."""
    names, old = spec.get("names") or {}, before.get("names") or {}
    pairs = [
        ("group", spec.get("group"), before.get("group")),
        ("names.plural", names.get("plural"), old.get("plural")),
    ]
    if is_established:
        pairs = [
            ("scope", spec.get("scope"), before.get("scope")),
            ("names.kind", names.get("kind"), old.get("kind")),
            *pairs,
        ]
    return [invalid_value(f"spec.{field}", value, "field is immutable") for field, value, was in pairs if value != was]


def _is_established(definition: Object) -> bool:
    conditions = (definition.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions)


def _stored(spec: Object, stored: Sequence[str] | None) -> list[Fault]:
    """Versions in which objects may be stored must stay."""
    if not stored:
        return [invalid_value("status.storedVersions", None, "must have at least one stored version")]
    versions = spec.get("versions") or []
    names = {one.get("name") for one in versions}
    faults = [
        invalid_value(
            f"status.storedVersions[{index}]",
            name,
            f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions "
            f"until a storage migration ensures no data remains persisted in {name} and removes {name} from "
            "status.storedVersions",
        )
        for index, name in enumerate(stored)
        if name not in names
    ]
    storage = next((one.get("name") for one in reversed(versions) if one.get("storage")), None)
    if storage is not None and storage not in stored:
        faults.append(invalid_value("status.storedVersions", list(stored), f"must have the storage version {storage}"))
    return faults


def _approval(new: Object) -> list[Fault]:
    """Groups of Kubernetes itself need a word from there."""
    group = (new.get("spec") or {}).get("group") or ""
    if not any(group == each or group.endswith(f".{each}") for each in _PROTECTED):
        return []
    field = f"metadata.annotations[{_APPROVAL}]"
    said = (new["metadata"].get("annotations") or {}).get(_APPROVAL)
    if not said:
        detail = (
            f'protected groups must have approval annotation "{_APPROVAL}", see '
            "https://github.com/kubernetes/enhancements/pull/1111"
        )
        return [required(field, detail)]
    if said.startswith(("unapproved", "https://", "http://")):
        return []
    detail = 'protected groups must have approval annotation with either a URL or a reason starting with "unapproved"'
    return [invalid_value(field, said, f"{detail}, see https://github.com/kubernetes/enhancements/pull/1111")]
