"""How objects are checked and completed: by the code of a built-in kind, or by the schema of a definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krate_gitops.cluster.dev.builtin.kind import BuiltIn
from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.fields.shapes import shape_of
from krate_gitops.cluster.dev.fields.typed import complaints
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value
from krate_gitops.cluster.dev.schemas.metadata import validate_metadata
from krate_gitops.cluster.dev.schemas.metadata_fields import OBJECT_META
from krate_gitops.cluster.dev.schemas.structural import Structural
from krate_gitops.cluster.dev.verbs.event_shapes import newer_shape, older_shape


class BuiltInRules:
    """The rules of a built-in kind."""

    def __init__(self, kind: BuiltIn) -> None:
        self._kind = kind
        self.schema: Object = kind.schema
        self.empty: Object | None = kind.decode({})[0]

    def decode(self, body: Object, *, applied: bool = False) -> tuple[Object, list[str]]:
        """See ``Rules``."""
        return self._kind.decode(body)

    def default(self, new: Object) -> Object:
        """See ``Rules``."""
        return self._kind.default(new)

    def is_typed(self, new: Object, old: Object, subresource: str) -> bool:
        """See ``Rules``."""
        return True

    def reset(self, new: Object, old: Object | None, subresource: str) -> Object:
        """See ``Rules``."""
        return self._kind.reset(new, old, subresource=subresource)

    def prepare(self, new: Object, old: Object | None, subresource: str) -> Object:
        """See ``Rules``."""
        return self._kind.prepare(new, old, subresource=subresource)

    def validate(self, new: Object, old: Object | None, subresource: str) -> Sequence[Fault]:
        """See ``Rules``."""
        return self._kind.validate(new, old)

    def show(self, stored: Object) -> Object:
        """See ``Rules``."""
        return stored

    def stored(self, value: Object) -> Object:
        """See ``Rules``."""
        return value

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """See ``Rules``."""
        return self._kind.warn_kind(new, old)


class NewerEventRules(BuiltInRules):
    """The rules of events in their newer shape, which are stored in the older one."""

    def __init__(self, kind: BuiltIn, older: BuiltIn) -> None:
        super().__init__(kind)
        self._older = older

    def show(self, stored: Object) -> Object:
        """See ``Rules``."""
        return self._kind.decode(newer_shape(stored))[0]

    def stored(self, value: Object) -> Object:
        """See ``Rules``."""
        return self._older.decode(older_shape(value))[0]


class CustomRules:
    """The rules of one version of a definition."""

    def __init__(
        self,
        structural: Structural,
        api_version: str,
        kind: str,
        *,
        stored_version: str,
        namespaced: bool,
        status: bool,
    ) -> None:
        self._structural = structural
        self._stored_version = stored_version
        self._api_version = api_version
        self._kind = kind
        self._namespaced = namespaced
        self._status = status
        self.schema = with_metadata(structural.schema)
        self.empty: Object | None = None

    def decode(self, body: Object, *, applied: bool = False) -> tuple[Object, list[str]]:
        """See ``Rules``."""
        _check_metadata(body, self._kind, self._api_version.rpartition("/")[2])
        value, unknown = self._structural.prune(body)
        value = dict(value) if applied else {**self._structural.drop_nulls(value)}
        value["metadata"] = _without_empty(value.get("metadata") or {})
        return value, unknown

    def default(self, new: Object) -> Object:
        """See ``Rules``."""
        return self._structural.default(new)

    def is_typed(self, new: Object, old: Object, subresource: str) -> bool:
        """See ``Rules``."""
        if not self._status:
            return True
        names = new.keys() - {"status", "metadata"} if subresource == "status" else new.keys() & {"status"}
        aside = {name: new[name] for name in names if new[name] != old.get(name)}
        return not aside or not any(complaints(aside, shape_of(self.schema)))

    def reset(self, new: Object, old: Object | None, subresource: str) -> Object:
        """See ``Rules``."""
        if subresource == "status" and old is not None:
            value: Object = {key: item for key, item in old.items() if key != "status"}
            kept = ("resourceVersion", "uid", "managedFields")
            value["metadata"] = dict(old["metadata"])
            value["metadata"].update({name: new["metadata"][name] for name in kept if name in new["metadata"]})
            if "resourceVersion" not in new["metadata"]:
                value["metadata"].pop("resourceVersion", None)
            if "status" in new:
                value["status"] = new["status"]
            return value
        if not self._status:
            return new
        value = {key: item for key, item in new.items() if key != "status"}
        if old is not None and "status" in old:
            value["status"] = old["status"]
        return value

    def prepare(self, new: Object, old: Object | None, subresource: str) -> Object:
        """See ``Rules``."""
        return new

    def validate(self, new: Object, old: Object | None, subresource: str) -> Sequence[Fault]:
        """See ``Rules``."""
        faults: list[Fault] = []
        for field, wanted in (("kind", self._kind), ("apiVersion", self._api_version)):
            if new.get(field) != wanted:
                faults.append(invalid_value(field, new.get(field), f"must be {wanted}"))
        faults += validate_metadata(new, old, namespaced=self._namespaced, qualified_finalizers=False)
        return [*faults, *self._structural.validate(new, old, subresource=subresource)]

    def show(self, stored: Object) -> Object:
        """See ``Rules``."""
        value, unknown = self._structural.prune(stored)
        shown = self._structural.default(value if unknown else stored)
        if shown.get("apiVersion") != self._api_version:
            shown = {**shown, "apiVersion": self._api_version}
        return shown

    def stored(self, value: Object) -> Object:
        """See ``Rules``."""
        return value if self._stored_version == self._api_version else {**value, "apiVersion": self._stored_version}

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        """See ``Rules``."""
        finalizers = new["metadata"].get("finalizers") or ()
        return [
            f'metadata.finalizers: "{each}": prefer a domain-qualified finalizer name '
            f"{'including a path (/) ' if '.' in each else ''}to avoid accidental conflicts with other finalizer "
            "writers"
            for each in finalizers
            if "/" not in each and each not in ("orphan", "foregroundDeletion")
        ]


def with_metadata(schema: Object) -> Object:
    """The schema of a whole object: what every object has, and what the definition says."""
    text = {"type": "string"}
    properties = {**(schema.get("properties") or {}), "apiVersion": text, "kind": text, "metadata": OBJECT_META}
    return {**schema, "properties": properties}


def _check_metadata(body: Object, kind: str, version: str) -> None:
    """Raises ``ApiFailure`` 400 for metadata of a wrong type, which even a custom object can't have."""
    metadata = body.get("metadata")
    why = _wrong_metadata(metadata) if metadata is not None else ""
    if why:
        message = f'{kind} in version "{version}" cannot be handled as a {kind}: {why}'
        raise ApiFailure(400, "BadRequest", message)


def _without_empty(metadata: Object) -> Object:
    """Metadata as it is stored: what says nothing is left out."""
    found = {name: value for name, value in metadata.items() if value not in (None, "", {}, [], 0)}
    for name in ("labels", "annotations"):
        if name in found:
            found[name] = {key: "" if value is None else value for key, value in found[name].items()}
    if "finalizers" in found:
        found["finalizers"] = ["" if item is None else item for item in found["finalizers"]]
    if "ownerReferences" in found:
        found["ownerReferences"] = [_reference(one) for one in found["ownerReferences"]]
    return found


def _reference(owner: Object) -> Object:
    """An owner as it is stored: what names it is always there."""
    named = dict.fromkeys(("apiVersion", "kind", "name", "uid"), "")
    return named | {name: value for name, value in owner.items() if value is not None}


def _wrong_metadata(metadata: Any) -> str:
    if not isinstance(metadata, dict):
        return "json: cannot unmarshal into Go struct field .metadata"
    for name, value in metadata.items():
        schema = OBJECT_META["properties"].get(name)
        if schema is None or value is None:
            continue
        wanted = {"string": str, "object": dict, "array": list, "integer": int}.get(schema.get("type", ""))
        if wanted and (not isinstance(value, wanted) or isinstance(value, bool)):
            return f"json: cannot unmarshal into Go struct field ObjectMeta.metadata.{name}"
        inner = schema.get("additionalProperties") or schema.get("items") or {}
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if inner.get("type") == "string" and any(item is not None and not isinstance(item, str) for item in items):
            return f"json: cannot unmarshal into Go struct field ObjectMeta.metadata.{name} of type string"
        if inner.get("type") == "object" and any(not isinstance(item, dict) for item in items):
            return f"json: cannot unmarshal into Go struct field ObjectMeta.metadata.{name}"
        if name == "ownerReferences" and not all(map(_is_reference, items)):
            return f"json: cannot unmarshal into Go struct field OwnerReference.metadata.{name}"
    return ""


def _is_reference(owner: Object) -> bool:
    """Whether the members of an owner have their types."""
    flags = ("controller", "blockOwnerDeletion")
    return all(value is None or isinstance(value, bool if name in flags else str) for name, value in owner.items())
